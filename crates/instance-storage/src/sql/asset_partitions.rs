//! Statements on what events say of the partitions of assets.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use instance_core::asset_key::AssetKey;
use instance_core::event::DagsterEventType;
use instance_core::ids::StorageId;
use sea_query::{
    Alias, Cond, DeleteStatement, Expr, ExprTrait, Func, Order, Query, SelectStatement,
    UpdateStatement, WindowStatement,
};

use crate::sql::events::{is_after_wipe, is_between, is_later_than_wipe, is_of_types, wiped_at};
use crate::sql::packed::packed;
use crate::sql::tables::{asset_event_tags, asset_keys, event_logs};
use crate::sql::{Dialect, VALUES_PER_STATEMENT, is_one_of, without_index};

/// The name of the sub-query of last events.
const LATEST: &str = "latest";

/// Which events of an asset's partitions are meant.
#[derive(Debug, Clone)]
pub(crate) struct PartitionEvents<'a> {
    pub(crate) asset_key: &'a AssetKey,
    pub(crate) of_types: &'a [DagsterEventType],
    /// `None` means all partitions.
    pub(crate) partitions: Option<&'a [String]>,
    pub(crate) after: Option<StorageId>,
    pub(crate) before: Option<StorageId>,
    /// When the asset was last wiped. To ask for the time of each event costs as much as all else, so it is
    /// not done for an asset that never was.
    pub(crate) wiped_at: Option<NaiveDateTime>,
}

impl<'a> PartitionEvents<'a> {
    /// The same events, of so many partitions at once as one statement can name.
    pub(crate) fn chunked(&self) -> Vec<PartitionEvents<'a>> {
        match self.partitions {
            Some(partitions) if partitions.len() > VALUES_PER_STATEMENT => partitions
                .chunks(VALUES_PER_STATEMENT)
                .map(|chunk| PartitionEvents { partitions: Some(chunk), ..self.clone() })
                .collect(),
            _ => vec![self.clone()],
        }
    }
}

/// The id of the last event of each type of each partition.
pub(crate) fn select_latest_ids(events: &PartitionEvents<'_>) -> SelectStatement {
    last_ids(events)
        .column(event_logs::DAGSTER_EVENT_TYPE)
        .group_by_columns([event_logs::DAGSTER_EVENT_TYPE, event_logs::PARTITION])
        .take()
}

/// The id of the last event of each partition with the partition, packed, in any order.
pub(crate) fn select_packed_latest_ids(
    events: &PartitionEvents<'_>,
    dialect: Dialect,
) -> SelectStatement {
    let ids = last_ids(events).group_by_col(event_logs::PARTITION).take();
    packed(ids, [event_logs::ID, event_logs::PARTITION], dialect)
}

/// The greatest id of a group of events with its partition.
fn last_ids(events: &PartitionEvents<'_>) -> SelectStatement {
    let asset_key = events.asset_key.to_db_string();
    let mut select = Query::select();
    select
        .column(event_logs::PARTITION)
        .expr_as(Func::max(Expr::col(event_logs::ID)), event_logs::ID)
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::ASSET_KEY).eq(asset_key.as_str()))
        .and_where(Expr::col(event_logs::PARTITION).is_not_null())
        .and_where(is_of_types(events.of_types))
        .cond_where(is_between(events.after, events.before));
    if let Some(wiped_at) = events.wiped_at {
        select.and_where(Expr::col(event_logs::TIMESTAMP).gt(wiped_at));
    }
    if let Some(partitions) = events.partitions {
        let names = partitions.iter().map(String::as_str);
        select.and_where(Expr::col(event_logs::PARTITION).is_in(names));
    }
    select
}

/// The type, partition, run and id of the last event of each type of each partition.
pub(crate) fn select_latest_runs(events: &PartitionEvents<'_>) -> SelectStatement {
    Query::select()
        .columns([
            (event_logs::TABLE, event_logs::DAGSTER_EVENT_TYPE),
            (event_logs::TABLE, event_logs::PARTITION),
            (event_logs::TABLE, event_logs::RUN_ID),
            (event_logs::TABLE, event_logs::ID),
        ])
        .from_subquery(select_latest_ids(events), LATEST)
        .inner_join(
            event_logs::TABLE,
            Expr::col((event_logs::TABLE, event_logs::ID)).equals((LATEST, event_logs::ID)),
        )
        .take()
}

/// The tags of the last event of each partition.
pub(crate) fn select_latest_tags(
    events: &PartitionEvents<'_>,
    tag_keys: &[String],
) -> SelectStatement {
    let tags = asset_event_tags::TABLE;
    Query::select()
        .column((LATEST, event_logs::PARTITION))
        .columns([(tags, asset_event_tags::KEY), (tags, asset_event_tags::VALUE)])
        .from_subquery(select_latest_ids(events), LATEST)
        .inner_join(
            tags,
            Expr::col((tags, asset_event_tags::EVENT_ID)).equals((LATEST, event_logs::ID)),
        )
        .and_where(
            Expr::col((tags, asset_event_tags::KEY)).is_in(tag_keys.iter().map(String::as_str)),
        )
        .take()
}

/// How often each partition of these assets was materialised since it was last wiped.
pub(crate) fn select_counts(of_assets: &[String], dialect: Dialect) -> SelectStatement {
    const COUNT: &str = "count";
    let (events, assets) = (event_logs::TABLE, asset_keys::TABLE);
    let keys = of_assets.iter().map(String::as_str);
    Query::select()
        .columns([(events, event_logs::ASSET_KEY), (events, event_logs::PARTITION)])
        .expr_as(Func::count(Expr::col((events, event_logs::ID))), COUNT)
        .from(events)
        .left_join(
            assets,
            Expr::col((assets, asset_keys::ASSET_KEY)).equals((events, event_logs::ASSET_KEY)),
        )
        .and_where(is_one_of((events, event_logs::ASSET_KEY), keys))
        .and_where(is_of_types(&[DagsterEventType::AssetMaterialization]))
        .and_where(Expr::col((events, event_logs::PARTITION)).is_not_null())
        .cond_where(
            Cond::any()
                .add(Expr::col((assets, asset_keys::WIPE_TIMESTAMP)).is_null())
                .add(Expr::col((events, event_logs::TIMESTAMP)).gt(wiped_at(dialect))),
        )
        .group_by_columns([(events, event_logs::ASSET_KEY), (events, event_logs::PARTITION)])
        .take()
}

/// The data version of each partition that its last event with one has.
pub(crate) fn select_data_versions(
    asset_key: &AssetKey,
    partitions: &[String],
    after: Option<StorageId>,
    before: Option<StorageId>,
) -> SelectStatement {
    const RANK: &str = "rank";
    const RANKED: &str = "ranked";
    let asset_key = asset_key.to_db_string();
    let tags = asset_event_tags::TABLE;
    let window = WindowStatement::partition_by((event_logs::TABLE, event_logs::PARTITION))
        .order_by((event_logs::TABLE, event_logs::ID), Order::Desc)
        .take();
    let names = partitions.iter().map(String::as_str);
    let ranked = Query::select()
        .column((event_logs::TABLE, event_logs::PARTITION))
        .column((tags, asset_event_tags::VALUE))
        .expr_window_as(Func::cust("row_number"), window, Alias::new(RANK))
        .from(event_logs::TABLE)
        .inner_join(
            tags,
            Expr::col((tags, asset_event_tags::EVENT_ID))
                .equals((event_logs::TABLE, event_logs::ID)),
        )
        .and_where(is_of_types(&[
            DagsterEventType::AssetMaterialization,
            DagsterEventType::AssetObservation,
        ]))
        .and_where(Expr::col((event_logs::TABLE, event_logs::ASSET_KEY)).eq(asset_key.as_str()))
        .and_where(Expr::col((event_logs::TABLE, event_logs::PARTITION)).is_in(names))
        // By their events: an asset has tags of many more than those of these partitions.
        .and_where(without_index((tags, asset_event_tags::ASSET_KEY)).eq(asset_key.as_str()))
        .and_where(Expr::col((tags, asset_event_tags::KEY)).eq(instance_core::tags::DATA_VERSION))
        .cond_where(is_between(after, before))
        .take();
    Query::select()
        .columns([event_logs::PARTITION, asset_event_tags::VALUE])
        .from_subquery(ranked, RANKED)
        .and_where(Expr::col(RANK).eq(1))
        .take()
}

/// The indexed tags of an asset's events, of those that have all tags of a filter.
pub(crate) fn select_event_tags(
    asset_key: &AssetKey,
    filter_tags: &BTreeMap<String, String>,
    filter_event_id: Option<StorageId>,
    dialect: Dialect,
) -> SelectStatement {
    use asset_event_tags::{ASSET_KEY, EVENT_ID, EVENT_TIMESTAMP, ID, KEY, TABLE, VALUE};

    let asset_key = asset_key.to_db_string();
    // With a filter, by the events that it finds.
    let asset =
        if filter_tags.is_empty() { Expr::col(ASSET_KEY) } else { without_index(ASSET_KEY) };
    let mut select = Query::select();
    select
        .columns([ID, KEY, VALUE, EVENT_ID])
        .from(TABLE)
        .and_where(asset.eq(asset_key.as_str()))
        .and_where(is_later_than_wipe(&asset_key, (TABLE, EVENT_TIMESTAMP), dialect))
        .order_by(ID, Order::Asc);
    for (key, value) in filter_tags {
        let tagged = Query::select()
            .column(EVENT_ID)
            .from(TABLE)
            .and_where(Expr::col(ASSET_KEY).eq(asset_key.as_str()))
            .and_where(Expr::col(KEY).eq(key.as_str()))
            .and_where(Expr::col(VALUE).eq(value.as_str()))
            .take();
        select.and_where(Expr::col(EVENT_ID).in_subquery(tagged));
    }
    if let Some(id) = filter_event_id {
        select.and_where(Expr::col(EVENT_ID).eq(id.0));
    }
    select
}

/// The types of events that are about a partition. An index finds partitions of an asset by them.
const OF_PARTITIONS: &[DagsterEventType] = &[
    DagsterEventType::AssetMaterialization,
    DagsterEventType::AssetObservation,
    DagsterEventType::AssetMaterializationPlanned,
    DagsterEventType::AssetFailedToMaterialize,
];

/// The events about partitions of an asset.
fn is_of_partitions(asset_key: &str, partitions: &[String]) -> Cond {
    let names = partitions.iter().map(String::as_str);
    Cond::all()
        .add(Expr::col(event_logs::ASSET_KEY).eq(asset_key))
        .add(is_of_types(OF_PARTITIONS))
        .add(is_one_of(event_logs::PARTITION, names))
}

/// The runs that have events about partitions of an asset.
pub(crate) fn select_runs_of_partitions(asset_key: &str, partitions: &[String]) -> SelectStatement {
    Query::select()
        .distinct()
        .column(event_logs::RUN_ID)
        .from(event_logs::TABLE)
        .cond_where(is_of_partitions(asset_key, partitions))
        .take()
}

/// Whether a run has events of these types about partitions of an asset; a row if it has.
pub(crate) fn select_of_run_and_partitions(
    run_id: &str,
    of_types: &[DagsterEventType],
    asset_key: &str,
    partitions: &[String],
) -> SelectStatement {
    Query::select()
        .column(event_logs::ID)
        .from(event_logs::TABLE)
        .cond_where(is_of_partitions(asset_key, partitions))
        .and_where(is_of_types(of_types))
        .and_where(without_index(event_logs::RUN_ID).eq(run_id))
        .limit(1)
        .take()
}

/// Deletes the tags of events about partitions of an asset; the events are changed next.
pub(crate) fn delete_tags_of_partitions(asset_key: &str, partitions: &[String]) -> DeleteStatement {
    let events = Query::select()
        .column(event_logs::ID)
        .from(event_logs::TABLE)
        .cond_where(is_of_partitions(asset_key, partitions))
        .take();
    Query::delete()
        .from_table(asset_event_tags::TABLE)
        .and_where(Expr::col(asset_event_tags::EVENT_ID).in_subquery(events))
        .take()
}

/// Deletes the events about partitions of an asset.
pub(crate) fn delete_of_partitions(asset_key: &str, partitions: &[String]) -> DeleteStatement {
    Query::delete()
        .from_table(event_logs::TABLE)
        .cond_where(is_of_partitions(asset_key, partitions))
        .take()
}

/// Makes the events about partitions of an asset be about neither. They stay in the logs of their runs.
pub(crate) fn update_of_partitions(asset_key: &str, partitions: &[String]) -> UpdateStatement {
    Query::update()
        .table(event_logs::TABLE)
        .value(event_logs::ASSET_KEY, Expr::val(None::<String>))
        .value(event_logs::PARTITION, Expr::val(None::<String>))
        .cond_where(is_of_partitions(asset_key, partitions))
        .take()
}

/// The last event of these types about an asset since it was last wiped: its id, body and run.
pub(crate) fn select_last_since_wipe(
    asset_key: &str,
    of_types: &[DagsterEventType],
    dialect: Dialect,
) -> SelectStatement {
    // By the greatest id, so that no bodies are sorted.
    let last = Query::select()
        .expr(Func::max(Expr::col(event_logs::ID)))
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::ASSET_KEY).eq(asset_key))
        .and_where(is_of_types(of_types))
        .and_where(is_after_wipe(asset_key, dialect))
        .take();
    Query::select()
        .columns([event_logs::ID, event_logs::EVENT, event_logs::RUN_ID])
        .from(event_logs::TABLE)
        .and_where(Expr::col(event_logs::ID).in_subquery(last))
        .take()
}
