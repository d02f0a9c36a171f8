//! Our side of the comparison of configurations: a home is loaded, and all that its instance says of its settings is
//! told as JSON, under the names of Dagster's members.
//!
//! Not here: which homes there are, Dagster's side, and the comparison (`tests/python/configurations/`).

mod members;
mod parts;
mod sections;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use dagster_instance::instance_ref::InstanceRef;
use dagster_instance::serdes::deserialize_value;
use dagster_instance::settings::InstanceSettings;
use dagster_instance::{DagsterInstance, Environment, InstanceError, find_home};
use instance_config::{LoadSettings, load_settings_of, settings_from_ref};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A home that is to be loaded.
#[derive(Debug, Deserialize)]
struct Document {
    name: String,
    /// The directory in which the process works.
    directory: PathBuf,
    env: BTreeMap<String, String>,
    #[serde(default)]
    config_filename: Option<String>,
    #[serde(default)]
    overrides: Map<String, Value>,
    /// Dagster's reference of the instance, if Dagster has opened it.
    #[serde(default)]
    reference: Option<String>,
}

/// The variables of a document, and no others.
#[derive(Debug)]
struct Variables<'d>(&'d BTreeMap<String, String>);

impl Environment for Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// Loads the home of a document; returns what came of it.
///
/// The working directory of the process becomes that of the document.
///
/// # Errors
///
/// The document is none, or there is no such directory. A home that is refused is an answer.
pub fn load(document: &str) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let document: Document = serde_json::from_str(document)?;
    std::env::set_current_dir(&document.directory)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(answer(&document)))
}

async fn answer(document: &Document) -> Value {
    let environment = Variables(&document.env);
    let mut answer = match open(of_home(document, &environment)).await {
        Ok((members, debug)) => json!({"accepted": true, "members": members, "debug": debug}),
        Err(error) => json!({"accepted": false, "error": error}),
    };
    if let Some(reference) = &document.reference {
        answer["by_reference"] = match open(of_reference(reference, &environment)).await {
            Ok((members, _)) => json!({"accepted": true, "members": members}),
            Err(error) => json!({"accepted": false, "error": error}),
        };
    }
    answer["name"] = json!(document.name);
    answer
}

fn of_home(
    document: &Document,
    environment: &Variables<'_>,
) -> Result<InstanceSettings, InstanceError> {
    let home = find_home(None, environment)?;
    let mut request = LoadSettings::new(home.path).with_overrides(document.overrides.clone());
    if let Some(filename) = &document.config_filename {
        request = request.with_config_filename(filename);
    }
    load_settings_of(&request, environment)
}

fn of_reference(
    reference: &str,
    environment: &Variables<'_>,
) -> Result<InstanceSettings, InstanceError> {
    let reference: InstanceRef = deserialize_value(reference)
        .map_err(|error| InstanceError::invalid("reference", reference, error.to_string()))?;
    settings_from_ref(&reference, environment)
}

/// Opens the instance with these settings; returns its members, and the settings as people may come to see them.
async fn open(
    settings: Result<InstanceSettings, InstanceError>,
) -> Result<(Map<String, Value>, String), String> {
    let settings = settings.map_err(|error| shown(&error))?;
    let debug = format!("{settings:?}");
    let instance = DagsterInstance::builder().settings(settings).open().await;
    let instance = instance.map_err(|error| shown(&error))?;
    Ok((members::members(&instance), debug))
}

/// The error with all that it stems from, as people see it.
fn shown(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", shown(source)),
        None => error.to_string(),
    }
}
