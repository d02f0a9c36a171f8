//! Many small rows as one text.
//!
//! A driver returns one row at a time. For two short columns, that costs several times what the database takes to
//! find them. Both databases can write a result as one JSON array instead.

use sea_query::{Expr, ExprTrait, Func, Query, SelectStatement};

use crate::sql::Dialect;

/// The name of the sub-query whose rows are packed.
const ROWS: &str = "packed";

/// One row with one text: a JSON array with an array of the two columns for each row, in any order.
pub(crate) fn packed(
    rows: SelectStatement,
    [first, second]: [&'static str; 2],
    dialect: Dialect,
) -> SelectStatement {
    let (array, list) = match dialect {
        Dialect::Sqlite => ("json_array", "json_group_array"),
        Dialect::Postgres => ("json_build_array", "json_agg"),
    };
    let pair = Func::cust(array).args([Expr::col((ROWS, first)), Expr::col((ROWS, second))]);
    let list = Func::cust(list).arg(pair);
    // Of no rows, Postgres makes NULL.
    let text = Func::coalesce([Expr::from(list).cast_as("text"), Expr::val("[]")]);
    Query::select().expr(text).from_subquery(rows, ROWS).take()
}
