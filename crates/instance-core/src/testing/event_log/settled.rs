//! Cases about what those need who follow the ids of events.

use crate::event::DagsterEventType;
use crate::ids::{RunId, StorageId};
use crate::storage::{EventLogStorage, EventStoreExt as _};
use crate::testing::samples::{FAR, event, line, materialized};

/// Failures of runs come by id, behind the cursor, up to the limit, each with its run; no other entry does.
pub async fn failures_behind_an_id_are_found(storage: &dyn EventLogStorage) {
    let found =
        async |after: StorageId, limit: u64| storage.get_failure_ids(after, limit).await.unwrap();
    assert_eq!(found(StorageId(-1), 10).await, []);
    for entry in [
        event("r1", DagsterEventType::RunStart, 1),
        event("r1", DagsterEventType::RunFailure, 2),
        materialized("r2", "a", None, 3),
        event("r2", DagsterEventType::RunSuccess, 4),
        line("r2", "x", 4),
        event("r3", DagsterEventType::RunFailure, 1),
        event("r1", DagsterEventType::RunFailure, 5),
    ] {
        storage.store_event(&entry).await.unwrap();
    }
    let all = found(StorageId(-1), u64::MAX).await;
    let runs: Vec<_> = all.iter().map(|(_, run_id)| run_id.as_str()).collect();
    assert_eq!(runs, ["r1", "r3", "r1"]);
    assert!(all.is_sorted());
    for (after, limit, expected) in [
        (all[0].0, 10, &all[1..]),
        (all[0].0, 1, &all[1..2]),
        (StorageId(i64::MIN), 2, &all[..2]),
        (StorageId(-1), 0, &[]),
        (all[2].0, 10, &[]),
        (StorageId(FAR), 10, &[]),
    ] {
        assert_eq!(found(after, limit).await, expected, "{after}, {limit}");
    }
    storage.delete_events(&RunId::from("r1")).await.unwrap();
    assert_eq!(found(StorageId(-1), 10).await, &all[1..2]);
}

/// Where nobody writes, everything up to the greatest id is settled.
pub async fn events_that_are_stored_are_settled(storage: &dyn EventLogStorage) {
    let before = storage.settled_position().await.unwrap();
    assert_eq!(before.max, None);
    storage.store_event(&event("r1", DagsterEventType::RunFailure, 1)).await.unwrap();
    storage.store_event(&event("r2", DagsterEventType::RunStart, 2)).await.unwrap();
    let after = storage.settled_position().await.unwrap();
    assert_eq!(after.max, storage.get_maximum_record_id().await.unwrap());
    assert!(after.max.is_some());
    assert_eq!(after.gives_ids_again, before.gives_ids_again);
}
