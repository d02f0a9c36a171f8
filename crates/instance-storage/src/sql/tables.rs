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
    pub(crate) const ID: &str = "id";
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
    pub(crate) const ASSET_DETAILS: &str = "asset_details";
    pub(crate) const WIPE_TIMESTAMP: &str = "wipe_timestamp";
    pub(crate) const LAST_MATERIALIZATION_TIMESTAMP: &str = "last_materialization_timestamp";
    pub(crate) const CACHED_STATUS_DATA: &str = "cached_status_data";
}

/// The tags of asset events that Dagster looks events up by.
pub(crate) mod asset_event_tags {
    pub(crate) const TABLE: &str = "asset_event_tags";
    pub(crate) const ID: &str = "id";
    pub(crate) const EVENT_ID: &str = "event_id";
    pub(crate) const ASSET_KEY: &str = "asset_key";
    pub(crate) const KEY: &str = "key";
    pub(crate) const VALUE: &str = "value";
    pub(crate) const EVENT_TIMESTAMP: &str = "event_timestamp";
}

/// Schedules and sensors, by their selectors.
pub(crate) mod instigators {
    pub(crate) const TABLE: &str = "instigators";
    pub(crate) const ID: &str = "id";
    pub(crate) const SELECTOR_ID: &str = "selector_id";
    pub(crate) const REPOSITORY_SELECTOR_ID: &str = "repository_selector_id";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const INSTIGATOR_TYPE: &str = "instigator_type";
    pub(crate) const INSTIGATOR_BODY: &str = "instigator_body";
    pub(crate) const CREATE_TIMESTAMP: &str = "create_timestamp";
    pub(crate) const UPDATE_TIMESTAMP: &str = "update_timestamp";
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

/// Schedules and sensors, by their origins, as old versions find them.
pub(crate) mod jobs {
    pub(crate) const TABLE: &str = "jobs";
    pub(crate) const ID: &str = "id";
    pub(crate) const JOB_ORIGIN_ID: &str = "job_origin_id";
    pub(crate) const SELECTOR_ID: &str = "selector_id";
    pub(crate) const REPOSITORY_ORIGIN_ID: &str = "repository_origin_id";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const JOB_TYPE: &str = "job_type";
    pub(crate) const JOB_BODY: &str = "job_body";
    pub(crate) const CREATE_TIMESTAMP: &str = "create_timestamp";
    pub(crate) const UPDATE_TIMESTAMP: &str = "update_timestamp";
}

/// Ticks of schedules and sensors.
pub(crate) mod job_ticks {
    pub(crate) const TABLE: &str = "job_ticks";
    pub(crate) const ID: &str = "id";
    pub(crate) const JOB_ORIGIN_ID: &str = "job_origin_id";
    pub(crate) const SELECTOR_ID: &str = "selector_id";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const TICK_TYPE: &str = "type";
    pub(crate) const TIMESTAMP: &str = "timestamp";
    pub(crate) const TICK_BODY: &str = "tick_body";
}

/// Evaluations of automation conditions.
pub(crate) mod asset_evaluations {
    pub(crate) const TABLE: &str = "asset_daemon_asset_evaluations";
    pub(crate) const ID: &str = "id";
    pub(crate) const EVALUATION_ID: &str = "evaluation_id";
    pub(crate) const ASSET_KEY: &str = "asset_key";
    pub(crate) const ASSET_EVALUATION_BODY: &str = "asset_evaluation_body";
    pub(crate) const NUM_REQUESTED: &str = "num_requested";
    pub(crate) const CREATE_TIMESTAMP: &str = "create_timestamp";
}

/// Backfills.
pub(crate) mod bulk_actions {
    pub(crate) const TABLE: &str = "bulk_actions";
    pub(crate) const ID: &str = "id";
    pub(crate) const KEY: &str = "key";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const TIMESTAMP: &str = "timestamp";
    pub(crate) const BODY: &str = "body";
    pub(crate) const ACTION_TYPE: &str = "action_type";
    pub(crate) const SELECTOR_ID: &str = "selector_id";
    pub(crate) const JOB_NAME: &str = "job_name";
}

/// The tags of backfills.
pub(crate) mod backfill_tags {
    pub(crate) const TABLE: &str = "backfill_tags";
    pub(crate) const BACKFILL_ID: &str = "backfill_id";
    pub(crate) const KEY: &str = "key";
    pub(crate) const VALUE: &str = "value";
}

/// Signs of life of daemons.
pub(crate) mod daemon_heartbeats {
    pub(crate) const TABLE: &str = "daemon_heartbeats";
    pub(crate) const ID: &str = "id";
    pub(crate) const DAEMON_TYPE: &str = "daemon_type";
    pub(crate) const DAEMON_ID: &str = "daemon_id";
    pub(crate) const TIMESTAMP: &str = "timestamp";
    pub(crate) const BODY: &str = "body";
}

/// Cursors of daemons.
pub(crate) mod kvs {
    pub(crate) const TABLE: &str = "kvs";
    pub(crate) const KEY: &str = "key";
    pub(crate) const VALUE: &str = "value";
}

/// Keys of dynamic partitions.
pub(crate) mod dynamic_partitions {
    pub(crate) const TABLE: &str = "dynamic_partitions";
    pub(crate) const ID: &str = "id";
    pub(crate) const PARTITIONS_DEF_NAME: &str = "partitions_def_name";
    pub(crate) const PARTITION: &str = "partition";
}

/// Limits of pools.
pub(crate) mod concurrency_limits {
    pub(crate) const TABLE: &str = "concurrency_limits";
    pub(crate) const ID: &str = "id";
    pub(crate) const CONCURRENCY_KEY: &str = "concurrency_key";
    pub(crate) const LIMIT: &str = "limit";
    pub(crate) const USING_DEFAULT_LIMIT: &str = "using_default_limit";
}

/// Slots of pools.
pub(crate) mod concurrency_slots {
    pub(crate) const TABLE: &str = "concurrency_slots";
    pub(crate) const ID: &str = "id";
    pub(crate) const CONCURRENCY_KEY: &str = "concurrency_key";
    pub(crate) const RUN_ID: &str = "run_id";
    pub(crate) const STEP_KEY: &str = "step_key";
    pub(crate) const DELETED: &str = "deleted";
}

/// Steps that wait for a slot, or for which one is set aside.
pub(crate) mod pending_steps {
    pub(crate) const TABLE: &str = "pending_steps";
    pub(crate) const ID: &str = "id";
    pub(crate) const CONCURRENCY_KEY: &str = "concurrency_key";
    pub(crate) const RUN_ID: &str = "run_id";
    pub(crate) const STEP_KEY: &str = "step_key";
    pub(crate) const PRIORITY: &str = "priority";
    pub(crate) const ASSIGNED_TIMESTAMP: &str = "assigned_timestamp";
    pub(crate) const CREATE_TIMESTAMP: &str = "create_timestamp";
}

/// Executions of asset checks.
pub(crate) mod asset_check_executions {
    pub(crate) const TABLE: &str = "asset_check_executions";
    pub(crate) const ID: &str = "id";
    pub(crate) const ASSET_KEY: &str = "asset_key";
    pub(crate) const CHECK_NAME: &str = "check_name";
    pub(crate) const PARTITION: &str = "partition";
    pub(crate) const RUN_ID: &str = "run_id";
    pub(crate) const EXECUTION_STATUS: &str = "execution_status";
    pub(crate) const EVALUATION_EVENT: &str = "evaluation_event";
    pub(crate) const EVALUATION_EVENT_TIMESTAMP: &str = "evaluation_event_timestamp";
    pub(crate) const EVALUATION_EVENT_STORAGE_ID: &str = "evaluation_event_storage_id";
    pub(crate) const MATERIALIZATION_EVENT_STORAGE_ID: &str = "materialization_event_storage_id";
    pub(crate) const CREATE_TIMESTAMP: &str = "create_timestamp";
}
