-- A home of 2,000 runs and 200,000 events for looking at plans, in SQLite and in Postgres: `TIME(seconds)` is
-- replaced by what makes a time of seconds since 1970. One statement for each table, each behind an empty line.
--
-- The statements of the snapshots name the events 5 to 9, the run 11ba.., the asset demo/hello, the time
-- 1700000000.25. So that this is what callers ask for, the ids of events end at 9, behind which there is little,
-- the run is one of the last, the asset one of 200, and all but the last runs are older than the time.

INSERT INTO event_logs (id, run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition)
WITH RECURSIVE
  counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < 199999),
  placed AS (SELECT n, n / 100 AS run, n % 100 AS place, (n / 100 * 7 + n % 10 * 13) % 200 AS asset FROM counted)
SELECT
  n - 199990,
  CASE run WHEN 1990 THEN '11ba45cd-0ff4-4c97-9043-022db056be22'
    ELSE substr('0123456789abcdef', run * 7 % 16 + 1, 1) || substr('0123456789abcdef', run / 16 % 16 + 1, 1)
      || 'c0ffee-0ff4-4c97-9043-' || (100000000000 + run) END,
  substr('{"__class__": "EventLogEntry", "dagster_event": {"__class__": "DagsterEvent", "event_specific_data": null, "event_type_value": "ENGINE_EVENT", "job_name": "letters", "logging_tags": {}, "message": "A message of the usual length.", "pid": 4711, "solid_handle": null, "step_handle": null, "step_key": null, "step_kind_value": null}, "error_info": null, "level": 20, "message": "", "run_id": "00000000", "timestamp": 1700000000.0, "user_message": ""}', 1, 300 + n * 31 % 100),
  CASE
    WHEN place = 0 THEN 'PIPELINE_STARTING'
    WHEN place = 1 THEN 'PIPELINE_START'
    WHEN place = 99 AND run % 10 = 0 THEN 'PIPELINE_FAILURE'
    WHEN place = 99 THEN 'PIPELINE_SUCCESS'
    WHEN place BETWEEN 10 AND 19 THEN 'ASSET_MATERIALIZATION_PLANNED'
    WHEN place BETWEEN 20 AND 29 AND run % 10 > 0 THEN 'ASSET_MATERIALIZATION'
    WHEN place BETWEEN 30 AND 31 THEN 'ASSET_OBSERVATION'
    WHEN place BETWEEN 32 AND 41 THEN 'STEP_START'
    WHEN place BETWEEN 42 AND 51 AND run % 10 = 0 AND place % 10 = 1 THEN 'STEP_FAILURE'
    WHEN place BETWEEN 42 AND 51 THEN 'STEP_SUCCESS'
    WHEN place BETWEEN 52 AND 61 THEN 'STEP_OUTPUT'
    WHEN place BETWEEN 62 AND 71 THEN 'HANDLED_OUTPUT'
    WHEN place BETWEEN 72 AND 91 THEN NULL
    ELSE 'ENGINE_EVENT' END,
  TIME(1680000000.25 + n * 100.2),
  CASE WHEN place BETWEEN 20 AND 91 THEN substr('abcdefghij', n % 10 + 1, 1) END,
  CASE WHEN place BETWEEN 10 AND 31 THEN CASE asset
    WHEN 0 THEN '["demo", "hello"]'
    WHEN 1 THEN '["demo", "h\u00e9"]'
    WHEN 2 THEN '["raw"]'
    WHEN 3 THEN '["demo"]'
    ELSE '["asset_' || asset || '"]' END END,
  CASE WHEN place BETWEEN 10 AND 31 AND asset % 2 = 0 THEN CASE run % 12
    WHEN 0 THEN 'a'
    WHEN 1 THEN 'b'
    ELSE '2024-01-' || (10 + run % 20) END END
FROM placed;

INSERT INTO asset_event_tags (event_id, asset_key, key, value, event_timestamp)
SELECT id, asset_key, tag, CASE tag WHEN 'dagster/data_version' THEN 'version ' || id ELSE coalesce(partition, '2024-01-01') END, timestamp
FROM event_logs CROSS JOIN (
  SELECT 'dagster/data_version' AS tag UNION ALL SELECT 'dagster/partition/date' UNION ALL SELECT 'dagster/code_version') AS tags
WHERE dagster_event_type IN ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION');

INSERT INTO asset_keys (asset_key, last_materialization, last_run_id, last_materialization_timestamp)
SELECT asset_key, '{}', max(run_id), max(timestamp)
FROM event_logs WHERE asset_key IS NOT NULL GROUP BY asset_key;

INSERT INTO asset_check_executions (asset_key, check_name, partition, run_id, execution_status, evaluation_event, evaluation_event_timestamp, evaluation_event_storage_id, materialization_event_storage_id)
SELECT asset_key, CASE WHEN id % 2 = 0 THEN 'is_small' ELSE 'is_new' END, partition, run_id, 'SUCCEEDED', '{}', timestamp, id, id
FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION';

INSERT INTO dynamic_partitions (partitions_def_name, partition)
WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < 19999)
SELECT 'partitions ' || (n % 10), 'key ' || n FROM counted;

INSERT INTO snapshots (snapshot_id, snapshot_body, snapshot_type)
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 40)
SELECT CASE n WHEN 1 THEN 'aa' ELSE 'snapshot ' || n END, '', 'PIPELINE' FROM counted;

INSERT INTO runs (run_id, snapshot_id, pipeline_name, status, run_body, partition, create_timestamp, update_timestamp, start_time, end_time, backfill_id)
WITH RECURSIVE counted(run) AS (SELECT 0 UNION ALL SELECT run + 1 FROM counted WHERE run < 1999)
SELECT
  CASE run WHEN 1990 THEN '11ba45cd-0ff4-4c97-9043-022db056be22'
    ELSE substr('0123456789abcdef', run * 7 % 16 + 1, 1) || substr('0123456789abcdef', run / 16 % 16 + 1, 1)
      || 'c0ffee-0ff4-4c97-9043-' || (100000000000 + run) END,
  CASE run % 40 WHEN 10 THEN 'aa' ELSE 'snapshot ' || (run % 39 + 2) END,
  CASE run % 20 WHEN 10 THEN 'letters' ELSE 'job ' || (run % 20) END,
  CASE
    WHEN run > 1995 THEN 'QUEUED'
    WHEN run > 1991 THEN 'STARTED'
    WHEN run % 10 = 0 THEN 'FAILURE'
    WHEN run % 33 = 0 THEN 'CANCELED'
    ELSE 'SUCCESS' END,
  substr('{"__class__": "PipelineRun", "asset_check_selection": null, "asset_selection": null, "execution_plan_snapshot_id": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "external_pipeline_origin": null, "has_repository_load_data": false, "mode": null, "parent_run_id": null, "partitions_subset": null, "pipeline_code_origin": null, "pipeline_name": "letters", "pipeline_snapshot_id": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "root_run_id": null, "run_config": {}, "run_id": "11ba45cd-0ff4-4c97-9043-022db056be22", "run_op_concurrency": null, "solid_selection": null, "solids_to_execute": null, "status": {"__enum__": "PipelineRunStatus.NOT_STARTED"}, "step_keys_to_execute": null, "tags": {"dagster/backfill": "bf", "dagster/partition": "a", "team": "data"}}', 1, 700 + run % 60),
  CASE WHEN run % 2 = 0 THEN '2024-01-' || (10 + run % 20) END,
  TIME(1680000000.25 + run * 10020),
  TIME(1680000900.25 + run * 10020),
  1680000100.25 + run * 10020,
  1680000900.25 + run * 10020,
  CASE WHEN run % 5 = 0 THEN 'backfill-' || (run / 100) END
FROM counted;

INSERT INTO run_tags (run_id, key, value)
SELECT run_id, tag, CASE tag
  WHEN 'team' THEN CASE id % 8 WHEN 7 THEN 'data' ELSE 'team ' || (id % 8) END
  WHEN 'tier' THEN CASE id % 10 WHEN 0 THEN 'gold' WHEN 1 THEN 'silver' ELSE 'bronze' END
  WHEN 'dagster/partition' THEN partition
  WHEN 'dagster/backfill' THEN backfill_id
  WHEN 'dagster/root_run_id' THEN run_id
  ELSE 'a value' END
FROM runs CROSS JOIN (
  SELECT 'team' AS tag UNION ALL SELECT 'tier' UNION ALL SELECT 'dagster/partition' UNION ALL SELECT 'dagster/backfill'
  UNION ALL SELECT 'dagster/root_run_id' UNION ALL SELECT '.dagster/repository' UNION ALL SELECT 'dagster/code_location') AS tags
WHERE (tag <> 'dagster/partition' OR partition IS NOT NULL)
  AND (tag <> 'dagster/backfill' OR backfill_id IS NOT NULL)
  AND (tag <> 'dagster/root_run_id' OR id % 20 = 0);
