"""Prints files `dagster.yaml` with the references that Dagster makes of them, as a fixture of instance-config.

    python write_reference_fixture.py > crates/instance-config/tests/fixtures/references.json

`{HOME}` stands for the directory of the instance. The keys of `settings` are sorted when they are serialised.
"""

import json
import os
import sys
import tempfile

os.environ.pop("DAGSTER_HOME", None)

from dagster._core.instance.ref import InstanceRef  # noqa: E402
from dagster._serdes import serialize_value  # noqa: E402

FILES = [
    "",
    "telemetry: {}\nstorage: {sqlite: {base_dir: /srv/stores}}\n",
    "storage: {sqlite: {base_dir: {env: STORES}}}\n",
    "storage: {sqlite: {base_dir: ./relative}}\n",
    "storage: {sqlite: {base_dir: ~/x/}}\n",
    "storage: {postgres: {postgres_url: 'postgresql://u:p/w@h:5432/d'}}\n",
    "storage: {postgres: {postgres_db: {username: u, password: {env: PW}, hostname: h, db_name: d, port: 5433, "
    "params: {sslmode: require, connect_timeout: 10}}, should_autocreate_tables: false}}\n",
    "storage: {postgres: {}}\n",
    "storage: {mysql: {mysql_url: 'mysql+pymysql://u:p@h/d'}}\n",
    "storage: {custom: {module: my_package.storage, class: Mine, config: {k: v, list: [1, {a: b}]}}}\n",
    "storage: {custom: {module: dagster_postgres, class: DagsterPostgresStorage, config: {postgres_url: {env: U}}}}\n",
    "run_storage: {module: dagster.core.storage.runs, class: SqliteRunStorage, config: {base_dir: /srv/runs}}\n",
    "run_storage: {module: dagster_postgres, class: PostgresRunStorage, config: {postgres_url: {env: U}}}\n"
    "event_log_storage: {module: dagster_postgres.event_log, class: PostgresEventLogStorage, config: {postgres_url: "
    "{env: U}}}\n"
    "schedule_storage: {module: mine, class: Mine, config: {text: \"it's # a: long text with many words in it, so that "
    "the line in which it stands has to be folded somewhere between two of them\"}}\n",
    "compute_logs: {module: dagster_aws.s3.compute_log_manager, class: S3ComputeLogManager, config: {bucket: b, prefix: "
    "'0123', use_ssl: true}}\n",
    "compute_logs: {module: dagster.core.storage.noop_compute_log_manager, class: NoOpComputeLogManager}\n",
    "local_artifact_storage: {module: dagster.core.storage.root, class: LocalArtifactStorage, config: {base_dir: /a}}\n",
    "scheduler: {module: dagster.core.scheduler, class: DagsterDaemonScheduler, config: {max_catchup_runs: 3}}\n",
    "run_queue: {max_concurrent_runs: 5, tag_concurrency_limits: [{key: a, value: {applyLimitPerUniqueValue: true}, "
    "limit: 2}, {key: b, limit: 1}]}\n",
    "run_coordinator: {module: dagster, class: DefaultRunCoordinator, config: {}}\n",
    "run_launcher: {module: dagster_k8s, class: K8sRunLauncher, config: {job_image: i, env_vars: [A, B=c], labels: "
    "{team: data}, run_k8s_config: {pod_spec_config: {node_selector: {disk: ssd}, tolerations: []}}}}\n",
    "secrets: {custom: {module: dagster._core.secrets.env_file, class: EnvFileLoader, config: {base_dir: /s}}}\n"
    "defs_state_storage: {module: dagster._core.storage.defs_state, class: UPathDefsStateStorage, config: {base_path: "
    "'s3://b/x', storage_options: {key: k}}}\n",
    "telemetry: {enabled: false}\nnux: {enabled: false}\nfreshness: {enabled: true}\n"
    "python_logs: {managed_python_loggers: [a, root], python_log_level: INFO, dagster_handler_config: {handlers: {h: "
    "{class: logging.StreamHandler, level: 10}}}}\n"
    "run_monitoring: {enabled: true, start_timeout_seconds: 60}\nrun_retries: {enabled: true, max_retries: 3}\n"
    "code_servers: {local_startup_timeout: 60}\nretention: {sensor: {purge_after_days: {skipped: 1, failure: -1}}}\n"
    "backfills: {use_threads: true, num_workers: 8}\nsensors: {use_threads: false}\nschedules: {num_workers: 2}\n"
    "auto_materialize: {enabled: false, run_tags: {é: ü, n: 1.5}}\n"
    "concurrency: {pools: {default_limit: 2, granularity: run}, runs: {max_concurrent_runs: 4}}\n",
]


def main():
    pairs = []
    for text in FILES:
        with tempfile.TemporaryDirectory() as home:
            with open(os.path.join(home, "dagster.yaml"), "w", encoding="utf-8") as file:
                file.write(text)
            reference = serialize_value(InstanceRef.from_dir(home))
            pairs.append([text, reference.replace(home, "{HOME}")])
    sys.stdout.write("[\n" + ",\n".join(json.dumps(pair) for pair in pairs) + "\n]\n")


if __name__ == "__main__":
    main()
