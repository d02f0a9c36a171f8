//! All SQL: the schema as Dagster creates it, the names in it, and one function for each statement.
//!
//! Statements are built for any dialect. The backend that runs a statement renders it.

pub(crate) mod asset_checks;
pub(crate) mod asset_partitions;
pub(crate) mod assets;
pub(crate) mod automation;
pub(crate) mod backfills;
pub(crate) mod bounded;
pub(crate) mod capabilities;
pub(crate) mod daemons;
pub(crate) mod dynamic_partitions;
pub(crate) mod events;
pub(crate) mod events_at_once;
pub(crate) mod following;
#[cfg(feature = "postgres")]
pub(crate) mod id_order;
pub(crate) mod instigators;
pub(crate) mod literal;
pub(crate) mod lock;
pub(crate) mod packed;
pub(crate) mod pools;
pub(crate) mod queue;
pub(crate) mod reindex;
pub(crate) mod reindex_runs;
pub(crate) mod runs;
pub(crate) mod runs_at_once;
pub(crate) mod schema;
#[cfg(feature = "postgres")]
pub(crate) mod session;
pub(crate) mod settled;
pub(crate) mod snapshots;
pub(crate) mod tables;
pub(crate) mod ticks;
pub(crate) mod timestamp;

use std::collections::BTreeMap;
use std::fmt::Write;

use instance_core::run::TagFilter;
use instance_core::storage::Order;
use sea_query::{Expr, ExprTrait, Func, IntoColumnRef, Query, SelectStatement};

/// How many values of a list one statement binds at most; SQLite allows 32,766 in all.
pub(crate) const VALUES_PER_STATEMENT: usize = 10_000;

/// What differs in the text of a few statements. sea-query knows the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Whether an asset exists after any event about it. In Postgres, Dagster has it so. In SQLite, only
    /// materialisations, planned ones and observations make an asset exist.
    pub(crate) const fn has_assets_of_any_event(self) -> bool {
        matches!(self, Self::Postgres)
    }
}

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

/// The ids of rows in a table of tags that have one of the tags of a filter. There is one condition for each tag.
fn tagged<'a>(
    tags: &'a BTreeMap<String, TagFilter>,
    [table, id, key, value]: [&'static str; 4],
) -> impl Iterator<Item = SelectStatement> + 'a {
    tags.iter().map(move |(name, filter)| {
        let has_value = match filter {
            TagFilter::Is(text) => Expr::col(value).eq(text.as_str()),
            TagFilter::In(texts) => is_one_of(value, texts.iter().map(String::as_str)),
        };
        Query::select()
            .column(id)
            .from(table)
            .and_where(Expr::col(key).eq(name.as_str()))
            .and_where(has_value)
            .take()
    })
}

/// A column of text whose index SQLite must not take for this condition: it has no statistics and would take the
/// wrong one. Postgres knows that the column is text, and ignores this.
fn without_index(column: impl sea_query::IntoColumnRef) -> Expr {
    Expr::col(column).cast_as("text")
}

/// The same for a column of integers.
fn without_int_index(column: impl sea_query::IntoColumnRef) -> Expr {
    Expr::col(column).cast_as("bigint")
}

/// How many values of a list are bound one by one. A longer list is bound as one value, since one statement of
/// SQLite binds 32,766 values and one of Postgres 65,535, in all of its lists together.
const LONG_LIST: usize = 1_000;

/// Whether a column is one of the texts, however many they are.
fn is_one_of<'a>(
    column: impl IntoColumnRef,
    texts: impl ExactSizeIterator<Item = &'a str>,
) -> Expr {
    if texts.len() <= LONG_LIST {
        return Expr::col(column).is_in(texts);
    }
    Expr::col(column).in_subquery(members(texts, |member| member))
}

/// Whether a column is one of the ids, however many they are.
fn is_one_of_ids(column: impl IntoColumnRef, ids: impl ExactSizeIterator<Item = i64>) -> Expr {
    if ids.len() <= LONG_LIST {
        return Expr::col(column).is_in(ids);
    }
    let texts: Vec<String> = ids.map(|id| id.to_string()).collect();
    let texts = texts.iter().map(String::as_str);
    Expr::col(column).in_subquery(members(texts, |member| member.cast_as("bigint")))
}

/// The texts as rows. They are bound as the names of one JSON object's members. Both databases list these by a
/// function of the same name. `json` is a conversion in Postgres, and a check in SQLite.
fn members<'a>(
    texts: impl Iterator<Item = &'a str>,
    read: impl FnOnce(Expr) -> Expr,
) -> SelectStatement {
    const LIST: &str = "list";
    let mut object = String::from("{");
    for text in texts {
        if object.len() > 1 {
            object.push(',');
        }
        push_json(&mut object, text);
        object.push_str(":0");
    }
    object.push('}');
    let object = Func::cust("json").arg(Expr::val(object));
    Query::select()
        .expr(read(Expr::col("key")))
        .from_function(Func::cust("json_each").arg(object), LIST)
        .take()
}

/// Appends a text as JSON.
fn push_json(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            // Writing to a String cannot fail.
            '\0'..' ' => drop(write!(json, "\\u{:04x}", u32::from(character))),
            _ => json.push(character),
        }
    }
    json.push('"');
}

/// A column of text that is compared and ordered by the numbers of its characters, whatever the collation of the
/// database. SQLite does so by itself.
fn by_characters(column: &'static str, dialect: Dialect) -> Expr {
    if dialect == Dialect::Postgres {
        Expr::cust_with_expr("$1 COLLATE \"C\"", Expr::col(column))
    } else {
        Expr::col(column)
    }
}

/// Whether a text begins with a prefix, in its own case: `LIKE` has other rules in each database.
fn starts_with(column: &'static str, prefix: &str) -> Expr {
    // The function of Postgres takes integers of 32 bits.
    let length = i32::try_from(prefix.chars().count()).unwrap_or(i32::MAX);
    Func::cust("substr").args([Expr::col(column), Expr::val(1_i32), Expr::val(length)]).eq(prefix)
}

#[cfg(test)]
mod tests;
