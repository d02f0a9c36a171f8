//! Cases about what events and new origins change of runs.

use crate::event::{DagsterEvent, DagsterEventType, JobFailureData, RunFailureReason};
use crate::ids::RunId;
use crate::run::{DagsterRun, DagsterRunStatus, RunsFilter, TagFilter};
use crate::serdes::UnknownFields;
use crate::storage::{RunStore, RunTagsQuery, RunTimes, RunsPage};
use crate::tags::{REPOSITORY_LABEL, RUN_FAILURE_REASON};
use crate::testing::runs::runs::record;
use crate::testing::samples::{all_of, at, job_origin, run, stamp, tags, time};

/// The failure of a run, with its reason.
pub(in crate::testing) fn failure(reason: Option<RunFailureReason>) -> DagsterEvent {
    DagsterEvent::new(DagsterEventType::RunFailure, "j").with_data(JobFailureData {
        error: None,
        failure_reason: reason,
        first_step_failure_event: None,
        unknown: UnknownFields::default(),
    })
}

/// The run with a place where its job is, without which it cannot be queued.
pub(in crate::testing) fn placed(run: DagsterRun) -> DagsterRun {
    DagsterRun { remote_job_origin: Some(Box::new(job_origin("loc", "repo"))), ..run }
}

/// A run that does not say where its job is is not queued, as Dagster could not read it: neither when it is
/// added, nor by an event.
pub async fn a_run_without_a_place_of_its_job_is_not_queued(storage: &dyn RunStore) {
    let queued = DagsterRun { status: DagsterRunStatus::Queued, ..run("r1", "j", &[]) };
    storage.add_run(&queued, at(0)).await.unwrap_err();
    assert!(!storage.has_run(&RunId::from("r1")).await.unwrap());
    storage.add_run(&placed(queued), at(0)).await.unwrap();
    storage.add_run(&run("r2", "j", &[]), at(0)).await.unwrap();
    let before = record(storage, "r2").await;
    let event = DagsterEvent::new(DagsterEventType::RunEnqueued, "j");
    storage.handle_run_event(&RunId::from("r2"), &event, at(1)).await.unwrap_err();
    assert_eq!(record(storage, "r2").await, before);
}

/// Of all types of events, those of runs change status, times, and the time of the change; no other event
/// changes anything.
pub async fn each_type_of_event_changes_what_it_should(storage: &dyn RunStore) {
    use DagsterRunStatus::{
        Canceled, Canceling, Failure, Queued, Started, Starting, Success, Suspended,
    };

    let time = Some(stamp(7));
    for event_type in DagsterEventType::ALL {
        let id = event_type.as_str();
        storage.add_run(&placed(run(id, "j", &[("a", "1")])), at(0)).await.unwrap();
        let mut expected = record(storage, id).await;
        let event = DagsterEvent::new(*event_type, "j");
        storage.handle_run_event(&RunId::from(id), &event, at(7)).await.unwrap();
        let changed = match event_type {
            DagsterEventType::RunEnqueued => Some((Queued, None, None)),
            DagsterEventType::RunStarting => Some((Starting, None, None)),
            DagsterEventType::RunStart => Some((Started, time, None)),
            DagsterEventType::RunResumed => Some((Started, None, None)),
            DagsterEventType::RunSuspended => Some((Suspended, None, None)),
            DagsterEventType::RunCanceling => Some((Canceling, None, None)),
            DagsterEventType::RunSuccess => Some((Success, None, time)),
            DagsterEventType::RunFailure => Some((Failure, None, time)),
            DagsterEventType::RunCanceled => Some((Canceled, None, time)),
            _ => None,
        };
        if let Some((status, start_time, end_time)) = changed {
            expected.dagster_run.status = status;
            expected.update_timestamp = at(7);
            (expected.start_time, expected.end_time) = (start_time, end_time);
        }
        assert_eq!(record(storage, id).await, expected, "{id}");
    }
}

/// Later events leave the times alone that earlier ones set.
pub async fn a_whole_life_keeps_its_start_and_end(storage: &dyn RunStore) {
    storage.add_run(&placed(run("r1", "j", &[])), at(0)).await.unwrap();
    let events = [
        (DagsterEventType::RunEnqueued, 1),
        (DagsterEventType::RunStarting, 2),
        (DagsterEventType::RunStart, 3),
        (DagsterEventType::RunCanceling, 4),
        (DagsterEventType::RunCanceled, 5),
    ];
    for (event_type, second) in events {
        let event = DagsterEvent::new(event_type, "j");
        storage.handle_run_event(&RunId::from("r1"), &event, at(second)).await.unwrap();
    }
    let record = record(storage, "r1").await;
    assert_eq!((record.start_time, record.end_time), (Some(stamp(3)), Some(stamp(5))));
    assert_eq!(record.dagster_run.status, DagsterRunStatus::Canceled);
    assert_eq!(record.update_timestamp, at(5));
}

/// The reason of a failure, if it is known, is a tag in the body and beside it; a second one takes its place.
pub async fn the_reason_of_a_failure_is_a_tag(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[("a", "1")]), at(0)).await.unwrap();
    let id = RunId::from("r1");
    let without = [
        DagsterEvent::new(DagsterEventType::RunFailure, "j"),
        failure(None),
        failure(Some(RunFailureReason::Unknown)),
    ];
    for event in without {
        storage.handle_run_event(&id, &event, at(1)).await.unwrap();
        assert_eq!(record(storage, "r1").await.dagster_run.tags, tags(&[("a", "1")]));
        assert_eq!(storage.get_run_tag_keys().await.unwrap(), ["a"]);
    }
    for reason in [RunFailureReason::StepFailure, RunFailureReason::RunException] {
        storage.handle_run_event(&id, &failure(Some(reason)), at(1)).await.unwrap();
        let expected = tags(&[("a", "1"), (RUN_FAILURE_REASON, reason.as_str())]);
        assert_eq!(record(storage, "r1").await.dagster_run.tags, expected);
        let query = RunTagsQuery {
            tag_keys: vec![RUN_FAILURE_REASON.to_owned()],
            ..RunTagsQuery::default()
        };
        let found = storage.get_run_tags(&query).await.unwrap();
        let values: Vec<_> = found.iter().flat_map(|(_, values)| values).collect();
        assert_eq!(values, [reason.as_str()]);
    }
}

/// A run that is not stored is not made up, and a type of a newer version is passed over.
pub async fn an_event_of_an_unknown_run_or_type_does_nothing(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    let before = record(storage, "r1").await;
    let success = DagsterEvent::new(DagsterEventType::RunSuccess, "j");
    storage.handle_run_event(&RunId::from("r2"), &success, at(1)).await.unwrap();
    storage.handle_run_event(&RunId::from("R1"), &success, at(1)).await.unwrap();
    let unknown = DagsterEvent { event_type_value: "RUN_TELEPORTED".to_owned(), ..success };
    storage.handle_run_event(&RunId::from("r1"), &unknown, at(1)).await.unwrap();
    assert_eq!(record(storage, "r1").await, before);
    assert!(!storage.has_run(&RunId::from("r2")).await.unwrap());
}

/// What several callers change of a run at once is all there in the end.
pub async fn events_of_a_run_may_be_handled_at_once(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    let id = &RunId::from("r1");
    let changes = (0..12).map(async |number| match number {
        5 => {
            let event = DagsterEvent::new(DagsterEventType::RunStart, "j");
            storage.handle_run_event(id, &event, at(3)).await
        }
        6 => {
            let event = failure(Some(RunFailureReason::StepFailure));
            storage.handle_run_event(id, &event, at(4)).await
        }
        _ => storage.add_run_tags(id, &tags(&[(&format!("t{number}"), "1")]), at(2)).await,
    });
    for outcome in all_of(changes).await {
        outcome.unwrap();
    }
    let record = record(storage, "r1").await;
    assert_eq!((record.start_time, record.end_time), (Some(stamp(3)), Some(stamp(4))));
    let keys: Vec<_> = record.dagster_run.tags.keys().cloned().collect();
    assert_eq!(keys, storage.get_run_tag_keys().await.unwrap());
    assert_eq!(keys.len(), 11);
}

/// Start, end and time of change have six digits of a second, before 1970 too.
pub async fn times_of_events_are_kept_to_the_microsecond(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    let id = RunId::from("r1");
    for (start, seconds, end) in [
        ("2023-11-14 22:13:20.000001", 1_700_000_000.000_001, "2023-11-14 22:13:20.999999"),
        ("2023-11-14 22:13:20.123457", 1_700_000_000.123_457, "2023-11-14 22:13:21.000000"),
        ("1969-12-31 23:59:58.500000", -1.5, "1969-12-31 23:59:59.999999"),
    ] {
        let event = DagsterEvent::new(DagsterEventType::RunStart, "j");
        storage.handle_run_event(&id, &event, time(start)).await.unwrap();
        let event = DagsterEvent::new(DagsterEventType::RunSuccess, "j");
        storage.handle_run_event(&id, &event, time(end)).await.unwrap();
        let record = record(storage, "r1").await;
        assert_eq!(record.start_time, Some(seconds));
        assert_eq!(record.end_time, Some(crate::clock::timestamp_of(time(end))));
        assert_eq!(record.update_timestamp, time(end));
    }
}

/// A run is found by its new repository and no more by the old one.
pub async fn another_origin_brings_its_own_tag(storage: &dyn RunStore) {
    let (old, new) = (job_origin("old", "repository"), job_origin("new", "repository"));
    let run =
        DagsterRun { remote_job_origin: Some(Box::new(old)), ..run("r1", "j", &[("a", "1")]) };
    storage.add_run(&run, at(0)).await.unwrap();
    storage.replace_job_origin(&run, &new).await.unwrap();
    let stored = record(storage, "r1").await.dagster_run;
    assert_eq!(stored.remote_job_origin.as_deref(), Some(&new));
    assert_eq!(stored.tags.get("a").map(String::as_str), Some("1"));
    for (label, expected) in [("repository@old", 0), ("repository@new", 1)] {
        let label = TagFilter::Is(label.to_owned());
        let tags = [(REPOSITORY_LABEL.to_owned(), label)].into();
        let filter = RunsFilter { tags, ..RunsFilter::default() };
        let found = storage.get_run_ids(&filter, &RunsPage::default()).await.unwrap();
        assert_eq!(found.len(), expected, "{filter:?}");
    }
}

/// The times of runs are replaced, and nothing else changes. A time that is not known stays, and so do a run of another
/// status and an unknown one.
pub async fn times_of_runs_are_replaced(storage: &dyn RunStore) {
    for id in ["r1", "r2", "r3", "r4"] {
        storage.add_run(&run(id, "j", &[("a", "1")]), at(0)).await.unwrap();
        let event = DagsterEvent::new(DagsterEventType::RunStart, "j");
        storage.handle_run_event(&RunId::from(id), &event, at(3)).await.unwrap();
    }
    let ended = DagsterEvent::new(DagsterEventType::RunSuccess, "j");
    storage.handle_run_event(&RunId::from("r4"), &ended, at(4)).await.unwrap();
    let mut expected = Vec::new();
    for id in ["r1", "r2", "r3", "r4"] {
        expected.push(record(storage, id).await);
    }
    (expected[0].start_time, expected[0].end_time) = (Some(1.5), Some(2.25));
    expected[1].end_time = Some(9.0);
    let times = |id: &str, start_time, end_time| RunTimes {
        run_id: RunId::from(id),
        status: DagsterRunStatus::Started,
        start_time,
        end_time,
    };
    let changes = [
        times("r1", Some(1.5), Some(2.25)),
        times("none", Some(7.0), None),
        times("r2", None, Some(9.0)),
        times("r3", None, None),
        // It ended in the meantime.
        times("r4", Some(1.5), None),
    ];
    for _ in 0..2 {
        storage.set_run_times(&changes).await.unwrap();
        storage.set_run_times(&[]).await.unwrap();
        for record_before in &expected {
            let id = record_before.dagster_run.run_id.as_str();
            assert_eq!(record(storage, id).await, *record_before);
        }
    }
}
