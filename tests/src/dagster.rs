//! The pinned Dagster: scripts in `tests/python`, each of which prints one JSON document.
#![expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::tools::{python, root};

/// A script that is still to be started, with no home of the caller's.
pub fn dagster_script(script: &str) -> Command {
    let mut command = Command::new(python());
    command.arg(root().join("tests/python").join(script));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("DAGSTER_HOME");
    command
}

/// Runs a script and returns what it prints; a script that fails fails the test.
pub fn dagster(script: &str, arguments: &[&str]) -> Value {
    dagster_with_input(script, arguments, &Value::Null)
}

/// The same with a document on the script's standard input.
pub fn dagster_with_input(script: &str, arguments: &[&str], input: &Value) -> Value {
    let child = dagster_script(script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let output = child.and_then(|mut child| {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.to_string().as_bytes())?;
        }
        child.wait_with_output()
    });
    match output {
        Ok(output) if output.status.success() => match serde_json::from_slice(&output.stdout) {
            Ok(document) => document,
            Err(error) => panic!("{script} printed no JSON: {error}"),
        },
        Ok(output) => {
            panic!("{script} {arguments:?} failed:\n{}", String::from_utf8_lossy(&output.stderr))
        }
        Err(error) => panic!("{script} could not be started: {error}"),
    }
}
