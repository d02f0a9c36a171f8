//! The names of tables and columns, each in one place.

/// The table of runs.
pub(crate) mod runs {
    pub(crate) const TABLE: &str = "runs";
    pub(crate) const ID: &str = "id";
    pub(crate) const RUN_ID: &str = "run_id";
    pub(crate) const SNAPSHOT_ID: &str = "snapshot_id";
    pub(crate) const PIPELINE_NAME: &str = "pipeline_name";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const RUN_BODY: &str = "run_body";
    pub(crate) const PARTITION: &str = "partition";
    pub(crate) const PARTITION_SET: &str = "partition_set";
    pub(crate) const CREATE_TIMESTAMP: &str = "create_timestamp";
    pub(crate) const UPDATE_TIMESTAMP: &str = "update_timestamp";
    pub(crate) const START_TIME: &str = "start_time";
    pub(crate) const END_TIME: &str = "end_time";
    pub(crate) const BACKFILL_ID: &str = "backfill_id";
}

/// The tags of runs.
pub(crate) mod run_tags {
    pub(crate) const TABLE: &str = "run_tags";
    pub(crate) const RUN_ID: &str = "run_id";
    pub(crate) const KEY: &str = "key";
    pub(crate) const VALUE: &str = "value";
}

/// The snapshots of jobs and plans.
pub(crate) mod snapshots {
    pub(crate) const TABLE: &str = "snapshots";
    pub(crate) const SNAPSHOT_ID: &str = "snapshot_id";
    pub(crate) const SNAPSHOT_BODY: &str = "snapshot_body";
    pub(crate) const SNAPSHOT_TYPE: &str = "snapshot_type";
}

/// What identifies a store of runs.
pub(crate) mod instance_info {
    pub(crate) const TABLE: &str = "instance_info";
    pub(crate) const RUN_STORAGE_ID: &str = "run_storage_id";
}

/// Events, in a run's shard and in the index across runs.
pub(crate) mod event_logs {
    pub(crate) const TABLE: &str = "event_logs";
    pub(crate) const ID: &str = "id";
    pub(crate) const RUN_ID: &str = "run_id";
    pub(crate) const EVENT: &str = "event";
    pub(crate) const DAGSTER_EVENT_TYPE: &str = "dagster_event_type";
    pub(crate) const TIMESTAMP: &str = "timestamp";
    pub(crate) const STEP_KEY: &str = "step_key";
    pub(crate) const ASSET_KEY: &str = "asset_key";
    pub(crate) const PARTITION: &str = "partition";
}

/// Assets.
pub(crate) mod asset_keys {
    pub(crate) const TABLE: &str = "asset_keys";
    pub(crate) const ID: &str = "id";
    pub(crate) const ASSET_KEY: &str = "asset_key";
    pub(crate) const LAST_MATERIALIZATION: &str = "last_materialization";
    pub(crate) const LAST_RUN_ID: &str = "last_run_id";
    pub(crate) const WIPE_TIMESTAMP: &str = "wipe_timestamp";
    pub(crate) const LAST_MATERIALIZATION_TIMESTAMP: &str = "last_materialization_timestamp";
}

/// The tags of asset events that Dagster looks events up by.
pub(crate) mod asset_event_tags {
    pub(crate) const TABLE: &str = "asset_event_tags";
    pub(crate) const EVENT_ID: &str = "event_id";
    pub(crate) const ASSET_KEY: &str = "asset_key";
    pub(crate) const KEY: &str = "key";
    pub(crate) const VALUE: &str = "value";
    pub(crate) const EVENT_TIMESTAMP: &str = "event_timestamp";
}

/// Schedules and sensors.
pub(crate) mod instigators {
    pub(crate) const TABLE: &str = "instigators";
    pub(crate) const ID: &str = "id";
    pub(crate) const INSTIGATOR_TYPE: &str = "instigator_type";
    pub(crate) const INSTIGATOR_BODY: &str = "instigator_body";
}

/// Marks of data migrations that are complete.
pub(crate) mod secondary_indexes {
    pub(crate) const TABLE: &str = "secondary_indexes";
    pub(crate) const NAME: &str = "name";
    pub(crate) const MIGRATION_COMPLETED: &str = "migration_completed";
}

/// The revision of the schema.
pub(crate) mod alembic_version {
    pub(crate) const TABLE: &str = "alembic_version";
    pub(crate) const VERSION_NUM: &str = "version_num";
}
