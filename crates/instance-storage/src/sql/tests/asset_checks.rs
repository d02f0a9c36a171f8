//! Statements on executions of asset checks.

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::ids::StorageId;
use instance_core::serdes::UnknownFields;
use instance_core::storage::{
    AssetCheckExecutionRecordStatus, CheckExecutionsPage, Only, PartitionKeyFilter,
};

use super::{at, check, run_id, strings};
use crate::sql::asset_checks::{self, CheckExecution};

fn key(name: &str) -> AssetCheckKey {
    AssetCheckKey {
        asset_key: AssetKey::new(["demo", "hello"]),
        name: name.to_owned(),
        unknown: UnknownFields::default(),
    }
}

fn planned() -> CheckExecution {
    CheckExecution {
        asset_key: key("is_small").asset_key.to_db_string(),
        check_name: "is_small".to_owned(),
        partition: None,
        run_id: run_id().to_string(),
        status: AssetCheckExecutionRecordStatus::Planned,
        event: "{}".to_owned(),
        event_timestamp: at(),
        event_storage_id: StorageId(7),
        materialization_storage_id: None,
    }
}

fn evaluated() -> CheckExecution {
    CheckExecution {
        partition: Some("a".to_owned()),
        status: AssetCheckExecutionRecordStatus::Succeeded,
        materialization_storage_id: Some(StorageId(5)),
        ..planned()
    }
}

#[test]
fn writes() {
    check("asset_checks_insert", &asset_checks::insert(&[planned(), evaluated()]));
    check("asset_checks_update", &asset_checks::update(&planned()));
    check("asset_checks_update_of_partition", &asset_checks::update(&evaluated()));
    check(
        "asset_checks_delete_of_assets",
        &asset_checks::delete_of_assets(&strings([r#"["demo"]"#, r#"["a"]"#])),
    );
    check(
        "asset_checks_delete_of_partitions",
        &asset_checks::delete_of_partitions("[\"demo\"]", &strings(["a", "b"])),
    );
}

#[test]
fn selects() {
    let all = CheckExecutionsPage::new(key("is_small"), 25);
    check("asset_checks_select_history", &asset_checks::select_history(&all));
    let of_partition = |name: &str| PartitionKeyFilter::new(Some(name.to_owned()));
    let filtered = all
        .with_cursor(StorageId(7))
        .with_statuses(Only::These(AssetCheckExecutionRecordStatus::COMPLETED.to_vec()))
        .with_partition_filter(of_partition("a"));
    check("asset_checks_select_history_filtered", &asset_checks::select_history(&filtered));

    check("asset_checks_select_names", &asset_checks::select_names(&key("is_small").asset_key));

    let keys = [key("is_small"), key("is_new")];
    check("asset_checks_select_latest", &asset_checks::select_latest(&keys, None));
    let of_none = PartitionKeyFilter::new(None);
    check(
        "asset_checks_select_latest_of_no_partition",
        &asset_checks::select_latest(&keys[..1], Some(&of_none)),
    );
    check(
        "asset_checks_select_latest_by_partition",
        &asset_checks::select_latest_by_partition(&keys[0], Some(&strings(["a", "b"]))),
    );
}
