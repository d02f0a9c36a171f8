//! Cases about the tags of runs.

use std::collections::BTreeSet;

use crate::error::StorageError;
use crate::ids::RunId;
use crate::run::{DagsterRun, RunOpConcurrency, RunsFilter, TagFilter};
use crate::serdes::UnknownFields;
use crate::storage::{RunStore, RunTagsQuery, RunsPage};
use crate::tags::{PARTITION, POOL_PREFIX, REPOSITORY_LABEL};
use crate::testing::runs::runs::record;
use crate::testing::samples::{
    AWKWARD, COLLATED, MANY, all_of, at, job_origin, numbered, run, tags,
};

fn of_keys(keys: &[&str]) -> RunTagsQuery {
    let tag_keys = keys.iter().map(|key| (*key).to_owned()).collect();
    RunTagsQuery { tag_keys, ..RunTagsQuery::default() }
}

async fn found(storage: &dyn RunStore, query: &RunTagsQuery) -> Vec<(String, Vec<String>)> {
    let found = storage.get_run_tags(query).await.unwrap();
    found.into_iter().map(|(key, values)| (key, values.into_iter().collect())).collect()
}

fn expected(tags: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    tags.iter().map(|(key, values)| ((*key).to_owned(), owned(values))).collect()
}

/// Values come by key ascending, each once, of those keys and with that beginning.
pub async fn tags_are_found_by_key_and_prefix(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[("b", "x1"), ("a", "1")]), at(0)).await.unwrap();
    storage.add_run(&run("r2", "j", &[("b", "x2"), ("c", "1")]), at(0)).await.unwrap();
    storage.add_run(&run("r3", "j", &[("b", "X1"), ("a", "1")]), at(0)).await.unwrap();
    let all = expected(&[("a", &["1"]), ("b", &["X1", "x1", "x2"])]);
    assert_eq!(found(storage, &of_keys(&["b", "none", "a"])).await, all);
    let begin = |prefix: &str| RunTagsQuery {
        value_prefix: Some(prefix.to_owned()),
        ..of_keys(&["a", "b", "c"])
    };
    assert_eq!(found(storage, &begin("x")).await, expected(&[("b", &["x1", "x2"])]));
    assert_eq!(found(storage, &begin("x1")).await, expected(&[("b", &["x1"])]));
    assert_eq!(found(storage, &begin("%")).await, []);
    assert_eq!(found(storage, &begin("")).await.len(), 3);
}

/// Without keys there are no tags, as an interface has to ask for those that it shows.
pub async fn no_keys_mean_no_tags(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[("a", "1")]), at(0)).await.unwrap();
    assert_eq!(found(storage, &of_keys(&[])).await, []);
    assert_eq!(found(storage, &of_keys(&["A"])).await, []);
}

/// Keys, values and beginnings of values are compared character by character.
pub async fn keys_and_values_of_tags_are_told_apart(storage: &dyn RunStore) {
    let pairs: Vec<_> = AWKWARD.iter().map(|text| (*text, *text)).collect();
    storage.add_run(&run("r1", "j", &pairs), at(0)).await.unwrap();
    for (number, text) in AWKWARD.iter().enumerate() {
        storage.add_run(&run(&format!("v{number}"), "j", &[("t", text)]), at(0)).await.unwrap();
        assert_eq!(found(storage, &of_keys(&[text])).await, expected(&[(text, &[text])]));
    }
    for prefix in AWKWARD {
        let query = RunTagsQuery { value_prefix: Some((*prefix).to_owned()), ..of_keys(&["t"]) };
        let values: BTreeSet<_> =
            AWKWARD.iter().filter(|text| text.starts_with(*prefix)).copied().collect();
        let values: Vec<_> = values.into_iter().collect();
        assert_eq!(found(storage, &query).await, expected(&[("t", &values)]), "{prefix:?}");
    }
}

/// A limit is one of pairs, the first by key and value.
pub async fn a_limit_counts_pairs_of_key_and_value(storage: &dyn RunStore) {
    for (number, value) in ["z", "B", "a"].into_iter().enumerate() {
        let tags = [("b", value), ("Z", value), ("a", "1")];
        storage.add_run(&run(&format!("r{number}"), "j", &tags), at(0)).await.unwrap();
    }
    let limited = |limit| RunTagsQuery { limit: Some(limit), ..of_keys(&["a", "b", "Z"]) };
    assert_eq!(found(storage, &limited(0)).await, []);
    assert_eq!(found(storage, &limited(2)).await, expected(&[("Z", &["B", "a"])]));
    let five = expected(&[("Z", &["B", "a", "z"]), ("a", &["1"]), ("b", &["B"])]);
    assert_eq!(found(storage, &limited(5)).await, five);
    assert_eq!(found(storage, &limited(u64::MAX)).await.len(), 3);
}

/// All keys are listed once, by their characters, those that are written beside a run's own tags among them.
pub async fn the_keys_of_all_tags_are_ascending(storage: &dyn RunStore) {
    assert_eq!(storage.get_run_tag_keys().await.unwrap(), Vec::<String>::new());
    let pairs: Vec<_> = COLLATED.iter().map(|key| (*key, "1")).collect();
    let mut new = run("r1", "j", &pairs);
    new.remote_job_origin = Some(Box::new(job_origin("location", "repository")));
    new.run_op_concurrency = Some(RunOpConcurrency {
        all_pools: Some(["p".to_owned()].into_iter().collect()),
        has_unconstrained_root_nodes: false,
        root_key_counts: [("p".to_owned(), 1)].into(),
        unknown: UnknownFields::default(),
    });
    storage.add_run(&new, at(0)).await.unwrap();
    storage.add_run(&DagsterRun { run_id: RunId::from("r2"), ..new }, at(0)).await.unwrap();
    let pool = format!("{POOL_PREFIX}p");
    let mut expected: Vec<_> = COLLATED.iter().copied().chain([REPOSITORY_LABEL, &pool]).collect();
    expected.sort_unstable();
    assert_eq!(storage.get_run_tag_keys().await.unwrap(), expected);
}

/// New tags are added, known ones get another value and the others stay, in the body and beside it.
pub async fn tags_are_added_and_replaced(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[("a", "1"), ("b", "1")]), at(0)).await.unwrap();
    storage.add_run(&run("r2", "j", &[("b", "1")]), at(0)).await.unwrap();
    let id = RunId::from("r1");
    storage.add_run_tags(&id, &tags(&[("b", "2"), ("B", "3"), ("c", "")]), at(9)).await.unwrap();
    let first = record(storage, "r1").await;
    let all = [("a", "1"), ("B", "3"), ("b", "2"), ("c", "")];
    assert_eq!(first.dagster_run, run("r1", "j", &all));
    assert_eq!((first.create_timestamp, first.update_timestamp), (at(0), at(9)));
    assert_eq!(record(storage, "r2").await.dagster_run.tags, tags(&[("b", "1")]));
    let rows = expected(&[("B", &["3"]), ("a", &["1"]), ("b", &["1", "2"]), ("c", &[""])]);
    assert_eq!(found(storage, &of_keys(&["a", "b", "B", "c"])).await, rows);
    storage.add_run_tags(&id, &tags(&[]), at(10)).await.unwrap();
    assert_eq!(record(storage, "r1").await.dagster_run.tags, tags(&all));
}

/// A run that is not stored gets no tags, and the error names it.
pub async fn tags_of_an_unknown_run_are_refused(storage: &dyn RunStore) {
    let error =
        storage.add_run_tags(&RunId::from("r1"), &tags(&[("a", "1")]), at(0)).await.unwrap_err();
    assert!(
        matches!(&error, StorageError::RunNotFound { run_id } if run_id.as_str() == "r1"),
        "{error:?}"
    );
    assert_eq!(storage.get_run_tag_keys().await.unwrap(), Vec::<String>::new());
}

/// A run is of the partition that a tag names, when it is added and when it is tagged.
pub async fn a_tag_of_a_partition_counts(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[(PARTITION, "old")]), at(0)).await.unwrap();
    storage.add_run(&run("r2", "j", &[]), at(0)).await.unwrap();
    for id in ["r1", "r2"] {
        let tags = tags(&[(PARTITION, &format!("of {id}"))]);
        storage.add_run_tags(&RunId::from(id), &tags, at(1)).await.unwrap();
    }
    let found = storage.get_run_partition_data(&RunsFilter::default()).await.unwrap();
    let partitions: BTreeSet<_> = found.iter().map(|data| data.partition.as_str()).collect();
    assert_eq!(partitions, ["of r1", "of r2"].into());
}

/// Callers who tag a run at the same time lose none of their tags, in the body or beside it, and add no
/// row twice.
pub async fn tags_may_be_added_at_once(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    let id = &RunId::from("r1");
    let added = (0..16).map(async |number| {
        let (own, shared) = (format!("t{number:02}"), number.to_string());
        storage.add_run_tags(id, &tags(&[(&own, "1"), ("shared", &shared)]), at(1)).await
    });
    for outcome in all_of(added).await {
        outcome.unwrap();
    }
    let stored = record(storage, "r1").await.dagster_run.tags;
    assert_eq!(stored.len(), 17, "{stored:?}");
    for (key, value) in &stored {
        assert_eq!(found(storage, &of_keys(&[key])).await, expected(&[(key, &[value])]));
    }
}

/// A tag with the character of number zero is added with all others of the call, or none of them is.
pub async fn tags_that_cannot_be_stored_are_stored_whole_or_not_at_all(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[("b", "1")]), at(0)).await.unwrap();
    let before = record(storage, "r1").await;
    let id = RunId::from("r1");
    let new = tags(&[("a", "1"), ("b", "2"), ("c", "x\0y"), ("d", "1")]);
    if storage.add_run_tags(&id, &new, at(1)).await.is_ok() {
        assert_eq!(record(storage, "r1").await.dagster_run.tags, new);
        assert_eq!(storage.get_run_tag_keys().await.unwrap(), ["a", "b", "c", "d"]);
    } else {
        assert_eq!(record(storage, "r1").await, before);
        assert_eq!(found(storage, &of_keys(&["a", "b", "d"])).await, expected(&[("b", &["1"])]));
    }
    storage.add_run_tags(&id, &tags(&[("z", "1")]), at(1)).await.unwrap();
}

/// More keys than one statement may bind are asked for, in any order, and the limit holds for all of them.
pub async fn any_number_of_keys_of_tags_may_be_asked_for(storage: &dyn RunStore) {
    storage.add_run(&run("r1", "j", &[("a", "1"), ("z", "2"), ("m", "3")]), at(0)).await.unwrap();
    let mut tag_keys = numbered("none", MANY);
    tag_keys.insert(0, "z".to_owned());
    tag_keys.push("a".to_owned());
    let query = RunTagsQuery { tag_keys, ..RunTagsQuery::default() };
    assert_eq!(found(storage, &query).await, expected(&[("a", &["1"]), ("z", &["2"])]));
    let query = RunTagsQuery { limit: Some(1), ..query };
    assert_eq!(found(storage, &query).await, expected(&[("a", &["1"])]));
    let none = TagFilter::In(Vec::new());
    let filter = RunsFilter { tags: [("a".to_owned(), none)].into(), ..RunsFilter::default() };
    assert_eq!(storage.get_run_ids(&filter, &RunsPage::default()).await.unwrap(), []);
}
