//! The statement by which our writers of one thing wait for each other, in Postgres.

use sea_query::{Expr, ExprTrait, Func, Query, SelectStatement};

/// Makes all others of ours who lock the same name wait until the transaction ends.
pub(crate) fn lock(name: &str) -> SelectStatement {
    let number = Func::cust("hashtextextended").args([Expr::val(name), Expr::val(0_i64)]);
    Query::select().expr(Func::cust("pg_advisory_xact_lock").arg(number).cast_as("text")).take()
}
