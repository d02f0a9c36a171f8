CREATE TABLE IF NOT EXISTS snapshots (
    id bigserial NOT NULL,
    snapshot_id varchar(255) NOT NULL,
    snapshot_body bytea NOT NULL,
    snapshot_type varchar(63) NOT NULL,
    CONSTRAINT snapshots_pkey PRIMARY KEY (id),
    CONSTRAINT snapshots_snapshot_id_key UNIQUE (snapshot_id)
);
CREATE TABLE IF NOT EXISTS secondary_indexes (
    id bigserial NOT NULL,
    name varchar(512),
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    migration_completed timestamp,
    CONSTRAINT secondary_indexes_pkey PRIMARY KEY (id),
    CONSTRAINT secondary_indexes_name_key UNIQUE (name)
);
CREATE TABLE IF NOT EXISTS daemon_heartbeats (
    id bigserial NOT NULL,
    daemon_type varchar(255) NOT NULL,
    daemon_id varchar(255),
    "timestamp" timestamp NOT NULL,
    body text,
    CONSTRAINT daemon_heartbeats_pkey PRIMARY KEY (id),
    CONSTRAINT daemon_heartbeats_daemon_type_key UNIQUE (daemon_type)
);
CREATE TABLE IF NOT EXISTS bulk_actions (
    id bigserial NOT NULL,
    key varchar(32) NOT NULL,
    status varchar(255) NOT NULL,
    "timestamp" timestamp NOT NULL,
    body text,
    action_type varchar(32),
    selector_id text,
    job_name text,
    CONSTRAINT bulk_actions_pkey PRIMARY KEY (id),
    CONSTRAINT bulk_actions_key_key UNIQUE (key)
);
CREATE INDEX IF NOT EXISTS idx_bulk_actions ON bulk_actions (key);
CREATE INDEX IF NOT EXISTS idx_bulk_actions_action_type ON bulk_actions (action_type);
CREATE INDEX IF NOT EXISTS idx_bulk_actions_selector_id ON bulk_actions (selector_id);
CREATE INDEX IF NOT EXISTS idx_bulk_actions_status ON bulk_actions (status);
CREATE TABLE IF NOT EXISTS backfill_tags (
    id bigserial NOT NULL,
    backfill_id varchar(255),
    key text,
    value text,
    CONSTRAINT backfill_tags_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS idx_backfill_tags_backfill_id ON backfill_tags (backfill_id, id);
CREATE TABLE IF NOT EXISTS instance_info (
    id bigserial NOT NULL,
    run_storage_id text,
    CONSTRAINT instance_info_pkey PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS kvs (
    id bigserial NOT NULL,
    key text NOT NULL,
    value text,
    CONSTRAINT kvs_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_kvs_keys_unique ON kvs (key);
CREATE TABLE IF NOT EXISTS runs (
    id bigserial NOT NULL,
    run_id varchar(255),
    snapshot_id varchar(255),
    pipeline_name text,
    mode text,
    status varchar(63),
    run_body text,
    partition text,
    partition_set text,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    update_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    start_time double precision,
    end_time double precision,
    backfill_id varchar(255),
    CONSTRAINT runs_pkey PRIMARY KEY (id),
    CONSTRAINT fk_runs_snapshot_id_snapshots_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES snapshots(snapshot_id),
    CONSTRAINT runs_run_id_key UNIQUE (run_id)
);
CREATE INDEX IF NOT EXISTS idx_run_partitions ON runs (partition_set, partition);
CREATE INDEX IF NOT EXISTS idx_run_range ON runs (status, update_timestamp, create_timestamp);
CREATE INDEX IF NOT EXISTS idx_run_status ON runs (status);
CREATE INDEX IF NOT EXISTS idx_runs_by_backfill_id ON runs (backfill_id, id);
CREATE INDEX IF NOT EXISTS idx_runs_by_job ON runs (pipeline_name, id);
CREATE TABLE IF NOT EXISTS run_tags (
    id bigserial NOT NULL,
    run_id varchar(255),
    key text,
    value text,
    CONSTRAINT run_tags_pkey PRIMARY KEY (id),
    CONSTRAINT run_tags_run_id_fkey FOREIGN KEY (run_id) REFERENCES runs(run_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS idx_run_tags ON run_tags (key, value);
CREATE INDEX IF NOT EXISTS idx_run_tags_run_idx ON run_tags (run_id, id);
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num varchar(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
