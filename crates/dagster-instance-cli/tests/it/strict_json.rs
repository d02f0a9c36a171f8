//! `--json` is JSON for every reader, whatever Python has stored.

use dagster_instance::event::{AssetMaterialization, MetadataEntry};
use dagster_instance::run::{DagsterRun, RegisteredCodeLocationOrigin, RemoteRepositoryOrigin};
use dagster_instance::scheduling::{
    InstigatorIds, InstigatorType, RemoteInstigatorOrigin, RemoteSchedule, TickData, TickStatus,
};
use dagster_instance::serdes::deserialize_value;
use dagster_instance::{AssetKey, RunId};
use serde_json::Value;

use crate::home::{Home, NOW, Run};

/// Texts as Python stores them, of which JSON has no value.
const HALF: &str = r#""a\udcffb""#;
const CONFIG: &str = r#"{"k": [NaN, Infinity, -Infinity]}"#;

fn origin(location: &str, name: &str) -> RemoteInstigatorOrigin {
    let location = RegisteredCodeLocationOrigin::new(location);
    RemoteInstigatorOrigin::new(RemoteRepositoryOrigin::new(location, "repo"), name)
}

fn score(value: &str) -> MetadataEntry {
    let text = format!(
        r#"{{"__class__": "EventMetadataEntry", "description": null, "entry_data": {{"__class__": "FloatMetadataEntryData", "value": {value}}}, "label": "score"}}"#
    );
    deserialize_value(&text).expect("metadata")
}

#[tokio::test]
async fn every_line_is_json() {
    let home = Home::empty();
    let instance = home.instance().await;
    let half: String = deserialize_value(HALF).expect("text");
    let what = AssetMaterialization::new(AssetKey::new(["b"]), Some(half.clone()));
    let run = Run::add(&instance, "of b", "etl", &[]).await;
    run.stores_materialization(0.0, "step", what).await;
    let mut run = DagsterRun::new(RunId::from("r"), &half);
    run.tags = [(half.clone(), half.clone())].into();
    run.run_config = deserialize_value(CONFIG).expect("a document");
    let run = Run::add_as(&instance, run).await;
    run.starts(0.0).await;
    let mut what = AssetMaterialization::new(AssetKey::new([&half]), Some(half.clone()));
    what.metadata = vec![score("NaN")];
    run.stores_materialization(1.0, "step", what).await;
    let mut what = AssetMaterialization::new(AssetKey::new(["a"]), None);
    what.metadata = vec![score("-Infinity")];
    run.stores_materialization(2.0, &half, what).await;
    run.line(3.0, &half).await;
    run.line(4.0, "NaN").await;
    let schedule = origin(&half, "nightly");
    let mut tick = TickData::new(
        InstigatorIds::from(&schedule),
        &half,
        InstigatorType::Schedule,
        TickStatus::Skipped,
        NOW,
    );
    tick.skip_reason = Some(half.clone());
    tick.end_timestamp = Some(f64::NAN.into());
    instance.create_tick(&tick).await.expect("the tick is stored");
    let schedule = RemoteSchedule::new(schedule, half.clone());
    instance.start_schedule(&schedule).await.expect("started");
    instance.dispose().await.expect("everything is stored");

    let lines = |line: &str| -> Vec<Value> {
        let arguments: Vec<_> = line.split(' ').collect();
        let ended = home.run(&arguments);
        assert_eq!(ended.code, Some(0), "{line}: {ended}");
        let parsed = ended.stdout.lines().map(serde_json::from_str);
        parsed.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{line}: {error}: {ended}"))
    };
    let runs = lines("run list --json");
    assert_eq!(runs[0]["tags"]["a\u{fffd}b"], "a\u{fffd}b");
    assert_eq!(runs[0]["job_name"], "a\u{fffd}b");
    assert_eq!(lines("run show r --json")[0]["run_config"], CONFIG);
    assert_eq!(lines("asset list --json").len(), 3);
    assert_eq!(lines("asset show b --json")[0]["last_materialization_partition"], "a\u{fffd}b");
    assert_eq!(lines("asset partitions b --json")[0]["partition"], "a\u{fffd}b");
    let wiped = lines("asset wipe b --range a..b --dry-run --json");
    assert_eq!(wiped[0]["partitions"][0], "a\u{fffd}b");
    let schedules = lines("schedule list --json");
    assert_eq!(schedules[0]["location"], "a\u{fffd}b");
    assert_eq!(schedules[0]["cron_schedules"][0], "a\u{fffd}b");
    let ticks = lines("tick list nightly --json");
    assert_eq!(
        (&ticks[0]["skip_reason"], &ticks[0]["end_timestamp"]),
        (&"a\u{fffd}b".into(), &Value::Null)
    );
    assert_eq!(lines("schedule show nightly --json")[0]["ticks"], Value::from(ticks));
    assert_eq!(lines("info --json").len(), 1);
    for command in ["run events r --json", "run events r --json --limit 6"] {
        let events = lines(command);
        let is_text = |event: &Value| event["entry"].is_string();
        let as_text: Vec<_> = events.iter().map(is_text).collect();
        assert_eq!(as_text, [true, true, true, true, false], "{command}");
        let entry = events[1]["entry"].as_str().expect("text");
        assert!(entry.starts_with("{\"__class__\": \"EventLogEntry\"") && entry.contains("NaN"));
        assert!(events[2]["entry"].as_str().is_some_and(|entry| entry.contains("-Infinity")));
        assert!(events[3]["entry"].as_str().is_some_and(|entry| entry.contains("\\udcff")));
        assert_eq!(events[3]["message"], "a\u{fffd}b");
        assert_eq!(events[4]["entry"]["user_message"], "NaN");
    }
}
