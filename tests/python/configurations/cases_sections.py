"""What the schema alone does not say of a section: its limits, its classes, and what contradicts what."""

from configurations.case import BASE, Case

QUEUED = "run_coordinator:\n  module: dagster.core.run_coordinator\n  class: QueuedRunCoordinator\n"
DEFAULT = "run_coordinator:\n  module: dagster.core.run_coordinator\n  class: DefaultRunCoordinator\n"
S3 = """compute_logs:
  module: dagster_aws.s3.compute_log_manager
  class: S3ComputeLogManager
  config:
    bucket: logs
    prefix: dagster
"""
LOCAL_LOGS = "compute_logs:\n  module: dagster.core.storage.local_compute_log_manager\n  class: LocalComputeLogManager\n"

QUEUES = {
    "queue_limit": "run_queue:\n  max_concurrent_runs: 5\n",
    "queue_limit_minus_one": "run_queue:\n  max_concurrent_runs: -1\n",
    "queue_limit_minus_two": "run_queue:\n  max_concurrent_runs: -2\n",
    "queue_limit_zero": "run_queue:\n  max_concurrent_runs: 0\n",
    "queue_limit_env": "run_queue:\n  max_concurrent_runs:\n    env: SEVEN\n",
    "queue_limit_env_text": "run_queue:\n  max_concurrent_runs:\n    env: WORD\n",
    "queue_limit_env_unset": "run_queue:\n  max_concurrent_runs:\n    env: UNSET\n",
    "queue_limit_env_minus_two": "run_queue:\n  max_concurrent_runs:\n    env: MINUS_TWO\n",
    "queue_tags": "run_queue:\n  tag_concurrency_limits:\n    - key: a\n      limit: 1\n    - key: b\n      value: c\n      limit: 2\n"
    "    - key: d\n      value:\n        applyLimitPerUniqueValue: true\n      limit: 3\n",
    "queue_tags_empty": "run_queue:\n  tag_concurrency_limits: []\n",
    "queue_tags_null": "run_queue:\n  tag_concurrency_limits:\n",
    "queue_tags_mapping": "run_queue:\n  tag_concurrency_limits:\n    key: a\n    limit: 1\n",
    "queue_tags_no_limit": "run_queue:\n  tag_concurrency_limits:\n    - key: a\n",
    "queue_tags_limit_text": "run_queue:\n  tag_concurrency_limits:\n    - key: a\n      limit: '1'\n",
    "queue_tags_value_number": "run_queue:\n  tag_concurrency_limits:\n    - key: a\n      value: 1\n      limit: 1\n",
    "queue_tags_unique_empty": "run_queue:\n  tag_concurrency_limits:\n    - key: a\n      value: {}\n      limit: 1\n",
    "queue_tags_unique_text": "run_queue:\n  tag_concurrency_limits:\n    - key: a\n      value:\n        applyLimitPerUniqueValue: 'yes'\n"
    "      limit: 1\n",
    "queue_tags_null_item": "run_queue:\n  tag_concurrency_limits:\n    -\n",
    "queue_block": "run_queue:\n  block_op_concurrency_limited_runs:\n    enabled: true\n",
    "queue_block_off": "run_queue:\n  block_op_concurrency_limited_runs:\n    enabled: false\n",
    "queue_block_empty": "run_queue:\n  block_op_concurrency_limited_runs: {}\n",
    "queue_block_buffer": "run_queue:\n  block_op_concurrency_limited_runs:\n    enabled: true\n    op_concurrency_slot_buffer: 4\n",
    "queue_block_buffer_alone": "run_queue:\n  block_op_concurrency_limited_runs:\n    op_concurrency_slot_buffer: 4\n",
    "queue_block_buffer_off": "run_queue:\n  block_op_concurrency_limited_runs:\n    enabled: false\n    op_concurrency_slot_buffer: 4\n",
    "queue_whole": "run_queue:\n  max_concurrent_runs: 15\n  dequeue_interval_seconds: 2\n  dequeue_use_threads: true\n"
    "  dequeue_num_workers: 4\n  max_user_code_failure_retries: 3\n  user_code_failure_retry_delay: 10\n",
    "queue_empty": "run_queue: {}\n",
    "queue_empty_beside_coordinator": "run_queue: {}\n" + QUEUED,
    "queue_null_beside_coordinator": "run_queue:\n" + QUEUED,
    "queue_beside_coordinator": "run_queue:\n  max_concurrent_runs: 1\n" + QUEUED,
    "queue_beside_default_coordinator": "run_queue:\n  max_concurrent_runs: 1\n" + DEFAULT,
    "coordinator_queued": QUEUED,
    "coordinator_queued_limit": QUEUED + "  config:\n    max_concurrent_runs: 3\n",
    "coordinator_queued_limit_wrong": QUEUED + "  config:\n    max_concurrent_runs: three\n",
    "coordinator_queued_unknown_key": QUEUED + "  config:\n    max_runs: 3\n",
    "coordinator_queued_minus_two": QUEUED + "  config:\n    max_concurrent_runs: -2\n",
    "coordinator_queued_empty": QUEUED + "  config: {}\n",
    "coordinator_queued_of_dagster": "run_coordinator:\n  module: dagster\n  class: QueuedRunCoordinator\n",
    "coordinator_queued_module": "run_coordinator:\n  module: dagster._core.run_coordinator.queued_run_coordinator\n"
    "  class: QueuedRunCoordinator\n",
    "coordinator_default": DEFAULT,
    "coordinator_default_of_dagster": "run_coordinator:\n  module: dagster\n  class: DefaultRunCoordinator\n",
    "coordinator_default_config": DEFAULT + "  config:\n    a: 1\n",
    "coordinator_synchronous": "run_coordinator:\n  module: dagster._core.run_coordinator.sync_in_memory_run_coordinator\n"
    "  class: SyncInMemoryRunCoordinator\n",
    "coordinator_unknown": "run_coordinator:\n  module: coordinators_of_ours\n  class: OurCoordinator\n  config:\n    max_concurrent_runs: 3\n",
    "coordinator_no_coordinator": "run_coordinator:\n  module: dagster\n  class: DefaultRunLauncher\n",
    "pools_granularity_run": "concurrency:\n  pools:\n    granularity: run\n",
    "pools_granularity_op": "concurrency:\n  pools:\n    granularity: op\n    op_granularity_run_buffer: 2\n",
    "pools_granularity_upper": "concurrency:\n  pools:\n    granularity: OP\n",
    "pools_granularity_empty": "concurrency:\n  pools:\n    granularity: ''\n",
    "pools_granularity_number": "concurrency:\n  pools:\n    granularity: 0\n",
    "pools_granularity_null": "concurrency:\n  pools:\n    granularity:\n",
    "pools_limit": "concurrency:\n  pools:\n    default_limit: 4\n",
    "pools_limit_zero": "concurrency:\n  pools:\n    default_limit: 0\n",
    "pools_limit_1000": "concurrency:\n  pools:\n    default_limit: 1000\n",
    "pools_limit_1001": "concurrency:\n  pools:\n    default_limit: 1001\n",
    "pools_limit_minus": "concurrency:\n  pools:\n    default_limit: -1\n",
    "pools_limit_text": "concurrency:\n  pools:\n    default_limit: '4'\n",
    "pools_limit_true": "concurrency:\n  pools:\n    default_limit: true\n",
    "pools_limit_null": "concurrency:\n  pools:\n    default_limit:\n",
    "pools_by_name": "concurrency:\n  pools:\n    database:\n      limit: 2\n",
    "pools_null": "concurrency:\n  pools:\n",
    "pools_list": "concurrency:\n  pools: []\n",
    "pools_text": "concurrency:\n  pools: all\n",
    "pools_beside_old_limit": "concurrency:\n  pools:\n    default_limit: 4\n  default_op_concurrency_limit: 4\n",
    "pools_beside_old_limit_null": "concurrency:\n  pools:\n    default_limit: 4\n  default_op_concurrency_limit:\n",
    "old_limit": "concurrency:\n  default_op_concurrency_limit: 4\n",
    "old_limit_1001": "concurrency:\n  default_op_concurrency_limit: 1001\n",
    "old_limit_minus": "concurrency:\n  default_op_concurrency_limit: -1\n",
    "old_limit_text": "concurrency:\n  default_op_concurrency_limit: four\n",
    "old_limit_true": "concurrency:\n  default_op_concurrency_limit: true\n",
    "old_limit_null": "concurrency:\n  default_op_concurrency_limit:\n",
    "concurrency_null": "concurrency:\n",
    "concurrency_empty": "concurrency: {}\n",
    "concurrency_text": "concurrency: pools\n",
    "concurrency_list": "concurrency: [runs]\n",
    "runs": "concurrency:\n  runs:\n    max_concurrent_runs: 3\n    tag_concurrency_limits:\n      - key: a\n        limit: 1\n",
    "runs_minus_two": "concurrency:\n  runs:\n    max_concurrent_runs: -2\n",
    "runs_null_limit": "concurrency:\n  runs:\n    max_concurrent_runs:\n",
    "runs_null_tags": "concurrency:\n  runs:\n    tag_concurrency_limits:\n",
    "runs_env": "concurrency:\n  runs:\n    max_concurrent_runs:\n      env: SEVEN\n",
    "runs_null": "concurrency:\n  runs:\n",
    "runs_and_pools": "concurrency:\n  runs:\n    max_concurrent_runs: 3\n  pools:\n    granularity: op\n    default_limit: 7\n"
    "    op_granularity_run_buffer: 2\n",
    "runs_beside_queue": "concurrency:\n  runs:\n    max_concurrent_runs: 3\nrun_queue:\n  max_concurrent_runs: 4\n",
    "runs_beside_queue_null": "concurrency:\n  runs:\n    max_concurrent_runs: 3\nrun_queue:\n  max_concurrent_runs:\n",
    "runs_beside_queue_tags": "concurrency:\n  runs: {}\nrun_queue:\n  tag_concurrency_limits: []\n",
    "runs_beside_queue_buffer": "concurrency:\n  pools: {}\nrun_queue:\n  block_op_concurrency_limited_runs:\n"
    "    op_concurrency_slot_buffer: 1\n",
    "runs_beside_queue_block": "concurrency:\n  pools: {}\nrun_queue:\n  block_op_concurrency_limited_runs:\n    enabled: true\n",
    "runs_beside_queue_other": "concurrency:\n  runs:\n    max_concurrent_runs: 3\nrun_queue:\n  dequeue_interval_seconds: 4\n",
    "runs_beside_coordinator": "concurrency:\n  runs:\n    max_concurrent_runs: 3\n" + QUEUED + "  config:\n    max_concurrent_runs: 4\n",
    "runs_beside_coordinator_tags": "concurrency:\n  pools: {}\n" + QUEUED + "  config:\n    tag_concurrency_limits: []\n",
    "runs_beside_coordinator_other": "concurrency:\n  runs:\n    max_concurrent_runs: 3\n" + QUEUED
    + "  config:\n    dequeue_interval_seconds: 4\n",
    "runs_beside_unknown_coordinator": "concurrency:\n  runs:\n    max_concurrent_runs: 3\nrun_coordinator:\n  module: coordinators_of_ours\n"
    "  class: OurCoordinator\n  config:\n    max_concurrent_runs: 4\n",
    "runs_beside_own_queued": "concurrency:\n  runs:\n    max_concurrent_runs: 3\nrun_coordinator:\n  module: coordinators_of_ours\n"
    "  class: QueuedRunCoordinator\n  config:\n    max_concurrent_runs: 4\n",
    "runs_with_default_coordinator": "concurrency:\n  runs:\n    max_concurrent_runs: 3\n" + DEFAULT,
    "old_limit_beside_queue": "concurrency:\n  default_op_concurrency_limit: 4\nrun_queue:\n  max_concurrent_runs: 4\n",
}
SECTIONS = {
    "telemetry_on": "telemetry:\n  enabled: true\n",
    "telemetry_off": "telemetry:\n  enabled: false\n",
    "telemetry_text": "telemetry:\n  enabled: 'false'\n",
    "telemetry_env": "telemetry:\n  enabled:\n    env: WORD\n",
    "telemetry_scalar": "telemetry: false\n",
    "nux_off": "nux:\n  enabled: false\n",
    "logs": "python_logs:\n  managed_python_loggers:\n    - a\n    - b.c\n  python_log_level: INFO\n",
    "logs_level_lower": "python_logs:\n  python_log_level: info\n",
    "logs_level_unknown": "python_logs:\n  python_log_level: LOUD\n",
    "logs_level_number": "python_logs:\n  python_log_level: 20\n",
    "logs_root": "python_logs:\n  managed_python_loggers:\n    - root\n",
    "logs_one": "python_logs:\n  managed_python_loggers: a\n",
    "logs_empty_list": "python_logs:\n  managed_python_loggers: []\n",
    "logs_handlers": "python_logs:\n  dagster_handler_config:\n    handlers:\n      mine:\n        class: logging.StreamHandler\n        level: INFO\n"
    "        stream: ext://sys.stdout\n    formatters:\n      f:\n        format: 'My formatted message: %(message)s'\n",
    "logs_handlers_unknown_key": "python_logs:\n  dagster_handler_config:\n    loggers: {}\n",
    "monitoring": "run_monitoring:\n  enabled: true\n  start_timeout_seconds: 1\n  cancel_timeout_seconds: 2\n  max_runtime_seconds: 3\n"
    "  poll_interval_seconds: 4\n  cancellation_thread_poll_interval_seconds: 5\n  free_slots_after_run_end_seconds: 6\n",
    "monitoring_off": "run_monitoring:\n  enabled: false\n  max_resume_run_attempts: 3\n",
    "monitoring_resume": "run_monitoring:\n  enabled: true\n  max_resume_run_attempts: 3\n",
    "monitoring_resume_zero": "run_monitoring:\n  enabled: true\n  max_resume_run_attempts: 0\n",
    "monitoring_resume_unknown_launcher": "run_monitoring:\n  enabled: true\n  max_resume_run_attempts: 3\nrun_launcher:\n"
    "  module: launchers_of_ours\n  class: OurLauncher\n",
    "monitoring_unknown_launcher": "run_monitoring:\n  enabled: true\nrun_launcher:\n  module: launchers_of_ours\n  class: OurLauncher\n",
    "monitoring_minus": "run_monitoring:\n  start_timeout_seconds: -1\n",
    "monitoring_enabled_null": "run_monitoring:\n  enabled:\n",
    "retries": "run_retries:\n  enabled: true\n  max_retries: 3\n  retry_on_asset_or_op_failure: false\n",
    "retries_text": "run_retries:\n  max_retries: '3'\n",
    "retries_env": "run_retries:\n  enabled:\n    env: WORD\n",
    "retries_null": "run_retries:\n  enabled:\n",
    "retries_minus": "run_retries:\n  max_retries: -1\n",
    "retries_float": "run_retries:\n  max_retries: 3.0\n",
    "retention": "retention:\n  schedule:\n    purge_after_days: 90\n  sensor:\n    purge_after_days:\n      skipped: 7\n      failure: 30\n"
    "      success: -1\n",
    "retention_zero": "retention:\n  schedule:\n    purge_after_days: 0\n",
    "retention_minus": "retention:\n  sensor:\n    purge_after_days: -1\n",
    "retention_zero_of_a_kind": "retention:\n  sensor:\n    purge_after_days:\n      skipped: 0\n",
    "retention_started": "retention:\n  auto_materialize:\n    purge_after_days:\n      started: 5\n",
    "retention_empty_kinds": "retention:\n  auto_materialize:\n    purge_after_days: {}\n",
    "retention_schedule_empty": "retention:\n  schedule: {}\n",
    "retention_text": "retention:\n  schedule:\n    purge_after_days: 'ninety'\n",
    "retention_true": "retention:\n  schedule:\n    purge_after_days: true\n",
    "retention_runs": "retention:\n  runs:\n    purge_after_days: 5\n",
    "data_retention": "data_retention:\n  runs: 5\n",
    "backfills": "backfills:\n  use_threads: true\n  num_workers: 4\n  num_submit_workers: 2\n",
    "sensors": "sensors:\n  use_threads: true\n  num_workers: 8\n",
    "schedules": "schedules:\n  use_threads: true\n  num_workers: 4\n  num_submit_workers: 4\n",
    "schedules_use_threads_env": "schedules:\n  use_threads:\n    env: WORD\n",
    "automation": "auto_materialize:\n  enabled: true\n  minimum_interval_seconds: 60\n  run_tags:\n    a: b\n  max_tick_retries: 5\n"
    "  respect_materialization_data_versions: true\n  use_sensors: false\n  use_threads: true\n  num_workers: 4\n",
    "automation_off": "auto_materialize:\n  enabled: false\n  use_sensors: false\n",
    "automation_env": "auto_materialize:\n  enabled:\n    env: WORD\n  minimum_interval_seconds:\n    env: SEVEN\n",
    "automation_env_unset": "auto_materialize:\n  enabled:\n    env: UNSET\n",
    "automation_tags_numbers": "auto_materialize:\n  run_tags:\n    a: 1\n    b: true\n    c: 1.5\n    d:\n    e: [1]\n",
    "automation_null": "auto_materialize:\n  minimum_interval_seconds:\n",
    "freshness_off": "freshness:\n  enabled: false\n",
    "freshness_on": "freshness:\n  enabled: true\n",
    "freshness_empty": "freshness: {}\n",
    "code_servers": "code_servers:\n  local_startup_timeout: 60\n  reload_timeout: 30\n  wait_for_local_processes_on_shutdown: true\n",
    "code_servers_text": "code_servers:\n  local_startup_timeout: '60'\n",
    "scheduler": "scheduler:\n  module: dagster.core.scheduler\n  class: DagsterDaemonScheduler\n",
    "scheduler_config": "scheduler:\n  module: dagster.core.scheduler\n  class: DagsterDaemonScheduler\n  config:\n    max_catchup_runs: 5\n"
    "    max_tick_retries: 2\n",
    "scheduler_module": "scheduler:\n  module: dagster._core.scheduler.scheduler\n  class: DagsterDaemonScheduler\n",
    "scheduler_config_wrong": "scheduler:\n  module: dagster.core.scheduler\n  class: DagsterDaemonScheduler\n  config:\n    max_catchup_runs: x\n",
    "scheduler_config_env": "scheduler:\n  module: dagster.core.scheduler\n  class: DagsterDaemonScheduler\n  config:\n    max_catchup_runs:\n"
    "      env: SEVEN\n",
    "scheduler_unknown": "scheduler:\n  module: dagster_cron.cron_scheduler\n  class: SystemCronScheduler\n",
    "scheduler_test": "scheduler:\n  module: dagster._utils.test\n  class: FilesystemTestScheduler\n  config:\n    base_dir: x\n",
    "scheduler_abstract": "scheduler:\n  module: dagster.core.scheduler\n  class: Scheduler\n",
    "launcher_default": "run_launcher:\n  module: dagster.core.launcher\n  class: DefaultRunLauncher\n",
    "launcher_of_dagster": "run_launcher:\n  module: dagster\n  class: DefaultRunLauncher\n",
    "launcher_default_config": "run_launcher:\n  module: dagster\n  class: DefaultRunLauncher\n  config:\n    a: 1\n",
    "launcher_synchronous": "run_launcher:\n  module: dagster._core.launcher.sync_in_memory_run_launcher\n  class: SyncInMemoryRunLauncher\n",
    "launcher_docker": "run_launcher:\n  module: dagster_docker\n  class: DockerRunLauncher\n  config:\n    env_vars:\n      - A\n    network: n\n",
    "launcher_k8s": "run_launcher:\n  module: dagster_k8s\n  class: K8sRunLauncher\n  config:\n    dagster_home:\n      env: DAGSTER_HOME\n"
    "    instance_config_map:\n      env: DAGSTER_K8S_INSTANCE_CONFIG_MAP\n",
    "launcher_ecs": "run_launcher:\n  module: dagster_aws.ecs\n  class: EcsRunLauncher\n",
    "launcher_text_config": "run_launcher:\n  module: dagster_docker\n  class: DockerRunLauncher\n  config: text\n",
    "launcher_null_config": "run_launcher:\n  module: dagster\n  class: DefaultRunLauncher\n  config:\n",
    "launcher_module_number": "run_launcher:\n  module: 1\n  class: DefaultRunLauncher\n",
    "launcher_module_empty": "run_launcher:\n  module: ''\n  class: DefaultRunLauncher\n",
    "logs_s3": S3,
    "logs_s3_whole": S3 + "    region: eu-west-1\n    endpoint_url: http://minio:9000\n    use_ssl: false\n    verify: true\n"
    "    skip_empty_files: true\n    local_dir: /tmp/logs\n    upload_interval: 30\n",
    "logs_s3_env": S3.replace("bucket: logs", "bucket:\n      env: UNSET"),
    "logs_s3_unknown_key": S3 + "    buckets: logs\n",
    "logs_s3_other_values": S3.replace("prefix: dagster", "prefix: /a//b/")
    + "    verify: false\n    verify_cert_path: /c.pem\n    upload_interval: 0\n    upload_extra_args:\n      ACL: private\n"
    "      Metadata:\n        env: UNSET\n    show_url_only: true\n    local_dir: ''\n    region: ''\n",
    "logs_s3_certificates": S3 + "    verify_cert_path: /c.pem\n    upload_interval:\n",
    "logs_s3_not_encrypted": S3 + "    use_ssl: false\n",
    "logs_s3_bucket_missing": S3.replace("    bucket: logs\n", ""),
    "logs_s3_switch_of_variable": S3 + "    use_ssl:\n      env: SEVEN\n",
    "logs_s3_local_dir_null": S3 + "    local_dir:\n",
    "logs_s3_arguments_null": S3 + "    upload_extra_args:\n",
    "logs_s3_endpoint_without_scheme": S3 + "    endpoint_url: minio:9000\n",
    "logs_s3_endpoint_empty": S3 + "    endpoint_url: ''\n",
    "logs_s3_interval_negative": S3 + "    upload_interval: -1\n",
    "logs_gcs": "compute_logs:\n  module: dagster_gcp.gcs.compute_log_manager\n  class: GCSComputeLogManager\n  config:\n    bucket: logs\n"
    "    json_credentials_envvar: CREDENTIALS\n",
    "logs_azure": "compute_logs:\n  module: dagster_azure.blob.compute_log_manager\n  class: AzureBlobComputeLogManager\n  config:\n"
    "    storage_account: a\n    container: c\n    secret_credential:\n      client_id: i\n      client_secret: s3cr3t\n      tenant_id: t\n",
    "logs_noop": "compute_logs:\n  module: dagster.core.storage.noop_compute_log_manager\n  class: NoOpComputeLogManager\n",
    "logs_noop_config": "compute_logs:\n  module: dagster.core.storage.noop_compute_log_manager\n  class: NoOpComputeLogManager\n  config:\n"
    "    a: 1\n",
    "logs_local": LOCAL_LOGS + f"  config:\n    base_dir: {BASE}/logs\n",
    "logs_local_relative": LOCAL_LOGS + "  config:\n    base_dir: ./logs\n",
    "logs_local_home_sign": LOCAL_LOGS + "  config:\n    base_dir: ~/logs\n",
    "logs_local_variable_in_text": LOCAL_LOGS + "  config:\n    base_dir: $DAGSTER_HOME/logs\n",
    "logs_local_env": LOCAL_LOGS + "  config:\n    base_dir:\n      env: DIRECTORY\n",
    "logs_local_env_empty": LOCAL_LOGS + "  config:\n    base_dir:\n      env: EMPTY\n",
    "logs_local_env_unset": LOCAL_LOGS + "  config:\n    base_dir:\n      env: UNSET\n",
    "logs_local_polling": LOCAL_LOGS + "  config:\n    base_dir: x\n    polling_timeout: 1\n",
    "logs_local_no_base_dir": LOCAL_LOGS + "  config: {}\n",
    "logs_local_no_config": LOCAL_LOGS,
    "logs_local_number": LOCAL_LOGS + "  config:\n    base_dir: 7\n",
    "logs_local_other_module": "compute_logs:\n  module: dagster\n  class: LocalComputeLogManager\n  config:\n    base_dir: x\n",
    "logs_no_class": "compute_logs:\n  module: dagster.core.storage.local_compute_log_manager\n",
    "artifacts": "local_artifact_storage:\n  module: dagster.core.storage.root\n  class: LocalArtifactStorage\n  config:\n    base_dir: "
    f"{BASE}/artifacts\n",
    "artifacts_relative": "local_artifact_storage:\n  module: dagster.core.storage.root\n  class: LocalArtifactStorage\n  config:\n"
    "    base_dir: ./artifacts\n",
    "artifacts_home_sign": "local_artifact_storage:\n  module: dagster.core.storage.root\n  class: LocalArtifactStorage\n  config:\n"
    "    base_dir: ~/artifacts\n",
    "artifacts_slash": "local_artifact_storage:\n  module: dagster.core.storage.root\n  class: LocalArtifactStorage\n  config:\n"
    f"    base_dir: {BASE}/artifacts/\n",
    "artifacts_empty": "local_artifact_storage:\n  module: dagster.core.storage.root\n  class: LocalArtifactStorage\n  config:\n"
    "    base_dir: ''\n",
    "artifacts_env": "local_artifact_storage:\n  module: dagster.core.storage.root\n  class: LocalArtifactStorage\n  config:\n    base_dir:\n"
    "      env: DAGSTER_HOME\n",
    "artifacts_env_unset": "local_artifact_storage:\n  module: dagster.core.storage.root\n  class: LocalArtifactStorage\n  config:\n"
    "    base_dir:\n      env: UNSET\n",
    "artifacts_no_config": "local_artifact_storage:\n  module: dagster.core.storage.root\n  class: LocalArtifactStorage\n",
    "artifacts_unknown": "local_artifact_storage:\n  module: artifacts_of_ours\n  class: OurStorage\n",
    "secrets_project": "secrets:\n  custom:\n    module: dagster._core.secrets.env_file\n    class: PerProjectEnvFileLoader\n    config:\n"
    "      location_paths:\n        a: b\n",
    "secrets_file": "secrets:\n  custom:\n    module: dagster._core.secrets.env_file\n    class: EnvFileLoader\n    config:\n"
    f"      base_dir: {BASE}\n",
    "secrets_file_no_config": "secrets:\n  custom:\n    module: dagster._core.secrets.env_file\n    class: EnvFileLoader\n",
    "secrets_file_empty": "secrets:\n  custom:\n    module: dagster._core.secrets.env_file\n    class: EnvFileLoader\n    config: {}\n",
    "secrets_unknown": "secrets:\n  custom:\n    module: secrets_of_ours\n    class: OurLoader\n",
    "secrets_empty": "secrets: {}\n",
    "secrets_null": "secrets:\n",
    "secrets_custom_null": "secrets:\n  custom:\n",
    "secrets_other": "secrets:\n  vault: {}\n",
    "defs_state": "defs_state_storage:\n  module: dagster._core.storage.defs_state\n  class: UPathDefsStateStorage\n  config:\n    base_path: "
    f"{BASE}/state\n",
    "defs_state_module": "defs_state_storage:\n  module: dagster._core.storage.defs_state.blob_storage_state_storage\n"
    f"  class: UPathDefsStateStorage\n  config:\n    base_path: {BASE}/state\n",
    "defs_state_relative": "defs_state_storage:\n  module: dagster._core.storage.defs_state\n  class: UPathDefsStateStorage\n  config:\n"
    "    base_path: state\n",
    "defs_state_bucket": "defs_state_storage:\n  module: dagster._core.storage.defs_state\n  class: UPathDefsStateStorage\n  config:\n"
    "    base_path: s3://bucket/state\n",
    "defs_state_memory": "defs_state_storage:\n  module: dagster._core.storage.defs_state\n  class: UPathDefsStateStorage\n  config:\n"
    "    base_path: memory://state\n    storage_options:\n      a: 1\n",
    "defs_state_env": "defs_state_storage:\n  module: dagster._core.storage.defs_state\n  class: UPathDefsStateStorage\n  config:\n"
    "    base_path:\n      env: DIRECTORY\n",
    "defs_state_unknown": "defs_state_storage:\n  module: state_of_ours\n  class: OurState\n",
    "instance_class": "instance_class:\n  module: instances_of_ours\n  class: OurInstance\n",
    "instance_class_text": "instance_class: instances_of_ours.OurInstance\n",
    "instance_class_null": "instance_class:\n",
    "instance_class_empty": "instance_class: {}\n",
    "instance_class_of_dagster": "instance_class:\n  module: dagster\n  class: DagsterInstance\n",
    "instance_class_none_there": "instance_class:\n  module: dagster\n  class: OurInstance\n",
    "instance_class_config": "instance_class:\n  module: dagster\n  class: DagsterInstance\n  config:\n    a: 1\n",
    "unknown_section": "telemetries:\n  enabled: false\n",
    "unknown_sections": "telemetries:\n  enabled: false\nrun_monitor:\n  enabled: true\n",
    "section_of_workspace": "load_from:\n  - python_file: a.py\n",
    "scheme_of_helm": "runLauncher:\n  type: K8sRunLauncher\n",
    "tag_limits_at_root": "tag_concurrency_limits:\n  - key: a\n    limit: 1\n",
}
ENVIRONMENT = {"SEVEN": "7", "WORD": "seven", "EMPTY": "", "MINUS_TWO": "-2", "DIRECTORY": BASE + "/of-variable"}


def cases():
    for name, text in {**QUEUES, **SECTIONS}.items():
        yield Case(f"section/{name}", text, ENVIRONMENT)
    limits = "concurrency:\n  pools:\n    default_limit: 1500\n"
    yield Case("section/pools_limit_of_variable", limits, {"DAGSTER_MAX_GLOBAL_OP_CONCURRENCY_LIMIT": "2000"})
    yield Case("section/pools_limit_of_bad_variable", limits, {"DAGSTER_MAX_GLOBAL_OP_CONCURRENCY_LIMIT": "many"})
    yield Case("section/old_limit_of_variable", "concurrency:\n  default_op_concurrency_limit: 3\n",
               {"DAGSTER_MAX_GLOBAL_OP_CONCURRENCY_LIMIT": "2"})
