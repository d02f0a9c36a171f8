//! Which code locations are paused, as it is stored for `queue explain`, and for whoever takes the queue over.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::error::StorageError;
use instance_core::storage::{DaemonStore, Fence};
use serde_json::Value;

use super::snapshot::LocationPause;

/// Under which key they are stored among the cursors of daemons.
pub(super) const KEY: &str = "dagster_instance/queue/paused";

/// The pauses that are stored. A text that is none is no pause: it does not keep the queue from being read.
pub(super) async fn read(
    store: &dyn DaemonStore,
) -> Result<BTreeMap<String, LocationPause>, StorageError> {
    let keys = BTreeSet::from([KEY.to_owned()]);
    let values = store.get_cursor_values(&keys).await?;
    Ok(values.get(KEY).map(|text| parse(text)).unwrap_or_default())
}

/// Stores these pauses in the place of those before.
pub(super) async fn write(
    store: &dyn DaemonStore,
    fence: Option<&Fence>,
    paused: &BTreeMap<String, LocationPause>,
) -> Result<(), StorageError> {
    let pairs = BTreeMap::from([(KEY.to_owned(), text_of(paused))]);
    match fence {
        // Whoever is not the leader any more has nothing to say.
        Some(fence) => store.set_cursor_values_if(fence, &pairs).await.map(drop),
        None => store.set_cursor_values(&pairs).await,
    }
}

fn parse(text: &str) -> BTreeMap<String, LocationPause> {
    let Ok(Value::Object(stored)) = serde_json::from_str(text) else {
        tracing::warn!(key = KEY, "what is stored is no list of paused code locations");
        return BTreeMap::new();
    };
    let pause = |stored: &Value| {
        let reason = stored["reason"].as_str()?.to_owned();
        Some(LocationPause { until: stored["until"].as_f64()?, reason })
    };
    let pauses =
        stored.iter().filter_map(|(location, stored)| Some((location.clone(), pause(stored)?)));
    pauses.collect()
}

fn text_of(paused: &BTreeMap<String, LocationPause>) -> String {
    let stored: serde_json::Map<_, _> = paused
        .iter()
        .map(|(location, LocationPause { until, reason })| {
            (location.clone(), serde_json::json!({ "until": until, "reason": reason }))
        })
        .collect();
    Value::from(stored).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{parse, text_of};
    use crate::queue::LocationPause;

    #[test]
    fn pauses_are_read_as_they_were_stored() {
        let reason = "no \"answer\"\n".to_owned();
        let paused =
            BTreeMap::from([("a location".to_owned(), LocationPause { until: 1.5, reason })]);
        let text = text_of(&paused);
        assert_eq!(text, r#"{"a location":{"reason":"no \"answer\"\n","until":1.5}}"#);
        assert_eq!(parse(&text), paused);
        assert_eq!(parse(&text_of(&BTreeMap::new())), BTreeMap::new());
        for text in ["", "[]", r#"{"a": 1}"#, r#"{"a": {"until": "soon", "reason": ""}}"#] {
            assert_eq!(parse(text), BTreeMap::new(), "{text}");
        }
    }
}
