//! The errors at the two boundaries: of a storage, and of a domain function.

use crate::ids::{RunId, SnapshotId};
use crate::partitions::PartitionsError;
use crate::serdes::SerdesError;

/// A source of another error, of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What a storage cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A run with this id exists; nothing was written.
    #[error("a run with the id {run_id} exists already")]
    RunAlreadyExists {
        /// The id.
        run_id: RunId,
    },
    /// A run names a snapshot that is not stored; nothing was written.
    #[error(
        "run {run_id} names the job snapshot {snapshot_id}, which is not stored; add the snapshot first"
    )]
    SnapshotDoesNotExist {
        /// The run.
        run_id: RunId,
        /// The snapshot.
        snapshot_id: SnapshotId,
    },
    /// There is no such run; nothing was written.
    #[error("there is no run {run_id}")]
    RunNotFound {
        /// The id.
        run_id: RunId,
    },
    /// There is one of this id; nothing was written.
    #[error("{what} {id} is stored already")]
    AlreadyExists {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// There is none of this id; nothing was written.
    #[error("{what} {id} is not stored")]
    NotFound {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// There are several where there is to be one; nothing was written.
    #[error("there are {rows} {what} {id}; expected one")]
    Duplicate {
        /// What they are.
        what: &'static str,
        /// What they are of.
        id: String,
        /// How many there are.
        rows: u64,
    },
    /// A value that the store does not take; nothing was written.
    #[error("{what} {value}: {reason}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// The value.
        value: String,
        /// Which values there may be.
        reason: String,
    },
    /// A row holds something else than its class says.
    #[error("{table}.{column} of row {row} in {database} cannot be read")]
    Decode {
        /// The database, as a path or a URL without its password.
        database: String,
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The id of the row.
        row: String,
        /// What is wrong with it.
        source: SerdesError,
    },
    /// The database has a schema that this version does not know.
    #[error(
        "{database} has the schema revision {found}, and this version knows {expected}: {remedy}"
    )]
    Revision {
        /// The database.
        database: String,
        /// The revision that was found.
        found: String,
        /// The revision that this version reads and writes.
        expected: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Something that cannot be stored in this way.
    #[error("{what}: {reason}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// A file or directory of the storage cannot be used.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The database refuses values, and always will.
    #[error("{operation} failed on {database}")]
    Values {
        /// The database.
        database: String,
        /// What was tried.
        operation: &'static str,
        /// Why not.
        source: BoxError,
    },
    /// The database refused.
    #[error("{operation} failed on {database}")]
    Backend {
        /// The database.
        database: String,
        /// What was tried.
        operation: &'static str,
        /// Why not.
        source: BoxError,
    },
}

impl StorageError {
    /// Whether the same call may succeed at another time: the database or the disk refused, not the store.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Backend { .. })
    }
}

/// What a function of a domain cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// There is no such run.
    #[error("there is no run {run_id}")]
    RunNotFound {
        /// The id, or the beginning of one.
        run_id: String,
    },
    /// The arguments contradict each other or themselves; nothing was written.
    #[error("{what} {value:?}: {reason}")]
    Invalid {
        /// Which argument.
        what: &'static str,
        /// Its value.
        value: String,
        /// What is wrong, and what is right.
        reason: String,
    },
    /// The launcher could not launch a run; the run is marked as failed.
    #[error("run {run_id} could not be launched")]
    Launch {
        /// The run.
        run_id: RunId,
        /// Why not.
        source: BoxError,
    },
    /// The worker of a run went away; the run is marked as failed.
    #[error("the worker of run {run_id} went away")]
    Worker {
        /// The run.
        run_id: RunId,
        /// Why.
        source: BoxError,
    },
    /// The configuration of the instance is not usable.
    #[error("{place}: {reason}")]
    Config {
        /// The file, and the key within.
        place: String,
        /// What is wrong, and what is right.
        reason: String,
        /// The error behind it, if any.
        #[source]
        source: Option<BoxError>,
    },
    /// A code location did not answer a question; nothing was written.
    #[error("the code location could not {action}")]
    CodeLocation {
        /// What it was asked for.
        action: &'static str,
        /// Why not.
        source: BoxError,
    },
    /// A run of this id is there, and is another one; nothing was written.
    #[error("a run with the id {run_id} exists already, and differs in {}", fields.join(", "))]
    RunConflict {
        /// The id.
        run_id: RunId,
        /// The fields in which the two differ, each with the value that was asked for and the stored one.
        fields: Vec<String>,
    },
    /// There is nothing that a re-execution would have to do; nothing was written.
    #[error("there is nothing to re-execute in run {run_id}: {reason}")]
    NothingToReexecute {
        /// The run that was to be re-executed.
        run_id: RunId,
        /// Why there is nothing.
        reason: &'static str,
    },
    /// What a definition of partitions says cannot be had; nothing was written.
    #[error(transparent)]
    Partitions(#[from] PartitionsError),
    /// Events could not be stored now. They wait, in their order, and are stored with the next ones; do not
    /// report them again.
    #[error("{waiting} events could not be stored yet; they wait for the next attempt")]
    EventsWaiting {
        /// How many wait.
        waiting: usize,
        /// Why they could not be stored.
        source: StorageError,
    },
    /// A storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
