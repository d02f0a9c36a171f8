//! Cases about what the store of runs and the store of events do together.

use crate::event::DagsterEventType;
use crate::ids::{RunId, StorageId};
use crate::storage::EventStoreExt;
use crate::storage::{
    EventCursor, EventLogStorage, EventRecordsFilter, Order, RunShardedEventsCursor, RunStorage,
};
use crate::testing::samples::{at, event, run};

/// Runs every case about what several stores do together; part of
/// [`storage_tests!`](crate::storage_tests).
#[doc(hidden)]
#[macro_export]
macro_rules! __together_tests {
    ($make:expr) => {
        mod together {
            #[allow(unused_imports, reason = "the function may be named by its whole path")]
            use super::*;
            $crate::__together_tests! { @cases $make,
                events_that_are_not_about_assets_are_found_across_runs
                events_across_runs_are_found_behind_a_cursor
                events_without_a_run_are_found_across_runs
            }
        }
    };
    (@cases $make:expr, $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() {
                let made = $make().await;
                let runs: &dyn $crate::storage::RunStorage = ::core::convert::AsRef::as_ref(&made);
                let events: &dyn $crate::storage::EventLogStorage =
                    ::core::convert::AsRef::as_ref(&made);
                $crate::testing::together::$case(runs, events).await;
            }
        )*
    };
}

/// The times of the events that are found, in seconds since the first one.
async fn seconds(
    events: &dyn EventLogStorage,
    filter: &EventRecordsFilter,
    limit: Option<u64>,
    order: Order,
) -> Vec<i64> {
    let found = events.get_event_records(filter, limit, order).await.unwrap();
    let first = crate::testing::samples::stamp(0);
    #[expect(clippy::cast_possible_truncation, reason = "they are a few")]
    found.iter().map(|record| (record.event_log_entry.timestamp - first) as i64).collect()
}

async fn fill(runs: &dyn RunStorage, events: &dyn EventLogStorage) {
    for (id, second) in [("r1", 1), ("r2", 2), ("r3", 3)] {
        runs.add_run(&run(id, "j", &[]), at(0)).await.unwrap();
        let seconds = u32::try_from(second).unwrap();
        for event_type in [DagsterEventType::StepStart, DagsterEventType::RunStart] {
            let entry = event(id, event_type, seconds);
            events.store_event(&entry).await.unwrap();
            let event = entry.dagster_event.unwrap();
            runs.handle_run_event(&RunId::from(id), &event, at(second)).await.unwrap();
        }
    }
}

/// Events of a type come by time, whichever run they are of, oldest or newest first and up to the limit.
pub async fn events_that_are_not_about_assets_are_found_across_runs(
    runs: &dyn RunStorage,
    events: &dyn EventLogStorage,
) {
    fill(runs, events).await;
    for event_type in [DagsterEventType::StepStart, DagsterEventType::RunStart] {
        let filter = EventRecordsFilter::new(event_type);
        for (limit, order, expected) in [
            (None, Order::Ascending, vec![1, 2, 3]),
            (None, Order::Descending, vec![3, 2, 1]),
            (Some(2), Order::Ascending, vec![1, 2]),
            (Some(2), Order::Descending, vec![3, 2]),
            (Some(0), Order::Ascending, vec![]),
            (Some(u64::MAX), Order::Ascending, vec![1, 2, 3]),
        ] {
            assert_eq!(seconds(events, &filter, limit, order).await, expected, "{event_type}");
        }
        let between = EventRecordsFilter {
            after_timestamp: Some(at(1)),
            before_timestamp: Some(at(3)),
            ..filter
        };
        assert_eq!(seconds(events, &between, None, Order::Ascending).await, [2]);
    }
    let filter = EventRecordsFilter::new(DagsterEventType::StepSuccess);
    assert_eq!(seconds(events, &filter, None, Order::Ascending).await, [0_i64; 0]);
}

/// A cursor that names a time of change leaves out what is older, be the rows of runs together or not.
pub async fn events_across_runs_are_found_behind_a_cursor(
    runs: &dyn RunStorage,
    events: &dyn EventLogStorage,
) {
    fill(runs, events).await;
    let all = EventRecordsFilter::new(DagsterEventType::StepStart);
    let found = events.get_event_records(&all, None, Order::Ascending).await.unwrap();
    let id = if events.is_run_sharded() { StorageId(0) } else { found[0].storage_id };
    let cursor = RunShardedEventsCursor { id, run_updated_after: at(1) };
    let filter =
        EventRecordsFilter { after_cursor: Some(EventCursor::RunSharded(cursor)), ..all.clone() };
    assert_eq!(seconds(events, &filter, None, Order::Ascending).await, [2, 3]);
    let filter = EventRecordsFilter {
        after_cursor: Some(EventCursor::StorageId(found[0].storage_id)),
        ..all
    };
    if events.is_run_sharded() {
        // Ids of several runs do not compare.
        events.get_event_records(&filter, None, Order::Ascending).await.unwrap_err();
    } else {
        assert_eq!(seconds(events, &filter, None, Order::Ascending).await, [2, 3]);
    }
}

/// Events that belong to no run are found with the others.
pub async fn events_without_a_run_are_found_across_runs(
    runs: &dyn RunStorage,
    events: &dyn EventLogStorage,
) {
    runs.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    events.store_event(&event("r1", DagsterEventType::EngineEvent, 1)).await.unwrap();
    events.store_event(&event("", DagsterEventType::EngineEvent, 2)).await.unwrap();
    let filter = EventRecordsFilter::new(DagsterEventType::EngineEvent);
    let mut found = seconds(events, &filter, None, Order::Ascending).await;
    found.sort_unstable();
    assert_eq!(found, [1, 2]);
}
