//! Statements as they are asked every day, each with the arguments of one caller. Their plans, and those of
//! all other statements here, are looked at in `tests/it/query_plans.rs`.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::event::{DagsterEventType, EventLogCursor};
use instance_core::ids::StorageId;
use instance_core::run::{DagsterRunStatus, RunsFilter, TagFilter};
use instance_core::storage::{
    AssetEventSummaryQuery, EventCursor, EventRecordsFilter, Only, Order, RecordsForRun,
    RunsOrderBy, RunsPage,
};

use super::{check, run_id, strings, time};
use crate::sql::asset_partitions::PartitionEvents;
use crate::sql::events::{self, Among};
use crate::sql::{asset_partitions, runs};

const MATERIALIZATION: DagsterEventType = DagsterEventType::AssetMaterialization;

fn asset_key() -> AssetKey {
    AssetKey::new(["demo", "hello"])
}

#[test]
fn events_of_all_runs() {
    let check_records = |name: &str, filter: EventRecordsFilter, order: Order| {
        let select = events::select_event_records(&filter, Some(25), order, true);
        check(&format!("plans_event_records_{name}"), &select);
    };
    let all = || EventRecordsFilter::of_type(MATERIALIZATION);
    let of_asset = || EventRecordsFilter { asset_key: Some(asset_key()), ..all() };
    let behind = Some(EventCursor::StorageId(StorageId(7)));
    check_records("latest", all(), Order::Descending);
    check_records(
        "latest_of_rare_type",
        EventRecordsFilter::of_type(DagsterEventType::StepFailure),
        Order::Descending,
    );
    check_records("behind", EventRecordsFilter { after_cursor: behind, ..all() }, Order::Ascending);
    check_records(
        "since",
        EventRecordsFilter { after_timestamp: Some(time()), ..all() },
        Order::Descending,
    );
    let ids = vec![StorageId(6), StorageId(7)];
    check_records(
        "by_ids",
        EventRecordsFilter { storage_ids: Only::These(ids), ..all() },
        Order::Descending,
    );
    check_records("of_asset", of_asset(), Order::Descending);
    check_records(
        "of_asset_behind",
        EventRecordsFilter { after_cursor: behind, ..of_asset() },
        Order::Ascending,
    );
    check_records(
        "of_asset_before",
        EventRecordsFilter { before_timestamp: Some(time()), ..of_asset() },
        Order::Descending,
    );
    let partitions = strings(["a", "b"]).to_vec();
    check_records(
        "of_partitions",
        EventRecordsFilter { asset_partitions: Only::These(partitions), ..of_asset() },
        Order::Descending,
    );
    check(
        "plans_event_records_of_asset_by_time",
        &events::select_event_records(&of_asset(), Some(25), Order::Descending, false),
    );
    let one_type = Only::one(DagsterEventType::RunFailure);
    check("plans_events_behind", &events::select_behind(StorageId(7), &Only::Any, Some(25)));
    check("plans_events_behind_of_type", &events::select_behind(StorageId(7), &one_type, Some(25)));
}

#[test]
fn summaries() {
    let all = || AssetEventSummaryQuery {
        event_type: MATERIALIZATION,
        asset_key: None,
        run_id: None,
        storage_ids: Only::Any,
        after_storage_id: None,
        before_storage_id: None,
        limit: Some(25),
        order: Order::Descending,
    };
    let check_query = |name: &str, query: AssetEventSummaryQuery| {
        let select = events::select_asset_event_summaries(&query);
        check(&format!("plans_summaries_{name}"), &select);
    };
    check_query("latest", all());
    check_query("of_asset", AssetEventSummaryQuery { asset_key: Some(asset_key()), ..all() });
    check_query("of_run", AssetEventSummaryQuery { run_id: Some(run_id()), ..all() });
    let ids = Only::these([StorageId(6), StorageId(7)]);
    check_query("by_ids", AssetEventSummaryQuery { storage_ids: ids, ..all() });
    check_query(
        "behind",
        AssetEventSummaryQuery {
            after_storage_id: Some(StorageId(7)),
            order: Order::Ascending,
            ..all()
        },
    );
}

#[test]
fn events_of_a_run() {
    let cursor = Some(EventLogCursor::StorageId(StorageId(7)));
    let failures = vec![DagsterEventType::StepFailure, DagsterEventType::RunFailure];
    let page = RecordsForRun { cursor, limit: Some(1_000), ..RecordsForRun::all(run_id()) };
    let check_query = |name: &str, query: RecordsForRun| {
        let select = events::select_records_for_run(&query, Among::AllRuns);
        check(&format!("plans_run_events_{name}"), &select);
    };
    check_query("page", page.clone());
    check_query("page_of_types", RecordsForRun { of_types: Only::These(failures), ..page.clone() });
    let one_type = RecordsForRun {
        of_types: Only::one(DagsterEventType::AssetMaterializationPlanned),
        limit: Some(1),
        cursor: None,
        ..page
    };
    check_query("of_type", one_type);
}

#[test]
fn partitions() {
    let asset_key = asset_key();
    let names = strings(["a", "b"]);
    let all = PartitionEvents {
        asset_key: &asset_key,
        of_types: &[MATERIALIZATION, DagsterEventType::AssetMaterializationPlanned],
        partitions: None,
        after: None,
        before: None,
        wiped_at: None,
    };
    check("plans_latest_ids", &asset_partitions::select_latest_ids(&all));
    let behind = PartitionEvents { after: Some(StorageId(7)), ..all.clone() };
    check("plans_latest_ids_behind", &asset_partitions::select_latest_ids(&behind));
    let of_some = PartitionEvents { partitions: Some(&names), ..all };
    check("plans_latest_ids_of_partitions", &asset_partitions::select_latest_ids(&of_some));
    check(
        "plans_data_versions",
        &asset_partitions::select_data_versions(&asset_key, &names, None, None),
    );
    let check_tags = |name: &str, tags: &BTreeMap<String, String>, id: Option<StorageId>| {
        let select = asset_partitions::select_event_tags(&asset_key, tags, id);
        check(&format!("plans_event_tags_{name}"), &select);
    };
    let tag = BTreeMap::from([strings(["dagster/partition/date", "2024-01-01"]).into()]);
    check_tags("all", &BTreeMap::new(), None);
    check_tags("of_event", &BTreeMap::new(), Some(StorageId(7)));
    check_tags("of_tagged", &tag, None);
}

#[test]
fn runs_of_filters() {
    let all = RunsFilter::default;
    let page = RunsPage { limit: Some(25), ..RunsPage::default() };
    let check_filter = |name: &str, filter: RunsFilter| {
        check(&format!("plans_runs_{name}"), &runs::select_runs(&filter, &page));
    };
    let tagged = |key: &str, value: &str| RunsFilter {
        tags: BTreeMap::from([(key.to_owned(), TagFilter::Is(value.to_owned()))]),
        ..all()
    };
    let of_job = || RunsFilter { job_name: Some("letters".to_owned()), ..all() };
    let unfinished =
        vec![DagsterRunStatus::Queued, DagsterRunStatus::Starting, DagsterRunStatus::Started];
    check_filter("latest", all());
    check_filter("latest_without_subruns", RunsFilter { exclude_subruns: true, ..all() });
    check_filter("of_job", of_job());
    check_filter(
        "of_job_unfinished",
        RunsFilter { statuses: Only::These(unfinished.clone()), ..of_job() },
    );
    check_filter("of_backfill", tagged("dagster/backfill", "backfill-7"));
    check_filter(
        "of_partition_of_job",
        RunsFilter {
            job_name: Some("letters".to_owned()),
            ..tagged("dagster/partition", "2024-01-07")
        },
    );
    check_filter("unfinished", RunsFilter { statuses: Only::These(unfinished.clone()), ..all() });
    check_filter("created_after", RunsFilter { created_after: Some(time()), ..all() });
    check_filter(
        "updated_after_unfinished",
        RunsFilter {
            statuses: Only::These(unfinished.clone()),
            updated_after: Some(time()),
            ..all()
        },
    );
    check(
        "plans_runs_count_unfinished",
        &runs::count_runs(&RunsFilter { statuses: Only::These(unfinished), ..all() }),
    );
    check(
        "plans_runs_count_of_backfill",
        &runs::count_runs(&tagged("dagster/backfill", "backfill-7")),
    );
    let by_update = RunsPage { order_by: RunsOrderBy::UpdateTimestamp, ..page };
    let ended = vec![DagsterRunStatus::Failure];
    let failed = RunsFilter { statuses: Only::These(ended), updated_after: Some(time()), ..all() };
    check("plans_runs_failed_by_time_of_update", &runs::select_runs(&failed, &by_update));
    let tagged_unfinished = RunsFilter {
        statuses: Only::one(DagsterRunStatus::Started),
        exclude_subruns: true,
        ..tagged("team", "data")
    };
    check("plans_runs_unfinished_of_tag", &runs::select_runs(&tagged_unfinished, &by_update));
    check("plans_run_partitions_of_job", &runs::select_run_partitions(&of_job()));
}
