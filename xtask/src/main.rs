//! `cargo xtask`: the command line of the project's build steps.
//!
//! Here: the sub-commands and which function answers each. Not here: what a step does (one module
//! per step), nor anything that the product needs at run time.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a build tool starts processes, reads its environment and answers on the terminal"
)]

mod advisories;
mod bench;
mod cached;
mod cargo_steps;
mod check;
mod codegen;
mod compat;
mod configurations;
mod conformance;
mod corpus;
mod crash;
mod cron;
mod endurance;
mod examples;
mod features;
mod keepers;
mod kube;
mod late_failures;
mod old_databases;
mod outside;
mod package;
mod parity;
mod pgbouncer;
mod postgres;
mod process;
mod public_api;
mod python_env;
mod queue_decisions;
mod roles;
mod scenarios;
mod scratch;
mod scripts;
mod sdist;
mod spelling;
mod tidy;
mod two_writers;
mod upgrade_bench;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Build steps of this workspace; `check` is the one gate, here and in CI.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every step in order, stop at the first that fails, and print what each one took
    Check {
        /// Only formatting, lints, tidy and unit tests: no feature sets, no docs, no Python
        #[arg(long)]
        quick: bool,
    },
    /// Check the formatting
    Fmt,
    /// Check the project's own rules: crate edges, module docs, SQL's place, file sizes, licences
    Tidy,
    /// Write the files that follow from others: the facade's methods, the schema of dagster.yaml, the list of our own crates
    Codegen {
        /// Only fail when one of them is not up to date
        #[arg(long)]
        check: bool,
    },
    /// Look for typing errors in sources and documents
    Spelling,
    /// Check the locked crates against the snapshot of RustSec's database
    Advisories {
        /// Make the snapshot from this checkout of the database first
        #[arg(long, value_name = "CHECKOUT")]
        update: Option<PathBuf>,
    },
    /// Run clippy over everything, warnings denied
    Clippy,
    /// Check each crate without features and with each of its features alone
    Features,
    /// Run the tests of the crates (those that need Python are under `compat`)
    Test {
        /// Only the tests inside `src/`, without the integration binaries
        #[arg(long)]
        unit: bool,
        /// Arguments for the test binaries, after `--`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Run the documentation's examples
    Doctest,
    /// Build the documentation, private items too, warnings denied
    Doc,
    /// Run the example programs of the published crates
    Examples {
        /// Which one; all unless said
        name: Option<String>,
    },
    /// Build, test and run the projects outside of the workspace, in `tests/outside/`
    Outside {
        /// Which one; all unless said
        name: Option<String>,
    },
    /// Package the published crates, and check what the packages hold
    Package,
    /// Compare what each published library offers with its snapshot in `docs/public-api/`
    PublicApi {
        /// Write the snapshots
        #[arg(long)]
        bless: bool,
    },
    /// Bring up the Python environment with the pinned Dagster and print its interpreter's path
    Python,
    /// Write the page that lists the members of Dagster's class beside our methods
    Parity {
        /// Only fail when the page is not up to date
        #[arg(long)]
        check: bool,
    },
    /// Run the tests against the real Dagster, with the release binary
    Compat {
        /// Arguments for the test binaries, after `--`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Run the launcher of Kubernetes against a real API server, which is built once of Debian's sources
    Kube {
        /// Arguments for the test binary, after `--`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Kill writers and servers again and again, and look for what they had acknowledged
    Crash(crash::Crashes),
    /// Compare when schedules tick with the real Dagster, in more time zones than the gate does
    Cron(cron::Cron),
    /// Write one database with Dagster at the same time, for longer than the gate does
    TwoWriters(two_writers::TwoWriters),
    /// Have Dagster commit more failures of runs late than the gate does, and look that each is retried once
    LateFailures(late_failures::LateFailures),
    /// Kill the processes that keep the queue, monitoring and retries again and again, and look at every run afterwards
    Keepers(keepers::Keepers),
    /// Ask Dagster's daemon and ours which runs of random queues are launched, more often than the gate does
    QueueDecisions(queue_decisions::QueueDecisions),
    /// Play scenarios of runs and events on the real Dagster and on ours, and compare what both leave
    Scenarios(scenarios::Scenarios),
    /// Load homes with the real Dagster and with ours, and compare what both make of each `dagster.yaml`
    Configurations(configurations::Configurations),
    /// Store very many events through many writers while another process follows them
    Endurance(endurance::Endurance),
    /// Run Dagster's own storage suites against our storages
    Conformance(conformance::Conformance),
    /// Bring up a Postgres for tests, print its URL, and stop it when standard input ends
    Postgres,
    /// Read and write again every body that the real Dagster stores in a corpus of homes
    Corpus {
        /// The databases of older releases instead
        #[arg(long)]
        old: bool,
    },
    /// Unpack the databases that old releases of Dagster left, or make them again by running these releases
    OldDatabases(old_databases::OldDatabases),
    /// Compare our text with Python's for generated documents and values
    Differential(corpus::Size),
    /// Feed damaged bodies of the corpus to the reader
    Fuzz {
        /// For how long
        #[arg(long, default_value_t = 10)]
        seconds: u32,
        /// Which damage
        #[arg(long, default_value_t = 1)]
        seed: u32,
    },
    /// Measure ours and the real Dagster side by side
    Bench {
        /// Fewer repetitions
        #[arg(long)]
        quick: bool,
        /// Which benchmark; all unless said
        name: Option<String>,
    },
    /// Measure upgrades of a large Postgres of an old release, ours and Dagster's side by side
    UpgradeBench(upgrade_bench::UpgradeBench),
    /// Write generated files, mend typing errors, apply the suggestions of clippy that it can apply itself, and format
    Fix,
}

fn main() -> ExitCode {
    if let Some(exit_code) = public_api::as_rustdoc() {
        return exit_code;
    }
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    let workspace = Workspace::find()?;
    match command {
        Command::Check { quick } => check::run(&workspace, *quick),
        Command::Fmt => cargo_steps::fmt(&workspace),
        Command::Tidy => tidy::run(&workspace),
        Command::Codegen { check } => codegen::run(&workspace, *check),
        Command::Spelling => spelling::run(&workspace, false),
        Command::Advisories { update } => advisories::run(&workspace, update.as_deref()),
        Command::Clippy => cargo_steps::clippy(&workspace),
        Command::Features => features::run(&workspace),
        Command::Test { unit: false, args } => cargo_steps::test(&workspace, args),
        Command::Test { unit: true, args } => cargo_steps::unit_test(&workspace, args),
        Command::Doctest => cargo_steps::doctest(&workspace),
        Command::Doc => cargo_steps::doc(&workspace),
        Command::Examples { name } => examples::run(&workspace, name.as_deref()),
        Command::Outside { name } => outside::run(&workspace, name.as_deref()),
        Command::Package => package::run(&workspace),
        Command::PublicApi { bless } => public_api::run(&workspace, *bless),
        Command::Python => {
            // The path alone on standard output, so that `$(cargo xtask python) -m dagster ..`
            // works.
            println!("{}", python_env::ensure(&workspace)?.display());
            Ok(())
        }
        Command::Parity { check } => parity::run(&workspace, *check),
        Command::Compat { args } => compat::run(&workspace, args),
        Command::Kube { args } => kube::run(&workspace, args),
        Command::Endurance(endurance) => endurance::run(&workspace, *endurance),
        Command::Scenarios(scenarios) => scenarios::run(&workspace, scenarios),
        Command::Configurations(configurations) => configurations::run(&workspace, configurations),
        Command::Crash(crashes) => crash::run(&workspace, crashes),
        Command::Cron(cron) => cron::run(&workspace, cron),
        Command::TwoWriters(writers) => two_writers::run(&workspace, writers),
        Command::LateFailures(failures) => late_failures::run(&workspace, failures),
        Command::Keepers(keepers) => keepers::run(&workspace, keepers),
        Command::QueueDecisions(decisions) => queue_decisions::run(&workspace, decisions),
        Command::Conformance(wanted) => conformance::run(&workspace, wanted),
        Command::Postgres => postgres::serve(&workspace),
        Command::Corpus { old: false } => corpus::corpus(&workspace),
        Command::Corpus { old: true } => corpus::old_corpus(&workspace),
        Command::OldDatabases(databases) => old_databases::run(&workspace, databases),
        Command::Differential(size) => corpus::differential(&workspace, size),
        Command::Fuzz { seconds, seed } => corpus::fuzz(&workspace, *seconds, *seed),
        Command::Bench { quick, name } => bench::run(&workspace, *quick, name.as_deref()),
        Command::UpgradeBench(bench) => upgrade_bench::run(&workspace, bench),
        Command::Fix => cargo_steps::fix(&workspace),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_step_of_check_is_a_sub_command_of_its_own() {
        for step in check::STEPS {
            let words = ["cargo xtask"].into_iter().chain(step.command.split(' '));
            assert!(
                Cli::try_parse_from(words).is_ok(),
                "`cargo xtask {}` does not parse",
                step.command
            );
        }
    }
}
