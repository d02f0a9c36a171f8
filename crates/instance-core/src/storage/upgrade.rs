//! What an upgrade of the schema finds in the databases of a store, and what it changes.
//!
//! Not here: carrying it out, which is the store's ([`SchemaStore`](super::SchemaStore)).

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::NarrowTable;
use crate::error::StorageError;

/// What a database is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DatabaseRole {
    /// All stores.
    Everything,
    /// Runs, snapshots, backfills, heartbeats.
    Runs,
    /// Events of all runs, or what is asked across runs.
    Events,
    /// The events of one run.
    EventsOfOneRun,
    /// Schedules, sensors and ticks.
    Schedules,
}

/// One change of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaChange {
    /// The revision that it belongs to. `None` for a table that stores of the newest release have, and that is missing
    /// in a database without a revision.
    pub revision: Option<&'static str>,
    /// The first release of Dagster that has it.
    pub release: &'static str,
    /// The statements, in their order, without semicolons.
    pub statements: Vec<String>,
    /// What others feel of it who use the database meanwhile. `None` of a file, which is changed in one transaction.
    pub impact: Option<SchemaImpact>,
    /// Whether it gives ids 64 bits. No revision asks for that.
    pub widens_ids: bool,
}

/// What others feel of a change who use the database meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaImpact {
    /// The table that is locked; empty if none is.
    pub table: String,
    /// The size of the table without its indexes, in bytes.
    pub bytes: u64,
    /// How many rows it has, as far as the server knows.
    pub rows: u64,
    /// The lock, in the words of the server's manual; empty if there is none.
    pub lock: &'static str,
    /// Who waits while it is held.
    pub who_waits: &'static str,
    /// How long they wait at most.
    pub longest_wait: String,
}

impl SchemaImpact {
    /// A change for which nothing is locked that others use.
    pub const fn none() -> Self {
        Self {
            table: String::new(),
            bytes: 0,
            rows: 0,
            lock: "",
            who_waits: "nobody",
            longest_wait: String::new(),
        }
    }

    /// A lock on a table, with what it means to others.
    pub fn of_lock(
        table: &str,
        lock: &'static str,
        who_waits: &'static str,
        longest_wait: impl Into<String>,
    ) -> Self {
        Self {
            table: table.to_owned(),
            lock,
            who_waits,
            longest_wait: longest_wait.into(),
            ..Self::none()
        }
    }
}

crate::setters! {
    impl SchemaImpact {
        /// The size of the table without its indexes, in bytes.
        with_bytes(bytes: u64);
        /// How many rows it has, as far as the server knows.
        with_rows(rows: u64);
    }
}

impl SchemaChange {
    /// A change by these statements.
    pub const fn new(
        revision: Option<&'static str>,
        release: &'static str,
        statements: Vec<String>,
    ) -> Self {
        Self { revision, release, statements, impact: None, widens_ids: false }
    }
}

crate::setters! {
    impl SchemaChange {
        /// What others feel of it who use the database meanwhile.
        with_impact(impact: impl Into<Option<SchemaImpact>>);
        /// Whether it gives ids 64 bits.
        with_widens_ids(widens_ids: bool);
    }
}

/// How a database stands to the newest revision.
#[derive(Debug)]
#[non_exhaustive]
pub enum SchemaState {
    /// It has the newest revision, or nothing yet.
    Current,
    /// It can be upgraded.
    Older {
        /// The revision that it gets.
        to: &'static str,
        /// What is to be changed. It may be empty: then only the revision is.
        changes: Arc<[SchemaChange]>,
        /// How many tags of runs are there twice. Such rows are deleted, as each tag of a run has to be there once.
        doubled_tags: u64,
    },
    /// It is not for this version, or not one database of Dagster's.
    Refused(StorageError),
    /// It cannot be read.
    Unreadable(StorageError),
}

/// Which database of a server it is, as the server says it. URLs may name one in several ways, and one URL may have several schemas.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct DatabasePlace {
    /// The server and the database, which have one lock of upgrades.
    pub database: String,
    /// The tables in it.
    pub tables: String,
}

impl DatabasePlace {
    /// These tables of this database.
    pub fn new(database: impl Into<String>, tables: impl Into<String>) -> Self {
        Self { database: database.into(), tables: tables.into() }
    }
}

/// A database of a store, as an upgrade finds it.
#[derive(Debug)]
#[non_exhaustive]
pub struct DatabaseSchema {
    /// The path, or the URL without its password.
    pub database: String,
    /// Which one it is, where a name does not say that.
    pub place: Option<DatabasePlace>,
    /// What it is for.
    pub role: DatabaseRole,
    /// Its revision; `None` if it says none.
    pub revision: Option<String>,
    /// Its size in bytes, where that is known.
    pub bytes: Option<u64>,
    /// How it stands to the newest revision.
    pub state: SchemaState,
    /// The data migrations that are not marked as finished, in Dagster's order.
    pub unfinished_data_migrations: Vec<&'static str>,
    /// The tables whose ids have 32 bits, in the order in which they get 64. It is empty unless the upgrade widens ids
    /// ([`SchemaUpgrade::widen_ids`]).
    pub narrow_tables: Vec<NarrowTable>,
}

impl DatabaseSchema {
    /// A database that has nothing to upgrade.
    pub fn new(database: impl Into<String>, role: DatabaseRole) -> Self {
        Self {
            database: database.into(),
            place: None,
            role,
            revision: None,
            bytes: None,
            state: SchemaState::Current,
            unfinished_data_migrations: Vec::new(),
            narrow_tables: Vec::new(),
        }
    }

    /// Whether an upgrade of its schema has something to do.
    pub const fn is_older(&self) -> bool {
        matches!(self.state, SchemaState::Older { .. })
    }
}

/// While it is there, no other process of ours upgrades the same store.
#[derive(Debug, Default)]
pub struct SchemaLock(Option<Box<dyn Any + Send + Sync>>);

impl SchemaLock {
    /// A lock that is given back when `held` is dropped.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self(Some(Box::new(held)))
    }

    /// Whether anything is locked. A store in memory locks nothing.
    pub const fn is_held(&self) -> bool {
        self.0.is_some()
    }
}

/// How an upgrade of a schema goes about it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SchemaUpgrade {
    /// The revision that a server's database has which says none. A file is upgraded by what its tables are.
    pub from: Option<String>,
    /// How long a lock of a server is asked for again and again, if others hold it.
    pub lock_wait: Duration,
    /// Whether the ids of a server's database get 64 bits. Each table is written anew for it, while nobody reads or writes the
    /// table. Files have such ids always.
    pub widen_ids: bool,
    /// Tells the upgrade to end early.
    pub stop: UpgradeStop,
}

impl Default for SchemaUpgrade {
    fn default() -> Self {
        Self {
            from: None,
            lock_wait: Duration::from_mins(10),
            widen_ids: false,
            stop: UpgradeStop::default(),
        }
    }
}

crate::setters! {
    impl SchemaUpgrade {
        /// The revision that a server's database has which says none.
        with_from(from: impl Into<Option<String>>);
        /// How long a lock of a server is asked for again and again, if others hold it.
        with_lock_wait(lock_wait: Duration);
        /// Whether the ids of a server's database get 64 bits.
        with_widen_ids(widen_ids: bool);
        /// Tells the upgrade to end early.
        with_stop(stop: UpgradeStop);
    }
}

/// Tells an upgrade to end early and to leave nothing half done. Its clones tell the same.
#[derive(Debug, Clone, Default)]
pub struct UpgradeStop(Arc<AtomicBool>);

impl UpgradeStop {
    /// Asks for the end.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How far the upgrade of a server's database has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaProgress {
    /// A step begins.
    Step {
        /// How many are done.
        done: usize,
        /// How many there are, as it looks now.
        steps: usize,
        /// The first statement of it.
        statement: String,
    },
    /// An index is being built.
    Building {
        /// The table.
        table: String,
        /// What the server does, in its words.
        phase: String,
        /// How much of the phase is done, in what it counts: blocks, rows, or others' transactions.
        done: u64,
        /// How much there is; 0 if the server does not say.
        total: u64,
    },
    /// Somebody else is in the way.
    Waiting {
        /// Who, and of what.
        what: String,
    },
    /// Rows of doubled tags were deleted.
    DeletedTags {
        /// How many by now.
        rows: u64,
    },
}

/// A lock that an upgrade has held.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldLock {
    /// The first statement that it was for.
    pub statement: String,
    /// The table.
    pub table: String,
    /// The lock, in the words of the server's manual.
    pub lock: &'static str,
    /// How long it was held.
    pub held: Duration,
    /// How long it was waited for at most, while others may have waited behind it.
    pub waited: Duration,
    /// How often it was asked for.
    pub tries: u32,
}

impl HeldLock {
    /// A lock on a table.
    pub fn new(statement: impl Into<String>, table: impl Into<String>, lock: &'static str) -> Self {
        Self {
            statement: statement.into(),
            table: table.into(),
            lock,
            held: Duration::ZERO,
            waited: Duration::ZERO,
            tries: 1,
        }
    }
}

/// What the upgrade of a database has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaUpgraded {
    /// The locks that others may have felt, in their order.
    pub locks: Vec<HeldLock>,
    /// How many rows of doubled tags were deleted.
    pub deleted_tags: u64,
}
