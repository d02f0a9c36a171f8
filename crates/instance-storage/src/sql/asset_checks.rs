//! Statements on executions of asset checks.

use chrono::NaiveDateTime;
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::ids::StorageId;
use instance_core::storage::{
    AssetCheckExecutionRecordStatus, CheckExecutionsPage, PartitionKeyFilter,
};
use sea_query::{
    Cond, DeleteStatement, Expr, ExprTrait, Func, InsertStatement, Order, Query, SelectStatement,
    UpdateStatement,
};

use crate::sql::bounded::BoundedText;
use crate::sql::tables::asset_check_executions::{
    ASSET_KEY, CHECK_NAME, CREATE_TIMESTAMP, EVALUATION_EVENT, EVALUATION_EVENT_STORAGE_ID,
    EVALUATION_EVENT_TIMESTAMP, EXECUTION_STATUS, ID, MATERIALIZATION_EVENT_STORAGE_ID, PARTITION,
    RUN_ID, TABLE,
};
use crate::sql::{countable, is_one_of};

/// What an event says of the execution of a check.
#[derive(Debug, Clone)]
pub(crate) struct CheckExecution {
    pub(crate) asset_key: String,
    pub(crate) check_name: String,
    pub(crate) partition: Option<String>,
    pub(crate) run_id: String,
    pub(crate) status: AssetCheckExecutionRecordStatus,
    pub(crate) event: String,
    pub(crate) event_timestamp: NaiveDateTime,
    pub(crate) event_storage_id: StorageId,
    pub(crate) materialization_storage_id: Option<StorageId>,
}

impl CheckExecution {
    /// Its texts that may be too long.
    pub(crate) fn bounded(&self) -> impl Iterator<Item = BoundedText<'_>> {
        let partition = self.partition.as_deref();
        [
            BoundedText::column("run id", &self.run_id, 255),
            BoundedText::indexed("asset key", &self.asset_key),
            BoundedText::indexed("name of the asset check", &self.check_name),
        ]
        .into_iter()
        .chain(partition.map(|partition| BoundedText::indexed("partition key", partition)))
    }
}

/// Stores executions; there is at least one.
pub(crate) fn insert(executions: &[CheckExecution]) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(TABLE).columns([
        ASSET_KEY,
        CHECK_NAME,
        PARTITION,
        RUN_ID,
        EXECUTION_STATUS,
        EVALUATION_EVENT,
        EVALUATION_EVENT_TIMESTAMP,
        EVALUATION_EVENT_STORAGE_ID,
        MATERIALIZATION_EVENT_STORAGE_ID,
    ]);
    for execution in executions {
        insert.values_panic([
            execution.asset_key.as_str().into(),
            execution.check_name.as_str().into(),
            Expr::val(execution.partition.clone()),
            execution.run_id.as_str().into(),
            execution.status.as_str().into(),
            execution.event.as_str().into(),
            execution.event_timestamp.into(),
            execution.event_storage_id.0.into(),
            Expr::val(execution.materialization_storage_id.map(|id| id.0)),
        ]);
    }
    insert
}

/// Changes the planned execution that an evaluation ends.
pub(crate) fn update(execution: &CheckExecution) -> UpdateStatement {
    Query::update()
        .table(TABLE)
        .value(EXECUTION_STATUS, execution.status.as_str())
        .value(EVALUATION_EVENT, execution.event.as_str())
        .value(EVALUATION_EVENT_TIMESTAMP, execution.event_timestamp)
        .value(EVALUATION_EVENT_STORAGE_ID, execution.event_storage_id.0)
        .value(
            MATERIALIZATION_EVENT_STORAGE_ID,
            execution.materialization_storage_id.map(|id| id.0),
        )
        .and_where(Expr::col(ASSET_KEY).eq(execution.asset_key.as_str()))
        .and_where(Expr::col(CHECK_NAME).eq(execution.check_name.as_str()))
        .and_where(Expr::col(RUN_ID).eq(execution.run_id.as_str()))
        .and_where(is_of_partition(execution.partition.as_deref()))
        .take()
}

/// Executions of a check, newest first.
pub(crate) fn select_history(page: &CheckExecutionsPage) -> SelectStatement {
    let mut select = select();
    select
        .and_where(Expr::col(ASSET_KEY).eq(page.check_key.asset_key.to_db_string()))
        .and_where(Expr::col(CHECK_NAME).eq(page.check_key.name.as_str()))
        .order_by(ID, Order::Desc)
        .limit(countable(page.limit));
    if let Some(filter) = &page.partition_filter {
        select.and_where(is_of_partition(filter.key.as_deref()));
    }
    if let Some(cursor) = page.cursor {
        select.and_where(Expr::col(ID).lt(cursor.0));
    }
    if let Some(statuses) = page.statuses.as_slice() {
        let names = statuses.iter().map(|status| status.as_str());
        select.and_where(Expr::col(EXECUTION_STATUS).is_in(names));
    }
    select
}

/// The names of the checks of an asset that have an execution.
pub(crate) fn select_names(asset_key: &AssetKey) -> SelectStatement {
    Query::select()
        .distinct()
        .column(CHECK_NAME)
        .from(TABLE)
        .and_where(Expr::col(ASSET_KEY).eq(asset_key.to_db_string()))
        .take()
}

/// The last execution of each check.
pub(crate) fn select_latest(
    check_keys: &[AssetCheckKey],
    filter: Option<&PartitionKeyFilter>,
) -> SelectStatement {
    let is_check = |key: &AssetCheckKey| {
        Cond::all()
            .add(Expr::col(ASSET_KEY).eq(key.asset_key.to_db_string()))
            .add(Expr::col(CHECK_NAME).eq(key.name.as_str()))
    };
    let mut latest = Query::select();
    latest
        .expr(Func::max(Expr::col(ID)))
        .from(TABLE)
        .cond_where(check_keys.iter().map(is_check).fold(Cond::any(), Cond::add))
        .group_by_columns([ASSET_KEY, CHECK_NAME]);
    if let Some(filter) = filter {
        latest.and_where(is_of_partition(filter.key.as_deref()));
    }
    let mut select = select();
    select.and_where(Expr::col(ID).in_subquery(latest));
    select
}

/// The last execution of each partition of a check.
pub(crate) fn select_latest_by_partition(
    check_key: &AssetCheckKey,
    partitions: Option<&[String]>,
) -> SelectStatement {
    let mut latest = Query::select();
    latest
        .expr(Func::max(Expr::col(ID)))
        .from(TABLE)
        .and_where(Expr::col(ASSET_KEY).eq(check_key.asset_key.to_db_string()))
        .and_where(Expr::col(CHECK_NAME).eq(check_key.name.as_str()))
        // Rows that old versions planned have no event.
        .and_where(Expr::col(EVALUATION_EVENT_STORAGE_ID).is_not_null())
        .group_by_col(PARTITION);
    if let Some(partitions) = partitions {
        latest.and_where(Expr::col(PARTITION).is_in(partitions.iter().map(String::as_str)));
    }
    Query::select()
        .columns([
            ID,
            PARTITION,
            EXECUTION_STATUS,
            EVALUATION_EVENT_STORAGE_ID,
            MATERIALIZATION_EVENT_STORAGE_ID,
            RUN_ID,
        ])
        .from(TABLE)
        .and_where(Expr::col(ID).in_subquery(latest))
        .take()
}

fn select() -> SelectStatement {
    Query::select()
        .columns([
            ID,
            ASSET_KEY,
            CHECK_NAME,
            RUN_ID,
            EXECUTION_STATUS,
            EVALUATION_EVENT,
            CREATE_TIMESTAMP,
            PARTITION,
        ])
        .from(TABLE)
        .take()
}

fn is_of_partition(partition: Option<&str>) -> Expr {
    match partition {
        Some(partition) => Expr::col(PARTITION).eq(partition),
        None => Expr::col(PARTITION).is_null(),
    }
}

/// Deletes the executions of the checks of assets.
pub(crate) fn delete_of_assets(asset_keys: &[String]) -> DeleteStatement {
    let keys = asset_keys.iter().map(String::as_str);
    Query::delete().from_table(TABLE).and_where(is_one_of(ASSET_KEY, keys)).take()
}

/// Deletes the executions of checks of partitions of an asset.
pub(crate) fn delete_of_partitions(asset_key: &str, partitions: &[String]) -> DeleteStatement {
    let names = partitions.iter().map(String::as_str);
    Query::delete()
        .from_table(TABLE)
        .and_where(Expr::col(ASSET_KEY).eq(asset_key))
        .and_where(is_one_of(PARTITION, names))
        .take()
}
