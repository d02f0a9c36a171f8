//! How fast assets are read and wiped where there are many: beside the real Dagster, on the same homes, in one run.
//!
//! Usage: `assets PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]`; a quick run leaves the document alone.
//! `assets ours` is the process that does our part, task by task, as SCRIPT does Dagster's.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it starts the other processes, and the table is what it is for"
)]

mod cases;
mod home;
mod ours;

use std::path::Path;

use dagster_instance_tests::speed::{Report, flush_us};

use crate::home::{Home, Size};

const INTRODUCTION: &str = "\
# Assets, beside Dagster

Written by `cargo xtask bench assets`; a run on another machine, or at another hour, has other figures, and about the
same ratios. 10,000 assets of 100 partitions each, all of them materialised: 1,000,000 events. Both sides read the same
home. Each figure is the median of rounds in which both take turns, each time in a fresh process that has opened the
instance before. \"Memory\" is the most that such a process has used for itself. Dagster's open source cannot wipe
partitions of assets.
";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["ours"] {
        return ours::answer_all().await;
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    // `cargo bench` adds an argument of its own.
    arguments.retain(|argument| argument != "--quick" && argument != "--bench");
    let [python, script, directory, url, document] = &arguments[..] else {
        return Err("usage: assets PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]".into());
    };
    let directory = Path::new(directory);
    let size = if is_quick { Size::QUICK } else { Size::WHOLE };
    let mut report = Report::new(3);
    println!("{} rounds", report.rounds);
    for home in [Home::sqlite(directory)?, Home::postgres(directory, url).await?] {
        let seconds = home.fill(size).await?;
        println!("{} materialisations were written in {seconds:.1} s", size.events());
        cases::all(&mut report, &home, size, (python, script), flush_us(directory)?)?;
    }
    if is_quick {
        return Ok(());
    }
    report.write(Path::new(document), INTRODUCTION)
}
