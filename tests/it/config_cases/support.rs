//! A home with a `dagster.yaml`, and what is made of it.

use std::error::Error;
use std::path::Path;

use dagster_instance::settings::{InstanceSettings, StorageSettings, StoreSettings};
use dagster_instance::{DagsterInstance, Environment, InstanceError};
use dagster_instance_tests::Home;
use instance_config::load_settings;
use instance_core::error::BoxError;

pub(crate) type TestResult = Result<(), BoxError>;

/// The password of every set-up here.
pub(crate) const PASSWORD: &str = "s3cr3t-of-a-test";

/// Variables of a set-up, and no others.
pub(crate) struct Variables<'v>(pub(crate) &'v [(&'v str, &'v str)]);

impl Environment for Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }
}

/// A home with this `dagster.yaml`.
pub(crate) fn home(yaml: impl AsRef<[u8]>) -> Home {
    let home = Home::new();
    std::fs::write(home.path().join("dagster.yaml"), yaml).expect("dagster.yaml");
    home
}

/// The settings of a home with this `dagster.yaml`.
pub(crate) fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<InstanceSettings, String> {
    load_from(home(yaml).path(), variables)
}

/// The settings of the home.
pub(crate) fn load_from(
    home: &Path,
    variables: &[(&str, &str)],
) -> Result<InstanceSettings, String> {
    load_settings(home, &Variables(variables)).map_err(|error| shown(&error))
}

/// The instance in a home.
pub(crate) async fn open(home: &Home) -> Result<DagsterInstance, InstanceError> {
    let settings = load_settings(home.path(), &Variables(&[]))?;
    DagsterInstance::builder().settings(settings).open().await
}

/// The error with all that it stems from.
pub(crate) fn shown(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", shown(source)),
        None => error.to_string(),
    }
}

/// The file is refused by an error that has each of these texts, and no secret.
#[track_caller]
pub(crate) fn refused(yaml: &str, variables: &[(&str, &str)], named: &[&str]) {
    match load(yaml, variables) {
        Ok(_) => panic!("it is accepted:\n{yaml}"),
        Err(error) => {
            for text in named {
                assert!(error.contains(text), "{error:?} lacks {text:?}; of:\n{yaml}");
            }
            assert!(!error.contains(PASSWORD), "{error}");
        }
    }
}

/// The file is accepted; returns its settings.
#[track_caller]
pub(crate) fn accepted(yaml: &str, variables: &[(&str, &str)]) -> InstanceSettings {
    match load(yaml, variables) {
        Ok(settings) => settings,
        Err(error) => panic!("{error}\nof:\n{yaml}"),
    }
}

/// The host, the port and the database of the store of runs.
#[track_caller]
pub(crate) fn postgres(storage: &StorageSettings) -> &dagster_instance::settings::PostgresSettings {
    match &storage.run_storage {
        StoreSettings::Postgres(settings) => settings,
        other => panic!("the runs are in {other}"),
    }
}
