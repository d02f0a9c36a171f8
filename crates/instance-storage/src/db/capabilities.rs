//! What a database was found to have: looked up when it is opened, and again as long as something is missing.
//!
//! What is there stays there. What is missing may come at any time, as another process upgrades the database. A write
//! that would leave something out therefore looks in its own transaction: what it left out would be missing for ever.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use instance_core::error::StorageError;

use super::Row;
use crate::sql::capabilities::Capabilities;
use crate::sql::schema::{COLUMN, Schema, Stamp, TABLE};

/// How long a read trusts that what was missing still is.
const TRUST: Duration = Duration::from_secs(1);

/// What is known of one database.
#[derive(Debug)]
pub(crate) struct Known {
    /// All that its stores can have.
    whole: Capabilities,
    found: AtomicU32,
    /// Whether something was changed since.
    is_stale: AtomicBool,
    last: Mutex<Last>,
}

/// The last look.
#[derive(Debug, Default)]
struct Last {
    at: Option<Instant>,
    stamp: Option<Stamp>,
}

impl Known {
    /// Nothing yet, of a database with these stores.
    pub(super) fn of(schemas: &[Schema]) -> Self {
        Self {
            whole: Capabilities::whole(schemas),
            found: AtomicU32::new(Capabilities::NONE.bits()),
            is_stale: AtomicBool::new(false),
            last: Mutex::default(),
        }
    }

    /// What it has, by the last look.
    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities::from_bits(self.found.load(Ordering::Acquire))
    }

    /// Whether it has all that its stores can have.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_stale() && self.capabilities().contains(self.whole)
    }

    /// Whether something was changed since the last look.
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Acquire)
    }

    /// Whether a read may do with what is known.
    pub(super) fn is_recent(&self) -> bool {
        if self.is_whole() {
            return true;
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.at.is_some_and(|at| at.elapsed() < TRUST)
    }

    /// Takes over what was found.
    pub(super) fn learn(&self, found: &Found) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Last { at: Some(Instant::now()), stamp: Some(found.stamp.clone()) };
        self.found.store(found.capabilities.bits(), Ordering::Release);
        self.is_stale.store(false, Ordering::Release);
    }

    /// Takes over the tables and columns that a write found in its transaction.
    pub(super) fn learn_features(&self, found: Capabilities) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.capabilities().with_features_of(found);
        self.found.store(all.bits(), Ordering::Release);
        if self.is_stale.swap(false, Ordering::AcqRel) {
            // Marks and the revision are looked for again.
            last.at = None;
        }
    }

    /// Takes over that it was created just now, at the newest revision.
    pub(super) fn learn_all(&self, revision: &str) {
        let stamp = Stamp::Of(revision.to_owned());
        self.learn(&Found { capabilities: Capabilities::HEAD, stamp });
    }

    /// Makes the next use look again. Until then, what was found still counts.
    pub(super) fn forget(&self) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).at = None;
        self.is_stale.store(true, Ordering::Release);
    }

    /// The revision that it said it has at the last look; `None` before that.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).stamp.clone()
    }
}

/// What a look found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) capabilities: Capabilities,
    pub(super) stamp: Stamp,
}

/// The columns that a query lists, each with its table.
pub(super) fn columns(rows: &[Row]) -> Result<Vec<(String, String)>, StorageError> {
    rows.iter().map(|row| Ok((row.get(TABLE, TABLE)?, row.get(TABLE, COLUMN)?))).collect()
}
