//! Cases about runs together with their events.

use std::collections::BTreeSet;

use crate::clock::datetime_of;
use crate::error::StorageError;
use crate::event::{DagsterEventType, EventLogEntry, RunFailureReason};
use crate::ids::{RunId, StorageId};
use crate::run::{DagsterRun, DagsterRunStatus, RunRecord, RunsFilter};
use crate::snap::{JobLineageSnap, JobSnap, SnapshotBody};
use crate::storage::{
    AssetCheckExecutionRecordStatus, EventLogStorage, EventRecordsFilter, NewRun, Order,
    RecordsForRun, RunEventStore, RunStorage, StoredEvents,
};
use crate::tags::RUN_FAILURE_REASON;
use crate::testing::event_log::events::all_messages;
use crate::testing::runs::run_changes::{failure, placed};
use crate::testing::runs::runs::{all_ids, record};
use crate::testing::runs::snapshots::{job_snapshot, plan_snapshot};
use crate::testing::samples::{
    Evaluated, all_of, asset, at, check_evaluated, check_key, check_planned,
    check_planned_of_a_range, entry, event, materialized, message, planned, run, stamp, step_event,
    tags,
};

/// Runs every case about runs together with their events on the stores that an async function makes; what it
/// returns gives a [`RunEventStore`], and the [`RunStorage`] and the [`EventLogStorage`] behind it, by
/// [`AsRef`]. See [`testing`](crate::testing).
#[macro_export]
macro_rules! run_event_store_tests {
    ($make:expr) => {
        mod run_events {
            #[allow(unused_imports, reason = "the function may be named by its whole path")]
            use super::*;
            $crate::run_event_store_tests! { @in run_events $make,
                a_new_run_is_stored_with_all_that_belongs_to_it
                what_follows_from_the_first_events_of_a_run_is_found
                a_new_run_may_have_no_events
                snapshots_of_a_new_run_may_be_stored_already
                a_new_run_whose_id_is_taken_changes_nothing
                of_equal_new_runs_stored_at_once_one_is_there_with_its_events
                a_new_run_of_a_missing_snapshot_writes_nothing
                a_new_run_with_an_event_that_cannot_be_stored_is_not_stored
                a_run_follows_from_its_events
                events_change_a_run_as_each_of_them_does_by_itself
                events_of_several_runs_change_each_of_them
                events_of_an_unknown_run_are_stored
                events_that_change_no_run_are_stored
                no_events_change_nothing
                events_that_are_refused_change_nothing
                a_run_that_cannot_be_changed_is_told_of
                an_event_that_the_index_refuses_is_stored_once_or_not_at_all
                events_of_a_run_may_be_stored_at_once
                a_run_is_deleted_with_its_events_and_claims
                a_deleted_run_may_come_again
            }
        }
        mod guarded {
            #[allow(unused_imports, reason = "the function may be named by its whole path")]
            use super::*;
            $crate::run_event_store_tests! { @in guarded $make,
                a_run_changes_from_the_statuses_that_are_named
                a_run_that_is_not_there_does_not_change
                several_entries_change_a_run_in_their_order
                entries_that_change_no_status_have_conditions_too
                a_fence_keeps_out_who_is_no_leader
                notes_are_written_with_the_run
                a_change_that_cannot_be_stored_changes_nothing
                of_claims_at_once_one_is_stored
                a_claim_and_a_cancellation_exclude_one_another
            }
        }
    };
    (@in $file:ident $make:expr, $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() {
                let made = $make().await;
                let stores = $crate::testing::run_events::Stores {
                    runs: ::core::convert::AsRef::as_ref(&made),
                    events: ::core::convert::AsRef::as_ref(&made),
                    together: ::core::convert::AsRef::as_ref(&made),
                };
                $crate::testing::$file::$case(stores).await;
            }
        )*
    };
}

/// What is asked to store runs with their events, and where they are then.
#[derive(Debug, Clone, Copy)]
pub struct Stores<'a> {
    /// The store of runs.
    pub runs: &'a dyn RunStorage,
    /// The store of events.
    pub events: &'a dyn EventLogStorage,
    /// Both together.
    pub together: &'a dyn RunEventStore,
}

impl Stores<'_> {
    pub(super) async fn has_run(&self, run_id: &str) -> bool {
        self.runs.has_run(&RunId::from(run_id)).await.unwrap()
    }

    pub(super) async fn record(&self, run_id: &str) -> RunRecord {
        record(self.runs, run_id).await
    }

    /// The entries of a run, with the ids of their rows.
    pub(super) async fn log(&self, run_id: &str) -> (Vec<EventLogEntry>, Vec<StorageId>) {
        let query = RecordsForRun::new(RunId::from(run_id));
        let page = self.events.get_records_for_run(&query).await.unwrap();
        page.records.into_iter().map(|record| (record.event_log_entry, record.storage_id)).unzip()
    }

    pub(super) async fn tag_keys(&self) -> Vec<String> {
        self.runs.get_run_tag_keys().await.unwrap()
    }

    async fn has_job(&self, snapshot: &SnapshotBody) -> bool {
        self.runs.has_job_snapshot(snapshot.id()).await.unwrap()
    }

    async fn has_plan(&self, snapshot: &SnapshotBody) -> bool {
        self.runs.has_execution_plan_snapshot(snapshot.id()).await.unwrap()
    }

    async fn has_asset(&self, name: &str) -> bool {
        self.events.has_asset_key(&asset(name)).await.unwrap()
    }

    /// Stores entries whose runs can be changed.
    async fn store(&self, entries: &[EventLogEntry]) -> Vec<StorageId> {
        let StoredEvents { ids, incomplete } =
            self.together.store_run_events(entries).await.unwrap();
        assert!(incomplete.is_none(), "{incomplete:?}");
        ids
    }

    /// How many slots and waiting steps of a pool are of each run.
    async fn claims(&self) -> Vec<String> {
        let mut infos =
            self.events.get_concurrency_infos(&["pool".to_owned()], None).await.unwrap();
        let info = infos.remove(0);
        let mut runs: Vec<_> =
            info.claimed_slots.into_iter().map(|slot| slot.run_id.to_string()).collect();
        runs.extend(info.pending_steps.into_iter().map(|step| step.run_id.to_string()));
        runs.sort_unstable();
        runs.dedup();
        runs
    }
}

/// A run of a job that is a part of another one, with both, a plan, a tag, and events.
fn new_run(run_id: &str) -> NewRun {
    let whole = SnapshotBody::of_job(&job_snapshot("whole"));
    let part = JobSnap {
        lineage_snapshot: Some(JobLineageSnap {
            asset_check_selection: None,
            asset_selection: None,
            parent_snapshot_id: whole.id().clone(),
            op_selection: None,
            resolved_op_selection: None,
            unknown: crate::serdes::UnknownFields::default(),
        }),
        ..job_snapshot("part")
    };
    let part = SnapshotBody::of_job(&part);
    let plan = SnapshotBody::of_execution_plan(&plan_snapshot());
    let run = DagsterRun {
        job_snapshot_id: Some(part.id().clone()),
        execution_plan_snapshot_id: Some(plan.id().clone()),
        ..run(run_id, "j", &[("a", "1")])
    };
    NewRun {
        job_snapshots: vec![whole, part],
        execution_plan_snapshot: Some(plan),
        events: vec![
            message(run_id, "first"),
            planned(run_id, "planned", None, 1),
            message(run_id, "last"),
        ],
        ..NewRun::new(run, at(3))
    }
}

/// The run, what it refers to, its tags and its events are there, the events in their order, and their ids are
/// the ones that were told.
pub async fn a_new_run_is_stored_with_all_that_belongs_to_it(on: Stores<'_>) {
    let new = new_run("r1");
    let ids = on.together.add_run_with_events(new.clone()).await.unwrap().ids;
    let stored = on.record("r1").await;
    assert_eq!(stored.dagster_run, new.run);
    assert_eq!(stored.create_timestamp, at(3));
    assert_eq!(on.tag_keys().await, ["a"]);
    for snapshot in &new.job_snapshots {
        let stored = on.runs.get_job_snapshot(snapshot.id()).await.unwrap().unwrap();
        assert_eq!(SnapshotBody::of_job(&stored), *snapshot);
    }
    let plan = new.execution_plan_snapshot.unwrap();
    let stored = on.runs.get_execution_plan_snapshot(plan.id()).await.unwrap().unwrap();
    assert_eq!(SnapshotBody::of_execution_plan(&stored), plan);
    assert_eq!(on.log("r1").await, (new.events, ids.clone()));
    assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
    assert_eq!(ids.len(), 3);
}

/// Assets and checks that a run announces when it is created are known from then on.
pub async fn what_follows_from_the_first_events_of_a_run_is_found(on: Stores<'_>) {
    let key = check_key("checked", "c");
    let mut new = new_run("r1");
    new.events.push(check_planned("r1", &key, 1));
    new.events.push(planned("r1", "partitioned", Some("p"), 1));
    on.together.add_run_with_events(new).await.unwrap();
    for (name, expected) in [("planned", true), ("partitioned", true), ("other", false)] {
        assert_eq!(on.has_asset(name).await, expected, "{name}");
    }
    let filter = EventRecordsFilter::new(DagsterEventType::AssetMaterializationPlanned)
        .with_asset_key(asset("partitioned"));
    let found = on.events.get_event_records(&filter, None, Order::Ascending).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].event_log_entry.run_id.as_str(), "r1");
    let last = on
        .events
        .get_latest_asset_check_execution_by_key(std::slice::from_ref(&key), None)
        .await
        .unwrap();
    let executions: Vec<_> =
        last.iter().map(|record| (record.run_id.as_str(), record.status)).collect();
    assert_eq!(executions, [("r1", AssetCheckExecutionRecordStatus::Planned)]);
}

/// A run without events is a run with an empty log.
pub async fn a_new_run_may_have_no_events(on: Stores<'_>) {
    let new = NewRun { events: Vec::new(), ..new_run("r1") };
    assert_eq!(on.together.add_run_with_events(new.clone()).await.unwrap().ids, []);
    let bare = NewRun::new(run("r2", "j", &[]), at(0));
    assert_eq!(on.together.add_run_with_events(bare).await.unwrap().ids, []);
    assert_eq!(all_ids(on.runs).await, ["r1", "r2"]);
    assert!(on.has_job(&new.job_snapshots[0]).await);
    assert_eq!(on.log("r1").await, (Vec::new(), Vec::new()));
}

/// Snapshots that another run has brought are used, whether they are given again or not.
pub async fn snapshots_of_a_new_run_may_be_stored_already(on: Stores<'_>) {
    on.together.add_run_with_events(new_run("r1")).await.unwrap();
    on.together.add_run_with_events(new_run("r2")).await.unwrap();
    let without =
        NewRun { job_snapshots: Vec::new(), execution_plan_snapshot: None, ..new_run("r3") };
    on.together.add_run_with_events(without).await.unwrap();
    assert_eq!(all_ids(on.runs).await, ["r1", "r2", "r3"]);
    for id in ["r1", "r2", "r3"] {
        assert_eq!(all_messages(on.events, id).await.len(), 3, "{id}");
    }
}

/// A run whose id is taken is refused by name; the stored run stays as it is, and of the other one there is
/// nothing.
pub async fn a_new_run_whose_id_is_taken_changes_nothing(on: Stores<'_>) {
    let first = NewRun {
        events: vec![message("r1", "of the first")],
        ..NewRun::new(run("r1", "first", &[("b", "1")]), at(0))
    };
    on.together.add_run_with_events(first).await.unwrap();
    let before = on.record("r1").await;
    for new in [new_run("r1"), NewRun { events: Vec::new(), ..new_run("r1") }] {
        let error = on.together.add_run_with_events(new.clone()).await.unwrap_err();
        assert!(
            matches!(&error, StorageError::RunAlreadyExists { run_id } if run_id.as_str() == "r1"),
            "{error:?}"
        );
        assert_eq!(on.record("r1").await, before);
        assert_eq!(on.tag_keys().await, ["b"]);
        assert_eq!(all_messages(on.events, "r1").await, ["of the first"]);
        assert!(!on.has_asset("planned").await);
        assert!(!on.has_job(&new.job_snapshots[0]).await);
        assert!(!on.has_plan(new.execution_plan_snapshot.as_ref().unwrap()).await);
    }
}

/// Of callers who store the same run at once, one is told that it is stored, and only its events are there.
pub async fn of_equal_new_runs_stored_at_once_one_is_there_with_its_events(on: Stores<'_>) {
    let outcomes = all_of((0..8).map(|_| on.together.add_run_with_events(new_run("r1")))).await;
    let (stored, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(stored.len(), 1);
    for error in refused.into_iter().filter_map(Result::err) {
        assert!(matches!(error, StorageError::RunAlreadyExists { .. }), "{error:?}");
    }
    let ids: Vec<_> = stored.into_iter().flatten().flat_map(|stored| stored.ids).collect();
    assert_eq!(on.log("r1").await, (new_run("r1").events, ids));
    assert_eq!(all_ids(on.runs).await, ["r1"]);
}

/// A run that names a job which is neither stored nor given is refused by both names, and nothing is written.
pub async fn a_new_run_of_a_missing_snapshot_writes_nothing(on: Stores<'_>) {
    let complete = new_run("r1");
    let whole = complete.job_snapshots[0].clone();
    for job_snapshots in [Vec::new(), vec![whole.clone()]] {
        let new = NewRun { job_snapshots, ..complete.clone() };
        let error = on.together.add_run_with_events(new.clone()).await.unwrap_err();
        let missing = new.run.job_snapshot_id.unwrap();
        assert!(
            matches!(&error, StorageError::SnapshotDoesNotExist { run_id, snapshot_id }
                if run_id.as_str() == "r1" && *snapshot_id == missing),
            "{error:?}"
        );
        assert!(!on.has_run("r1").await);
        assert_eq!(on.tag_keys().await, Vec::<String>::new());
        assert_eq!(on.log("r1").await, (Vec::new(), Vec::new()));
        assert!(!on.has_asset("planned").await);
        assert!(!on.has_job(&whole).await);
        assert!(!on.has_plan(new.execution_plan_snapshot.as_ref().unwrap()).await);
    }
    on.together.add_run_with_events(complete).await.unwrap();
}

/// One event that cannot be stored completely keeps the run and the other events from being stored; without it
/// they are.
pub async fn a_new_run_with_an_event_that_cannot_be_stored_is_not_stored(on: Stores<'_>) {
    let at_time =
        |timestamp| EventLogEntry { timestamp, ..event("r1", DagsterEventType::StepStart, 0) };
    for refused in [
        at_time(f64::NAN),
        at_time(-1e300),
        event("r1", DagsterEventType::AssetMaterializationPlanned, 0),
        event("r1", DagsterEventType::AssetCheckEvaluationPlanned, 0),
        check_planned_of_a_range("r1", &check_key("a", "c")),
    ] {
        let mut new = new_run("r1");
        new.events.insert(2, refused);
        on.together.add_run_with_events(new).await.unwrap_err();
        assert!(!on.has_run("r1").await);
        assert_eq!(on.tag_keys().await, Vec::<String>::new());
        assert_eq!(on.log("r1").await, (Vec::new(), Vec::new()));
        assert!(!on.has_asset("planned").await);
    }
    on.together.add_run_with_events(new_run("r1")).await.unwrap();
    assert_eq!(all_messages(on.events, "r1").await.len(), 3);
}

/// A whole life in one call: status, times and time of change are those of its events, and the events are
/// there in their order.
pub async fn a_run_follows_from_its_events(on: Stores<'_>) {
    on.runs.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    let ids = on.store(&[event("r1", DagsterEventType::RunStarting, 1)]).await;
    assert_eq!(on.record("r1").await.dagster_run.status, DagsterRunStatus::Starting);
    let entries = [
        event("r1", DagsterEventType::RunStart, 2),
        step_event("r1", DagsterEventType::StepStart, "s", 3),
        materialized("r1", "a", None, 4),
        event("r1", DagsterEventType::RunSuccess, 5),
    ];
    let more = on.store(&entries).await;
    let stored = on.record("r1").await;
    assert_eq!(stored.dagster_run.status, DagsterRunStatus::Success);
    assert_eq!((stored.start_time, stored.end_time), (Some(stamp(2)), Some(stamp(5))));
    assert_eq!((stored.create_timestamp, stored.update_timestamp), (at(0), at(5)));
    let (log, all_ids) = on.log("r1").await;
    assert_eq!(log[1..], entries);
    assert_eq!(all_ids, [ids, more].concat());
    assert!(all_ids.is_sorted_by(|one, other| one < other), "{all_ids:?}");
    assert!(on.has_asset("a").await);
}

/// Makes the entry of a run, at a second.
type Make = Box<dyn Fn(&str, u32) -> EventLogEntry + Send + Sync>;

/// However events follow one another, several in one call change their run as one after the other do.
pub async fn events_change_a_run_as_each_of_them_does_by_itself(on: Stores<'_>) {
    use DagsterEventType::{RunCanceled, RunEnqueued, RunFailure, RunStart, RunSuccess};

    let failed = |reason| {
        let event = failure(Some(reason));
        move |id: &str, second| entry(id, event.clone(), second)
    };
    let plain = |event_type| move |id: &str, second| event(id, event_type, second);
    let lives: Vec<Vec<(Make, u32)>> = vec![
        vec![(Box::new(plain(RunStart)), 1), (Box::new(plain(RunSuccess)), 2)],
        vec![(Box::new(plain(RunSuccess)), 5), (Box::new(plain(RunStart)), 1)],
        vec![(Box::new(plain(RunStart)), 1), (Box::new(plain(RunStart)), 3)],
        vec![(Box::new(plain(RunSuccess)), 1), (Box::new(plain(RunSuccess)), 1)],
        vec![
            (Box::new(plain(RunEnqueued)), 1),
            (Box::new(plain(RunCanceled)), 2),
            (Box::new(plain(RunStart)), 3),
            (Box::new(plain(RunFailure)), 4),
        ],
        vec![
            (Box::new(failed(RunFailureReason::StepFailure)), 1),
            (Box::new(failed(RunFailureReason::RunException)), 2),
        ],
    ];
    for (number, life) in lives.iter().enumerate() {
        let (all, each) = (format!("all{number}"), format!("each{number}"));
        for id in [&all, &each] {
            on.runs.add_run(&placed(run(id, "j", &[])), at(0)).await.unwrap();
        }
        let entries: Vec<_> = life.iter().map(|(make, second)| make(&all, *second)).collect();
        on.store(&entries).await;
        for entry in life.iter().map(|(make, second)| make(&each, *second)) {
            let (event, time) = (entry.dagster_event.unwrap(), datetime_of(entry.timestamp));
            let id = RunId::from(each.as_str());
            on.runs.handle_run_event(&id, &event, time.unwrap()).await.unwrap();
        }
        let (found, expected) = (on.record(&all).await, on.record(&each).await);
        let run = DagsterRun { run_id: RunId::from(each), ..found.dagster_run };
        assert_eq!(run, expected.dagster_run, "{number}");
        assert_ne!(run.status, DagsterRunStatus::NotStarted, "{number}");
        assert_eq!(
            (found.start_time, found.end_time, found.update_timestamp),
            (expected.start_time, expected.end_time, expected.update_timestamp),
            "{number}"
        );
        assert_eq!(on.log(&all).await.0, entries);
    }
    // The last of the lives ends with a failure whose reason is known, in the body and beside it.
    let last = on.record("all5").await.dagster_run;
    assert_eq!(last.tags, tags(&[(RUN_FAILURE_REASON, RunFailureReason::RunException.as_str())]));
    assert!(on.tag_keys().await.contains(&RUN_FAILURE_REASON.to_owned()));
}

/// Events of several runs change each of them by their own.
pub async fn events_of_several_runs_change_each_of_them(on: Stores<'_>) {
    for id in ["r1", "r2", "r3"] {
        on.runs.add_run(&run(id, "j", &[]), at(0)).await.unwrap();
    }
    let entries = [
        event("r1", DagsterEventType::RunStart, 1),
        event("r2", DagsterEventType::RunStart, 2),
        message("r3", "x"),
        event("r1", DagsterEventType::RunFailure, 3),
    ];
    let ids = on.store(&entries).await;
    for (id, status, start, end) in [
        ("r1", DagsterRunStatus::Failure, Some(stamp(1)), Some(stamp(3))),
        ("r2", DagsterRunStatus::Started, Some(stamp(2)), None),
        ("r3", DagsterRunStatus::NotStarted, None, None),
    ] {
        let stored = on.record(id).await;
        assert_eq!(stored.dagster_run.status, status, "{id}");
        assert_eq!((stored.start_time, stored.end_time), (start, end), "{id}");
        let of_run = entries.iter().zip(&ids).filter(|(entry, _)| entry.run_id.as_str() == id);
        let (expected, ids): (Vec<_>, Vec<_>) =
            of_run.map(|(entry, id)| (entry.clone(), *id)).unzip();
        assert_eq!(on.log(id).await, (expected, ids), "{id}");
    }
}

/// Events of a run that nobody has stored are stored all the same, and make no run.
pub async fn events_of_an_unknown_run_are_stored(on: Stores<'_>) {
    let entries =
        [event("r1", DagsterEventType::RunStart, 1), event("r1", DagsterEventType::RunSuccess, 2)];
    on.store(&entries).await;
    assert_eq!(on.log("r1").await.0, entries);
    assert!(!on.has_run("r1").await);
}

/// Events that are about no status leave the run as it is, its time of change too.
pub async fn events_that_change_no_run_are_stored(on: Stores<'_>) {
    on.runs.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    let before = on.record("r1").await;
    let single = [step_event("r1", DagsterEventType::StepFailure, "s", 9)];
    let several = [message("r1", "x"), materialized("r1", "a", None, 9)];
    on.store(&single).await;
    on.store(&several).await;
    assert_eq!(on.record("r1").await, before);
    assert_eq!(on.log("r1").await.0, [&single[..], &several].concat());
}

/// No events are no error.
pub async fn no_events_change_nothing(on: Stores<'_>) {
    on.runs.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    let before = on.record("r1").await;
    assert_eq!(on.store(&[]).await, []);
    assert_eq!(on.record("r1").await, before);
}

/// One event that cannot be stored completely keeps the others from being stored, and the runs from being
/// changed.
pub async fn events_that_are_refused_change_nothing(on: Stores<'_>) {
    for id in ["r1", "r2"] {
        on.runs.add_run(&run(id, "j", &[]), at(0)).await.unwrap();
    }
    let before = (on.record("r1").await, on.record("r2").await);
    let start = event("r1", DagsterEventType::RunStart, 1);
    let no_time = EventLogEntry { timestamp: f64::INFINITY, ..start.clone() };
    let no_asset = event("r1", DagsterEventType::AssetMaterialization, 0);
    for refused in [no_time, no_asset] {
        for entries in [
            vec![refused.clone()],
            vec![start.clone(), refused.clone()],
            vec![event("r2", DagsterEventType::RunStart, 1), refused, start.clone()],
        ] {
            on.together.store_run_events(&entries).await.unwrap_err();
            assert_eq!((on.record("r1").await, on.record("r2").await), before);
            for id in ["r1", "r2"] {
                assert_eq!(on.log(id).await, (Vec::new(), Vec::new()), "{id}");
            }
        }
    }
    on.store(&[start]).await;
    assert_eq!(on.record("r1").await.dagster_run.status, DagsterRunStatus::Started);
}

/// Where a run cannot be changed as an event demands, nothing of that call is stored; or the events are, the other
/// runs are changed, and the error is told beside the ids.
pub async fn a_run_that_cannot_be_changed_is_told_of(on: Stores<'_>) {
    on.runs.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    on.runs.add_run(&run("r2", "j", &[]), at(0)).await.unwrap();
    let before = (on.record("r1").await, on.record("r2").await);
    // Whoever does not say where its job is cannot be queued.
    let entries =
        [event("r1", DagsterEventType::RunEnqueued, 1), event("r2", DagsterEventType::RunStart, 2)];
    let stored = on.together.store_run_events(&entries).await;
    if let Ok(StoredEvents { ids, incomplete }) = stored {
        assert!(incomplete.is_some());
        assert_eq!(on.log("r1").await, (entries[..1].to_vec(), ids[..1].to_vec()));
        assert_eq!(on.log("r2").await, (entries[1..].to_vec(), ids[1..].to_vec()));
        assert_eq!(on.record("r2").await.dagster_run.status, DagsterRunStatus::Started);
    } else {
        assert_eq!(on.log("r1").await, (Vec::new(), Vec::new()));
        assert_eq!(on.log("r2").await, (Vec::new(), Vec::new()));
        assert_eq!(on.record("r2").await, before.1);
    }
    assert_eq!(on.record("r1").await, before.0);
}

/// An error means that an event is not stored. Where it is in the log of its run and the index refuses it, it is
/// told as stored, so that nobody stores it again.
pub async fn an_event_that_the_index_refuses_is_stored_once_or_not_at_all(on: Stores<'_>) {
    on.runs.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    // A check that is planned twice in a run cannot be told which of the two was evaluated.
    let key = check_key("a", "c");
    let planned = [check_planned("r1", &key, 1), check_planned("r1", &key, 2)];
    on.store(&planned).await;
    let evaluated = check_evaluated("r1", &key, Evaluated::default(), 3);
    let others = [message("r1", "before"), evaluated.clone(), message("r1", "behind")];
    for refused in [std::slice::from_ref(&evaluated), &others] {
        let (before, _) = on.log("r1").await;
        let stored = on.together.store_run_events(refused).await;
        let (log, ids) = on.log("r1").await;
        let added = &log[before.len()..];
        if let Ok(stored) = stored {
            assert!(stored.incomplete.is_some());
            assert_eq!((added, &ids[before.len()..]), (refused, &stored.ids[..]));
        } else {
            assert_eq!(added, []);
        }
    }
}

/// Nothing of what several callers store of a run at once is lost.
pub async fn events_of_a_run_may_be_stored_at_once(on: Stores<'_>) {
    on.runs.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    let batches: Vec<_> = (0..12)
        .map(|number| match number {
            4 => vec![event("r1", DagsterEventType::RunStart, 3)],
            8 => vec![message("r1", "x"), event("r1", DagsterEventType::RunSuccess, 7)],
            _ => vec![message("r1", "x"), materialized("r1", "a", None, number)],
        })
        .collect();
    let stored = all_of(batches.iter().map(|batch| on.store(batch))).await;
    let ids: BTreeSet<_> = stored.into_iter().flatten().collect();
    assert_eq!(ids.len(), 23);
    let (_, found) = on.log("r1").await;
    assert_eq!(BTreeSet::from_iter(found), ids);
    let stored = on.record("r1").await;
    assert_eq!((stored.start_time, stored.end_time), (Some(stamp(3)), Some(stamp(7))));
}

/// A run is gone with its tags, its events and its claims of pools; assets and other runs stay. An unknown run
/// is no error.
pub async fn a_run_is_deleted_with_its_events_and_claims(on: Stores<'_>) {
    on.events.set_concurrency_slots("pool", 2).await.unwrap();
    for id in ["r1", "r2"] {
        let mut new = new_run(id);
        new.run.tags = tags(&[(id, "1")]);
        new.events.push(materialized(id, &format!("asset of {id}"), None, 1));
        on.together.add_run_with_events(new).await.unwrap();
        for step in ["a", "b"] {
            let run_id = RunId::from(id);
            on.events.claim_concurrency_slot("pool", &run_id, step, None).await.unwrap();
        }
    }
    assert_eq!(on.claims().await, ["r1", "r2"]);
    let kept = (on.record("r2").await, on.log("r2").await);
    on.together.delete_run_with_events(&RunId::from("unknown")).await.unwrap();
    assert_eq!(all_ids(on.runs).await, ["r1", "r2"]);
    for _ in 0..2 {
        on.together.delete_run_with_events(&RunId::from("r1")).await.unwrap();
        assert_eq!(all_ids(on.runs).await, ["r2"]);
        assert_eq!(on.tag_keys().await, ["r2"]);
        assert_eq!(on.log("r1").await, (Vec::new(), Vec::new()));
        assert_eq!(on.claims().await, ["r2"]);
        let filter = EventRecordsFilter::new(DagsterEventType::AssetMaterialization)
            .with_asset_key(asset("asset of r1"));
        let found = on.events.get_event_records(&filter, None, Order::Ascending).await.unwrap();
        assert_eq!(found, []);
        assert!(on.has_asset("asset of r1").await);
        assert_eq!((on.record("r2").await, on.log("r2").await), kept);
    }
    assert_eq!(on.runs.get_runs_count(&RunsFilter::default()).await.unwrap(), 1);
}

/// After its deletion a run is as new.
pub async fn a_deleted_run_may_come_again(on: Stores<'_>) {
    on.together.add_run_with_events(new_run("r1")).await.unwrap();
    on.store(&[event("r1", DagsterEventType::RunSuccess, 1)]).await;
    on.together.delete_run_with_events(&RunId::from("r1")).await.unwrap();
    let new = new_run("r1");
    let ids = on.together.add_run_with_events(new.clone()).await.unwrap().ids;
    assert_eq!(on.record("r1").await.dagster_run, new.run);
    assert_eq!(on.log("r1").await, (new.events, ids));
}
