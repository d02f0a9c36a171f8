//! The wipe of partitions of an asset: every row that names what was wiped is repaired.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use instance_core::asset_key::AssetKey;
use instance_core::error::StorageError;
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogRecord};
use instance_core::ids::RunId;
use instance_core::storage::WipedAssetPartitions;

use super::SqlEventLogStorage;
use super::assets::{last_materialization, stored_materialization};
use super::events::record;
use crate::db::{Connection, Operation, Row, Written};
use crate::sql::assets::{Column, LastEvents};
use crate::sql::capabilities::Feature;
use crate::sql::tables::{asset_keys, event_logs};
use crate::sql::{asset_checks, asset_partitions, assets};

/// By what the statements differ.
const FEATURES: &[Feature] =
    &[Feature::AssetEventTags, Feature::AssetChecks, Feature::CachedStatus];

const WIPING: &str = "wiping partitions of an asset";

/// The events whose run is the last run of an asset.
const OF_LAST_RUN: &[DagsterEventType] =
    &[DagsterEventType::AssetMaterialization, DagsterEventType::AssetMaterializationPlanned];

/// How many logs of runs are changed at once.
const LOGS_AT_ONCE: usize = 8;

impl SqlEventLogStorage {
    pub(super) async fn wipe_partitions(
        &self,
        asset_key: &AssetKey,
        partitions: &[String],
    ) -> Result<WipedAssetPartitions, StorageError> {
        let partitions: BTreeSet<_> = partitions.iter().cloned().collect();
        if partitions.is_empty() {
            return Ok(WipedAssetPartitions::default());
        }
        let wipe = Wipe {
            asset_key: asset_key.to_db_string(),
            partitions: partitions.into_iter().collect(),
            is_mirrored: self.run_logs.is_sharded(),
        };
        if wipe.is_mirrored {
            // The index says in which logs the events are, so it is changed last.
            self.unlink_in_logs(&wipe).await?;
        }
        self.index
            .write_as(Written::Events, WIPING, move |mut connection: Connection<'_>| {
                Box::pin(async move { wipe.run(&mut connection).await })
            })
            .await
    }

    /// Makes the events of the partitions be about neither asset nor partition, in the logs of their runs.
    async fn unlink_in_logs(&self, wipe: &Wipe) -> Result<(), StorageError> {
        let select = asset_partitions::select_runs_of_partitions(&wipe.asset_key, &wipe.partitions);
        let runs = self.index.fetch_map(WIPING, &select, |row| {
            Ok(RunId::from(row.get::<String>(event_logs::TABLE, event_logs::RUN_ID)?))
        });
        for runs in runs.await?.chunks(LOGS_AT_ONCE) {
            let changes = runs.iter().map(async |run_id| {
                // Somebody may have deleted the run, and its log with it.
                if let Some(log) = self.run_logs.get_existing(run_id).await? {
                    let update =
                        asset_partitions::update_of_partitions(&wipe.asset_key, &wipe.partitions);
                    log.execute(Operation::of_run(WIPING, run_id), update).await?;
                }
                Ok::<_, StorageError>(())
            });
            try_join_all(changes).await?;
        }
        Ok(())
    }
}

/// Partitions that are to be wiped.
#[derive(Debug)]
struct Wipe {
    asset_key: String,
    partitions: Vec<String>,
    /// Whether the events of the index are in the logs of their runs, too.
    is_mirrored: bool,
}

impl Wipe {
    async fn run(
        &self,
        connection: &mut Connection<'_>,
    ) -> Result<WipedAssetPartitions, StorageError> {
        let (asset_key, partitions) = (self.asset_key.as_str(), self.partitions.as_slice());
        let select = assets::select_last_to_change(asset_key, connection.dialect());
        let before = connection.fetch_one(&select).await?;
        let before = before.as_ref().map(Before::of).transpose()?;
        let mut names_wiped_run = false;
        if let Some(run_id) = before.as_ref().and_then(|before| before.last_run_id.as_deref()) {
            let select = asset_partitions::select_of_run_and_partitions(
                run_id,
                OF_LAST_RUN,
                asset_key,
                partitions,
            );
            names_wiped_run = connection.fetch_one(&select).await?.is_some();
        }

        let has = connection.capabilities(event_logs::TABLE, FEATURES).await?;
        if has.has(Feature::AssetEventTags) {
            connection
                .execute(&asset_partitions::delete_tags_of_partitions(asset_key, partitions))
                .await?;
        }
        let events = if self.is_mirrored {
            connection
                .execute(&asset_partitions::delete_of_partitions(asset_key, partitions))
                .await?
        } else {
            connection
                .execute(&asset_partitions::update_of_partitions(asset_key, partitions))
                .await?
        };
        let mut checks = 0;
        if has.has(Feature::AssetChecks) {
            let delete = asset_checks::delete_of_partitions(asset_key, partitions);
            checks = connection.execute(&delete).await?;
        }
        let wiped = WipedAssetPartitions::new(events, checks);

        if let Some(before) = before.filter(|_| !wiped.is_nothing()) {
            let mut last = LastEvents::default();
            if before.names_materialization_of(partitions) {
                let types = [DagsterEventType::AssetMaterialization];
                let row = self.last_left(connection, &types).await?;
                let left = row.as_ref().map(record).transpose()?;
                let left = left.as_ref().map(|record| stored_materialization(record, has));
                last.last_materialization = Column::Set(left);
            }
            if names_wiped_run {
                let row = self.last_left(connection, OF_LAST_RUN).await?;
                let run_id = row.as_ref().map(|row| row.get(event_logs::TABLE, event_logs::RUN_ID));
                last.last_run_id = Column::Set(run_id.transpose()?);
            }
            if let Some(update) = assets::update_last(asset_key, last, has) {
                connection.execute(&update).await?;
            }
        }
        Ok(wiped)
    }

    /// The last event of these types that is left.
    async fn last_left(
        &self,
        connection: &mut Connection<'_>,
        of_types: &[DagsterEventType],
    ) -> Result<Option<Row>, StorageError> {
        let dialect = connection.dialect();
        let select = asset_partitions::select_last_since_wipe(&self.asset_key, of_types, dialect);
        connection.fetch_one(&select).await
    }
}

/// What an asset's row says of its last events before the wipe.
#[derive(Debug)]
struct Before {
    has_materialization: bool,
    /// `None` if the row has none, or one of an old form.
    last_materialization: Option<EventLogRecord>,
    last_run_id: Option<String>,
}

impl Before {
    fn of(row: &Row) -> Result<Self, StorageError> {
        use asset_keys::{LAST_MATERIALIZATION, LAST_RUN_ID, TABLE};

        Ok(Self {
            has_materialization: row.get::<Option<String>>(TABLE, LAST_MATERIALIZATION)?.is_some(),
            last_materialization: last_materialization(row)?,
            last_run_id: row.get(TABLE, LAST_RUN_ID)?,
        })
    }

    /// Whether the last materialisation is one of these partitions. One of an old form may be.
    fn names_materialization_of(&self, partitions: &[String]) -> bool {
        let Some(record) = &self.last_materialization else {
            return self.has_materialization;
        };
        let event = record.event_log_entry.dagster_event.as_deref();
        let partition = event.and_then(DagsterEvent::partition);
        partition.is_some_and(|name| partitions.iter().any(|wiped| wiped == name))
    }
}
