//! Cases about which runs are found, in which order, and how many they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{DagsterEvent, DagsterEventType};
use crate::ids::RunId;
use crate::run::{DagsterRun, DagsterRunStatus, RunsFilter, TagFilter};
use crate::storage::{Only, Order, RunStorage, RunStore, RunsOrderBy, RunsPage};
use crate::tags::BACKFILL_ID;
use crate::testing::runs::snapshots::job_snapshot;
use crate::testing::samples::{AWKWARD, MANY, at, awkward_times, numbered, run, time};

/// The ids of the runs that match, which all three ways of asking agree upon.
async fn matching(storage: &dyn RunStore, filter: &RunsFilter) -> Vec<String> {
    let found = page_of(storage, filter, &RunsPage::default()).await;
    assert_eq!(storage.get_runs_count(filter).await.unwrap(), found.len() as u64, "{filter:?}");
    found
}

async fn page_of(storage: &dyn RunStore, filter: &RunsFilter, page: &RunsPage) -> Vec<String> {
    let records = storage.get_run_records(filter, page).await.unwrap();
    let found: Vec<_> =
        records.iter().map(|record| record.dagster_run.run_id.to_string()).collect();
    let ids = storage.get_run_ids(filter, page).await.unwrap();
    assert_eq!(ids.iter().map(ToString::to_string).collect::<Vec<_>>(), found, "{page:?}");
    found
}

fn is(value: &str) -> TagFilter {
    TagFilter::Is(value.to_owned())
}

fn one_of(values: &[&str]) -> TagFilter {
    TagFilter::In(values.iter().map(|value| (*value).to_owned()).collect())
}

fn tagged(tags: &[(&str, TagFilter)]) -> RunsFilter {
    let tags: BTreeMap<_, _> =
        tags.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    RunsFilter { tags, ..RunsFilter::default() }
}

/// Five runs of the jobs `x` and `y`, created at seconds 1 to 5, of which two were changed at 10 and 20.
async fn fill(storage: &dyn RunStore) {
    let runs = [
        run("aa1", "x", &[("team", "data"), ("tier", "gold")]),
        run("aa2", "x", &[("team", "data"), ("tier", "silver")]),
        run("ab1", "x", &[("team", "ops")]),
        run("b%1", "y", &[("team", "data"), ("note", "it's")]),
        run("é1", "y", &[]),
    ];
    for (second, run) in (1..).zip(&runs) {
        storage.add_run(run, at(second)).await.unwrap();
    }
    for (id, event_type, second) in
        [("aa2", DagsterEventType::RunStart, 10), ("b%1", DagsterEventType::RunFailure, 20)]
    {
        let event = DagsterEvent::new(event_type, "j");
        storage.handle_run_event(&RunId::from(id), &event, at(second)).await.unwrap();
    }
}

/// Each filter alone finds what it says, newest first, and what is empty does not filter.
pub async fn filters_find_the_runs_that_match(storage: &dyn RunStorage) {
    fill(storage).await;
    let snapshot = storage.add_job_snapshot(&job_snapshot("j")).await.unwrap();
    let snapped = DagsterRun { job_snapshot_id: Some(snapshot.clone()), ..run("snap", "z", &[]) };
    storage.add_run(&snapped, at(6)).await.unwrap();
    let all = RunsFilter::default;
    let everything: &[&str] = &["snap", "é1", "b%1", "ab1", "aa2", "aa1"];
    let ids = |ids: &[&str]| ids.iter().map(|id| RunId::from(*id)).collect::<Vec<_>>();
    let cases: Vec<(RunsFilter, &[&str])> = vec![
        (all(), everything),
        (RunsFilter { run_ids: Only::These(ids(&["aa1", "é1", "none"])), ..all() }, &["é1", "aa1"]),
        (RunsFilter { run_ids: Only::These(ids(&["none"])), ..all() }, &[]),
        (RunsFilter { job_name: Some("y".to_owned()), ..all() }, &["é1", "b%1"]),
        (RunsFilter { job_name: Some("Y".to_owned()), ..all() }, &[]),
        (RunsFilter { statuses: Only::one(DagsterRunStatus::Started), ..all() }, &["aa2"]),
        (
            RunsFilter {
                statuses: Only::these([DagsterRunStatus::Started, DagsterRunStatus::Failure]),
                ..all()
            },
            &["b%1", "aa2"],
        ),
        (RunsFilter { statuses: Only::one(DagsterRunStatus::Queued), ..all() }, &[]),
        (tagged(&[("team", is("data"))]), &["b%1", "aa2", "aa1"]),
        (tagged(&[("tier", one_of(&["gold", "silver", "lead"]))]), &["aa2", "aa1"]),
        (tagged(&[("note", is("it's"))]), &["b%1"]),
        (tagged(&[("unheard of", is("it's"))]), &[]),
        (RunsFilter { snapshot_id: Some(snapshot), ..all() }, &["snap"]),
        (RunsFilter { snapshot_id: Some("none".into()), ..all() }, &[]),
        (RunsFilter { created_after: Some(at(3)), ..all() }, &["snap", "é1", "b%1"]),
        (RunsFilter { created_before: Some(at(3)), ..all() }, &["aa2", "aa1"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(matching(storage, &filter).await, expected, "{filter:?}");
    }
}

/// All filters of a question have to hold, not one of them.
pub async fn filters_hold_together(storage: &dyn RunStore) {
    fill(storage).await;
    let all = RunsFilter::default;
    let cases: Vec<(RunsFilter, &[&str])> = vec![
        (tagged(&[("team", is("data")), ("tier", is("gold"))]), &["aa1"]),
        (tagged(&[("team", is("ops")), ("tier", is("gold"))]), &[]),
        (
            RunsFilter { created_after: Some(at(1)), created_before: Some(at(4)), ..all() },
            &["ab1", "aa2"],
        ),
        (
            RunsFilter {
                job_name: Some("x".to_owned()),
                statuses: Only::one(DagsterRunStatus::NotStarted),
                ..tagged(&[("team", is("data"))])
            },
            &["aa1"],
        ),
        (
            RunsFilter {
                run_ids: Only::these([RunId::from("aa1"), RunId::from("b%1")]),
                run_id_prefix: Some("b".to_owned()),
                ..tagged(&[("team", one_of(&["data", "ops"]))])
            },
            &["b%1"],
        ),
        (
            RunsFilter {
                run_id_prefix: Some("aa".to_owned()),
                job_name: Some("y".to_owned()),
                ..all()
            },
            &[],
        ),
        (
            RunsFilter {
                updated_after: Some(at(9)),
                updated_before: Some(at(11)),
                created_after: Some(at(1)),
                ..all()
            },
            &["aa2"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(matching(storage, &filter).await, expected, "{filter:?}");
    }
}

/// The beginning of an id has its own case, and nothing in it stands for other characters.
pub async fn a_prefix_of_an_id_is_taken_literally(storage: &dyn RunStore) {
    let mut ids = AWKWARD.to_vec();
    ids.extend(["abc", "Abc", "a%b", "a_b", "a\\b", "aéb", "🦀b", "\u{10fffe}b"]);
    for id in &ids {
        storage.add_run(&run(id, "j", &[]), at(0)).await.unwrap();
    }
    ids.reverse();
    for prefix in ids.iter().chain(&["", "none"]) {
        let filter =
            RunsFilter { run_id_prefix: Some((*prefix).to_owned()), ..RunsFilter::default() };
        let expected: Vec<_> = ids.iter().filter(|id| id.starts_with(*prefix)).copied().collect();
        assert_eq!(matching(storage, &filter).await, expected, "{prefix:?}");
    }
}

/// Keys and values of tags that differ in any way, be it in case, do not match each other.
pub async fn values_of_tags_are_compared_as_they_are(storage: &dyn RunStore) {
    for (number, text) in AWKWARD.iter().enumerate() {
        storage.add_run(&run(&format!("v{number}"), "j", &[("t", text)]), at(0)).await.unwrap();
        storage.add_run(&run(&format!("k{number}"), "j", &[(text, "1")]), at(0)).await.unwrap();
    }
    for (number, text) in AWKWARD.iter().enumerate() {
        let value = [format!("v{number}")];
        assert_eq!(matching(storage, &tagged(&[("t", is(text))])).await, value, "{text:?}");
        assert_eq!(matching(storage, &tagged(&[("t", one_of(&[text]))])).await, value, "{text:?}");
        let key = [format!("k{number}")];
        assert_eq!(matching(storage, &tagged(&[(text, is("1"))])).await, key, "{text:?}");
    }
}

/// Asking for one of no values is a question that no run answers.
pub async fn a_tag_with_none_of_several_values_matches_nothing(storage: &dyn RunStore) {
    fill(storage).await;
    assert_eq!(matching(storage, &tagged(&[("tier", one_of(&[]))])).await, Vec::<String>::new());
    let with_another = tagged(&[("team", is("data")), ("tier", one_of(&[]))]);
    assert_eq!(matching(storage, &with_another).await, Vec::<String>::new());
}

/// A tag whose value is empty is there, and is not the same as no tag.
pub async fn an_empty_value_of_a_tag_is_a_value(storage: &dyn RunStore) {
    storage.add_run(&run("without", "j", &[]), at(0)).await.unwrap();
    storage.add_run(&run("empty", "j", &[("t", "")]), at(0)).await.unwrap();
    storage.add_run(&run("full", "j", &[("t", "x")]), at(0)).await.unwrap();
    assert_eq!(matching(storage, &tagged(&[("t", is(""))])).await, ["empty"]);
    assert_eq!(matching(storage, &tagged(&[("t", one_of(&["", "x"]))])).await, ["full", "empty"]);
}

/// A job without a name is one job, not all.
pub async fn an_empty_name_of_a_job_is_a_name(storage: &dyn RunStore) {
    storage.add_run(&run("without", "", &[]), at(0)).await.unwrap();
    storage.add_run(&run("with", "j", &[]), at(0)).await.unwrap();
    let filter = RunsFilter { job_name: Some(String::new()), ..RunsFilter::default() };
    assert_eq!(matching(storage, &filter).await, ["without"]);
}

/// Runs of backfills are left out where that is asked for.
pub async fn runs_of_backfills_are_left_out(storage: &dyn RunStore) {
    storage.add_run(&run("alone", "j", &[("a", "1")]), at(0)).await.unwrap();
    storage.add_run(&run("part", "j", &[(BACKFILL_ID, "b")]), at(0)).await.unwrap();
    let filter = RunsFilter { exclude_subruns: true, ..RunsFilter::default() };
    assert_eq!(matching(storage, &filter).await, ["alone"]);
    assert_eq!(matching(storage, &RunsFilter::default()).await, ["part", "alone"]);
}

/// A run created in the very microsecond that is asked for is neither before nor after it.
pub async fn times_of_creation_are_compared_as_times(storage: &dyn RunStore) {
    let times = awkward_times();
    for (number, created_at) in times.iter().enumerate() {
        storage.add_run(&run(&format!("r{number:02}"), "j", &[]), *created_at).await.unwrap();
    }
    let ids: Vec<_> = (0..times.len()).rev().map(|number| format!("r{number:02}")).collect();
    for (number, boundary) in times.iter().enumerate() {
        let (later, from) = ids.split_at(times.len() - number - 1);
        let filter = RunsFilter { created_after: Some(*boundary), ..RunsFilter::default() };
        assert_eq!(matching(storage, &filter).await, later, "after {boundary}");
        let filter = RunsFilter { created_before: Some(*boundary), ..RunsFilter::default() };
        assert_eq!(matching(storage, &filter).await, from[1..], "before {boundary}");
    }
}

/// The time of the last change is that of the event, and is compared to the microsecond.
pub async fn times_of_change_are_compared_as_times(storage: &dyn RunStore) {
    let times = awkward_times();
    for (number, changed_at) in times.iter().enumerate() {
        let id = format!("r{number:02}");
        storage.add_run(&run(&id, "j", &[]), at(0)).await.unwrap();
        let event = DagsterEvent::new(DagsterEventType::RunStarting, "j");
        storage.handle_run_event(&RunId::from(id), &event, *changed_at).await.unwrap();
    }
    let ids: Vec<_> = (0..times.len()).rev().map(|number| format!("r{number:02}")).collect();
    for (number, boundary) in times.iter().enumerate() {
        let (later, from) = ids.split_at(times.len() - number - 1);
        let filter = RunsFilter { updated_after: Some(*boundary), ..RunsFilter::default() };
        assert_eq!(matching(storage, &filter).await, later, "after {boundary}");
        let filter = RunsFilter { updated_before: Some(*boundary), ..RunsFilter::default() };
        assert_eq!(matching(storage, &filter).await, from[1..], "before {boundary}");
    }
}

/// Page by page, every run comes once and in order, whatever the limit and the order.
pub async fn pages_of_runs_follow_one_another(storage: &dyn RunStore) {
    fill(storage).await;
    let ascending = ["aa1", "aa2", "ab1", "b%1", "é1"];
    for order in [Order::Ascending, Order::Descending] {
        for limit in 1..=6 {
            let mut page = RunsPage { limit: Some(limit), order, ..RunsPage::default() };
            let mut seen = Vec::new();
            loop {
                let found = page_of(storage, &RunsFilter::default(), &page).await;
                assert!(found.len() as u64 <= limit, "{page:?}");
                let Some(last) = found.last() else { break };
                page.cursor = Some(RunId::from(last.as_str()));
                seen.extend(found);
                assert!(seen.len() < 1_000, "pages do not end");
            }
            if order == Order::Descending {
                seen.reverse();
            }
            assert_eq!(seen, ascending, "{order:?}, {limit} at once");
        }
    }
}

/// The run behind which a page begins need not match itself.
pub async fn a_page_of_runs_begins_behind_a_run_that_does_not_match(storage: &dyn RunStore) {
    fill(storage).await;
    let filter = RunsFilter { job_name: Some("x".to_owned()), ..RunsFilter::default() };
    let cursor = Some(RunId::from("b%1"));
    let page = RunsPage { cursor: cursor.clone(), limit: Some(1), ..RunsPage::default() };
    assert_eq!(page_of(storage, &filter, &page).await, ["ab1"]);
    let page = RunsPage { cursor, order: Order::Ascending, ..RunsPage::default() };
    assert_eq!(page_of(storage, &filter, &page).await, Vec::<String>::new());
}

/// Behind a run that is not stored there is nothing, in either order.
pub async fn a_page_of_runs_behind_an_unknown_run_is_empty(storage: &dyn RunStore) {
    fill(storage).await;
    for order in [Order::Ascending, Order::Descending] {
        let page = RunsPage { cursor: Some(RunId::from("unknown")), order, ..RunsPage::default() };
        assert_eq!(page_of(storage, &RunsFilter::default(), &page).await, Vec::<String>::new());
    }
}

/// A limit of nothing gives nothing, and one that no database counts to gives everything.
pub async fn a_limit_of_runs_may_be_of_any_size(storage: &dyn RunStore) {
    fill(storage).await;
    for (limit, expected) in [(0, 0), (1, 1), (1 << 32, 5), (u64::MAX, 5)] {
        let page = RunsPage { limit: Some(limit), ..RunsPage::default() };
        assert_eq!(page_of(storage, &RunsFilter::default(), &page).await.len(), expected);
    }
}

/// Runs come by the time that is asked for, not as they were written, and runs of one time as they were
/// written.
pub async fn runs_are_ordered_by_their_times(storage: &dyn RunStore) {
    let times = [
        ("b", "2023-11-14 22:13:20.000001"),
        ("a", "2023-11-14 22:13:20.000000"),
        ("d", "2023-11-14 22:13:21.000000"),
        ("0", "1969-12-31 23:59:59.500000"),
        ("c1", "2023-11-14 22:13:20.100000"),
        ("c2", "2023-11-14 22:13:20.100000"),
    ];
    for (id, created_at) in times {
        storage.add_run(&run(id, "j", &[]), time(created_at)).await.unwrap();
        for event_type in [DagsterEventType::RunStart, DagsterEventType::RunSuccess] {
            let event = DagsterEvent::new(event_type, "j");
            let id = RunId::from(id);
            storage.handle_run_event(&id, &event, time(created_at)).await.unwrap();
        }
    }
    for order_by in [
        RunsOrderBy::CreateTimestamp,
        RunsOrderBy::UpdateTimestamp,
        RunsOrderBy::StartTime,
        RunsOrderBy::EndTime,
    ] {
        let page = RunsPage { order_by, order: Order::Ascending, ..RunsPage::default() };
        let found = page_of(storage, &RunsFilter::default(), &page).await;
        assert_eq!(found, ["0", "a", "b", "c1", "c2", "d"], "{order_by:?}");
        let page = RunsPage { order_by, limit: Some(3), ..RunsPage::default() };
        let found = page_of(storage, &RunsFilter::default(), &page).await;
        assert_eq!(found, ["d", "c2", "c1"], "{order_by:?}");
    }
}

/// Runs that have not begun or ended come all before or all behind those that have.
pub async fn runs_that_have_no_time_are_not_lost(storage: &dyn RunStore) {
    for number in 0..6 {
        let id = format!("r{number}");
        storage.add_run(&run(&id, "j", &[]), at(0)).await.unwrap();
        if number % 2 == 0 {
            for event_type in [DagsterEventType::RunStart, DagsterEventType::RunSuccess] {
                let event = DagsterEvent::new(event_type, "j");
                let id = RunId::from(id.as_str());
                storage.handle_run_event(&id, &event, at(100 - number)).await.unwrap();
            }
        }
    }
    for order_by in [RunsOrderBy::StartTime, RunsOrderBy::EndTime] {
        for (order, with_time) in
            [(Order::Ascending, ["r4", "r2", "r0"]), (Order::Descending, ["r0", "r2", "r4"])]
        {
            let page = RunsPage { order_by, order, ..RunsPage::default() };
            let found = page_of(storage, &RunsFilter::default(), &page).await;
            let (first, last) = found.split_at(3);
            assert!(first == with_time || last == with_time, "{page:?}: {found:?}");
            let all: BTreeSet<_> = found.iter().collect();
            assert_eq!(all.len(), 6, "{page:?}: {found:?}");
        }
    }
}

/// More ids than one statement may bind are asked for, and order, limit and cursor hold as ever.
pub async fn any_number_of_ids_may_be_asked_for(storage: &dyn RunStore) {
    fill(storage).await;
    let mut run_ids: Vec<_> = numbered("none", MANY).into_iter().map(RunId::from).collect();
    run_ids.insert(0, RunId::from("aa2"));
    run_ids.insert(MANY / 2, RunId::from("é1"));
    run_ids.push(RunId::from("aa1"));
    let filter = RunsFilter { run_ids: Only::These(run_ids), ..RunsFilter::default() };
    assert_eq!(matching(storage, &filter).await, ["é1", "aa2", "aa1"]);
    let page = RunsPage { cursor: Some(RunId::from("é1")), limit: Some(1), ..RunsPage::default() };
    assert_eq!(page_of(storage, &filter, &page).await, ["aa2"]);
}

/// More values of a tag than one statement may bind are asked for.
pub async fn any_number_of_values_of_a_tag_may_be_asked_for(storage: &dyn RunStore) {
    fill(storage).await;
    let mut values = numbered("none", MANY);
    values.insert(0, "gold".to_owned());
    values.push("silver".to_owned());
    let filter = tagged(&[("tier", TagFilter::In(values)), ("team", is("data"))]);
    assert_eq!(matching(storage, &filter).await, ["aa2", "aa1"]);
}

/// A list without anything finds no run, with every way of asking.
pub async fn a_list_without_anything_finds_no_run(storage: &dyn RunStore) {
    fill(storage).await;
    for filter in [
        RunsFilter { run_ids: Only::These(Vec::new()), ..RunsFilter::default() },
        RunsFilter { statuses: Only::These(Vec::new()), ..RunsFilter::default() },
    ] {
        assert_eq!(matching(storage, &filter).await, [""; 0], "{filter:?}");
        assert_eq!(storage.get_run_partition_data(&filter).await.unwrap(), [], "{filter:?}");
    }
}
