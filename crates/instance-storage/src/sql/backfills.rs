//! Statements on backfills.

use chrono::{DateTime, Utc};
use instance_core::scheduling::{BulkActionsFilter, PartitionBackfill};
use instance_core::serdes::serialize_value;
use instance_core::storage::BackfillsPage;
use instance_core::tags;
use sea_query::{
    Cond, Expr, ExprTrait, Func, InsertStatement, OnConflict, Order, Query, SelectStatement,
    UpdateStatement,
};

use crate::sql::bounded::BoundedText;
use crate::sql::capabilities::{Capabilities, Feature, Mark};
use crate::sql::runs::TAGS_PER_INSERT;
use crate::sql::tables::{backfill_tags, bulk_actions, run_tags, runs};
use crate::sql::{countable, is_one_of, tagged};

/// Stores a backfill unless one of its id is stored.
pub(crate) fn insert(
    backfill: &PartitionBackfill,
    at: DateTime<Utc>,
    has: Capabilities,
) -> InsertStatement {
    let mut columns = vec![
        bulk_actions::KEY,
        bulk_actions::STATUS,
        bulk_actions::TIMESTAMP,
        bulk_actions::BODY,
        bulk_actions::SELECTOR_ID,
        bulk_actions::ACTION_TYPE,
    ];
    let mut values = vec![
        backfill.backfill_id.as_str().into(),
        backfill.status.as_str().into(),
        at.into(),
        serialize_value(backfill).into(),
        Expr::val(backfill.selector_id()),
        backfill.bulk_action_type().into(),
    ];
    if has.has(Feature::BackfillJobNames) {
        columns.push(bulk_actions::JOB_NAME);
        values.push(Expr::val(backfill.job_name().map(str::to_owned)));
    }
    Query::insert()
        .into_table(bulk_actions::TABLE)
        .columns(columns)
        .values_panic(values)
        .on_conflict(OnConflict::column(bulk_actions::KEY).do_nothing().to_owned())
        .take()
}

/// Stores the tags of a backfill, so many with each statement; none if it has none.
pub(crate) fn insert_tags(backfill: &PartitionBackfill) -> Vec<InsertStatement> {
    let tags: Vec<_> = backfill.tags.iter().flatten().collect();
    let of_some = |tags: &[(&String, &String)]| {
        let mut insert = Query::insert();
        insert.into_table(backfill_tags::TABLE).columns([
            backfill_tags::BACKFILL_ID,
            backfill_tags::KEY,
            backfill_tags::VALUE,
        ]);
        for (key, value) in tags {
            let id = backfill.backfill_id.as_str();
            insert.values_panic([id.into(), key.as_str().into(), value.as_str().into()]);
        }
        insert
    };
    tags.chunks(TAGS_PER_INSERT).map(of_some).collect()
}

/// The texts of a backfill that may be too long.
pub(crate) fn bounded(backfill: &PartitionBackfill) -> [BoundedText<'_>; 1] {
    [BoundedText::column("backfill", &backfill.backfill_id, 32)]
}

/// Replaces the body and status of a backfill.
pub(crate) fn update(backfill: &PartitionBackfill) -> UpdateStatement {
    Query::update()
        .table(bulk_actions::TABLE)
        .value(bulk_actions::STATUS, backfill.status.as_str())
        .value(bulk_actions::BODY, serialize_value(backfill))
        .and_where(Expr::col(bulk_actions::KEY).eq(backfill.backfill_id.as_str()))
        .take()
}

/// The backfill of an id.
pub(crate) fn select_one(backfill_id: &str) -> SelectStatement {
    Query::select()
        .columns([bulk_actions::ID, bulk_actions::BODY])
        .from(bulk_actions::TABLE)
        .and_where(Expr::col(bulk_actions::KEY).eq(backfill_id))
        .take()
}

/// The backfills that match, newest first.
pub(crate) fn select(
    filter: &BulkActionsFilter,
    page: &BackfillsPage,
    has: Capabilities,
) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([bulk_actions::ID, bulk_actions::BODY])
        .from(bulk_actions::TABLE)
        .cond_where(matches(filter, has))
        .order_by(bulk_actions::ID, Order::Desc);
    if let Some(cursor) = &page.cursor {
        let row = Query::select()
            .column(bulk_actions::ID)
            .from(bulk_actions::TABLE)
            .and_where(Expr::col(bulk_actions::KEY).eq(cursor.as_str()))
            .take();
        let row = Expr::SubQuery(None, Box::new(row.into()));
        select.and_where(Expr::col(bulk_actions::ID).lt(row));
    }
    if let Some(limit) = page.limit {
        select.limit(countable(limit));
    }
    select
}

/// How many backfills match.
pub(crate) fn count(filter: &BulkActionsFilter, has: Capabilities) -> SelectStatement {
    Query::select()
        .expr(Func::count(Expr::col(bulk_actions::ID)))
        .from(bulk_actions::TABLE)
        .cond_where(matches(filter, has))
        .take()
}

fn matches(filter: &BulkActionsFilter, has: Capabilities) -> Cond {
    let mut all = Cond::all();
    if let Some(statuses) = filter.statuses.as_slice() {
        let names = statuses.iter().map(|status| status.as_str());
        all = all.add(Expr::col(bulk_actions::STATUS).is_in(names));
    }
    if let Some(ids) = filter.backfill_ids.as_slice() {
        let ids = ids.iter().map(String::as_str);
        all = all.add(is_one_of(bulk_actions::KEY, ids));
    }
    let time = Expr::col(bulk_actions::TIMESTAMP);
    all.add_option(if has.is_built(Mark::BackfillJobNameAndTags) {
        has_job_and_tags(filter)
    } else {
        has_runs_of_job_and_tags(filter)
    })
    .add_option(filter.created_before.map(|before| time.clone().lt(before)))
    .add_option(filter.created_after.map(|after| time.gt(after)))
    .add_option(filter.selector_id.as_deref().map(|id| Expr::col(bulk_actions::SELECTOR_ID).eq(id)))
}

fn has_job_and_tags(filter: &BulkActionsFilter) -> Option<Cond> {
    let place = [
        backfill_tags::TABLE,
        backfill_tags::BACKFILL_ID,
        backfill_tags::KEY,
        backfill_tags::VALUE,
    ];
    let is_named = |tagged| Expr::col((bulk_actions::TABLE, bulk_actions::KEY)).in_subquery(tagged);
    let is_of_job = |name: &str| Expr::col(bulk_actions::JOB_NAME).eq(name);
    let all = tagged(&filter.tags, place)
        .map(is_named)
        .fold(Cond::all(), Cond::add)
        .add_option(filter.job_name.as_deref().map(is_of_job));
    (!all.is_empty()).then_some(all)
}

/// The same by the runs of backfills, as Dagster finds them before a data migration has filled what the other way asks
/// for. A backfill without runs is not found.
fn has_runs_of_job_and_tags(filter: &BulkActionsFilter) -> Option<Cond> {
    let of_backfill = || {
        Query::select()
            .column(run_tags::VALUE)
            .from(run_tags::TABLE)
            .and_where(Expr::col(run_tags::KEY).eq(tags::BACKFILL_ID))
            .take()
    };
    let is_named = |ids| Expr::col((bulk_actions::TABLE, bulk_actions::KEY)).in_subquery(ids);
    let mut all = Cond::all();
    if !filter.tags.is_empty() {
        let place = [run_tags::TABLE, run_tags::RUN_ID, run_tags::KEY, run_tags::VALUE];
        // One run has all the tags.
        let mut ids = of_backfill();
        for runs in tagged(&filter.tags, place) {
            ids.and_where(Expr::col(run_tags::RUN_ID).in_subquery(runs));
        }
        all = all.add(is_named(ids));
    }
    if let Some(name) = &filter.job_name {
        let runs = Query::select()
            .column(runs::RUN_ID)
            .from(runs::TABLE)
            .and_where(Expr::col(runs::PIPELINE_NAME).eq(name.as_str()))
            .take();
        let mut ids = of_backfill();
        ids.and_where(Expr::col(run_tags::RUN_ID).in_subquery(runs));
        all = all.add(is_named(ids));
    }
    (!all.is_empty()).then_some(all)
}
