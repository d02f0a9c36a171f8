//! `asset show`, `asset checks`, `asset partitions` and `asset wipe`.

use dagster_instance::event::{
    AssetMaterialization, AssetMaterializationPlannedData, AssetObservation, DagsterEvent,
    DagsterEventType, EventLogEntry, LogLevel, StepMaterializationData,
};
use dagster_instance::serdes::{UnknownFields, deserialize_value};
use dagster_instance::{AssetKey, DagsterInstance, RunId};

use crate::home::{FAILED, Home, NOW, Run, STARTED};

/// A day of the year 2026 as the key of a partition.
fn day(number: u32) -> String {
    format!("2026-{:02}-{:02}", 1 + number / 28, 1 + number % 28)
}

async fn plan(instance: &DagsterInstance, run_id: &str, key: &AssetKey, partition: &str) {
    let data = AssetMaterializationPlannedData {
        asset_key: key.clone(),
        partition: Some(partition.to_owned()),
        partitions_subset: None,
        unknown: UnknownFields::default(),
    };
    let event =
        DagsterEvent::new(DagsterEventType::AssetMaterializationPlanned, "etl").with_data(data);
    let entry = EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::INFO, NOW);
    instance.handle_new_event(entry).await.expect("the event is stored");
}

async fn evaluate(instance: &DagsterInstance, name: &str, passed: bool, partition: Option<&str>) {
    let text = format!(
        r#"{{"__class__": "AssetCheckEvaluation", "asset_key": {{"__class__": "AssetKey", "path": ["sales"]}}, "blocking": false, "check_name": "{name}", "description": "a \"check\"", "metadata": {{}}, "partition": null, "severity": {{"__enum__": "AssetCheckSeverity.WARN"}}, "success": {passed}, "target_materialization_data": null}}"#
    );
    let mut evaluation: dagster_instance::assets::AssetCheckEvaluation =
        deserialize_value(&text).expect("an evaluation");
    evaluation.partition = partition.map(str::to_owned);
    instance.report_runless_asset_event(evaluation).await.expect("the event is stored");
}

/// A home with the asset `sales`, which has 200 partitions, two checks and an observation; `empty`, which has none; and
/// the dynamic partitions `customers`, some of which the asset `people` has.
async fn home() -> Home {
    let home = Home::filled().await;
    let instance = home.instance().await;
    let (sales, people) = (AssetKey::new(["sales"]), AssetKey::new(["people"]));
    let run = Run::add(&instance, "made", "etl", &[]).await;
    for number in (0..150).chain(180..190) {
        run.materializes(1.0, "load", &sales, Some(&day(number))).await;
    }
    run.materializes(1.0, "load", &sales, Some(&day(0))).await;
    plan(&instance, FAILED, &sales, &day(150)).await;
    plan(&instance, STARTED, &sales, &day(160)).await;
    for number in 190..200 {
        plan(&instance, "nobody", &sales, &day(number)).await;
    }
    evaluate(&instance, "fresh", true, None).await;
    evaluate(&instance, "not null", false, Some(&day(3))).await;
    let observed = AssetObservation {
        asset_key: sales.clone(),
        description: None,
        metadata: Vec::new(),
        partition: Some("observed".to_owned()),
        tags: None,
        unknown: UnknownFields::default(),
    };
    instance.report_runless_asset_event(observed).await.expect("the event is stored");
    run.materializes(2.0, "load", &AssetKey::new(["empty"]), None).await;
    let customers = ["zoe", "adam", "mia", "old\u{202e}"].map(str::to_owned);
    instance.add_dynamic_partitions("customers", &customers).await.expect("keys are added");
    for name in ["zoe", "mia", "gone"] {
        run.materializes(3.0, "load", &people, Some(name)).await;
    }
    instance.dispose().await.expect("everything is stored");
    home
}

fn arguments(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[tokio::test]
async fn what_the_commands_print() {
    let home = home().await;
    let check = |name: &str, line: &str| insta::assert_snapshot!(name, home.run(&arguments(line)));
    check("show", "asset show sales");
    check("show_json", "asset show sales --json");
    check("show_without_partitions", "asset show empty");
    check("show_of_a_definition", "asset show people --partitions-def customers");
    check("show_of_a_definition_json", "asset show people --partitions-def customers --json");
    check("checks", "asset checks sales");
    check("checks_json", "asset checks sales --json");
    check("checks_of_none", "asset checks empty");
    check("partitions", "asset partitions sales --status failed --status in_progress");
    check("partitions_limited", "asset partitions sales --limit 2 --json");
    check("partitions_missing", "asset partitions people --partitions-def customers");
    check("partitions_missing_json", "asset partitions sales --status MISSING --json --limit 1");
    check("partitions_of_none", "asset partitions empty");
}

#[tokio::test]
async fn partitions_are_wiped_and_nothing_else_is() {
    let home = home().await;
    let check = |name: &str, line: &str| insta::assert_snapshot!(name, home.run(&arguments(line)));
    let before = home.run(&arguments("asset partitions sales --json")).stdout;
    let range = "asset wipe sales --range 2026-01-02..2026-01-05 --partition 2026-02-01";
    check("wipe_refused", range);
    check("wipe_dry_run", &format!("{range} --dry-run"));
    check("wipe_dry_run_json", &format!("{range} --dry-run --json"));
    assert_eq!(home.run(&arguments("asset partitions sales --json")).stdout, before);
    check("wipe", &format!("{range} --yes"));
    let after = home.run(&arguments("asset partitions sales --json")).stdout;
    let gone: Vec<_> = before.lines().filter(|line| !after.contains(*line)).collect();
    assert_eq!(gone.len(), 5, "{gone:?}");
    assert_eq!(after.lines().count(), before.lines().count() - 5);
    // The check of one of the partitions is gone, too.
    check("checks_after_wipe", "asset checks sales");
    // In the order of the definition, adam is between zoe and mia.
    let line = "asset wipe people --range zoe..mia --partitions-def customers --yes --json";
    check("wipe_of_a_definition", line);
    check("partitions_after_wipe", "asset partitions people");
    check("wipe_of_what_was_observed", "asset wipe sales --partition observed --yes");
}

#[tokio::test]
async fn whole_assets_are_wiped() {
    let home = home().await;
    let check = |name: &str, line: &str| insta::assert_snapshot!(name, home.run(&arguments(line)));
    check("wipe_assets_dry_run", "asset wipe sales empty sales --dry-run");
    check("wipe_assets", "asset wipe sales empty sales --yes");
    check("list_after_wipe", "asset list");
    check("show_after_wipe", "asset show sales");
    check("wipe_assets_json", "asset wipe people --yes --json");
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    let home = home().await;
    let before = home.run(&["asset", "list", "--json"]).stdout
        + &home.run(&["asset", "partitions", "sales", "--json"]).stdout;
    let check = |name: &str, line: &str| insta::assert_snapshot!(name, home.run(&arguments(line)));
    check("unknown_show", "asset show nothing/here");
    check("unknown_checks", "asset checks nothing");
    check("unknown_partitions", "asset partitions nothing");
    check("unknown_definition", "asset show sales --partitions-def nobody");
    check("unknown_wipe", "asset wipe sales nothing --yes");
    check("unknown_partition", "asset wipe sales --partition 2026-01-01 --partition zoe --yes");
    check("unknown_range", "asset wipe sales --range 1999..2000 --yes");
    check("range_backwards", "asset wipe people --range mia..zoe --partitions-def customers --yes");
    check(
        "range_of_another_definition",
        "asset wipe people --range zoe..gone --partitions-def customers --yes",
    );
    check("usage_of_range", "asset wipe sales --range 2026-01-01 --yes");
    check("usage_of_range_with_dots", "asset wipe sales --range a..b..c --yes");
    check("usage_of_wipe", "asset wipe --yes");
    check("usage_of_status", "asset partitions sales --status bogus");
    assert_eq!(home.run(&["asset", "wipe", "a//b", "--yes"]).code, Some(2));
    assert_eq!(home.run(&["asset", "wipe", "sales", "--partition", "", "--yes"]).code, Some(2));
    let huge = "x".repeat(100_000);
    let ended = home.run(&["asset", "wipe", "sales", "--yes", "--partition", &huge]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("has no partition \"xxx"), "{ended}");
    assert!(ended.stderr.len() < 500, "{ended}");
    let unknown = home.run(&["asset", "show", &huge]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
    assert!(unknown.stderr.len() < 500, "{unknown}");
    let after = home.run(&["asset", "list", "--json"]).stdout
        + &home.run(&["asset", "partitions", "sales", "--json"]).stdout;
    assert_eq!(after, before);
}

#[tokio::test]
async fn many_assets_come_in_pages_and_each_once() {
    let home = Home::empty();
    let instance = home.instance().await;
    let entry = |number: u32| {
        let made = AssetMaterialization::new(AssetKey::new([format!("a{number:04}")]), None);
        let event = DagsterEvent::new(DagsterEventType::AssetMaterialization, "etl");
        let event = event.with_data(StepMaterializationData::from(made));
        EventLogEntry::of_event(event, RunId::from("r"), LogLevel::INFO, NOW)
    };
    let entries = (0..1_020).map(entry).collect();
    instance.handle_new_events(entries).await.expect("the events are stored");
    instance.dispose().await.expect("everything is stored");
    for (more, expect) in [(&[][..], 1_020), (&["--limit", "500"], 500), (&["--limit", "0"], 0)] {
        let ended = home.run(&[&["asset", "list"], more].concat());
        let lines: Vec<_> = ended.stdout.lines().skip(1).collect();
        assert_eq!(lines.len(), expect, "{more:?}");
        for (number, line) in lines.iter().enumerate() {
            assert!(line.starts_with(&format!("a{number:04} ")), "{line}");
        }
    }
    assert!(home.run(&["info"]).stdout.contains("Assets        1020"));
}
