//! When a schedule ticks. `tests/it/cron.rs` compares many with Dagster's.

use chrono::{DateTime, TimeDelta, Utc};
use instance_core::clock::Clock;
use instance_core::error::ErrorKind;
use instance_core::scheduling::RemoteSchedule;
use instance_core::testing::clock::ManualClock;
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{get_next_schedule_ticks, get_previous_schedule_ticks};

use crate::support::{TestResult, origin, refused, schedule};

fn instance_at(time: &str) -> Result<TestInstance, Box<dyn std::error::Error>> {
    let clock = std::sync::Arc::new(ManualClock::at(time.parse::<DateTime<Utc>>()?));
    Ok(TestInstance { clock, ..TestInstance::default() })
}

fn texts(times: Vec<DateTime<Utc>>) -> Vec<String> {
    times.into_iter().map(|time| time.format("%F %R").to_string()).collect()
}

#[test]
fn ticks_follow_the_clocks_of_the_zone() -> TestResult {
    let instance = instance_at("2026-03-28T12:00:00Z")?;
    let nightly = RemoteSchedule::new(origin("nightly"), "30 2 * * *")
        .with_execution_timezone("Europe/Berlin".to_owned());
    let next = get_next_schedule_ticks(&instance, &nightly, 3)?;
    assert_eq!(texts(next), ["2026-03-29 01:00", "2026-03-30 00:30", "2026-03-31 00:30"]);
    let previous = get_previous_schedule_ticks(&instance, &nightly, 2)?;
    assert_eq!(texts(previous), ["2026-03-28 01:30", "2026-03-27 01:30"]);
    assert!(get_next_schedule_ticks(&instance, &nightly, 0)?.is_empty());
    Ok(())
}

#[test]
fn the_present_time_counts() -> TestResult {
    let instance = instance_at("2026-03-28T02:00:00Z")?;
    for find in [get_next_schedule_ticks, get_previous_schedule_ticks] {
        assert_eq!(texts(find(&instance, &schedule("nightly"), 1)?), ["2026-03-28 02:00"]);
    }
    instance.clock.advance(TimeDelta::microseconds(1));
    let next = get_next_schedule_ticks(&instance, &schedule("nightly"), 1)?;
    assert_eq!(texts(next), ["2026-03-29 02:00"]);
    assert_eq!(instance.clock.now().timestamp_subsec_micros(), 1);
    Ok(())
}

#[test]
fn several_cron_schedules_tick_together() -> TestResult {
    let instance = instance_at("2026-03-28T12:00:00Z")?;
    let crons = ["0 6 * * *", "@hourly", "0 15 * * 6"].map(str::to_owned);
    let several = RemoteSchedule::new(origin("several"), crons.to_vec());
    let next = get_next_schedule_ticks(&instance, &several, 4)?;
    assert_eq!(
        texts(next),
        ["2026-03-28 12:00", "2026-03-28 13:00", "2026-03-28 14:00", "2026-03-28 15:00"]
    );
    Ok(())
}

#[test]
fn schedules_that_cannot_be_read_are_refused() -> TestResult {
    let instance = instance_at("2026-03-28T12:00:00Z")?;
    let of = |cron: &str| RemoteSchedule::new(origin("odd"), cron);
    let in_zone = |zone: &str| of("@daily").with_execution_timezone(zone.to_owned());
    for (schedule, named) in [
        (of(""), "has 0 fields"),
        (of("* * * *"), "has 4 fields"),
        (of("* * * * * *"), "has 6 fields"),
        (of("60 * * * *"), "\"60\" is no minute"),
        (of("0 0 30 2 *"), "February"),
        (of("@fortnightly"), "@fortnightly"),
        (RemoteSchedule::new(origin("odd"), Vec::new()), "no cron schedules"),
        (RemoteSchedule::new(origin("odd"), vec!["@daily".to_owned(), "x".to_owned()]), "\"x\""),
        (in_zone("Mars/Olympus"), "\"Mars/Olympus\""),
    ] {
        for find in [get_next_schedule_ticks, get_previous_schedule_ticks] {
            refused(find(&instance, &schedule, 1), ErrorKind::Invalid, &[named]);
        }
    }
    Ok(())
}
