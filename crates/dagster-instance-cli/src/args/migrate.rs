//! The arguments of `migrate`.

use std::path::PathBuf;

use clap::Args;

use super::Output;

/// Bring the databases to the newest revision of Dagster's schema.
///
/// Databases of Dagster 1.0 and later are upgraded, each in one transaction; an interrupted command goes on where it was.
/// Those that are changed are copied first. The data migrations of `dagster instance migrate` follow, in small parts. Stop what writes to the instance, and start it again with the new release
/// afterwards. The exit code is 0 if all is done, 1 if something is left, and 2 if it was refused and nothing was changed.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Print the statements, and change nothing
    #[arg(long, conflicts_with = "check")]
    pub(crate) plan: bool,

    /// Only say by the exit code and a list whether something is to be done, and change nothing
    #[arg(long)]
    pub(crate) check: bool,

    /// Where to copy the databases to before [default: a directory below that of the instance]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["plan", "check"])]
    pub(crate) backup: Option<PathBuf>,

    /// Copy nothing before
    #[arg(long, conflicts_with_all = ["backup", "plan", "check"])]
    pub(crate) no_backup: bool,

    /// Carry out the data migrations of `reindex`, too
    #[arg(long, conflicts_with = "check")]
    pub(crate) reindex: bool,

    #[command(flatten)]
    pub(crate) output: Output,
}
