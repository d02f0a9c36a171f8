//! Statements of data migrations.

use super::{check, time};
use crate::sql::reindex::{self, AssetColumns};

#[test]
fn assets() {
    check("reindex_select_asset_keys_of_events", &reindex::select_asset_keys_of_events(None, 500));
    check(
        "reindex_select_asset_keys_of_events_behind",
        &reindex::select_asset_keys_of_events(Some(r#"["demo", "hello"]"#), 500),
    );
    check("reindex_select_assets", &reindex::select_assets(7, 500));
    let keys = [r#"["demo", "hello"]"#, r#"["raw"]"#];
    check("reindex_select_times_of_assets", &reindex::select_times_of_assets(&keys));
    let mut columns = AssetColumns {
        id: 7,
        last_materialization: None,
        last_materialization_timestamp: None,
        wipe_timestamp: Some(time()),
    };
    check("reindex_update_asset_wiped", &reindex::update_asset(&columns));
    columns.last_materialization = Some("{}".to_owned());
    columns.last_materialization_timestamp = Some(time());
    check("reindex_update_asset", &reindex::update_asset(&columns));
}

#[test]
fn ticks() {
    check(
        "reindex_select_ticks_without_selector",
        &reindex::select_ticks_without_selector(7, 1_007),
    );
    check(
        "reindex_update_selector_of_ticks",
        &reindex::update_selector_of_ticks("selector", &[8, 9]),
    );
}

#[test]
fn counts() {
    check("reindex_count_asset_keys_of_events", &reindex::count_asset_keys_of_events());
    let [first, last] = reindex::select_bounds("runs");
    check("reindex_select_first", &first);
    check("reindex_select_last", &last);
    check("reindex_select_range", &reindex::select_range("runs", 7, 500));
}

#[test]
fn states() {
    check("reindex_select_jobs", &reindex::select_jobs(7, 500));
    let mut locked = reindex::select_jobs(7, 500);
    locked.lock_exclusive();
    super::check_postgres("reindex_select_jobs_to_change", &locked);
    check(
        "reindex_put_instigator_of_job",
        &reindex::put_instigator_of_job(8, &super::instigators::state()),
    );
    check("reindex_update_selector_of_job", &reindex::update_selector_of_job(8, "selector"));
}
