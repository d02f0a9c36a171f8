//! Statements on the snapshots of jobs and plans.

use sea_query::{Expr, ExprTrait, InsertStatement, OnConflict, Query, SelectStatement};

use crate::sql::tables::snapshots::{SNAPSHOT_BODY, SNAPSHOT_ID, SNAPSHOT_TYPE, TABLE};

/// The two kinds of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SnapshotType {
    Job,
    ExecutionPlan,
}

impl SnapshotType {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Job => "PIPELINE",
            Self::ExecutionPlan => "EXECUTION_PLAN",
        }
    }
}

/// Stores a snapshot unless one of its id is stored.
pub(crate) fn insert(id: &str, kind: SnapshotType, body: Vec<u8>) -> InsertStatement {
    Query::insert()
        .into_table(TABLE)
        .columns([SNAPSHOT_ID, SNAPSHOT_BODY, SNAPSHOT_TYPE])
        .values_panic([id.into(), body.into(), kind.as_str().into()])
        .on_conflict(OnConflict::column(SNAPSHOT_ID).do_nothing().to_owned())
        .take()
}

/// A row if a snapshot of this id is stored.
pub(crate) fn select_exists(id: &str, kind: SnapshotType) -> SelectStatement {
    Query::select()
        .column(SNAPSHOT_ID)
        .from(TABLE)
        .and_where(Expr::col(SNAPSHOT_ID).eq(id))
        .and_where(Expr::col(SNAPSHOT_TYPE).eq(kind.as_str()))
        .take()
}

/// The body of the snapshot of this id.
pub(crate) fn select_body(id: &str, kind: SnapshotType) -> SelectStatement {
    Query::select()
        .columns([SNAPSHOT_ID, SNAPSHOT_BODY])
        .from(TABLE)
        .and_where(Expr::col(SNAPSHOT_ID).eq(id))
        .and_where(Expr::col(SNAPSHOT_TYPE).eq(kind.as_str()))
        .take()
}
