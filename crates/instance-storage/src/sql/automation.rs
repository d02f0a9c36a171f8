//! Statements on evaluations of automation conditions.

use chrono::{DateTime, Utc};
use sea_query::{
    DeleteStatement, Expr, ExprTrait, InsertStatement, OnConflict, Order, Query, SelectStatement,
};

use crate::sql::bounded::BoundedText;
use crate::sql::countable;
use crate::sql::tables::asset_evaluations::{
    ASSET_EVALUATION_BODY, ASSET_KEY, CREATE_TIMESTAMP, EVALUATION_ID, ID, NUM_REQUESTED, TABLE,
};

/// What one evaluation found for one key.
#[derive(Debug, Clone)]
pub(crate) struct EvaluationRow {
    pub(crate) asset_key: String,
    pub(crate) body: String,
    pub(crate) num_requested: Option<i64>,
}

impl EvaluationRow {
    /// Its text that may be too long.
    pub(crate) fn bounded(&self) -> [BoundedText<'_>; 1] {
        [BoundedText::indexed("key of what was evaluated", &self.asset_key)]
    }
}

/// Stores what an evaluation found, in the place of what it had found for the key.
pub(crate) fn upsert(evaluation_id: i64, row: &EvaluationRow) -> InsertStatement {
    Query::insert()
        .into_table(TABLE)
        .columns([EVALUATION_ID, ASSET_KEY, ASSET_EVALUATION_BODY, NUM_REQUESTED])
        .values_panic([
            evaluation_id.into(),
            row.asset_key.as_str().into(),
            row.body.as_str().into(),
            Expr::val(row.num_requested),
        ])
        .on_conflict(
            OnConflict::columns([ASSET_KEY, EVALUATION_ID])
                .update_columns([ASSET_EVALUATION_BODY, NUM_REQUESTED])
                .to_owned(),
        )
        .take()
}

/// What was found for a key, newest first.
pub(crate) fn select_of_key(asset_key: &str, cursor: Option<i64>, limit: u64) -> SelectStatement {
    let mut select = select();
    select
        .and_where(Expr::col(ASSET_KEY).eq(asset_key))
        .order_by(EVALUATION_ID, Order::Desc)
        .limit(countable(limit));
    if let Some(cursor) = cursor {
        select.and_where(Expr::col(EVALUATION_ID).lt(cursor));
    }
    select
}

/// What one evaluation found.
pub(crate) fn select_of_evaluation(evaluation_id: i64) -> SelectStatement {
    let mut select = select();
    select.and_where(Expr::col(EVALUATION_ID).eq(evaluation_id));
    select
}

fn select() -> SelectStatement {
    Query::select()
        .columns([ID, ASSET_EVALUATION_BODY, EVALUATION_ID, CREATE_TIMESTAMP, ASSET_KEY])
        .from(TABLE)
        .take()
}

/// Deletes what was stored before a time.
pub(crate) fn delete(before: DateTime<Utc>) -> DeleteStatement {
    Query::delete().from_table(TABLE).and_where(Expr::col(CREATE_TIMESTAMP).lt(before)).take()
}
