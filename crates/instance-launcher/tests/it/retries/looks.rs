//! Looks at the failures of runs: which are retried, and what is remembered.

use chrono::TimeDelta;
use instance_core::run::{DagsterRunStatus, retry_run_id};
use instance_core::tags;

use super::world::{Code, World};
use crate::support::TestResult;

/// A new keeper has looked once, and so takes failures for new.
async fn begun() -> Result<World, instance_core::error::BoxError> {
    let mut world = World::new();
    world.look().await?;
    Ok(world)
}

#[tokio::test]
async fn a_failed_run_is_retried_once() -> TestResult {
    let mut world = begun().await?;
    let failed = world.failed(&[]).await?;
    let look = world.look().await?;
    let retry = retry_run_id(&failed);
    assert_eq!((look.created, look.errors.len()), (vec![retry.clone()], 0));
    let run = world.instance.run(&failed).await;
    assert_eq!(run.tags[tags::WILL_RETRY], "true");
    assert_eq!(run.tags[tags::AUTO_RETRY_RUN_ID], retry.as_str());
    assert_eq!(
        world.instance.messages(&failed).last().map(String::as_str),
        Some("Retrying the run")
    );
    assert_eq!(world.instance.messages(&retry)[0], "Launched as an automatic retry");
    assert_eq!(world.instance.run(&retry).await.tags[tags::RETRY_NUMBER], "1");
    assert_eq!(world.launcher.calls(), ["launch STARTING"]);
    // Not by a second look, nor by another keeper.
    for _ in 0..2 {
        assert_eq!(world.look().await?.created, []);
        world.restart();
    }
    assert_eq!(world.launcher.calls().len(), 1);
    // The retry fails, too, and its own retry is the last one.
    world.fails(&retry).await?;
    let second = retry_run_id(&retry);
    assert_eq!(world.look().await?.created, std::slice::from_ref(&second));
    world.fails(&second).await?;
    assert_eq!(world.look().await?.created, []);
    assert_eq!(world.instance.run(&second).await.tags[tags::WILL_RETRY], "false");
    Ok(())
}

#[tokio::test]
async fn what_failed_before_the_first_look_of_all_is_left() -> TestResult {
    let mut world = World::new();
    let old = world.failed(&[]).await?;
    assert_eq!(world.look().await?.created, []);
    assert_eq!(world.cursors().await?, ["PIPELINE_FAILURE: 1", "PIPELINE_SUCCESS: 1"]);
    // A keeper that begins reads again what is before the cursor. Nobody had said that this run is retried.
    world.restart();
    assert_eq!(world.look().await?.created, []);
    let new = world.failed(&[]).await?;
    assert_eq!(world.look().await?.created, [retry_run_id(&new)]);
    assert_eq!(world.instance.run(&old).await.tags.get(tags::WILL_RETRY), None);
    Ok(())
}

#[tokio::test]
async fn what_another_keeper_or_daemon_has_passed_over_is_found() -> TestResult {
    let mut world = begun().await?;
    let failed = world.failed(&[(tags::WILL_RETRY, "true")]).await?;
    // As Dagster's daemon stores it, though it has never seen the event.
    let cursors = ["PIPELINE_FAILURE", "PIPELINE_SUCCESS"];
    let cursors = cursors.map(|name| (format!("EVENT_LOG_CONSUMER_CURSOR-{name}"), "9".to_owned()));
    world.instance.stores.run_storage.set_cursor_values(&cursors.into()).await?;
    world.restart();
    assert_eq!(world.look().await?.created, [retry_run_id(&failed)]);
    // A cursor never goes back.
    assert_eq!(world.cursors().await?, ["PIPELINE_FAILURE: 9", "PIPELINE_SUCCESS: 9"]);
    Ok(())
}

#[tokio::test]
async fn a_failure_whose_status_is_not_stored_yet_holds_the_cursor() -> TestResult {
    let mut world = begun().await?;
    let late = world.fails_in_its_log_alone().await?;
    let other = world.failed(&[]).await?;
    let look = world.look().await?;
    assert_eq!((look.created, look.undecided), (vec![retry_run_id(&other)], 1));
    assert_eq!(world.cursors().await?, ["PIPELINE_FAILURE: 0", "PIPELINE_SUCCESS: 0"]);
    // Neither is lost by a restart.
    world.restart();
    assert_eq!(world.look().await?.created, []);
    world.fails(&late).await?;
    assert_eq!(world.look().await?.created, [retry_run_id(&late)]);
    let look = world.look().await?;
    assert_eq!((look.created.len(), look.undecided), (0, 0));
    assert_ne!(world.cursors().await?[0], "PIPELINE_FAILURE: 0");
    Ok(())
}

#[tokio::test]
async fn a_failure_without_its_status_is_dropped_in_the_end() -> TestResult {
    let mut world = begun().await?;
    let never = world.fails_in_its_log_alone().await?;
    for (seconds, undecided) in [(0, 1), (599, 1), (1, 0)] {
        world.instance.clock.advance(TimeDelta::seconds(seconds));
        assert_eq!(world.look().await?.undecided, undecided);
    }
    assert_eq!(world.instance.run(&never).await.status, DagsterRunStatus::Started);
    assert_eq!(world.cursors().await?, ["PIPELINE_FAILURE: 1", "PIPELINE_SUCCESS: 1"]);
    Ok(())
}

#[tokio::test]
async fn code_that_is_away_costs_no_retry_for_ten_minutes() -> TestResult {
    let mut world = begun().await?;
    world.code.becomes(Code::IsAway);
    let failed = world.failed(&[]).await?;
    for seconds in [0, 599] {
        world.instance.clock.advance(TimeDelta::seconds(seconds));
        let look = world.look().await?;
        assert_eq!((look.errors.len(), look.undecided), (1, 1));
    }
    world.code.becomes(Code::Answers);
    assert_eq!(world.look().await?.created, [retry_run_id(&failed)]);

    world.code.becomes(Code::IsAway);
    let given_up = world.failed(&[]).await?;
    world.look().await?;
    world.instance.clock.advance(TimeDelta::seconds(600));
    assert_eq!(world.look().await?.undecided, 0);
    assert_eq!(
        world.instance.messages(&given_up).last().map(String::as_str),
        Some("Failed to retry run")
    );
    assert_eq!(world.instance.run(&given_up).await.tags[tags::WILL_RETRY], "false");
    Ok(())
}

#[tokio::test]
async fn refusals_are_told_once() -> TestResult {
    for (code, expected, will_retry) in [
        (
            Code::LacksRepository,
            "Could not find repository shop in location shop, unable to retry the run. It was likely renamed or deleted.",
            "true",
        ),
        (
            Code::LacksJob,
            "Could not find job job in repository shop, unable to retry the run. It was likely renamed or deleted.",
            "true",
        ),
        (Code::Fails, "Failed to retry run", "false"),
    ] {
        let mut world = begun().await?;
        world.code.becomes(code);
        let failed = world.failed(&[]).await?;
        for _ in 0..2 {
            assert_eq!(world.look().await?.created, []);
            world.restart();
        }
        let told = world.instance.messages(&failed);
        assert_eq!(told.iter().filter(|message| **message == expected).count(), 1, "{told:?}");
        assert_eq!(world.instance.run(&failed).await.tags[tags::WILL_RETRY], will_retry);
    }
    Ok(())
}

#[tokio::test]
async fn a_retry_that_a_keeper_left_half_way_is_submitted() -> TestResult {
    let mut world = begun().await?;
    let failed = world.failed(&[(tags::WILL_RETRY, "true")]).await?;
    // Created, and then the keeper died.
    let mut retry = instance_core::run::DagsterRun::new(retry_run_id(&failed), "job");
    let parent = world.instance.run(&failed).await;
    retry.remote_job_origin.clone_from(&parent.remote_job_origin);
    retry.job_code_origin.clone_from(&parent.job_code_origin);
    (retry.root_run_id, retry.parent_run_id) = (Some(failed.clone()), Some(failed.clone()));
    let of_group = [
        (tags::RETRY_NUMBER, "1"),
        (tags::ROOT_RUN_ID, failed.as_str()),
        (tags::PARENT_RUN_ID, failed.as_str()),
    ];
    retry.tags = of_group.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    world.instance.add_run(retry).await;
    assert_eq!(world.look().await?.created, []);
    let run = world.instance.run(&failed).await;
    assert_eq!(run.tags[tags::AUTO_RETRY_RUN_ID], retry_run_id(&failed).as_str());
    assert_eq!(world.launcher.calls(), ["launch STARTING"]);
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_is_no_number_is_an_error() -> TestResult {
    let mut world = begun().await?;
    let key = "EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE".to_owned();
    world.instance.stores.run_storage.set_cursor_values(&[(key, "soon".to_owned())].into()).await?;
    let error = world.look().await.err().ok_or("an error")?;
    assert!(error.to_string().contains("EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE"), "{error}");
    Ok(())
}
