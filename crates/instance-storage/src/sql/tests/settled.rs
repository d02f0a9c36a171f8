//! Statements of those who follow the ids of events.

use instance_core::ids::StorageId;

use super::check;
#[cfg(feature = "postgres")]
use super::check_postgres;
use crate::sql::settled;

#[test]
fn failures() {
    check("settled_select_failures", &settled::select_failures(StorageId(7), 500));
}

#[cfg(feature = "postgres")]
#[test]
fn writers() {
    check_postgres("settled_select_writers", &settled::select_writers());
}
