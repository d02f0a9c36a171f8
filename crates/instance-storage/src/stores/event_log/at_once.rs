//! Which events go to a server as one message.

use instance_core::error::StorageError;

use super::SqlEventLogStorage;
use super::effects::following;
use super::write::{PreparedEvent, is_of_check};
use crate::db::{Message, Sent};
use crate::sql::events::EventRow;
use crate::sql::events_at_once::{notices, statements};
use crate::sql::literal::NoLiteral;

/// How many events a message has at most, so that nobody waits long for it.
const EVENTS: usize = 512;

/// How many bytes their texts have at most. The server reads all of a message before it begins.
const BYTES: usize = 1 << 20;

impl SqlEventLogStorage {
    /// Stores events by one message, and carries out `then` in the same transaction. `None` says that they are to be stored
    /// step by step.
    pub(super) async fn send(
        &self,
        operation: &'static str,
        events: &[PreparedEvent],
        then: Vec<String>,
    ) -> Result<Option<Sent>, StorageError> {
        self.index.send(operation, || self.message(events, then)).await
    }

    fn message(&self, events: &[PreparedEvent], then: Vec<String>) -> Option<Message> {
        let bytes: usize = events.iter().map(|(_, row)| row.event.len()).sum();
        // A check is ended, or begun if it was not planned: that depends on what is there.
        if events.is_empty()
            || events.len() > EVENTS
            || bytes > BYTES
            || events.iter().any(|(entry, _)| is_of_check(entry))
        {
            return None;
        }
        let mut message = self.written(events).ok()?;
        message.statements.extend(then);
        Some(message)
    }

    fn written(&self, events: &[PreparedEvent]) -> Result<Message, NoLiteral> {
        let has_assets_of_any_event = self.index.dialect().has_assets_of_any_event();
        let following = following(events, &*self.indexed_tags, has_assets_of_any_event);
        let rows: Vec<&EventRow> = events.iter().map(|(_, row)| row).collect();
        Ok(Message { statements: statements(&rows, &following)?, afterwards: notices(&rows)? })
    }
}
