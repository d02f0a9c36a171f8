//! Statements on the snapshots of jobs and plans.

use super::check;
use crate::sql::snapshots::{self, SnapshotType};

#[test]
fn statements() {
    check("snapshots_insert", &snapshots::insert("aa", SnapshotType::Job, b"x\x9c".to_vec()));
    check("snapshots_select_exists", &snapshots::select_exists("aa", SnapshotType::ExecutionPlan));
    check("snapshots_select_body", &snapshots::select_body("aa", SnapshotType::Job));
}
