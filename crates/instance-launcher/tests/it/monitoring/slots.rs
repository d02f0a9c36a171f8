//! Slots of pools that runs hold which have ended, or do not exist.

use chrono::TimeDelta;
use instance_core::ids::RunId;
use instance_core::ops::EventReporterExt as _;
use instance_core::run::DagsterRunStatus;
use instance_core::settings::RunMonitoringSettings;
use instance_core::testing::instance::TestInstance;
use instance_launcher::monitoring::RunMonitor;

use crate::support::{TestResult, new_run};

/// An instance with a pool `foo` of one slot, which a run has.
async fn instance(
    seconds: Option<i64>,
) -> Result<(TestInstance, RunId), instance_core::error::BoxError> {
    let mut instance = TestInstance::default();
    instance.settings.run_monitoring = RunMonitoringSettings::new()
        .with_enabled(true)
        .with_free_slots_after_run_end_seconds(seconds);
    let run = new_run(&instance, DagsterRunStatus::Starting);
    let run_id = run.run_id.clone();
    instance.add_run(run).await;
    let pools = &instance.stores.event_log_storage;
    pools.set_concurrency_slots("foo", 1).await?;
    pools.claim_concurrency_slot("foo", &run_id, "my_step", None).await?;
    Ok((instance, run_id))
}

/// How many slots are taken.
async fn taken(instance: &TestInstance) -> Result<usize, instance_core::error::BoxError> {
    let pools = &instance.stores.event_log_storage;
    let infos = pools.get_concurrency_infos(&["foo".to_owned()], None).await?;
    Ok(infos.iter().map(|info| info.claimed_slots.len()).sum())
}

#[tokio::test]
async fn slots_are_freed_some_time_after_the_end() -> TestResult {
    // Dagster's test_global_concurrency_release, and the default, which is none in Dagster.
    for (setting, seconds) in [(Some(60), 60), (None, 300)] {
        let (instance, run_id) = instance(setting).await?;
        let mut monitor = RunMonitor::new();
        monitor.look(&instance, None).await?;
        assert_eq!(taken(&instance).await?, 1);
        let run = instance.run(&run_id).await;
        instance.report_run_canceled(&run, None).await?;
        instance.clock.advance(TimeDelta::seconds(seconds - 1));
        assert_eq!(monitor.look(&instance, None).await?.freed, []);
        assert_eq!(taken(&instance).await?, 1);
        instance.clock.advance(TimeDelta::seconds(2));
        assert_eq!(monitor.look(&instance, None).await?.freed, [run_id]);
        assert_eq!(taken(&instance).await?, 0);
        assert_eq!(monitor.look(&instance, None).await?.freed, []);
    }
    Ok(())
}

#[tokio::test]
async fn zero_means_never() -> TestResult {
    let (instance, run_id) = instance(Some(0)).await?;
    let run = instance.run(&run_id).await;
    instance.report_run_canceled(&run, None).await?;
    instance.clock.advance(TimeDelta::seconds(100_000));
    assert_eq!(RunMonitor::new().look(&instance, None).await?.freed, []);
    assert_eq!(taken(&instance).await?, 1);
    Ok(())
}

#[tokio::test]
async fn slots_of_a_run_that_does_not_exist_are_freed_at_a_later_look() -> TestResult {
    let (instance, run_id) = instance(None).await?;
    // Somebody who does not free slots has deleted it.
    instance.stores.run_storage.delete_run(&run_id).await?;
    let mut monitor = RunMonitor::new();
    for seconds in [0, 59] {
        instance.clock.advance(TimeDelta::seconds(seconds));
        assert_eq!(monitor.look(&instance, None).await?.freed, []);
    }
    instance.clock.advance(TimeDelta::seconds(1));
    assert_eq!(monitor.look(&instance, None).await?.freed, [run_id]);
    assert_eq!(taken(&instance).await?, 0);
    Ok(())
}
