//! The conformance suite can fail: stores that are wrong on purpose are caught by the cases that are about what
//! they do wrong.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use instance_core::clock::SystemClock;
use instance_core::event::EventLogEntry;
use instance_core::run::{DagsterRunStatus, RunPartitionData, RunRecord, RunsFilter};
use instance_core::storage::{
    DynamicPartitionStore, DynamicPartitionsPage, EventLogStorage, EventSignal, EventStore,
    EventWatch, GuardedEvents, GuardedOutcome, NewRun, PaginatedResults, RunEventStore, RunStorage,
    RunStore, RunsPage, SeparateStores, StoredEvents,
};
use instance_core::testing::doubles::{
    DynamicPartitionStoreDouble, EventStoreDouble, RunStoreDouble,
};
use instance_core::testing::event_log::{dynamic_partitions, watch};
use instance_core::testing::guarded;
use instance_core::testing::run_events::{self, Stores};
use instance_core::testing::runs::{run_filters, runs};
use instance_core::{RunId, StorageError, StorageId};
use instance_storage::{StorageContext, Storages};
use tokio::sync::watch as channel;

use crate::support::line;

/// What a store of runs does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum RunFault {
    Nothing,
    ForgetsTags,
    ReversesIds,
    KeepsTagsOfDeletedRuns,
}

#[derive(Debug)]
struct WrongRuns {
    right: Arc<dyn RunStorage>,
    fault: RunFault,
}

impl WrongRuns {
    fn new(fault: RunFault) -> Self {
        Self { right: Storages::in_memory(StorageContext::default()).run_storage(), fault }
    }

    fn asked(&self, filter: &RunsFilter) -> RunsFilter {
        let mut filter = filter.clone();
        if self.fault == RunFault::ForgetsTags {
            filter.tags.clear();
        }
        filter
    }
}

#[async_trait]
impl RunStoreDouble for WrongRuns {
    fn other(&self) -> Option<&dyn RunStore> {
        Some(&*self.right)
    }

    async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError> {
        self.right.get_run_records(&self.asked(filter), page).await
    }

    async fn get_run_ids(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunId>, StorageError> {
        let mut ids = self.right.get_run_ids(&self.asked(filter), page).await?;
        if self.fault == RunFault::ReversesIds {
            ids.reverse();
        }
        Ok(ids)
    }

    async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, StorageError> {
        self.right.get_runs_count(&self.asked(filter)).await
    }

    async fn get_run_partition_data(
        &self,
        filter: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, StorageError> {
        self.right.get_run_partition_data(&self.asked(filter)).await
    }

    async fn get_run_tag_keys(&self) -> Result<Vec<String>, StorageError> {
        let mut keys = self.right.get_run_tag_keys().await?;
        if self.fault == RunFault::KeepsTagsOfDeletedRuns {
            keys.push("z".to_owned());
        }
        Ok(keys)
    }
}

/// What a store of partitions does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum PartitionFault {
    Nothing,
    IgnoresCase,
    SkipsOneBetweenPages,
}

#[derive(Debug)]
struct WrongPartitions {
    right: Arc<dyn EventLogStorage>,
    fault: PartitionFault,
}

impl WrongPartitions {
    fn new(fault: PartitionFault) -> Self {
        Self { right: Storages::in_memory(StorageContext::default()).event_log_storage(), fault }
    }
}

#[async_trait]
impl DynamicPartitionStoreDouble for WrongPartitions {
    fn other(&self) -> Option<&dyn DynamicPartitionStore> {
        Some(&*self.right)
    }

    async fn get_paginated_dynamic_partitions(
        &self,
        name: &str,
        page: &DynamicPartitionsPage,
    ) -> Result<PaginatedResults<String>, StorageError> {
        let mut found = self.right.get_paginated_dynamic_partitions(name, page).await?;
        if self.fault == PartitionFault::SkipsOneBetweenPages {
            found.cursor = StorageId(found.cursor.0 + 2);
        }
        Ok(found)
    }

    async fn has_dynamic_partition(&self, name: &str, key: &str) -> Result<bool, StorageError> {
        if self.fault == PartitionFault::IgnoresCase {
            let keys = self.right.get_dynamic_partitions(name).await?;
            return Ok(keys.iter().any(|other| other.eq_ignore_ascii_case(key)));
        }
        self.right.has_dynamic_partition(name, key).await
    }
}

/// What a store of runs with their events does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum RunEventFault {
    Nothing,
    StoresEventsFirst,
    ChangesNoRuns,
    KeepsClaimsOfDeletedRuns,
    RefusesWhatItHasStored,
    IgnoresStatuses,
    IgnoresFences,
    ForgetsNotes,
}

#[derive(Debug)]
struct WrongRunEvents {
    right: SeparateStores,
    fault: RunEventFault,
}

impl WrongRunEvents {
    fn new(fault: RunEventFault) -> Self {
        let storages = Storages::in_memory(StorageContext::default());
        let (runs, events) = (storages.run_storage(), storages.event_log_storage());
        Self { right: SeparateStores::new(runs, events, Arc::new(SystemClock)), fault }
    }

    fn stores(&self) -> Stores<'_> {
        Stores { runs: &*self.right.runs, events: &*self.right.events, together: self }
    }
}

#[async_trait]
impl RunEventStore for WrongRunEvents {
    async fn add_run_with_events(&self, mut new_run: NewRun) -> Result<StoredEvents, StorageError> {
        if self.fault != RunEventFault::StoresEventsFirst {
            return self.right.add_run_with_events(new_run).await;
        }
        let events = std::mem::take(&mut new_run.events);
        let stored = self.right.events.store_events(&events).await?;
        self.right.add_run_with_events(new_run).await?;
        Ok(stored)
    }

    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        match self.fault {
            RunEventFault::ChangesNoRuns => self.right.events.store_events(entries).await,
            RunEventFault::RefusesWhatItHasStored => {
                let stored = self.right.store_run_events(entries).await;
                if stored.is_err() {
                    // The log of the run has them, and the index has refused them.
                    let lines = entries.iter().map(|entry| line(entry.run_id.as_str(), "x", 0));
                    self.right.events.store_events(&lines.collect::<Vec<_>>()).await?;
                }
                stored
            }
            _ => self.right.store_run_events(entries).await,
        }
    }

    async fn store_run_events_if(
        &self,
        change: &GuardedEvents,
    ) -> Result<GuardedOutcome, StorageError> {
        let mut change = change.clone();
        match self.fault {
            RunEventFault::IgnoresStatuses => change.from.extend(DagsterRunStatus::ALL),
            RunEventFault::IgnoresFences => change.fence = None,
            RunEventFault::ForgetsNotes => change.notes.clear(),
            _ => {}
        }
        self.right.store_run_events_if(&change).await
    }

    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        self.right.delete_run_with_events(run_id).await?;
        if self.fault == RunEventFault::KeepsClaimsOfDeletedRuns {
            self.right.events.claim_concurrency_slot("pool", run_id, "a", None).await?;
        }
        Ok(())
    }
}

/// What a watch does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum WatchFault {
    Nothing,
    ForgetsWhatCameBefore,
    TellsNobodyOfBatches,
}

#[derive(Debug)]
struct WrongWatch {
    right: Arc<dyn EventLogStorage>,
    stored: channel::Sender<()>,
    fault: WatchFault,
}

impl WrongWatch {
    fn new(fault: WatchFault) -> Self {
        let right = Storages::in_memory(StorageContext::default()).event_log_storage();
        Self { right, stored: channel::channel(()).0, fault }
    }
}

#[async_trait]
impl EventStoreDouble for WrongWatch {
    fn other(&self) -> Option<&dyn EventStore> {
        Some(&*self.right)
    }

    async fn store_events(&self, entries: &[EventLogEntry]) -> Result<StoredEvents, StorageError> {
        let stored = self.right.store_events(entries).await?;
        if entries.len() == 1 || self.fault != WatchFault::TellsNobodyOfBatches {
            self.stored.send_replace(());
        }
        Ok(stored)
    }
}

#[async_trait]
impl EventWatch for WrongWatch {
    async fn watch_run(&self, _: &RunId) -> Result<Box<dyn EventSignal>, StorageError> {
        Ok(Box::new(WrongSignal { stored: self.stored.subscribe(), fault: self.fault }))
    }
}

#[derive(Debug)]
struct WrongSignal {
    stored: channel::Receiver<()>,
    fault: WatchFault,
}

#[async_trait]
impl EventSignal for WrongSignal {
    async fn changed(&mut self, _: bool) {
        if self.fault == WatchFault::ForgetsWhatCameBefore {
            self.stored.mark_unchanged();
        }
        // The sender is there as long as the store that is tested.
        let _ = self.stored.changed().await;
    }
}

/// Whether a case fails on a store.
macro_rules! fails {
    ($case:path, $store:expr) => {{
        let store = $store;
        let case = tokio::spawn(async move { $case(&store).await });
        case.await.is_err_and(|error| error.is_panic())
    }};
}

#[tokio::test]
async fn wrong_stores_of_runs_are_caught() {
    use RunFault::{ForgetsTags, KeepsTagsOfDeletedRuns, Nothing, ReversesIds};

    for (fault, by_filters, by_values, by_pages, by_deletion) in [
        (Nothing, false, false, false, false),
        (ForgetsTags, true, true, false, false),
        (ReversesIds, true, false, true, false),
        (KeepsTagsOfDeletedRuns, false, false, false, true),
    ] {
        let wrong = || WrongRuns::new(fault);
        assert_eq!(fails!(run_filters::filters_hold_together, wrong()), by_filters, "{fault:?}");
        let failed = fails!(run_filters::values_of_tags_are_compared_as_they_are, wrong());
        assert_eq!(failed, by_values, "{fault:?}");
        let failed = fails!(run_filters::pages_of_runs_follow_one_another, wrong());
        assert_eq!(failed, by_pages, "{fault:?}");
        let failed = fails!(runs::a_deleted_run_is_gone_with_its_tags, wrong());
        assert_eq!(failed, by_deletion, "{fault:?}");
    }
}

#[tokio::test]
async fn wrong_stores_of_partitions_are_caught() {
    use PartitionFault::{IgnoresCase, Nothing, SkipsOneBetweenPages};

    for (fault, by_keys, by_pages) in
        [(Nothing, false, false), (IgnoresCase, true, false), (SkipsOneBetweenPages, false, true)]
    {
        let wrong = || WrongPartitions::new(fault);
        let failed = fails!(dynamic_partitions::awkward_keys_of_partitions_are_told_apart, wrong());
        assert_eq!(failed, by_keys, "{fault:?}");
        let failed = fails!(dynamic_partitions::pages_of_keys_follow_one_another, wrong());
        assert_eq!(failed, by_pages, "{fault:?}");
    }
}

#[tokio::test]
async fn wrong_stores_of_runs_with_their_events_are_caught() {
    use RunEventFault::{
        ChangesNoRuns, ForgetsNotes, IgnoresFences, IgnoresStatuses, KeepsClaimsOfDeletedRuns,
        Nothing, RefusesWhatItHasStored, StoresEventsFirst,
    };

    macro_rules! fails {
        ($case:ident, $fault:expr) => {
            fails!(run_events::$case, $fault)
        };
        ($area:ident::$case:ident, $fault:expr) => {{
            let wrong = WrongRunEvents::new($fault);
            let case = tokio::spawn(async move { $area::$case(wrong.stores()).await });
            case.await.is_err_and(|error| error.is_panic())
        }};
    }

    for (fault, by_status, by_fence, by_notes) in [
        (Nothing, false, false, false),
        (IgnoresStatuses, true, false, true),
        (IgnoresFences, false, true, false),
        (ForgetsNotes, false, false, true),
    ] {
        let failed = fails!(guarded::a_run_changes_from_the_statuses_that_are_named, fault);
        assert_eq!(failed, by_status, "{fault:?}");
        let failed = fails!(guarded::of_claims_at_once_one_is_stored, fault);
        assert_eq!(failed, by_status || fault == ForgetsNotes, "{fault:?}");
        let failed = fails!(guarded::a_fence_keeps_out_who_is_no_leader, fault);
        assert_eq!(failed, by_fence, "{fault:?}");
        let failed = fails!(guarded::notes_are_written_with_the_run, fault);
        assert_eq!(failed, by_notes, "{fault:?}");
    }

    for (fault, by_id, by_snapshot, by_change, by_deletion) in [
        (Nothing, false, false, false, false),
        (StoresEventsFirst, true, true, false, false),
        (ChangesNoRuns, false, false, true, false),
        (KeepsClaimsOfDeletedRuns, false, false, false, true),
        (RefusesWhatItHasStored, false, false, false, false),
    ] {
        let failed = fails!(an_event_that_the_index_refuses_is_stored_once_or_not_at_all, fault);
        assert_eq!(failed, fault == RefusesWhatItHasStored, "{fault:?}");
        let failed = fails!(a_new_run_whose_id_is_taken_changes_nothing, fault);
        assert_eq!(failed, by_id, "{fault:?}");
        let failed = fails!(a_new_run_of_a_missing_snapshot_writes_nothing, fault);
        assert_eq!(failed, by_snapshot, "{fault:?}");
        let failed = fails!(a_run_follows_from_its_events, fault);
        assert_eq!(failed, by_change, "{fault:?}");
        let failed = fails!(a_run_is_deleted_with_its_events_and_claims, fault);
        assert_eq!(failed, by_deletion, "{fault:?}");
    }
}

#[tokio::test]
async fn wrong_watches_are_caught() {
    use WatchFault::{ForgetsWhatCameBefore, Nothing, TellsNobodyOfBatches};

    macro_rules! check {
        ($case:ident, $fault:expr, $hangs:expr) => {{
            let wrong = WrongWatch::new($fault);
            // Who waits for a signal that does not come waits forever; what is to end does, however slowly.
            let patience = if $hangs { Duration::from_millis(300) } else { watch::DEADLINE };
            let outcome = tokio::time::timeout(patience, watch::$case(&wrong, &wrong)).await;
            assert_eq!(outcome.is_err(), $hangs, "{:?}", $fault);
        }};
    }

    for fault in [Nothing, ForgetsWhatCameBefore, TellsNobodyOfBatches] {
        check!(what_came_before_the_wait_is_signalled, fault, fault == ForgetsWhatCameBefore);
        check!(each_way_to_store_is_signalled, fault, fault != Nothing);
    }
}
