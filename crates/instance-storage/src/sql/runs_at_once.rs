//! Changes of runs that go to Postgres in a message with the events that demand them.
//!
//! What a run becomes follows from what it is. So it is read before, without a lock, with the version of its row, and the
//! change holds for this version alone. Postgres gives a row another version with each change (`xmin`).

use instance_core::ids::RunId;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use crate::sql::literal::{NoLiteral, inline};
use crate::sql::runs::{RunChange, select_run, update_run};
use crate::sql::tables::runs;

/// The version of a row, as the text of a number.
pub(crate) const VERSION: &str = "version";

/// A run, with the version of its row.
pub(crate) fn select_run_with_version(run_id: &RunId) -> SelectStatement {
    let mut select = select_run(run_id);
    select.expr_as(Expr::col((runs::TABLE, "xmin")).cast_as("text"), VERSION);
    select
}

/// Changes a run as `update_run` does, if its row still has this version. Otherwise the statement fails: it divides by
/// zero.
pub(crate) fn update_version(change: &RunChange<'_>, version: u32) -> Result<String, NoLiteral> {
    let mut update = update_run(change);
    update
        .and_where(Expr::cust(format!("xmin = '{version}'::xid")))
        .returning(Query::returning().expr(Expr::cust("1")));
    let update = inline(&update)?;
    Ok(format!("WITH changed AS ({update}) SELECT 1 / count(*) FROM changed"))
}
