//! `migrate`: brings the databases to the newest revision of Dagster's schema and carries out data migrations, or says what
//! that would change.

mod bigint;
mod plan;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dagster_instance::error::{ErrorKind, chain};
use dagster_instance::storage::{
    DatabaseRole, DatabaseSchema, SchemaProgress, SchemaState, SchemaUpgrade, UpgradeStop,
};
use dagster_instance::{
    DataMigrations, DatabaseChange, InstanceError, MIGRATED_INDEXES, ReindexEvent, Upgrade,
    UpgradeBackup, UpgradeOutcome, UpgradePlan, UpgradeProgress, UpgradedDatabase,
};
use tokio::signal::unix::{SignalKind, signal};

use super::index_progress::{IndexProgress, Resume, print_built};
use crate::args::Migrate;
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{FAILURE, Result, json, open, print, report, text};

/// The exit code when nothing was changed, as it must not be.
const REFUSED: u8 = 2;

/// The exit code when it was to end at once, as a shell has it for a program that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// After how many databases the progress is said.
const DATABASES_BETWEEN: usize = 500;

/// What only processes of newer releases write, by the data migrations that derive it.
const OLD_WRITERS: [(&str, &str); 2] = [
    ("run_backfill_id", "runs without their column `backfill_id`"),
    (
        "backfill_job_name_and_tags",
        "backfills without their column `job_name` and without their rows of tags",
    ),
];

/// How often it is said how far the building of an index is.
const BETWEEN_BUILDING: Duration = Duration::from_secs(5);

pub(crate) async fn run(place: &InstancePlace, args: &Migrate) -> Result<ExitCode> {
    let instance = open::existing(place).await?;
    let names = Names(instance.root_directory().ok());
    let mut how = SchemaUpgrade::default().with_from(args.from.clone()).with_widen_ids(args.bigint);
    if let Some(seconds) = args.lock_wait {
        how = how.with_lock_wait(Duration::from_secs_f64(seconds));
    }
    if args.plan || args.check {
        let plan = instance.upgrade_plan(&how).await?;
        if args.bigint && args.plan {
            bigint::say(&names, &plan)?;
        }
        return told(args, &names, &plan);
    }
    if args.bigint {
        let plan = instance.upgrade_plan(&how).await?;
        if !bigint::is_wanted(args, &names, &plan)? {
            return Ok(ExitCode::from(REFUSED));
        }
    }
    let backup = match &args.backup {
        _ if args.no_backup => UpgradeBackup::Nowhere,
        Some(directory) => UpgradeBackup::In(directory.clone()),
        None => UpgradeBackup::InHome,
    };
    stop_by_signal(how.stop.clone())?;
    let mut said = Said::new();
    let which = data_migrations(args);
    let upgrade = Upgrade::new().with_backup(backup).with_schema(how).with_data_migrations(which);
    let outcome = match instance.upgrade(&upgrade, &mut |at| said.say(at)).await {
        Ok(outcome) => outcome,
        // What is found out after files were copied is no refusal of the command.
        Err(error) if is_refusal(&error) && said.copies.is_none() => {
            report::error(&error);
            return Ok(ExitCode::from(REFUSED));
        }
        Err(error) => {
            said.say_copies();
            return Err(error.into());
        }
    };
    done(args, &names, &outcome)
}

/// Which data migrations belong to the command.
const fn data_migrations(args: &Migrate) -> DataMigrations {
    if args.reindex { DataMigrations::All } else { DataMigrations::OfUpgrade }
}

/// Ends the upgrade in good order at the first signal, and the program at the second.
fn stop_by_signal(stop: UpgradeStop) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.is_asked() {
                std::process::exit(INTERRUPTED);
            }
            stop.ask();
            report::say("Ending, and leaving nothing half done; a second signal ends at once.");
        }
    });
    Ok(())
}

/// What was said of the progress.
struct Said {
    databases: usize,
    building: Option<(Instant, String)>,
    migrating: IndexProgress,
    /// The data migrations of which it was said what processes of old releases leave out.
    old_writers: Vec<&'static str>,
    /// Where copies go.
    copies: Option<PathBuf>,
}

impl Said {
    fn new() -> Self {
        Self {
            databases: 0,
            building: None,
            migrating: IndexProgress::new(Resume::ByItself),
            old_writers: Vec::new(),
            copies: None,
        }
    }

    fn say(&mut self, at: UpgradeProgress) {
        match at {
            // Whoever has the newest revision already has no need to hear of it, unless there is something to derive.
            UpgradeProgress::Begins { databases, data_migrations } if databases > 0 => {
                self.say_of_old_writers(&data_migrations);
            }
            UpgradeProgress::Migrating(at) => {
                if matches!(at.event, ReindexEvent::Started { rows } if rows != Some(0)) {
                    self.say_of_old_writers(&[at.index]);
                }
                self.migrating.say(at);
            }
            UpgradeProgress::Copying { databases, bytes, directory } => {
                let what = counted(databases as u64, "database");
                let line = format!("copying {what} with {bytes} bytes to {}", directory.display());
                report::say(&text::lines(&line));
                self.copies = Some(directory);
            }
            UpgradeProgress::Changing { done, databases }
                if done / DATABASES_BETWEEN > self.databases =>
            {
                self.databases = done / DATABASES_BETWEEN;
                report::say(&format!("{done} of {databases} databases are done"));
            }
            UpgradeProgress::Server(at) => self.say_of_server(&at),
            _ => {}
        }
    }

    /// Says, once, what processes of old releases leave out of what these data migrations derive.
    fn say_of_old_writers(&mut self, data_migrations: &[&str]) {
        let of_these = OLD_WRITERS.iter().filter(|(name, _)| data_migrations.contains(name));
        let new = of_these.filter(|(name, _)| !self.old_writers.contains(name));
        let (names, what): (Vec<_>, Vec<_>) = new.copied().unzip();
        if names.is_empty() {
            return;
        }
        self.old_writers.extend(&names);
        report::say(&format!(
            "Processes of Dagster before 1.9 go on writing {}. Restart them with the new release first, or run \
             `dagster-instance reindex --force --index {}` afterwards.",
            what.join(", and "),
            names.join(" --index ")
        ));
    }

    /// Says where copies are, if an error ends the command.
    fn say_copies(&self) {
        if let Some(directory) = &self.copies {
            let line = format!("What was copied before is in {}. It stays.", directory.display());
            report::say(&text::lines(&line));
        }
    }

    fn say_of_server(&mut self, at: &SchemaProgress) {
        match at {
            SchemaProgress::Step { done, steps, statement } => {
                let first = statement.lines().next().unwrap_or_default();
                report::say(&text::lines(&format!("step {} of {steps}: {first}", done + 1)));
            }
            SchemaProgress::Building { table, phase, done, total } => {
                let is_known = self.building.as_ref().is_some_and(|(said_at, of)| {
                    of == phase && said_at.elapsed() < BETWEEN_BUILDING
                });
                if is_known {
                    return;
                }
                self.building = Some((Instant::now(), phase.clone()));
                let of = if *total > 0 { format!(", {done} of {total}") } else { String::new() };
                report::say(&text::lines(&format!("  index of {table}: {phase}{of}")));
            }
            SchemaProgress::Waiting { what } => {
                report::say(&text::lines(&format!("  waiting for {what}")));
            }
            SchemaProgress::DeletedTags { rows } => {
                report::say(&format!("  {} of doubled tags are deleted", counted(*rows, "row")));
            }
            _ => {}
        }
    }
}

/// How databases are named to people: from the instance's directory.
struct Names(Option<PathBuf>);

impl Names {
    fn of(&self, database: &DatabaseSchema) -> String {
        let path = Path::new(&database.database);
        let below = self.0.as_ref().and_then(|home| path.strip_prefix(home).ok());
        text::value(&below.unwrap_or(path).to_string_lossy())
    }
}

fn is_refusal(error: &InstanceError) -> bool {
    error.kind() == ErrorKind::Unsupported
}

fn revision(database: &DatabaseSchema) -> String {
    database.revision.as_deref().map_or_else(|| "-".to_owned(), text::value)
}

/// Prints what would be done. The exit code says whether there is something.
fn told(args: &Migrate, names: &Names, plan: &UpgradePlan) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if args.output.json {
        for database in &plan.databases {
            writeln!(out, "{}", json::database_to_upgrade(database))?;
        }
        for unbuilt in plan.unbuilt(data_migrations(args)) {
            writeln!(out, "{}", json::index_to_build(unbuilt))?;
        }
    } else if args.plan {
        plan::print_plan(&mut out, names, plan)?;
        plan::print_data_migrations(&mut out, args, plan)?;
    } else {
        plan::print_states(&mut out, names, plan)?;
    }
    let mut refused = false;
    for database in &plan.databases {
        if let SchemaState::Refused(error) | SchemaState::Unreadable(error) = &database.state {
            refused |= matches!(database.state, SchemaState::Refused(_));
            report::failure(&chain(error));
        }
    }
    let unfinished = unfinished(plan.databases.iter());
    say_left(unfinished.into_iter().filter(|name| args.check || !is_asked(args, name)));
    Ok(ExitCode::from(match (refused, plan.is_done()) {
        (true, _) => REFUSED,
        // Whoever asks for the plan has got it.
        (false, done) if done || args.plan => crate::SUCCESS,
        _ => FAILURE,
    }))
}

/// Prints what was done. The exit code says whether a database is left.
fn done(args: &Migrate, names: &Names, outcome: &UpgradeOutcome) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if args.output.json {
        for database in &outcome.databases {
            writeln!(out, "{}", json::upgraded_database(database))?;
        }
        for index in &outcome.indexes {
            writeln!(out, "{}", json::reindexed(index))?;
        }
    } else {
        print_changed(&mut out, names, &outcome.databases)?;
        if !outcome.indexes.is_empty() {
            writeln!(out)?;
            print_built(&mut out, &outcome.indexes)?;
        }
        print_locks(&mut out, &outcome.databases)?;
    }
    for database in &outcome.databases {
        if let DatabaseChange::Failed(error) = &database.change {
            report::failure(&chain(error));
        }
        let deleted = database.upgraded.deleted_tags;
        if deleted > 0 {
            report::say(&format!(
                "Tags of runs were there more than once: {} are deleted, all but the first of each.",
                counted(deleted, "row")
            ));
        }
    }
    if let Some(directory) = &outcome.backup {
        report::say(&text::lines(&format!("The copies of before are in {}.", directory.display())));
    }
    if let Some(error) = &outcome.data_migration_error {
        report::error(error);
    }
    let unfinished = unfinished(outcome.databases.iter().map(|database| &database.found));
    let is_done = |name: &str| outcome.indexes.iter().any(|index| index.index == name);
    say_left(unfinished.into_iter().filter(|name| !is_done(name)));
    Ok(ExitCode::from(if outcome.has_failed() { FAILURE } else { crate::SUCCESS }))
}

fn print_changed(
    out: &mut impl Write,
    names: &Names,
    databases: &[UpgradedDatabase],
) -> Result<()> {
    let change = |database: &UpgradedDatabase| match database.change {
        DatabaseChange::Upgraded => "upgraded",
        DatabaseChange::Failed(_) if database.found.role == DatabaseRole::Everything => {
            "failed, what was done stays"
        }
        DatabaseChange::Failed(_) => "failed, as it was",
        _ => "newest",
    };
    let mut of_runs: BTreeMap<_, u64> = BTreeMap::new();
    let mut rows = Vec::new();
    for database in databases {
        let found = &database.found;
        if found.role == DatabaseRole::EventsOfOneRun {
            *of_runs.entry((change(database), revision(found))).or_default() += 1;
        } else {
            rows.push(vec![names.of(found), revision(found), change(database).to_owned()]);
        }
    }
    for ((change, revision), count) in of_runs {
        rows.push(vec![counted(count, "log of runs"), revision, change.to_owned()]);
    }
    Ok(print::Table::new(&["DATABASE", "WAS AT", "STATE"]).rows(out, &rows)?)
}

fn is_of_upgrade(name: &&'static str) -> bool {
    MIGRATED_INDEXES.contains(name)
}

fn is_asked(args: &Migrate, name: &&'static str) -> bool {
    data_migrations(args).names().contains(name)
}

/// The data migrations that are not marked as finished.
fn unfinished<'d>(databases: impl Iterator<Item = &'d DatabaseSchema>) -> Vec<&'static str> {
    databases.flat_map(|database| database.unfinished_data_migrations.iter().copied()).collect()
}

/// Says which data migrations are left, and what carries them out.
fn say_left(names: impl Iterator<Item = &'static str>) {
    let (of_upgrade, others): (Vec<_>, Vec<_>) = names.partition(is_of_upgrade);
    for (names, command) in [(of_upgrade, "migrate"), (others, "reindex")] {
        if !names.is_empty() {
            report::say(&format!(
                "Data migrations are left, without which some reads are slower: {}. `dagster-instance {command}` carries \
                 them out.",
                names.join(", ")
            ));
        }
    }
}

/// The locks that others may have felt.
fn print_locks(out: &mut impl Write, databases: &[UpgradedDatabase]) -> Result<()> {
    let seconds = |duration: Duration| format!("{:.3} s", duration.as_secs_f64());
    let locks = databases.iter().flat_map(|database| &database.upgraded.locks);
    let rows: Vec<_> = locks
        .map(|held| {
            let tries = held.tries.to_string();
            let statement = text::value(held.statement.lines().next().unwrap_or_default());
            let (held_for, waited) = (seconds(held.held), seconds(held.waited));
            vec![held.table.clone(), held.lock.to_owned(), held_for, waited, tries, statement]
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let heads = ["TABLE", "LOCK", "HELD", "WAITED", "TRIES", "FOR"];
    Ok(print::Table::new(&heads).rows(out, &rows)?)
}
