//! Statements on the runs that wait and those that go on.

use instance_core::ids::StorageId;
use instance_core::storage::ActiveRow;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use crate::sql::tables::runs;

/// How many runs one statement reads: a body may be large, and all of a result are in memory at once.
pub(crate) const RUNS_PER_STATEMENT: usize = 500;

/// The rows of all runs that wait or go on, without their bodies. No order is asked for: Postgres would go through the
/// whole table to have it, where most rows are those of runs that wait.
pub(crate) fn select_active_rows() -> SelectStatement {
    let statuses = ActiveRow::STATUSES.map(instance_core::run::DagsterRunStatus::as_str);
    Query::select()
        .columns([runs::ID, runs::RUN_ID, runs::STATUS, runs::UPDATE_TIMESTAMP, runs::START_TIME])
        .from(runs::TABLE)
        .and_where(Expr::col(runs::STATUS).is_in(statuses))
        .take()
}

/// Runs by the ids of their rows, with the columns of a run record.
pub(crate) fn select_active_runs(ids: &[StorageId]) -> SelectStatement {
    Query::select()
        .columns([
            runs::ID,
            runs::RUN_BODY,
            runs::STATUS,
            runs::CREATE_TIMESTAMP,
            runs::UPDATE_TIMESTAMP,
            runs::START_TIME,
            runs::END_TIME,
        ])
        .from(runs::TABLE)
        .and_where(Expr::col(runs::ID).is_in(ids.iter().map(|id| id.0)))
        .take()
}
