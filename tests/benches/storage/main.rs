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
mod events;
mod raw;
mod sides;

use std::path::Path;

use dagster_instance_tests::speed::{Dagster, Report, flush_us};
use sides::Sides;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

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
    let introduction = format!(
        "# The storages, beside Dagster and the bare driver\n\n\
         Written by `cargo xtask bench storage`; a run on another machine, or at another hour, has other\n\
         figures, and about the same ratios. Medians of {} rounds, in each of which Dagster, ours and the\n\
         limit take turns. The limit is the bare driver, which stores the rows of the events and nothing\n\
         that follows from them, in one table of one file; a materialisation is in two files with\n\
         SQLite, with its tags, and its asset's row is changed. Times are for one operation; of a batch or\n\
         of concurrent callers, for one event.\n",
        report.rounds
    );
    report.write(Path::new(document), &introduction)
}
