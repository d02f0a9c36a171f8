//! Statements on ticks.

use chrono::{DateTime, Utc};
use instance_core::scheduling::{TickData, TickStatus};
use instance_core::serdes::serialize_value;
use instance_core::storage::{Only, TicksQuery};
use sea_query::{
    Cond, DeleteStatement, Expr, ExprTrait, InsertStatement, Order, Query, SelectStatement,
    UnionType, UpdateStatement,
};

use crate::sql::bounded::BoundedText;
use crate::sql::tables::job_ticks::{
    ID, JOB_ORIGIN_ID, SELECTOR_ID, STATUS, TABLE, TICK_BODY, TICK_TYPE, TIMESTAMP,
};
use crate::sql::{countable, is_one_of_ids};

/// Stores a tick; returns its id.
pub(crate) fn insert(tick: &TickData, at: DateTime<Utc>) -> InsertStatement {
    Query::insert()
        .into_table(TABLE)
        .columns([JOB_ORIGIN_ID, STATUS, TICK_TYPE, TIMESTAMP, TICK_BODY, SELECTOR_ID])
        .values_panic([
            tick.instigator_origin_id.as_str().into(),
            tick.status.as_str().into(),
            tick.instigator_type.as_str().into(),
            at.into(),
            serialize_value(tick).into(),
            Expr::val(tick.selector_id.clone().filter(|id| !id.is_empty())),
        ])
        .returning_col(ID)
        .take()
}

/// The texts of a tick that may be too long.
pub(crate) fn bounded(tick: &TickData) -> impl Iterator<Item = BoundedText<'_>> {
    let selector_id = tick.selector_id.as_deref();
    let selector_id = selector_id.map(|id| BoundedText::column("selector id", id, 255));
    std::iter::once(BoundedText::column("origin id", &tick.instigator_origin_id, 255))
        .chain(selector_id)
}

/// Replaces a tick.
pub(crate) fn update(tick_id: i64, tick: &TickData, at: DateTime<Utc>) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(TABLE)
        .value(STATUS, tick.status.as_str())
        .value(TICK_TYPE, tick.instigator_type.as_str())
        .value(TIMESTAMP, at)
        .value(TICK_BODY, serialize_value(tick))
        .and_where(Expr::col(ID).eq(tick_id));
    if let Some(id) = tick.selector_id.as_deref().filter(|id| !id.is_empty()) {
        update.value(SELECTOR_ID, id);
    }
    update
}

/// The ticks of these ids.
pub(crate) fn select_by_ids(tick_ids: &[i64]) -> SelectStatement {
    Query::select()
        .columns([ID, TICK_BODY])
        .from(TABLE)
        .and_where(is_one_of_ids(ID, tick_ids.iter().copied()))
        .take()
}

/// The ticks of a schedule or sensor, newest first.
pub(crate) fn select(query: &TicksQuery) -> SelectStatement {
    let mut select = Query::select();
    select.columns([ID, TICK_BODY]);
    select_of(&mut select, query);
    select
}

/// The columns of ticks of a schedule or sensor, newest first.
pub(crate) fn select_summaries(query: &TicksQuery) -> SelectStatement {
    let mut select = Query::select();
    select.columns([ID, JOB_ORIGIN_ID, TICK_TYPE, STATUS, TIMESTAMP]);
    select_of(&mut select, query);
    select
}

/// One branch for each of the two ids, each of which an index serves in the order that is wanted; a
/// condition with both reads and sorts all ticks.
fn select_of(select: &mut SelectStatement, query: &TicksQuery) {
    const BY_SELECTOR: &str = "by_selector";
    const BY_ORIGIN: &str = "by_origin";
    let branch = |condition: Cond| {
        let mut ids = Query::select();
        ids.column(ID).from(TABLE).cond_where(condition);
        restrict(&mut ids, query);
        ids
    };
    let of_origin = Cond::all()
        .add(Expr::col(SELECTOR_ID).is_null())
        .add(Expr::col(JOB_ORIGIN_ID).eq(query.origin_id.as_str()));
    let of_selector = Cond::all().add(Expr::col(SELECTOR_ID).eq(query.selector_id.as_str()));
    let mut ids = Query::select();
    ids.column(ID).from_subquery(branch(of_selector), BY_SELECTOR);
    let mut others = Query::select();
    others.column(ID).from_subquery(branch(of_origin), BY_ORIGIN);
    ids.union(UnionType::All, others);
    select.from(TABLE).and_where(Expr::col(ID).in_subquery(ids));
    newest(select, query.limit);
}

fn restrict(select: &mut SelectStatement, query: &TicksQuery) {
    if let Some(before) = query.before {
        select.and_where(Expr::col(TIMESTAMP).lt(before));
    }
    if let Some(after) = query.after {
        select.and_where(Expr::col(TIMESTAMP).gt(after));
    }
    if let Some(statuses) = query.statuses.as_slice() {
        select.and_where(has_status(statuses));
    }
    newest(select, query.limit);
}

/// Newest first, and of the same time the one that was written last.
fn newest(select: &mut SelectStatement, limit: Option<u64>) {
    select.order_by(TIMESTAMP, Order::Desc).order_by(ID, Order::Desc);
    if let Some(limit) = limit {
        select.limit(countable(limit));
    }
}

/// The newest ticks of one selector.
pub(crate) fn select_of_selector(
    selector_id: &str,
    limit: Option<u64>,
    statuses: &Only<TickStatus>,
) -> SelectStatement {
    let mut select = Query::select();
    select.columns([ID, TICK_BODY]).from(TABLE).and_where(Expr::col(SELECTOR_ID).eq(selector_id));
    if let Some(statuses) = statuses.as_slice() {
        select.and_where(has_status(statuses));
    }
    newest(&mut select, limit);
    select
}

/// Deletes ticks of a schedule or sensor.
pub(crate) fn delete(
    origin_id: &str,
    selector_id: &str,
    before: DateTime<Utc>,
    statuses: &Only<TickStatus>,
) -> DeleteStatement {
    let mut delete = Query::delete();
    delete
        .from_table(TABLE)
        .and_where(Expr::col(TIMESTAMP).lt(before))
        .cond_where(is_of(origin_id, selector_id));
    if let Some(statuses) = statuses.as_slice() {
        delete.and_where(has_status(statuses));
    }
    delete
}

/// Ticks of old versions have no selector.
fn is_of(origin_id: &str, selector_id: &str) -> Cond {
    Cond::any().add(Expr::col(SELECTOR_ID).eq(selector_id)).add(
        Cond::all()
            .add(Expr::col(SELECTOR_ID).is_null())
            .add(Expr::col(JOB_ORIGIN_ID).eq(origin_id)),
    )
}

fn has_status(statuses: &[TickStatus]) -> Expr {
    Expr::col(STATUS).is_in(statuses.iter().map(|status| status.as_str()))
}
