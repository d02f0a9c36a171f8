//! Statements on what events say of the partitions of assets.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::event::DagsterEventType;
use instance_core::ids::StorageId;

use super::{at, check, check_each, run_id, strings};
use crate::sql::asset_partitions::{self, PartitionEvents};

#[test]
fn latest_events() {
    let asset_key = AssetKey::new(["demo", "hello"]);
    let all = PartitionEvents {
        asset_key: &asset_key,
        of_types: &[DagsterEventType::AssetMaterialization],
        partitions: None,
        after: None,
        before: None,
        wiped_at: None,
    };
    let filtered = PartitionEvents {
        of_types: &[
            DagsterEventType::AssetMaterialization,
            DagsterEventType::AssetMaterializationPlanned,
        ],
        partitions: Some(&strings(["a", "b"])),
        after: Some(StorageId(5)),
        before: Some(StorageId(9)),
        wiped_at: Some(at()),
        ..all
    };
    check("asset_partitions_select_latest_ids", &asset_partitions::select_latest_ids(&filtered));
    check_each("asset_partitions_select_packed_latest_ids", |dialect| {
        asset_partitions::select_packed_latest_ids(&filtered, dialect)
    });
    check("asset_partitions_select_latest_runs", &asset_partitions::select_latest_runs(&all));
    check(
        "asset_partitions_select_latest_tags",
        &asset_partitions::select_latest_tags(&all, &strings(["dagster/data_version", "team"])),
    );
}

#[test]
fn data_versions() {
    let select = asset_partitions::select_data_versions(
        &AssetKey::new(["demo", "hello"]),
        &strings(["a", "b"]),
        Some(StorageId(5)),
        Some(StorageId(9)),
    );
    check("asset_partitions_select_data_versions", &select);
}

#[test]
fn tags_of_events() {
    let asset_key = AssetKey::new(["demo", "hello"]);
    let tags = [("dagster/partition/date", "2024-01-01"), ("dagster/partition/place", "a'b")];
    let tags = BTreeMap::from(tags.map(|(key, value)| (key.to_owned(), value.to_owned())));
    check_each("asset_partitions_select_event_tags", |dialect| {
        asset_partitions::select_event_tags(&asset_key, &tags, Some(StorageId(7)), dialect)
    });
}

#[test]
fn counts() {
    let of_assets = strings([r#"["demo", "hello"]"#, r#"["a"]"#]);
    check_each("asset_partitions_select_counts", |dialect| {
        asset_partitions::select_counts(&of_assets, dialect)
    });
}

#[test]
fn wipes() {
    const KEY: &str = r#"["demo", "hello"]"#;
    let partitions = strings(["a", "b"]);
    let types =
        [DagsterEventType::AssetMaterialization, DagsterEventType::AssetMaterializationPlanned];
    check(
        "asset_partitions_select_runs_of_partitions",
        &asset_partitions::select_runs_of_partitions(KEY, &partitions),
    );
    check(
        "asset_partitions_select_of_run_and_partitions",
        &asset_partitions::select_of_run_and_partitions(
            run_id().as_str(),
            &types,
            KEY,
            &partitions,
        ),
    );
    check(
        "asset_partitions_delete_tags_of_partitions",
        &asset_partitions::delete_tags_of_partitions(KEY, &partitions),
    );
    check(
        "asset_partitions_delete_of_partitions",
        &asset_partitions::delete_of_partitions(KEY, &partitions),
    );
    check(
        "asset_partitions_update_of_partitions",
        &asset_partitions::update_of_partitions(KEY, &partitions),
    );
    check_each("asset_partitions_select_last_since_wipe", |dialect| {
        asset_partitions::select_last_since_wipe(KEY, &types, dialect)
    });
}
