//! The Python side: the real Dagster, in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::Result;

/// The Python side, which does one task at a time.
pub(crate) struct Dagster {
    child: Child,
    tasks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Dagster {
    pub(crate) fn start(python: &str, script: &str) -> Result<Self> {
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let tasks = child.stdin.take();
        let answers = child.stdout.take().ok_or("the output is not piped")?;
        Ok(Self { child, tasks, answers: BufReader::new(answers) })
    }

    /// Has it do a task; returns how long that took.
    pub(crate) fn seconds(&mut self, task: &Value) -> Result<f64> {
        writeln!(self.tasks.as_mut().ok_or("the input is closed")?, "{task}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Value =
            serde_json::from_str(&line).map_err(|error| format!("{task}: {error}"))?;
        answer["seconds"].as_f64().ok_or_else(|| format!("{task}: {line}").into())
    }
}

impl Drop for Dagster {
    fn drop(&mut self) {
        self.tasks = None;
        // It ends with its input; an error here would hide the one that led here.
        let _ = self.child.wait();
    }
}
