//! `partitions delete`: deletes keys of dynamic partitions.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

use dagster_instance::DagsterInstance;
use dagster_instance::error::shown;
use tokio::task::JoinSet;

use super::partitions_add::named;
use crate::args::PartitionsDelete;
use crate::confirm::{Decision, decide};
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{FAILURE, Result, json, open, report, text};

/// How many keys are looked for at once, and after how many the progress is said.
const AT_ONCE: usize = 5_000;

/// How many keys are deleted at once; as many as this are whole parts of those between two progresses.
const UNDER_WAY: usize = 250;

pub(crate) async fn run(place: &InstancePlace, args: &PartitionsDelete) -> Result<ExitCode> {
    let name = &args.keys.name;
    let keys: BTreeSet<String> = named(&args.keys).await?.into_iter().collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let instance = open::existing(place).await?;
    let mut existing = Vec::new();
    for some in keys.chunks(AT_ONCE) {
        existing.extend(instance.get_existing_dynamic_partitions(name, some).await?);
    }
    let not_there = keys.len() - existing.len();
    if existing.is_empty() {
        return Err(format!(
            "the dynamic partitions {:?} have none of these keys, so nothing was changed; `dagster-instance partitions \
             list` lists them",
            shown(name)
        )
        .into());
    }
    let (what, rest) = (
        format!("{} of {}", counted(existing.len() as u64, "key"), text::value(name)),
        rest(not_there),
    );
    let plan = [format!("to delete: {what}{rest}")];
    let dry_run = match decide(&args.consent, &plan, &format!("Delete {what}?"))? {
        Decision::Nothing => return Ok(ExitCode::from(FAILURE)),
        Decision::DryRun => true,
        Decision::Do => false,
    };
    if !dry_run {
        delete(&instance, name, &existing).await?;
    }
    let mut out = std::io::stdout().lock();
    if args.output.json {
        let value = json::deleted_partitions(name, existing.len(), not_there, dry_run);
        writeln!(out, "{value}")?;
    } else {
        let verb = if dry_run { "Would delete" } else { "Deleted" };
        writeln!(out, "{verb} {what}{rest}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Deletes keys, several at once: those that are under way together share transactions.
async fn delete(instance: &DagsterInstance, name: &str, keys: &[String]) -> Result<()> {
    let mut done = 0;
    for some in keys.chunks(UNDER_WAY) {
        let mut deletions = JoinSet::new();
        for key in some {
            let (instance, name, key) = (instance.clone(), name.to_owned(), key.clone());
            deletions.spawn(async move { instance.delete_dynamic_partition(&name, &key).await });
        }
        while let Some(deleted) = deletions.join_next().await {
            deleted??;
        }
        done += some.len();
        if done % AT_ONCE == 0 && done < keys.len() {
            report::say(&format!("{done} of {} keys are deleted.", keys.len()));
        }
    }
    Ok(())
}

fn rest(not_there: usize) -> String {
    match not_there {
        0 => String::new(),
        1 => "; 1 more is not there".to_owned(),
        count => format!("; {count} more are not there"),
    }
}
