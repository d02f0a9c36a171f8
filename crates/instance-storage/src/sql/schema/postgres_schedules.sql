CREATE TABLE IF NOT EXISTS jobs (
    id bigserial NOT NULL,
    job_origin_id varchar(255),
    selector_id varchar(255),
    repository_origin_id varchar(255),
    status varchar(63),
    job_type varchar(63),
    job_body text,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    update_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_job_origin_id_key UNIQUE (job_origin_id)
);
CREATE INDEX IF NOT EXISTS ix_jobs_job_type ON jobs (job_type);
CREATE TABLE IF NOT EXISTS instigators (
    id bigserial NOT NULL,
    selector_id varchar(255),
    repository_selector_id varchar(255),
    status varchar(63),
    instigator_type varchar(63),
    instigator_body text,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    update_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT instigators_pkey PRIMARY KEY (id),
    CONSTRAINT instigators_selector_id_key UNIQUE (selector_id)
);
CREATE INDEX IF NOT EXISTS ix_instigators_instigator_type ON instigators (instigator_type);
CREATE TABLE IF NOT EXISTS job_ticks (
    id bigserial NOT NULL,
    job_origin_id varchar(255),
    selector_id varchar(255),
    status varchar(63),
    type varchar(63),
    "timestamp" timestamp,
    tick_body text,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    update_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT job_ticks_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS idx_job_tick_status ON job_ticks (job_origin_id, status);
CREATE INDEX IF NOT EXISTS idx_job_tick_timestamp ON job_ticks (job_origin_id, "timestamp");
CREATE INDEX IF NOT EXISTS idx_tick_selector_timestamp ON job_ticks (selector_id, "timestamp");
CREATE INDEX IF NOT EXISTS ix_job_ticks_job_origin_id ON job_ticks (job_origin_id);
CREATE TABLE IF NOT EXISTS asset_daemon_asset_evaluations (
    id bigserial NOT NULL,
    evaluation_id bigint,
    asset_key text,
    asset_evaluation_body text,
    num_requested integer,
    num_skipped integer,
    num_discarded integer,
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT asset_daemon_asset_evaluations_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_asset_daemon_asset_evaluations_asset_key_evaluation_id ON asset_daemon_asset_evaluations (asset_key, evaluation_id);
CREATE INDEX IF NOT EXISTS ix_asset_daemon_asset_evaluations_evaluation_id ON asset_daemon_asset_evaluations (evaluation_id);
CREATE TABLE IF NOT EXISTS secondary_indexes (
    id bigserial NOT NULL,
    name varchar(512),
    create_timestamp timestamp DEFAULT CURRENT_TIMESTAMP,
    migration_completed timestamp,
    CONSTRAINT secondary_indexes_pkey PRIMARY KEY (id),
    CONSTRAINT secondary_indexes_name_key UNIQUE (name)
);
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num varchar(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
