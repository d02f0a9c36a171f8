//! Statements of data migrations: they derive columns and rows from what is stored.

use chrono::{DateTime, Utc};
use instance_core::event::DagsterEventType;
use sea_query::{
    CommonTableExpression, Expr, ExprTrait, Func, Order, Query, SelectStatement, UnionType,
    UpdateStatement, WithQuery,
};

use crate::sql::tables::{asset_keys, event_logs, job_ticks};
use crate::sql::{countable, is_one_of, is_one_of_ids};

/// The keys of assets that events name, behind a key, in the order of the database. Each is found from the one
/// before it, as an asset has many events.
pub(crate) fn select_asset_keys_of_events(after: Option<&str>, limit: u64) -> WithQuery {
    const KEYS: &str = "keys";
    let least_key = || {
        let key = Expr::col((event_logs::TABLE, event_logs::ASSET_KEY));
        Query::select().expr(Func::min(key)).from(event_logs::TABLE).take()
    };
    let known = || Expr::col((KEYS, event_logs::ASSET_KEY));
    let behind = |key: Expr| Expr::col((event_logs::TABLE, event_logs::ASSET_KEY)).gt(key);
    let mut first = least_key();
    if let Some(after) = after {
        first.and_where(behind(Expr::val(after)));
    }
    let next = least_key().and_where(behind(known())).take();
    let next = Query::select()
        .expr(Expr::SubQuery(None, Box::new(next.into())))
        .from(KEYS)
        .and_where(known().is_not_null())
        .take();
    let mut keys = CommonTableExpression::new();
    keys.table_name(KEYS)
        .column(event_logs::ASSET_KEY)
        .query(first.union(UnionType::All, next).take());
    Query::select()
        .column(event_logs::ASSET_KEY)
        .from(KEYS)
        .and_where(known().is_not_null())
        .limit(countable(limit))
        .take()
        .with(Query::with().recursive(true).cte(keys).to_owned())
}

/// The rows of assets behind a row, whether or not the assets are wiped.
pub(crate) fn select_assets(after: i64, limit: u64) -> SelectStatement {
    Query::select()
        .columns([
            asset_keys::ID,
            asset_keys::ASSET_KEY,
            asset_keys::ASSET_DETAILS,
            asset_keys::LAST_MATERIALIZATION,
            asset_keys::LAST_MATERIALIZATION_TIMESTAMP,
            asset_keys::WIPE_TIMESTAMP,
        ])
        .from(asset_keys::TABLE)
        .and_where(Expr::col(asset_keys::ID).gt(after))
        .order_by(asset_keys::ID, Order::Asc)
        .limit(countable(limit))
        .take()
}

/// For each of these assets, the time of its last event that changes an asset.
pub(crate) fn select_times_of_assets(asset_keys: &[&str]) -> SelectStatement {
    let types = DagsterEventType::ALL.iter().filter(|event_type| event_type.changes_asset());
    Query::select()
        .column(event_logs::ASSET_KEY)
        .expr_as(Func::max(Expr::col(event_logs::TIMESTAMP)), event_logs::TIMESTAMP)
        .from(event_logs::TABLE)
        .and_where(is_one_of(event_logs::ASSET_KEY, asset_keys.iter().copied()))
        .and_where(
            Expr::col(event_logs::DAGSTER_EVENT_TYPE)
                .is_in(types.map(|event_type| event_type.as_str())),
        )
        .group_by_col(event_logs::ASSET_KEY)
        .take()
}

/// What follows from an asset's events and details. What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AssetColumns {
    pub(crate) id: i64,
    pub(crate) last_materialization: Option<String>,
    pub(crate) last_materialization_timestamp: Option<DateTime<Utc>>,
    pub(crate) wipe_timestamp: Option<DateTime<Utc>>,
}

/// Replaces columns of an asset's row; there is at least one.
pub(crate) fn update_asset(columns: &AssetColumns) -> UpdateStatement {
    let mut update = Query::update();
    update.table(asset_keys::TABLE).and_where(Expr::col(asset_keys::ID).eq(columns.id));
    if let Some(record) = &columns.last_materialization {
        update.value(asset_keys::LAST_MATERIALIZATION, record.as_str());
    }
    if let Some(time) = columns.last_materialization_timestamp {
        update.value(asset_keys::LAST_MATERIALIZATION_TIMESTAMP, time);
    }
    if let Some(time) = columns.wipe_timestamp {
        update.value(asset_keys::WIPE_TIMESTAMP, time);
    }
    update
}

/// The ticks behind a tick that do not name their selectors.
pub(crate) fn select_ticks_without_selector(after: i64, limit: u64) -> SelectStatement {
    Query::select()
        .columns([job_ticks::ID, job_ticks::JOB_ORIGIN_ID])
        .from(job_ticks::TABLE)
        .and_where(Expr::col(job_ticks::ID).gt(after))
        .and_where(Expr::col(job_ticks::SELECTOR_ID).is_null())
        .order_by(job_ticks::ID, Order::Asc)
        .limit(countable(limit))
        .take()
}

/// Names the selector of ticks.
pub(crate) fn update_selector_of_ticks(selector_id: &str, tick_ids: &[i64]) -> UpdateStatement {
    Query::update()
        .table(job_ticks::TABLE)
        .value(job_ticks::SELECTOR_ID, selector_id)
        .and_where(is_one_of_ids(job_ticks::ID, tick_ids.iter().copied()))
        .and_where(Expr::col(job_ticks::SELECTOR_ID).is_null())
        .take()
}
