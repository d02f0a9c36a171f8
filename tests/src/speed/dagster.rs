//! The Python side: the real Dagster, in a process of its own.

#![expect(clippy::disallowed_methods, reason = "benchmarks start the other side")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::Result;

/// The Python side, which does one task at a time.
#[derive(Debug)]
pub struct Dagster {
    child: Child,
    tasks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Dagster {
    /// Starts a script with an interpreter.
    ///
    /// # Errors
    ///
    /// The interpreter cannot be started.
    pub fn start(python: &str, script: &str) -> Result<Self> {
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
    ///
    /// # Errors
    ///
    /// The script does not answer, or answers without a time.
    pub fn seconds(&mut self, task: &Value) -> Result<f64> {
        let answer = self.answer(task)?;
        answer["seconds"].as_f64().ok_or_else(|| format!("{task}: {answer}").into())
    }

    /// Has it do a task; returns what it answers.
    ///
    /// # Errors
    ///
    /// The script does not answer, or its answer is not JSON.
    pub fn answer(&mut self, task: &Value) -> Result<Value> {
        writeln!(self.tasks.as_mut().ok_or("the input is closed")?, "{task}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|error| format!("{task}: {error}").into())
    }
}

impl Drop for Dagster {
    fn drop(&mut self) {
        self.tasks = None;
        // It ends with its input; an error here would hide the one that led here.
        let _ = self.child.wait();
    }
}
