//! The text of every statement in both dialects, with fixed values, as snapshots in `tests/sql`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use insta::{assert_snapshot, with_settings};
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogCursor, EventLogEntry, LogLevel,
    StepMaterializationData,
};
use instance_core::run::{DagsterRun, DagsterRunStatus, RunsFilter, TagFilter};
use instance_core::storage::{Order, RecordsForRun, RunsPage};
use instance_core::{AssetKey, RunId, SnapshotId, StorageId};
use sea_query::{PostgresQueryBuilder, QueryStatementWriter, SqliteQueryBuilder};

use super::event_log::{AssetChange, AssetEventTag, EventRow};
use super::runs::RunChange;
use super::schema::Schema;
use super::snapshots::SnapshotType;
use super::{event_log, runs, schedules, schema, snapshots};

/// Compares a statement in both dialects with its snapshot.
#[track_caller]
fn check(name: &str, statement: &impl QueryStatementWriter) {
    let text = format!(
        "-- SQLite\n{};\n-- Postgres\n{};",
        statement.to_string(SqliteQueryBuilder),
        statement.to_string(PostgresQueryBuilder)
    );
    with_settings!({
        snapshot_path => "../../tests/sql",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        assert_snapshot!(name, text);
    });
}

fn run_id() -> RunId {
    RunId::from("11ba45cd-0ff4-4c97-9043-022db056be22")
}

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 250_000_000).unwrap_or_default()
}

fn run() -> DagsterRun {
    let tags = [("dagster/partition", "a'b"), ("dagster/backfill", "bf"), ("team", "däta")];
    DagsterRun {
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        job_snapshot_id: Some(SnapshotId::from("aa")),
        ..DagsterRun::new(run_id(), "letters")
    }
}

fn rows() -> Vec<EventRow> {
    let materialization =
        AssetMaterialization::new(AssetKey::new(["demo", "hello"]), Some("p".to_owned()));
    let events = [
        DagsterEvent::new(DagsterEventType::RunStart, "letters").with_message("it's"),
        DagsterEvent::new(DagsterEventType::AssetMaterialization, "letters")
            .with_step_key("command")
            .with_data(StepMaterializationData::from(materialization)),
    ];
    let entry = |event| EventLogEntry::of_event(event, run_id(), LogLevel::INFO, 1_700_000_000.25);
    events.into_iter().filter_map(|event| EventRow::of(&entry(event))).collect()
}

#[test]
fn statements_of_runs() {
    check("runs_insert_run", &runs::insert_run(&run(), "2023-11-14 22:13:20.250000"));
    let bare = DagsterRun::new(run_id(), "letters");
    check("runs_insert_run_without_tags", &runs::insert_run(&bare, "2023-11-14 22:13:20.250000"));
    check(
        "runs_insert_tags",
        &runs::insert_tags(&run_id(), &run().tags.into_iter().collect::<Vec<_>>()),
    );
    check(
        "runs_update_tag",
        &runs::update_tag(&run_id(), "dagster/failure_reason", "STEP_FAILURE"),
    );
    let change = |start_time, end_time| {
        runs::update_run(&RunChange {
            run: &run(),
            updated_at: "2023-11-14 22:13:20.250000",
            start_time,
            end_time,
        })
    };
    check("runs_update_run", &change(None, None));
    check("runs_update_run_that_starts", &change(Some(1_700_000_000.25), None));
    check("runs_update_run_that_ends", &change(None, Some(1_700_000_000.25)));
}

#[test]
fn selects_of_runs() {
    let all = RunsFilter::default();
    let check_filter = |name: &str, filter: RunsFilter| {
        check(
            &format!("runs_select_runs_{name}"),
            &runs::select_runs(&filter, &RunsPage::default()),
        );
    };
    check_filter("all", all.clone());
    check_filter("by_ids", RunsFilter { run_ids: vec![run_id(), RunId::from("r")], ..all.clone() });
    check_filter("by_prefix", RunsFilter { run_id_prefix: Some("11ba".to_owned()), ..all.clone() });
    check_filter("by_job", RunsFilter { job_name: Some("letters".to_owned()), ..all.clone() });
    check_filter(
        "by_statuses",
        RunsFilter {
            statuses: vec![DagsterRunStatus::Queued, DagsterRunStatus::Started],
            ..all.clone()
        },
    );
    check_filter(
        "by_snapshot",
        RunsFilter { snapshot_id: Some(SnapshotId::from("aa")), ..all.clone() },
    );
    check_filter("updated_after", RunsFilter { updated_after: Some(time()), ..all.clone() });
    check_filter("updated_before", RunsFilter { updated_before: Some(time()), ..all.clone() });
    check_filter("created_after", RunsFilter { created_after: Some(time()), ..all.clone() });
    check_filter("created_before", RunsFilter { created_before: Some(time()), ..all.clone() });
    let tags = BTreeMap::from([
        ("team".to_owned(), TagFilter::Is("data".to_owned())),
        ("tier".to_owned(), TagFilter::In(vec!["gold".to_owned(), "silver".to_owned()])),
    ]);
    check_filter("by_tags", RunsFilter { tags: tags.clone(), ..all.clone() });
    let several = RunsFilter {
        run_id_prefix: Some("11ba".to_owned()),
        job_name: Some("letters".to_owned()),
        statuses: vec![DagsterRunStatus::Success],
        tags,
        created_after: Some(time()),
        ..all
    };
    check_filter("by_several", several.clone());
    check("runs_count_runs", &runs::count_runs(&RunsFilter::default()));
    check("runs_count_runs_by_several", &runs::count_runs(&several));
}

#[test]
fn pages_of_runs() {
    for (name, order) in [("ascending", Order::Ascending), ("descending", Order::Descending)] {
        let page = RunsPage { cursor: Some(run_id()), limit: Some(25), order };
        let select = runs::select_runs(&RunsFilter::default(), &page);
        check(&format!("runs_select_runs_page_{name}"), &select);
    }
}

#[test]
fn statements_of_events() {
    check("event_log_insert_events", &event_log::insert_events(&rows()));
    let tag = |key: &str| AssetEventTag {
        event_id: StorageId(7),
        asset_key: "[\"demo\"]".to_owned(),
        key: key.to_owned(),
        value: "v1".to_owned(),
        event_timestamp: "2023-11-14 22:13:20.250000".to_owned(),
    };
    let tags = [tag("dagster/data_version"), tag("dagster/partition/date")];
    check("event_log_insert_asset_event_tags", &event_log::insert_asset_event_tags(&tags));
}

#[test]
fn selects_of_events() {
    let all = || RecordsForRun::all(run_id());
    let check_query = |name: &str, query: RecordsForRun| {
        let name = format!("event_log_select_records_for_run_{name}");
        check(&name, &event_log::select_records_for_run(&query));
    };
    check_query("all", all());
    check_query(
        "of_types",
        RecordsForRun {
            of_types: vec![DagsterEventType::StepStart, DagsterEventType::StepSuccess],
            ..all()
        },
    );
    let behind = Some(EventLogCursor::StorageId(StorageId(7)));
    check_query("behind", RecordsForRun { cursor: behind, limit: Some(10), ..all() });
    check_query(
        "behind_descending",
        RecordsForRun { cursor: behind, limit: Some(10), order: Order::Descending, ..all() },
    );
    check_query("from_the_start", RecordsForRun { cursor: Some(EventLogCursor::START), ..all() });
    let offset = Some(EventLogCursor::Offset(5));
    check_query("offset", RecordsForRun { cursor: offset, ..all() });
    check_query("offset_with_limit", RecordsForRun { cursor: offset, limit: Some(10), ..all() });

    let types = [DagsterEventType::RunStart, DagsterEventType::StepSuccess];
    check("event_log_select_run_stats", &event_log::select_run_stats(&run_id(), &types));
    check("event_log_select_step_events", &event_log::select_step_events(&run_id(), &[], &types));
    let steps = ["a".to_owned(), "b".to_owned()];
    check(
        "event_log_select_step_events_of_steps",
        &event_log::select_step_events(&run_id(), &steps, &types),
    );
}

#[test]
fn statements_of_assets() {
    let observed = AssetChange {
        asset_key: "[\"demo\"]".to_owned(),
        last_materialization: None,
        last_run_id: None,
        last_materialization_timestamp: "2023-11-14 22:13:20.250000".to_owned(),
    };
    check("event_log_upsert_asset_observed", &event_log::upsert_asset(&observed));
    let planned = AssetChange { last_run_id: Some(run_id().to_string()), ..observed };
    check("event_log_upsert_asset_planned", &event_log::upsert_asset(&planned));
    let materialised = AssetChange { last_materialization: Some("{}".to_owned()), ..planned };
    check("event_log_upsert_asset_materialised", &event_log::upsert_asset(&materialised));
    check("event_log_select_assets", &event_log::select_assets(None));
    check("event_log_select_assets_none", &event_log::select_assets(Some(&[])));
    let keys = [AssetKey::new(["demo", "hé"]), AssetKey::new(["raw"])];
    check("event_log_select_assets_by_key", &event_log::select_assets(Some(&keys)));
}

#[test]
fn statements_of_snapshots() {
    check("snapshots_insert", &snapshots::insert("aa", SnapshotType::Job, b"x\x9c".to_vec()));
    check("snapshots_select_exists", &snapshots::select_exists("aa", SnapshotType::ExecutionPlan));
    check("snapshots_select_body", &snapshots::select_body("aa", SnapshotType::Job));
}

#[test]
fn statements_of_schedules() {
    check("schedules_select_instigators", &schedules::select_instigators(None));
    check("schedules_select_instigators_of_type", &schedules::select_instigators(Some("SENSOR")));
}

#[test]
fn statements_of_the_schema() {
    check("schema_select_table_names", &schema::select_table_names());
    check("schema_select_revision", &schema::select_revision());
    check("schema_insert_revision", &schema::insert_revision());
    check(
        "schema_insert_completed_migration",
        &schema::insert_completed_migration("run_partitions", "2023-11-14 22:13:20.250000"),
    );
    check("schema_insert_run_storage_id", &schema::insert_run_storage_id("an id"));
    check("schema_select_run_storage_id", &schema::select_run_storage_id());
}

/// A function that builds a statement and is not called above has SQL that nobody looked at.
#[test]
fn every_function_that_builds_a_statement_is_called_here() {
    let sources = [
        ("event_log", include_str!("event_log.rs")),
        ("runs", include_str!("runs.rs")),
        ("schedules", include_str!("schedules.rs")),
        ("schema", include_str!("schema/mod.rs")),
        ("snapshots", include_str!("snapshots.rs")),
    ];
    let tests = include_str!("tests.rs");
    let mut found = 0;
    for (module, source) in sources {
        for function in source.split("pub(crate) fn ").skip(1) {
            let (signature, _) = function.split_once(" {\n").unwrap();
            if signature.ends_with("Statement") {
                let name = signature.split(['(', '<']).next().unwrap();
                assert!(tests.contains(&format!("{module}::{name}(")), "{module}::{name}");
                found += 1;
            }
        }
    }
    assert!(found > 20, "only {found} functions were found");
}

#[test]
fn schemas_split_into_their_statements() {
    for (schema, script) in [
        (Schema::Runs, include_str!("schema/sqlite_runs.sql")),
        (Schema::EventIndex, include_str!("schema/sqlite_index.sql")),
        (Schema::EventShard, include_str!("schema/sqlite_index.sql")),
        (Schema::Schedules, include_str!("schema/sqlite_schedules.sql")),
    ] {
        let creates = script.lines().filter(|line| line.starts_with("CREATE ")).count();
        let statements: Vec<_> = schema.statements().collect();
        assert_eq!(statements.len(), creates, "{schema:?}");
        assert!(creates > 5, "{schema:?} has only {creates} statements");
        for statement in statements {
            assert!(statement.starts_with("CREATE "), "{schema:?}: {statement}");
            assert!(!statement.contains(';'), "{schema:?}: {statement}");
        }
    }
}
