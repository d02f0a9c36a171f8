//! The steps by which events are stored, in their order: the logs of their runs, the index across runs, and the
//! signal to the followers of the runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::{BoxFuture, try_join_all};
use instance_core::error::StorageError;
use instance_core::event::EventLogEntry;
use instance_core::ids::{RunId, StorageId};
use instance_core::storage::StoredEvents;

use super::SqlEventLogStorage;
use super::write::{PreparedEvent, insert, insert_rows, is_indexed, is_of_check, prepared};
use crate::db::{Connection, Operation, Sent, Written};
use crate::run_logs::NewRunLog;
use crate::sql::capabilities::Feature;
use crate::sql::events::{self, EVENTS_PER_INSERT, EventRow};

const STORING_OF_RUN: &str = "storing events of a run";

/// What one transaction does beside storing events.
pub(crate) type Step = Box<
    dyn for<'c> FnOnce(&'c mut Connection<'_>) -> BoxFuture<'c, Result<(), StorageError>>
        + Send
        + 'static,
>;

/// With what events are stored.
pub(crate) enum Storing {
    /// With nothing else, in the logs of their runs.
    Alone,
    /// In the log of a new run, which has them already. All of them are of this run.
    WithNewLog(NewRunLog<Vec<StorageId>>),
    /// With something about their runs in the same transaction, whose name this is. Only where the index has the logs of
    /// all runs.
    InTransaction(&'static str, Beside),
}

/// When the other step of a transaction is taken.
pub(crate) enum Beside {
    /// Before events are stored.
    Before(Step),
    /// After events were stored; with the statements that do the same in a message, if there are such.
    After(Step, Option<Vec<String>>),
}

impl SqlEventLogStorage {
    /// Stores entries in their order. An error says that none of a run's entries is stored anywhere.
    pub(crate) async fn store_entries(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        if let [entry] = entries {
            return self.store_entry(entry).await;
        }
        self.store(Storing::Alone, prepare(entries)?).await
    }

    /// Stores events in their order. All events get into the database here, and so this is the only place that
    /// signals the followers of their runs.
    pub(crate) async fn store(
        &self,
        storing: Storing,
        events: Vec<PreparedEvent>,
    ) -> Result<StoredEvents, StorageError> {
        let run_ids: BTreeSet<RunId> =
            events.iter().map(|(entry, _)| entry.run_id.clone()).collect();
        let stored = self.store_unnoticed(storing, events).await;
        // After an error, too: the events of some of the runs may be stored.
        for run_id in &run_ids {
            self.watch.signal(run_id);
        }
        stored
    }

    /// Refuses events for which the index has no table, before anything is stored.
    pub(crate) async fn check_storable(
        &self,
        events: &[PreparedEvent],
    ) -> Result<(), StorageError> {
        if events.iter().any(|(entry, _)| is_of_check(entry)) {
            self.index.require(Feature::AssetChecks).await?;
        }
        Ok(())
    }

    async fn store_unnoticed(
        &self,
        storing: Storing,
        events: Vec<PreparedEvent>,
    ) -> Result<StoredEvents, StorageError> {
        self.check_storable(&events).await?;
        let ids = match storing {
            Storing::InTransaction(operation, step) => {
                let stored = self.store_in_index(operation, events, Some(step)).await;
                return stored.map(StoredEvents::complete);
            }
            Storing::Alone if !self.run_logs.is_sharded() => {
                let stored = self.store_in_index("storing events", events, None).await;
                return stored.map(StoredEvents::complete);
            }
            Storing::Alone => self.store_in_shards(&events).await?,
            Storing::WithNewLog(log) => match log.place().await? {
                Some(ids) => ids,
                // Another process was faster, and the run has a log.
                None => self.store_in_shards(&events).await?,
            },
        };
        Ok(self.follow_up(ids, events).await)
    }

    /// The log of a new run with its first events; `None` if the run does not get a log of its own.
    pub(crate) async fn new_log(
        &self,
        run_id: &RunId,
        events: &[PreparedEvent],
    ) -> Result<Option<NewRunLog<Vec<StorageId>>>, StorageError> {
        let rows: Vec<_> = events.iter().map(|(_, row)| row.clone()).collect();
        let preparing =
            self.run_logs.prepare(run_id, STORING_OF_RUN, move |mut connection: Connection<'_>| {
                Box::pin(async move { insert_rows(&mut connection, &rows).await })
            });
        preparing.await
    }

    /// Stores events in the index which are in the logs of their runs, if they have to be found across runs.
    async fn follow_up(&self, ids: Vec<StorageId>, events: Vec<PreparedEvent>) -> StoredEvents {
        let indexed = events.into_iter().filter(|(entry, _)| is_indexed(entry)).collect();
        StoredEvents::complete(ids).and(self.store_each_in_index(indexed).await)
    }

    /// Stores events in the index together. If one is refused, each is stored alone.
    async fn store_each_in_index(&self, events: Vec<PreparedEvent>) -> Result<(), StorageError> {
        const STORING: &str = "storing events";
        let again = if events.len() > 1 { events.clone() } else { Vec::new() };
        let mut outcome = self.store_in_index(STORING, events, None).await.map(drop);
        if outcome.as_ref().is_err_and(|error| !error.is_temporary()) && !again.is_empty() {
            outcome = Ok(());
            for event in again {
                let stored = self.store_in_index(STORING, vec![event], None).await;
                outcome = outcome.and(stored.map(drop));
            }
        }
        outcome
    }

    /// Stores events in the files of their runs; returns their ids there, in their order.
    async fn store_in_shards(
        &self,
        events: &[PreparedEvent],
    ) -> Result<Vec<StorageId>, StorageError> {
        let mut of_run: BTreeMap<&RunId, Vec<usize>> = BTreeMap::new();
        for (place, (entry, _)) in events.iter().enumerate() {
            of_run.entry(&entry.run_id).or_default().push(place);
        }
        let mut ids = vec![StorageId(0); events.len()];
        let shards = of_run.into_iter().map(|(run_id, places)| {
            let rows = places.iter().map(|place| events[*place].1.clone()).collect();
            async move { Ok::<_, StorageError>((places, self.store_in_shard(run_id, rows).await?)) }
        });
        for (places, ids_of_run) in try_join_all(shards).await? {
            places.into_iter().zip(ids_of_run).for_each(|(place, id)| ids[place] = id);
        }
        Ok(ids)
    }

    async fn store_in_shard(
        &self,
        run_id: &RunId,
        rows: Vec<EventRow>,
    ) -> Result<Vec<StorageId>, StorageError> {
        let log = self.run_logs.get(run_id).await?;
        let storing = Operation::of_run(STORING_OF_RUN, run_id);
        if rows.len() <= EVENTS_PER_INSERT {
            let insert = events::insert_events(&rows);
            let ids = log.write_as(
                Written::OneStatement,
                storing,
                move |mut connection: Connection<'_>| {
                    Box::pin(async move { connection.insert_returning_ids(&insert).await })
                },
            );
            return Ok(ids.await?.into_iter().map(StorageId).collect());
        }
        log.write(storing, move |mut connection: Connection<'_>| {
            Box::pin(async move { insert_rows(&mut connection, &rows).await })
        })
        .await
    }

    async fn store_in_index(
        &self,
        operation: &'static str,
        events: Vec<PreparedEvent>,
        mut beside: Option<Beside>,
    ) -> Result<Vec<StorageId>, StorageError> {
        if events.is_empty() && beside.is_none() {
            return Ok(Vec::new());
        }
        let then = match &mut beside {
            None => Some(Vec::new()),
            Some(Beside::After(_, statements)) => statements.take(),
            Some(Beside::Before(_)) => None,
        };
        let sent = match then {
            Some(then) => self.send(operation, &events, then).await?,
            None => None,
        };
        if let Some(Sent::Stored(ids)) = sent {
            return Ok(ids);
        }
        let stored = self.store_step_by_step(operation, events, beside).await;
        if matches!(sent, Some(Sent::Refused)) && stored.is_ok() {
            self.index.note_refusal();
        }
        stored
    }

    async fn store_step_by_step(
        &self,
        operation: &'static str,
        events: Vec<PreparedEvent>,
        beside: Option<Beside>,
    ) -> Result<Vec<StorageId>, StorageError> {
        let indexed_tags = Arc::clone(&self.indexed_tags);
        let (before, after) = match beside {
            Some(Beside::Before(step)) => (Some(step), None),
            Some(Beside::After(step, _)) => (None, Some(step)),
            None => (None, None),
        };
        self.index
            .write_as(Written::Events, operation, move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    if let Some(before) = before {
                        before(&mut connection).await?;
                    }
                    let ids = insert(&mut connection, events, &*indexed_tags).await?;
                    if let Some(after) = after {
                        after(&mut connection).await?;
                    }
                    Ok(ids)
                })
            })
            .await
    }
}

/// Events as they are stored; refused if one of them cannot be.
pub(crate) fn prepare(entries: &[EventLogEntry]) -> Result<Vec<PreparedEvent>, StorageError> {
    entries.iter().map(prepared).collect()
}
