//! Our text against Python's, for generated documents and values, a JSON line each.
//!
//! The lines come from `tests/python/differential.py`: `json` and `expected` for a plain document,
//! `class` and `body` for a value. Prints what differs, and last `N documents and M values, K differ`.
//! The first that differ are made as short as they can be and added to the file that is the only
//! argument, from which the generator takes them from then on.
#![expect(clippy::print_stdout, reason = "the counts are what it is for")]

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, ExitCode, Stdio};

use dagster_instance::classes::class_of;
use dagster_instance::serdes::{SerdesError, canonical_text};
use dagster_instance_tests::{dagster_script, difference, minimised};
use serde_json::{Value, json};

/// How many differences are shown and kept.
const SHOWN: usize = 10;

fn main() -> io::Result<ExitCode> {
    let kept = std::env::args_os().nth(1);
    let (mut documents, mut values, mut differ) = (0, 0, 0);
    for line in io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let kind = if line["json"].is_string() { Kind::Document } else { Kind::Value };
        let text = line[kind.field()].as_str().unwrap_or_default();
        let expected = match kind {
            Kind::Document => line["expected"].as_str().unwrap_or_default(),
            Kind::Value => text,
        };
        match kind {
            Kind::Document => documents += 1,
            Kind::Value => values += 1,
        }
        if kind.written(text).as_deref() == Ok(expected) {
            continue;
        }
        differ += 1;
        if differ > SHOWN {
            continue;
        }
        let mut dagster = Dagster::start()?;
        let short = minimised(text, |text| {
            let expected = dagster.expected(kind, text)?;
            Ok(expected.is_some_and(|expected| kind.written(text).as_deref() != Ok(&expected)))
        })?;
        let expected = dagster.expected(kind, &short)?.unwrap_or_default();
        match kind.written(&short) {
            Ok(written) => println!("{short}\n{}", difference(&expected, &written)),
            Err(error) => println!("{short}\n{error}"),
        }
        if let Some(kept) = &kept {
            let mut kept = OpenOptions::new().append(true).create(true).open(kept)?;
            writeln!(kept, "{}", json!({ kind.field(): short }))?;
        }
    }
    println!("{documents} documents and {values} values, {differ} differ");
    let failed = differ > 0 || documents == 0 || values == 0;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What a text is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Any JSON.
    Document,
    /// What Dagster writes for a value of a class.
    Value,
}

impl Kind {
    /// The name that it has in a line.
    const fn field(self) -> &'static str {
        match self {
            Self::Document => "json",
            Self::Value => "body",
        }
    }

    /// What we write for it.
    fn written(self, text: &str) -> Result<String, SerdesError> {
        let class = match self {
            Self::Document => None,
            Self::Value => class_of(text)?,
        };
        class.map_or_else(|| canonical_text(text), |class| Ok(class.rewrite(text)?.text))
    }
}

/// The real one, in a process that is asked about one text after the other.
struct Dagster {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Dagster {
    fn start() -> io::Result<Self> {
        let mut process = dagster_script("differential.py")
            .arg("--answer")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = process.stdin.take();
        let answers = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { process, questions, answers: BufReader::new(answers) })
    }

    /// What it writes for the text; `None` if it would not have written or does not read that.
    fn expected(&mut self, kind: Kind, text: &str) -> io::Result<Option<String>> {
        let questions = self.questions.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(questions, "{}", json!({ kind.field(): text }))?;
        questions.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Dagster {
    fn drop(&mut self) {
        // Without questions it ends by itself.
        self.questions = None;
        let _ = self.process.wait();
    }
}
