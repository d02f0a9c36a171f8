CREATE TABLE IF NOT EXISTS event_logs (
    id bigserial NOT NULL,
    run_id varchar(255),
    event text NOT NULL,
    dagster_event_type text,
    "timestamp" timestamp,
    step_key text,
    asset_key text,
    partition text,
    CONSTRAINT event_logs_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS idx_event_type ON event_logs (dagster_event_type, id);
CREATE INDEX IF NOT EXISTS idx_events_by_asset ON event_logs (asset_key, dagster_event_type, id) WHERE (asset_key IS NOT NULL);
CREATE INDEX IF NOT EXISTS idx_events_by_asset_partition ON event_logs (asset_key, dagster_event_type, partition, id) WHERE ((asset_key IS NOT NULL) AND (partition IS NOT NULL));
CREATE INDEX IF NOT EXISTS idx_events_by_run_id ON event_logs (run_id, id);
CREATE INDEX IF NOT EXISTS idx_step_key ON event_logs (step_key);
CREATE TABLE IF NOT EXISTS secondary_indexes (
    id bigserial NOT NULL,
    name varchar(512),
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    migration_completed timestamp,
    CONSTRAINT secondary_indexes_pkey PRIMARY KEY (id),
    CONSTRAINT secondary_indexes_name_key UNIQUE (name)
);
CREATE TABLE IF NOT EXISTS asset_keys (
    id bigserial NOT NULL,
    asset_key varchar(512),
    last_materialization text,
    last_run_id varchar(255),
    asset_details text,
    wipe_timestamp timestamp,
    last_materialization_timestamp timestamp,
    tags text,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    cached_status_data text,
    CONSTRAINT asset_keys_pkey PRIMARY KEY (id),
    CONSTRAINT asset_keys_asset_key_key UNIQUE (asset_key)
);
CREATE TABLE IF NOT EXISTS asset_event_tags (
    id bigserial NOT NULL,
    event_id bigint,
    asset_key text NOT NULL,
    key text NOT NULL,
    value text,
    event_timestamp timestamp,
    CONSTRAINT asset_event_tags_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS idx_asset_event_tags ON asset_event_tags (asset_key, key, value);
CREATE INDEX IF NOT EXISTS idx_asset_event_tags_event_id ON asset_event_tags (event_id);
CREATE TABLE IF NOT EXISTS dynamic_partitions (
    id bigserial NOT NULL,
    partitions_def_name text NOT NULL,
    partition text NOT NULL,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT dynamic_partitions_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_dynamic_partitions ON dynamic_partitions (partitions_def_name, partition);
CREATE TABLE IF NOT EXISTS concurrency_limits (
    id bigserial NOT NULL,
    concurrency_key varchar(512) NOT NULL,
    "limit" integer NOT NULL,
    using_default_limit boolean DEFAULT false NOT NULL,
    update_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT concurrency_limits_pkey PRIMARY KEY (id),
    CONSTRAINT concurrency_limits_concurrency_key_key UNIQUE (concurrency_key)
);
CREATE TABLE IF NOT EXISTS concurrency_slots (
    id bigserial NOT NULL,
    concurrency_key text NOT NULL,
    run_id text,
    step_key text,
    deleted boolean NOT NULL,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT concurrency_slots_pkey PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS pending_steps (
    id bigserial NOT NULL,
    concurrency_key text NOT NULL,
    run_id text,
    step_key text,
    priority integer,
    assigned_timestamp timestamp,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pending_steps_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_pending_steps ON pending_steps (concurrency_key, run_id, step_key);
CREATE TABLE IF NOT EXISTS asset_check_executions (
    id bigserial NOT NULL,
    asset_key text,
    check_name text,
    partition text,
    run_id varchar(255),
    execution_status varchar(255),
    evaluation_event text,
    evaluation_event_timestamp timestamp,
    evaluation_event_storage_id bigint,
    materialization_event_storage_id bigint,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT asset_check_executions_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS idx_asset_check_executions ON asset_check_executions (asset_key, check_name, materialization_event_storage_id, partition);
CREATE UNIQUE INDEX IF NOT EXISTS idx_asset_check_executions_unique ON asset_check_executions (asset_key, check_name, run_id, partition);
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num varchar(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
