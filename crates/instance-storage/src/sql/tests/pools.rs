//! Statements on pools.

use super::{check, check_capable, check_each, run_id, strings};
use crate::sql::pools;

#[test]
fn limits() {
    check_capable("pools_upsert_limit", |has| pools::upsert_limit("gpu", 3, has));
    check_capable("pools_upsert_default_limit", |has| pools::upsert_default_limit("gpu", 3, has));
    check("pools_delete_limit", &pools::delete_limit("gpu"));
    check_capable("pools_select_limits_all", |has| pools::select_limits(None, has));
    let keys = strings(["gpu", "it's"]);
    check_capable("pools_select_limits_by_key", |has| pools::select_limits(Some(&keys), has));
    check("pools_select_any_limit", &pools::select_any_limit());
}

#[test]
fn slots() {
    check("pools_select_slot_counts", &pools::select_slot_counts());
    check("pools_count_slots", &pools::count_slots("gpu"));
    check("pools_select_surplus_slots", &pools::select_surplus_slots("gpu", 2));
    check("pools_mark_slots_deleted", &pools::mark_slots_deleted(&[6, 7]));
    check("pools_delete_free_deleted_slots", &pools::delete_free_deleted_slots());
    check("pools_insert_slots", &pools::insert_slots("gpu", 2));
    check("pools_select_slots", &pools::select_slots(&strings(["gpu", "it's"])));
    check_each("pools_select_free_slot", |dialect| pools::select_free_slot("gpu", dialect));
    check("pools_claim_slot", &pools::claim_slot(7, &run_id(), "a"));
    check("pools_select_claimed_slot", &pools::select_claimed_slot("gpu", &run_id(), "a"));
    for (name, step_key) in [("run", None), ("step", Some("a"))] {
        check(
            &format!("pools_delete_deleted_slots_of_{name}"),
            &pools::delete_deleted_slots_of(&run_id(), step_key),
        );
        check(
            &format!("pools_select_held_or_wanted_{name}"),
            &pools::select_held_or_wanted(&run_id(), step_key),
        );
        check(&format!("pools_free_slots_of_{name}"), &pools::free_slots_of(&run_id(), step_key));
    }
}

#[test]
fn steps_that_wait() {
    check("pools_select_pending", &pools::select_pending(&strings(["gpu", "it's"])));
    check("pools_select_pending_step", &pools::select_pending_step("gpu", &run_id(), "a"));
    check("pools_count_assigned", &pools::count_assigned("gpu"));
    let insert = |is_assigned| pools::insert_pending("gpu", &run_id(), "a", -1, is_assigned);
    check("pools_insert_pending", &insert(false));
    check("pools_insert_pending_assigned", &insert(true));
    check("pools_assign_pending", &pools::assign_pending("gpu", 2));
    check("pools_select_pending_of_run", &pools::select_pending_of(&run_id(), None));
    check("pools_delete_pending_of_run", &pools::delete_pending_of(&run_id(), None));
    check("pools_delete_pending_of_step", &pools::delete_pending_of(&run_id(), Some("a")));
    check("pools_select_run_ids", &pools::select_run_ids());
    check("pools_select_slot_run_ids", &pools::select_slot_run_ids());
}
