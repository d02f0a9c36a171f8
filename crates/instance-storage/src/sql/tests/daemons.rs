//! Statements on what daemons remember.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::daemon::{DaemonHeartbeat, DaemonType};

use super::{check, check_capable, check_each, strings, time};
use crate::sql::daemons;

#[test]
fn heartbeats() {
    let daemon_type = DaemonType::from("SENSOR");
    let heartbeat = DaemonHeartbeat::new(daemon_type, "an id", 1_700_000_000.25, Vec::new());
    check("daemons_upsert_heartbeat", &daemons::upsert_heartbeat(&heartbeat, time()));
    let heartbeats = |has| daemons::select_heartbeats(has);
    check_capable("daemons_select_heartbeats", heartbeats);
    check("daemons_delete_heartbeats", &daemons::delete_heartbeats());
}

#[test]
fn cursors() {
    let keys = BTreeSet::from(strings(["ASSET_DAEMON", "OTHER"]));
    check("daemons_select_cursors", &daemons::select_cursors(&keys));
    let pairs: BTreeMap<_, _> = keys.into_iter().zip(strings(["it's", "2"])).collect();
    check("daemons_upsert_cursors", &daemons::upsert_cursors(&pairs.iter().collect::<Vec<_>>()));
    check(
        "daemons_select_cursors_beginning",
        &daemons::select_cursors_beginning("dagster_instance/"),
    );
    check("daemons_insert_cursor", &daemons::insert_cursor("KEY", "it's"));
    check("daemons_update_cursor", &daemons::update_cursor("KEY", "1", "2"));
    check("daemons_delete_cursor", &daemons::delete_cursor("KEY", None));
    check("daemons_delete_cursor_of_value", &daemons::delete_cursor("KEY", Some("1")));
    check_each("daemons_select_fence", |dialect| daemons::select_fence("KEY", dialect));
}
