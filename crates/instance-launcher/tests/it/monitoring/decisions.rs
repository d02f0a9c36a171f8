//! What is decided about a run that has not ended.
//!
//! The names of Dagster's tests stand at the rows that are theirs (`daemon_tests/test_monitoring_daemon.py`).

use instance_core::clock::datetime_of;
use instance_core::ids::{RunId, StorageId};
use instance_core::launcher::{CheckRunHealthResult, WorkerStatus};
use instance_core::run::{DagsterRun, DagsterRunStatus, RunRecord};
use instance_core::settings::RunMonitoringSettings;
use instance_launcher::monitoring::{Facts, LauncherAbilities, MonitorAction, Need, act, needs};

use MonitorAction::{
    CancelAtLast, FailLostWorker, FailToStart, LeaveAlone, Resume, StopForRuntime,
};

/// When each run is looked at.
const NOW: f64 = 100_000.0;

/// The settings of Dagster's tests.
fn settings() -> RunMonitoringSettings {
    RunMonitoringSettings::new()
        .with_enabled(true)
        .with_max_resume_run_attempts(3)
        .with_max_runtime_seconds(750)
}

/// The launcher of Dagster's tests.
fn able() -> LauncherAbilities {
    LauncherAbilities::default().with_checks_health(true).with_resumes(true)
}

/// A run of this status that was created, and last changed, so many seconds ago.
fn run(status: DagsterRunStatus, seconds_ago: f64) -> RunRecord {
    let mut run = DagsterRun::new(RunId::from("r1"), "foo");
    run.status = status;
    let at = datetime_of(NOW - seconds_ago).expect("a time");
    RunRecord::new(StorageId(1), run, at, at)
}

/// A run that began so many seconds ago, with these tags.
fn began(status: DagsterRunStatus, seconds_ago: f64, tags: &[(&str, &str)]) -> RunRecord {
    let mut record = run(status, seconds_ago).with_start_time(NOW - seconds_ago);
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    record.dagster_run.tags = tags.collect();
    record
}

fn health(status: WorkerStatus) -> CheckRunHealthResult {
    CheckRunHealthResult::new(status)
}

fn healthy() -> Facts {
    Facts::new().with_health(health(WorkerStatus::Running))
}

#[track_caller]
fn check(name: &str, record: &RunRecord, facts: &Facts, expected: &MonitorAction) {
    assert_eq!(act(record, facts, &settings(), able(), NOW), *expected, "{name}");
}

#[test]
fn runs_that_do_not_start_fail_when_their_time_is_over() {
    let fail = FailToStart { seconds: 180 };
    let not_started = |ago| run(DagsterRunStatus::NotStarted, ago);
    let facts = Facts::new();
    check("test_monitor_not_started", &not_started(0.0), &facts, &LeaveAlone);
    check("test_monitor_not_started, 60 s", &not_started(60.0), &facts, &LeaveAlone);
    check("test_monitor_not_started, 1,000 s", &not_started(1000.0), &facts, &fail);
    check("at the very moment", &not_started(180.0), &facts, &fail);

    let starting = |ago| run(DagsterRunStatus::Starting, ago);
    let launched = |ago: f64| Facts::new().with_launch_time(NOW - ago);
    check("test_monitor_starting", &starting(0.0), &launched(0.0), &LeaveAlone);
    check("test_monitor_starting, 1,000 s", &starting(0.0), &launched(1000.0), &fail);
    check("at the very moment", &starting(0.0), &launched(180.0), &fail);
    // The row alone says it where no event does; Dagster's look fails then.
    check("without its event", &starting(181.0), &Facts::new(), &fail);
    check("without its event, young", &starting(179.0), &Facts::new(), &LeaveAlone);
    // Whoever has taken it from the queue finds out what became of it.
    let claimed = |ago: f64| launched(1000.0).with_claim_time(NOW - ago);
    check("claimed", &starting(1000.0), &claimed(179.0), &LeaveAlone);
    check("claimed long ago", &starting(1000.0), &claimed(180.0), &fail);
}

#[test]
fn runs_that_do_not_stop_are_canceled_when_their_time_is_over() {
    let cancel = CancelAtLast { seconds: 180 };
    let canceling = |ago| run(DagsterRunStatus::Canceling, ago);
    let asked = |ago: f64| Facts::new().with_canceling_time(NOW - ago);
    check("test_monitor_canceling", &canceling(0.0), &asked(-1.0), &LeaveAlone);
    check("test_monitor_canceling, 1,000 s", &canceling(0.0), &asked(1000.0), &cancel);
    check("at the very moment", &canceling(0.0), &asked(180.0), &cancel);
    check("without its event", &canceling(181.0), &Facts::new(), &cancel);
    check("without its event, young", &canceling(1.0), &Facts::new(), &LeaveAlone);
}

#[test]
fn a_worker_that_is_gone_is_replaced_until_the_attempts_are_used() {
    let started = run(DagsterRunStatus::Started, 0.0);
    check("test_monitor_started", &started, &healthy(), &LeaveAlone);
    let gone = health(WorkerStatus::NotFound);
    let lost = |attempts| Facts::new().with_health(gone.clone()).with_resume_attempts(attempts);
    for attempt in 1..=3 {
        let expected = Resume { attempt, health: gone.clone() };
        let attempts = usize::try_from(attempt - 1).expect("few");
        check(&format!("test_monitor_started, {attempt}"), &started, &lost(attempts), &expected);
    }
    let surpassed = FailLostWorker { health: gone.clone(), surpassed: Some(3) };
    check("test_monitor_started, 4", &started, &lost(3), &surpassed);
    check("more than enough", &started, &lost(usize::MAX), &surpassed);

    // test_monitor_started_failure_includes_debug_info, without attempts.
    for status in [WorkerStatus::Failed, WorkerStatus::NotFound] {
        let facts = Facts::new().with_health(health(status));
        let expected = FailLostWorker { health: health(status), surpassed: None };
        let never = settings().with_max_resume_run_attempts(0);
        assert_eq!(act(&started, &facts, &never, able(), NOW), expected);
        // A launcher that cannot resume has no attempts to make.
        let unable = able().with_resumes(false);
        assert_eq!(act(&started, &facts, &settings(), unable, NOW), expected);
    }
    for status in [WorkerStatus::Success, WorkerStatus::Unknown] {
        let facts = Facts::new().with_health(health(status));
        check("not known to be gone", &started, &facts, &LeaveAlone);
    }
}

#[test]
fn a_worker_of_which_nothing_is_known_has_a_runtime_all_the_same() {
    let facts = Facts::new().with_health(health(WorkerStatus::Unknown));
    let record = began(DagsterRunStatus::Started, 751.0, &[]);
    check("unknown", &record, &facts, &StopForRuntime { seconds: 750.0 });
    // Whoever is lost is not stopped besides.
    let gone = health(WorkerStatus::NotFound);
    let expected = Resume { attempt: 1, health: gone.clone() };
    check("lost", &record, &Facts::new().with_health(gone), &expected);
}

#[test]
fn a_run_is_stopped_that_runs_for_too_long() {
    let stop = |seconds| StopForRuntime { seconds };
    for (name, tags, ago, expected) in [
        ("test_long_running_termination, no tag", &[][..], 501.0, LeaveAlone),
        ("the same, in time", &[("dagster/max_runtime", "1000")], 501.0, LeaveAlone),
        ("the same, too long", &[("dagster/max_runtime", "500")], 501.0, stop(500.0)),
        (
            "the same, by the other tag",
            &[("dagster/max_runtime_seconds", "500")],
            501.0,
            stop(500.0),
        ),
        ("the same, later", &[("dagster/max_runtime", "1000")], 751.0, LeaveAlone),
        ("the same, later and by the setting", &[], 751.0, stop(750.0)),
        (
            "test_invalid_max_runtime_tag_value",
            &[("dagster/max_runtime", "invalid")],
            1e4,
            LeaveAlone,
        ),
        ("at the very moment", &[("dagster/max_runtime", "500")], 500.0, LeaveAlone),
        ("a fraction", &[("dagster/max_runtime", " 500.5 ")], 501.0, stop(500.5)),
        ("none by a tag", &[("dagster/max_runtime", "0")], 1e4, LeaveAlone),
        ("never", &[("dagster/max_runtime", "inf")], 1e4, LeaveAlone),
        ("no number at all", &[("dagster/max_runtime", "nan")], 1e4, LeaveAlone),
        ("an empty tag is none", &[("dagster/max_runtime", "")], 751.0, stop(750.0)),
        ("a negative one is over at once", &[("dagster/max_runtime", "-1")], 0.0, stop(-1.0)),
        (
            "the first tag holds",
            &[("dagster/max_runtime", "1000"), ("dagster/max_runtime_seconds", "500")],
            501.0,
            LeaveAlone,
        ),
        (
            "also if it is empty",
            &[("dagster/max_runtime", ""), ("dagster/max_runtime_seconds", "500")],
            501.0,
            LeaveAlone,
        ),
    ] {
        check(name, &began(DagsterRunStatus::Started, ago, tags), &healthy(), &expected);
        // test_monitor_suspended: it has no worker, and its time counts.
        check(name, &began(DagsterRunStatus::Suspended, ago, tags), &Facts::new(), &expected);
    }
    let without_start = run(DagsterRunStatus::Started, 1e4);
    check("it has no time of a start", &without_start, &healthy(), &LeaveAlone);
    let any = settings().with_max_runtime_seconds(0);
    let record = began(DagsterRunStatus::Started, 1e9, &[]);
    assert_eq!(act(&record, &healthy(), &any, able(), NOW), LeaveAlone);
}

#[test]
fn a_time_out_of_zero_is_none() {
    let off = settings().with_start_timeout_seconds(0).with_cancel_timeout_seconds(0);
    for status in
        [DagsterRunStatus::NotStarted, DagsterRunStatus::Starting, DagsterRunStatus::Canceling]
    {
        let record = run(status, 1e4);
        assert_eq!(act(&record, &Facts::new(), &off, able(), NOW), LeaveAlone, "{status}");
        assert_eq!(needs(&record, &off, able()), Need::Nothing, "{status}");
    }
}

#[test]
fn other_statuses_are_left_alone() {
    use DagsterRunStatus::{Canceled, Failure, Managed, Queued, Success};

    for status in [Queued, Managed, Success, Failure, Canceled] {
        let record = began(status, 1e4, &[("dagster/max_runtime", "1")]);
        let gone = Facts::new().with_health(health(WorkerStatus::NotFound));
        check(status.as_str(), &record, &gone, &LeaveAlone);
        assert_eq!(needs(&record, &settings(), able()), Need::Nothing, "{status}");
    }
}

#[test]
fn only_what_is_needed_is_asked() {
    use DagsterRunStatus::{Canceling, NotStarted, Started, Starting, Suspended};

    for (status, expected) in [
        (NotStarted, Need::Nothing),
        (Starting, Need::LaunchTime),
        (Started, Need::Health),
        (Canceling, Need::CancelingTime),
        (Suspended, Need::Nothing),
    ] {
        assert_eq!(needs(&run(status, 1.0), &settings(), able()), expected, "{status}");
    }
    let blind = LauncherAbilities::default();
    assert_eq!(needs(&run(Started, 1.0), &settings(), blind), Need::Nothing);
}
