//! The conformance suite of the core on databases as older releases of Dagster made them.
//!
//! Each case either passes, or says that the database has to be upgraded. Which ones do that at which revision is kept
//! as a snapshot.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use instance_core::settings::StorageSettings;
use instance_core::storage::{EventLogStorage, RunStorage, ScheduleStorage};
use instance_core::testing::Case;
use tempfile::TempDir;

use crate::context::{OpenMode, StorageContext};
use crate::db::{Database, SqlitePlace};
use crate::layouts::Storages;
use crate::sql::capabilities::FEATURES;
use crate::sql::schema::{Schema, Stamp};

/// Storages on files of an older revision, with the directory that goes with them.
struct Made {
    runs: Arc<dyn RunStorage>,
    events: Arc<dyn EventLogStorage>,
    schedules: Arc<dyn ScheduleStorage>,
    _directory: TempDir,
}

impl AsRef<dyn RunStorage> for Made {
    fn as_ref(&self) -> &dyn RunStorage {
        &*self.runs
    }
}

impl AsRef<dyn EventLogStorage> for Made {
    fn as_ref(&self) -> &dyn EventLogStorage {
        &*self.events
    }
}

impl AsRef<dyn ScheduleStorage> for Made {
    fn as_ref(&self) -> &dyn ScheduleStorage {
        &*self.schedules
    }
}

async fn made_at(revision: &str) -> Made {
    let directory = TempDir::new().unwrap();
    let context = StorageContext::default();
    let settings = StorageSettings::sqlite_below(directory.path());
    let beside = Stamp::Of(revision.to_owned());
    for (file, schema) in [
        ("history/runs.db", Schema::Runs),
        ("history/runs/index.db", Schema::EventIndex),
        ("schedules/schedules.db", Schema::Schedules),
    ] {
        let place = SqlitePlace::File(directory.path().join(file));
        let database = Database::sqlite_beside(place, schema, &beside, &context);
        database.ready().await.unwrap();
        database.close().await;
    }
    let opened = Storages::open(&settings, OpenMode::MustExist, context).await.unwrap();
    Made {
        runs: opened.run_storage(),
        events: opened.event_log_storage(),
        schedules: opened.schedule_storage(),
        _directory: directory,
    }
}

/// All cases about one store, on stores of a revision.
fn cases(revision: &'static str) -> Vec<Case> {
    let make = move || made_at(revision);
    let mut cases = instance_core::run_storage_tests!(@ __storage_cases, make);
    cases.extend(instance_core::event_log_storage_tests!(@ __storage_cases, make));
    cases.extend(instance_core::schedule_storage_tests!(@ __storage_cases, make));
    cases
}

/// Cases that answer in another way on older databases, as in Dagster, and why.
const OTHERWISE: [(&str, &str); 8] = [
    ("assets::the_cached_status_of_an_asset_is_kept", "it is not: there is no column for it"),
    (
        "asset_partitions::a_wipe_of_partitions_repairs_the_record_of_the_asset",
        "there is no cached status to repair",
    ),
    ("backfills::a_backfill_may_have_any_number_of_tags", BY_RUNS),
    ("backfills::any_number_of_backfills_may_be_asked_for", BY_RUNS),
    ("backfills::filters_find_the_backfills_that_match", BY_RUNS),
    (
        "daemons::the_last_sign_of_life_of_each_kind_is_kept",
        "without numbers of rows, they come in the order of their types",
    ),
    (
        "pools::a_pool_has_the_limit_that_it_was_given",
        "limits are counted from slots, so that a pool without slots is none",
    ),
    ("pools::a_pool_may_have_the_default", "nothing says that a limit is the default"),
];
const BY_RUNS: &str = "jobs and tags of backfills are found by their runs, and these have none";

async fn assert_cases(revision: &'static str, name: &str) {
    let cases = cases(revision);
    assert!(cases.len() > 200, "only {} cases were found", cases.len());
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut failed = Vec::new();
    for case in &cases {
        match lacking(case).await {
            Ok(None) => {}
            Ok(Some(what)) => found.entry(what).or_default().push(case.0),
            Err(said) => failed.push(format!("{}: {said}", case.0)),
        }
    }
    let is_known =
        |said: &String| OTHERWISE.iter().any(|(case, _)| said.split(": ").next() == Some(case));
    let (otherwise, failed): (Vec<_>, Vec<_>) = failed.into_iter().partition(is_known);
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
    let mut text = String::new();
    for (what, cases) in found {
        writeln!(text, "without the {what}:").unwrap();
        for case in cases {
            writeln!(text, "  {case}").unwrap();
        }
    }
    writeln!(text, "otherwise:").unwrap();
    for said in &otherwise {
        writeln!(text, "  {}", said.split(": ").next().unwrap()).unwrap();
    }
    insta::with_settings!({
        snapshot_path => "../../tests/older",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

/// What a case says that the database lacks; `None` if it passed, an error if it failed for another reason.
async fn lacking(case: &Case) -> Result<Option<&'static str>, String> {
    let Err(ended) = tokio::spawn(case.1()).await else {
        return Ok(None);
    };
    let payload = ended.into_panic();
    let said = payload.downcast_ref::<String>().cloned().unwrap_or_default();
    let lacking = FEATURES.iter().find(|described| {
        said.contains("NeedsMigration") && said.contains(&format!("{:?}", described.what))
    });
    lacking.map(|described| Some(described.what)).ok_or(said)
}

#[tokio::test]
async fn of_1_0() {
    assert_cases("5e139331e376", "of_1_0").await;
}

#[tokio::test]
async fn of_1_3_8() {
    assert_cases("5771160a95ad", "of_1_3_8").await;
}

#[tokio::test]
async fn of_1_8() {
    assert_cases("284a732df317", "of_1_8").await;
}
