//! Statements of the data migrations of runs and backfills. What is left to do is found by the rows themselves, so that
//! nobody has to remember how far a migration came.

use instance_core::scheduling::BulkActionStatus;
use instance_core::tags;
use sea_query::{
    Alias, Cond, Expr, ExprTrait, Func, InsertStatement, LockType, OnConflict, Order, Query,
    SelectStatement, UpdateStatement,
};

use crate::sql::tables::{backfill_tags, bulk_actions, run_tags, runs};
use crate::sql::{countable, is_one_of, is_one_of_ids};

/// The runs behind a row, to a last one, whose body names a partition and its set, and whose columns do not.
pub(crate) fn select_runs_without_partition(after: i64, last: i64) -> SelectStatement {
    let named = format!("%\"{}\"%", tags::PARTITION_SET);
    select_runs(after, last)
        .cond_where(lacks_partition())
        .and_where(Expr::col(runs::RUN_BODY).like(named))
        .take()
}

/// Names the partition of a run and its set, unless somebody has named both meanwhile.
pub(crate) fn update_partition(id: i64, partition: &str, partition_set: &str) -> UpdateStatement {
    Query::update()
        .table(runs::TABLE)
        .value(runs::PARTITION, partition)
        .value(runs::PARTITION_SET, partition_set)
        .and_where(Expr::col(runs::ID).eq(id))
        .cond_where(lacks_partition())
        .take()
}

fn lacks_partition() -> Cond {
    Cond::any()
        .add(Expr::col(runs::PARTITION).is_null())
        .add(Expr::col(runs::PARTITION_SET).is_null())
}

/// The runs behind a row, to a last one, that have no tag with the label of their repository.
pub(crate) fn select_runs_without_label(after: i64, last: i64) -> SelectStatement {
    select_runs(after, last).and_where(has_label().not()).take()
}

/// Gives a run the tag with the label of its repository, unless it has one or is gone. It is not deleted before the
/// transaction ends. Somebody else may give it the tag at the same moment; then that one stays.
pub(crate) fn insert_label(id: i64, label: &str) -> InsertStatement {
    let run = Query::select()
        .column(runs::RUN_ID)
        .exprs([Expr::val(tags::REPOSITORY_LABEL), Expr::val(label)])
        .from(runs::TABLE)
        .and_where(Expr::col(runs::ID).eq(id))
        .and_where(has_label().not())
        .lock(LockType::KeyShare)
        .take();
    let columns = [run_tags::RUN_ID, run_tags::KEY, run_tags::VALUE];
    insert_selected(run_tags::TABLE, columns, run)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .to_owned()
}

fn has_label() -> Expr {
    let labels = Query::select()
        .expr(Expr::val(1))
        .from(run_tags::TABLE)
        .and_where(
            Expr::col((run_tags::TABLE, run_tags::RUN_ID)).equals((runs::TABLE, runs::RUN_ID)),
        )
        .and_where(Expr::col((run_tags::TABLE, run_tags::KEY)).eq(tags::REPOSITORY_LABEL))
        .take();
    Expr::exists(labels)
}

fn select_runs(after: i64, last: i64) -> SelectStatement {
    Query::select()
        .columns([runs::ID, runs::RUN_BODY])
        .from(runs::TABLE)
        .and_where(Expr::col(runs::ID).gt(after))
        .and_where(Expr::col(runs::ID).lte(last))
        .order_by(runs::ID, Order::Asc)
        .take()
}

/// The tags behind a row, to a last one, that name the backfills of runs whose columns name none.
pub(crate) fn select_tags_of_backfills(after: i64, last: i64) -> SelectStatement {
    Query::select()
        .column((run_tags::TABLE, run_tags::ID))
        .from(run_tags::TABLE)
        .and_where(Expr::col((run_tags::TABLE, run_tags::KEY)).eq(tags::BACKFILL_ID))
        .inner_join(
            runs::TABLE,
            Expr::col((runs::TABLE, runs::RUN_ID)).equals((run_tags::TABLE, run_tags::RUN_ID)),
        )
        .and_where(Expr::col((runs::TABLE, runs::BACKFILL_ID)).is_null())
        .and_where(Expr::col((run_tags::TABLE, run_tags::ID)).gt(after))
        .and_where(Expr::col((run_tags::TABLE, run_tags::ID)).lte(last))
        .order_by((run_tags::TABLE, run_tags::ID), Order::Asc)
        .take()
}

/// Names the backfills of the runs of these tags. Of several tags, the first counts.
pub(crate) fn update_backfill_ids(tag_ids: &[i64]) -> UpdateStatement {
    let first = Query::select()
        .column((run_tags::TABLE, run_tags::VALUE))
        .from(run_tags::TABLE)
        .and_where(
            Expr::col((run_tags::TABLE, run_tags::RUN_ID)).equals((runs::TABLE, runs::RUN_ID)),
        )
        .and_where(Expr::col((run_tags::TABLE, run_tags::KEY)).eq(tags::BACKFILL_ID))
        .order_by((run_tags::TABLE, run_tags::ID), Order::Asc)
        .limit(1)
        .take();
    let of_tags = Query::select()
        .column(run_tags::RUN_ID)
        .from(run_tags::TABLE)
        .and_where(is_one_of_ids(run_tags::ID, tag_ids.iter().copied()))
        .take();
    Query::update()
        .table(runs::TABLE)
        .value(runs::BACKFILL_ID, Expr::SubQuery(None, Box::new(first.into())))
        .and_where(Expr::col(runs::BACKFILL_ID).is_null())
        .and_where(Expr::col(runs::RUN_ID).in_subquery(of_tags))
        .take()
}

/// The backfills behind a row, to a last one, whose kind is not said.
pub(crate) fn select_backfills_without_type(after: i64, last: i64) -> SelectStatement {
    select_backfills(after, last).and_where(Expr::col(bulk_actions::ACTION_TYPE).is_null()).take()
}

/// Says the kind of a backfill and its set of partitions.
pub(crate) fn update_type(
    id: i64,
    action_type: &str,
    selector_id: Option<&str>,
) -> UpdateStatement {
    Query::update()
        .table(bulk_actions::TABLE)
        .value(bulk_actions::SELECTOR_ID, Expr::val(selector_id))
        .value(bulk_actions::ACTION_TYPE, action_type)
        .and_where(Expr::col(bulk_actions::ID).eq(id))
        .and_where(Expr::col(bulk_actions::ACTION_TYPE).is_null())
        .take()
}

/// The backfills before a row, newest first.
pub(crate) fn select_backfills_before(before: i64, limit: u64) -> SelectStatement {
    Query::select()
        .columns([bulk_actions::ID, bulk_actions::BODY])
        .from(bulk_actions::TABLE)
        .and_where(Expr::col(bulk_actions::ID).lt(before))
        .order_by(bulk_actions::ID, Order::Desc)
        .limit(countable(limit))
        .take()
}

/// Gives a backfill a tag, unless it has one of the key or is gone.
pub(crate) fn insert_tag_of_backfill(id: i64, key: &str, value: &str) -> InsertStatement {
    let tagged = Query::select()
        .expr(Expr::val(1))
        .from(backfill_tags::TABLE)
        .and_where(
            Expr::col((backfill_tags::TABLE, backfill_tags::BACKFILL_ID))
                .equals((bulk_actions::TABLE, bulk_actions::KEY)),
        )
        .and_where(Expr::col((backfill_tags::TABLE, backfill_tags::KEY)).eq(key))
        .take();
    let backfill = Query::select()
        .column((bulk_actions::TABLE, bulk_actions::KEY))
        .exprs([Expr::val(key), Expr::val(value)])
        .from(bulk_actions::TABLE)
        .and_where(Expr::col((bulk_actions::TABLE, bulk_actions::ID)).eq(id))
        .and_where(Expr::exists(tagged).not())
        .take();
    let columns = [backfill_tags::BACKFILL_ID, backfill_tags::KEY, backfill_tags::VALUE];
    insert_selected(backfill_tags::TABLE, columns, backfill)
}

/// Names the job of a backfill, unless it is named.
pub(crate) fn update_job_name(id: i64, job_name: &str) -> UpdateStatement {
    Query::update()
        .table(bulk_actions::TABLE)
        .value(bulk_actions::JOB_NAME, job_name)
        .and_where(Expr::col(bulk_actions::ID).eq(id))
        .and_where(Expr::col(bulk_actions::JOB_NAME).is_null())
        .take()
}

/// The backfills behind a row, to a last one, that have ended and whose bodies do not say when.
pub(crate) fn select_backfills_without_end(after: i64, last: i64) -> SelectStatement {
    // The name of the field as a body has it; in a text within the body, its quotes would have backslashes.
    const FIELD: &str = "\"backfill_end_timestamp\": ";
    let is_like = |pattern: String| Expr::col(bulk_actions::BODY).like(pattern);
    select_backfills(after, last)
        .and_where(
            Expr::col(bulk_actions::STATUS)
                .is_in(BulkActionStatus::ENDED.map(BulkActionStatus::as_str)),
        )
        .cond_where(
            Cond::any()
                .add(is_like(format!("%{FIELD}%")).not())
                .add(is_like(format!("%{FIELD}null%"))),
        )
        .take()
}

/// The same backfill as it is now.
pub(crate) fn select_backfill(id: i64) -> SelectStatement {
    Query::select()
        .columns([bulk_actions::ID, bulk_actions::BODY])
        .from(bulk_actions::TABLE)
        .and_where(Expr::col(bulk_actions::ID).eq(id))
        .take()
}

/// Replaces the body of a backfill if it is still this one.
pub(crate) fn replace_body(
    id: i64,
    old: &str,
    status: BulkActionStatus,
    new: &str,
) -> UpdateStatement {
    Query::update()
        .table(bulk_actions::TABLE)
        .value(bulk_actions::STATUS, status.as_str())
        .value(bulk_actions::BODY, new)
        .and_where(Expr::col(bulk_actions::ID).eq(id))
        .and_where(Expr::col(bulk_actions::BODY).eq(old))
        .take()
}

/// The name of the column with the time at which the last run of a backfill ended.
pub(crate) const LAST_END: &str = "last_end";

/// For each of these backfills that has runs: the greatest time at which one of them ended. A run that has not ended
/// counts as one that ended in 1970.
pub(crate) fn select_last_ends<'a>(
    backfill_ids: impl ExactSizeIterator<Item = &'a str>,
) -> SelectStatement {
    let end = Func::coalesce([Expr::col((runs::TABLE, runs::END_TIME)), Expr::val(0.0)]);
    Query::select()
        .column((run_tags::TABLE, run_tags::VALUE))
        .expr_as(Func::max(Expr::from(end)), Alias::new(LAST_END))
        .from(run_tags::TABLE)
        .inner_join(
            runs::TABLE,
            Expr::col((runs::TABLE, runs::RUN_ID)).equals((run_tags::TABLE, run_tags::RUN_ID)),
        )
        .and_where(Expr::col((run_tags::TABLE, run_tags::KEY)).eq(tags::BACKFILL_ID))
        .and_where(is_one_of((run_tags::TABLE, run_tags::VALUE), backfill_ids))
        .group_by_col((run_tags::TABLE, run_tags::VALUE))
        .take()
}

fn select_backfills(after: i64, last: i64) -> SelectStatement {
    Query::select()
        .columns([bulk_actions::ID, bulk_actions::BODY])
        .from(bulk_actions::TABLE)
        .and_where(Expr::col(bulk_actions::ID).gt(after))
        .and_where(Expr::col(bulk_actions::ID).lte(last))
        .order_by(bulk_actions::ID, Order::Asc)
        .take()
}

#[expect(clippy::expect_used, reason = "each selection has three columns")]
fn insert_selected(
    table: &'static str,
    columns: [&'static str; 3],
    select: SelectStatement,
) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(table).columns(columns).select_from(select).expect("three columns");
    insert
}
