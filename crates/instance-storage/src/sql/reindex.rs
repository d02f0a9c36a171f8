//! Statements of data migrations of assets, schedules and sensors: they derive columns and rows from what is stored.
//!
//! Not here: those of runs and backfills (`reindex_runs.rs`).

use chrono::{DateTime, Utc};
use instance_core::event::DagsterEventType;
use instance_core::scheduling::InstigatorState;
use sea_query::{
    Asterisk, CommonTableExpression, Expr, ExprTrait, Func, InsertStatement, OnConflict, Order,
    Query, SelectStatement, UnionType, UpdateStatement, WithQuery,
};

use crate::sql::tables::{asset_keys, event_logs, instigators, job_ticks, jobs};
use crate::sql::{countable, is_one_of, is_one_of_ids};

/// What the columns of [`select_range`] are called, and the rows that it counts.
pub(crate) const LAST: &str = "last";
pub(crate) const ROWS: &str = "rows_of_range";
const RANGE: &str = "range_of_ids";

/// The id of all tables that data migrations go through.
const ID: &str = "id";

/// So many rows behind a row: the greatest id among them, and how many there are. A step looks at these alone, so that it
/// stays small however few of the rows have something to be derived.
pub(crate) fn select_range(table: &'static str, after: i64, limit: u64) -> SelectStatement {
    let rows = Query::select()
        .column(ID)
        .from(table)
        .and_where(Expr::col(ID).gt(after))
        .order_by(ID, Order::Asc)
        .limit(countable(limit))
        .take();
    Query::select()
        .expr_as(Func::max(Expr::col(ID)), LAST)
        .expr_as(Func::count(Expr::col(Asterisk)), ROWS)
        .from_subquery(rows, RANGE)
        .take()
}

/// The least and the greatest id of a table. Nothing is counted for them.
pub(crate) fn select_bounds(table: &'static str) -> [SelectStatement; 2] {
    [Func::min(Expr::col(ID)), Func::max(Expr::col(ID))]
        .map(|bound| Query::select().expr(bound).from(table).take())
}

/// How many assets events name.
pub(crate) fn count_asset_keys_of_events() -> WithQuery {
    keys_of_events(None, Query::select().expr(Func::count(Expr::col(event_logs::ASSET_KEY))).take())
}

/// The keys of assets that events name, behind a key, in the order of the database.
pub(crate) fn select_asset_keys_of_events(after: Option<&str>, limit: u64) -> WithQuery {
    let keys = Query::select()
        .column(event_logs::ASSET_KEY)
        .and_where(Expr::col((KEYS, event_logs::ASSET_KEY)).is_not_null())
        .limit(countable(limit))
        .take();
    keys_of_events(after, keys)
}

/// What the keys of assets that events name are called in a statement.
const KEYS: &str = "keys";

/// Selects from the keys of assets that events name. Each is found from the one before it, as an asset has many events.
fn keys_of_events(after: Option<&str>, mut select: SelectStatement) -> WithQuery {
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
    select.from(KEYS).take().with(Query::with().recursive(true).cte(keys).to_owned())
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

/// The ticks behind a tick, to a last one, that do not name their selectors.
pub(crate) fn select_ticks_without_selector(after: i64, last: i64) -> SelectStatement {
    Query::select()
        .columns([job_ticks::ID, job_ticks::JOB_ORIGIN_ID])
        .from(job_ticks::TABLE)
        .and_where(Expr::col(job_ticks::ID).gt(after))
        .and_where(Expr::col(job_ticks::ID).lte(last))
        .and_where(Expr::col(job_ticks::SELECTOR_ID).is_null())
        .order_by(job_ticks::ID, Order::Asc)
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

/// The states behind a row as they stand by their origins.
pub(crate) fn select_jobs(after: i64, limit: u64) -> SelectStatement {
    Query::select()
        .columns([jobs::ID, jobs::JOB_BODY])
        .from(jobs::TABLE)
        .and_where(Expr::col(jobs::ID).gt(after))
        .order_by(jobs::ID, Order::Asc)
        .limit(countable(limit))
        .take()
}

/// Stores the state of a row by its selector, in the place of the one that the selector has, unless that one is newer. The
/// time at which the selector got its first state stays.
///
/// A schedule may have rows of several origins. Somebody who changes its state changes one of them, and what the others say
/// is old then, wherever they stand.
#[expect(clippy::expect_used, reason = "the selection has seven columns")]
pub(crate) fn put_instigator_of_job(id: i64, state: &InstigatorState) -> InsertStatement {
    let job = Query::select()
        .exprs([
            Expr::val(state.selector_id()),
            Expr::val(state.origin.repository_origin.selector().id()),
            Expr::val(state.status.as_str()),
            Expr::val(state.instigator_type.as_str()),
        ])
        .columns([jobs::JOB_BODY, jobs::CREATE_TIMESTAMP, jobs::UPDATE_TIMESTAMP])
        .from(jobs::TABLE)
        .and_where(Expr::col(jobs::ID).eq(id))
        .take();
    let mut insert = Query::insert();
    insert
        .into_table(instigators::TABLE)
        .columns([
            instigators::SELECTOR_ID,
            instigators::REPOSITORY_SELECTOR_ID,
            instigators::STATUS,
            instigators::INSTIGATOR_TYPE,
            instigators::INSTIGATOR_BODY,
            instigators::CREATE_TIMESTAMP,
            instigators::UPDATE_TIMESTAMP,
        ])
        .select_from(job)
        .expect("seven columns");
    let stored = || Expr::col((instigators::TABLE, instigators::UPDATE_TIMESTAMP));
    let new = Expr::col(("excluded", instigators::UPDATE_TIMESTAMP));
    let is_older_than_new = stored().is_null().or(stored().lte(new));
    insert.on_conflict(
        OnConflict::column(instigators::SELECTOR_ID)
            .update_columns([
                instigators::REPOSITORY_SELECTOR_ID,
                instigators::STATUS,
                instigators::INSTIGATOR_TYPE,
                instigators::INSTIGATOR_BODY,
                instigators::UPDATE_TIMESTAMP,
            ])
            .action_and_where(is_older_than_new)
            .to_owned(),
    );
    insert
}

/// Names the selector of a row, unless it is named.
pub(crate) fn update_selector_of_job(id: i64, selector_id: &str) -> UpdateStatement {
    Query::update()
        .table(jobs::TABLE)
        .value(jobs::SELECTOR_ID, selector_id)
        .and_where(Expr::col(jobs::ID).eq(id))
        .and_where(Expr::col(jobs::SELECTOR_ID).is_null())
        .take()
}
