//! The arguments of `partitions`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::{Consent, Output};

#[derive(Debug, Subcommand)]
pub(crate) enum PartitionsCommand {
    /// List the keys of dynamic partitions, in the order in which they were added
    List(PartitionsList),
    Add(PartitionsAdd),
    Delete(PartitionsDelete),
}

#[derive(Debug, Args)]
pub(crate) struct PartitionsList {
    /// The name of the definition
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,

    /// At most so many keys
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Add keys to dynamic partitions.
///
/// Keys that are there stay where they are. Very many keys are added in parts. After an interruption, the same command
/// goes on where it was.
#[derive(Debug, Args)]
pub(crate) struct PartitionsAdd {
    #[command(flatten)]
    pub(crate) keys: Keys,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Delete keys of dynamic partitions.
///
/// Keys that are not there are left out. What is stored of the partitions stays: their runs and their events. After an
/// interruption, the same command goes on where it was.
#[derive(Debug, Args)]
pub(crate) struct PartitionsDelete {
    #[command(flatten)]
    pub(crate) keys: Keys,

    #[command(flatten)]
    pub(crate) consent: Consent,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Keys of a definition.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// The name of the definition
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,

    /// The keys
    #[arg(value_name = "KEY", required_unless_present = "file", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) keys: Vec<String>,

    /// The keys of a file, too, which has one on each line
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}
