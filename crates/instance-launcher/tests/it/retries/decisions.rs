//! What is decided about a run that has an event of a failure.

use std::collections::BTreeMap;

use instance_core::ids::RunId;
use instance_core::run::{DagsterRun, DagsterRunStatus, ReexecutionStrategy};
use instance_core::scheduling::BulkActionStatus;
use instance_core::serdes::deserialize_value;
use instance_core::settings::RunRetries;
use instance_core::tags;
use instance_launcher::retries::{RetryFacts, RetryVerdict, missing_will_retry, verdict};

use crate::support::ORIGIN;

const STEP_FAILURE: &str = "Not retrying run since it failed due to an asset or op failure and run retries are \
                            configured with retry_on_asset_or_op_failure set to false.";
const NO_BACKFILL: &str = "Not retrying run since it is part of a backfill that no longer exists.";
const NO_ORIGIN: &str = "Run does not have an external job origin, unable to retry the run.";
const NO_GROUP: &str =
    "Could not find run group for r1. This is most likely because the root run was deleted";

/// Runs are retried twice.
fn retries() -> RunRetries {
    RunRetries::new().with_enabled(true).with_max_retries(2)
}

fn tagged(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A failed run with these tags.
fn failed(tags: &[(&str, &str)]) -> DagsterRun {
    let mut run = DagsterRun::new(RunId::from("r1"), "job");
    run.status = DagsterRunStatus::Failure;
    run.remote_job_origin = deserialize_value(ORIGIN).expect("an origin");
    run.tags = tagged(tags);
    run
}

/// A run that executes `r1` again.
fn child(id: &str, status: DagsterRunStatus, tags: &[(&str, &str)]) -> DagsterRun {
    let mut run = DagsterRun::new(RunId::from(id), "job");
    (run.status, run.tags) = (status, tagged(tags));
    run.parent_run_id = Some(RunId::from("r1"));
    run
}

/// A group of so many runs, of which none executes `r1` again.
fn group(runs: usize) -> RetryFacts {
    let other = |number| DagsterRun::new(RunId::from(format!("other{number}")), "job");
    RetryFacts::new().with_group((1..=runs).map(other).collect::<Vec<_>>())
}

fn new(retry_number: usize) -> RetryVerdict {
    RetryVerdict::New { strategy: ReexecutionStrategy::FromFailure, retry_number, warning: None }
}

fn no() -> RetryVerdict {
    RetryVerdict::No { event: None }
}

fn because(event: &str) -> RetryVerdict {
    RetryVerdict::No { event: Some(event.to_owned()) }
}

fn again(submit: bool, set_tag: bool) -> RetryVerdict {
    RetryVerdict::Again { existing: RunId::from("r2"), submit, set_tag }
}

#[test]
fn the_tag_says_whether_a_run_is_retried_and_else_the_rule() {
    for (will_retry, settings, expected) in [
        (Some("true"), retries(), new(1)),
        (Some("TRUE"), retries(), new(1)),
        (Some("perhaps"), retries(), new(1)),
        (Some("true"), RunRetries::new(), new(1)),
        (Some("false"), retries(), no()),
        (Some("0"), retries(), no()),
        (Some(""), retries(), no()),
        (None, retries(), new(1)),
        (None, RunRetries::new(), no()),
    ] {
        let tag = will_retry.map(|value| (tags::WILL_RETRY, value));
        let run = failed(tag.as_slice());
        assert_eq!(verdict(&run, &group(1), &settings), expected, "{will_retry:?} {settings:?}");
        let missing = match will_retry {
            Some(_) => None,
            None => Some(settings.max_retries > 0),
        };
        assert_eq!(missing_will_retry(&run, &group(1), &settings), missing, "{will_retry:?}");
    }
}

#[test]
fn a_run_that_has_not_failed_is_not_retried() {
    use DagsterRunStatus::{
        Canceled, Canceling, Managed, NotStarted, Queued, Started, Starting, Success, Suspended,
    };

    for status in [Queued, NotStarted, Managed, Starting, Started, Suspended, Canceling] {
        for tags in [&[][..], &[(tags::WILL_RETRY, "true")]] {
            let run = DagsterRun { status, ..failed(tags) };
            assert_eq!(verdict(&run, &group(1), &retries()), RetryVerdict::NotYet, "{status}");
            assert_eq!(missing_will_retry(&run, &group(1), &retries()), None, "{status}");
        }
    }
    for status in [Success, Canceled] {
        let run = DagsterRun { status, ..failed(&[]) };
        assert_eq!(verdict(&run, &group(1), &retries()), no(), "{status}");
        assert_eq!(missing_will_retry(&run, &group(1), &retries()), None, "{status}");
    }
}

#[test]
fn failures_of_steps_are_retried_unless_somebody_says_no() {
    let of_step = (tags::RUN_FAILURE_REASON, "STEP_FAILURE");
    let never = retries().with_retry_on_asset_or_op_failure(false);
    let on = |value| (tags::RETRY_ON_ASSET_OR_OP_FAILURE, value);
    for (tags, settings, expected) in [
        (&[of_step][..], retries(), new(1)),
        (&[of_step], never, because(STEP_FAILURE)),
        (&[of_step, on("false")], retries(), because(STEP_FAILURE)),
        (&[of_step, on("true")], never, new(1)),
        (&[(tags::RUN_FAILURE_REASON, "RUN_EXCEPTION")], never, new(1)),
        (&[(tags::RUN_FAILURE_REASON, "no reason")], never, new(1)),
        (&[of_step, (tags::WILL_RETRY, "false")], never, because(STEP_FAILURE)),
        (&[of_step, (tags::WILL_RETRY, "false")], retries(), no()),
        // Whoever set the tag has decided.
        (&[of_step, (tags::WILL_RETRY, "true")], never, new(1)),
    ] {
        assert_eq!(verdict(&failed(tags), &group(1), &settings), expected, "{tags:?} {settings:?}");
    }
}

#[test]
fn the_runs_of_the_group_are_counted() {
    let max = |value| [(tags::MAX_RETRIES, value)];
    for (tag, runs, expected) in [
        (None, 1, new(1)),
        (None, 2, new(2)),
        (None, 3, no()),
        (None, 4, no()),
        (Some("3"), 3, new(3)),
        (Some(" 1_0 "), 4, new(4)),
        (Some("1"), 2, no()),
        (Some("0"), 1, no()),
        (Some("-1"), 1, no()),
        (Some("many"), 1, no()),
        (Some(""), 1, no()),
    ] {
        let tags = tag.map(max);
        let run = failed(tags.as_ref().map_or(&[], |tags| &tags[..]));
        assert_eq!(verdict(&run, &group(runs), &retries()), expected, "{tag:?} {runs}");
    }
    assert_eq!(verdict(&failed(&[]), &group(1), &retries().with_max_retries(0)), no());
    // The first run was deleted.
    let gone = RetryFacts::new();
    assert_eq!(verdict(&failed(&[]), &gone, &retries()), no());
    assert_eq!(missing_will_retry(&failed(&[]), &gone, &retries()), Some(false));
    let decided = failed(&[(tags::WILL_RETRY, "true")]);
    assert_eq!(verdict(&decided, &gone, &retries()), because(NO_GROUP));
}

#[test]
fn a_backfill_that_has_ended_retries_nothing() {
    use BulkActionStatus::{Canceling, Failing, Requested};

    let run = failed(&[(tags::BACKFILL_ID, "b")]);
    assert_eq!(verdict(&run, &group(1), &retries()), because(NO_BACKFILL));
    for status in [Requested, Canceling, Failing] {
        let facts = group(1).with_backfill(status);
        assert_eq!(verdict(&run, &facts, &retries()), new(1), "{status}");
    }
    for status in BulkActionStatus::ENDED {
        let facts = group(1).with_backfill(status);
        let event = format!(
            "Not retrying run since it is part of a backfill that is in a terminal state ({status})."
        );
        assert_eq!(verdict(&run, &facts, &retries()), because(&event), "{status}");
        // A run that is not retried anyway says nothing of it, and neither does one of no backfill.
        assert_eq!(verdict(&run, &facts, &RunRetries::new()), no(), "{status}");
        assert_eq!(verdict(&failed(&[]), &facts, &retries()), new(1), "{status}");
    }
}

#[test]
fn a_run_is_retried_once() {
    use DagsterRunStatus::{Failure, NotStarted, Queued};

    let numbered = [(tags::RETRY_NUMBER, "1")];
    let with = |child: DagsterRun| RetryFacts::new().with_group(vec![failed(&[]), child]);
    let (unnamed, named) = (failed(&[]), failed(&[(tags::AUTO_RETRY_RUN_ID, "r2")]));
    for (status, submit) in [(NotStarted, true), (Queued, false), (Failure, false)] {
        let found = with(child("r2", status, &numbered));
        assert_eq!(verdict(&unnamed, &found, &retries()), again(submit, true), "{status}");
        let retry = group(2).with_retry(child("r2", status, &[]));
        assert_eq!(verdict(&named, &retry, &retries()), again(submit, false), "{status}");
    }
    // A person has executed it again: that counts, and is no retry by itself.
    let by_hand = with(child("r2", Failure, &[]));
    assert_eq!(verdict(&unnamed, &by_hand, &retries()), new(2));
    let both = RetryFacts::new().with_group(vec![
        failed(&[]),
        child("by_hand", Failure, &[]),
        child("r2", Queued, &numbered),
    ]);
    let three = retries().with_max_retries(3);
    assert_eq!(verdict(&unnamed, &both, &three), again(false, true));
    // A retry of another run of the group is none of this one.
    let mut of_other = child("r3", NotStarted, &numbered);
    of_other.parent_run_id = Some(RunId::from("other1"));
    assert_eq!(verdict(&unnamed, &with(of_other), &retries()), new(2));
    // Somebody has deleted the retry, and meant it.
    assert_eq!(verdict(&named, &group(1), &retries()), again(false, false));
    // It is submitted also if its code is not known any more.
    let without_origin = DagsterRun { remote_job_origin: None, ..named };
    let retry = group(2).with_retry(child("r2", NotStarted, &[]));
    assert_eq!(verdict(&without_origin, &retry, &retries()), again(true, false));
}

#[test]
fn a_run_that_does_not_say_where_its_code_is_is_not_retried() {
    let run = DagsterRun { remote_job_origin: None, ..failed(&[]) };
    assert_eq!(verdict(&run, &group(1), &retries()), because(NO_ORIGIN));
    assert_eq!(verdict(&run, &group(1), &RunRetries::new()), no());
}

#[test]
fn a_tag_says_which_part_is_executed_again() {
    use ReexecutionStrategy::{AllSteps, FromAssetFailure, FromFailure};

    for (value, strategy, warning) in [
        ("ALL_STEPS", AllSteps, None),
        ("FROM_FAILURE", FromFailure, None),
        ("FROM_ASSET_FAILURE", FromAssetFailure, None),
        (
            "all_steps",
            FromFailure,
            Some("Error parsing retry strategy from tag 'dagster/retry_strategy: all_steps'"),
        ),
        ("", FromFailure, Some("Error parsing retry strategy from tag 'dagster/retry_strategy: '")),
    ] {
        let run = failed(&[(tags::RETRY_STRATEGY, value)]);
        let warning = warning.map(str::to_owned);
        let expected = RetryVerdict::New { strategy, retry_number: 1, warning };
        assert_eq!(verdict(&run, &group(1), &retries()), expected, "{value:?}");
    }
}
