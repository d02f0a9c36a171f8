//! The texts of errors: broken files, and what is said of each.

use std::fmt::Write;

use instance_config::{ConfigCheck, LoadSettings, check_config, load_settings};
use instance_core::config_problems::Severity;

use crate::support::{VARIABLES, Variables, home_with};

const LOCAL: &str =
    "module: dagster.core.storage.local_compute_log_manager, class: LocalComputeLogManager";

fn checked(yaml: &str) -> ConfigCheck {
    let home = home_with(yaml);
    let check = check_config(&LoadSettings::new(home.path()), &VARIABLES).unwrap();
    // The verdict is that of whoever opens the instance.
    let loaded = load_settings(home.path(), &VARIABLES);
    assert_eq!(check.is_accepted(), loaded.is_ok(), "{yaml}\n{check:?}\n{loaded:?}");
    check
}

fn told(yaml: &str) -> String {
    let mut told = String::new();
    for problem in checked(yaml).problems {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::ErrorWhenUsed => "when used",
            _ => "warning",
        };
        writeln!(told, "  {severity}: {problem}").unwrap();
    }
    if told.is_empty() { "  nothing\n".to_owned() } else { told }
}

/// What is said of broken files, of many kinds.
#[test]
fn texts_of_errors() {
    let cases: &[&str] = &[
        // No document, or not one.
        "storage: [\n",
        "a: b: c\n",
        "- storage\n",
        "just a text\n",
        "telemetry: {enabled: true}\n---\ntelemetry: {enabled: false}\n",
        "telemetry: {enabled: true}\ntelemetry: {enabled: false}\n",
        "telemetry: &a [*a]\n",
        "storage: !!python/object:os.system {}\n",
        "storage:\n\tsqlite: {}\n",
        "telemetry: *nothing\n",
        // Keys.
        "telemtry: {enabled: true}\n",
        "storge: {sqlite: {base_dir: /a}}\n",
        "storage: {postgres: {postgres_db: {username: u, pasword: secret, hostname: h, db_name: d}}}\n",
        "postgres_db: {username: u, password: secret}\n",
        "max_concurrent_runs: 5\n",
        "nonsense: 1\n",
        "1: 2\n",
        "telemetry: {enabled:true}\n",
        // Types.
        "telemetry: {enabled: \"yes\"}\n",
        "telemetry: true\n",
        "run_retries: {max_retries: three, enabled: 1}\n",
        "run_retries: {max_retries: 1.5}\n",
        "run_retries: {max_retries:}\n",
        "python_logs: {managed_python_loggers: root}\n",
        "storage: {postgres: {postgres_db: {username: 1, password: 2, hostname: h, db_name: d}}}\n",
        "concurrency: {pools: {granularity: ops, default_limit: -1}}\n",
        "auto_materialize: {minimum_interval_seconds: {env: 5}}\n",
        // Variables.
        "storage: {sqlite: {base_dir: {env: MISSING}}}\n",
        "storage: {sqlite: {base_dir: {evn: BASE}}}\n",
        "storage: {postgres: {postgres_db: {username: u, hostname: h, db_name: d, port: {env: BASE}}}}\n",
        &format!("compute_logs: {{{LOCAL}, config: {{base_dir: {{env: MISSING}}}}}}\n"),
        // Sections that contradict each other.
        "storage: {sqlite: {base_dir: /a}}\nrun_storage: {module: dagster.core.storage.runs, class: SqliteRunStorage, \
         config: {base_dir: /b}}\n",
        "run_queue: {max_concurrent_runs: 1}\nrun_coordinator: {module: dagster, class: QueuedRunCoordinator}\n",
        "concurrency: {runs: {max_concurrent_runs: 1}}\nrun_queue: {max_concurrent_runs: 2}\n",
        "concurrency: {pools: {default_limit: 1}, default_op_concurrency_limit: 2}\n",
        "storage: {sqlite: {base_dir: /a}, postgres: {postgres_url: 'postgresql://h/d'}}\n",
        "storage: {}\nnux: {enabled: 3}\n",
        "run_monitoring: {enabled: true, max_resume_run_attempts: 3}\n",
        // Classes.
        "run_launcher: {module: dagster_k8s, class: K8RunLauncher}\n",
        "run_launcher: {module: dagster_kubernetes, class: K8sRunLauncher}\n",
        "run_launcher: {module: dagster_k8s, class: K8sRunLauncher, config: {job_namespce: x}}\n",
        "run_launcher: {class: K8sRunLauncher}\n",
        "scheduler: {module: dagster, class: DefaultRunLauncher}\n",
        "storage: {custom: {module: mine, class: Mine, config: {url: secret}}}\n",
        "storage: {custom: {module: mine, class: PooledDagsterPostgresStorage, config: {postgres_url: \
         'postgresql://h/d'}}}\n",
        "storage: {mysql: {mysql_url: 'mysql://u:secret@h/d'}}\n",
        "instance_class: {module: mine, class: Mine}\n",
        "compute_logs: {module: mine, class: Logs}\n",
        // What shows when values become settings.
        "storage: {postgres: {postgres_url: 'mysql://u:secret@h/d'}}\n",
        "storage: {postgres: {postgres_url: 'postgresql://u:secret@h:port/d'}}\n",
        "storage: {postgres: {postgres_db: {username: u, hostname: h, db_name: d, port: 70000}}}\n",
        "storage: {postgres: {postgres_db: {username: u, hostname: h, db_name: d, scheme: mysql}}}\n",
        "storage: {postgres: {postgres_db: {username: u, hostname: h, db_name: d, params: {sslmode: null}}}}\n",
        "storage: {postgres: {postgres_url: ''}}\n",
        &format!("compute_logs: {{{LOCAL}, config: {{base_dir: /a, polling_timeout: -1}}}}\n"),
        "run_queue: {max_concurrent_runs: -2}\n",
    ];
    let mut texts = String::new();
    for yaml in cases {
        writeln!(texts, "{yaml}{}", told(yaml)).unwrap();
    }
    assert!(!texts.lines().any(|line| line.starts_with("  ") && line.contains("secret")));
    insta::assert_snapshot!(texts);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let check = checked(
        "telemtry: {}\nrun_retries: {max_retries: x}\nrun_launcher: {module: dagster_k8s, class: K8sRunLauncher}\n",
    );
    let severities: Vec<_> = check.problems.iter().map(|problem| problem.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Error, Severity::ErrorWhenUsed]);
    // So are those that only the settings show.
    let check = checked(&format!(
        "storage: {{postgres: {{postgres_url: 'mysql://h/d'}}}}\n\
         compute_logs: {{{LOCAL}, config: {{base_dir: /a, polling_timeout: -1}}}}\n"
    ));
    let keys: Vec<_> = check.problems.iter().map(|problem| &*problem.key).collect();
    assert_eq!(keys, ["storage.postgres.postgres_url", "compute_logs.config.polling_timeout"]);
}

#[test]
fn a_variable_of_dagsters_own_is_the_key_of_its_problem() {
    let home = home_with("");
    let variables = Variables(&[
        ("DAGSTER_EVENT_BATCH_SIZE", "many"),
        ("DAGSTER_DAEMON_HEARTBEAT_TOLERANCE", "much"),
    ]);
    let check = check_config(&LoadSettings::new(home.path()), &variables).unwrap();
    let found: Vec<_> =
        check.problems.iter().map(|problem| (problem.severity, &*problem.key)).collect();
    assert_eq!(
        found,
        [
            (Severity::Error, "environment variable DAGSTER_EVENT_BATCH_SIZE"),
            (Severity::ErrorWhenUsed, "environment variable DAGSTER_DAEMON_HEARTBEAT_TOLERANCE"),
        ]
    );
    assert!(!check.is_accepted() && load_settings(home.path(), &variables).is_err());
}

#[test]
fn a_file_that_is_not_there_has_no_mistakes() {
    let check = check_config(&LoadSettings::new("/no/such/home"), &VARIABLES).unwrap();
    assert!(!check.exists && check.is_accepted() && check.problems.is_empty());
}
