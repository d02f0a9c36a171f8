//! How fast the storages are, beside the real Dagster's and the bare driver, in one run.
//!
//! Each case is done in rounds: by Dagster, by us, and where there is a limit to compare with, by the bare
//! driver writing the same rows. What is printed are medians, and ratios of medians: absolute figures of a
//! disk change from hour to hour. Usage: `storage PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]`;
//! a quick run leaves the document alone.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it starts the Python side, and the table is what it is for"
)]

mod cases;
mod dagster;
mod events;
mod raw;
mod report;
mod sides;

use std::error::Error;
use std::path::Path;

use dagster::Dagster;
use report::{Report, flush_us};
use sides::Sides;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    // `cargo bench` adds an argument of its own.
    arguments.retain(|argument| argument != "--quick" && argument != "--bench");
    let [python, script, directory, url, document] = &arguments[..] else {
        return Err("usage: storage PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]".into());
    };
    let directory = Path::new(directory);
    let mut dagster = Dagster::start(python, script)?;
    let mut report = Report::new(if is_quick { 3 } else { 7 });
    println!("{} rounds", report.rounds);
    let mut sqlite = Sides::sqlite(directory).await?;
    report.begin("SQLite", flush_us(directory)?);
    cases::all(&mut report, &mut dagster, &mut sqlite, is_quick).await?;
    let mut postgres = Sides::postgres(directory, url).await?;
    report.begin("Postgres", flush_us(directory)?);
    cases::all(&mut report, &mut dagster, &mut postgres, is_quick).await?;
    println!("\nflush of 4 KiB at the end: {:.0} us", flush_us(directory)?);
    if is_quick {
        return Ok(());
    }
    report.write(Path::new(document))
}
