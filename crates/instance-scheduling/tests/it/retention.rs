//! How long ticks are kept.

use chrono::TimeDelta;
use instance_core::scheduling::{InstigatorIds, InstigatorType, TickRetention, TickStatus};
use instance_core::storage::TicksQuery;
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{
    create_tick, get_tick_retention_settings, get_ticks, purge_ticks_by_retention,
};

use crate::support::{TestResult, origin, tick};

const DAY: f64 = 86_400.0;

#[test]
fn without_settings_skipped_ticks_of_sensors_go_after_a_week() {
    let instance = TestInstance::default();
    let for_ever = TickRetention::of_all(-1);
    let a_week = TickRetention { skipped: 7, ..for_ever };
    for (instigator_type, expected) in [
        (InstigatorType::Schedule, for_ever),
        (InstigatorType::Sensor, a_week),
        (InstigatorType::AutoMaterialize, a_week),
    ] {
        assert_eq!(get_tick_retention_settings(&instance, instigator_type), expected);
    }
}

/// The ids of the ticks of `files` that are left, with how many were deleted.
async fn purged(instance: &TestInstance) -> Result<(u64, Vec<i64>), Box<dyn std::error::Error>> {
    let ids = InstigatorIds::from(&origin("files"));
    let deleted = purge_ticks_by_retention(instance, &ids, InstigatorType::Sensor).await?;
    let query = TicksQuery::new(ids.origin_id, ids.selector_id);
    let left = get_ticks(instance, &query).await?;
    Ok((deleted, left.iter().map(|tick| tick.tick_id).collect()))
}

#[tokio::test]
async fn what_is_older_than_its_settings_is_deleted() -> TestResult {
    let mut instance = TestInstance::default();
    for (name, status, days) in [
        ("files", TickStatus::Skipped, -8.0),
        ("files", TickStatus::Skipped, -7.0),
        ("files", TickStatus::Success, -400.0),
        ("files", TickStatus::Started, -4.0),
        ("orders", TickStatus::Skipped, -8.0),
    ] {
        create_tick(&instance, &tick(name, status, days * DAY)).await?;
    }
    assert_eq!(purged(&instance).await?, (1, vec![4, 2, 3]));
    assert_eq!(purged(&instance).await?, (0, vec![4, 2, 3]));
    // The second tick is exactly a week old.
    instance.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(purged(&instance).await?, (1, vec![4, 3]));

    instance.settings.tick_retention.sensor =
        TickRetention { success: 300, ..TickRetention::of_all(0) };
    assert_eq!(purged(&instance).await?, (1, vec![4]));
    instance.settings.tick_retention.sensor = TickRetention::of_all(i64::MAX);
    assert_eq!(purged(&instance).await?, (0, vec![4]));
    instance.settings.tick_retention.sensor = TickRetention::of_all(3);
    assert_eq!(purged(&instance).await?, (1, vec![]));
    Ok(())
}
