//! What a refused statement teaches: the way to the server is not, or no more, what it was found to be.
//!
//! It is found out once, at the first contact. But a server becomes a standby while its connections stay, a pooler is
//! started again in another mode, and somebody changes the type of a column. The statement that meets this fails. The
//! next one is to succeed, without anybody starting the program again.

use std::sync::Arc;
use std::time::Duration;

use instance_core::error::StorageError;
use sqlx::postgres::PgDatabaseError;

use super::contact::Between;
use super::{Link, PostgresDatabase};
use crate::db::errors::driver_error;

/// How old connections have to be at least before a server that takes no writes is looked for again: one that never takes
/// any is not to be connected to for each write.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// What is to be done about a refused statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lesson {
    /// The server takes no writes now. Another one of them may, or the one that its name means by now.
    TakesNoWrites,
    /// What connections have prepared gives other types by now.
    PlansAreOld,
    /// A pooler gives transactions to any process of the server, so nothing that was prepared is there later.
    SharesProcesses,
}

impl Lesson {
    /// By the code of the error. The place in the server tells plans from other things that it does not support: the message
    /// is in the language of the server.
    pub(super) fn of(error: &sqlx::Error) -> Option<Self> {
        let error = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
        match error.code() {
            "25006" => Some(Self::TakesNoWrites),
            "0A000" if error.routine() == Some("RevalidateCachedQuery") => Some(Self::PlansAreOld),
            "26000" | "42P05" => Some(Self::SharesProcesses),
            _ => None,
        }
    }
}

/// Whether an error says that the way to the server has changed, so that the same statement may succeed later.
pub(in crate::db) fn is_of_way(error: &sqlx::Error) -> bool {
    Lesson::of(error).is_some()
}

impl PostgresDatabase {
    /// Learns from the error of a write, which is not made again here: its caller decides.
    pub(super) fn learn_of_write(&self, error: &StorageError) {
        if let Some(lesson) = driver_error(error).and_then(Lesson::of) {
            self.learn(lesson);
        }
    }

    /// Takes new connections for those that are no good. Returns whether the same statement may succeed on them at once.
    pub(super) fn learn(&self, lesson: Lesson) -> bool {
        let mut connections = self.connections();
        let Some(link) = &connections.link else { return true };
        let contact = &link.contact;
        let next = match lesson {
            Lesson::TakesNoWrites if link.begun.elapsed() < BETWEEN_LOOKS => return false,
            Lesson::TakesNoWrites => None,
            Lesson::PlansAreOld => Some(Arc::clone(contact)),
            // Another caller has learned it.
            Lesson::SharesProcesses if contact.between == Between::Transactions => return true,
            Lesson::SharesProcesses => Some(Arc::new(contact.in_transactions())),
        };
        tracing::info!(database = %self.name, server = contact.place, ?lesson, "connections are replaced");
        // The old ones are closed when the last of their users is done.
        let next: Option<Link> =
            next.map(|contact| self.new_link(contact, connections.of_webserver));
        connections.link = next;
        lesson != Lesson::TakesNoWrites
    }
}
