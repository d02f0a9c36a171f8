//! Statements on events.

use chrono::{DateTime, NaiveDateTime};
use instance_core::asset_key::AssetKey;
use instance_core::clock::datetime_of;
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogCursor, EventLogEntry};
use instance_core::ids::{RunId, StorageId};
use instance_core::serdes::serialize_value;
use instance_core::storage::{
    AssetEventSummaryQuery, EventCursor, EventRecordsFilter, Only, Order, RecordsForRun,
};
use sea_query::{
    Asterisk, Cond, DeleteStatement, Expr, ExprTrait, Func, InsertStatement, Query,
    SelectStatement, SimpleExpr, WindowStatement,
};

use crate::sql::bounded::BoundedText;
use crate::sql::tables::{asset_event_tags, asset_keys, event_logs};
use crate::sql::{Dialect, countable, direction, without_index, without_int_index};

/// How many events one statement inserts; each binds seven values, and SQLite allows 32,766.
pub(crate) const EVENTS_PER_INSERT: usize = 1_000;

/// The columns of an event's row.
#[derive(Debug, Clone)]
pub(crate) struct EventRow {
    pub(crate) run_id: String,
    pub(crate) event: String,
    pub(crate) dagster_event_type: Option<String>,
    pub(crate) timestamp: NaiveDateTime,
    pub(crate) step_key: Option<String>,
    pub(crate) asset_key: Option<String>,
    pub(crate) partition: Option<String>,
}

impl EventRow {
    /// The row of an entry, whose time is in the calendar.
    pub(crate) fn of(entry: &EventLogEntry) -> Self {
        let event = entry.dagster_event.as_deref();
        Self {
            run_id: entry.run_id.to_string(),
            event: serialize_value(entry),
            dagster_event_type: event.map(|event| event.event_type_value.clone()),
            timestamp: datetime_of(entry.timestamp).unwrap_or_default().naive_utc(),
            step_key: entry.step_key().map(str::to_owned),
            asset_key: event.and_then(DagsterEvent::asset_key).map(|key| key.to_db_string()),
            partition: event
                .and_then(|event| event.partition())
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
        }
    }

    /// Its texts that may be too long.
    pub(crate) fn bounded(&self) -> impl Iterator<Item = BoundedText<'_>> {
        let optional = [
            ("event type", self.dagster_event_type.as_deref()),
            ("step key", self.step_key.as_deref()),
            ("asset key", self.asset_key.as_deref()),
            ("partition key", self.partition.as_deref()),
        ];
        let indexed =
            optional.into_iter().filter_map(|(what, text)| Some(BoundedText::indexed(what, text?)));
        std::iter::once(BoundedText::column("run id", &self.run_id, 255)).chain(indexed)
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
            row.timestamp.into(),
            Expr::val(row.step_key.clone()),
            Expr::val(row.asset_key.clone()),
            Expr::val(row.partition.clone()),
        ]);
    }
    insert.returning_col(event_logs::ID);
    insert
}

/// Among which events those of a run are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Among {
    /// Those of all runs.
    AllRuns,
    /// Its own, in a file of its own.
    ItsOwn,
}

impl Among {
    /// Whether an event of a run is of one of these types.
    ///
    /// Asked for a run and a type, SQLite may take the index on types. That is right where there is but one
    /// run, and reads the events of this type of all runs where they are together.
    fn is_of_types(self, of_types: &[DagsterEventType]) -> SimpleExpr {
        match self {
            Self::AllRuns => without_index(event_logs::DAGSTER_EVENT_TYPE).is_in(names(of_types)),
            Self::ItsOwn => is_of_types(of_types),
        }
    }
}

/// A page of the log of a run. Where its bytes are bounded, it ends with the entry that reaches the bound.
pub(crate) fn select_records_for_run(query: &RecordsForRun, among: Among) -> SelectStatement {
    let mut select = select_of_run(query, among);
    select.columns([event_logs::ID, event_logs::EVENT]);
    if let Some(max_bytes) = query.max_bytes {
        let id = Expr::col(event_logs::ID);
        let last =
            Expr::SubQuery(None, Box::new(select_last_of_page(query, max_bytes, among).into()));
        select.and_where(match query.order {
            Order::Ascending => id.lte(last),
            Order::Descending => id.gte(last),
        });
    }
    select
}

/// The id of the entry with which a page reaches its bytes. There is always one, unless there is no entry at all.
///
/// Databases know how many bytes a body has without reading it. The sizes stand in a query of their own, so that
/// SQLite, which keeps the rows that a window function goes through, keeps no bodies.
fn select_last_of_page(query: &RecordsForRun, max_bytes: u64, among: Among) -> SelectStatement {
    const SIZE: &str = "size";
    const SIZES: &str = "sizes";
    const SUM: &str = "sum";
    const SUMS: &str = "sums";
    let size_of_body = Func::cust("octet_length").arg(Expr::col(event_logs::EVENT));
    let sizes =
        select_of_run(query, among).column(event_logs::ID).expr_as(size_of_body, SIZE).take();
    let in_order = WindowStatement::new().order_by(event_logs::ID, direction(query.order)).take();
    let sums = Query::select()
        .columns([event_logs::ID, SIZE])
        .expr_window_as(Func::sum(Expr::col(SIZE)), in_order, SUM)
        .from_subquery(sizes, SIZES)
        .take();
    let before = Expr::col(SUM).sub(Expr::col(SIZE));
    let id = Expr::col(event_logs::ID);
    Query::select()
        .expr(match query.order {
            Order::Ascending => id.max(),
            Order::Descending => id.min(),
        })
        .from_subquery(sums, SUMS)
        .and_where(before.lt(countable(Ord::max(max_bytes, 1))))
        .take()
}

fn select_of_run(query: &RecordsForRun, among: Among) -> SelectStatement {
    let mut select = Query::select();
    select
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::RUN_ID).eq(query.run_id.as_str()));
    if let Some(of_types) = query.of_types.as_slice() {
        select.and_where(among.is_of_types(of_types));
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
    select.order_by(event_logs::ID, direction(query.order));
    if let Some(limit) = limit {
        select.limit(countable(limit));
    }
    select
}

/// The columns of statistics: how many events, and the time of the last.
pub(crate) const COUNT: &str = "count";
pub(crate) const LAST_TIME: &str = "last_time";

/// How many notices one statement sends, each a column of its result; Postgres allows 1,664.
pub(crate) const NOTICES_PER_STATEMENT: usize = 500;

/// The channel on which Dagster and we announce new events. A payload is the run's id and the id of the row, with
/// an underscore between them.
pub(crate) const RUN_EVENTS: &str = "run_events";

/// Wakes those who listen to runs, in Postgres.
pub(crate) fn notify(notices: impl IntoIterator<Item = String>) -> SelectStatement {
    let mut select = Query::select();
    for notice in notices {
        let call = Func::cust("pg_notify").args([Expr::val(RUN_EVENTS), Expr::val(notice)]);
        select.expr(Expr::from(call).cast_as("text"));
    }
    select
}

/// For each type of a run's events that its statistics need: how many, and the time of the last.
pub(crate) fn select_run_stats(
    run_id: &RunId,
    of_types: &[DagsterEventType],
    among: Among,
) -> SelectStatement {
    Query::select()
        .column(event_logs::DAGSTER_EVENT_TYPE)
        .expr_as(Func::count(Expr::col(Asterisk)), COUNT)
        .expr_as(Func::max(Expr::col(event_logs::TIMESTAMP)), LAST_TIME)
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::RUN_ID).eq(run_id.as_str()))
        .and_where(among.is_of_types(of_types))
        .group_by_col(event_logs::DAGSTER_EVENT_TYPE)
        .take()
}

/// The events of a run's steps, oldest first.
pub(crate) fn select_step_events(
    run_id: &RunId,
    step_keys: &Only<String>,
    of_types: &[DagsterEventType],
    among: Among,
) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([event_logs::ID, event_logs::EVENT])
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::RUN_ID).eq(run_id.as_str()))
        .and_where(Expr::col(event_logs::STEP_KEY).is_not_null())
        .and_where(among.is_of_types(of_types))
        .order_by(event_logs::ID, sea_query::Order::Asc);
    if let Some(step_keys) = step_keys.as_slice() {
        select.and_where(super::is_one_of(
            event_logs::STEP_KEY,
            step_keys.iter().map(String::as_str),
        ));
    }
    select
}

pub(super) fn is_of_types(of_types: &[DagsterEventType]) -> SimpleExpr {
    Expr::col(event_logs::DAGSTER_EVENT_TYPE).is_in(names(of_types))
}

fn names(of_types: &[DagsterEventType]) -> impl Iterator<Item = &str> {
    of_types.iter().map(|event_type| event_type.as_str())
}

/// Leaves out events about an asset from before it was last wiped.
pub(super) fn is_after_wipe(asset_key: &str, dialect: Dialect) -> SimpleExpr {
    is_later_than_wipe(asset_key, (event_logs::TABLE, event_logs::TIMESTAMP), dialect)
}

/// Whether a time is later than that at which an asset was last wiped.
pub(super) fn is_later_than_wipe(
    asset_key: &str,
    column: (&'static str, &'static str),
    dialect: Dialect,
) -> SimpleExpr {
    let wiped_at = Query::select()
        .expr(wiped_at(dialect))
        .from(asset_keys::TABLE)
        .and_where(Expr::col(asset_keys::ASSET_KEY).eq(asset_key))
        .take();
    let wiped_at = Expr::SubQuery(None, Box::new(wiped_at.into()));
    // The first second of Python's calendar: events of before 1970 are events, too.
    let never = DateTime::from_timestamp(-62_135_596_800, 0).unwrap_or_default().naive_utc();
    Expr::col(column).gt(Func::coalesce([wiped_at, never.into()]))
}

/// When an asset was last wiped, in UTC, as the times of events are; null if it never was.
///
/// In Postgres, the column has the time of the server's zone (see [`timestamp`](super::timestamp)), and in the hour that a
/// zone has twice nobody can tell which it was. So the time is that of the details, as in Dagster.
pub(super) fn wiped_at(dialect: Dialect) -> SimpleExpr {
    match dialect {
        Dialect::Sqlite => Expr::col((asset_keys::TABLE, asset_keys::WIPE_TIMESTAMP)),
        Dialect::Postgres => {
            let details = Expr::col((asset_keys::TABLE, asset_keys::ASSET_DETAILS));
            let details = Expr::from(Func::cust("nullif").args([details, Expr::val("")]));
            let seconds = Expr::from(
                Func::cust("json_extract_path_text")
                    .args([details.cast_as("json"), Expr::val("last_wipe_timestamp")]),
            )
            .cast_as("float8");
            let time = Func::cust("to_timestamp").arg(seconds);
            Func::cust("timezone").args([Expr::val("UTC"), time.into()]).into()
        }
    }
}

/// Up to how many partitions are looked for one by one.
const FEW_PARTITIONS: usize = 100;

/// Events across runs. Without `with_cursors`, those of the filter are left to the caller.
pub(crate) fn select_event_records(
    filter: &EventRecordsFilter,
    limit: Option<u64>,
    order: Order,
    with_cursors: bool,
    dialect: Dialect,
) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([event_logs::ID, event_logs::EVENT])
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::DAGSTER_EVENT_TYPE).eq(filter.event_type.as_str()));
    if let Some(asset_key) = filter.asset_key.as_ref().map(AssetKey::to_db_string) {
        select
            .and_where(Expr::col(event_logs::ASSET_KEY).eq(asset_key.as_str()))
            .and_where(is_after_wipe(&asset_key, dialect));
    }
    if let Some(names) = filter.asset_partitions.as_slice() {
        let names = names.iter().map(String::as_str);
        select.and_where(super::is_one_of(event_logs::PARTITION, names));
    }
    if let Some(ids) = filter.storage_ids.as_slice() {
        select.and_where(is_one_of(ids));
    }
    if let Some(before) = filter.before_timestamp {
        select.and_where(Expr::col(event_logs::TIMESTAMP).lt(before.naive_utc()));
    }
    if let Some(after) = filter.after_timestamp {
        select.and_where(Expr::col(event_logs::TIMESTAMP).gt(after.naive_utc()));
    }
    if with_cursors {
        let id = |cursor: EventCursor| cursor.storage_id();
        select.cond_where(is_between(filter.after_cursor.map(id), filter.before_cursor.map(id)));
        let partitions = filter.asset_partitions.as_slice().map_or(0, <[_]>::len);
        if (1..=FEW_PARTITIONS).contains(&partitions) {
            // In the order of ids, SQLite would go through all events of the asset for those of a partition.
            select.order_by_expr(without_int_index(event_logs::ID), direction(order));
        } else {
            select.order_by(event_logs::ID, direction(order));
        }
    } else {
        select
            .order_by(event_logs::TIMESTAMP, direction(order))
            .order_by(event_logs::ID, direction(order));
    }
    if let Some(limit) = limit {
        select.limit(countable(limit));
    }
    select
}

/// Entries behind an id, of all runs.
pub(crate) fn select_behind(
    after: StorageId,
    of_types: &Only<DagsterEventType>,
    limit: Option<u64>,
) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([event_logs::ID, event_logs::EVENT])
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::ID).gt(after.0))
        .order_by(event_logs::ID, sea_query::Order::Asc);
    if let Some(of_types) = of_types.as_slice() {
        select.and_where(is_of_types(of_types));
    }
    if let Some(limit) = limit {
        select.limit(countable(limit));
    }
    select
}

/// The greatest id.
pub(crate) fn select_max_id() -> SelectStatement {
    Query::select().expr(Func::max(Expr::col(event_logs::ID))).from(event_logs::TABLE).take()
}

/// The assets and partitions that events of a run are about.
pub(crate) fn select_asset_partitions_of_run(
    run_id: &RunId,
    of_types: &Only<DagsterEventType>,
    among: Among,
) -> SelectStatement {
    let mut select = Query::select();
    select
        .distinct()
        .columns([event_logs::ASSET_KEY, event_logs::PARTITION])
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::RUN_ID).eq(run_id.as_str()))
        .and_where(Expr::col(event_logs::ASSET_KEY).is_not_null());
    if let Some(of_types) = of_types.as_slice() {
        select.and_where(among.is_of_types(of_types));
    }
    select
}

/// What the columns of events about assets say.
pub(crate) fn select_asset_event_summaries(
    query: &AssetEventSummaryQuery,
    dialect: Dialect,
) -> SelectStatement {
    // Of a run and a type, the run is what fewer events have.
    let event_type = match query.run_id {
        Some(_) => without_index(event_logs::DAGSTER_EVENT_TYPE),
        None => Expr::col(event_logs::DAGSTER_EVENT_TYPE),
    };
    let mut select = Query::select();
    select
        .columns([
            event_logs::ID,
            event_logs::RUN_ID,
            event_logs::ASSET_KEY,
            event_logs::PARTITION,
            event_logs::TIMESTAMP,
        ])
        .from(event_logs::TABLE)
        .and_where(event_type.eq(query.event_type.as_str()))
        .cond_where(is_between(query.after_storage_id, query.before_storage_id))
        .order_by(event_logs::ID, direction(query.order));
    match query.asset_key.as_ref().map(AssetKey::to_db_string) {
        Some(asset_key) => select
            .and_where(Expr::col(event_logs::ASSET_KEY).eq(asset_key.as_str()))
            .and_where(is_after_wipe(&asset_key, dialect)),
        None => select.and_where(Expr::col(event_logs::ASSET_KEY).is_not_null()),
    };
    if let Some(run_id) = &query.run_id {
        select.and_where(Expr::col(event_logs::RUN_ID).eq(run_id.as_str()));
    }
    if let Some(ids) = query.storage_ids.as_slice() {
        select.and_where(is_one_of(ids));
    }
    if let Some(limit) = query.limit {
        select.limit(countable(limit));
    }
    select
}

fn is_one_of(ids: &[StorageId]) -> SimpleExpr {
    super::is_one_of_ids(event_logs::ID, ids.iter().map(|id| id.0))
}

/// Whether the id of an event is between two others, neither included.
pub(super) fn is_between(after: Option<StorageId>, before: Option<StorageId>) -> Cond {
    let id = || Expr::col((event_logs::TABLE, event_logs::ID));
    Cond::all()
        .add_option(after.map(|after| id().gt(after.0)))
        .add_option(before.map(|before| id().lt(before.0)))
}

/// Deletes the tags of a run's asset events; the events are deleted next.
pub(crate) fn delete_tags_of_run(run_id: &RunId) -> DeleteStatement {
    let asset_events = Query::select()
        .column(event_logs::ID)
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::RUN_ID).eq(run_id.as_str()))
        .and_where(Among::AllRuns.is_of_types(&[
            DagsterEventType::AssetMaterialization,
            DagsterEventType::AssetObservation,
        ]))
        .take();
    Query::delete()
        .from_table(asset_event_tags::TABLE)
        .and_where(Expr::col(asset_event_tags::EVENT_ID).in_subquery(asset_events))
        .take()
}

/// Deletes the events of a run.
pub(crate) fn delete_of_run(run_id: &RunId) -> DeleteStatement {
    Query::delete()
        .from_table(event_logs::TABLE)
        .and_where(Expr::col(event_logs::RUN_ID).eq(run_id.as_str()))
        .take()
}

/// Deletes the events about assets.
pub(crate) fn delete_of_assets(asset_keys: &[String]) -> DeleteStatement {
    let keys = asset_keys.iter().map(String::as_str);
    Query::delete()
        .from_table(event_logs::TABLE)
        .and_where(super::is_one_of(event_logs::ASSET_KEY, keys))
        .take()
}
