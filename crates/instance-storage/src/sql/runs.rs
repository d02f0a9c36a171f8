//! Statements on runs and their tags.

use std::collections::BTreeMap;

use instance_core::ids::RunId;
use instance_core::run::{DagsterRun, DagsterRunStatus, RunsFilter, TagFilter};
use instance_core::serdes::serialize_value;
use instance_core::storage::{Order, RunsPage};
use instance_core::tags;
use sea_query::{
    Cond, Expr, ExprTrait, Func, InsertStatement, Query, SelectStatement, UpdateStatement,
};

use crate::sql::tables::{run_tags, runs};
use crate::sql::{countable, timestamp};

/// Stores a run; its time of creation is given, that of its last change is the database's default.
pub(crate) fn insert_run(run: &DagsterRun, created_at: &str) -> InsertStatement {
    let tag = |name: &str| Expr::val(run.tags.get(name).cloned());
    Query::insert()
        .into_table(runs::TABLE)
        .columns([
            runs::RUN_ID,
            runs::SNAPSHOT_ID,
            runs::PIPELINE_NAME,
            runs::STATUS,
            runs::RUN_BODY,
            runs::PARTITION,
            runs::PARTITION_SET,
            runs::CREATE_TIMESTAMP,
            runs::BACKFILL_ID,
        ])
        .values_panic([
            run.run_id.as_str().into(),
            Expr::val(run.job_snapshot_id.as_ref().map(|id| id.as_str().to_owned())),
            run.job_name.as_str().into(),
            run.status.as_str().into(),
            serialize_value(run).into(),
            tag(tags::PARTITION),
            tag(tags::PARTITION_SET),
            created_at.into(),
            tag(tags::BACKFILL_ID),
        ])
        .take()
}

/// How many tags one statement inserts; each binds three values, and SQLite allows 32,766.
pub(crate) const TAGS_PER_INSERT: usize = 1_000;

/// Stores tags of a run; there is at least one.
pub(crate) fn insert_tags(run_id: &RunId, tags: &[(String, String)]) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(run_tags::TABLE).columns([run_tags::RUN_ID, run_tags::KEY, run_tags::VALUE]);
    for (key, value) in tags {
        insert.values_panic([run_id.as_str().into(), key.as_str().into(), value.as_str().into()]);
    }
    insert
}

/// Changes the value of a tag that a run has.
pub(crate) fn update_tag(run_id: &RunId, key: &str, value: &str) -> UpdateStatement {
    Query::update()
        .table(run_tags::TABLE)
        .value(run_tags::VALUE, value)
        .and_where(Expr::col(run_tags::RUN_ID).eq(run_id.as_str()))
        .and_where(Expr::col(run_tags::KEY).eq(key))
        .take()
}

/// What an event changes of a run's row.
#[derive(Debug)]
pub(crate) struct RunChange<'a> {
    pub(crate) run: &'a DagsterRun,
    pub(crate) updated_at: &'a str,
    pub(crate) start_time: Option<f64>,
    pub(crate) end_time: Option<f64>,
}

/// Changes a run's body and the columns that follow from an event.
pub(crate) fn update_run(change: &RunChange<'_>) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(runs::TABLE)
        .value(runs::RUN_BODY, serialize_value(change.run))
        .value(runs::STATUS, change.run.status.as_str())
        .value(runs::UPDATE_TIMESTAMP, change.updated_at)
        .and_where(Expr::col(runs::RUN_ID).eq(change.run.run_id.as_str()));
    if let Some(start_time) = change.start_time {
        update.value(runs::START_TIME, start_time);
    }
    if let Some(end_time) = change.end_time {
        update.value(runs::END_TIME, end_time);
    }
    update
}

/// The runs that match, with the columns of a run record.
pub(crate) fn select_runs(filter: &RunsFilter, page: &RunsPage) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            runs::ID,
            runs::RUN_BODY,
            runs::STATUS,
            runs::CREATE_TIMESTAMP,
            runs::UPDATE_TIMESTAMP,
            runs::START_TIME,
            runs::END_TIME,
        ])
        .from(runs::TABLE)
        .cond_where(matches(filter));
    let direction = match page.order {
        Order::Ascending => sea_query::Order::Asc,
        Order::Descending => sea_query::Order::Desc,
    };
    select.order_by(runs::ID, direction);
    if let Some(cursor) = &page.cursor {
        let row = Query::select()
            .column(runs::ID)
            .from(runs::TABLE)
            .and_where(Expr::col(runs::RUN_ID).eq(cursor.as_str()))
            .take();
        let row = Expr::SubQuery(None, Box::new(row.into()));
        select.and_where(match page.order {
            Order::Ascending => Expr::col(runs::ID).gt(row),
            Order::Descending => Expr::col(runs::ID).lt(row),
        });
    }
    if let Some(limit) = page.limit {
        select.limit(countable(limit));
    }
    select
}

/// How many runs match.
pub(crate) fn count_runs(filter: &RunsFilter) -> SelectStatement {
    Query::select()
        .expr(Func::count(Expr::col(runs::ID)))
        .from(runs::TABLE)
        .cond_where(matches(filter))
        .take()
}

fn matches(filter: &RunsFilter) -> Cond {
    let after = |column: &'static str, time| Expr::col(column).gt(timestamp::to_text(time));
    let before = |column: &'static str, time| Expr::col(column).lt(timestamp::to_text(time));
    Cond::all()
        .add_option(is_one_of_ids(&filter.run_ids))
        .add_option(filter.run_id_prefix.as_deref().map(begins_with))
        .add_option(filter.job_name.as_deref().map(|name| Expr::col(runs::PIPELINE_NAME).eq(name)))
        .add_option(has_one_of_statuses(&filter.statuses))
        .add_option(
            filter.snapshot_id.as_ref().map(|id| Expr::col(runs::SNAPSHOT_ID).eq(id.as_str())),
        )
        .add_option(filter.updated_after.map(|time| after(runs::UPDATE_TIMESTAMP, time)))
        .add_option(filter.updated_before.map(|time| before(runs::UPDATE_TIMESTAMP, time)))
        .add_option(filter.created_after.map(|time| after(runs::CREATE_TIMESTAMP, time)))
        .add_option(filter.created_before.map(|time| before(runs::CREATE_TIMESTAMP, time)))
        .add_option(has_all_tags(&filter.tags))
}

fn is_one_of_ids(ids: &[RunId]) -> Option<Expr> {
    (!ids.is_empty()).then(|| Expr::col(runs::RUN_ID).is_in(ids.iter().map(RunId::as_str)))
}

fn has_one_of_statuses(statuses: &[DagsterRunStatus]) -> Option<Expr> {
    let names = statuses.iter().map(|status| status.as_str());
    (!statuses.is_empty()).then(|| Expr::col(runs::STATUS).is_in(names))
}

/// A range, which the index on ids serves, where `LIKE` could not be served by it.
fn begins_with(prefix: &str) -> Cond {
    Cond::all()
        .add(Expr::col(runs::RUN_ID).gte(prefix))
        .add(Expr::col(runs::RUN_ID).lt(format!("{prefix}\u{10ffff}")))
}

fn has_all_tags(tags: &BTreeMap<String, TagFilter>) -> Option<Cond> {
    if tags.is_empty() {
        return None;
    }
    let mut all = Cond::all();
    for (key, value) in tags {
        let value = match value {
            TagFilter::Is(value) => Expr::col(run_tags::VALUE).eq(value.as_str()),
            TagFilter::In(values) => {
                Expr::col(run_tags::VALUE).is_in(values.iter().map(String::as_str))
            }
        };
        let tagged = Query::select()
            .column(run_tags::RUN_ID)
            .from(run_tags::TABLE)
            .and_where(Expr::col(run_tags::KEY).eq(key.as_str()))
            .and_where(value)
            .take();
        all = all.add(Expr::col((runs::TABLE, runs::RUN_ID)).in_subquery(tagged));
    }
    Some(all)
}
