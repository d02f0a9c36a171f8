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
use crate::sql::schema::Schema;

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
    for (file, schema) in [
        ("history/runs.db", Schema::Runs),
        ("history/runs/index.db", Schema::EventIndex),
        ("schedules/schedules.db", Schema::Schedules),
    ] {
        let place = SqlitePlace::File(directory.path().join(file));
        let database = Database::sqlite_at(place, schema, revision, &context);
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
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
    let mut text = String::new();
    for (what, cases) in found {
        writeln!(text, "without the {what}:").unwrap();
        for case in cases {
            writeln!(text, "  {case}").unwrap();
        }
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
async fn of_1_1_18() {
    assert_cases("e62c379ac8f4", "of_1_1_18").await;
}

#[tokio::test]
async fn of_1_3_8() {
    assert_cases("5771160a95ad", "of_1_3_8").await;
}

#[tokio::test]
async fn of_1_6() {
    assert_cases("46b412388816", "of_1_6").await;
}

#[tokio::test]
async fn of_1_9_3() {
    assert_cases("6b7fb194ff9c", "of_1_9_3").await;
}
