//! Cases 14 and 17: what the file says, and how editors write it.

use super::support::{PASSWORD, accepted, home, load_from, refused};

/// Case 14: keys that are unknown, keys that contradict one another, and values that are out of range.
#[test]
fn unknown_and_contradicting_keys_are_refused() {
    for (yaml, named) in [
        (
            "concurrency:\n  pools:\n    NAME:\n      limit: 2\n",
            &["3:5", "concurrency.pools.NAME"][..],
        ),
        ("retention:\n  runs:\n    purge_after_days: 5\n", &["2:3", "retention.runs"]),
        ("data_retention:\n  runs: 5\n", &["1:1", "data_retention", "retention"]),
        (
            "run_queue:\n  max_concurrent_runs: 1\nrun_coordinator:\n  module: dagster\n  class: QueuedRunCoordinator\n",
            &["run_queue", "run_coordinator"],
        ),
        (
            "concurrency:\n  pools:\n    default_limit: 4\n  default_op_concurrency_limit: 4\n",
            &["default_op_concurrency_limit", "pools"],
        ),
        (
            "concurrency:\n  pools:\n    default_limit: 1001\n",
            &["3:20", "default_limit", "1001", "1000"],
        ),
        (
            "concurrency:\n  default_op_concurrency_limit: 1001\n",
            &["default_op_concurrency_limit", "1001"],
        ),
        ("telemetry:\n", &["1:1", "telemetry"]),
        ("run_storage:\n", &["run_storage"]),
        ("storage:\n", &["storage"]),
        ("storage: {}\n", &["1:", "storage", "postgres", "sqlite"]),
        ("storage:\n  sqlite: {}\n", &["storage.sqlite", "base_dir"]),
        (
            "storage:\n  sqlite:\n    base_dir: /a\n  postgres:\n    postgres_url: postgresql://h/d\n",
            &["storage", "sqlite", "postgres"],
        ),
    ] {
        refused(yaml, &[], named);
    }
}

/// All mistakes of a file are told at once, each with its place, and with the key that was meant.
#[test]
fn all_mistakes_are_told_at_once() {
    let yaml = format!(
        "storage:\n  postgres:\n    postgres_db:\n      username: u\n      password: {PASSWORD}\n      hostname: h\n      \
         db_name: d\n      prot: 5433\ntelemetry:\n  enabled: maybe\nrun_monitor:\n  enabled: true\n"
    );
    let named = [
        "8:7",
        "prot",
        "`port`",
        "10:12",
        "telemetry.enabled",
        "maybe",
        "11:1",
        "`run_monitoring`",
    ];
    refused(&yaml, &[], &named);
}

/// Case 17: a byte-order mark, the line ends of Windows, an indented document, an empty first line.
#[test]
fn files_as_editors_write_them_are_read() {
    let yaml = "telemetry:\n  enabled: false\nrun_retries:\n  enabled: true\n";
    let indented: String = yaml.lines().flat_map(|line| ["  ", line, "\n"]).collect();
    for (name, text) in [
        ("byte-order mark", format!("\u{feff}{yaml}")),
        ("CRLF", yaml.replace('\n', "\r\n")),
        ("both", format!("\u{feff}{}", yaml.replace('\n', "\r\n"))),
        ("indented", indented),
        ("empty first line", format!("\n{yaml}")),
        ("document marks", format!("---\n{yaml}...\n")),
        ("no newline at the end", yaml.trim_end().to_owned()),
    ] {
        let settings = accepted(&text, &[]);
        assert!(!settings.telemetry_enabled, "{name}");
        assert!(settings.run_retries.enabled, "{name}");
    }
}

/// Case 17: of a doubled key the last one counts, and a second document is an error.
#[test]
fn a_doubled_key_and_a_second_document_are_as_in_dagster() {
    let settings = accepted("telemetry:\n  enabled: true\ntelemetry:\n  enabled: false\n", &[]);
    assert!(!settings.telemetry_enabled);
    refused("telemetry:\n  enabled: true\n---\nnux:\n  enabled: true\n", &[], &["3:1", "document"]);
}

/// An error about YAML shows no line of the file: any of them may hold a password.
#[test]
fn no_error_about_yaml_shows_a_secret() {
    let storage = format!(
        "storage:\n  postgres:\n    postgres_db:\n      username: u\n      password: {PASSWORD}\n      hostname: h\n      db_name: d\n"
    );
    for (yaml, place) in [
        (format!("{storage}telemetry:\n\tenabled: true\n"), "9:"),
        (format!("{storage}telemetry: enabled: true\n"), "8:"),
        (format!("{storage}telemetry: *unknown\n"), "8:12"),
        (format!("{storage}telemetry: !unknown x\n"), "8:21"),
        (storage.replace(PASSWORD, &format!("\"{PASSWORD}")), "dagster.yaml"),
        (storage.replace(PASSWORD, &format!("{PASSWORD}: more")), "5:"),
        (storage.replace(PASSWORD, &format!("@{PASSWORD}")), "5:17"),
    ] {
        refused(&yaml, &[], &[place]);
    }
    // The value of a wrong type is a secret where the right one would be.
    for (yaml, place) in [
        (storage.replace(PASSWORD, &format!("[{PASSWORD}]")), "5:"),
        (format!("storage:\n  postgres: postgresql://u:{PASSWORD}@h/d\n"), "2:"),
        (
            format!("storage:\n  postgres:\n    postgres_uri: postgresql://u:{PASSWORD}@h/d\n"),
            "3:5",
        ),
        (format!("storage:\n  postgres:\n    postgres_url: oracle://u:{PASSWORD}@h/d\n"), "3:"),
        (storage.replace("password:", "pasword:"), "5:7"),
    ] {
        refused(&yaml, &[], &[place]);
    }
}

/// A file that is there and cannot be read is no file that is absent.
#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let dangling = dagster_instance_tests::Home::new();
    std::os::unix::fs::symlink("nowhere", dangling.path().join("dagster.yaml")).expect("a link");
    let directory = dagster_instance_tests::Home::new();
    std::fs::create_dir(directory.path().join("dagster.yaml")).expect("a directory");
    let latin = home(b"# \xe9\ntelemetry:\n  enabled: false\n");
    for (home, named) in [(dangling, "dagster.yaml"), (directory, "dagster.yaml"), (latin, "UTF-8")]
    {
        let error = load_from(home.path(), &[]).expect_err("it is refused");
        assert!(error.contains(named), "{error}");
    }
}
