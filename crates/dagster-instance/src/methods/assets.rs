//! The methods of `instance-assets`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-assets` instead.

use std::collections::{BTreeMap, BTreeSet};

use instance_assets::{
    AssetCheckInstanceSupport, AssetPartitionStatus, DataVersionQuery, RunlessAssetEvent,
};
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::{
    AssetCheckHealthState, AssetFreshnessHealthState, AssetHealthPart,
    AssetMaterializationHealthState, AssetRecord, AssetStatusCacheValue, FreshnessStateRecord,
    MinimalAssetMaterializationHealthState,
};
use instance_core::error::InstanceError;
use instance_core::event::{EventLogConnection, EventLogEntry, EventLogRecord};
use instance_core::ids::StorageId;
use instance_core::partitions::PartitionsSnap;
use instance_core::storage::{
    AssetCheckExecutionRecord, AssetCheckSummaryRecord, AssetKeysPage, AssetRecordsFilter, Only,
    PlannedMaterializationInfo, RecordsPage, WipedAssetPartitions,
};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Returns the keys of all assets that are known, ascending. The list is empty if there is none.
    ///
    /// An asset is known from the first event that plans, materialises or observes it, until it is wiped. The order is
    /// that of [`get_asset_keys`](Self::get_asset_keys).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn all_asset_keys(&self) -> Result<Vec<AssetKey>, InstanceError> {
        instance_assets::all_asset_keys(self).await
    }

    /// Returns whether the instance keeps events by which runs say that they did not materialise an asset. It does not, as
    /// open-source Dagster does not.
    pub fn can_read_asset_failure_events(&self) -> bool {
        instance_assets::can_read_asset_failure_events()
    }

    /// Returns whether the instance keeps the cached status of partitions. A database of a release before 1.1 that was never
    /// upgraded does not: the status is worked out each time.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn can_read_asset_status_cache(&self) -> Result<bool, InstanceError> {
        instance_assets::can_read_asset_status_cache(self).await
    }

    /// Returns whether the record of an asset says when it last failed to materialise. It does not: Dagster's tables have no
    /// column for it.
    pub fn can_read_failure_events_for_asset(&self, record: &AssetRecord) -> bool {
        instance_assets::can_read_failure_events_for_asset(record)
    }

    /// Returns whether the instance has a source of the health of assets.
    pub fn dagster_asset_health_queries_supported(&self) -> bool {
        instance_assets::dagster_asset_health_queries_supported(self)
    }

    /// Returns a page of the events by which runs said that they did not materialise an asset. Pages are those of
    /// [`fetch_materializations`](Self::fetch_materializations).
    ///
    /// Neither open-source Dagster nor this instance stores such events, so the page is empty unless something else has
    /// stored them; see [`can_read_asset_failure_events`](Self::can_read_asset_failure_events).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn fetch_failed_materializations(
        &self,
        filter: &AssetRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_assets::fetch_failed_materializations(self, filter, page).await
    }

    /// Returns a page of the materialisations of an asset since it was last wiped.
    ///
    /// A default [`RecordsPage`] means all of them, newest first. The cursor of a page is where the next one begins. The
    /// page is empty if no event matches or the asset is not known.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn fetch_materializations(
        &self,
        filter: &AssetRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_assets::fetch_materializations(self, filter, page).await
    }

    /// Returns a page of the observations of an asset since it was last wiped. Pages are those of
    /// [`fetch_materializations`](Self::fetch_materializations).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn fetch_observations(
        &self,
        filter: &AssetRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_assets::fetch_observations(self, filter, page).await
    }

    /// Returns a page of the planned materialisations of an asset since it was last wiped. Pages are those of
    /// [`fetch_materializations`](Self::fetch_materializations).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn fetch_planned_materializations(
        &self,
        filter: &AssetRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_assets::fetch_planned_materializations(self, filter, page).await
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
    pub async fn get_and_update_asset_status_cache_value(
        &self,
        asset_key: &AssetKey,
        partitions: Option<&PartitionsSnap>,
    ) -> Result<Option<AssetStatusCacheValue>, InstanceError> {
        instance_assets::get_and_update_asset_status_cache_value(self, asset_key, partitions).await
    }

    /// Returns how the checks of each of these assets stand, as the source of the instance keeps it. The map has each key
    /// that is asked for: with `None` where there is no source, or where it knows nothing of the asset.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub async fn get_asset_check_health_state_for_assets(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, Option<AssetCheckHealthState>>, InstanceError> {
        instance_assets::get_asset_check_health_state_for_assets(self, asset_keys).await
    }

    /// Returns the last execution of each check of an asset, and the last that has ended, by the name of the check ascending.
    /// The list is empty if no check of the asset was executed or planned since it was last wiped, or if the asset is not
    /// known.
    ///
    /// Which checks an asset has, its code location knows. A check that nobody has planned yet is not among them; one that
    /// its code has no more is.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the event of an execution cannot be read.
    pub async fn get_asset_check_summary_records_for_asset(
        &self,
        asset_key: &AssetKey,
    ) -> Result<Vec<AssetCheckSummaryRecord>, InstanceError> {
        instance_assets::get_asset_check_summary_records_for_asset(self, asset_key).await
    }

    /// Returns whether the instance keeps executions of asset checks. A database of a release before 1.4.11 that was never
    /// upgraded does not.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_asset_check_support(
        &self,
    ) -> Result<AssetCheckInstanceSupport, InstanceError> {
        instance_assets::get_asset_check_support(self).await
    }

    /// Returns how fresh each of these assets is, as the source of the instance keeps it. The map is as
    /// [`get_asset_check_health_state_for_assets`](Self::get_asset_check_health_state_for_assets) says.
    ///
    /// What events say of freshness, [`get_freshness_state_records`](Self::get_freshness_state_records) returns.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub async fn get_asset_freshness_health_state_for_assets(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, Option<AssetFreshnessHealthState>>, InstanceError> {
        instance_assets::get_asset_freshness_health_state_for_assets(self, asset_keys).await
    }

    /// Returns a page of the keys of assets that are known, without reading their records.
    ///
    /// The keys ascend by the text that stands in the database ([`AssetKey::to_db_string`]). The page says with which
    /// parts the keys begin, how many come at most, and behind which text they begin. The next page begins behind the
    /// last key of this one. The list is empty if no asset is on the page.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_asset_keys(
        &self,
        page: &AssetKeysPage,
    ) -> Result<Vec<AssetKey>, InstanceError> {
        instance_assets::get_asset_keys(self, page).await
    }

    /// Returns which partitions of each of these assets are materialised and failed, as the source of the instance keeps
    /// it. The map is as [`get_asset_check_health_state_for_assets`](Self::get_asset_check_health_state_for_assets) says.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub async fn get_asset_materialization_health_state_for_assets(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, Option<AssetMaterializationHealthState>>, InstanceError> {
        instance_assets::get_asset_materialization_health_state_for_assets(self, asset_keys).await
    }

    /// Returns the records of assets, by key ascending.
    ///
    /// [`Only::Any`] means all assets. A key of an asset that is not known is left out. Any number of assets may be asked
    /// for at once.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a record cannot be read.
    pub async fn get_asset_records(
        &self,
        asset_keys: &Only<AssetKey>,
    ) -> Result<Vec<AssetRecord>, InstanceError> {
        instance_assets::get_asset_records(self, asset_keys).await
    }

    /// Returns the indexed tags of the events about an asset since it was last wiped: one map for each event that has any.
    ///
    /// Of the tags, the data version and the dimensions of a partition are indexed. With `filter_tags`, only events count
    /// that have all of these. With `filter_event_id`, only that event counts.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_event_tags_for_asset(
        &self,
        asset_key: &AssetKey,
        filter_tags: &BTreeMap<String, String>,
        filter_event_id: Option<StorageId>,
    ) -> Result<Vec<BTreeMap<String, String>>, InstanceError> {
        instance_assets::get_event_tags_for_asset(self, asset_key, filter_tags, filter_event_id)
            .await
    }

    /// Returns how fresh each of these assets is by the last event that changed it. Assets without such an event are left
    /// out. Any number of assets may be asked for at once.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the event cannot be read.
    pub async fn get_freshness_state_records(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, FreshnessStateRecord>, InstanceError> {
        instance_assets::get_freshness_state_records(self, asset_keys).await
    }

    /// Returns the last execution of a check, planned or ended, of whichever partition. `None` if there is none since the
    /// asset was last wiped.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the event of the execution cannot be read.
    pub async fn get_latest_asset_check_evaluation_record(
        &self,
        check_key: &AssetCheckKey,
    ) -> Result<Option<AssetCheckExecutionRecord>, InstanceError> {
        instance_assets::get_latest_asset_check_evaluation_record(self, check_key).await
    }

    /// Returns the event that has the last data version of an asset: its last materialisation, or for a source its last
    /// observation. `None` if there is no such event since the asset was last wiped.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_latest_data_version_record(
        &self,
        query: &DataVersionQuery,
    ) -> Result<Option<EventLogRecord>, InstanceError> {
        instance_assets::get_latest_data_version_record(self, query).await
    }

    /// Returns the version of the code that made each of these assets at last. Dagster writes it into a tag of the
    /// materialisation; where code has no version, that is the id of the run.
    ///
    /// The map has each key that is asked for. The version is `None` if the asset was not materialised since it was last
    /// wiped, is not known, or has a materialisation without the tag.
    ///
    /// # Errors
    ///
    /// Those of [`get_latest_materialization_event`](Self::get_latest_materialization_event).
    pub async fn get_latest_materialization_code_versions(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, Option<String>>, InstanceError> {
        instance_assets::get_latest_materialization_code_versions(self, asset_keys).await
    }

    /// Returns the event of the last materialisation of an asset, of whichever partition. `None` if the asset was not
    /// materialised since it was last wiped, or is not known.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the record of the asset cannot be read.
    pub async fn get_latest_materialization_event(
        &self,
        asset_key: &AssetKey,
    ) -> Result<Option<EventLogEntry>, InstanceError> {
        instance_assets::get_latest_materialization_event(self, asset_key).await
    }

    /// Returns the event of the last materialisation of each of these assets; see [`get_latest_materialization_event`](Self::get_latest_materialization_event).
    /// The map has each key that is asked for. Any number of assets may be asked for at once.
    ///
    /// # Errors
    ///
    /// Those of [`get_latest_materialization_event`](Self::get_latest_materialization_event).
    pub async fn get_latest_materialization_events(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, Option<EventLogEntry>>, InstanceError> {
        instance_assets::get_latest_materialization_events(self, asset_keys).await
    }

    /// Returns the last planned materialisation of an asset, or of one of its partitions. `None` if there is none since
    /// the asset was last wiped.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_latest_planned_materialization_info(
        &self,
        asset_key: &AssetKey,
        partition: Option<&str>,
    ) -> Result<Option<PlannedMaterializationInfo>, InstanceError> {
        instance_assets::get_latest_planned_materialization_info(self, asset_key, partition).await
    }

    /// Returns how often each partition of these assets was materialised since its asset was last wiped.
    ///
    /// The outer map has each key that is asked for. The inner one has each partition that was materialised, and is empty
    /// for an asset that is not known or has no partitions. Any number of assets may be asked for at once.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_materialization_count_by_partition(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, BTreeMap<String, u64>>, InstanceError> {
        instance_assets::get_materialization_count_by_partition(self, asset_keys).await
    }

    /// Returns the partitions of an asset that were materialised since it was last wiped, by events with an id before
    /// `before_cursor` and after `after_cursor`; `None` is no bound. The set is empty if there are none.
    ///
    /// What the keys mean is not looked at: a partition that its definition has no more is among them.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_materialized_partitions(
        &self,
        asset_key: &AssetKey,
        before_cursor: Option<StorageId>,
        after_cursor: Option<StorageId>,
    ) -> Result<BTreeSet<String>, InstanceError> {
        instance_assets::get_materialized_partitions(self, asset_key, before_cursor, after_cursor)
            .await
    }

    /// Returns how many partitions of each of these assets are materialised and failed, as the source of the instance keeps
    /// it. The map is as [`get_asset_check_health_state_for_assets`](Self::get_asset_check_health_state_for_assets) says.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub async fn get_minimal_asset_materialization_health_state_for_assets(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, Option<MinimalAssetMaterializationHealthState>>, InstanceError>
    {
        instance_assets::get_minimal_asset_materialization_health_state_for_assets(self, asset_keys)
            .await
    }

    /// Returns how those partitions of an asset stand that its events since it was last wiped name, by their keys. The
    /// map is empty if there is none, or if the asset is not known.
    ///
    /// No definition is needed, so that partitions of which nothing was ever planned are not among them, and partitions
    /// that the definition has no more are. A partition has `None` if it was planned and nothing came of it, as its run was
    /// stopped, say. The statuses are those of [`get_status_by_partition`](Self::get_status_by_partition). Nothing is stored.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_status_by_known_partition(
        &self,
        asset_key: &AssetKey,
    ) -> Result<BTreeMap<String, Option<AssetPartitionStatus>>, InstanceError> {
        instance_assets::get_status_by_known_partition(self, asset_key).await
    }

    /// Returns how these partitions of an asset stand, by their keys. A partition that was never materialised, or is none of
    /// the definition, has `None`. The whole is `None` if the asset was neither materialised nor planned since it was last
    /// wiped, or is not known.
    ///
    /// `partitions` is the definition of the asset's partitions, as a code location tells it. Dagster keeps the status of all
    /// partitions beside the asset; this brings it up to date first, as
    /// [`get_and_update_asset_status_cache_value`](Self::get_and_update_asset_status_cache_value) says.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Partitions`] if the definition is not understood or not allowed. [`InstanceError::Storage`] if the
    /// storage fails. Nothing is stored.
    pub async fn get_status_by_partition(
        &self,
        asset_key: &AssetKey,
        partition_keys: &[String],
        partitions: &PartitionsSnap,
    ) -> Result<Option<BTreeMap<String, Option<AssetPartitionStatus>>>, InstanceError> {
        instance_assets::get_status_by_partition(self, asset_key, partition_keys, partitions).await
    }

    /// Returns whether an asset is known; see [`all_asset_keys`](Self::all_asset_keys).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn has_asset_key(&self, asset_key: &AssetKey) -> Result<bool, InstanceError> {
        instance_assets::has_asset_key(self, asset_key).await
    }

    /// Returns whether the freshness of assets is evaluated, unless `DAGSTER_ASSET_FRESHNESS_ENABLED` is `false`.
    pub fn internal_asset_freshness_enabled(&self) -> bool {
        instance_assets::internal_asset_freshness_enabled(self)
    }

    /// Reports something that happened to an asset outside of any run. The event gets the time of the clock.
    ///
    /// The event is stored without a run, and changes what is known of the asset.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] for a tag of a materialisation or observation that Dagster does not allow: keys and
    /// values are letters, digits and `_`, `-`, `.`, and a key may have a part before a `/`. Tags of Dagster's own may be
    /// any. [`InstanceError::Storage`] if the event is not stored. After [`InstanceError::EventsIncomplete`] and
    /// [`InstanceError::EventsWaiting`] it must not be reported again: it is stored, or waits for the next attempt.
    pub async fn report_runless_asset_event(
        &self,
        event: impl Into<RunlessAssetEvent> + Send,
    ) -> Result<(), InstanceError> {
        instance_assets::report_runless_asset_event(self, event).await
    }

    /// Returns whether a part of the health of assets may come from the source of the instance alone, and not be worked out
    /// from events.
    pub fn streamline_read_asset_health_required(&self, part: AssetHealthPart) -> bool {
        instance_assets::streamline_read_asset_health_required(self, part)
    }

    /// Returns whether a source of the instance keeps a part of the health of assets.
    pub fn streamline_read_asset_health_supported(&self, part: AssetHealthPart) -> bool {
        instance_assets::streamline_read_asset_health_supported(self, part)
    }

    /// Returns whether partitions of assets with several dimensions are wiped when a key of one dimension is deleted. They
    /// are not, as in open-source Dagster: [`wipe_asset_partitions`](Self::wipe_asset_partitions) wipes them.
    pub fn supports_wipe_on_delete_for_multipartitioned_assets(&self) -> bool {
        instance_assets::supports_wipe_on_delete_for_multipartitioned_assets()
    }

    /// Stores the cached status of the partitions of an asset. It replaces the one before. An unknown asset is no error, and
    /// nothing is stored for it.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn update_asset_cached_status_data(
        &self,
        asset_key: &AssetKey,
        cache_values: &AssetStatusCacheValue,
    ) -> Result<(), InstanceError> {
        instance_assets::update_asset_cached_status_data(self, asset_key, cache_values).await
    }

    /// Deletes the cached status of the partitions of assets, all of them or none. It is made anew when somebody asks for
    /// the status. An unknown asset is no error.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn wipe_asset_cached_status(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<(), InstanceError> {
        instance_assets::wipe_asset_cached_status(self, asset_keys).await
    }

    /// Wipes partitions of an asset: whatever names them is repaired. Returns what was wiped.
    ///
    /// Their events stay in the logs of their runs, but nothing that asks for the asset finds them: they are no longer
    /// about it. The tags of these events are deleted, and so are the executions of checks of these partitions. The record
    /// of the asset names the last of the materialisations and runs that are left. Its cached status is deleted, and made
    /// anew from what is left when somebody asks for it. The asset stays known.
    ///
    /// All of them are wiped in one transaction. Then an event without a run says that they were wiped. Partitions of which
    /// nothing is known, and an unknown asset, are no error: if there is nothing to wipe, nothing is changed, there is no
    /// event, and the result [is nothing](WipedAssetPartitions::is_nothing).
    ///
    /// Dagster has this method, but its open source can wipe nothing less than an asset.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if nothing was wiped, or if everything was and the event about it could not be stored.
    /// Where the log of each run is a file of its own, some of these may have been changed before; the same call again
    /// completes it.
    pub async fn wipe_asset_partitions(
        &self,
        asset_key: &AssetKey,
        partition_keys: &[String],
    ) -> Result<WipedAssetPartitions, InstanceError> {
        instance_assets::wipe_asset_partitions(self, asset_key, partition_keys).await
    }

    /// Wipes assets: what is known of them is forgotten, with their cached status and the executions of their checks. Their
    /// events stay in the logs of their runs. The next event about an asset makes it known again, as if it were new.
    ///
    /// All of them are wiped, or none. Then an event without a run says of each that it was wiped, as often as it is in the
    /// list. An asset that is not known is no error: as in Dagster, its checks are wiped, and there is an event. An empty
    /// list changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if nothing was wiped, or if everything was and an event about it could not be stored.
    /// To wipe again does no harm.
    pub async fn wipe_assets(&self, asset_keys: &[AssetKey]) -> Result<(), InstanceError> {
        instance_assets::wipe_assets(self, asset_keys).await
    }
}
