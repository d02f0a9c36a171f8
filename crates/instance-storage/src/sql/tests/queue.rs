//! Statements on the runs that wait and those that go on.

use instance_core::ids::StorageId;

use super::check;
use crate::sql::queue;

#[test]
fn active_runs() {
    check("queue_select_active_rows", &queue::select_active_rows());
    let ids = [StorageId(6), StorageId(7)];
    check("queue_select_active_runs", &queue::select_active_runs(&ids));
}
