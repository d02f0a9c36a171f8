//! Up to which id no event is missing, and the failures of runs behind an id.

#[cfg(feature = "postgres")]
use std::collections::BTreeSet;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::ids::{RunId, StorageId};
#[cfg(feature = "postgres")]
use instance_core::storage::EventWriter;
use instance_core::storage::{EventStore, SettledEventStore, SettledPosition};

use super::SqlEventLogStorage;
use crate::db::Row;
use crate::sql::Dialect;
use crate::sql::settled;
use crate::sql::tables::event_logs;

#[async_trait]
impl SettledEventStore for SqlEventLogStorage {
    async fn settled_position(&self) -> Result<SettledPosition, StorageError> {
        // In this order: whoever has an id up to the greatest one had its lock before it was read.
        let position = SettledPosition::new(self.get_maximum_record_id().await?);
        match self.index.dialect() {
            // One writer at a time, so ids are in the order of the commits. The column has no AUTOINCREMENT.
            Dialect::Sqlite => Ok(position.with_gives_ids_again(true)),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => Ok(position.with_writers(self.writers().await?)),
            #[cfg(not(feature = "postgres"))]
            Dialect::Postgres => Ok(position),
        }
    }

    async fn get_failure_ids(
        &self,
        after: StorageId,
        limit: u64,
    ) -> Result<Vec<(StorageId, RunId)>, StorageError> {
        use event_logs::{ID, RUN_ID, TABLE};

        let failure = |row: &Row| {
            let run_id: Option<String> = row.get(TABLE, RUN_ID)?;
            Ok((StorageId(row.get(TABLE, ID)?), RunId::from(run_id.unwrap_or_default())))
        };
        let select = settled::select_failures(after, limit);
        self.index.fetch_map("reading failures of runs", &select, failure).await
    }
}

#[cfg(feature = "postgres")]
impl SqlEventLogStorage {
    /// The transactions that may still store an event.
    async fn writers(&self) -> Result<BTreeSet<EventWriter>, StorageError> {
        use settled::locks::{PROCESS, TABLE, TRANSACTION};

        let writer = |row: &Row| {
            let process: Option<i64> = row.get(TABLE, PROCESS)?;
            Ok(EventWriter::new(row.get::<String>(TABLE, TRANSACTION)?, process))
        };
        let select = settled::select_writers();
        let writers = self.index.fetch_map("reading who writes events", &select, writer).await?;
        Ok(writers.into_iter().collect())
    }
}
