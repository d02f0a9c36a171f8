//! Statements on runs and their tags.

use std::collections::BTreeMap;

use instance_core::ids::{RunId, SnapshotId};
use instance_core::run::{DagsterRun, DagsterRunStatus, RunsFilter, TagFilter};
use instance_core::storage::{Only, Order, RunTagsQuery, RunTimes, RunsOrderBy, RunsPage};

use super::{check, check_capable, check_each, run, run_id, strings, time};
use crate::sql::capabilities::Capabilities;
use crate::sql::runs::{self, RunChange};

/// Filters on many columns and on tags.
fn several() -> RunsFilter {
    RunsFilter::new()
        .with_run_id_prefix("11ba".to_owned())
        .with_job_name("letters".to_owned())
        .with_statuses(Only::one(DagsterRunStatus::Success))
        .with_tags(tags())
        .with_created_after(time())
}

fn tags() -> BTreeMap<String, TagFilter> {
    BTreeMap::from([
        ("team".to_owned(), TagFilter::Is("data".to_owned())),
        ("tier".to_owned(), TagFilter::In(strings(["gold", "silver"]).to_vec())),
    ])
}

#[test]
fn writes() {
    check_capable("runs_insert_run", |has| runs::insert_run(&run(), time(), has));
    let bare = DagsterRun::new(run_id(), "letters");
    check_capable("runs_insert_run_without_tags", |has| runs::insert_run(&bare, time(), has));
    check(
        "runs_insert_tags",
        &runs::insert_tags(&run_id(), &run().tags.into_iter().collect::<Vec<_>>()),
    );
    check(
        "runs_update_tag",
        &runs::update_tag(&run_id(), "dagster/failure_reason", "STEP_FAILURE"),
    );
    let change = |start_time, end_time| {
        runs::update_run(&RunChange { run: &run(), updated_at: time(), start_time, end_time })
    };
    check("runs_update_run", &change(None, None));
    check("runs_update_run_that_starts", &change(Some(1_700_000_000.25), None));
    check("runs_update_run_that_ends", &change(None, Some(1_700_000_000.25)));
    let starts = RunChange {
        run: &run(),
        updated_at: time(),
        start_time: Some(1_700_000_000.25),
        end_time: None,
    };
    let starting = DagsterRunStatus::Starting;
    check("runs_update_run_from", &runs::update_run_from(&starts, starting));
    check("runs_update_tagged_run", &runs::update_tagged_run(&run(), time()));
    check("runs_update_run_body", &runs::update_run_body(&bare));
    check("runs_delete_tags", &runs::delete_tags(&run_id()));
    check("runs_delete_run", &runs::delete_run(&run_id()));
}

#[test]
fn filters() {
    let all = RunsFilter::default();
    let check_filter = |name: &str, filter: RunsFilter| {
        check_capable(&format!("runs_select_runs_{name}"), |has| {
            runs::select_runs(&filter, &RunsPage::default(), has)
        });
    };
    check_filter("all", all.clone());
    check_filter("by_ids", all.clone().with_run_ids(Only::these([run_id(), RunId::from("r")])));
    check_filter("by_prefix", all.clone().with_run_id_prefix("11ba".to_owned()));
    check_filter("by_job", all.clone().with_job_name("letters".to_owned()));
    check_filter(
        "by_statuses",
        all.clone()
            .with_statuses(Only::these([DagsterRunStatus::Queued, DagsterRunStatus::Started])),
    );
    check_filter("by_snapshot", all.clone().with_snapshot_id(SnapshotId::from("aa")));
    check_filter("updated_after", all.clone().with_updated_after(time()));
    check_filter("updated_before", all.clone().with_updated_before(time()));
    check_filter("created_after", all.clone().with_created_after(time()));
    check_filter("created_before", all.clone().with_created_before(time()));
    check_filter("without_subruns", all.clone().with_exclude_subruns(true));
    check_filter("by_tags", all.with_tags(tags()));
    check_filter("by_several", several());
    check_capable("runs_count_runs", |has| runs::count_runs(&RunsFilter::default(), has));
    check_capable("runs_count_runs_by_several", |has| runs::count_runs(&several(), has));
}

#[test]
fn pages() {
    let page = |order, order_by| {
        RunsPage::new()
            .with_cursor(run_id())
            .with_limit(25)
            .with_order(order)
            .with_order_by(order_by)
    };
    for (name, order) in [("ascending", Order::Ascending), ("descending", Order::Descending)] {
        let select = runs::select_runs(
            &RunsFilter::default(),
            &page(order, RunsOrderBy::StorageId),
            Capabilities::HEAD,
        );
        check(&format!("runs_select_runs_page_{name}"), &select);
    }
    for (name, order_by) in [
        ("creation", RunsOrderBy::CreateTimestamp),
        ("update", RunsOrderBy::UpdateTimestamp),
        ("start", RunsOrderBy::StartTime),
        ("end", RunsOrderBy::EndTime),
    ] {
        let select = runs::select_run_ids(
            &RunsFilter::default(),
            &RunsPage::new().with_order_by(order_by),
            Capabilities::HEAD,
        );
        check(&format!("runs_select_run_ids_by_time_of_{name}"), &select);
    }
    check_capable("runs_select_run_ids_page_by_several", |has| {
        runs::select_run_ids(&several(), &page(Order::Ascending, RunsOrderBy::UpdateTimestamp), has)
    });
}

#[test]
fn selects() {
    check("runs_select_run", &runs::select_run(&run_id()));
    check("runs_select_reexecutions", &runs::select_reexecutions(&run_id()));
    check_capable("runs_select_run_partitions", |has| {
        runs::select_run_partitions(&RunsFilter::default(), has)
    });
    let keys = RunTagsQuery::new(["team", "tier"]);
    check_each("runs_select_tags", |dialect| runs::select_tags(&keys, dialect));
    let prefix = keys.with_value_prefix("dä".to_owned()).with_limit(25);
    check_each("runs_select_tags_by_prefix", |dialect| runs::select_tags(&prefix, dialect));
    check_each("runs_select_run_to_change", |dialect| {
        runs::select_run_to_change(&run_id(), dialect)
    });
    check("runs_select_tag_keys", &runs::select_tag_keys());
}

#[test]
fn times() {
    let times = RunTimes {
        run_id: run_id(),
        status: DagsterRunStatus::Started,
        start_time: Some(1_700_000_000.25),
        end_time: Some(1_700_000_001.5),
    };
    check("runs_update_times", &runs::update_times(&times).unwrap());
    let unended = RunTimes { end_time: None, ..times };
    check("runs_update_start_time", &runs::update_times(&unended).unwrap());
    assert!(runs::update_times(&RunTimes { start_time: None, ..unended }).is_none());
}
