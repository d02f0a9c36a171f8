//! The arguments of `doctor`.

use clap::Args;

use super::Output;

/// Look for what is wrong with the databases, and say what mends it.
///
/// Nothing is changed. The exit code is 0 if all is well, 1 if there are warnings, and 2 if there are errors; notes do not
/// count. It is 125 if the command itself failed.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Compare the tables, columns and indexes of each database with those of its revision
    #[arg(long, required = true)]
    pub(crate) schema: bool,

    #[command(flatten)]
    pub(crate) output: Output,
}
