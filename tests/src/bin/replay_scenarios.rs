//! Replays scenarios that the real Dagster has played, on our instance: one document a line on standard input, one
//! result a line on standard output. `cargo xtask scenarios` compares what both have left.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use dagster_instance_tests::scenarios;

fn main() -> ExitCode {
    for line in std::io::stdin().lock().lines() {
        let replayed = match line {
            Ok(line) => scenarios::replay(&line),
            Err(error) => Err(error.into()),
        };
        let printed = replayed.and_then(|results| {
            let mut out = std::io::stdout().lock();
            for result in results {
                writeln!(out, "{result}")?;
            }
            Ok(out.flush()?)
        });
        if let Err(error) = printed {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
