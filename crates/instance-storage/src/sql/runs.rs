//! Statements on runs and their tags.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use instance_core::ids::RunId;
use instance_core::run::{DagsterRun, DagsterRunStatus, RunsFilter, TagFilter};
use instance_core::serdes::serialize_value;
use instance_core::storage::{Only, Order, RunTagsQuery, RunTimes, RunsOrderBy, RunsPage};
use instance_core::tags;
use sea_query::{
    CommonTableExpression, Cond, DeleteStatement, Expr, ExprTrait, Func, InsertStatement,
    IntoColumnRef, OnConflict, Query, SelectStatement, UnionType, UpdateStatement, WithQuery,
};

use crate::sql::bounded::BoundedText;
use crate::sql::capabilities::{Capabilities, Feature, Mark};
use crate::sql::tables::{run_tags, runs};
use crate::sql::{
    Dialect, by_characters, countable, direction, is_one_of, starts_with, tagged, without_index,
    without_int_index,
};

/// Stores a run; its time of creation is given, that of its last change is the database's default.
pub(crate) fn insert_run(
    run: &DagsterRun,
    created_at: DateTime<Utc>,
    has: Capabilities,
) -> InsertStatement {
    let tag = |name: &str| Expr::val(run.tags.get(name).cloned());
    let mut columns = vec![
        runs::RUN_ID,
        runs::SNAPSHOT_ID,
        runs::PIPELINE_NAME,
        runs::STATUS,
        runs::RUN_BODY,
        runs::PARTITION,
        runs::PARTITION_SET,
        runs::CREATE_TIMESTAMP,
    ];
    let mut values = vec![
        run.run_id.as_str().into(),
        Expr::val(run.job_snapshot_id.as_ref().map(|id| id.as_str().to_owned())),
        run.job_name.as_str().into(),
        run.status.as_str().into(),
        serialize_value(run).into(),
        tag(tags::PARTITION),
        tag(tags::PARTITION_SET),
        created_at.into(),
    ];
    if has.has(Feature::RunBackfillIds) {
        columns.push(runs::BACKFILL_ID);
        values.push(tag(tags::BACKFILL_ID));
    }
    Query::insert()
        .into_table(runs::TABLE)
        .columns(columns)
        .values_panic(values)
        .on_conflict(OnConflict::column(runs::RUN_ID).do_nothing().to_owned())
        .take()
}

/// The texts of a run's row that may be too long.
pub(crate) fn bounded(run: &DagsterRun) -> impl Iterator<Item = BoundedText<'_>> {
    let tag = |name: &str| run.tags.get(name).map(String::as_str);
    [
        BoundedText::column("run id", run.run_id.as_str(), 255),
        BoundedText::indexed("job", &run.job_name),
    ]
    .into_iter()
    .chain(tag(tags::PARTITION).map(|key| BoundedText::indexed("partition key", key)))
    .chain(tag(tags::PARTITION_SET).map(|name| BoundedText::indexed("partition set", name)))
    .chain(tag(tags::BACKFILL_ID).map(|id| BoundedText::column("backfill", id, 255)))
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
    // Left to choose, SQLite takes the index on keys, and reads the tags of all runs.
    let of_run = Query::select()
        .column(run_tags::ID)
        .from(run_tags::TABLE)
        .and_where(Expr::col(run_tags::RUN_ID).eq(run_id.as_str()))
        .take();
    Query::update()
        .table(run_tags::TABLE)
        .value(run_tags::VALUE, value)
        .and_where(Expr::col(run_tags::ID).in_subquery(of_run))
        .and_where(without_index(run_tags::KEY).eq(key))
        .take()
}

/// What an event changes of a run's row.
#[derive(Debug)]
pub(crate) struct RunChange<'a> {
    pub(crate) run: &'a DagsterRun,
    pub(crate) updated_at: DateTime<Utc>,
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

/// The same for a run that has a status. Others may write the status without looking at what it was, and so the
/// statement itself has to.
pub(crate) fn update_run_from(change: &RunChange<'_>, from: DagsterRunStatus) -> UpdateStatement {
    // Left to choose, Postgres takes the index on statuses if its statistics know no run with this one. By then there may be
    // thousands.
    let status = Func::coalesce([Expr::col(runs::STATUS), Expr::cust("''")]);
    update_run(change).and_where(Expr::from(status).eq(from.as_str())).to_owned()
}

/// Replaces the times at which a run began and ended by those that are known, unless it has another status by now. There
/// is no statement if none is known.
pub(crate) fn update_times(times: &RunTimes) -> Option<UpdateStatement> {
    let mut update = Query::update();
    update
        .table(runs::TABLE)
        .and_where(Expr::col(runs::RUN_ID).eq(times.run_id.as_str()))
        .and_where(Expr::col(runs::STATUS).eq(times.status.as_str()));
    let known = [(runs::START_TIME, times.start_time), (runs::END_TIME, times.end_time)];
    let mut known = known.into_iter().filter_map(|(column, time)| Some((column, time?))).peekable();
    known.peek()?;
    for (column, time) in known {
        update.value(column, time);
    }
    Some(update)
}

/// The runs that match, with the columns of a run record.
pub(crate) fn select_runs(
    filter: &RunsFilter,
    page: &RunsPage,
    has: Capabilities,
) -> SelectStatement {
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
        .cond_where(matches(filter, has));
    select_page(&mut select, filter, page);
    select
}

/// The ids of the runs that match.
pub(crate) fn select_run_ids(
    filter: &RunsFilter,
    page: &RunsPage,
    has: Capabilities,
) -> SelectStatement {
    let mut select = Query::select();
    select.column(runs::RUN_ID).from(runs::TABLE).cond_where(matches(filter, has));
    select_page(&mut select, filter, page);
    select
}

/// What is to be known of the runs of partitions, newest first.
pub(crate) fn select_run_partitions(filter: &RunsFilter, has: Capabilities) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            runs::ID,
            runs::RUN_ID,
            runs::STATUS,
            runs::START_TIME,
            runs::END_TIME,
            runs::PARTITION,
        ])
        .from(runs::TABLE)
        .cond_where(matches(filter, has))
        .and_where(Expr::col(runs::PARTITION).is_not_null());
    select_page(&mut select, filter, &RunsPage::default());
    select
}

/// Whether a filter names statuses of runs that go on. Of those there are few, however many runs there are.
fn is_of_few(filter: &RunsFilter) -> bool {
    let statuses = filter.statuses.as_slice().unwrap_or_default();
    !statuses.is_empty() && !statuses.iter().any(|status| status.is_finished())
}

/// A column of text. Its index is not taken where the one on statuses finds few runs.
fn column_of(filter: &RunsFilter, column: impl IntoColumnRef) -> Expr {
    if is_of_few(filter) { without_index(column) } else { Expr::col(column) }
}

fn select_page(select: &mut SelectStatement, filter: &RunsFilter, page: &RunsPage) {
    let id = || {
        if is_of_few(filter) { without_int_index(runs::ID) } else { Expr::col(runs::ID) }
    };
    let column = match page.order_by {
        RunsOrderBy::CreateTimestamp => runs::CREATE_TIMESTAMP,
        RunsOrderBy::UpdateTimestamp => runs::UPDATE_TIMESTAMP,
        RunsOrderBy::StartTime => runs::START_TIME,
        RunsOrderBy::EndTime => runs::END_TIME,
        _ => runs::ID,
    };
    if column != runs::ID {
        select.order_by(column, direction(page.order));
    }
    // Runs of the same time, in the order in which they were written.
    select.order_by_expr(id(), direction(page.order));
    if let Some(cursor) = &page.cursor {
        let row = Query::select()
            .column(runs::ID)
            .from(runs::TABLE)
            .and_where(Expr::col(runs::RUN_ID).eq(cursor.as_str()))
            .take();
        let row = Expr::SubQuery(None, Box::new(row.into()));
        select.and_where(match page.order {
            Order::Ascending => id().gt(row),
            Order::Descending => id().lt(row),
        });
    }
    if let Some(limit) = page.limit {
        select.limit(countable(limit));
    }
}

/// How many runs match.
pub(crate) fn count_runs(filter: &RunsFilter, has: Capabilities) -> SelectStatement {
    Query::select()
        .expr(Func::count(Expr::col(runs::ID)))
        .from(runs::TABLE)
        .cond_where(matches(filter, has))
        .take()
}

fn matches(filter: &RunsFilter, has: Capabilities) -> Cond {
    let after = |column: &'static str, time: DateTime<Utc>| Expr::col(column).gt(time.naive_utc());
    let before = |column: &'static str, time: DateTime<Utc>| Expr::col(column).lt(time.naive_utc());
    Cond::all()
        .add_option(is_one_of_ids(&filter.run_ids))
        .add_option(filter.run_id_prefix.as_deref().map(begins_with))
        .add_option(
            filter.job_name.as_deref().map(|name| column_of(filter, runs::PIPELINE_NAME).eq(name)),
        )
        .add_option(has_one_of_statuses(&filter.statuses))
        .add_option(
            filter.snapshot_id.as_ref().map(|id| Expr::col(runs::SNAPSHOT_ID).eq(id.as_str())),
        )
        .add_option(filter.updated_after.map(|time| after(runs::UPDATE_TIMESTAMP, time)))
        .add_option(filter.updated_before.map(|time| before(runs::UPDATE_TIMESTAMP, time)))
        .add_option(filter.created_after.map(|time| after(runs::CREATE_TIMESTAMP, time)))
        .add_option(filter.created_before.map(|time| before(runs::CREATE_TIMESTAMP, time)))
        .add_option(filter.exclude_subruns.then(|| is_of_no_backfill(filter, has)))
        .add_option(has_all_tags(filter))
}

/// Whether a run is of no backfill: by its column, if the data migration has filled that for all runs, else by its
/// tags.
fn is_of_no_backfill(filter: &RunsFilter, has: Capabilities) -> Expr {
    if has.is_built(Mark::RunBackfillId) {
        return column_of(filter, runs::BACKFILL_ID).is_null();
    }
    let of_backfills = Query::select()
        .column(run_tags::RUN_ID)
        .from(run_tags::TABLE)
        .and_where(Expr::col(run_tags::KEY).eq(tags::BACKFILL_ID))
        // One that is nothing would make all others unknown.
        .and_where(Expr::col(run_tags::RUN_ID).is_not_null())
        .take();
    Expr::col(runs::RUN_ID).not_in_subquery(of_backfills)
}

fn has_all_tags(filter: &RunsFilter) -> Option<Cond> {
    let tags = &filter.tags;
    let place = [run_tags::TABLE, run_tags::RUN_ID, run_tags::KEY, run_tags::VALUE];
    let has = |tagged| column_of(filter, (runs::TABLE, runs::RUN_ID)).in_subquery(tagged);
    (!tags.is_empty()).then(|| tagged(tags, place).map(has).fold(Cond::all(), Cond::add))
}

fn is_one_of_ids(ids: &Only<RunId>) -> Option<Expr> {
    ids.as_slice().map(|ids| is_one_of(runs::RUN_ID, ids.iter().map(RunId::as_str)))
}

fn has_one_of_statuses(statuses: &Only<DagsterRunStatus>) -> Option<Expr> {
    let statuses = statuses.as_slice()?;
    Some(Expr::col(runs::STATUS).is_in(statuses.iter().map(|status| status.as_str())))
}

/// Exactly these characters, as no collation of Postgres may have a say; the index on ids still serves to
/// begin at the prefix.
fn begins_with(prefix: &str) -> Cond {
    Cond::all().add(Expr::col(runs::RUN_ID).gte(prefix)).add(starts_with(runs::RUN_ID, prefix))
}

/// A run with the columns of a run record.
pub(crate) fn select_run(run_id: &RunId) -> SelectStatement {
    let filter = RunsFilter::new().with_run_ids(Only::one(run_id.clone()));
    select_runs(&filter, &RunsPage::default(), Capabilities::HEAD)
}

/// The same for a change. In Postgres others who want to change the run wait, or one of the changes would be
/// lost; SQLite has one writer.
pub(crate) fn select_run_to_change(run_id: &RunId, dialect: Dialect) -> SelectStatement {
    let mut select = select_run(run_id);
    if dialect == Dialect::Postgres {
        select.lock_exclusive();
    }
    select
}

/// The runs that re-execute a run, directly or not.
pub(crate) fn select_reexecutions(root_run_id: &RunId) -> SelectStatement {
    let root = TagFilter::Is(root_run_id.to_string());
    let tags = BTreeMap::from([(tags::ROOT_RUN_ID.to_owned(), root)]);
    let order = Order::Ascending;
    let page = RunsPage::new().with_order(order);
    select_runs(&RunsFilter::new().with_tags(tags), &page, Capabilities::HEAD)
}

/// The values that tags have.
pub(crate) fn select_tags(query: &RunTagsQuery, dialect: Dialect) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([run_tags::KEY, run_tags::VALUE])
        .from(run_tags::TABLE)
        .and_where(is_one_of(run_tags::KEY, query.tag_keys.iter().map(String::as_str)))
        .order_by_expr(by_characters(run_tags::KEY, dialect), sea_query::Order::Asc)
        .order_by_expr(by_characters(run_tags::VALUE, dialect), sea_query::Order::Asc);
    if dialect == Dialect::Postgres {
        // It orders what is distinct by nothing but the columns themselves.
        select.group_by_columns([run_tags::KEY, run_tags::VALUE]);
    } else {
        select.distinct();
    }
    if let Some(prefix) = &query.value_prefix {
        select.and_where(starts_with(run_tags::VALUE, prefix));
    }
    if let Some(limit) = query.limit {
        select.limit(countable(limit));
    }
    select
}

/// The keys of all tags, from one to the next in the index: there are few, and each has many tags.
pub(crate) fn select_tag_keys() -> WithQuery {
    const KEYS: &str = "keys";
    let least_key = || {
        let key = Expr::col((run_tags::TABLE, run_tags::KEY));
        Query::select().expr(Func::min(key)).from(run_tags::TABLE).take()
    };
    let known = || Expr::col((KEYS, run_tags::KEY));
    let next =
        least_key().and_where(Expr::col((run_tags::TABLE, run_tags::KEY)).gt(known())).take();
    let next = Query::select()
        .expr(Expr::SubQuery(None, Box::new(next.into())))
        .from(KEYS)
        .and_where(known().is_not_null())
        .take();
    let mut keys = CommonTableExpression::new();
    keys.table_name(KEYS)
        .column(run_tags::KEY)
        .query(least_key().union(UnionType::All, next).take());
    Query::select()
        .column(run_tags::KEY)
        .from(KEYS)
        .and_where(known().is_not_null())
        .take()
        .with(Query::with().recursive(true).cte(keys).to_owned())
}

/// Replaces the body of a run and the columns that follow from its tags.
pub(crate) fn update_tagged_run(run: &DagsterRun, updated_at: DateTime<Utc>) -> UpdateStatement {
    Query::update()
        .table(runs::TABLE)
        .value(runs::RUN_BODY, serialize_value(run))
        .value(runs::PARTITION, run.tags.get(tags::PARTITION).cloned())
        .value(runs::PARTITION_SET, run.tags.get(tags::PARTITION_SET).cloned())
        .value(runs::UPDATE_TIMESTAMP, updated_at)
        .and_where(Expr::col(runs::RUN_ID).eq(run.run_id.as_str()))
        .take()
}

/// Replaces the body of a run.
pub(crate) fn update_run_body(run: &DagsterRun) -> UpdateStatement {
    Query::update()
        .table(runs::TABLE)
        .value(runs::RUN_BODY, serialize_value(run))
        .and_where(Expr::col(runs::RUN_ID).eq(run.run_id.as_str()))
        .take()
}

/// Deletes the tags of a run.
pub(crate) fn delete_tags(run_id: &RunId) -> DeleteStatement {
    Query::delete()
        .from_table(run_tags::TABLE)
        .and_where(Expr::col(run_tags::RUN_ID).eq(run_id.as_str()))
        .take()
}

/// Deletes a run.
pub(crate) fn delete_run(run_id: &RunId) -> DeleteStatement {
    Query::delete()
        .from_table(runs::TABLE)
        .and_where(Expr::col(runs::RUN_ID).eq(run_id.as_str()))
        .take()
}
