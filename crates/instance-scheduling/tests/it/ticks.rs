//! Ticks.

use chrono::{DateTime, Utc};
use instance_core::clock::datetime_of;
use instance_core::error::ErrorKind;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::scheduling::{InstigatorIds, InstigatorTick, TickData, TickStatus};
use instance_core::serdes::{deserialize_value, serialize_value};
use instance_core::storage::{Only, TicksQuery};
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{
    create_tick, get_batch_ticks, get_tick, get_tick_summaries,
    get_tick_termination_check_interval, get_ticks, get_ticks_by_ids, purge_ticks,
    supports_batch_tick_queries, update_tick, wipe_all_schedules,
};

use crate::support::{NOW, TestResult, origin, refused, tick};

fn ids(name: &str) -> InstigatorIds {
    InstigatorIds::from(&origin(name))
}

fn all(name: &str) -> TicksQuery {
    let ids = ids(name);
    TicksQuery::new(ids.origin_id, ids.selector_id)
}

fn at(seconds: f64) -> DateTime<Utc> {
    datetime_of(NOW + seconds).unwrap_or_default()
}

fn error() -> Result<SerializableErrorInfo, instance_core::serdes::SerdesError> {
    deserialize_value(
        r#"{"__class__": "SerializableErrorInfo", "cause": null, "cls_name": null, "context": null, "message": "m", "stack": []}"#,
    )
}

/// The ids of ticks, in their order.
fn numbers(ticks: &[InstigatorTick]) -> Vec<i64> {
    ticks.iter().map(|tick| tick.tick_id).collect()
}

/// Ticks 1 to 4 of `files`, a tick of each status, a minute apart; tick 5 of `orders`.
async fn several(instance: &TestInstance) -> TestResult {
    let mut failed = tick("files", TickStatus::Failure, 180.0);
    failed.error = Some(error()?);
    for tick in [
        tick("files", TickStatus::Started, 0.0),
        tick("files", TickStatus::Skipped, 60.0),
        tick("files", TickStatus::Success, 120.0),
        failed,
        tick("orders", TickStatus::Skipped, 60.0),
    ] {
        create_tick(instance, &tick).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_fresh_tick_is_what_dagster_makes() -> TestResult {
    let made = TickData::new(
        InstigatorIds::new("o", "s"),
        "files",
        instance_core::scheduling::InstigatorType::Sensor,
        TickStatus::Started,
        1.5,
    );
    // serialize_value(TickData("o", "files", InstigatorType.SENSOR, TickStatus.STARTED, 1.5, selector_id="s"))
    assert_eq!(
        serialize_value(&made),
        r#"{"__class__": "TickData", "auto_materialize_evaluation_id": null, "consecutive_failure_count": 0, "cursor": null, "dynamic_partitions_request_results": [], "end_timestamp": null, "error": null, "failure_count": 0, "job_name": "files", "job_origin_id": "o", "job_type": {"__enum__": "InstigatorType.SENSOR"}, "log_key": null, "origin_run_ids": [], "reserved_run_ids": [], "run_ids": [], "run_keys": [], "run_requests": [], "selector_id": "s", "skip_reason": null, "status": {"__enum__": "TickStatus.STARTED"}, "timestamp": 1.5, "user_interrupted": false}"#
    );
    Ok(())
}

#[tokio::test]
async fn ticks_are_those_that_a_query_asks_for() -> TestResult {
    let instance = TestInstance::default();
    assert_eq!(get_ticks(&instance, &all("files")).await?, []);
    several(&instance).await?;
    for (query, expected) in [
        (all("files"), &[4, 3, 2, 1][..]),
        (all("files").with_limit(2), &[4, 3]),
        (all("files").with_before(at(120.0)), &[2, 1]),
        (all("files").with_after(at(60.0)), &[4, 3]),
        (all("files").with_statuses(Only::one(TickStatus::Skipped)), &[2]),
        (all("files").with_statuses(Only::These(Vec::new())), &[]),
        (all("files").with_limit(0), &[]),
        (all("orders"), &[5]),
        (all("unknown"), &[]),
    ] {
        assert_eq!(numbers(&get_ticks(&instance, &query).await?), expected, "{query:?}");
        let summaries = get_tick_summaries(&instance, &query).await?;
        let found: Vec<_> = summaries.iter().map(|summary| summary.tick_id).collect();
        assert_eq!(found, expected, "{query:?}");
    }
    let summaries = get_tick_summaries(&instance, &all("orders")).await?;
    let [summary] = &summaries[..] else { panic!("{summaries:?}") };
    assert_eq!((summary.status, summary.timestamp), (TickStatus::Skipped, at(60.0)));
    Ok(())
}

#[tokio::test]
async fn a_tick_is_found_by_its_time_or_its_id() -> TestResult {
    let instance = TestInstance::default();
    several(&instance).await?;
    for (name, seconds, expected) in [
        ("files", 60.0, Some(2)),
        ("files", 60.9, Some(2)),
        ("files", 59.1, Some(2)),
        ("files", 61.0, None),
        ("orders", 60.0, Some(5)),
        ("orders", 120.0, None),
    ] {
        let found = get_tick(&instance, &ids(name), at(seconds)).await?;
        assert_eq!(found.map(|tick| tick.tick_id), expected, "{name} {seconds}");
    }
    let end = DateTime::<Utc>::MAX_UTC;
    assert_eq!(get_tick(&instance, &ids("files"), end).await?, None);
    let mut found = numbers(&get_ticks_by_ids(&instance, &[5, 1, 77]).await?);
    found.sort_unstable();
    assert_eq!(found, [1, 5]);
    assert_eq!(get_ticks_by_ids(&instance, &[]).await?, []);
    Ok(())
}

#[tokio::test]
async fn batches_have_the_newest_ticks_of_each() -> TestResult {
    let instance = TestInstance::default();
    several(&instance).await?;
    let (files, orders) = (ids("files").selector_id, ids("orders").selector_id);
    let asked = [files.clone(), "unknown".to_owned(), orders.clone()];
    let of = |found: Vec<(String, Vec<InstigatorTick>)>| -> Vec<(String, Vec<i64>)> {
        found.into_iter().map(|(id, ticks)| (id, numbers(&ticks))).collect()
    };
    let found = of(get_batch_ticks(&instance, &asked, Some(2), &Only::Any).await?);
    assert_eq!(found, [(files.clone(), vec![4, 3]), (orders.clone(), vec![5])]);
    let found = of(get_batch_ticks(&instance, &asked, None, &Only::Any).await?);
    assert_eq!(found, [(files.clone(), vec![4, 3, 2, 1]), (orders.clone(), vec![5])]);
    let skipped = Only::one(TickStatus::Skipped);
    let found = of(get_batch_ticks(&instance, &asked, Some(1), &skipped).await?);
    assert_eq!(found, [(files, vec![2]), (orders, vec![5])]);
    assert_eq!(get_batch_ticks(&instance, &[], Some(1), &Only::Any).await?, []);
    assert!(supports_batch_tick_queries(&instance).await?);
    assert_eq!(get_tick_termination_check_interval(), None);
    Ok(())
}

#[tokio::test]
async fn a_tick_is_replaced() -> TestResult {
    let instance = TestInstance::default();
    let mut begun = create_tick(&instance, &tick("files", TickStatus::Started, 0.0)).await?;
    begun.tick_data.status = TickStatus::Skipped;
    begun.tick_data.skip_reason = Some("no files".to_owned());
    begun.tick_data.end_timestamp = Some((NOW + 1.0).into());
    update_tick(&instance, &begun).await?;
    assert_eq!(get_ticks(&instance, &all("files")).await?, [begun]);
    Ok(())
}

#[tokio::test]
async fn a_tick_of_another_instigator_is_refused() -> TestResult {
    let instance = TestInstance::default();
    several(&instance).await?;
    let before = get_ticks(&instance, &all("files")).await?;
    let mut foreign = before.last().cloned().ok_or("no tick")?;
    foreign.tick_data = tick("orders", TickStatus::Success, 600.0);
    let result = update_tick(&instance, &foreign).await;
    refused(result, ErrorKind::Invalid, &["tick \"1\"", "\"files\"", "\"orders\""]);

    foreign.tick_id = 77;
    refused(update_tick(&instance, &foreign).await, ErrorKind::NotFound, &["tick 77"]);
    assert_eq!(get_ticks(&instance, &all("files")).await?, before);
    assert_eq!(numbers(&get_ticks(&instance, &all("orders")).await?), [5]);
    Ok(())
}

#[tokio::test]
async fn a_tick_of_an_old_version_gets_a_selector() -> TestResult {
    let instance = TestInstance::default();
    let mut old = tick("files", TickStatus::Started, 0.0);
    old.selector_id = None;
    let mut stored = create_tick(&instance, &old).await?;
    stored.tick_data.selector_id = Some(ids("files").selector_id);
    update_tick(&instance, &stored).await?;
    assert_eq!(get_ticks(&instance, &all("files")).await?, [stored.clone()]);
    // Its origin decides whose it is.
    old.instigator_origin_id = "other".to_owned();
    let other = InstigatorTick { tick_data: old, ..stored };
    refused(update_tick(&instance, &other).await, ErrorKind::Invalid, &["tick \"1\""]);
    Ok(())
}

#[tokio::test]
async fn ticks_that_dagster_cannot_read_are_refused() -> TestResult {
    let instance = TestInstance::default();
    let of = |status| tick("files", status, 0.0);
    let with_error = |status| -> Result<TickData, Box<dyn std::error::Error>> {
        Ok(TickData { error: Some(error()?), ..of(status) })
    };
    let with_reason = |status| TickData { skip_reason: Some("no files".to_owned()), ..of(status) };
    let both = TickData { skip_reason: Some("r".to_owned()), ..with_error(TickStatus::Failure)? };
    for (data, named) in [
        (of(TickStatus::Failure), "give it the error"),
        (with_error(TickStatus::Success)?, "leave out the error"),
        (with_error(TickStatus::Skipped)?, "leave out the error"),
        (with_reason(TickStatus::Started), "leave out the reason"),
        (with_reason(TickStatus::Success), "leave out the reason"),
        (both, "leave out the reason"),
        (TickData { run_ids: None, ..of(TickStatus::Success) }, "list of runs"),
    ] {
        let tick = InstigatorTick {
            tick_data: data.clone(),
            tick_id: 1,
            unknown: instance_core::serdes::UnknownFields::default(),
        };
        refused(create_tick(&instance, &data).await, ErrorKind::Invalid, &["files", named]);
        refused(update_tick(&instance, &tick).await, ErrorKind::Invalid, &["files", named]);
    }
    for data in [
        with_reason(TickStatus::Skipped),
        with_error(TickStatus::Failure)?,
        TickData { skip_reason: Some(String::new()), ..of(TickStatus::Success) },
    ] {
        create_tick(&instance, &data).await?;
    }
    let never = TickData { timestamp: f64::NAN.into(), ..of(TickStatus::Started) };
    refused(create_tick(&instance, &never).await, ErrorKind::Invalid, &["NaN"]);
    assert_eq!(get_ticks(&instance, &all("files")).await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn purging_takes_the_old_ticks_of_one_instigator() -> TestResult {
    let instance = TestInstance::default();
    several(&instance).await?;
    let none = Only::These(Vec::new());
    assert_eq!(purge_ticks(&instance, &ids("files"), at(900.0), &none).await?, 0);
    assert_eq!(purge_ticks(&instance, &ids("unknown"), at(900.0), &Only::Any).await?, 0);
    assert_eq!(purge_ticks(&instance, &ids("files"), at(60.0), &Only::Any).await?, 1);
    let skipped = Only::one(TickStatus::Skipped);
    assert_eq!(purge_ticks(&instance, &ids("files"), at(900.0), &skipped).await?, 1);
    assert_eq!(numbers(&get_ticks(&instance, &all("files")).await?), [4, 3]);
    assert_eq!(numbers(&get_ticks(&instance, &all("orders")).await?), [5]);
    wipe_all_schedules(&instance).await?;
    assert_eq!(get_ticks(&instance, &all("orders")).await?, []);
    Ok(())
}
