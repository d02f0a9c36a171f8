//! What the program says of itself.

use std::ffi::OsString;
use std::process::Stdio;

use crate::home::run_binary;

fn check(name: &str, line: &str) {
    let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
    let ended = run_binary(&arguments, Stdio::piped(), Stdio::piped());
    insta::assert_snapshot!(name, ended);
}

#[test]
fn every_command_has_help() {
    check("help", "--help");
    check("help_exec", "exec --help");
    check("help_run", "run --help");
    check("help_run_list", "run list --help");
    check("help_run_show", "run show --help");
    check("help_run_events", "run events --help");
    check("help_run_tail", "run tail --help");
    check("help_run_wait", "run wait --help");
    check("help_run_cancel", "run cancel --help");
    check("help_run_resume", "run resume --help");
    check("help_run_delete", "run delete --help");
    check("help_asset_list", "asset list --help");
    check("help_asset", "asset --help");
    check("help_asset_show", "asset show --help");
    check("help_asset_checks", "asset checks --help");
    check("help_asset_partitions", "asset partitions --help");
    check("help_asset_wipe", "asset wipe --help");
    check("help_partitions", "partitions --help");
    check("help_partitions_list", "partitions list --help");
    check("help_partitions_add", "partitions add --help");
    check("help_partitions_delete", "partitions delete --help");
    for (name, line) in [
        ("help_schedule", "schedule --help"),
        ("help_schedule_list", "schedule list --help"),
        ("help_schedule_start", "schedule start --help"),
        ("help_sensor", "sensor --help"),
        ("help_sensor_show", "sensor show --help"),
        ("help_tick_list", "tick list --help"),
        ("help_backfill_list", "backfill list --help"),
        ("help_backfill_show", "backfill show --help"),
        ("help_queue", "queue --help"),
        ("help_queue_list", "queue list --help"),
        ("help_queue_explain", "queue explain --help"),
        ("help_migrate", "migrate --help"),
        ("help_reindex", "reindex --help"),
    ] {
        check(name, line);
    }
    #[cfg(feature = "grpc")]
    for (name, line) in [
        ("help_launch", "launch --help"),
        ("help_run_retry", "run retry --help"),
        ("help_code", "code --help"),
        ("help_queue_run", "queue run --help"),
        ("help_code_ping", "code ping --help"),
        ("help_code_list", "code list --help"),
    ] {
        check(name, line);
    }
    check("help_info", "info --help");
}

#[test]
fn help_that_was_asked_for_is_success_whoever_asks() {
    for line in ["help exec", "help run tail", "exec -h", "run wait -h", "--version"] {
        let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
        let ended = run_binary(&arguments, Stdio::piped(), Stdio::piped());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
        assert!(ended.stdout.contains("dagster-instance"), "{line}: {}", ended.stdout);
    }
}
