//! All SQL: the schema as Dagster creates it, the names in it, and one function for each statement.
//!
//! Statements are built for any dialect and rendered by the backend that runs them.

pub(crate) mod asset_checks;
pub(crate) mod asset_partitions;
pub(crate) mod assets;
pub(crate) mod automation;
pub(crate) mod backfills;
pub(crate) mod daemons;
pub(crate) mod dynamic_partitions;
pub(crate) mod events;
#[cfg(feature = "postgres")]
pub(crate) mod id_order;
pub(crate) mod instigators;
pub(crate) mod pools;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod snapshots;
pub(crate) mod tables;
pub(crate) mod ticks;
pub(crate) mod timestamp;

use std::collections::BTreeMap;

use instance_core::run::TagFilter;
use instance_core::storage::Order;
use sea_query::{Expr, ExprTrait, Func, Query, SelectStatement};

/// How many values of a list one statement binds at most; SQLite allows 32,766 in all.
pub(crate) const VALUES_PER_STATEMENT: usize = 10_000;

/// A count as databases take it: no table has more rows than the greatest signed integer.
fn countable(count: u64) -> u64 {
    Ord::min(count, i64::MAX.unsigned_abs())
}

/// The order of rows as sea-query says it.
const fn direction(order: Order) -> sea_query::Order {
    match order {
        Order::Ascending => sea_query::Order::Asc,
        Order::Descending => sea_query::Order::Desc,
    }
}

/// The ids of rows of a table of tags that have one of the tags of a filter, one condition for each tag.
fn tagged<'a>(
    tags: &'a BTreeMap<String, TagFilter>,
    [table, id, key, value]: [&'static str; 4],
) -> impl Iterator<Item = SelectStatement> + 'a {
    tags.iter().map(move |(name, filter)| {
        let has_value = match filter {
            TagFilter::Is(text) => Expr::col(value).eq(text.as_str()),
            TagFilter::In(texts) => Expr::col(value).is_in(texts.iter().map(String::as_str)),
        };
        Query::select()
            .column(id)
            .from(table)
            .and_where(Expr::col(key).eq(name.as_str()))
            .and_where(has_value)
            .take()
    })
}

/// Whether a text begins with a prefix, in its own case: `LIKE` has other rules in each database.
fn starts_with(column: &'static str, prefix: &str) -> Expr {
    // The function of Postgres takes integers of 32 bits.
    let length = i32::try_from(prefix.chars().count()).unwrap_or(i32::MAX);
    Func::cust("substr").args([Expr::col(column), Expr::val(1_i32), Expr::val(length)]).eq(prefix)
}

#[cfg(test)]
mod tests;
