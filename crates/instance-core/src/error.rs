//! The errors at the two boundaries: of a store, and of a function of a domain.
//!
//! Every error has an [`ErrorKind`], and says whether the same call may succeed at another time. Both are decided
//! where the cause is known, and carried as data.

mod chain;
mod keeper;

use std::borrow::Cow;

use crate::config_problems::ConfigProblems;
use crate::ids::{RunId, SnapshotId};
use crate::partitions::PartitionsError;
use crate::serdes::SerdesError;

pub use chain::chain;
pub use keeper::KeeperError;

/// A source of another error, of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// How many characters of a long text an error shows: of its beginning, and of its end.
const BEGINNING_SHOWN: usize = 120;
const END_SHOWN: usize = 60;

/// A text as errors name it: of a text of more than 180 characters, only its beginning and its end.
///
/// What an error is about may be of any length, and the error still has to be read.
pub fn shown(text: &str) -> Cow<'_, str> {
    let mut characters = text.char_indices();
    let beginning = characters.nth(BEGINNING_SHOWN).map(|(place, _)| place);
    let end = text.char_indices().rev().nth(END_SHOWN - 1).map(|(place, _)| place);
    match (beginning, end) {
        (Some(beginning), Some(end)) if beginning < end => {
            let part = |range: Option<&str>| range.unwrap_or_default().to_owned();
            Cow::Owned(part(text.get(..beginning)) + "…" + &part(text.get(end..)))
        }
        _ => Cow::Borrowed(text),
    }
}

/// What kind of failure an error is, for callers that decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What the call names is not there.
    NotFound,
    /// What the call creates exists already, or its place is taken.
    AlreadyExists,
    /// The arguments, or the values that would be stored, are not possible.
    Invalid,
    /// This version, this build or this storage does not do what was asked.
    Unsupported,
    /// What is stored cannot be read.
    Unreadable,
    /// The configuration of the instance is not usable.
    Config,
    /// A file, a database or a server failed.
    Backend,
    /// Something outside of the instance failed: a launcher, a code location.
    External,
    /// The call did its work, but an effect of it is not stored.
    Incomplete,
}

/// Whether the same call may succeed at another time without anybody mending anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Persistence {
    /// It may: a connection was lost, a disk is full, a lock was held too long.
    Temporary,
    /// It will not: a password is wrong, a table is missing, a file may not be written.
    Permanent,
}

impl Persistence {
    /// Whether an error of the operating system may pass.
    ///
    /// A full disk and a lost connection pass. A missing directory or a missing permission stays until somebody
    /// mends it.
    pub fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;

        match error.kind() {
            Io::NotFound
            | Io::PermissionDenied
            | Io::ReadOnlyFilesystem
            | Io::NotADirectory
            | Io::IsADirectory
            | Io::InvalidFilename
            | Io::InvalidInput
            | Io::Unsupported => Self::Permanent,
            _ => Self::Temporary,
        }
    }
}

/// What a storage cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A run with this id exists; nothing was written.
    #[error("a run with the id {} exists already", shown(run_id.as_str()))]
    RunAlreadyExists {
        /// The id.
        run_id: RunId,
    },
    /// A run names a snapshot that is not stored; nothing was written.
    #[error(
        "run {} names the job snapshot {}, which is not stored; add the snapshot first",
        shown(run_id.as_str()), shown(snapshot_id.as_str())
    )]
    SnapshotDoesNotExist {
        /// The run.
        run_id: RunId,
        /// The snapshot.
        snapshot_id: SnapshotId,
    },
    /// There is no such run; nothing was written.
    #[error("there is no run {}", shown(run_id.as_str()))]
    RunNotFound {
        /// The id.
        run_id: RunId,
    },
    /// Something with this id exists already; nothing was written.
    #[error("{what} {} is stored already", shown(id))]
    AlreadyExists {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// Nothing with this id exists; nothing was written.
    #[error("{what} {} is not stored", shown(id))]
    NotFound {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// There are several where one was expected; nothing was written.
    #[error("there are {rows} {what} {}; expected one", shown(id))]
    Duplicate {
        /// What they are.
        what: &'static str,
        /// What they are of.
        id: String,
        /// How many there are.
        rows: u64,
    },
    /// A value that the store does not accept; nothing was written.
    #[error("{what} {}: {reason}", shown(value))]
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
        "{database} has the schema revision {found}, and this version knows those to {expected}: {remedy}"
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
    /// The database is of an older Dagster and lacks what the call needs; nothing was written.
    #[error(
        "{database} has no {needs}, which Dagster {release} added: run `dagster-instance migrate`"
    )]
    NeedsMigration {
        /// The database.
        database: String,
        /// What it lacks.
        needs: &'static str,
        /// The first release of Dagster whose databases have it.
        release: &'static str,
    },
    /// The database lacks a table, a column or an index that it should have; nothing was written.
    #[error("{operation} failed on {database}, which lacks {lacks}; this makes it: {mend}")]
    SchemaLacks {
        /// The database.
        database: String,
        /// What was tried.
        operation: &'static str,
        /// What it lacks.
        lacks: Box<str>,
        /// The statements that make it.
        mend: Box<str>,
        /// What the database says.
        source: BoxError,
    },
    /// Something that cannot be stored in this way.
    #[error("{what}: {reason}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// The database can only be read from here; nothing was written.
    #[error("{operation} failed on {database}, which can only be read: {why}")]
    ReadOnly {
        /// The database.
        database: String,
        /// What was tried.
        operation: &'static str,
        /// Why it cannot be written, and what to do.
        why: Box<str>,
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
    /// The database failed.
    #[error("{operation} failed on {database}")]
    Backend {
        /// The database.
        database: String,
        /// What was tried.
        operation: &'static str,
        /// Whether it may succeed at another time.
        persistence: Persistence,
        /// Why not.
        source: BoxError,
    },
}

impl StorageError {
    /// What kind of failure it is.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::RunAlreadyExists { .. } | Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::RunNotFound { .. }
            | Self::NotFound { .. }
            | Self::SnapshotDoesNotExist { .. } => ErrorKind::NotFound,
            Self::Invalid { .. } | Self::Values { .. } | Self::Duplicate { .. } => {
                ErrorKind::Invalid
            }
            Self::Decode { .. } => ErrorKind::Unreadable,
            Self::Revision { .. } | Self::NeedsMigration { .. } | Self::Unsupported { .. } => {
                ErrorKind::Unsupported
            }
            Self::Io { .. }
            | Self::Backend { .. }
            | Self::ReadOnly { .. }
            | Self::SchemaLacks { .. } => ErrorKind::Backend,
        }
    }

    /// Whether the store refuses what it was given. It has written nothing then, and refuses the same again.
    pub const fn is_refusal(&self) -> bool {
        matches!(self.kind(), ErrorKind::Invalid | ErrorKind::Unsupported)
    }

    /// Whether the same call may succeed at another time without anybody mending anything.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Io { source, .. } => Persistence::of_io(source) == Persistence::Temporary,
            Self::Backend { persistence, .. } => *persistence == Persistence::Temporary,
            _ => false,
        }
    }
}

/// What a function of a domain cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// There is no such run.
    #[error("there is no run {}", shown(run_id))]
    RunNotFound {
        /// The id, or the beginning of one.
        run_id: String,
    },
    /// The arguments contradict each other or themselves; nothing was written.
    #[error("{what} {:?}: {reason}", shown(value))]
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
    /// The configuration file of the instance has mistakes; nothing was opened.
    #[error(transparent)]
    ConfigFile(#[from] ConfigProblems),
    /// A code location did not answer a question; nothing was written.
    #[error("the code location could not {action}")]
    CodeLocation {
        /// What it was asked for.
        action: &'static str,
        /// Why not.
        source: BoxError,
    },
    /// Another run with this id exists; nothing was written.
    #[error("a run with the id {run_id} exists already, and differs in {}", fields.join(", "))]
    RunConflict {
        /// The id.
        run_id: RunId,
        /// The fields in which the two differ, each with the value that was asked for and the stored one.
        fields: Vec<String>,
    },
    /// A re-execution would have nothing to do; nothing was written.
    #[error("there is nothing to re-execute in run {run_id}: {reason}")]
    NothingToReexecute {
        /// The run that was to be re-executed.
        run_id: RunId,
        /// Why there is nothing.
        reason: &'static str,
    },
    /// A definition of partitions does not allow what was asked for; nothing was written.
    #[error(transparent)]
    Partitions(#[from] PartitionsError),
    /// The events are stored, and must not be reported again. An effect of one of them is not stored: its row in
    /// the index across runs, or the change of its run.
    #[error("the events of run {run_id} are stored, but what follows from them is not complete")]
    EventsIncomplete {
        /// The run of the events.
        run_id: RunId,
        /// Why not.
        source: StorageError,
    },
    /// The events could not be stored now, and must not be reported again. They wait in their order, and are stored
    /// with the next ones.
    #[error("{waiting} events could not be stored yet; they wait for the next attempt")]
    EventsWaiting {
        /// How many wait.
        waiting: usize,
        /// Why they could not be stored.
        source: StorageError,
    },
    /// A store failed. This is never a missing run: that is [`InstanceError::RunNotFound`].
    #[error(transparent)]
    Storage(StorageError),
}

impl From<StorageError> for InstanceError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::RunNotFound { run_id } => Self::run_not_found(&run_id),
            other => Self::Storage(other),
        }
    }
}

impl InstanceError {
    /// There is no run of this id.
    pub fn run_not_found(run_id: &RunId) -> Self {
        Self::RunNotFound { run_id: run_id.to_string() }
    }

    /// An argument is not possible. `what` and `value` name it; `reason` says what is wrong and what is right.
    pub fn invalid(
        what: &'static str,
        value: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::Invalid { what, value: value.into(), reason: reason.into() }
    }

    /// What kind of failure it is.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::RunNotFound { .. } => ErrorKind::NotFound,
            Self::Invalid { .. } | Self::Partitions(_) | Self::NothingToReexecute { .. } => {
                ErrorKind::Invalid
            }
            Self::RunConflict { .. } => ErrorKind::AlreadyExists,
            Self::Launch { .. } | Self::Worker { .. } | Self::CodeLocation { .. } => {
                ErrorKind::External
            }
            Self::Config { .. } | Self::ConfigFile(_) => ErrorKind::Config,
            Self::EventsWaiting { .. } => ErrorKind::Backend,
            Self::EventsIncomplete { .. } => ErrorKind::Incomplete,
            Self::Storage(error) => error.kind(),
        }
    }

    /// Whether the same call may succeed at another time without anybody mending anything.
    ///
    /// Events that wait ([`InstanceError::EventsWaiting`]) or are stored ([`InstanceError::EventsIncomplete`]) must
    /// not be reported again, so these errors are not temporary.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_temporary(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InstanceError, shown};

    #[test]
    fn a_long_text_is_its_beginning_and_its_end() {
        let just_short = "é".repeat(180);
        for text in ["", "a\nb", &just_short] {
            assert_eq!(shown(text), text);
        }
        let long = format!("{}middle{}", "é".repeat(120), "ü".repeat(60));
        assert_eq!(shown(&long), format!("{}…{}", "é".repeat(120), "ü".repeat(60)));
        let huge = "x".repeat(2 << 20);
        let error = InstanceError::invalid("partition key", huge, "it is too long");
        assert_eq!(
            error.to_string(),
            format!("partition key \"{}…{}\": it is too long", "x".repeat(120), "x".repeat(60))
        );
    }
}
