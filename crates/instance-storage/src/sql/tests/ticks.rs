//! Statements on ticks.

use instance_core::scheduling::{TickData, TickStatus};
use instance_core::serdes::deserialize_value;
use instance_core::storage::{Only, TicksQuery};

use super::{check, time};
use crate::sql::ticks;

const ENDED: [TickStatus; 2] = [TickStatus::Skipped, TickStatus::Success];

fn tick() -> TickData {
    let text = r#"{"__class__": "TickData", "dynamic_partitions_request_results": [],
        "job_name": "it's", "job_origin_id": "0419",
        "job_type": {"__enum__": "InstigatorType.SENSOR"}, "selector_id": "5e1ec7",
        "status": {"__enum__": "TickStatus.STARTED"}, "timestamp": 1700000000.25}"#;
    deserialize_value(text).unwrap()
}

#[test]
fn writes() {
    let of_old_version = TickData { selector_id: None, ..tick() };
    check("ticks_insert", &ticks::insert(&tick(), time()));
    check("ticks_update", &ticks::update(7, &tick(), time()));
    check("ticks_update_without_selector", &ticks::update(7, &of_old_version, time()));
    check("ticks_delete", &ticks::delete("0419", "5e1ec7", time(), &Only::Any));
    check(
        "ticks_delete_of_statuses",
        &ticks::delete("0419", "5e1ec7", time(), &Only::these(ENDED)),
    );
}

#[test]
fn selects() {
    let all = TicksQuery::new("0419", "5e1ec7");
    let filtered = all
        .clone()
        .with_before(time())
        .with_after(time())
        .with_statuses(Only::these(ENDED))
        .with_limit(25);
    check("ticks_select_by_ids", &ticks::select_by_ids(&[6, 7]));
    check("ticks_select_all", &ticks::select(&all));
    check("ticks_select_filtered", &ticks::select(&filtered));
    check("ticks_select_summaries", &ticks::select_summaries(&filtered));
    check("ticks_select_of_selector", &ticks::select_of_selector("5e1ec7", None, &Only::Any));
    let newest = ticks::select_of_selector("5e1ec7", Some(5), &Only::these(ENDED));
    check("ticks_select_of_selector_filtered", &newest);
}
