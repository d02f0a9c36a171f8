//! How fast runs are created and events reported, and how soon a watcher in another process has an event: beside
//! the real Dagster, in one run.
//!
//! Usage: `instance PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]`; a quick run leaves the document alone.
//! `instance writer HOME RUN_ID COUNT` is the process that writes what is watched.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it starts the other processes, and the table is what it is for"
)]

mod cases;
mod homes;
mod watching;

use std::path::Path;

use dagster_instance_tests::speed::{Dagster, Report, flush_us};
use homes::Homes;

const INTRODUCTION: &str = "\
# The instance, beside Dagster

Written by `cargo xtask bench instance`; a run on another machine, or at another hour, has other figures, and about
the same ratios. Medians of rounds in which Dagster and we take turns, each with homes of its own; times are for one
operation. A run of 20 assets is created with its snapshots and 20 planned materialisations; `create_run_for_job` is
Dagster's, which builds the snapshots from the definition of the job first.
";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, home, run_id, count] = &arguments[..]
        && role == "writer"
    {
        return watching::write(Path::new(home), run_id, count.parse()?).await;
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    // `cargo bench` adds an argument of its own.
    arguments.retain(|argument| argument != "--quick" && argument != "--bench");
    let [python, script, directory, url, document] = &arguments[..] else {
        return Err(
            "usage: instance PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]".into()
        );
    };
    let directory = Path::new(directory);
    let mut dagster = Dagster::start(python, script)?;
    let mut report = Report::new(if is_quick { 3 } else { 7 });
    println!("{} rounds", report.rounds);
    let job = dagster_instance_tests::PythonJob::named("twenty_assets");
    let request = job.whole_run().await?;
    let homes = Homes::sqlite(directory)?;
    report.begin("SQLite", flush_us(directory)?);
    cases::all(&mut report, &mut dagster, &homes, &request, is_quick).await?;
    let on_postgres = Homes::postgres(directory, url).await?;
    report.begin("Postgres", flush_us(directory)?);
    cases::all(&mut report, &mut dagster, &on_postgres, &request, is_quick).await?;
    // In homes and processes that have done nothing before, to be fair to Dagster's watcher.
    drop(dagster);
    let directory = directory.join("watching");
    let homes = [Homes::sqlite(&directory)?, Homes::postgres(&directory, url).await?];
    for (name, homes) in ["SQLite", "Postgres"].into_iter().zip(homes) {
        let mut watcher = Dagster::start(python, script)?;
        let mut writer = Dagster::start(python, script)?;
        watching::begin(&mut report, name);
        watching::all(&mut report, &mut watcher, &mut writer, &homes.shared, is_quick).await?;
    }
    if is_quick {
        return Ok(());
    }
    report.write(Path::new(document), INTRODUCTION)
}
