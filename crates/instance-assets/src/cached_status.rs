//! The cached status of the partitions of an asset, as Dagster keeps it beside the asset: read, built and stored.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use instance_core::asset_key::AssetKey;
use instance_core::assets::{AssetRecord, AssetStatusCacheValue};
use instance_core::error::InstanceError;
use instance_core::ids::{RunId, StorageId};
use instance_core::ops::AssetOps;
use instance_core::partitions::{
    CachedSubset, DynamicPartitionKeys, PartitionsError, PartitionsSnap,
};
use instance_core::run::{DagsterRunStatus, RunsFilter};
use instance_core::serdes::UnknownFields;
use instance_core::storage::{MaterializationAttempt, Only, RunsPage};

/// How many runs are read at once.
const RUNS_AT_ONCE: usize = 1_000;

/// Stores the cached status of the partitions of an asset. It replaces the one before. An unknown asset is no error, and
/// nothing is stored for it.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn update_asset_cached_status_data(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
    cache_values: &AssetStatusCacheValue,
) -> Result<(), InstanceError> {
    let store = ops.asset_store();
    Ok(store.update_asset_cached_status_data(asset_key, cache_values).await?)
}

/// Deletes the cached status of the partitions of assets, all of them or none. It is made anew when somebody asks for
/// the status. An unknown asset is no error.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn wipe_asset_cached_status(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
) -> Result<(), InstanceError> {
    Ok(ops.asset_store().wipe_asset_cached_status(asset_keys).await?)
}

/// Returns the cached status of the partitions of an asset, brought up to date and stored again. `None` if the asset
/// was neither materialised nor planned since it was last wiped, or is not known; then nothing is stored.
///
/// `partitions` is the definition of the asset's partitions; without one, the status has no partitions. Only events
/// behind the stored status are looked at, unless that is of another definition, or cannot be read.
///
/// Dagster reads what this stores, and this reads what Dagster stores.
///
/// # Errors
///
/// [`InstanceError::Partitions`] if the definition is not understood or not allowed. [`InstanceError::Storage`] if the
/// storage fails. Nothing is stored.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn get_and_update_asset_status_cache_value(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
    partitions: Option<&PartitionsSnap>,
) -> Result<Option<AssetStatusCacheValue>, InstanceError> {
    let refreshed = refreshed(ops, asset_key, partitions).await?;
    Ok(refreshed.map(|status| status.value))
}

/// The status of the partitions of an asset, up to date.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) value: AssetStatusCacheValue,
    /// `None` without a definition.
    pub(crate) partitions: Option<PartitionsStatus>,
}

/// Which partitions stand how.
#[derive(Debug)]
pub(crate) struct PartitionsStatus {
    pub(crate) materialized: CachedSubset,
    pub(crate) failed: CachedSubset,
    pub(crate) in_progress: CachedSubset,
}

/// What [`get_and_update_asset_status_cache_value`] does, for functions that have a span of their own.
pub(crate) async fn refreshed(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
    partitions: Option<&PartitionsSnap>,
) -> Result<Option<Status>, InstanceError> {
    let definition = match partitions {
        Some(partitions) => Some(Definition::of(ops, partitions).await?),
        None => None,
    };
    let records = ops.asset_store().get_asset_records(&Only::one(asset_key.clone())).await?;
    let record = records.into_iter().next();
    let status = build(ops, asset_key, definition.as_ref(), record.as_ref()).await?;
    let stored = record.and_then(|record| record.asset_entry.cached_status);
    if let Some(status) = status.as_ref().filter(|status| Some(&status.value) != stored.as_ref()) {
        ops.asset_store().update_asset_cached_status_data(asset_key, &status.value).await?;
    }
    Ok(status)
}

/// A definition of partitions, with what it says now.
struct Definition<'a> {
    partitions: &'a PartitionsSnap,
    dynamic: DynamicPartitionKeys,
    id: String,
    now: DateTime<Utc>,
}

impl<'a> Definition<'a> {
    async fn of(ops: &dyn AssetOps, partitions: &'a PartitionsSnap) -> Result<Self, InstanceError> {
        let mut dynamic = DynamicPartitionKeys::new();
        for set in partitions.dynamic_sets() {
            let keys = ops.dynamic_partition_store().get_dynamic_partitions(set).await?;
            dynamic.insert(set.to_owned(), keys);
        }
        let id = partitions.unique_id(&dynamic)?;
        Ok(Self { partitions, dynamic, id, now: ops.clock().now() })
    }

    fn empty(&self) -> Result<CachedSubset, PartitionsError> {
        CachedSubset::empty(self.partitions)
    }

    /// The subset with those of the keys that are partitions now.
    fn with(
        &self,
        subset: CachedSubset,
        keys: &BTreeSet<String>,
    ) -> Result<CachedSubset, PartitionsError> {
        let existing = self.partitions.existing_keys(keys, &self.dynamic, self.now)?;
        subset.with_keys(&existing, self.now)
    }

    /// What a stored status says. `None` if it is of another definition, or cannot be read.
    fn stored(&self, value: &AssetStatusCacheValue) -> Option<Stored> {
        if value.partitions_def_id.as_ref() != Some(&self.id) {
            return None;
        }
        let read = |text: &Option<String>| match text.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => CachedSubset::from_text(self.partitions, text).ok(),
            None => self.empty().ok(),
        };
        Some(Stored {
            latest: StorageId(value.latest_storage_id),
            earliest_in_progress: value
                .earliest_in_progress_materialization_event_id
                .filter(|id| *id != 0)
                .map(StorageId),
            materialized: read(&value.serialized_materialized_partition_subset)?,
            failed: read(&value.serialized_failed_partition_subset)?,
        })
    }
}

/// A stored status that is brought up to date.
struct Stored {
    /// The last event that was looked at.
    latest: StorageId,
    /// The first planned materialisation that had not ended.
    earliest_in_progress: Option<StorageId>,
    materialized: CachedSubset,
    failed: CachedSubset,
}

async fn build(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
    definition: Option<&Definition<'_>>,
    record: Option<&AssetRecord>,
) -> Result<Option<Status>, InstanceError> {
    let entry = record.map(|record| &record.asset_entry);
    let materialized = entry.and_then(|entry| entry.last_materialization_record.as_ref());
    let materialized = materialized.map(|record| record.storage_id);
    let store = ops.asset_partition_store();
    let planned = store.get_latest_planned_materialization_info(asset_key, None).await?;
    let planned = planned.map(|info| info.storage_id);
    let Some(latest) = materialized.max(planned) else { return Ok(None) };

    let value = AssetStatusCacheValue {
        earliest_in_progress_materialization_event_id: None,
        latest_storage_id: latest.0,
        partitions_def_id: None,
        serialized_failed_partition_subset: None,
        serialized_in_progress_partition_subset: None,
        serialized_materialized_partition_subset: None,
        unknown: UnknownFields::default(),
    };
    let Some(definition) = definition else {
        return Ok(Some(Status { value, partitions: None }));
    };
    let stored = entry.and_then(|entry| entry.cached_status.as_ref());
    let (materialized, failed, seen) = match stored.and_then(|value| definition.stored(value)) {
        None => {
            let keys = store.get_materialized_partitions(asset_key, None, None).await?;
            (definition.with(definition.empty()?, &keys)?, definition.empty()?, None)
        }
        Some(stored) => {
            let mut keys = BTreeSet::new();
            if materialized.is_some_and(|id| id > stored.latest) {
                let after = Some(stored.latest);
                keys = store.get_materialized_partitions(asset_key, None, after).await?;
            }
            let new = definition.with(definition.empty()?, &keys)?;
            let failed =
                if keys.is_empty() { stored.failed } else { stored.failed.without(&new)? };
            let before_earliest = |id: StorageId| StorageId(id.0.saturating_sub(1));
            let seen = stored.earliest_in_progress.map_or(stored.latest, before_earliest);
            (definition.with(stored.materialized, &keys)?, failed, Some(seen))
        }
    };
    let seen = seen.filter(|id| id.0 != 0);
    let mut attempts = Vec::new();
    if planned.is_some_and(|planned| seen.is_none_or(|seen| planned > seen)) {
        attempts = store
            .get_latest_asset_partition_materialization_attempts_without_materializations(
                asset_key, seen,
            )
            .await?;
    }
    let open = Open::of(ops, attempts).await?;
    let partitions = PartitionsStatus {
        materialized,
        failed: definition.with(failed, &open.failed)?,
        in_progress: definition.with(definition.empty()?, &open.in_progress)?,
    };
    let value = AssetStatusCacheValue {
        earliest_in_progress_materialization_event_id: open.earliest.map(|id| id.0),
        partitions_def_id: Some(definition.id.clone()),
        serialized_failed_partition_subset: Some(partitions.failed.to_text()?),
        serialized_in_progress_partition_subset: Some(partitions.in_progress.to_text()?),
        serialized_materialized_partition_subset: Some(partitions.materialized.to_text()?),
        ..value
    };
    Ok(Some(Status { value, partitions: Some(partitions) }))
}

/// Partitions that were planned and not materialised since.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// Their runs have failed.
    pub(crate) failed: BTreeSet<String>,
    /// Their runs have not ended.
    pub(crate) in_progress: BTreeSet<String>,
    /// The first planned materialisation of a run that has not ended.
    earliest: Option<StorageId>,
}

impl Open {
    /// What became of the runs that planned them. A run that was deleted, was stopped or succeeded without them says
    /// nothing of its partitions.
    pub(crate) async fn of(
        ops: &dyn AssetOps,
        attempts: Vec<MaterializationAttempt>,
    ) -> Result<Self, InstanceError> {
        let run_ids: BTreeSet<&RunId> = attempts.iter().map(|attempt| &attempt.run_id).collect();
        let run_ids: Vec<RunId> = run_ids.into_iter().cloned().collect();
        let mut statuses: BTreeMap<RunId, DagsterRunStatus> = BTreeMap::new();
        for run_ids in run_ids.chunks(RUNS_AT_ONCE) {
            let filter = RunsFilter::new().with_run_ids(Only::These(run_ids.to_vec()));
            let runs = ops.run_store().get_run_records(&filter, &RunsPage::default()).await?;
            let runs = runs.into_iter().map(|record| record.dagster_run);
            statuses.extend(runs.map(|run| (run.run_id, run.status)));
        }
        let mut open = Self::default();
        for attempt in attempts {
            match statuses.get(&attempt.run_id) {
                Some(DagsterRunStatus::Failure) => drop(open.failed.insert(attempt.partition)),
                Some(status) if !status.is_finished() => {
                    let earliest = open.earliest.unwrap_or(attempt.storage_id);
                    open.earliest = Some(earliest.min(attempt.storage_id));
                    open.in_progress.insert(attempt.partition);
                }
                _ => {}
            }
        }
        Ok(open)
    }
}
