//! Statements on assets.

use instance_core::asset_key::AssetKey;
use instance_core::event::DagsterEventType;
use instance_core::ids::StorageId;
use instance_core::storage::{AssetKeysPage, Only};

use super::{at, check, check_capable, check_each, check_postgres, run_id, strings, time};
use crate::sql::assets::{self, AssetChange, AssetEventTag, Column, LastEvents};
use crate::sql::capabilities::{Capabilities, Feature};

fn keys() -> [AssetKey; 2] {
    [AssetKey::new(["demo", "hé"]), AssetKey::new(["raw"])]
}

#[test]
fn writes() {
    let observed = AssetChange {
        asset_key: "[\"seen\"]".to_owned(),
        last_materialization: None,
        last_run_id: None,
        last_materialization_timestamp: time(),
    };
    let planned = AssetChange {
        asset_key: "[\"planned\"]".to_owned(),
        last_run_id: Some(run_id().to_string()),
        ..observed.clone()
    };
    let materialised = AssetChange {
        asset_key: "[\"made\"]".to_owned(),
        last_materialization: Some("{}".to_owned()),
        ..planned.clone()
    };
    check("assets_upsert", &assets::upsert(&[observed, planned, materialised]));

    check("assets_insert_missing", &assets::insert_missing(&["[\"a\"]", "[\"b\"]"]));

    let tag = |key: &str| AssetEventTag {
        event_id: StorageId(7),
        asset_key: "[\"demo\"]".to_owned(),
        key: key.to_owned(),
        value: "v1".to_owned(),
        event_timestamp: at(),
    };
    let tags = [tag("dagster/data_version"), tag("dagster/partition/date")];
    check("assets_insert_event_tags", &assets::insert_event_tags(&tags));

    let [key, _] = keys();
    let status = "{}".to_owned();
    check("assets_update_cached_status", &assets::update_cached_status(&key, status));
    let texts = keys().map(|key| key.to_db_string());
    check_capable("assets_update_wiped", |has| {
        assets::update_wiped(&texts, "{}".to_owned(), time(), has)
    });
    check("assets_delete_cached_status", &assets::delete_cached_status(&texts));
    check_postgres("assets_select_to_change", &assets::select_to_change(&texts));
    let text = key.to_db_string();
    check_each("assets_select_last_to_change", |dialect| {
        assets::select_last_to_change(&text, dialect)
    });
    let nothing_named = LastEvents::default();
    let older = Capabilities::HEAD.without(Feature::CachedStatus);
    assert!(assets::update_last(&text, nothing_named.clone(), older).is_none());
    let update = assets::update_last(&text, nothing_named, Capabilities::HEAD).unwrap();
    check("assets_update_last_status", &update);
    let last = LastEvents {
        last_materialization: Column::Set(Some("{}".to_owned())),
        last_run_id: Column::Set(None),
    };
    check_capable("assets_update_last", |has| {
        assets::update_last(&text, last.clone(), has).unwrap()
    });
}

#[test]
fn selects() {
    check_capable("assets_select_records_all", |has| assets::select_records(&Only::Any, has));
    check_capable("assets_select_records_none", |has| {
        assets::select_records(&Only::These(Vec::new()), has)
    });
    check_capable("assets_select_records_by_key", |has| {
        assets::select_records(&Only::these(keys()), has)
    });
    let all = AssetKeysPage::default();
    check_each("assets_select_keys", |dialect| assets::select_keys(&all, dialect));
    let page = AssetKeysPage::new()
        .with_prefix(strings(["demo", "hé"]).to_vec())
        .with_limit(25)
        .with_cursor("[\"demo\", \"a\"]".to_owned());
    check_each("assets_select_keys_page", |dialect| assets::select_keys(&page, dialect));
    check("assets_select_key", &assets::select_key(&keys()[0]));
    let materialised = DagsterEventType::AssetMaterialization;
    check("assets_select_latest_events", &assets::select_latest_events(&keys(), materialised));
}

#[test]
fn details() {
    let [asset_key, _] = keys();
    check("assets_select_details", &assets::select_details(&asset_key));
}
