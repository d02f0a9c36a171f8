//! Statements of those who follow the ids of events: failures behind an id, and who may still store an event.

use instance_core::event::DagsterEventType;
use instance_core::ids::StorageId;
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

use crate::sql::countable;
use crate::sql::tables::event_logs;

/// The names of what Postgres says of its locks.
#[cfg(feature = "postgres")]
pub(crate) mod locks {
    pub(crate) const TABLE: &str = "pg_locks";
    pub(crate) const TRANSACTION: &str = "virtualtransaction";
    pub(crate) const PROCESS: &str = "pid";
}

/// The failures of runs behind an id, without their bodies.
pub(crate) fn select_failures(after: StorageId, limit: u64) -> SelectStatement {
    Query::select()
        .columns([event_logs::ID, event_logs::RUN_ID])
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::ID).gt(after.0))
        .and_where(
            Expr::col(event_logs::DAGSTER_EVENT_TYPE).eq(DagsterEventType::RunFailure.as_str()),
        )
        .order_by(event_logs::ID, Order::Asc)
        .limit(countable(limit))
        .take()
}

/// The transactions that write events, in Postgres. An insertion has its lock on the table before it takes an id, and
/// keeps it until its transaction ends. Everybody may read the locks.
#[cfg(feature = "postgres")]
pub(crate) fn select_writers() -> SelectStatement {
    Query::select()
        .distinct()
        .column(locks::TRANSACTION)
        .column(locks::PROCESS)
        .from(locks::TABLE)
        .and_where(Expr::cust("locktype = 'relation' AND granted"))
        .and_where(Expr::cust(
            "database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        ))
        .and_where(Expr::cust("relation = to_regclass('event_logs')"))
        .and_where(Expr::cust(
            "mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', \
             'AccessExclusiveLock')",
        ))
        .take()
}
