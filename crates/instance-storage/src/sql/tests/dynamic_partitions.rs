//! Statements on the keys of dynamic partitions.

use instance_core::ids::StorageId;
use instance_core::storage::{DynamicPartitionsPage, Order};

use super::{check, check_each, check_postgres, strings};
use crate::sql::{dynamic_partitions, lock};

#[test]
fn statements() {
    let keys = strings(["a", "it's"]);
    check_postgres("lock", &lock::lock("dynamic partitions colours"));
    check("dynamic_partitions_insert", &dynamic_partitions::insert("colours", &keys));
    check("dynamic_partitions_delete", &dynamic_partitions::delete("colours", "it's"));
    check_each("dynamic_partitions_select", |dialect| {
        dynamic_partitions::select("colours", dialect)
    });
    check(
        "dynamic_partitions_select_existing",
        &dynamic_partitions::select_existing("colours", &keys),
    );
    for (name, order) in [("ascending", Order::Ascending), ("descending", Order::Descending)] {
        let page = DynamicPartitionsPage::new(25, order).with_cursor(StorageId(7));
        let select = dynamic_partitions::select_page("colours", &page);
        check(&format!("dynamic_partitions_select_page_{name}"), &select);
    }
}
