//! Statements on backfills.

use std::collections::BTreeMap;

use instance_core::run::TagFilter;
use instance_core::scheduling::{BulkActionStatus, BulkActionsFilter, PartitionBackfill};
use instance_core::serdes::deserialize_value;
use instance_core::storage::{BackfillsPage, Only};

use super::{check, check_capable, strings, time};
use crate::sql::backfills;

fn of_job() -> PartitionBackfill {
    let text = r#"{"__class__": "PartitionBackfill", "backfill_id": "bf",
        "backfill_timestamp": 1700000000.25, "from_failure": false,
        "partition_names": ["a", "b"],
        "partition_set_origin": {"__class__": "ExternalPartitionSetOrigin",
            "external_repository_origin": {"__class__": "ExternalRepositoryOrigin",
                "repository_location_origin": {
                    "__class__": "RegisteredRepositoryLocationOrigin", "location_name": "here"},
                "repository_name": "repo"},
            "partition_set_name": "letters_partition_set"},
        "status": {"__enum__": "BulkActionStatus.REQUESTED"},
        "tags": {"dagster/backfill": "bf", "team": "däta"}}"#;
    deserialize_value(text).unwrap()
}

fn of_assets() -> PartitionBackfill {
    PartitionBackfill {
        partition_set_origin: None,
        partition_names: None,
        serialized_asset_backfill_data: Some("{}".to_owned()),
        tags: None,
        ..of_job()
    }
}

#[test]
fn writes() {
    check_capable("backfills_insert", |has| backfills::insert(&of_job(), time(), has));
    check_capable("backfills_insert_of_assets", |has| backfills::insert(&of_assets(), time(), has));
    check("backfills_insert_tags", &backfills::insert_tags(&of_job())[0]);
    assert_eq!(backfills::insert_tags(&of_assets()), []);
    let completed = PartitionBackfill { status: BulkActionStatus::CompletedSuccess, ..of_job() };
    check("backfills_update", &backfills::update(&completed));
}

#[test]
fn selects() {
    let all = BulkActionsFilter::default();
    let tags = [
        ("team", TagFilter::Is("data".to_owned())),
        ("tier", TagFilter::In(strings(["gold", "silver"]).to_vec())),
    ];
    let filtered = BulkActionsFilter::new()
        .with_statuses(Only::these([BulkActionStatus::Requested, BulkActionStatus::Canceling]))
        .with_created_before(time())
        .with_created_after(time())
        .with_tags(BTreeMap::from(tags.map(|(key, filter)| (key.to_owned(), filter))))
        .with_job_name("letters".to_owned())
        .with_backfill_ids(Only::These(strings(["bf", "bg"]).to_vec()))
        .with_selector_id("5e1ec7".to_owned());
    let page = BackfillsPage::new().with_cursor("bf".to_owned()).with_limit(25);
    check("backfills_select_one", &backfills::select_one("bf"));
    check_capable("backfills_select_all", |has| {
        backfills::select(&all, &BackfillsPage::default(), has)
    });
    check_capable("backfills_select_filtered", |has| backfills::select(&filtered, &page, has));
    check_capable("backfills_count", |has| backfills::count(&filtered, has));
}
