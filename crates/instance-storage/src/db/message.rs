//! Statements that go to a server together, without an answer in between.

use instance_core::ids::StorageId;

/// Statements that store events in one transaction.
#[derive(Debug)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has no server"))]
pub(crate) struct Message {
    /// The first gives a row: the ids of the events, as the text of an array.
    pub(crate) statements: Vec<String>,
    /// What is done when they are committed. If it fails, the events are stored all the same.
    pub(crate) afterwards: Vec<String>,
}

/// What became of events that were sent.
#[derive(Debug)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has no server"))]
pub(crate) enum Sent {
    /// They are durable. Their ids are in their order.
    Stored(Vec<StorageId>),
    /// Nothing is stored: what a statement was to change is not what it was.
    Changed,
    /// Nothing is stored. Step by step says why.
    Refused,
}
