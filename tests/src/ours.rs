//! The binary under test, as a process.
#![expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::home::Home;
use crate::memory::memory;
use crate::tools::{binary, binary_with_clouds};

/// A run of the binary that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
}

impl Finished {
    /// The lines of standard output, each a JSON document.
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| match serde_json::from_str(line) {
            Ok(document) => document,
            Err(error) => panic!("{error} in {line}"),
        };
        self.stdout.lines().map(parse).collect()
    }

    /// The same run, after a check that it ended with code zero.
    #[expect(clippy::return_self_not_must_use, reason = "often the check is all that is wanted")]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A run of the binary that goes on.
#[derive(Debug)]
pub struct Running(Child);

impl Home {
    /// Runs the binary over this home to its end.
    pub fn ours(&self, arguments: &[&str]) -> Finished {
        match self.command(arguments).stdin(Stdio::null()).output() {
            Ok(output) => Finished::of(&output),
            Err(error) => panic!("{} could not be started: {error}", binary().display()),
        }
    }

    /// The same with these environment variables.
    pub fn ours_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
        let mut command = self.command(arguments);
        match command.envs(variables.iter().copied()).stdin(Stdio::null()).output() {
            Ok(output) => Finished::of(&output),
            Err(error) => panic!("{} could not be started: {error}", binary().display()),
        }
    }

    /// The same by the binary that knows clouds.
    pub fn ours_with_clouds(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
        let mut command = Command::new(binary_with_clouds());
        command.arg("--home").arg(self.path()).args(arguments).env_remove("DAGSTER_HOME");
        match command.envs(variables.iter().copied()).stdin(Stdio::null()).output() {
            Ok(output) => Finished::of(&output),
            Err(error) => {
                panic!("{} could not be started: {error}", binary_with_clouds().display())
            }
        }
    }

    /// The same in another working directory.
    pub fn ours_in(&self, directory: &Path, arguments: &[&str]) -> Finished {
        match self.command(arguments).current_dir(directory).stdin(Stdio::null()).output() {
            Ok(output) => Finished::of(&output),
            Err(error) => panic!("{} could not be started: {error}", binary().display()),
        }
    }

    /// Starts the binary over this home.
    pub fn start_ours(&self, arguments: &[&str]) -> Running {
        let child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match child {
            Ok(child) => Running(child),
            Err(error) => panic!("{} could not be started: {error}", binary().display()),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        // `exec` takes what follows `--` as its own; the home has to come before.
        command.arg("--home").arg(self.path()).args(arguments).env_remove("DAGSTER_HOME");
        command
    }
}

impl Running {
    /// Waits until it has printed a line with this text on standard output.
    pub fn wait_for_line(&mut self, text: &str) {
        let Some(stdout) = self.0.stdout.as_mut() else {
            panic!("standard output is not captured")
        };
        let mut line = String::new();
        let mut reader = BufReader::with_capacity(1, stdout);
        while !line.contains(text) {
            line.clear();
            match reader.read_line(&mut line) {
                Ok(0) => panic!("it ended before it printed {text:?}"),
                Ok(_) => {}
                Err(error) => panic!("its output cannot be read: {error}"),
            }
        }
    }

    /// Waits until it has said a line with this text on standard error, of which later lines are lost.
    pub fn wait_for_said(&mut self, text: &str) {
        let Some(stderr) = self.0.stderr.as_mut() else { panic!("standard error is not captured") };
        let (mut said, mut line) = (String::new(), String::new());
        let mut reader = BufReader::with_capacity(1, stderr);
        while !line.contains(text) {
            line.clear();
            match reader.read_line(&mut line) {
                Ok(0) => panic!("it ended before it said {text:?}:\n{said}"),
                Ok(_) => said.push_str(&line),
                Err(error) => panic!("its standard error cannot be read: {error}"),
            }
        }
    }

    /// The lines that it prints on standard output, as they come.
    pub fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let Some(stdout) = self.0.stdout.take() else { panic!("standard output is not captured") };
        BufReader::new(stdout).lines().map(|line| match line {
            Ok(line) => line,
            Err(error) => panic!("its output cannot be read: {error}"),
        })
    }

    /// The most memory that it has used so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        match memory(&self.0.id().to_string(), "VmHWM") {
            Ok(bytes) => bytes,
            Err(error) => panic!("its memory is not known: {error}"),
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).map(Pid::from_raw);
        assert_eq!(pid.map(|pid| kill(pid, signal)), Ok(Ok(())), "the signal was not sent");
    }

    /// Waits for its end.
    pub fn finish(self) -> Finished {
        match self.0.wait_with_output() {
            Ok(output) => Finished::of(&output),
            Err(error) => panic!("it cannot be waited for: {error}"),
        }
    }
}
