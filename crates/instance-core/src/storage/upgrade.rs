//! What an upgrade of the schema finds in the databases of a store, and what it changes.
//!
//! Not here: carrying it out, which is the store's ([`SchemaStore`](super::SchemaStore)).

use std::any::Any;
use std::sync::Arc;

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
}

impl SchemaChange {
    /// A change by these statements.
    pub const fn new(
        revision: Option<&'static str>,
        release: &'static str,
        statements: Vec<String>,
    ) -> Self {
        Self { revision, release, statements }
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

/// A database of a store, as an upgrade finds it.
#[derive(Debug)]
#[non_exhaustive]
pub struct DatabaseSchema {
    /// The path, or the URL without its password.
    pub database: String,
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
}

impl DatabaseSchema {
    /// A database that has nothing to upgrade.
    pub fn new(database: impl Into<String>, role: DatabaseRole) -> Self {
        Self {
            database: database.into(),
            role,
            revision: None,
            bytes: None,
            state: SchemaState::Current,
            unfinished_data_migrations: Vec::new(),
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
