//! The methods of `instance-storage`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-storage` instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use instance_core::asset_key::AssetKey;
use instance_core::daemon::{DaemonHeartbeat, DaemonStatus, DaemonStatusQuery, DaemonType};
use instance_core::error::InstanceError;
use instance_core::event::DagsterEventType;
use instance_core::ids::{RunId, SnapshotId, StorageId};
use instance_core::storage::{
    DynamicPartitionsPage, Only, PaginatedResults, SchemaUpgrade, WebserverConnections,
};
use instance_storage::{
    AddedDynamicPartitions, DynamicPartitionsProgress, HistoricalJob, InfoDict, Reindex,
    ReindexProgress, ReindexedIndex, SchemaCheck, Snapshot, StorageInfo, Upgrade, UpgradeOutcome,
    UpgradePlan, UpgradeProgress,
};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Stores the sign of life of a daemon, in the place of the last one of its kind.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if its time is in no calendar, or if the storage fails. Nothing is written then.
    pub async fn add_daemon_heartbeat(
        &self,
        heartbeat: &DaemonHeartbeat,
    ) -> Result<(), InstanceError> {
        instance_storage::add_daemon_heartbeat(self, heartbeat).await
    }

    /// Adds keys to a definition of dynamic partitions, in their order, all of them or none.
    ///
    /// A key that the definition has stays where it is. A definition exists from its first key. The call is one
    /// transaction; for very many keys there is [`add_dynamic_partitions_in_batches`](Self::add_dynamic_partitions_in_batches).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the name or a key is empty, if both together have more than 2,500 bytes, or if a key has
    /// `...` or a control character in it, as no range of partitions could be read then; [`InstanceError::Storage`] if the
    /// storage fails. Nothing is added then.
    pub async fn add_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        partition_keys: &[String],
    ) -> Result<(), InstanceError> {
        instance_storage::add_dynamic_partitions(self, partitions_def_name, partition_keys).await
    }

    /// Adds very many keys to a definition of dynamic partitions, in their order and in batches.
    ///
    /// `progress` is called after each batch of 5,000 keys, which is one transaction. If the call is interrupted or fails
    /// in between, the batches before are stored: call it again with the same keys, and it goes on where it was, as keys
    /// that are there are left alone.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if a key is one that [`add_dynamic_partitions`](Self::add_dynamic_partitions) refuses;
    /// nothing is added then. [`InstanceError::Storage`] if the storage fails; the batches before are stored then.
    pub async fn add_dynamic_partitions_in_batches(
        &self,
        partitions_def_name: &str,
        partition_keys: &[String],
        progress: &mut (dyn FnMut(DynamicPartitionsProgress) + Send),
    ) -> Result<AddedDynamicPartitions, InstanceError> {
        instance_storage::add_dynamic_partitions_in_batches(
            self,
            partitions_def_name,
            partition_keys,
            progress,
        )
        .await
    }

    /// Stores a snapshot, and returns its id. Storing it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails. Nothing is written then.
    pub async fn add_snapshot(&self, snapshot: &Snapshot) -> Result<SnapshotId, InstanceError> {
        instance_storage::add_snapshot(self, snapshot).await
    }

    /// Compares each database of the instance with what its revision has, and returns what is missing, different or too much,
    /// each with what mends it.
    ///
    /// Nothing is changed, and nothing is created. A database that cannot be read is a finding, and the others are looked at.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the databases cannot be listed.
    pub async fn check_schema(&self) -> Result<SchemaCheck, InstanceError> {
        instance_storage::check_schema(self).await
    }

    /// Returns whether daemons leave a sign of life only if they have errors to tell. In Dagster's open source they always
    /// leave one.
    pub fn daemon_skip_heartbeats_without_errors(&self) -> bool {
        instance_storage::daemon_skip_heartbeats_without_errors(self)
    }

    /// Takes a key out of a definition of dynamic partitions.
    ///
    /// A key that the definition does not have is no error. What is stored of the partition stays: its runs, its events and
    /// what was made.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn delete_dynamic_partition(
        &self,
        partitions_def_name: &str,
        partition_key: &str,
    ) -> Result<(), InstanceError> {
        instance_storage::delete_dynamic_partition(self, partitions_def_name, partition_key).await
    }

    /// Returns the directory in which the file manager of a run keeps files. It need not exist.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the id cannot be the name of a directory, as it is empty, has a separator in it, or
    /// leads out of the directory. Else those of [`root_directory`](Self::root_directory).
    pub fn file_manager_directory(&self, run_id: &RunId) -> Result<PathBuf, InstanceError> {
        instance_storage::file_manager_directory(self, run_id)
    }

    /// Returns the last sign of life of each kind of daemon, in the order of their first.
    ///
    /// The list is empty if no daemon has left one.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a stored sign cannot be read.
    pub async fn get_daemon_heartbeats(&self) -> Result<Vec<DaemonHeartbeat>, InstanceError> {
        instance_storage::get_daemon_heartbeats(self).await
    }

    /// Returns how daemons stand: whether the instance needs each, and whether its last sign of life is recent enough.
    ///
    /// A daemon is healthy until an interval and the tolerance have passed since its last sign. The order is that of the
    /// query, or else that of [`get_required_daemon_types`](Self::get_required_daemon_types). A kind that the query names twice is there twice.
    ///
    /// # Errors
    ///
    /// Those of [`get_required_daemon_types`](Self::get_required_daemon_types) and [`get_daemon_heartbeats`](Self::get_daemon_heartbeats).
    pub async fn get_daemon_statuses(
        &self,
        query: &DaemonStatusQuery,
    ) -> Result<Vec<DaemonStatus>, InstanceError> {
        instance_storage::get_daemon_statuses(self, query).await
    }

    /// Returns the keys of a definition of dynamic partitions, in the order in which they were added.
    ///
    /// The list is empty if nobody has added a key under this name.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_dynamic_partitions(
        &self,
        partitions_def_name: &str,
    ) -> Result<Vec<String>, InstanceError> {
        instance_storage::get_dynamic_partitions(self, partitions_def_name).await
    }

    /// Returns an id of the keys that a definition of dynamic partitions has now, as Dagster computes it.
    ///
    /// Whoever keeps something that follows from the keys sees by the id that the keys are others, or come in another order.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_dynamic_partitions_definition_id(
        &self,
        partitions_def_name: &str,
    ) -> Result<String, InstanceError> {
        instance_storage::get_dynamic_partitions_definition_id(self, partitions_def_name).await
    }

    /// Returns those of the keys that a definition of dynamic partitions has.
    ///
    /// The set is empty for a name under which nobody has added a key.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_existing_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        partition_keys: &[String],
    ) -> Result<BTreeSet<String>, InstanceError> {
        instance_storage::get_existing_dynamic_partitions(self, partitions_def_name, partition_keys)
            .await
    }

    /// Returns a job as it was when a run was created, by the id of its snapshot; `None` if the snapshot is not stored.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a stored snapshot cannot be read.
    pub async fn get_historical_job(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<Option<HistoricalJob>, InstanceError> {
        instance_storage::get_historical_job(self, snapshot_id).await
    }

    /// Returns, for each partition of an asset, the row of its last event of a type.
    ///
    /// Only these partitions count, and only events behind the cursor. Events from before the asset was last wiped do not
    /// count. A partition without such an event is left out.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_latest_storage_id_by_partition(
        &self,
        asset_key: &AssetKey,
        event_type: DagsterEventType,
        partitions: &Only<String>,
        after_cursor: Option<StorageId>,
    ) -> Result<BTreeMap<String, StorageId>, InstanceError> {
        instance_storage::get_latest_storage_id_by_partition(
            self,
            asset_key,
            event_type,
            partitions,
            after_cursor,
        )
        .await
    }

    /// Returns a page of the keys of a definition of dynamic partitions.
    ///
    /// The page says how many keys come at most, behind which one they begin, and in which order. The cursor of the result
    /// is where the next page begins. Where the page is empty, it is the cursor that was given, or -1.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_paginated_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        page: &DynamicPartitionsPage,
    ) -> Result<PaginatedResults<String>, InstanceError> {
        instance_storage::get_paginated_dynamic_partitions(self, partitions_def_name, page).await
    }

    /// Returns the kinds of daemons that have to run for what is configured, in Dagster's order. An instance in memory
    /// needs none.
    ///
    /// A scheduler of a class of somebody else's is taken to need no daemon.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if the configuration of the coordinator is wrong, or if the coordinator is of a class that
    /// this version does not have: only that class knows whether there is a queue.
    pub fn get_required_daemon_types(&self) -> Result<Vec<DaemonType>, InstanceError> {
        instance_storage::get_required_daemon_types(self)
    }

    /// Returns whether a definition of dynamic partitions has a key.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn has_dynamic_partition(
        &self,
        partitions_def_name: &str,
        partition_key: &str,
    ) -> Result<bool, InstanceError> {
        instance_storage::has_dynamic_partition(self, partitions_def_name, partition_key).await
    }

    /// Returns whether a job as it was when a run was created is stored, by the id of its snapshot.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn has_historical_job(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<bool, InstanceError> {
        instance_storage::has_historical_job(self, snapshot_id).await
    }

    /// Returns what there is to say about the storages of the instance: for each part its module, class and configuration,
    /// as `dagster.yaml` would name them.
    ///
    /// A store that `dagster.yaml` cannot name is a text instead, as in Dagster. The passwords of databases are left out. So
    /// are the extra arguments of uploads to S3 and the configuration of classes that this version does not have, as these may
    /// hold others.
    /// The scheduler, the run coordinator and the run launcher are not listed: they are parts of the program here.
    pub fn info_dict(&self) -> InfoDict {
        instance_storage::info_dict(self)
    }

    /// Returns [`info_dict`](Self::info_dict) as YAML.
    pub fn info_str(&self) -> String {
        instance_storage::info_str(self)
    }

    /// Makes the storages use their connections as a program needs it that serves people for long.
    ///
    /// Storages in Postgres then let no statement take longer than the time-out, replace connections that have become old,
    /// and have no more connections than the overflow allows. SQLite and memory have none. The calls that are under way
    /// keep the connections that they have.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if a storage fails.
    pub async fn optimize_for_webserver(
        &self,
        connections: &WebserverConnections,
    ) -> Result<(), InstanceError> {
        instance_storage::optimize_for_webserver(self, connections).await
    }

    /// Builds secondary indexes of the storages that are not marked as built, and marks them.
    ///
    /// These are data migrations. Without names, they are those that Dagster leaves to `dagster instance reindex`;
    /// [`REINDEXED_INDEXES`](instance_storage::REINDEXED_INDEXES) lists them. By name, any of [`SECONDARY_INDEXES`](instance_storage::SECONDARY_INDEXES) is built. A
    /// fresh storage is marked with all of them. If none is named, `progress` tells which others are not marked. Work is done in small parts, each of which is one transaction, so that
    /// others can read and write in between. `progress` is called before, between and after the parts. An index that was
    /// not finished is not marked. The next call builds it again from its beginning, where what is built already costs
    /// little, or goes on where [`Reindex::resume`] says.
    ///
    /// Returns what was done about each index, in the order in which it was done.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if an index is none of these, if the index to go on with is not asked for, or if the cursor
    /// is none of it; [`InstanceError::Storage`] if a storage fails, if it lacks a table or column that an upgrade adds, or if
    /// another process upgrades the store or builds an index of it. If the events of some runs cannot be read, the error names
    /// them, and the times of all others are built. The parts that were done stay, and so do the indexes before.
    pub async fn reindex(
        &self,
        request: &Reindex,
        progress: &mut (dyn FnMut(ReindexProgress) + Send),
    ) -> Result<Vec<ReindexedIndex>, InstanceError> {
        instance_storage::reindex(self, request, progress).await
    }

    /// Returns the directory of the artefacts that need a local disk; the other directories are below it.
    ///
    /// It is the directory of the instance, unless `local_artifact_storage` of `dagster.yaml` names another.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if only a class of somebody else's knows which directory it is.
    pub fn root_directory(&self) -> Result<PathBuf, InstanceError> {
        instance_storage::root_directory(self)
    }

    /// Returns the directory of the logs of schedules. It need not exist.
    ///
    /// # Errors
    ///
    /// Those of [`root_directory`](Self::root_directory).
    pub fn schedules_directory(&self) -> Result<PathBuf, InstanceError> {
        instance_storage::schedules_directory(self)
    }

    /// Returns the schema revision of each storage as YAML: the one that it has, and the latest one.
    ///
    /// A storage without a revision says an empty text. One that is no database of Dagster's says the name of its own form,
    /// which is its latest, too.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if a storage fails, or if it has a schema that this version does not know.
    pub async fn schema_str(&self) -> Result<String, InstanceError> {
        instance_storage::schema_str(self).await
    }

    /// Returns the directory in which Dagster's IO manager stores values. It need not exist.
    ///
    /// # Errors
    ///
    /// Those of [`root_directory`](Self::root_directory).
    pub fn storage_directory(&self) -> Result<PathBuf, InstanceError> {
        instance_storage::storage_directory(self)
    }

    /// Returns a summary of the storages of the instance.
    ///
    /// Storages that do not exist yet are created. The parts of the summary are read one after another, and not in one
    /// transaction.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if a storage fails, or if it has a schema that this version does not know.
    pub async fn storage_info(&self) -> Result<StorageInfo, InstanceError> {
        instance_storage::storage_info(self).await
    }

    /// Brings the schema of each database to the newest revision, and carries out the data migrations that are left.
    ///
    /// Each database of SQLite is one transaction: it has the newest revision then, or is as it was. One of Postgres is changed in
    /// steps while others use it, each step done or not. If the call is
    /// interrupted, call it again: it goes on with what is left. A database that is damaged is left alone, and the others go on.
    /// Files are copied first, unless the request says otherwise; if one cannot be copied, nothing is changed.
    ///
    /// Data migrations go on in small parts, each of which is one transaction, so that others can read and write in between. A
    /// process of a Dagster before 1.9 goes on writing runs without their column `backfill_id` all the same. Restart such
    /// processes before, or build `run_backfill_id` again afterwards ([`reindex`](Self::reindex)).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if a database has a revision that an upgrade refuses, if another process upgrades the
    /// instance, or if a copy fails. Nothing is changed then. A data migration that fails is no error: the outcome has it, as the
    /// schema is upgraded then, and what was migrated stays.
    pub async fn upgrade(
        &self,
        request: &Upgrade,
        progress: &mut (dyn FnMut(UpgradeProgress) + Send),
    ) -> Result<UpgradeOutcome, InstanceError> {
        instance_storage::upgrade(self, request, progress).await
    }

    /// Returns what [`upgrade`](Self::upgrade) would do. Nothing is changed, and nothing is created.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the databases cannot be listed. One that cannot be read, or that an upgrade refuses, is no
    /// error: its state says it.
    pub async fn upgrade_plan(&self, how: &SchemaUpgrade) -> Result<UpgradePlan, InstanceError> {
        instance_storage::upgrade_plan(self, how).await
    }

    /// Deletes all runs and all events, with what follows from them and stands beside them: snapshots, backfills, signs of
    /// life, assets, checks, dynamic partitions and pools.
    ///
    /// Schedules, sensors and their ticks stay, as do the cursors of daemons, what runs have printed, and what they have
    /// made. The runs go first and the events after them. Each is one transaction; where the events of a run are a file of
    /// their own, that file is deleted.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if a storage fails. If the runs are gone and the events are not, call it again.
    pub async fn wipe(&self) -> Result<(), InstanceError> {
        instance_storage::wipe(self).await
    }

    /// Deletes the signs of life of all daemons.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn wipe_daemon_heartbeats(&self) -> Result<(), InstanceError> {
        instance_storage::wipe_daemon_heartbeats(self).await
    }
}
