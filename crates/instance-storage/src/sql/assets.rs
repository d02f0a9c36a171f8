//! Statements on assets.

use chrono::{DateTime, NaiveDateTime, Utc};
use instance_core::asset_key::AssetKey;
use instance_core::event::DagsterEventType;
use instance_core::ids::StorageId;
use instance_core::storage::{AssetKeysPage, Only};
use sea_query::{
    Cond, Expr, ExprTrait, Func, InsertStatement, OnConflict, Order, Query, SelectStatement,
    UpdateStatement,
};

use crate::sql::bounded::BoundedText;
use crate::sql::capabilities::{Capabilities, Feature};
use crate::sql::tables::{asset_event_tags, asset_keys, event_logs};
use crate::sql::{Dialect, by_characters, countable, starts_with};

/// The key of an asset, which may be too long.
pub(crate) const fn bounded(asset_key: &str) -> BoundedText<'_> {
    BoundedText::column("asset key", asset_key, 512)
}

/// What an event changes of an asset's row. What is `None` stays as it is.
#[derive(Debug, Clone)]
pub(crate) struct AssetChange {
    pub(crate) asset_key: String,
    pub(crate) last_materialization: Option<String>,
    pub(crate) last_run_id: Option<String>,
    pub(crate) last_materialization_timestamp: DateTime<Utc>,
}

/// Creates or changes the rows of assets, each of which is named once; there is at least one.
pub(crate) fn upsert(changes: &[AssetChange]) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(asset_keys::TABLE).columns([
        asset_keys::ASSET_KEY,
        asset_keys::LAST_MATERIALIZATION,
        asset_keys::LAST_RUN_ID,
        asset_keys::LAST_MATERIALIZATION_TIMESTAMP,
    ]);
    for change in changes {
        insert.values_panic([
            change.asset_key.as_str().into(),
            Expr::val(change.last_materialization.clone()),
            Expr::val(change.last_run_id.clone()),
            change.last_materialization_timestamp.into(),
        ]);
    }
    let kept = |column: &'static str| {
        let new = Expr::col(("excluded", column));
        (column, Func::coalesce([new, Expr::col((asset_keys::TABLE, column))]).into())
    };
    insert.on_conflict(
        OnConflict::column(asset_keys::ASSET_KEY)
            .values([kept(asset_keys::LAST_MATERIALIZATION), kept(asset_keys::LAST_RUN_ID)])
            .update_column(asset_keys::LAST_MATERIALIZATION_TIMESTAMP)
            .to_owned(),
    );
    insert
}

/// Stores the keys of assets that have no row yet; there is at least one.
pub(crate) fn insert_missing(asset_keys: &[&str]) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(asset_keys::TABLE).columns([asset_keys::ASSET_KEY]);
    for key in asset_keys {
        insert.values_panic([(*key).into()]);
    }
    insert.on_conflict(OnConflict::column(asset_keys::ASSET_KEY).do_nothing().to_owned());
    insert
}

/// A tag of an asset event.
#[derive(Debug, Clone)]
pub(crate) struct AssetEventTag {
    pub(crate) event_id: StorageId,
    pub(crate) asset_key: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) event_timestamp: NaiveDateTime,
}

impl AssetEventTag {
    /// Its texts that may be too long.
    pub(crate) fn bounded(&self) -> impl Iterator<Item = BoundedText<'_>> {
        let asset_key = BoundedText::indexed("asset key", &self.asset_key);
        BoundedText::of_tag(&self.key, &self.value).into_iter().chain([asset_key])
    }
}

/// Stores tags of asset events; there is at least one.
pub(crate) fn insert_event_tags(tags: &[AssetEventTag]) -> InsertStatement {
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
            tag.event_timestamp.into(),
        ]);
    }
    insert
}

/// The rows of assets that were not wiped after their last event, by key ascending.
pub(crate) fn select_records(asset_keys: &Only<AssetKey>, has: Capabilities) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            asset_keys::ID,
            asset_keys::ASSET_KEY,
            asset_keys::LAST_MATERIALIZATION,
            asset_keys::LAST_RUN_ID,
            asset_keys::ASSET_DETAILS,
            asset_keys::WIPE_TIMESTAMP,
        ])
        .from(asset_keys::TABLE)
        .cond_where(is_there())
        .order_by(asset_keys::ASSET_KEY, Order::Asc);
    if has.has(Feature::CachedStatus) {
        select.column(asset_keys::CACHED_STATUS_DATA);
    }
    if let Some(keys) = asset_keys.as_slice() {
        select.and_where(is_one_of(keys));
    }
    select
}

/// The keys of assets that were not wiped after their last event, ascending.
pub(crate) fn select_keys(page: &AssetKeysPage, dialect: Dialect) -> SelectStatement {
    let key = || by_characters(asset_keys::ASSET_KEY, dialect);
    let mut select = Query::select();
    select
        .column(asset_keys::ASSET_KEY)
        .from(asset_keys::TABLE)
        .cond_where(is_there())
        .order_by_expr(key(), Order::Asc);
    if !page.prefix.is_empty() {
        select.and_where(starts_with(asset_keys::ASSET_KEY, &page.db_prefix()));
    }
    if let Some(cursor) = &page.cursor {
        select.and_where(key().gt(cursor.as_str()));
    }
    if let Some(limit) = page.limit {
        select.limit(countable(limit));
    }
    select
}

/// A row if an asset was not wiped after its last event.
pub(crate) fn select_key(asset_key: &AssetKey) -> SelectStatement {
    Query::select()
        .column(asset_keys::ASSET_KEY)
        .from(asset_keys::TABLE)
        .cond_where(is_there())
        .and_where(Expr::col(asset_keys::ASSET_KEY).eq(asset_key.to_db_string()))
        .take()
}

fn is_there() -> Cond {
    Cond::any().add(Expr::col(asset_keys::WIPE_TIMESTAMP).is_null()).add(
        Expr::col(asset_keys::LAST_MATERIALIZATION_TIMESTAMP)
            .gt(Expr::col(asset_keys::WIPE_TIMESTAMP)),
    )
}

fn is_one_of(keys: &[AssetKey]) -> Expr {
    is_one_of_keys(asset_keys::ASSET_KEY, keys)
}

fn is_one_of_keys(column: &'static str, keys: &[AssetKey]) -> Expr {
    let keys: Vec<_> = keys.iter().map(AssetKey::to_db_string).collect();
    crate::sql::is_one_of(column, keys.iter().map(String::as_str))
}

/// The last event of a type about each of these assets.
pub(crate) fn select_latest_events(
    keys: &[AssetKey],
    event_type: DagsterEventType,
) -> SelectStatement {
    const LATEST: &str = "latest";
    let latest = Query::select()
        .expr_as(Func::max(Expr::col(event_logs::ID)), event_logs::ID)
        .from(event_logs::TABLE)
        .and_where(is_one_of_keys(event_logs::ASSET_KEY, keys))
        .and_where(Expr::col(event_logs::DAGSTER_EVENT_TYPE).eq(event_type.as_str()))
        .group_by_col(event_logs::ASSET_KEY)
        .take();
    Query::select()
        .columns([
            (event_logs::TABLE, event_logs::ID),
            (event_logs::TABLE, event_logs::ASSET_KEY),
            (event_logs::TABLE, event_logs::EVENT),
        ])
        .from_subquery(latest, LATEST)
        .inner_join(
            event_logs::TABLE,
            Expr::col((event_logs::TABLE, event_logs::ID)).equals((LATEST, event_logs::ID)),
        )
        .take()
}

/// Replaces the cached status of an asset.
pub(crate) fn update_cached_status(asset_key: &AssetKey, status: String) -> UpdateStatement {
    Query::update()
        .table(asset_keys::TABLE)
        .value(asset_keys::CACHED_STATUS_DATA, status)
        .and_where(Expr::col(asset_keys::ASSET_KEY).eq(asset_key.to_db_string()))
        .take()
}

/// Deletes the cached status of assets.
pub(crate) fn delete_cached_status(keys: &[String]) -> UpdateStatement {
    Query::update()
        .table(asset_keys::TABLE)
        .value(asset_keys::CACHED_STATUS_DATA, Expr::val(None::<String>))
        .and_where(is_one_of_texts(keys))
        .take()
}

/// The rows of assets, which others who want to change them wait for. In the order in which events change them, so that
/// two transactions never wait for each other. Postgres needs it; SQLite has one writer.
pub(crate) fn select_to_change(keys: &[String]) -> SelectStatement {
    Query::select()
        .column(asset_keys::ID)
        .from(asset_keys::TABLE)
        .and_where(is_one_of_texts(keys))
        .order_by_expr(by_characters(asset_keys::ASSET_KEY, Dialect::Postgres), Order::Asc)
        .lock_exclusive()
        .take()
}

fn is_one_of_texts(keys: &[String]) -> Expr {
    crate::sql::is_one_of(asset_keys::ASSET_KEY, keys.iter().map(String::as_str))
}

/// Forgets what is known of assets.
pub(crate) fn update_wiped(
    keys: &[String],
    details: String,
    at: DateTime<Utc>,
    has: Capabilities,
) -> UpdateStatement {
    let nothing = || Expr::val(None::<String>);
    let mut update = Query::update();
    update
        .table(asset_keys::TABLE)
        .value(asset_keys::ASSET_DETAILS, details)
        .value(asset_keys::LAST_MATERIALIZATION, nothing())
        .value(asset_keys::LAST_RUN_ID, nothing())
        .value(asset_keys::WIPE_TIMESTAMP, at)
        .and_where(is_one_of_texts(keys));
    if has.has(Feature::CachedStatus) {
        update.value(asset_keys::CACHED_STATUS_DATA, nothing());
    }
    update
}

/// What is known of an asset: when it was last wiped.
pub(crate) fn select_details(asset_key: &AssetKey) -> SelectStatement {
    Query::select()
        .columns([asset_keys::ID, asset_keys::ASSET_DETAILS])
        .from(asset_keys::TABLE)
        .and_where(Expr::col(asset_keys::ASSET_KEY).eq(asset_key.to_db_string()))
        .take()
}

/// What an asset's row says of its last events, for a change: in Postgres others who want to change the row wait.
pub(crate) fn select_last_to_change(asset_key: &str, dialect: Dialect) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([asset_keys::ID, asset_keys::LAST_MATERIALIZATION, asset_keys::LAST_RUN_ID])
        .from(asset_keys::TABLE)
        .and_where(Expr::col(asset_keys::ASSET_KEY).eq(asset_key));
    if dialect == Dialect::Postgres {
        select.lock_exclusive();
    }
    select
}

/// What a wipe of partitions does to a column of an asset's row.
#[derive(Debug, Clone, Default)]
pub(crate) enum Column {
    /// It stays as it is.
    #[default]
    Kept,
    /// It has this text, or none.
    Set(Option<String>),
}

/// What a wipe of partitions changes of an asset's row.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastEvents {
    /// The last materialisation.
    pub(crate) last_materialization: Column,
    /// The last run.
    pub(crate) last_run_id: Column,
}

/// Replaces what an asset's row says of its last events, and deletes its cached status. `None` if there is nothing to
/// do.
pub(crate) fn update_last(
    asset_key: &str,
    last: LastEvents,
    has: Capabilities,
) -> Option<UpdateStatement> {
    let mut update = Query::update();
    update.table(asset_keys::TABLE).and_where(Expr::col(asset_keys::ASSET_KEY).eq(asset_key));
    if has.has(Feature::CachedStatus) {
        update.value(asset_keys::CACHED_STATUS_DATA, Expr::val(None::<String>));
    }
    if let Column::Set(record) = last.last_materialization {
        update.value(asset_keys::LAST_MATERIALIZATION, record);
    }
    if let Column::Set(run_id) = last.last_run_id {
        update.value(asset_keys::LAST_RUN_ID, run_id);
    }
    (!update.get_values().is_empty()).then_some(update)
}
