//! Statements on events and assets.

use instance_core::asset_key::AssetKey;
use instance_core::clock::datetime_of;
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogCursor, EventLogEntry};
use instance_core::ids::{RunId, StorageId};
use instance_core::serdes::serialize_value;
use instance_core::storage::{Order, RecordsForRun};
use sea_query::{
    Asterisk, Cond, Expr, ExprTrait, Func, InsertStatement, OnConflict, Query, SelectStatement,
    SimpleExpr,
};

use crate::sql::tables::{asset_event_tags, asset_keys, event_logs};
use crate::sql::{countable, timestamp};

/// How many events one statement inserts; each binds seven values, and SQLite allows 32,766.
pub(crate) const EVENTS_PER_INSERT: usize = 1_000;

/// The columns of an event's row.
#[derive(Debug, Clone)]
pub(crate) struct EventRow {
    pub(crate) run_id: String,
    pub(crate) event: String,
    pub(crate) dagster_event_type: Option<String>,
    pub(crate) timestamp: String,
    pub(crate) step_key: Option<String>,
    pub(crate) asset_key: Option<String>,
    pub(crate) partition: Option<String>,
}

impl EventRow {
    /// The row of an entry; `None` if its time is outside of the calendar.
    pub(crate) fn of(entry: &EventLogEntry) -> Option<Self> {
        let event = entry.dagster_event.as_deref();
        Some(Self {
            run_id: entry.run_id.to_string(),
            event: serialize_value(entry),
            dagster_event_type: event.map(|event| event.event_type_value.clone()),
            timestamp: timestamp::to_text(datetime_of(entry.timestamp)?),
            step_key: entry.step_key().map(str::to_owned),
            asset_key: event.and_then(DagsterEvent::asset_key).map(|key| key.to_db_string()),
            partition: event
                .and_then(|event| event.partition())
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
        })
    }
}

/// Stores events; returns their ids in any order, ascending ids being those of the rows in order.
pub(crate) fn insert_events<'a>(rows: impl IntoIterator<Item = &'a EventRow>) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(event_logs::TABLE).columns([
        event_logs::RUN_ID,
        event_logs::EVENT,
        event_logs::DAGSTER_EVENT_TYPE,
        event_logs::TIMESTAMP,
        event_logs::STEP_KEY,
        event_logs::ASSET_KEY,
        event_logs::PARTITION,
    ]);
    for row in rows {
        insert.values_panic([
            row.run_id.as_str().into(),
            row.event.as_str().into(),
            Expr::val(row.dagster_event_type.clone()),
            row.timestamp.as_str().into(),
            Expr::val(row.step_key.clone()),
            Expr::val(row.asset_key.clone()),
            Expr::val(row.partition.clone()),
        ]);
    }
    insert.returning_col(event_logs::ID);
    insert
}

/// A page of the log of a run.
pub(crate) fn select_records_for_run(query: &RecordsForRun) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([event_logs::ID, event_logs::EVENT])
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::RUN_ID).eq(query.run_id.as_str()));
    if !query.of_types.is_empty() {
        select.and_where(is_of_types(&query.of_types));
    }
    let mut limit = query.limit;
    match (query.cursor, query.order) {
        (Some(EventLogCursor::StorageId(id)), Order::Ascending) => {
            select.and_where(Expr::col(event_logs::ID).gt(id.0));
        }
        (Some(EventLogCursor::StorageId(id)), Order::Descending) => {
            select.and_where(Expr::col(event_logs::ID).lt(id.0));
        }
        (Some(EventLogCursor::Offset(offset)), _) if offset > 0 => {
            select.offset(countable(offset));
            // SQLite takes an offset only behind a limit.
            limit = limit.or(Some(u64::MAX));
        }
        _ => {}
    }
    select.order_by(
        event_logs::ID,
        match query.order {
            Order::Ascending => sea_query::Order::Asc,
            Order::Descending => sea_query::Order::Desc,
        },
    );
    if let Some(limit) = limit {
        select.limit(countable(limit));
    }
    select
}

/// For each type of a run's events that its statistics need: how many, and the time of the last.
pub(crate) fn select_run_stats(run_id: &RunId, of_types: &[DagsterEventType]) -> SelectStatement {
    Query::select()
        .column(event_logs::DAGSTER_EVENT_TYPE)
        .expr(Func::count(Expr::col(Asterisk)))
        .expr(Func::max(Expr::col(event_logs::TIMESTAMP)))
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::RUN_ID).eq(run_id.as_str()))
        .and_where(is_of_types(of_types))
        .group_by_col(event_logs::DAGSTER_EVENT_TYPE)
        .take()
}

/// The events of a run's steps, oldest first; empty `step_keys` means all steps.
pub(crate) fn select_step_events(
    run_id: &RunId,
    step_keys: &[String],
    of_types: &[DagsterEventType],
) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([event_logs::ID, event_logs::EVENT])
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::RUN_ID).eq(run_id.as_str()))
        .and_where(Expr::col(event_logs::STEP_KEY).is_not_null())
        .and_where(is_of_types(of_types))
        .order_by(event_logs::ID, sea_query::Order::Asc);
    if !step_keys.is_empty() {
        select
            .and_where(Expr::col(event_logs::STEP_KEY).is_in(step_keys.iter().map(String::as_str)));
    }
    select
}

fn is_of_types(of_types: &[DagsterEventType]) -> SimpleExpr {
    Expr::col(event_logs::DAGSTER_EVENT_TYPE)
        .is_in(of_types.iter().map(|event_type| event_type.as_str()))
}

/// What an event changes of an asset's row. What is `None` stays as it is.
#[derive(Debug, Clone)]
pub(crate) struct AssetChange {
    pub(crate) asset_key: String,
    pub(crate) last_materialization: Option<String>,
    pub(crate) last_run_id: Option<String>,
    pub(crate) last_materialization_timestamp: String,
}

/// Creates or changes the row of an asset.
pub(crate) fn upsert_asset(change: &AssetChange) -> InsertStatement {
    let mut columns = vec![asset_keys::ASSET_KEY, asset_keys::LAST_MATERIALIZATION_TIMESTAMP];
    let mut values: Vec<Expr> = vec![
        change.asset_key.as_str().into(),
        change.last_materialization_timestamp.as_str().into(),
    ];
    let optional = [
        (asset_keys::LAST_MATERIALIZATION, &change.last_materialization),
        (asset_keys::LAST_RUN_ID, &change.last_run_id),
    ];
    for (column, value) in optional {
        if let Some(value) = value {
            columns.push(column);
            values.push(value.as_str().into());
        }
    }
    let changed = columns.iter().skip(1).copied().collect::<Vec<_>>();
    Query::insert()
        .into_table(asset_keys::TABLE)
        .columns(columns)
        .values_panic(values)
        .on_conflict(OnConflict::column(asset_keys::ASSET_KEY).update_columns(changed).to_owned())
        .take()
}

/// A tag of an asset event.
#[derive(Debug, Clone)]
pub(crate) struct AssetEventTag {
    pub(crate) event_id: StorageId,
    pub(crate) asset_key: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) event_timestamp: String,
}

/// Stores tags of asset events; there is at least one.
pub(crate) fn insert_asset_event_tags(tags: &[AssetEventTag]) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(asset_event_tags::TABLE).columns([
        asset_event_tags::EVENT_ID,
        asset_event_tags::ASSET_KEY,
        asset_event_tags::KEY,
        asset_event_tags::VALUE,
        asset_event_tags::EVENT_TIMESTAMP,
    ]);
    for tag in tags {
        insert.values_panic([
            tag.event_id.0.into(),
            tag.asset_key.as_str().into(),
            tag.key.as_str().into(),
            tag.value.as_str().into(),
            tag.event_timestamp.as_str().into(),
        ]);
    }
    insert
}

/// The rows of assets that were not wiped after their last event, by key ascending.
pub(crate) fn select_assets(asset_keys: Option<&[AssetKey]>) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            asset_keys::ID,
            asset_keys::ASSET_KEY,
            asset_keys::LAST_MATERIALIZATION,
            asset_keys::LAST_RUN_ID,
            asset_keys::WIPE_TIMESTAMP,
        ])
        .from(asset_keys::TABLE)
        .cond_where(
            Cond::any().add(Expr::col(asset_keys::WIPE_TIMESTAMP).is_null()).add(
                Expr::col(asset_keys::LAST_MATERIALIZATION_TIMESTAMP)
                    .gt(Expr::col(asset_keys::WIPE_TIMESTAMP)),
            ),
        )
        .order_by(asset_keys::ASSET_KEY, sea_query::Order::Asc);
    if let Some(keys) = asset_keys {
        select.and_where(
            Expr::col(asset_keys::ASSET_KEY).is_in(keys.iter().map(AssetKey::to_db_string)),
        );
    }
    select
}
