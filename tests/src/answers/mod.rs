//! What our methods answer, in the form in which `tests/python/asking.py` has the real Dagster's.
//!
//! A question is the name of a method of Dagster's class and its arguments, as the bridge of the storages has them. Each
//! domain has a file here, with an arm for each of its methods.

mod assets;
mod events;
mod runs;
mod scheduling;
mod storage;

use std::error::Error;
use std::path::Path;

use dagster_instance::DagsterInstance;
use instance_core::serdes::{json_to_text, serialize_value, text_to_json};
use serde_json::Value;

use crate::conformance::envelope::{Request, Wire};

/// What an answer may fail with: our error, or that a question is none.
type Failed = Box<dyn Error + Send + Sync>;

/// An answer; `None` if the method is none of the domain.
type Answer = Result<Option<Wire>, Failed>;

/// The answer to a question as one text, in which the entries of objects are in order.
///
/// # Errors
///
/// The method is none that is answered here, an argument cannot be read, or the method fails.
pub async fn answer(
    instance: &DagsterInstance,
    method: &str,
    arguments: &str,
) -> Result<String, Failed> {
    // serde_json would round numbers.
    let Value::Object(arguments) = text_to_json(arguments)? else {
        return Err("the arguments are no object".into());
    };
    let request = Request::of(method, arguments);
    // Boxed, as each of them is large.
    let mut found = Box::pin(runs::answer(instance, method, &request)).await?;
    if found.is_none() {
        found = Box::pin(events::answer(instance, method, &request)).await?;
    }
    if found.is_none() {
        found = Box::pin(storage::answer(instance, method, &request)).await?;
    }
    if found.is_none() {
        found = Box::pin(assets::answer(instance, method, &request)).await?;
    }
    if found.is_none() {
        found = Box::pin(scheduling::answer(instance, method, &request)).await?;
    }
    let found = found.ok_or_else(|| format!("there is no answer of ours for {method}"))?;
    Ok(json_to_text(&text_to_json(&serialize_value(&found))?))
}

/// The items in the order of their texts, for what has no order of its own.
fn sorted(items: impl IntoIterator<Item = Wire>) -> Wire {
    let mut items: Vec<Wire> = items.into_iter().collect();
    items.sort_by_cached_key(|item| {
        let text = serialize_value(item);
        // Python sorts by texts in which the entries of objects are in order, too.
        text_to_json(&text).map_or(text, |json| json_to_text(&json))
    });
    Wire::List(items)
}

fn path_text(path: &Path) -> Result<Wire, Failed> {
    Ok(path.to_str().ok_or("the path is no text")?.into())
}
