//! Loads homes with our instance: one document a line on standard input, one answer a line on standard output.
//! `cargo xtask configurations` compares the answers with those of the real Dagster.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use dagster_instance_tests::configurations;

fn main() -> ExitCode {
    for line in std::io::stdin().lock().lines() {
        let answer = match line {
            Ok(line) => configurations::load(&line),
            Err(error) => Err(error.into()),
        };
        let printed = answer.and_then(|answer| Ok(writeln!(std::io::stdout(), "{answer}")?));
        if let Err(error) = printed {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
