//! What an upgrade would do, for people.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use dagster_instance::UpgradePlan;
use dagster_instance::storage::{
    DatabaseRole, DatabaseSchema, SchemaChange, SchemaImpact, SchemaState,
};

use super::{Names, data_migrations, is_of_upgrade, revision};
use crate::args::Migrate;
use crate::print::counted;
use crate::{Result, print, text};

/// Databases with the same plan together: there may be very many of single runs.
pub(super) fn print_plan(out: &mut impl Write, names: &Names, plan: &UpgradePlan) -> Result<()> {
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
        if from == *to {
            writeln!(out, "{what}: stays at {to}")?;
        } else {
            writeln!(out, "{what}: from {} to {to}", text::value(from))?;
        }
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
        let next = Some((change.revision, change.release, change.widens_ids));
        if next != heading {
            match change.revision {
                Some(revision) => writeln!(out, "-- {revision}, Dagster {}", change.release)?,
                None if change.widens_ids => writeln!(
                    out,
                    "-- ids of 64 bits, as new databases have them since Dagster {}",
                    change.release
                )?,
                None if change.impact.is_some() => writeln!(out, "-- indexes that are invalid")?,
                None => writeln!(out, "-- missing tables of Dagster {}", change.release)?,
            }
            heading = next;
        }
        if let Some(impact) = &change.impact {
            print_impact(out, impact)?;
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
pub(super) fn print_data_migrations(
    out: &mut impl Write,
    args: &Migrate,
    plan: &UpgradePlan,
) -> Result<()> {
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

pub(super) fn print_states(out: &mut impl Write, names: &Names, plan: &UpgradePlan) -> Result<()> {
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

fn print_impact(out: &mut impl Write, impact: &SchemaImpact) -> Result<()> {
    if impact.table.is_empty() {
        writeln!(out, "-- no lock; nobody waits")?;
        return Ok(());
    }
    let SchemaImpact { table, bytes, rows, lock, who_waits, longest_wait, .. } = impact;
    write!(out, "-- {lock} on {table} ({bytes} bytes, {rows} rows); who waits: {who_waits}")?;
    if !longest_wait.is_empty() {
        write!(out, "; at most {longest_wait}")?;
    }
    writeln!(out)?;
    Ok(())
}
