//! The tags of a run that configure its Job.

use instance_core::error::BoxError;
use instance_core::run::DagsterRun;
use serde_json::{Map, Value};

use super::layers::{Layer, MERGE_BEHAVIOR, Merge, Part};

/// Raw configuration, as JSON.
const CONFIG: &str = "dagster-k8s/config";

/// What the container may use, as JSON: the tag of before there was the other one.
const RESOURCES: &str = "dagster-k8s/resource_requirements";

/// The layer that the tags of a run make.
///
/// # Errors
///
/// A tag is no JSON, or has a key or a value that it cannot have.
pub(super) fn layer(run: &DagsterRun) -> Result<Layer, BoxError> {
    let mut raw = tag(run, CONFIG)?.unwrap_or_default();
    let merge = parts(&raw).map_err(|reason| wrong(CONFIG, reason))?;
    if let Some(resources) = tag(run, RESOURCES)? {
        for (key, value) in &resources {
            if !["limits", "requests"].contains(&&**key) {
                return Err(wrong(RESOURCES, format!("the key {key:?} is not known")));
            }
            if !value.is_object() {
                return Err(wrong(RESOURCES, format!("{key} has to be a mapping")));
            }
        }
        let container = raw.entry(Part::Container.name()).or_insert_with(|| Map::new().into());
        if let Value::Object(container) = container {
            container.insert("resources".to_owned(), resources.into());
        }
    }
    Layer::of_raw(merge, &raw)
}

fn tag(run: &DagsterRun, key: &'static str) -> Result<Option<Map<String, Value>>, BoxError> {
    let Some(text) = run.tags.get(key) else { return Ok(None) };
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(Some(map)),
        Ok(_) => Err(wrong(key, "it has to be a mapping")),
        Err(source) => Err(Box::new(NoJson { key, source })),
    }
}

/// Checks that a mapping has parts of Jobs alone, and returns how it is merged.
pub(super) fn parts(raw: &Map<String, Value>) -> Result<Merge, String> {
    let mut merge = Merge::default();
    for (key, value) in raw {
        if key == MERGE_BEHAVIOR {
            let named = value.as_str().and_then(Merge::named);
            merge = named.ok_or(format!("{MERGE_BEHAVIOR} has to be DEEP or SHALLOW"))?;
        } else if Part::ALL.iter().all(|part| part.name() != key) {
            return Err(format!("the key {key:?} is not known"));
        } else if !value.is_object() {
            return Err(format!("{key} has to be a mapping"));
        }
    }
    Ok(merge)
}

fn wrong(key: &str, reason: impl std::fmt::Display) -> BoxError {
    format!("Error in tags for {key}: {reason}").into()
}

#[derive(Debug, thiserror::Error)]
#[error("Error in tags for {key}: it is no JSON")]
struct NoJson {
    key: &'static str,
    source: serde_json::Error,
}
