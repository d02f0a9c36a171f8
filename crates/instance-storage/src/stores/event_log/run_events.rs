//! Runs together with their events: in one transaction where one database holds both, else in several.

use std::sync::Arc;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::event::EventLogEntry;
use instance_core::ids::{RunId, StorageId};
use instance_core::storage::{
    EventStore, NewRun, RunEventStore, RunStore, StoredEvents, changes_run, store_then_change,
    time_of_change,
};

use super::SqlEventLogStorage;
use super::events::delete_of_run;
use super::pools::free;
use super::write::{Prepared, insert, prepared};
use crate::db::Connection;
use crate::stores::runs::{add_missing_snapshots, add_run, change_run, delete_run};

#[async_trait]
impl RunEventStore for SqlEventLogStorage {
    #[tracing::instrument(skip_all, fields(run_id = %new_run.run.run_id, events = new_run.events.len()))]
    async fn add_run_with_events(&self, new_run: NewRun) -> Result<StoredEvents, StorageError> {
        let NewRun { run, created_at, job_snapshots, execution_plan_snapshot, events } = new_run;
        // What cannot be stored is refused before anything is.
        let events = events.iter().map(prepared).collect::<Result<Vec<_>, _>>()?;
        if !events.is_empty() {
            self.run_logs.check(&run.run_id)?;
        }
        let run_id = run.run_id.clone();
        let adding = async move |connection: &mut Connection<'_>| {
            let plan = execution_plan_snapshot.as_ref();
            add_missing_snapshots(connection, &job_snapshots, plan).await?;
            add_run(connection, &run, created_at).await
        };
        if events.is_empty() || !self.is_together() {
            let database = self.runs.database();
            let adding = database.write("adding a run", move |mut connection: Connection<'_>| {
                Box::pin(async move { adding(&mut connection).await })
            });
            if events.is_empty() {
                adding.await?;
                return Ok(StoredEvents::complete(Vec::new()));
            }
            let (added, log) = tokio::join!(adding, self.new_log(&run_id, &events));
            added?;
            return self.store_in_new_log(&run_id, log?, events).await;
        }
        let indexed_tags = Arc::clone(&self.indexed_tags);
        let ids = self
            .index
            .write_events("adding a run with events", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    adding(&mut connection).await?;
                    insert(&mut connection, events, &*indexed_tags).await
                })
            })
            .await?;
        self.watch.signal(&run_id);
        Ok(StoredEvents::complete(ids))
    }

    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        if self.is_together() && entries.iter().any(changes_run) {
            return self.store_and_change(entries).await.map(StoredEvents::complete);
        }
        store_then_change(self, &*self.runs, entries, &*self.clock).await
    }

    #[tracing::instrument(skip_all, fields(%run_id))]
    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        if !self.is_together() {
            self.delete_events(run_id).await?;
            return self.runs.delete_run(run_id).await;
        }
        let run_id = run_id.clone();
        self.index
            .write("deleting a run", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    free(&mut connection, &run_id, None).await?;
                    delete_of_run(&mut connection, &run_id).await?;
                    delete_run(&mut connection, &run_id).await
                })
            })
            .await
    }
}

impl SqlEventLogStorage {
    /// Whether one database holds runs and events.
    fn is_together(&self) -> bool {
        Arc::ptr_eq(self.runs.database(), &self.index)
    }

    async fn store_and_change(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<Vec<StorageId>, StorageError> {
        let events: Vec<Prepared> = entries.iter().map(prepared).collect::<Result<_, _>>()?;
        let changes: Vec<_> = entries
            .iter()
            .filter(|entry| changes_run(entry))
            .filter_map(|entry| {
                let event = entry.dagster_event.clone()?;
                Some((entry.run_id.clone(), event, time_of_change(entry, &*self.clock)))
            })
            .collect();
        let indexed_tags = Arc::clone(&self.indexed_tags);
        let ids = self
            .index
            .write_events("storing events of runs", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let ids = insert(&mut connection, events, &*indexed_tags).await?;
                    for (run_id, event, at) in changes {
                        change_run(&mut connection, &run_id, &event, at).await?;
                    }
                    Ok(ids)
                })
            })
            .await?;
        for entry in entries {
            self.watch.signal(&entry.run_id);
        }
        Ok(ids)
    }
}
