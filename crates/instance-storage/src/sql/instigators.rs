//! Statements on schedules and sensors, which stand in two tables: by origin, and by selector.

use chrono::{DateTime, Utc};
use instance_core::scheduling::InstigatorState;
use instance_core::serdes::serialize_value;
use instance_core::storage::InstigatorFilter;
use sea_query::{
    DeleteStatement, Expr, ExprTrait, InsertStatement, OnConflict, Order, Query, SelectStatement,
    UpdateStatement,
};

use crate::sql::tables::{instigators, jobs};

/// The states that match.
pub(crate) fn select(filter: &InstigatorFilter) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([instigators::ID, instigators::INSTIGATOR_BODY])
        .from(instigators::TABLE)
        .order_by(instigators::ID, Order::Asc);
    if let Some(id) = &filter.repository_selector_id {
        select.and_where(Expr::col(instigators::REPOSITORY_SELECTOR_ID).eq(id.as_str()));
    }
    if let Some(instigator_type) = filter.instigator_type {
        select.and_where(Expr::col(instigators::INSTIGATOR_TYPE).eq(instigator_type.as_str()));
    }
    if let Some(statuses) = filter.statuses.as_slice() {
        let names = statuses.iter().map(|status| status.as_str());
        select.and_where(Expr::col(instigators::STATUS).is_in(names));
    }
    select
}

/// The states of this type in one of these statuses, as they stand by their origins. Before a data migration has stored
/// them by their selectors, those are all.
pub(crate) fn select_jobs(filter: &InstigatorFilter) -> SelectStatement {
    let mut select = Query::select();
    select.columns([jobs::ID, jobs::JOB_BODY]).from(jobs::TABLE).order_by(jobs::ID, Order::Asc);
    if let Some(instigator_type) = filter.instigator_type {
        select.and_where(Expr::col(jobs::JOB_TYPE).eq(instigator_type.as_str()));
    }
    if let Some(statuses) = filter.statuses.as_slice() {
        let names = statuses.iter().map(|status| status.as_str());
        select.and_where(Expr::col(jobs::STATUS).is_in(names));
    }
    select
}

/// The state of a selector.
pub(crate) fn select_one(selector_id: &str) -> SelectStatement {
    Query::select()
        .columns([instigators::ID, instigators::INSTIGATOR_BODY])
        .from(instigators::TABLE)
        .and_where(Expr::col(instigators::SELECTOR_ID).eq(selector_id))
        .take()
}

/// Stores a state by its origin, unless the origin has one.
pub(crate) fn insert_job(state: &InstigatorState) -> InsertStatement {
    Query::insert()
        .into_table(jobs::TABLE)
        .columns([
            jobs::JOB_ORIGIN_ID,
            jobs::REPOSITORY_ORIGIN_ID,
            jobs::STATUS,
            jobs::JOB_TYPE,
            jobs::JOB_BODY,
        ])
        .values_panic([
            state.instigator_origin_id().into(),
            state.origin.repository_origin.id().into(),
            state.status.as_str().into(),
            state.instigator_type.as_str().into(),
            serialize_value(state).into(),
        ])
        .on_conflict(OnConflict::column(jobs::JOB_ORIGIN_ID).do_nothing().to_owned())
        .take()
}

/// Replaces the state of an origin.
pub(crate) fn update_job(state: &InstigatorState, at: DateTime<Utc>) -> UpdateStatement {
    Query::update()
        .table(jobs::TABLE)
        .value(jobs::STATUS, state.status.as_str())
        .value(jobs::JOB_BODY, serialize_value(state))
        .value(jobs::UPDATE_TIMESTAMP, at)
        .value(jobs::SELECTOR_ID, state.selector_id())
        .and_where(Expr::col(jobs::JOB_ORIGIN_ID).eq(state.instigator_origin_id()))
        .take()
}

/// Stores a state by its selector, unless the selector has one.
pub(crate) fn insert_instigator(state: &InstigatorState) -> InsertStatement {
    Query::insert()
        .into_table(instigators::TABLE)
        .columns([
            instigators::SELECTOR_ID,
            instigators::REPOSITORY_SELECTOR_ID,
            instigators::STATUS,
            instigators::INSTIGATOR_TYPE,
            instigators::INSTIGATOR_BODY,
        ])
        .values_panic([
            state.selector_id().into(),
            state.origin.repository_origin.selector().id().into(),
            state.status.as_str().into(),
            state.instigator_type.as_str().into(),
            serialize_value(state).into(),
        ])
        .on_conflict(OnConflict::column(instigators::SELECTOR_ID).do_nothing().to_owned())
        .take()
}

/// Replaces the state of a selector.
pub(crate) fn update_instigator(state: &InstigatorState, at: DateTime<Utc>) -> UpdateStatement {
    Query::update()
        .table(instigators::TABLE)
        .value(instigators::STATUS, state.status.as_str())
        .value(instigators::INSTIGATOR_TYPE, state.instigator_type.as_str())
        .value(instigators::INSTIGATOR_BODY, serialize_value(state))
        .value(instigators::UPDATE_TIMESTAMP, at)
        .and_where(Expr::col(instigators::SELECTOR_ID).eq(state.selector_id()))
        .take()
}

/// Deletes the state of an origin.
pub(crate) fn delete_job(origin_id: &str) -> DeleteStatement {
    Query::delete()
        .from_table(jobs::TABLE)
        .and_where(Expr::col(jobs::JOB_ORIGIN_ID).eq(origin_id))
        .take()
}

/// Deletes the state of a selector, unless an origin has one for it.
pub(crate) fn delete_instigator(selector_id: &str) -> DeleteStatement {
    let of_origins = Query::select()
        .expr(Expr::val(1))
        .from(jobs::TABLE)
        .and_where(Expr::col(jobs::SELECTOR_ID).eq(selector_id))
        .take();
    Query::delete()
        .from_table(instigators::TABLE)
        .and_where(Expr::col(instigators::SELECTOR_ID).eq(selector_id))
        .and_where(Expr::exists(of_origins).not())
        .take()
}
