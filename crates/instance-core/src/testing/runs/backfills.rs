//! Cases about backfills.

use crate::error::StorageError;
use crate::run::TagFilter;
use crate::scheduling::{BulkActionStatus, BulkActionsFilter, PartitionBackfill};
use crate::serdes::serialize_value;
use crate::storage::{BackfillStore, BackfillsPage, Only};
use crate::testing::samples::{
    MANY, at, awkward_times, backfill, job_backfill, numbered, with_unknown_field,
};

async fn matching(storage: &dyn BackfillStore, filter: &BulkActionsFilter) -> Vec<String> {
    let found = page_of(storage, filter, &BackfillsPage::default()).await;
    let count = storage.get_backfills_count(filter).await.unwrap();
    assert_eq!(count, found.len() as u64, "{filter:?}");
    found
}

async fn page_of(
    storage: &dyn BackfillStore,
    filter: &BulkActionsFilter,
    page: &BackfillsPage,
) -> Vec<String> {
    let found = storage.get_backfills(filter, page).await.unwrap();
    found.into_iter().map(|backfill| backfill.backfill_id).collect()
}

async fn fill(storage: &dyn BackfillStore) {
    let backfills = [
        backfill("b1", BulkActionStatus::Requested, 1, &[("team", "data"), ("tier", "gold")]),
        backfill("b2", BulkActionStatus::Completed, 2, &[("team", "data")]),
        backfill("b3", BulkActionStatus::Failed, 3, &[("team", "Data"), ("empty", "")]),
        job_backfill("b4", "x"),
        PartitionBackfill { tags: None, ..job_backfill("b5", "y") },
    ];
    for backfill in &backfills {
        storage.add_backfill(backfill).await.unwrap();
    }
}

/// A backfill comes back byte for byte, with the fields of a newer version.
pub async fn a_backfill_is_read_as_it_was_stored(storage: &dyn BackfillStore) {
    let new = with_unknown_field(&backfill("b1", BulkActionStatus::Failing, 0, &[("a", "1")]));
    storage.add_backfill(&new).await.unwrap();
    let stored = storage.get_backfill("b1").await.unwrap().unwrap();
    assert_eq!(serialize_value(&stored), serialize_value(&new));
    assert_eq!(storage.get_backfill("B1").await.unwrap(), None);
    assert_eq!(storage.get_backfill("").await.unwrap(), None);
}

/// A backfill whose id is taken is refused, and neither the stored one nor its tags change.
pub async fn a_second_backfill_of_the_same_id_is_refused_and_changes_nothing(
    storage: &dyn BackfillStore,
) {
    let first = backfill("b1", BulkActionStatus::Requested, 0, &[("a", "1")]);
    storage.add_backfill(&first).await.unwrap();
    let second = backfill("b1", BulkActionStatus::Failed, 1, &[("a", "2")]);
    let error = storage.add_backfill(&second).await.unwrap_err();
    assert!(matches!(&error, StorageError::AlreadyExists { id, .. } if id == "b1"), "{error:?}");
    assert_eq!(storage.get_backfill("b1").await.unwrap(), Some(first));
    for (value, expected) in [("1", 1), ("2", 0)] {
        let tags = [("a".to_owned(), TagFilter::Is(value.to_owned()))].into();
        let filter = BulkActionsFilter { tags, ..BulkActionsFilter::default() };
        assert_eq!(storage.get_backfills_count(&filter).await.unwrap(), expected);
    }
}

/// A changed backfill is found by its new status, with its new body, at its old place.
pub async fn a_changed_backfill_takes_the_place_of_the_stored_one(storage: &dyn BackfillStore) {
    fill(storage).await;
    let changed = PartitionBackfill {
        error: None,
        failure_count: Some(3),
        ..with_unknown_field(&backfill(
            "b1",
            BulkActionStatus::CompletedFailed,
            1,
            &[("team", "data"), ("tier", "gold")],
        ))
    };
    storage.update_backfill(&changed).await.unwrap();
    let stored = storage.get_backfill("b1").await.unwrap().unwrap();
    assert_eq!(serialize_value(&stored), serialize_value(&changed));
    let statuses = vec![BulkActionStatus::CompletedFailed];
    let filter =
        BulkActionsFilter { statuses: Only::These(statuses), ..BulkActionsFilter::default() };
    assert_eq!(matching(storage, &filter).await, ["b1"]);
    let all = matching(storage, &BulkActionsFilter::default()).await;
    assert_eq!(all, ["b5", "b4", "b3", "b2", "b1"]);
}

/// A backfill that is not stored is not changed into being.
pub async fn a_change_of_an_unknown_backfill_is_refused(storage: &dyn BackfillStore) {
    let unknown = backfill("b1", BulkActionStatus::Failed, 0, &[]);
    let error = storage.update_backfill(&unknown).await.unwrap_err();
    assert!(matches!(&error, StorageError::NotFound { id, .. } if id == "b1"), "{error:?}");
    assert_eq!(storage.get_backfill("b1").await.unwrap(), None);
}

/// Each filter alone finds what it says, newest first, and several have to hold together.
pub async fn filters_find_the_backfills_that_match(storage: &dyn BackfillStore) {
    fill(storage).await;
    let all = BulkActionsFilter::default;
    let tags = |tags: &[(&str, TagFilter)]| BulkActionsFilter {
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        ..all()
    };
    let is = |value: &str| TagFilter::Is(value.to_owned());
    let one_of =
        |values: &[&str]| TagFilter::In(values.iter().map(|value| (*value).to_owned()).collect());
    let selector_id = job_backfill("b4", "x").selector_id();
    let cases: Vec<(BulkActionsFilter, &[&str])> = vec![
        (all(), &["b5", "b4", "b3", "b2", "b1"]),
        (BulkActionsFilter { statuses: Only::one(BulkActionStatus::Failed), ..all() }, &["b3"]),
        (
            BulkActionsFilter {
                statuses: Only::these([BulkActionStatus::Failed, BulkActionStatus::Completed]),
                ..all()
            },
            &["b3", "b2"],
        ),
        (
            BulkActionsFilter {
                backfill_ids: Only::these(["b1".to_owned(), "b5".to_owned(), "B2".to_owned()]),
                ..all()
            },
            &["b5", "b1"],
        ),
        (BulkActionsFilter { job_name: Some("x".to_owned()), ..all() }, &["b4"]),
        (BulkActionsFilter { job_name: Some("X".to_owned()), ..all() }, &[]),
        (BulkActionsFilter { selector_id, ..all() }, &["b4"]),
        (BulkActionsFilter { created_after: Some(at(1)), ..all() }, &["b3", "b2"]),
        (BulkActionsFilter { created_before: Some(at(2)), ..all() }, &["b5", "b4", "b1"]),
        (tags(&[("team", is("data"))]), &["b2", "b1"]),
        (tags(&[("team", one_of(&["data", "Data"]))]), &["b3", "b2", "b1"]),
        (tags(&[("team", one_of(&[]))]), &[]),
        (tags(&[("empty", is(""))]), &["b3"]),
        (tags(&[("team", is("data")), ("tier", is("gold"))]), &["b1"]),
        (
            BulkActionsFilter {
                statuses: Only::one(BulkActionStatus::Completed),
                created_after: Some(at(0)),
                ..tags(&[("team", is("data"))])
            },
            &["b2"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(matching(storage, &filter).await, expected, "{filter:?}");
    }
}

/// A backfill asked for in the very microsecond in question is neither before nor after it.
pub async fn times_of_backfills_are_compared_as_times(storage: &dyn BackfillStore) {
    // Seconds of which a float has all microseconds.
    let times: Vec<_> = awkward_times().into_iter().skip(1).take(11).collect();
    for (number, created_at) in times.iter().enumerate() {
        let id = format!("b{number:02}");
        let mut new = backfill(&id, BulkActionStatus::Requested, 0, &[]);
        new.backfill_timestamp = crate::clock::timestamp_of(*created_at).into();
        storage.add_backfill(&new).await.unwrap();
    }
    let ids: Vec<_> = (0..times.len()).rev().map(|number| format!("b{number:02}")).collect();
    for (number, boundary) in times.iter().enumerate() {
        let (later, from) = ids.split_at(times.len() - number - 1);
        let all = BulkActionsFilter::default;
        let after = BulkActionsFilter { created_after: Some(*boundary), ..all() };
        assert_eq!(matching(storage, &after).await, later, "after {boundary}");
        let before = BulkActionsFilter { created_before: Some(*boundary), ..all() };
        assert_eq!(matching(storage, &before).await, from[1..], "before {boundary}");
    }
}

/// Page by page, every backfill comes once, newest first.
pub async fn pages_of_backfills_follow_one_another(storage: &dyn BackfillStore) {
    fill(storage).await;
    for limit in 1..=6 {
        let mut page = BackfillsPage { cursor: None, limit: Some(limit) };
        let mut seen = Vec::new();
        loop {
            let found = page_of(storage, &BulkActionsFilter::default(), &page).await;
            assert!(found.len() as u64 <= limit);
            let Some(last) = found.last() else { break };
            page.cursor = Some(last.clone());
            seen.extend(found);
            assert!(seen.len() < 1_000, "pages do not end");
        }
        assert_eq!(seen, ["b5", "b4", "b3", "b2", "b1"], "{limit} at once");
    }
    let page = BackfillsPage { cursor: None, limit: Some(u64::MAX) };
    assert_eq!(page_of(storage, &BulkActionsFilter::default(), &page).await.len(), 5);
    let page = BackfillsPage { cursor: None, limit: Some(0) };
    assert_eq!(page_of(storage, &BulkActionsFilter::default(), &page).await.len(), 0);
}

/// Behind a backfill that is not stored there is nothing.
pub async fn a_page_behind_an_unknown_backfill_is_empty(storage: &dyn BackfillStore) {
    fill(storage).await;
    let page = BackfillsPage { cursor: Some("none".to_owned()), limit: None };
    let found = page_of(storage, &BulkActionsFilter::default(), &page).await;
    assert_eq!(found, Vec::<String>::new());
}

/// More ids and values of tags than one statement may bind are asked for.
pub async fn any_number_of_backfills_may_be_asked_for(storage: &dyn BackfillStore) {
    fill(storage).await;
    let mut backfill_ids = numbered("none", MANY);
    backfill_ids.insert(0, "b2".to_owned());
    backfill_ids.push("b5".to_owned());
    let filter = BulkActionsFilter {
        backfill_ids: Only::These(backfill_ids),
        ..BulkActionsFilter::default()
    };
    assert_eq!(matching(storage, &filter).await, ["b5", "b2"]);
    let mut values = numbered("none", MANY);
    values.push("data".to_owned());
    let tags = [("team".to_owned(), TagFilter::In(values))].into();
    let filter = BulkActionsFilter { tags, ..BulkActionsFilter::default() };
    assert_eq!(matching(storage, &filter).await, ["b2", "b1"]);
}

/// A backfill has more tags than one statement may bind values, and is found by each.
pub async fn a_backfill_may_have_any_number_of_tags(storage: &dyn BackfillStore) {
    let mut new = backfill("b1", BulkActionStatus::Requested, 0, &[]);
    let tags = numbered("t", 25_000).into_iter().map(|key| (key.clone(), key));
    new.tags = Some(tags.collect());
    storage.add_backfill(&new).await.unwrap();
    assert_eq!(storage.get_backfill("b1").await.unwrap(), Some(new));
    for key in ["t000000", "t024999"] {
        let tags = [(key.to_owned(), TagFilter::Is(key.to_owned()))].into();
        let filter = BulkActionsFilter { tags, ..BulkActionsFilter::default() };
        assert_eq!(matching(storage, &filter).await, ["b1"]);
    }
}

/// A text with the character of number zero, or a time that no calendar has, is stored with all of its
/// backfill, or no part of that is.
pub async fn a_backfill_that_cannot_be_stored_is_stored_whole_or_not_at_all(
    storage: &dyn BackfillStore,
) {
    let tags = [("a", "1"), ("b", "x\0")];
    let with_tag = backfill("tag", BulkActionStatus::Requested, 0, &tags);
    let of_job = job_backfill("job", "j\0");
    let timeless = PartitionBackfill {
        backfill_timestamp: f64::NAN.into(),
        ..backfill("time", BulkActionStatus::Requested, 0, &[("a", "1")])
    };
    let mut stored = 0;
    for new in [with_tag, of_job, timeless] {
        let id = new.backfill_id.as_str();
        let is_stored = storage.add_backfill(&new).await.is_ok();
        assert_eq!(storage.get_backfill(id).await.unwrap().is_some(), is_stored, "{id}");
        if !is_stored {
            // The id is still free, and the tags of the refused one are not found under it.
            storage.add_backfill(&backfill(id, BulkActionStatus::Failed, 0, &[])).await.unwrap();
        } else if new.tags.is_some_and(|tags| !tags.is_empty()) {
            stored += 1;
        }
    }
    let tags = [("a".to_owned(), TagFilter::Is("1".to_owned()))].into();
    let filter = BulkActionsFilter { tags, ..BulkActionsFilter::default() };
    assert_eq!(storage.get_backfills_count(&filter).await.unwrap(), stored);
}

/// A list without anything finds no backfill.
pub async fn a_list_without_anything_finds_no_backfill(storage: &dyn BackfillStore) {
    fill(storage).await;
    for filter in [
        BulkActionsFilter { statuses: Only::These(Vec::new()), ..BulkActionsFilter::default() },
        BulkActionsFilter { backfill_ids: Only::These(Vec::new()), ..BulkActionsFilter::default() },
    ] {
        assert_eq!(matching(storage, &filter).await, [""; 0], "{filter:?}");
    }
}
