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

use super::{check, check_each, run_id, strings, time};
const HEAD: Capabilities = Capabilities::HEAD;
use crate::sql::asset_partitions::PartitionEvents;
use crate::sql::capabilities::Capabilities;
use crate::sql::events::{self, Among};
use crate::sql::{asset_partitions, runs};

const MATERIALIZATION: DagsterEventType = DagsterEventType::AssetMaterialization;

fn asset_key() -> AssetKey {
    AssetKey::new(["demo", "hello"])
}

#[test]
fn events_of_all_runs() {
    let check_records = |name: &str, filter: EventRecordsFilter, order: Order| {
        check_each(&format!("plans_event_records_{name}"), |dialect| {
            events::select_event_records(&filter, Some(25), order, true, dialect)
        });
    };
    let all = || EventRecordsFilter::new(MATERIALIZATION);
    let of_asset = || all().with_asset_key(asset_key());
    let behind = Some(EventCursor::StorageId(StorageId(7)));
    check_records("latest", all(), Order::Descending);
    check_records(
        "latest_of_rare_type",
        EventRecordsFilter::new(DagsterEventType::StepFailure),
        Order::Descending,
    );
    check_records("behind", all().with_after_cursor(behind), Order::Ascending);
    check_records("since", all().with_after_timestamp(time()), Order::Descending);
    let ids = vec![StorageId(6), StorageId(7)];
    check_records("by_ids", all().with_storage_ids(Only::These(ids)), Order::Descending);
    check_records("of_asset", of_asset(), Order::Descending);
    check_records("of_asset_behind", of_asset().with_after_cursor(behind), Order::Ascending);
    check_records("of_asset_before", of_asset().with_before_timestamp(time()), Order::Descending);
    let partitions = strings(["a", "b"]).to_vec();
    check_records(
        "of_partitions",
        of_asset().with_asset_partitions(Only::These(partitions)),
        Order::Descending,
    );
    check_each("plans_event_records_of_asset_by_time", |dialect| {
        events::select_event_records(&of_asset(), Some(25), Order::Descending, false, dialect)
    });
    let one_type = Only::one(DagsterEventType::RunFailure);
    check("plans_events_behind", &events::select_behind(StorageId(7), &Only::Any, Some(25)));
    check("plans_events_behind_of_type", &events::select_behind(StorageId(7), &one_type, Some(25)));
}

#[test]
fn summaries() {
    let all = || {
        AssetEventSummaryQuery::new(MATERIALIZATION).with_limit(25).with_order(Order::Descending)
    };
    let check_query = |name: &str, query: AssetEventSummaryQuery| {
        check_each(&format!("plans_summaries_{name}"), |dialect| {
            events::select_asset_event_summaries(&query, dialect)
        });
    };
    check_query("latest", all());
    check_query("of_asset", all().with_asset_key(asset_key()));
    check_query("of_run", all().with_run_id(run_id()));
    let ids = Only::these([StorageId(6), StorageId(7)]);
    check_query("by_ids", all().with_storage_ids(ids));
    check_query("behind", all().with_after_storage_id(StorageId(7)).with_order(Order::Ascending));
}

#[test]
fn events_of_a_run() {
    let cursor = Some(EventLogCursor::StorageId(StorageId(7)));
    let failures = vec![DagsterEventType::StepFailure, DagsterEventType::RunFailure];
    let page = RecordsForRun::new(run_id()).with_cursor(cursor).with_limit(1_000);
    let check_query = |name: &str, query: RecordsForRun| {
        let select = events::select_records_for_run(&query, Among::AllRuns);
        check(&format!("plans_run_events_{name}"), &select);
    };
    check_query("page", page.clone());
    check_query("page_of_types", page.clone().with_of_types(Only::These(failures)));
    let one_type = page
        .with_of_types(Only::one(DagsterEventType::AssetMaterializationPlanned))
        .with_limit(1)
        .with_cursor(None);
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
        check_each(&format!("plans_event_tags_{name}"), |dialect| {
            asset_partitions::select_event_tags(&asset_key, tags, id, dialect)
        });
    };
    let tag = BTreeMap::from([strings(["dagster/partition/date", "2024-01-01"]).into()]);
    check_tags("all", &BTreeMap::new(), None);
    check_tags("of_event", &BTreeMap::new(), Some(StorageId(7)));
    check_tags("of_tagged", &tag, None);
}

#[test]
fn runs_of_filters() {
    let all = RunsFilter::default;
    let page = RunsPage::new().with_limit(25);
    let check_filter = |name: &str, filter: RunsFilter| {
        check(&format!("plans_runs_{name}"), &runs::select_runs(&filter, &page, HEAD));
    };
    let tagged = |key: &str, value: &str| {
        all().with_tags(BTreeMap::from([(key.to_owned(), TagFilter::Is(value.to_owned()))]))
    };
    let of_job = || all().with_job_name("letters".to_owned());
    let unfinished =
        vec![DagsterRunStatus::Queued, DagsterRunStatus::Starting, DagsterRunStatus::Started];
    check_filter("latest", all());
    check_filter("latest_without_subruns", all().with_exclude_subruns(true));
    check_filter("of_job", of_job());
    check_filter("of_job_unfinished", of_job().with_statuses(Only::These(unfinished.clone())));
    check_filter("of_backfill", tagged("dagster/backfill", "backfill-7"));
    check_filter(
        "of_partition_of_job",
        tagged("dagster/partition", "2024-01-07").with_job_name("letters".to_owned()),
    );
    check_filter("unfinished", all().with_statuses(Only::These(unfinished.clone())));
    check_filter("created_after", all().with_created_after(time()));
    check_filter(
        "updated_after_unfinished",
        all().with_statuses(Only::These(unfinished.clone())).with_updated_after(time()),
    );
    check(
        "plans_runs_count_unfinished",
        &runs::count_runs(&all().with_statuses(Only::These(unfinished)), HEAD),
    );
    check(
        "plans_runs_count_of_backfill",
        &runs::count_runs(&tagged("dagster/backfill", "backfill-7"), HEAD),
    );
    let by_update = page.with_order_by(RunsOrderBy::UpdateTimestamp);
    let ended = vec![DagsterRunStatus::Failure];
    let failed = all().with_statuses(Only::These(ended)).with_updated_after(time());
    check("plans_runs_failed_by_time_of_update", &runs::select_runs(&failed, &by_update, HEAD));
    let tagged_unfinished = tagged("team", "data")
        .with_statuses(Only::one(DagsterRunStatus::Started))
        .with_exclude_subruns(true);
    check("plans_runs_unfinished_of_tag", &runs::select_runs(&tagged_unfinished, &by_update, HEAD));
    check("plans_run_partitions_of_job", &runs::select_run_partitions(&of_job(), HEAD));
}
