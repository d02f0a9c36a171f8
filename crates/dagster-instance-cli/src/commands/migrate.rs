//! `migrate`: brings the databases to the newest revision of Dagster's schema and carries out data migrations, or says what
//! that would change.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use dagster_instance::error::ErrorKind;
use dagster_instance::storage::{DatabaseRole, DatabaseSchema, SchemaChange, SchemaState};
use dagster_instance::{
    DataMigrations, DatabaseChange, InstanceError, MIGRATED_INDEXES, Upgrade, UpgradeBackup,
    UpgradeOutcome, UpgradePlan, UpgradeProgress, UpgradedDatabase,
};

use super::index_progress::{IndexProgress, Resume, print_built};
use crate::args::Migrate;
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{FAILURE, Result, json, open, print, report, text};

/// The exit code when nothing was changed, as it must not be.
const REFUSED: u8 = 2;

/// After how many databases the progress is said.
const DATABASES_BETWEEN: usize = 500;

/// What is said before the runs of backfills get a column that only newer processes fill.
const OLD_WRITERS: &str = "Processes of Dagster before 1.9 go on writing runs without their column `backfill_id`. Restart \
     them with the new release first, or run `dagster-instance reindex --force --index run_backfill_id` afterwards.";

pub(crate) async fn run(place: &InstancePlace, args: &Migrate) -> Result<ExitCode> {
    let instance = open::existing(place).await?;
    let names = Names(instance.root_directory().ok());
    if args.plan || args.check {
        let plan = instance.upgrade_plan().await?;
        return told(args, &names, &plan);
    }
    let backup = match &args.backup {
        _ if args.no_backup => UpgradeBackup::Nowhere,
        Some(directory) => UpgradeBackup::In(directory.clone()),
        None => UpgradeBackup::InHome,
    };
    let mut said = 0;
    let mut building = IndexProgress::new(Resume::ByItself);
    let mut progress = |at: UpgradeProgress| match at {
        UpgradeProgress::Begins { data_migrations } => {
            if data_migrations.contains(&"run_backfill_id") {
                report::say(OLD_WRITERS);
            }
        }
        UpgradeProgress::Migrating(at) => building.say(at),
        UpgradeProgress::Copying { databases, bytes, directory } => {
            let what = counted(databases as u64, "database");
            let line = format!("copying {what} with {bytes} bytes to {}", directory.display());
            report::say(&text::lines(&line));
        }
        UpgradeProgress::Changing { done, databases } if done / DATABASES_BETWEEN > said => {
            said = done / DATABASES_BETWEEN;
            report::say(&format!("{done} of {databases} databases are done"));
        }
        _ => {}
    };
    let upgrade = Upgrade::new().with_backup(backup).with_data_migrations(data_migrations(args));
    let outcome = match instance.upgrade(&upgrade, &mut progress).await {
        Ok(outcome) => outcome,
        Err(error) if is_refusal(&error) => {
            report::error(&error);
            return Ok(ExitCode::from(REFUSED));
        }
        Err(error) => return Err(error.into()),
    };
    done(args, &names, &outcome)
}

/// Which data migrations belong to the command.
const fn data_migrations(args: &Migrate) -> DataMigrations {
    if args.reindex { DataMigrations::All } else { DataMigrations::OfUpgrade }
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
        print_plan(&mut out, names, plan)?;
        print_data_migrations(&mut out, args, plan)?;
    } else {
        print_states(&mut out, names, plan)?;
    }
    let mut refused = false;
    for database in &plan.databases {
        if let SchemaState::Refused(error) | SchemaState::Unreadable(error) = &database.state {
            refused |= matches!(database.state, SchemaState::Refused(_));
            report::failure(&report::chain(error));
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

/// Databases with the same plan together: there may be very many of single runs.
fn print_plan(out: &mut impl Write, names: &Names, plan: &UpgradePlan) -> Result<()> {
    for (of_runs, group) in groups(&plan.databases, |database| match &database.state {
        SchemaState::Older { changes, doubled_tags, .. } => {
            Some((Arc::as_ptr(changes).addr(), *doubled_tags))
        }
        _ => None,
    }) {
        let Some(first) = group.first() else { continue };
        let SchemaState::Older { to, changes, doubled_tags } = &first.state else { continue };
        let from = first.revision.as_deref().unwrap_or("no revision");
        let what = if of_runs && group.len() > 1 {
            format!("{} logs of runs, such as {}", group.len(), names.of(first))
        } else {
            names.of(first)
        };
        writeln!(out, "{}: from {} to {to}", what, text::value(from))?;
        if *doubled_tags > 0 {
            writeln!(
                out,
                "-- {} are there more than once: all but the first of each are deleted",
                counted(*doubled_tags, "tag of runs")
            )?;
        }
        print_changes(out, changes)?;
        writeln!(out)?;
    }
    if plan.databases.iter().all(|database| !database.is_older()) {
        writeln!(out, "Every database that can be read has the newest revision.")?;
    }
    Ok(())
}

fn print_changes(out: &mut impl Write, changes: &[SchemaChange]) -> Result<()> {
    let mut heading = None;
    for change in changes {
        let next = Some((change.revision, change.release));
        if next != heading {
            match change.revision {
                Some(revision) => writeln!(out, "-- {revision}, Dagster {}", change.release)?,
                None => writeln!(out, "-- missing tables of Dagster {}", change.release)?,
            }
            heading = next;
        }
        for statement in &change.statements {
            writeln!(out, "{statement};")?;
        }
    }
    if changes.is_empty() {
        writeln!(out, "-- only the revision changes")?;
    }
    Ok(())
}

/// The data migrations that follow the changes of the schema.
fn print_data_migrations(out: &mut impl Write, args: &Migrate, plan: &UpgradePlan) -> Result<()> {
    for unbuilt in plan.unbuilt(data_migrations(args)) {
        let rows = counted(unbuilt.rows, "row");
        writeln!(out, "-- data migration {}: {rows} to look at", unbuilt.index)?;
    }
    Ok(())
}

/// Databases of the same kind together, those of single runs alone in several. Each with whether it is of single runs.
fn groups<K: Ord>(
    databases: &[DatabaseSchema],
    key: impl Fn(&DatabaseSchema) -> Option<K>,
) -> Vec<(bool, Vec<&DatabaseSchema>)> {
    let mut of_runs: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<(bool, Vec<&DatabaseSchema>)> = Vec::new();
    for database in databases {
        let Some(key) = key(database) else { continue };
        if database.role != DatabaseRole::EventsOfOneRun {
            groups.push((false, vec![database]));
        } else if let Some((_, group)) = of_runs.get(&key).and_then(|at| groups.get_mut(*at)) {
            group.push(database);
        } else {
            of_runs.insert(key, groups.len());
            groups.push((true, vec![database]));
        }
    }
    groups
}

fn print_states(out: &mut impl Write, names: &Names, plan: &UpgradePlan) -> Result<()> {
    let state = |database: &DatabaseSchema| match &database.state {
        SchemaState::Older { .. } => "to upgrade",
        SchemaState::Refused(_) => "refused",
        SchemaState::Unreadable(_) => "unreadable",
        _ if database.unfinished_data_migrations.iter().any(is_of_upgrade) => {
            "newest, data migrations are left"
        }
        _ => "newest",
    };
    let found =
        groups(&plan.databases, |database| Some((state(database), database.revision.clone())));
    let rows = found.into_iter().filter_map(|(of_runs, group)| {
        let first = *group.first()?;
        Some(vec![named(names, of_runs, &group), revision(first), state(first).to_owned()])
    });
    let rows: Vec<_> = rows.collect();
    Ok(print::Table::new(&["DATABASE", "REVISION", "STATE"]).rows(out, &rows)?)
}

fn named(names: &Names, of_runs: bool, group: &[&DatabaseSchema]) -> String {
    match group {
        [one] => names.of(one),
        _ if of_runs => format!("{} logs of runs", group.len()),
        _ => String::new(),
    }
}

fn revision(database: &DatabaseSchema) -> String {
    database.revision.as_deref().map_or_else(|| "-".to_owned(), text::value)
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
    }
    for database in &outcome.databases {
        match (&database.change, &database.found.state) {
            (DatabaseChange::Failed(error), _) => report::failure(&report::chain(error)),
            (DatabaseChange::Upgraded, SchemaState::Older { doubled_tags, .. })
                if *doubled_tags > 0 =>
            {
                report::say(&format!(
                    "{} were there more than once; all but the first of each are deleted",
                    counted(*doubled_tags, "tag of runs")
                ));
            }
            _ => {}
        }
    }
    if let Some(directory) = &outcome.backup {
        report::say(&text::lines(&format!("The copies of before are in {}.", directory.display())));
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
    args.reindex || is_of_upgrade(name)
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
