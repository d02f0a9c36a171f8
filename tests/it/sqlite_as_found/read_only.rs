//! Homes that cannot be written, which Dagster itself cannot read.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use dagster_instance_tests::{Home, binary, dagster, dagster_script};

use super::{Ended, ours};

/// A program in whose view a directory is mounted read-only.
fn with_read_only(directory: &Path, program: &Command) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-euc"]);
    command.arg(r#"mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; shift; exec "$@""#);
    command.arg("sh").arg(directory).arg(program.get_program()).args(program.get_args());
    command.env_remove("DAGSTER_HOME");
    command
}

fn stand(directory: &Path, found: &mut BTreeMap<String, (u64, SystemTime)>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let file = path.metadata().expect("a file");
        let modified = file.modified().expect("a time");
        found.insert(path.display().to_string(), (file.len(), modified));
        if file.is_dir() {
            stand(&path, found);
        }
    }
}

/// Every command that only looks, over what is in the home.
fn looking(run_id: &str) -> Vec<Vec<&str>> {
    let lines = [
        "info --json",
        "run list --json",
        "asset list --json",
        "schedule list --json",
        "sensor list --json",
        "backfill list --json",
        "daemon status --json",
        "migrate --check",
        "migrate --plan",
        "config check",
        "config show",
    ];
    let mut all: Vec<Vec<&str>> = lines.iter().map(|line| line.split(' ').collect()).collect();
    all.push(vec!["run", "show", run_id, "--json"]);
    all.push(vec!["run", "events", run_id, "--json"]);
    all.push(vec!["run", "tail", run_id, "--json"]);
    all.push(vec!["run", "wait", run_id]);
    all.push(vec!["asset", "show", "a", "--json"]);
    all.push(vec!["asset", "checks", "a", "--json"]);
    all.push(vec!["asset", "partitions", "a", "--json"]);
    all.push(vec!["partitions", "list", "p", "--json"]);
    all
}

#[test]
fn every_command_that_looks_answers_in_a_read_only_home() {
    let home = Home::new();
    let exec = ["exec", "--asset", "a", "--", "echo", "hello"];
    let ended = Ended::of(ours(home.path(), &exec)).succeeded();
    let id = ended.stderr.lines().find_map(|line| line.strip_prefix("Run ")?.split(' ').next());
    let id = id.expect("the run's id");
    Ended::of(ours(home.path(), &["partitions", "add", "p", "x"])).succeeded();
    // Whoever may write leaves logs or tidies them up, so all of these come first.
    let commands = looking(id);
    let expected: Vec<_> = commands
        .iter()
        .map(|arguments| (arguments, Ended::of(ours(home.path(), arguments))))
        .collect();
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    stand(home.path(), &mut before);
    for (arguments, expected) in expected {
        let ended = Ended::of(with_read_only(home.path(), &ours(home.path(), arguments)));
        assert_eq!(ended.code, expected.code, "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, expected.stdout, "{arguments:?}");
        assert_eq!(ended.stderr, expected.stderr, "{arguments:?}");
    }
    for (arguments, file) in [
        (vec!["exec", "--", "true"], "history"),
        (vec!["partitions", "add", "p", "y"], "index.db"),
        (vec!["asset", "wipe", "a", "--yes"], "index.db"),
        (vec!["daemon", "wipe", "--yes"], "runs.db"),
    ] {
        let ended = Ended::of(with_read_only(home.path(), &ours(home.path(), &arguments)));
        assert!(ended.code != Some(0), "{arguments:?}");
        for part in [file, "read-only", "use another home"] {
            assert!(ended.stderr.contains(part), "{arguments:?} says no {part}: {}", ended.stderr);
        }
    }
    stand(home.path(), &mut after);
    assert_eq!(after, before);

    let mut script = dagster_script("read_run.py");
    script.arg(home.path()).arg(id);
    let failed = Ended::of(with_read_only(home.path(), &script));
    assert!(failed.stderr.contains("unable to open database file"), "{}", failed.stderr);
}

/// A read-only view of a home in which Dagster executes runs shows each of them when it is there.
#[test]
fn a_read_only_view_shows_what_dagster_writes_beside_it() {
    let parent = Home::new();
    let (live, seen) = (parent.path().join("live"), parent.path().join("seen"));
    for directory in [&live, &seen] {
        std::fs::create_dir(directory).expect("a directory");
    }
    dagster("beside_a_view.py", &[&live.to_string_lossy(), "prepare"]);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-euc"]);
    command.arg(r#"mount --bind "$1" "$2"; mount -o remount,ro,bind "$2"; shift 2; exec "$@""#);
    let script = dagster_script("beside_a_view.py");
    command.arg("sh").arg(&live).arg(&seen).arg(script.get_program()).args(script.get_args());
    command.arg(&live).arg("write").arg(binary()).arg(&seen).env_remove("DAGSTER_HOME");
    let found = Ended::of(command).succeeded().json();
    let rounds = found.as_array().expect("a list");
    assert_eq!(rounds.len(), 12);
    for (number, round) in rounds.iter().enumerate() {
        // One run more in each round, with all of its events, while Dagster's connections are open and after that.
        assert_eq!(round["runs"], number + 2, "{round}");
        assert_eq!(round["ours"], round["theirs"], "{round}");
    }
}
