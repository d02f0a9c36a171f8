//! Cases about storing, reading and deleting runs.

use crate::error::StorageError;
use crate::ids::{RunId, SnapshotId};
use crate::run::{DagsterRun, DagsterRunStatus, RunRecord, RunsFilter};
use crate::serdes::{Opaque, serialize_value};
use crate::storage::{Only, Order, RunStore, RunTagsQuery, RunsPage};
use crate::tags::{PARTITION, POOL_PREFIX, REPOSITORY_LABEL, ROOT_RUN_ID};
use crate::testing::samples::{
    AWKWARD, LAST, all_of, at, awkward_times, job_origin, run, tags, time, with_unknown_field,
};

/// The record of a run that has to be there.
pub(in crate::testing) async fn record(storage: &dyn RunStore, run_id: &str) -> RunRecord {
    let filter = RunsFilter { run_ids: Only::one(RunId::from(run_id)), ..RunsFilter::default() };
    let mut records = storage.get_run_records(&filter, &RunsPage::default()).await.unwrap();
    assert_eq!(records.len(), 1, "runs with the id {run_id:?}");
    records.remove(0)
}

/// The ids of all runs, as their rows were written.
pub(in crate::testing) async fn all_ids(storage: &dyn RunStore) -> Vec<String> {
    let page = RunsPage { order: Order::Ascending, ..RunsPage::default() };
    let ids = storage.get_run_ids(&RunsFilter::default(), &page).await.unwrap();
    ids.iter().map(ToString::to_string).collect()
}

/// A run comes back with its body as it was, its status, its times, and an id greater than those before.
pub async fn a_run_is_read_as_it_was_stored(storage: &dyn RunStore) {
    let config =
        r#"{"ops": {"a": {"config": [1e-07, 1e+22, NaN, 1.0, -0.0, "\ud83e\udd80\u0000"]}}}"#;
    let first = DagsterRun {
        run_config: crate::serdes::deserialize_value::<Opaque>(config).unwrap(),
        status: DagsterRunStatus::Managed,
        ..run("r1", "letters", &[("who", "me"), (PARTITION, "ü")])
    };
    storage.add_run(&first, at(5)).await.unwrap();
    storage.add_run(&run("r2", "letters", &[]), at(4)).await.unwrap();

    let stored = record(storage, "r1").await;
    assert_eq!(serialize_value(&stored.dagster_run), serialize_value(&first));
    assert_eq!(stored.dagster_run.status, DagsterRunStatus::Managed);
    assert_eq!(stored.create_timestamp, at(5));
    assert_eq!((stored.start_time, stored.end_time), (None, None));
    assert!(record(storage, "r2").await.storage_id > stored.storage_id);
    assert!(storage.has_run(&RunId::from("r1")).await.unwrap());
    assert!(!storage.has_run(&RunId::from("r3")).await.unwrap());
    assert!(!storage.has_run(&RunId::from("R1")).await.unwrap());
}

/// Fields that a newer version wrote into a run are there after it was stored, changed and tagged.
pub async fn fields_of_a_newer_version_of_a_run_are_kept(storage: &dyn RunStore) {
    use crate::event::{DagsterEvent, DagsterEventType};

    let mut newer = with_unknown_field(&run("r1", "j", &[]));
    storage.add_run(&newer, at(0)).await.unwrap();
    assert_eq!(serialize_value(&record(storage, "r1").await.dagster_run), serialize_value(&newer));
    let id = RunId::from("r1");
    let success = DagsterEvent::new(DagsterEventType::RunSuccess, "j");
    storage.handle_run_event(&id, &success, at(1)).await.unwrap();
    storage.add_run_tags(&id, &tags(&[("a", "1")]), at(2)).await.unwrap();
    newer.status = DagsterRunStatus::Success;
    newer.tags = tags(&[("a", "1")]);
    assert_eq!(serialize_value(&record(storage, "r1").await.dagster_run), serialize_value(&newer));
}

/// A run whose id is taken is refused by name, and neither the stored run nor its tags change.
pub async fn a_second_run_of_the_same_id_is_refused_and_changes_nothing(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "first", &[("a", "1")]), at(0)).await.unwrap();
    let before = record(storage, "r1").await;
    let second = run("r1", "second", &[("a", "2"), ("b", "2")]);
    let error = storage.add_run(&second, at(9)).await.unwrap_err();
    assert!(
        matches!(&error, StorageError::RunAlreadyExists { run_id } if run_id.as_str() == "r1"),
        "{error:?}"
    );
    assert_eq!(record(storage, "r1").await, before);
    assert_eq!(storage.get_run_tag_keys().await.unwrap(), ["a"]);
}

/// Of callers who add the same run at once, one is told that it was stored.
pub async fn of_equal_runs_added_at_once_one_is_stored(storage: &dyn RunStore) {
    let new = run("r1", "j", &[("a", "1")]);
    let outcomes = all_of((0..16).map(|_| storage.add_run(&new, at(0)))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(error, StorageError::RunAlreadyExists { .. }), "{error:?}");
    }
    assert_eq!(all_ids(storage).await, ["r1"]);
}

/// One run that is refused takes none of those with it that are added at the same time.
pub async fn runs_added_at_once_are_all_stored(storage: &dyn RunStore) {
    storage.add_run(&run("r13", "first", &[]), at(0)).await.unwrap();
    let runs: Vec<_> = (0..40)
        .map(|number| run(&format!("r{number}"), "j", &[("n", &number.to_string())]))
        .collect();
    let outcomes = all_of(runs.iter().map(|run| storage.add_run(run, at(1)))).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_ok(), number != 13, "{number}: {outcome:?}");
    }
    assert_eq!(storage.get_runs_count(&RunsFilter::default()).await.unwrap(), 40);
    let query = RunTagsQuery { tag_keys: vec!["n".to_owned()], ..RunTagsQuery::default() };
    assert_eq!(storage.get_run_tags(&query).await.unwrap()[0].1.len(), 39);
    assert_eq!(record(storage, "r13").await.dagster_run.job_name, "first");
}

/// A run that names a snapshot which is not stored is refused by both names, and nothing is written.
pub async fn a_run_of_a_missing_snapshot_is_refused_and_writes_nothing(storage: &dyn RunStore) {
    let new = DagsterRun {
        job_snapshot_id: Some(SnapshotId::from("missing")),
        ..run("r1", "j", &[("a", "1")])
    };
    let error = storage.add_run(&new, at(0)).await.unwrap_err();
    assert!(
        matches!(&error, StorageError::SnapshotDoesNotExist { run_id, snapshot_id }
            if run_id.as_str() == "r1" && snapshot_id.as_str() == "missing"),
        "{error:?}"
    );
    assert_eq!(storage.get_runs_count(&RunsFilter::default()).await.unwrap(), 0);
    assert_eq!(storage.get_run_tag_keys().await.unwrap(), Vec::<String>::new());
}

/// A run has more tags than one statement may bind values.
pub async fn a_run_may_have_any_number_of_tags(storage: &dyn RunStore) {
    let mut new = run("r1", "j", &[]);
    new.tags = (0..25_000).map(|number| (format!("tag{number}"), number.to_string())).collect();
    storage.add_run(&new, at(0)).await.unwrap();
    assert_eq!(record(storage, "r1").await.dagster_run, new);
    assert_eq!(storage.get_run_tag_keys().await.unwrap().len(), 25_000);
}

/// A body of more than a megabyte and a long value of a tag are stored.
pub async fn a_run_may_be_of_any_length(storage: &dyn RunStore) {
    let long = "né🦀".repeat(150_000);
    let new = DagsterRun {
        run_config: Opaque::from(&serde_json::json!({ "long": long })),
        ..run("r1", "j", &[("note", &"é".repeat(1_000))])
    };
    storage.add_run(&new, at(0)).await.unwrap();
    assert_eq!(record(storage, "r1").await.dagster_run, new);
}

/// Ids of runs, names of jobs and values of tags of any characters are different where they differ.
pub async fn awkward_ids_of_runs_are_told_apart(storage: &dyn RunStore) {
    for text in AWKWARD {
        storage.add_run(&run(text, text, &[("t", text)]), at(0)).await.unwrap();
    }
    assert_eq!(all_ids(storage).await, AWKWARD);
    for text in AWKWARD {
        assert!(storage.has_run(&RunId::from(*text)).await.unwrap(), "{text:?}");
        let stored = record(storage, text).await.dagster_run;
        assert_eq!(stored, run(text, text, &[("t", text)]));
        let filter = RunsFilter { job_name: Some((*text).to_owned()), ..RunsFilter::default() };
        let found = storage.get_run_ids(&filter, &RunsPage::default()).await.unwrap();
        assert_eq!(found, [RunId::from(*text)], "{text:?}");
    }
}

/// The last of all characters is kept in bodies, which are the same as text, and in columns.
pub async fn a_run_may_hold_the_last_of_all_characters(storage: &dyn RunStore) {
    let new = run("r1", LAST, &[("a", LAST), (LAST, "b")]);
    storage.add_run(&new, at(0)).await.unwrap();
    assert_eq!(serialize_value(&record(storage, "r1").await.dagster_run), serialize_value(&new));
    let id = RunId::from("r1");
    storage.add_run_tags(&id, &tags(&[("c", "1")]), at(1)).await.unwrap();
    let tagged = run("r1", LAST, &[("a", LAST), (LAST, "b"), ("c", "1")]);
    assert_eq!(serialize_value(&record(storage, "r1").await.dagster_run), serialize_value(&tagged));
    assert_eq!(storage.get_run_tag_keys().await.unwrap(), ["a", "c", LAST]);
    let filter = RunsFilter { job_name: Some(LAST.to_owned()), ..RunsFilter::default() };
    assert_eq!(storage.get_runs_count(&filter).await.unwrap(), 1);
}

/// A text with the character of number zero is stored like any other, or the run is refused and no part of
/// it is there.
pub async fn a_run_with_a_text_that_cannot_be_stored_is_stored_whole_or_not_at_all(
    storage: &dyn RunStore,
) {
    for (id, new) in [
        ("tag", run("tag", "j", &[("a", "1"), ("b", "x\0y"), ("c", "3")])),
        ("key", run("key", "j", &[("a", "1"), ("b\0", "2")])),
        ("job", run("job", "j\0", &[("a", "1")])),
        ("partition", run("partition", "j", &[("a", "1"), (PARTITION, "p\0")])),
    ] {
        if storage.add_run(&new, at(0)).await.is_ok() {
            assert_eq!(record(storage, id).await.dagster_run, new, "{id}");
        } else {
            assert!(!storage.has_run(&RunId::from(id)).await.unwrap(), "{id}");
            assert!(storage.get_run_tag_keys().await.unwrap().is_empty(), "{id}");
        }
        // The store goes on either way.
        storage.add_run(&run("next", "j", &[]), at(0)).await.unwrap();
        storage.delete_run(&RunId::from("next")).await.unwrap();
        storage.delete_run(&RunId::from(id)).await.unwrap();
    }
}

/// Times of creation are the same when they come back, before 1970 and far from today, with a fraction or
/// without.
pub async fn times_of_creation_are_kept_to_the_microsecond(storage: &dyn RunStore) {
    for (number, created_at) in awkward_times().into_iter().enumerate() {
        let id = format!("r{number}");
        storage.add_run(&run(&id, "j", &[]), created_at).await.unwrap();
        assert_eq!(record(storage, &id).await.create_timestamp, created_at);
    }
}

/// A time with nanoseconds is that of the microsecond before, on either side of 1970 and of 2000.
pub async fn parts_of_a_microsecond_are_cut_off(storage: &dyn RunStore) {
    for (number, (given, stored)) in [
        ("2023-11-14 22:13:20.123456789", "2023-11-14 22:13:20.123456"),
        ("2023-11-14 22:13:20.999999999", "2023-11-14 22:13:20.999999"),
        ("1999-12-31 23:59:59.999999999", "1999-12-31 23:59:59.999999"),
        ("1969-12-31 23:59:59.999999999", "1969-12-31 23:59:59.999999"),
        ("1960-01-01 00:00:00.000000001", "1960-01-01 00:00:00.000000"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("r{number}");
        storage.add_run(&run(&id, "j", &[]), time(given)).await.unwrap();
        assert_eq!(record(storage, &id).await.create_timestamp, time(stored), "{given}");
    }
}

/// A re-execution as Dagster stores it: with the first run in its body and in a tag.
fn re_execution(run_id: &str, of: &str) -> DagsterRun {
    DagsterRun {
        parent_run_id: Some(RunId::from(of)),
        root_run_id: Some(RunId::from(of)),
        ..run(run_id, "j", &[(ROOT_RUN_ID, of)])
    }
}

/// A group is the same whichever of its runs is asked for, and begins with the first run.
pub async fn the_first_run_and_its_re_executions_are_a_group(storage: &dyn RunStore) {
    storage.add_run(&re_execution("second", "first"), at(0)).await.unwrap();
    storage.add_run(&run("first", "j", &[]), at(1)).await.unwrap();
    storage.add_run(&re_execution("third", "first"), at(2)).await.unwrap();
    storage.add_run(&run("alone", "j", &[]), at(3)).await.unwrap();
    storage.add_run(&re_execution("other", "alone2"), at(4)).await.unwrap();
    for id in ["first", "second", "third"] {
        let group = storage.get_run_group(&RunId::from(id)).await.unwrap().unwrap();
        assert_eq!(group.root_run_id.as_str(), "first");
        let mut ids: Vec<_> = group.runs.iter().map(|run| run.run_id.as_str()).collect();
        assert_eq!(ids.remove(0), "first", "of {id}");
        ids.sort_unstable();
        assert_eq!(ids, ["second", "third"], "of {id}");
    }
    let group = storage.get_run_group(&RunId::from("alone")).await.unwrap().unwrap();
    assert_eq!(group.runs, [run("alone", "j", &[])]);
    assert_eq!(storage.get_run_group(&RunId::from("none")).await.unwrap(), None);
}

/// A run whose first ancestor is not stored has no group, and the error names the ancestor.
pub async fn a_group_whose_first_run_is_missing_is_an_error(storage: &dyn RunStore) {
    storage.add_run(&re_execution("second", "first"), at(0)).await.unwrap();
    let error = storage.get_run_group(&RunId::from("second")).await.unwrap_err();
    assert!(
        matches!(&error, StorageError::RunNotFound { run_id } if run_id.as_str() == "first"),
        "{error:?}"
    );
}

/// Of several runs of a partition the one that was written last counts, among those that match.
pub async fn the_newest_run_of_each_partition_is_found(storage: &dyn RunStore) {
    use crate::event::{DagsterEvent, DagsterEventType};

    for (id, job, partition) in [
        ("r1", "x", Some("p")),
        ("r2", "x", Some("P")),
        ("r3", "x", Some("p")),
        ("r4", "y", Some("p")),
        ("r5", "x", None),
        ("r6", "x", Some("🦀")),
    ] {
        let partition: Vec<_> = partition.into_iter().map(|name| (PARTITION, name)).collect();
        storage.add_run(&run(id, job, &partition), at(0)).await.unwrap();
    }
    let start = DagsterEvent::new(DagsterEventType::RunStart, "x");
    storage.handle_run_event(&RunId::from("r3"), &start, at(7)).await.unwrap();

    let filter = RunsFilter { job_name: Some("x".to_owned()), ..RunsFilter::default() };
    let mut found = storage.get_run_partition_data(&filter).await.unwrap();
    found.sort_by(|one, other| one.partition.cmp(&other.partition));
    let ids: Vec<_> =
        found.iter().map(|data| (data.partition.as_str(), data.run_id.as_str())).collect();
    assert_eq!(ids, [("P", "r2"), ("p", "r3"), ("🦀", "r6")]);
    assert_eq!(found[1].status, DagsterRunStatus::Started);
    assert_eq!((found[1].start_time, found[1].end_time), (Some(1_700_000_007.0), None));
    let all = storage.get_run_partition_data(&RunsFilter::default()).await.unwrap();
    assert!(all.iter().any(|data| data.run_id.as_str() == "r4"), "{all:?}");
    assert_eq!(all.len(), 3);
}

/// A deleted run is gone from everywhere, others stay, its id may be used again, and deleting what is not
/// there does nothing.
pub async fn a_deleted_run_is_gone_with_its_tags(storage: &dyn RunStore) {
    let mut first = run("r1", "j", &[("a", "1"), ("b", "1")]);
    first.remote_job_origin = Some(Box::new(job_origin("location", "repository")));
    storage.add_run(&first, at(0)).await.unwrap();
    storage.add_run(&run("r2", "j", &[("b", "2")]), at(0)).await.unwrap();
    assert_eq!(storage.get_run_tag_keys().await.unwrap(), [REPOSITORY_LABEL, "a", "b"]);
    for _ in 0..2 {
        storage.delete_run(&RunId::from("r1")).await.unwrap();
        assert!(!storage.has_run(&RunId::from("r1")).await.unwrap());
        assert_eq!(all_ids(storage).await, ["r2"]);
        assert_eq!(storage.get_run_tag_keys().await.unwrap(), ["b"]);
    }
    let again = run("r1", "k", &[(&format!("{POOL_PREFIX}p"), "true")]);
    storage.add_run(&again, at(1)).await.unwrap();
    assert_eq!(record(storage, "r1").await.dagster_run, again);
}
