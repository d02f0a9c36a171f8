//! Statements on pools.

use instance_core::ids::RunId;
use sea_query::{
    Asterisk, CaseStatement, Cond, DeleteStatement, Expr, ExprTrait, Func, InsertStatement,
    LockBehavior, LockType, OnConflict, Order, Query, SelectStatement, UnionType, UpdateStatement,
};

use crate::sql::bounded::BoundedText;
use crate::sql::capabilities::{Capabilities, Feature};
use crate::sql::tables::{concurrency_limits, concurrency_slots, pending_steps};
use crate::sql::{Dialect, countable, is_one_of};

/// The name of a pool, which may be too long.
pub(crate) const fn bounded(concurrency_key: &str) -> [BoundedText<'_>; 1] {
    [BoundedText::column("pool", concurrency_key, 512)]
}

/// The texts of a step that waits which may be too long.
pub(crate) fn bounded_pending<'a>(
    concurrency_key: &'a str,
    run_id: &'a RunId,
    step_key: &'a str,
) -> [BoundedText<'a>; 3] {
    [
        BoundedText::indexed("pool", concurrency_key),
        BoundedText::indexed("run id", run_id.as_str()),
        BoundedText::indexed("step key", step_key),
    ]
}

/// Gives a pool a limit of its own.
pub(crate) fn upsert_limit(
    concurrency_key: &str,
    limit: i64,
    has: Capabilities,
) -> InsertStatement {
    let mut insert = insert_limit(concurrency_key, limit, false, has);
    let mut conflict = OnConflict::column(concurrency_limits::CONCURRENCY_KEY);
    conflict.update_column(concurrency_limits::LIMIT);
    if has.has(Feature::DefaultPoolLimits) {
        conflict.update_column(concurrency_limits::USING_DEFAULT_LIMIT);
    }
    insert.on_conflict(conflict);
    insert
}

/// Gives a pool the instance's default. One that has a limit keeps whether it is its own.
pub(crate) fn upsert_default_limit(
    concurrency_key: &str,
    limit: i64,
    has: Capabilities,
) -> InsertStatement {
    let mut insert = insert_limit(concurrency_key, limit, true, has);
    insert.on_conflict(
        OnConflict::column(concurrency_limits::CONCURRENCY_KEY)
            .update_column(concurrency_limits::LIMIT)
            .to_owned(),
    );
    insert
}

fn insert_limit(
    concurrency_key: &str,
    limit: i64,
    is_default: bool,
    has: Capabilities,
) -> InsertStatement {
    let mut columns = vec![concurrency_limits::CONCURRENCY_KEY, concurrency_limits::LIMIT];
    let mut values = vec![concurrency_key.into(), limit.into()];
    if has.has(Feature::DefaultPoolLimits) {
        columns.push(concurrency_limits::USING_DEFAULT_LIMIT);
        values.push(is_default.into());
    }
    Query::insert()
        .into_table(concurrency_limits::TABLE)
        .columns(columns)
        .values_panic(values)
        .take()
}

/// Takes the limit of a pool away.
pub(crate) fn delete_limit(concurrency_key: &str) -> DeleteStatement {
    Query::delete()
        .from_table(concurrency_limits::TABLE)
        .and_where(Expr::col(concurrency_limits::CONCURRENCY_KEY).eq(concurrency_key))
        .take()
}

/// The limits of all pools, or of some.
pub(crate) fn select_limits(
    concurrency_keys: Option<&[String]>,
    has: Capabilities,
) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            concurrency_limits::ID,
            concurrency_limits::CONCURRENCY_KEY,
            concurrency_limits::LIMIT,
        ])
        .from(concurrency_limits::TABLE)
        .order_by(concurrency_limits::ID, Order::Asc);
    if has.has(Feature::DefaultPoolLimits) {
        select.column(concurrency_limits::USING_DEFAULT_LIMIT);
    }
    if let Some(keys) = concurrency_keys {
        let keys = keys.iter().map(String::as_str);
        select.and_where(is_one_of(concurrency_limits::CONCURRENCY_KEY, keys));
    }
    select
}

/// A row if any pool has a limit.
pub(crate) fn select_any_limit() -> SelectStatement {
    Query::select().column(concurrency_limits::ID).from(concurrency_limits::TABLE).limit(1).take()
}

/// The column of a count.
pub(crate) const COUNT: &str = "count";

/// How many slots each pool has, for databases of versions that knew no limits.
pub(crate) fn select_slot_counts() -> SelectStatement {
    Query::select()
        .column(concurrency_slots::CONCURRENCY_KEY)
        .expr_as(Func::count(Expr::col(Asterisk)), COUNT)
        .from(concurrency_slots::TABLE)
        .and_where(Expr::col(concurrency_slots::DELETED).eq(false))
        .group_by_col(concurrency_slots::CONCURRENCY_KEY)
        .take()
}

/// How many slots a pool has.
pub(crate) fn count_slots(concurrency_key: &str) -> SelectStatement {
    Query::select()
        .expr(Func::count(Expr::col(Asterisk)))
        .from(concurrency_slots::TABLE)
        .and_where(Expr::col(concurrency_slots::CONCURRENCY_KEY).eq(concurrency_key))
        .and_where(Expr::col(concurrency_slots::DELETED).eq(false))
        .take()
}

/// Slots of a pool that are to be taken away: free ones first, then the newest.
pub(crate) fn select_surplus_slots(concurrency_key: &str, count: u64) -> SelectStatement {
    let is_free =
        CaseStatement::new().case(Expr::col(concurrency_slots::RUN_ID).is_null(), 1).finally(0);
    Query::select()
        .column(concurrency_slots::ID)
        .from(concurrency_slots::TABLE)
        .and_where(Expr::col(concurrency_slots::CONCURRENCY_KEY).eq(concurrency_key))
        .and_where(Expr::col(concurrency_slots::DELETED).eq(false))
        .order_by_expr(is_free.into(), Order::Desc)
        .order_by(concurrency_slots::ID, Order::Desc)
        .limit(countable(count))
        .take()
}

/// Marks slots as gone.
pub(crate) fn mark_slots_deleted(ids: &[i64]) -> UpdateStatement {
    Query::update()
        .table(concurrency_slots::TABLE)
        .value(concurrency_slots::DELETED, true)
        .and_where(Expr::col(concurrency_slots::ID).is_in(ids.iter().copied()))
        .take()
}

/// Deletes slots that are gone and free.
pub(crate) fn delete_free_deleted_slots() -> DeleteStatement {
    Query::delete()
        .from_table(concurrency_slots::TABLE)
        .and_where(Expr::col(concurrency_slots::DELETED).eq(true))
        .and_where(Expr::col(concurrency_slots::RUN_ID).is_null())
        .take()
}

/// Adds slots to a pool; there is at least one.
pub(crate) fn insert_slots(concurrency_key: &str, count: i64) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(concurrency_slots::TABLE).columns([
        concurrency_slots::CONCURRENCY_KEY,
        concurrency_slots::RUN_ID,
        concurrency_slots::STEP_KEY,
        concurrency_slots::DELETED,
    ]);
    let nobody = || Expr::val(None::<String>);
    for _ in 0..count {
        insert.values_panic([concurrency_key.into(), nobody(), nobody(), false.into()]);
    }
    insert
}

/// The slots of pools.
pub(crate) fn select_slots(concurrency_keys: &[String]) -> SelectStatement {
    Query::select()
        .columns([
            concurrency_slots::ID,
            concurrency_slots::CONCURRENCY_KEY,
            concurrency_slots::RUN_ID,
            concurrency_slots::STEP_KEY,
            concurrency_slots::DELETED,
        ])
        .from(concurrency_slots::TABLE)
        .and_where(is_one_of(
            concurrency_slots::CONCURRENCY_KEY,
            concurrency_keys.iter().map(String::as_str),
        ))
        .order_by(concurrency_slots::ID, Order::Asc)
        .take()
}

/// A slot of a pool that nobody has and nobody else is taking.
pub(crate) fn select_free_slot(concurrency_key: &str, dialect: Dialect) -> SelectStatement {
    let mut select = Query::select();
    select
        .column(concurrency_slots::ID)
        .from(concurrency_slots::TABLE)
        .and_where(Expr::col(concurrency_slots::CONCURRENCY_KEY).eq(concurrency_key))
        .and_where(Expr::col(concurrency_slots::STEP_KEY).is_null())
        .and_where(Expr::col(concurrency_slots::DELETED).eq(false))
        .limit(1);
    if dialect == Dialect::Postgres {
        select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    select
}

/// Gives a slot to a step.
pub(crate) fn claim_slot(id: i64, run_id: &RunId, step_key: &str) -> UpdateStatement {
    Query::update()
        .table(concurrency_slots::TABLE)
        .value(concurrency_slots::RUN_ID, run_id.as_str())
        .value(concurrency_slots::STEP_KEY, step_key)
        .and_where(Expr::col(concurrency_slots::ID).eq(id))
        .take()
}

/// A row if a step has a slot of a pool.
pub(crate) fn select_claimed_slot(
    concurrency_key: &str,
    run_id: &RunId,
    step_key: &str,
) -> SelectStatement {
    Query::select()
        .column(concurrency_slots::ID)
        .from(concurrency_slots::TABLE)
        .and_where(Expr::col(concurrency_slots::CONCURRENCY_KEY).eq(concurrency_key))
        .and_where(Expr::col(concurrency_slots::RUN_ID).eq(run_id.as_str()))
        .and_where(Expr::col(concurrency_slots::STEP_KEY).eq(step_key))
        .limit(1)
        .take()
}

/// Deletes the slots of a run, or of one of its steps, that are gone.
pub(crate) fn delete_deleted_slots_of(run_id: &RunId, step_key: Option<&str>) -> DeleteStatement {
    let mut delete = Query::delete();
    delete
        .from_table(concurrency_slots::TABLE)
        .and_where(Expr::col(concurrency_slots::RUN_ID).eq(run_id.as_str()))
        .and_where(Expr::col(concurrency_slots::DELETED).eq(true));
    if let Some(step_key) = step_key {
        delete.and_where(Expr::col(concurrency_slots::STEP_KEY).eq(step_key));
    }
    delete
}

/// A row for each slot and each wait of a run, or of one of its steps.
pub(crate) fn select_held_or_wanted(run_id: &RunId, step_key: Option<&str>) -> SelectStatement {
    let rows_of = |table: &'static str| {
        let mut select = Query::select();
        select.expr(Expr::val(1)).from(table).cond_where(is_of(run_id, step_key));
        select
    };
    rows_of(concurrency_slots::TABLE)
        .union(UnionType::All, rows_of(pending_steps::TABLE))
        .limit(1)
        .take()
}

/// Frees the slots of a run, or of one of its steps.
pub(crate) fn free_slots_of(run_id: &RunId, step_key: Option<&str>) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(concurrency_slots::TABLE)
        .value(concurrency_slots::RUN_ID, None::<String>)
        .value(concurrency_slots::STEP_KEY, None::<String>)
        .and_where(Expr::col(concurrency_slots::RUN_ID).eq(run_id.as_str()));
    if let Some(step_key) = step_key {
        update.and_where(Expr::col(concurrency_slots::STEP_KEY).eq(step_key));
    }
    update
}

/// The steps of pools that wait, or for which a slot is set aside.
pub(crate) fn select_pending(concurrency_keys: &[String]) -> SelectStatement {
    let mut select = select_pending_columns();
    select
        .and_where(is_one_of(
            pending_steps::CONCURRENCY_KEY,
            concurrency_keys.iter().map(String::as_str),
        ))
        .order_by(pending_steps::ID, Order::Asc);
    select
}

/// One step, if it waits or a slot is set aside for it.
pub(crate) fn select_pending_step(
    concurrency_key: &str,
    run_id: &RunId,
    step_key: &str,
) -> SelectStatement {
    let mut select = select_pending_columns();
    select
        .and_where(Expr::col(pending_steps::CONCURRENCY_KEY).eq(concurrency_key))
        .and_where(Expr::col(pending_steps::RUN_ID).eq(run_id.as_str()))
        .and_where(Expr::col(pending_steps::STEP_KEY).eq(step_key));
    select
}

fn select_pending_columns() -> SelectStatement {
    Query::select()
        .columns([
            pending_steps::ID,
            pending_steps::CONCURRENCY_KEY,
            pending_steps::RUN_ID,
            pending_steps::STEP_KEY,
            pending_steps::PRIORITY,
            pending_steps::ASSIGNED_TIMESTAMP,
            pending_steps::CREATE_TIMESTAMP,
        ])
        .from(pending_steps::TABLE)
        .take()
}

/// For how many steps slots of a pool are set aside.
pub(crate) fn count_assigned(concurrency_key: &str) -> SelectStatement {
    Query::select()
        .expr(Func::count(Expr::col(Asterisk)))
        .from(pending_steps::TABLE)
        .and_where(Expr::col(pending_steps::CONCURRENCY_KEY).eq(concurrency_key))
        .and_where(Expr::col(pending_steps::ASSIGNED_TIMESTAMP).is_not_null())
        .take()
}

/// Lets a step wait, or sets a slot aside for it at once.
pub(crate) fn insert_pending(
    concurrency_key: &str,
    run_id: &RunId,
    step_key: &str,
    priority: i64,
    is_assigned: bool,
) -> InsertStatement {
    let assigned = if is_assigned {
        Expr::current_timestamp()
    } else {
        Expr::val(None::<chrono::NaiveDateTime>)
    };
    Query::insert()
        .into_table(pending_steps::TABLE)
        .columns([
            pending_steps::RUN_ID,
            pending_steps::STEP_KEY,
            pending_steps::CONCURRENCY_KEY,
            pending_steps::PRIORITY,
            pending_steps::ASSIGNED_TIMESTAMP,
        ])
        .values_panic([
            run_id.as_str().into(),
            step_key.into(),
            concurrency_key.into(),
            priority.into(),
            assigned,
        ])
        .on_conflict(
            OnConflict::columns([
                pending_steps::CONCURRENCY_KEY,
                pending_steps::RUN_ID,
                pending_steps::STEP_KEY,
            ])
            .do_nothing()
            .to_owned(),
        )
        .take()
}

/// Sets slots of a pool aside for so many of the steps that wait. The greatest priority comes first, then the
/// longest wait.
pub(crate) fn assign_pending(concurrency_key: &str, count: u64) -> UpdateStatement {
    let next = Query::select()
        .column(pending_steps::ID)
        .from(pending_steps::TABLE)
        .and_where(Expr::col(pending_steps::CONCURRENCY_KEY).eq(concurrency_key))
        .and_where(Expr::col(pending_steps::ASSIGNED_TIMESTAMP).is_null())
        .order_by(pending_steps::PRIORITY, Order::Desc)
        .order_by(pending_steps::CREATE_TIMESTAMP, Order::Asc)
        .order_by(pending_steps::ID, Order::Asc)
        .limit(countable(count))
        .take();
    Query::update()
        .table(pending_steps::TABLE)
        .value(pending_steps::ASSIGNED_TIMESTAMP, Expr::current_timestamp())
        .and_where(Expr::col(pending_steps::ID).in_subquery(next))
        .take()
}

/// The steps of a run, or one of them, in the pools where they wait or have something set aside.
pub(crate) fn select_pending_of(run_id: &RunId, step_key: Option<&str>) -> SelectStatement {
    let mut select = select_pending_columns();
    select.cond_where(is_of(run_id, step_key));
    select
}

/// Forgets the steps of a run, or one of them.
pub(crate) fn delete_pending_of(run_id: &RunId, step_key: Option<&str>) -> DeleteStatement {
    Query::delete().from_table(pending_steps::TABLE).cond_where(is_of(run_id, step_key)).take()
}

fn is_of(run_id: &RunId, step_key: Option<&str>) -> Cond {
    Cond::all()
        .add(Expr::col(pending_steps::RUN_ID).eq(run_id.as_str()))
        .add_option(step_key.map(|step_key| Expr::col(pending_steps::STEP_KEY).eq(step_key)))
}

/// The runs of the steps that wait, or for which a slot is set aside.
pub(crate) fn select_run_ids() -> SelectStatement {
    Query::select()
        .distinct()
        .column(pending_steps::RUN_ID)
        .from(pending_steps::TABLE)
        .and_where(Expr::col(pending_steps::RUN_ID).is_not_null())
        .take()
}

/// The runs that have slots.
pub(crate) fn select_slot_run_ids() -> SelectStatement {
    Query::select()
        .distinct()
        .column(concurrency_slots::RUN_ID)
        .from(concurrency_slots::TABLE)
        .and_where(Expr::col(concurrency_slots::RUN_ID).is_not_null())
        .take()
}
