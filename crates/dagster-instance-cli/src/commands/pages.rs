//! The events of a run, a page at a time.

use dagster_instance::DagsterInstance;
use dagster_instance::event::EventLogRecord;
use dagster_instance::storage::RecordsForRun;

use crate::Result;

/// How many events are in memory at once, if they are small.
pub(crate) const EVENTS_IN_MEMORY: u64 = 1_000;

/// How many bytes of events are in memory at once, but for one event that is larger.
const BYTES_IN_MEMORY: u64 = 8 * 1_024 * 1_024;

/// The events that a query asks for, a page at a time.
pub(crate) struct EventPages<'a> {
    instance: &'a DagsterInstance,
    query: RecordsForRun,
    left: u64,
}

impl<'a> EventPages<'a> {
    /// The events that the query asks for; its own limit, if any, is that of all pages together.
    pub(crate) fn new(instance: &'a DagsterInstance, query: RecordsForRun) -> Self {
        let left = query.limit.unwrap_or(u64::MAX);
        Self { instance, query, left }
    }

    /// The next page; `None` behind the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<EventLogRecord>>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.query.limit = Some(EVENTS_IN_MEMORY.min(self.left));
        self.query.max_bytes = Some(BYTES_IN_MEMORY);
        let page = self.instance.get_records_for_run(&self.query).await?;
        self.query.cursor = Some(page.cursor);
        self.left = if page.has_more { self.left - page.records.len() as u64 } else { 0 };
        Ok((!page.records.is_empty()).then_some(page.records))
    }
}
