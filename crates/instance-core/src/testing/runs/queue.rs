//! Cases about the runs that wait and those that go on.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{DagsterEvent, DagsterEventType};
use crate::ids::{RunId, StorageId};
use crate::run::{DagsterRun, DagsterRunStatus};
use crate::storage::{ActiveRow, RunQueueStore, RunStorage, RunStore};
use crate::testing::runs::run_changes::placed;
use crate::testing::runs::runs::record;
use crate::testing::samples::{MANY, at, run, stamp, tags};

/// The rows, by the ids of their runs.
async fn rows(storage: &dyn RunQueueStore) -> BTreeMap<String, ActiveRow> {
    let rows = storage.get_active_rows().await.unwrap();
    let count = rows.len();
    let by_run: BTreeMap<_, _> =
        rows.into_iter().map(|row| (row.run_id.to_string(), row)).collect();
    assert_eq!(by_run.len(), count);
    by_run
}

async fn change(storage: &dyn RunStore, run_id: &str, event_type: DagsterEventType, seconds: i64) {
    let event = DagsterEvent::new(event_type, "j");
    storage.handle_run_event(&RunId::from(run_id), &event, at(seconds)).await.unwrap();
}

/// Of runs of all statuses, those that wait and those that go on have a row, which is that of their records. Those that
/// are not started, suspended or ended have none.
pub async fn rows_of_runs_that_wait_or_go_on_are_found(storage: &dyn RunStorage) {
    assert_eq!(storage.get_active_rows().await.unwrap(), []);
    for status in DagsterRunStatus::ALL {
        let of_status = DagsterRun { status: *status, ..run(status.as_str(), "j", &[]) };
        storage.add_run(&placed(of_status), at(0)).await.unwrap();
    }
    change(storage, "NOT_STARTED", DagsterEventType::RunStart, 3).await;
    let found = rows(storage).await;
    let ids: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(ids, ["CANCELING", "NOT_STARTED", "QUEUED", "STARTED", "STARTING"]);
    for (id, row) in &found {
        let record = record(storage, id).await;
        let expected = ActiveRow::new(
            record.storage_id,
            record.dagster_run.run_id.clone(),
            record.dagster_run.status,
            record.update_timestamp,
        );
        assert_eq!(*row, expected.with_start_time(record.start_time));
    }
    assert_eq!(found["NOT_STARTED"].start_time, Some(stamp(3)));
    assert_eq!(found["STARTED"].start_time, None);
}

/// Whoever remembers the time of a row learns of each change that matters to the queue: of the status and of the tags.
pub async fn a_change_of_a_run_changes_the_time_of_its_row(storage: &dyn RunStorage) {
    storage.add_run(&placed(run("r1", "j", &[])), at(0)).await.unwrap();
    change(storage, "r1", DagsterEventType::RunEnqueued, 1).await;
    let queued = rows(storage).await["r1"].clone();
    assert_eq!((queued.status, queued.update_timestamp), (DagsterRunStatus::Queued, at(1)));

    let run_id = RunId::from("r1");
    storage.add_run_tags(&run_id, &tags(&[("dagster/priority", "5")]), at(2)).await.unwrap();
    let tagged = rows(storage).await["r1"].clone();
    assert_eq!((tagged.status, tagged.update_timestamp), (DagsterRunStatus::Queued, at(2)));
    assert_eq!(tagged.storage_id, queued.storage_id);

    change(storage, "r1", DagsterEventType::RunStarting, 3).await;
    let starting = rows(storage).await["r1"].clone();
    assert_eq!((starting.status, starting.update_timestamp), (DagsterRunStatus::Starting, at(3)));

    change(storage, "r1", DagsterEventType::RunSuccess, 4).await;
    assert_eq!(rows(storage).await, BTreeMap::new());
}

/// Any number of runs is read in one call, each once and as it is by now. A row that is gone, or never was, is left out.
pub async fn any_number_of_active_runs_may_be_asked_for(storage: &dyn RunStorage) {
    assert_eq!(storage.get_active_runs(&[]).await.unwrap().len(), 0);
    for id in ["r1", "r2", "r3"] {
        storage.add_run(&placed(run(id, "j", &[("a", id)])), at(0)).await.unwrap();
        change(storage, id, DagsterEventType::RunEnqueued, 1).await;
    }
    let found = rows(storage).await;
    change(storage, "r1", DagsterEventType::RunSuccess, 2).await;
    storage.delete_run(&RunId::from("r2")).await.unwrap();
    // None of these rows exists.
    let none = (0..).take(MANY).map(|number| StorageId(1_000_000 + number));
    let asked: Vec<_> = found.values().map(|row| row.storage_id).chain(none).collect();

    let mut runs = BTreeSet::new();
    for (storage_id, read) in storage.get_active_runs(&asked).await.unwrap() {
        let read = read.unwrap();
        let id = read.dagster_run.run_id.to_string();
        assert_eq!((storage_id, read.storage_id), (found[&id].storage_id, found[&id].storage_id));
        assert_eq!(read, record(storage, &id).await);
        assert!(runs.insert(id));
    }
    assert_eq!(runs, BTreeSet::from(["r1".to_owned(), "r3".to_owned()]));
}
