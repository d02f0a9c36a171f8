//! File systems of other machines, and those without shared memory. A preloaded library stands for both.

use std::path::Path;
use std::process::Command;

use dagster_instance_tests::{Home, dagster, dagster_script};

use super::{Ended, fault, ours, recorded};

/// The numbers by which Linux names some file systems.
const NFS: &str = "0x6969";
const EXT4: &str = "0xef53";

fn with(mut command: Command, library: &str, variable: &str, value: &str) -> Command {
    command.env("LD_PRELOAD", library).env(variable, value);
    command
}

#[test]
fn a_network_file_system_is_named_with_the_remedy() {
    let (home, directory) = (Home::new(), Home::new());
    let library = fault(directory.path());
    recorded(ours(home.path(), &[]));
    let on = |system: &str, arguments: &[&str]| {
        let command = with(ours(home.path(), arguments), &library, "FAULT_FILE_SYSTEM", system);
        Ended::of(command).succeeded()
    };
    let ended = on(NFS, &["info", "--json"]);
    let document = ended.json();
    let warnings = document["warnings"].as_array().expect("a list");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let warning = warnings[0].as_str().expect("text");
    for part in ["history/runs", "schedules", "network file system nfs", "local disk", "Postgres"] {
        assert!(warning.contains(part), "no {part}: {warning}");
    }
    // It is said while commands work, too, and once.
    assert_eq!(ended.stderr.matches("network file system").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("WARN"), "{}", ended.stderr);
    let ended = on(NFS, &["info"]);
    assert!(ended.stdout.lines().any(|line| line.starts_with("Warning ") && line.contains("nfs")));
    let ended = on(NFS, &["run", "list"]);
    assert_eq!(ended.stderr.matches("network file system").count(), 1, "{}", ended.stderr);
    assert_eq!(ended.stdout.matches("SUCCESS").count(), 1);

    let ended = on(EXT4, &["info", "--json"]);
    assert_eq!(ended.json()["warnings"], serde_json::json!([]));
    assert_eq!(ended.stderr, "");
}

/// What Dagster reads of a run, itself on the file system with the fault.
fn dagster_reads(home: &Path, library: &str, run_id: &str) -> Ended {
    let mut script = dagster_script("read_run.py");
    script.arg(home).arg(run_id);
    Ended::of(with(script, library, "FAULT_NO_SHARED_MEMORY", "1"))
}

#[test]
fn without_shared_memory_both_read_what_we_write() {
    let (home, directory) = (Home::new(), Home::new());
    let library = fault(directory.path());
    let exec = || with(ours(home.path(), &[]), &library, "FAULT_NO_SHARED_MEMORY", "1");
    let ids = [recorded(exec()), recorded(exec())];
    for id in &ids {
        let found = dagster_reads(home.path(), &library, id).succeeded().json();
        assert_eq!(found["status"], "SUCCESS");
        // The same home on a file system that has shared memory.
        assert_eq!(dagster("read_run.py", &[&home.path().to_string_lossy(), id]), found);
    }
    let mut list = exec();
    list.args(["run", "list", "--json"]);
    let listed = Ended::of(list).succeeded();
    assert_eq!(listed.stdout.lines().count(), 2);
    let mut check = exec();
    check.args(["migrate", "--check"]);
    Ended::of(check).succeeded();

    // Dagster makes a home there in which it can do nothing; ours says why, and reads no wrong thing.
    let theirs = Home::new();
    let failed = dagster_reads(theirs.path(), &library, "none");
    assert!(
        failed.code != Some(0) && failed.stderr.contains("disk I/O error"),
        "{}",
        failed.stderr
    );
}
