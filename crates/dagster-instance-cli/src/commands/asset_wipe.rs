//! `asset wipe`: forgets what is known of assets, or of partitions of them.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

use dagster_instance::error::shown;
use dagster_instance::storage::{AssetRecordsFilter, Only, RecordsPage, WipedAssetPartitions};
use dagster_instance::{AssetKey, DagsterInstance};

use super::known;
use crate::args::AssetWipe;
use crate::confirm::{Decision, decide};
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{FAILURE, Result, json, open, text};

/// How many keys of partitions a line names.
const KEYS_SHOWN: usize = 5;

/// What is to be wiped of one asset.
struct Target {
    key: AssetKey,
    /// `None` means the whole asset.
    partitions: Option<Vec<String>>,
    /// How many partitions of it are known.
    known: usize,
    /// How often these partitions were materialised.
    materializations: u64,
}

pub(crate) async fn run(place: &InstancePlace, args: &AssetWipe) -> Result<ExitCode> {
    let instance = open::existing(place).await?;
    let mut targets = Vec::new();
    // The same asset is not wiped twice.
    let keys: BTreeSet<&AssetKey> = args.keys.iter().collect();
    for key in keys {
        targets.push(target(&instance, key, args).await?);
    }
    let plan: Vec<_> =
        targets.iter().map(|target| format!("to wipe: {}", described(target))).collect();
    let question = format!("Wipe {}?", total(&targets));
    let dry_run = match decide(&args.consent, &plan, &question)? {
        Decision::Nothing => return Ok(ExitCode::from(FAILURE)),
        Decision::DryRun => true,
        Decision::Do => false,
    };
    if !dry_run {
        let whole = targets.iter().filter(|target| target.partitions.is_none());
        let whole: Vec<_> = whole.map(|target| target.key.clone()).collect();
        instance.wipe_assets(&whole).await?;
    }
    for target in &targets {
        let wiped = match &target.partitions {
            Some(partitions) if !dry_run => {
                Some(instance.wipe_asset_partitions(&target.key, partitions).await?)
            }
            _ => None,
        };
        print_wiped(target, wiped, dry_run, args.output.json)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to be wiped of an asset.
///
/// # Errors
///
/// The asset or a partition is not known.
async fn target(instance: &DagsterInstance, key: &AssetKey, args: &AssetWipe) -> Result<Target> {
    if !instance.has_asset_key(key).await? {
        return Err(known::unknown(key));
    }
    let known = known::partitions(instance, key, &args.definition).await?;
    let known: Vec<String> = known.into_iter().map(|(partition, _)| partition).collect();
    let counts = known::materializations(instance, key).await?;
    if args.partitions.is_empty() && args.range.is_none() {
        let materializations = counts.values().sum();
        let known = known.len();
        return Ok(Target { key: key.clone(), partitions: None, known, materializations });
    }
    let mut partitions = Vec::new();
    for partition in &args.partitions {
        if !known.contains(partition) && !is_observed(instance, key, partition).await? {
            return Err(unknown_partition(key, &format!("partition {:?}", shown(partition))));
        }
        partitions.push(partition.clone());
    }
    if let Some((first, last)) = &args.range {
        let range = match &args.definition.name {
            Some(name) => between_keys(&known, first, last, name)?,
            None => between_texts(&known, first, last),
        };
        if range.is_empty() {
            let what = format!("partition from {:?} to {:?}", shown(first), shown(last));
            return Err(unknown_partition(key, &what));
        }
        partitions.extend(range.iter().cloned());
    }
    let mut seen = BTreeSet::new();
    partitions.retain(|partition| seen.insert(partition.clone()));
    let materializations = partitions.iter().filter_map(|partition| counts.get(partition)).sum();
    let known = partitions.len();
    Ok(Target { key: key.clone(), partitions: Some(partitions), known, materializations })
}

fn unknown_partition(key: &AssetKey, what: &str) -> Box<dyn std::error::Error> {
    let key = text::value(&shown(&key.to_user_string()));
    format!(
        "asset {key} has no {what}, so nothing was changed; `dagster-instance asset partitions` lists those that \
         are known"
    )
    .into()
}

/// Whether a partition that was never materialised nor planned was observed.
async fn is_observed(instance: &DagsterInstance, key: &AssetKey, partition: &str) -> Result<bool> {
    let filter = AssetRecordsFilter::new(key.clone()).with_asset_partitions(Only::one(partition));
    let found = instance.fetch_observations(&filter, RecordsPage::new().with_limit(1)).await?;
    Ok(!found.records.is_empty())
}

/// The keys from one to another, both of which are there.
fn between_keys<'a>(
    keys: &'a [String],
    first: &str,
    last: &str,
    name: &str,
) -> Result<&'a [String]> {
    let place = |key: &str| {
        let missing =
            || format!("{:?} is none of the dynamic partitions {:?}", shown(key), shown(name));
        keys.iter().position(|it| it == key).ok_or_else(missing)
    };
    let (from, to) = (place(first)?, place(last)?);
    let range = keys.get(from..=to).filter(|range| !range.is_empty());
    let backwards = || {
        let (first, last, name) = (shown(first), shown(last), shown(name));
        format!("{first:?} comes after {last:?} in {name:?}; write {last}..{first}")
    };
    Ok(range.ok_or_else(backwards)?)
}

/// The keys that are between two texts, which need not be keys; the keys ascend.
fn between_texts<'a>(keys: &'a [String], first: &str, last: &str) -> &'a [String] {
    let from = keys.partition_point(|key| key.as_str() < first);
    let to = keys.partition_point(|key| key.as_str() <= last);
    keys.get(from..to).unwrap_or_default()
}

/// What is to be wiped of an asset, for people.
fn described(target: &Target) -> String {
    let key = text::value(&target.key.to_user_string());
    let materialized = counted(target.materializations, "materialization");
    let count = counted(target.known as u64, "partition");
    match &target.partitions {
        None if target.known == 0 => format!("asset {key}"),
        None => format!("asset {key} with {count} and {materialized} of them"),
        Some(partitions) => {
            let names = partitions.iter().take(KEYS_SHOWN).map(|name| text::value(name));
            let names = names.collect::<Vec<_>>().join(", ");
            let more = if partitions.len() > KEYS_SHOWN { ", .." } else { "" };
            format!("{count} of asset {key} with {materialized}: {names}{more}")
        }
    }
}

fn total(targets: &[Target]) -> String {
    let assets = counted(targets.len() as u64, "asset");
    let of = targets.iter().map(|target| target.partitions.as_ref().map(Vec::len));
    of.sum::<Option<usize>>()
        .map_or(assets.clone(), |sum| format!("{} of {assets}", counted(sum as u64, "partition")))
}

fn print_wiped(
    target: &Target,
    wiped: Option<WipedAssetPartitions>,
    dry_run: bool,
    as_json: bool,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let value = json::asset_wiped(&target.key, target.partitions.as_deref(), wiped, dry_run);
        return writeln!(out, "{value}");
    }
    let verb = if dry_run { "Would wipe" } else { "Wiped" };
    let counts = wiped.map(|wiped| {
        let events = counted(wiped.events, "event");
        format!(" ({events} and {} gone)", counted(wiped.check_executions, "execution of checks"))
    });
    writeln!(out, "{verb} {}{}", described(target), counts.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{between_keys, between_texts};

    #[test]
    fn ranges_have_both_their_ends() {
        let keys = ["a", "b", "d"].map(str::to_owned);
        assert_eq!(between_texts(&keys, "a", "b"), ["a", "b"]);
        assert_eq!(between_texts(&keys, "b", "c"), ["b"]);
        assert!(between_texts(&keys, "c", "c").is_empty());
        assert!(between_texts(&keys, "d", "a").is_empty());
        let keys = ["z", "a", "m"].map(str::to_owned);
        assert_eq!(between_keys(&keys, "z", "a", "n").unwrap(), ["z", "a"]);
        assert_eq!(between_keys(&keys, "m", "m", "n").unwrap(), ["m"]);
        assert!(between_keys(&keys, "a", "z", "n").is_err());
        assert!(between_keys(&keys, "a", "b", "n").is_err());
    }
}
