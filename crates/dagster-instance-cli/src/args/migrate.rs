//! The arguments of `migrate`.

use std::path::PathBuf;

use clap::Args;

use super::{Output, parse_seconds};

/// Bring the databases to the newest revision of Dagster's schema.
///
/// Databases of Dagster 1.0 and later are upgraded; an interrupted command goes on where it was. Each file is one
/// transaction, and is copied first. Postgres is upgraded while others go on, in steps: copy it before by its own
/// programs. The data migrations of `dagster instance migrate` follow, in small parts. Start what writes to the instance
/// again with the new release afterwards. The exit code is 0 if all is done, 1 if something is left, and 2 if it was
/// refused and nothing was changed.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Migrate {
    /// Print the statements, and of Postgres each lock with who waits for it, and change nothing
    #[arg(long, conflicts_with = "check")]
    pub(crate) plan: bool,

    /// Only say by the exit code and a list whether something is to be done, and change nothing
    #[arg(long)]
    pub(crate) check: bool,

    /// Where to copy the files to before [default: a directory below that of the instance]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["plan", "check"])]
    pub(crate) backup: Option<PathBuf>,

    /// Copy nothing before
    #[arg(long, conflicts_with_all = ["backup", "plan", "check"])]
    pub(crate) no_backup: bool,

    /// Carry out the data migrations of `reindex`, too
    #[arg(long, conflicts_with = "check")]
    pub(crate) reindex: bool,

    /// Give the ids of Postgres 64 bits, too: each table is written anew, and nobody reads or writes it meanwhile
    #[arg(long)]
    pub(crate) bigint: bool,

    /// Do not ask before ids get 64 bits
    #[arg(long, requires = "bigint", conflicts_with_all = ["plan", "check"])]
    pub(crate) yes: bool,

    /// How long a lock of Postgres is asked for again and again, if others hold it [default: 600]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, conflicts_with_all = ["plan", "check"])]
    pub(crate) lock_wait: Option<f64>,

    /// The revision that a database in Postgres has which says none
    #[arg(long, value_name = "REVISION")]
    pub(crate) from: Option<String>,

    #[command(flatten)]
    pub(crate) output: Output,
}
