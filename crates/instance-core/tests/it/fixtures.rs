//! Bodies that real Dagster 1.13.27 wrote: each is read as its class and written again byte for byte.
//!
//! Most stood in the databases of an instance; `event_run_failure`, `instigator`, `job_snapshot` and
//! `run_of_a_code_location` were built from Dagster's own classes, to set fields that are rarely set.

use std::collections::BTreeSet;
use std::path::Path;

use instance_core::event::{EventLogEntry, EventLogRecord, EventSpecificData};
use instance_core::run::DagsterRun;
use instance_core::scheduling::InstigatorState;
use instance_core::serdes::{
    SerdesError, UnknownFields, Unpack, deserialize_value, serialize_value,
};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};

use crate::support::fixture;

type Rewrite = fn(&str) -> Result<(String, UnknownFields), SerdesError>;

/// Every fixture, with the class that it is read as.
pub(crate) const FIXTURES: &[(&str, &str, Rewrite)] = &[
    ("event_asset_check", fixture!("event_asset_check"), rewrite_entry),
    ("event_asset_materialization", fixture!("event_asset_materialization"), rewrite_entry),
    ("event_asset_observation", fixture!("event_asset_observation"), rewrite_entry),
    ("event_asset_planned", fixture!("event_asset_planned"), rewrite_entry),
    ("event_engine", fixture!("event_engine"), rewrite_entry),
    ("event_logs_captured", fixture!("event_logs_captured"), rewrite_entry),
    ("event_run_canceled", fixture!("event_run_canceled"), rewrite_entry),
    ("event_run_failure", fixture!("event_run_failure"), rewrite_entry),
    ("event_run_start", fixture!("event_run_start"), rewrite_entry),
    ("event_step_of_a_dynamic_output", fixture!("event_step_of_a_dynamic_output"), rewrite_entry),
    ("event_step_output", fixture!("event_step_output"), rewrite_entry),
    ("event_step_start", fixture!("event_step_start"), rewrite_entry),
    ("event_step_success", fixture!("event_step_success"), rewrite_entry),
    ("execution_plan", fixture!("execution_plan"), |text| {
        rewrite(text, |plan: &ExecutionPlanSnapshot| plan.unknown.clone())
    }),
    ("instigator", fixture!("instigator"), |text| {
        rewrite(text, |state: &InstigatorState| state.unknown.clone())
    }),
    ("job_snapshot", fixture!("job_snapshot"), |text| {
        rewrite(text, |job: &JobSnap| job.unknown.clone())
    }),
    ("last_materialization", fixture!("last_materialization"), |text| {
        rewrite(text, |record: &EventLogRecord| record.unknown.clone())
    }),
    ("log_line", fixture!("log_line"), rewrite_entry),
    ("run_of_a_code_location", fixture!("run_of_a_code_location"), rewrite_run),
    ("run_of_assets", fixture!("run_of_assets"), rewrite_run),
    ("run_of_ops", fixture!("run_of_ops"), rewrite_run),
];

fn rewrite_entry(text: &str) -> Result<(String, UnknownFields), SerdesError> {
    rewrite(text, |entry: &EventLogEntry| entry.unknown.clone())
}

fn rewrite_run(text: &str) -> Result<(String, UnknownFields), SerdesError> {
    rewrite(text, |run: &DagsterRun| run.unknown.clone())
}

fn rewrite<T: Unpack + instance_core::serdes::Pack>(
    text: &str,
    unknown: impl Fn(&T) -> UnknownFields,
) -> Result<(String, UnknownFields), SerdesError> {
    let value: T = deserialize_value(text)?;
    Ok((serialize_value(&value), unknown(&value)))
}

#[test]
fn every_body_is_written_again_byte_for_byte() {
    for (name, text, rewrite) in FIXTURES {
        let (again, unknown) = rewrite(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again, *text, "{name}");
        assert!(unknown.is_empty(), "{name} has fields that we do not know: {unknown:?}");
    }
}

#[test]
fn every_file_is_checked() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures");
    let files: BTreeSet<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let checked = FIXTURES.iter().map(|(name, ..)| format!("{name}.json"));
    assert_eq!(files, checked.collect::<BTreeSet<_>>());
}

#[test]
fn what_an_entry_says_is_understood() {
    let entry: EventLogEntry = deserialize_value(fixture!("event_asset_materialization")).unwrap();
    let event = entry.dagster_event.as_ref().unwrap();
    assert_eq!(event.asset_key().unwrap().to_user_string(), "by_day");
    assert_eq!(event.partition(), Some("2024-02-03"));
    assert_eq!(entry.step_key(), Some("by_day"));
    assert_eq!(entry.message(), "Materialized value by_day.");
    assert!(event.asset_event_tags().unwrap().contains_key("dagster/data_version"));

    let failure: EventLogEntry = deserialize_value(fixture!("event_run_failure")).unwrap();
    let failure = failure.dagster_event.unwrap();
    let first = failure.job_failure_data().unwrap().first_step_failure_event.as_ref().unwrap();
    let Some(EventSpecificData::StepFailure(step)) = first.event_specific_data.as_deref() else {
        panic!("not a step failure: {first:?}");
    };
    let error = step.error.as_ref().unwrap();
    assert_eq!(error.message, "ValueError: outer ✗\n");
    assert_eq!(error.cause.as_ref().unwrap().cls_name.as_deref(), Some("KeyError"));

    let line: EventLogEntry = deserialize_value(fixture!("log_line")).unwrap();
    assert_eq!(line.event_type(), None);
    assert!(line.message().contains("🦀👩‍👩‍👧 tab\t nl\n cr\r bell\u{7}"));
}

#[test]
fn what_a_run_says_is_understood() {
    let run: DagsterRun = deserialize_value(fixture!("run_of_a_code_location")).unwrap();
    let tags = run.tags_for_storage();
    let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        tags,
        [
            ".dagster/pool/aqua=true",
            ".dagster/pool/pool=true",
            ".dagster/repository=__repository__@défs",
            "dagster/partition=b/ü",
            "z=1",
        ]
    );
    assert!(run.is_partitioned());
    let assets: Vec<_> =
        run.asset_selection.unwrap().as_slice().iter().map(ToString::to_string).collect();
    assert_eq!(assets, ["a", "b/ü"]);

    let run: DagsterRun = deserialize_value(fixture!("run_of_ops")).unwrap();
    assert!(!run.is_partitioned());
    assert_eq!(run.tags_for_storage(), run.tags);
}
