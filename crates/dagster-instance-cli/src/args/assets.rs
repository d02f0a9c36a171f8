//! The arguments of `asset`.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use dagster_instance::{AssetKey, AssetPartitionStatus};

use super::{Consent, Output};

#[derive(Debug, Subcommand)]
pub(crate) enum AssetCommand {
    /// List assets by key
    List(AssetList),
    /// Show an asset, with a picture of its partitions
    Show(AssetShow),
    /// List the checks of an asset, with their last executions
    Checks(AssetChecks),
    /// List the partitions of an asset, with how they stand
    Partitions(AssetPartitions),
    Wipe(AssetWipe),
}

#[derive(Debug, Args)]
pub(crate) struct AssetList {
    /// At most so many assets
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,

    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct AssetShow {
    /// The asset's key, such as demo/hello
    #[arg(value_name = "KEY", value_parser = AssetKey::from_user_string)]
    pub(crate) key: AssetKey,

    #[command(flatten)]
    pub(crate) definition: Definition,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// The definition of the partitions of an asset, as far as the database can know it.
#[derive(Debug, Args)]
pub(crate) struct Definition {
    /// The asset's partitions are the dynamic ones of this name [default: the partitions that events name]
    #[arg(long = "partitions-def", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AssetChecks {
    /// The asset's key, such as demo/hello
    #[arg(value_name = "KEY", value_parser = AssetKey::from_user_string)]
    pub(crate) key: AssetKey,

    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct AssetPartitions {
    /// The asset's key, such as demo/hello
    #[arg(value_name = "KEY", value_parser = AssetKey::from_user_string)]
    pub(crate) key: AssetKey,

    #[command(flatten)]
    pub(crate) definition: Definition,

    /// Only partitions of this status: MATERIALIZED, FAILED, IN_PROGRESS or MISSING; may be repeated
    #[arg(long = "status", value_name = "STATUS", value_parser = parse_status)]
    pub(crate) statuses: Vec<PartitionStatus>,

    /// At most so many partitions
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Forget what is known of assets, or of partitions of them.
///
/// Their events stay in the logs of their runs. The next event about an asset makes it known again. Nothing is
/// changed unless all assets and all partitions that are named are known.
#[derive(Debug, Args)]
pub(crate) struct AssetWipe {
    /// The keys of the assets, such as demo/hello
    #[arg(required = true, value_name = "KEY", value_parser = AssetKey::from_user_string)]
    pub(crate) keys: Vec<AssetKey>,

    /// Only this partition; may be repeated
    #[arg(long = "partition", value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) partitions: Vec<String>,

    /// Only the known partitions from A to B, both included: in the order of their keys, or in that of
    /// --partitions-def
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    pub(crate) range: Option<(String, String)>,

    #[command(flatten)]
    pub(crate) definition: Definition,

    #[command(flatten)]
    pub(crate) consent: Consent,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// How a partition stands; `None` means that it is missing.
pub(crate) type PartitionStatus = Option<AssetPartitionStatus>;

/// The status of a partition that is not materialised, and of which no run has failed or goes on.
pub(crate) const MISSING: &str = "MISSING";

fn parse_status(text: &str) -> Result<PartitionStatus, String> {
    use AssetPartitionStatus::{Failed, InProgress, Materialized};

    let name = text.to_ascii_uppercase();
    if name == MISSING {
        return Ok(None);
    }
    let found = [Materialized, Failed, InProgress].into_iter().find(|it| it.as_str() == name);
    let refused = || format!("the statuses are MATERIALIZED, FAILED, IN_PROGRESS and {MISSING}");
    found.map(Some).ok_or_else(refused)
}

fn parse_range(text: &str) -> Result<(String, String), String> {
    let mut parts = text.split("..");
    match (parts.next(), parts.next(), parts.next()) {
        (Some(first), Some(last), None) if !first.is_empty() && !last.is_empty() => {
            Ok((first.to_owned(), last.to_owned()))
        }
        (_, Some(_), Some(_)) => {
            Err("there is more than one `..` in it; name the partitions with --partition"
                .to_owned())
        }
        _ => Err("write A..B, such as 2026-01-01..2026-01-31".to_owned()),
    }
}
