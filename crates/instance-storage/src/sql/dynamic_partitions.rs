//! Statements on the keys of dynamic partitions.

use instance_core::storage::DynamicPartitionsPage;
use sea_query::{
    DeleteStatement, Expr, ExprTrait, InsertStatement, OnConflict, Query, SelectStatement,
};

use crate::sql::Dialect;
use crate::sql::bounded::BoundedText;
use crate::sql::packed::packed;

use crate::sql::tables::dynamic_partitions::{ID, PARTITION, PARTITIONS_DEF_NAME, TABLE};
use crate::sql::{countable, direction, members};

/// The ids and keys of a set, packed, in any order: a database takes longer to sort them than to find them.
pub(crate) fn select(partitions_def_name: &str, dialect: Dialect) -> SelectStatement {
    let keys = Query::select()
        .columns([ID, PARTITION])
        .from(TABLE)
        .and_where(Expr::col(PARTITIONS_DEF_NAME).eq(partitions_def_name))
        .take();
    packed(keys, [ID, PARTITION], dialect)
}

/// A page of the keys of a set, and one more, if there is one.
pub(crate) fn select_page(
    partitions_def_name: &str,
    page: &DynamicPartitionsPage,
) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([ID, PARTITION])
        .from(TABLE)
        .and_where(Expr::col(PARTITIONS_DEF_NAME).eq(partitions_def_name))
        .order_by(ID, direction(page.order))
        .limit(countable(page.limit.saturating_add(1)));
    if let Some(cursor) = page.cursor {
        select.and_where(match page.order {
            instance_core::storage::Order::Ascending => Expr::col(ID).gt(cursor.0),
            instance_core::storage::Order::Descending => Expr::col(ID).lt(cursor.0),
        });
    }
    select
}

/// Those of the keys that a set has.
pub(crate) fn select_existing(partitions_def_name: &str, keys: &[String]) -> SelectStatement {
    Query::select()
        .columns([ID, PARTITION])
        .from(TABLE)
        .and_where(Expr::col(PARTITIONS_DEF_NAME).eq(partitions_def_name))
        .and_where(Expr::col(PARTITION).is_in(keys.iter().map(String::as_str)))
        .take()
}

/// Adds keys to a set in their order, those that it has not; there is at least one.
#[expect(clippy::expect_used, reason = "there are as many columns as values, whatever the values")]
pub(crate) fn insert(partitions_def_name: &str, keys: &[String]) -> InsertStatement {
    let mut rows = members(keys.iter().map(String::as_str), |key| key);
    // Without a condition SQLite would take the `ON` of the conflict for that of a join.
    rows.expr(Expr::val(partitions_def_name)).and_where(Expr::val(1).eq(1));
    let mut insert = Query::insert();
    insert.into_table(TABLE).columns([PARTITION, PARTITIONS_DEF_NAME]);
    insert.select_from(rows).expect("two columns");
    insert
        .on_conflict(OnConflict::columns([PARTITIONS_DEF_NAME, PARTITION]).do_nothing().to_owned());
    insert
}

/// The texts that may be too long where keys are added to a set.
pub(crate) fn bounded<'a>(
    partitions_def_name: &'a str,
    keys: &'a [String],
) -> impl Iterator<Item = BoundedText<'a>> {
    let name = BoundedText::indexed("name of dynamic partitions", partitions_def_name);
    keys.iter().map(|key| BoundedText::indexed("partition key", key)).chain([name])
}

/// Takes a key out of a set.
pub(crate) fn delete(partitions_def_name: &str, key: &str) -> DeleteStatement {
    Query::delete()
        .from_table(TABLE)
        .and_where(Expr::col(PARTITIONS_DEF_NAME).eq(partitions_def_name))
        .and_where(Expr::col(PARTITION).eq(key))
        .take()
}
