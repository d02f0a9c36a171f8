//! Layers of raw configuration for a Job, each of six parts, and how one is merged over another.
//!
//! Not here: where layers come from.

use std::collections::BTreeMap;

use instance_core::error::BoxError;
use serde_json::{Map, Value};

use super::models::snake_case;

/// A part of a Job that raw configuration speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Container,
    PodMetadata,
    Pod,
    Job,
    JobMetadata,
    JobSpec,
}

impl Part {
    /// All of them, in Dagster's order.
    pub(super) const ALL: [Self; 6] = [
        Self::Container,
        Self::PodMetadata,
        Self::Pod,
        Self::Job,
        Self::JobMetadata,
        Self::JobSpec,
    ];

    /// Its key.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Container => "container_config",
            Self::PodMetadata => "pod_template_spec_metadata",
            Self::Pod => "pod_spec_config",
            Self::Job => "job_config",
            Self::JobMetadata => "job_metadata",
            Self::JobSpec => "job_spec_config",
        }
    }

    /// The model of Kubernetes that it is of.
    pub(super) const fn model(self) -> &'static str {
        match self {
            Self::Container => "V1Container",
            Self::PodMetadata | Self::JobMetadata => "V1ObjectMeta",
            Self::Pod => "V1PodSpec",
            Self::Job => "V1Job",
            Self::JobSpec => "V1JobSpec",
        }
    }
}

/// How a layer is merged over the one below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Merge {
    /// Mappings are merged, and lists appended.
    #[default]
    Deep,
    /// A key of a part replaces what the layer below has under it.
    Shallow,
}

/// The key that says how a layer is merged.
pub(super) const MERGE_BEHAVIOR: &str = "merge_behavior";

impl Merge {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "DEEP" => Some(Self::Deep),
            "SHALLOW" => Some(Self::Shallow),
            _ => None,
        }
    }
}

/// A layer of configuration. The names of the keys of models are in `snake_case`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Layer {
    parts: BTreeMap<Part, Map<String, Value>>,
    merge: Merge,
}

impl Layer {
    /// A layer of these parts, in which keys may be in both spellings.
    ///
    /// # Errors
    ///
    /// What [`snake_case`] refuses.
    pub(super) fn new(
        merge: Merge,
        parts: impl IntoIterator<Item = (Part, Map<String, Value>)>,
    ) -> Result<Self, BoxError> {
        let part = |(part, map): (Part, Map<String, Value>)| {
            Ok::<_, BoxError>((part, snake_case(part.model(), &map)?))
        };
        Ok(Self { parts: parts.into_iter().map(part).collect::<Result<_, _>>()?, merge })
    }

    /// A layer of a mapping that has the parts under their names. Other keys are left out.
    pub(super) fn of_raw(merge: Merge, raw: &Map<String, Value>) -> Result<Self, BoxError> {
        let parts = Part::ALL.into_iter();
        Self::new(
            merge,
            parts.filter_map(|part| Some((part, raw.get(part.name())?.as_object()?.clone()))),
        )
    }

    /// A part; empty if nothing is said of it.
    pub(super) fn part(&self, part: Part) -> Map<String, Value> {
        self.parts.get(&part).cloned().unwrap_or_default()
    }

    /// The keys that are set, part by part.
    pub(super) fn keys(&self) -> impl Iterator<Item = (Part, &String)> {
        self.parts.iter().flat_map(|(part, map)| map.keys().map(|key| (*part, key)))
    }

    /// The same with another list of environment variables, where it has one.
    pub(super) fn with_variables(mut self, keep: impl FnMut(&Value) -> bool) -> Self {
        let container = self.parts.get_mut(&Part::Container);
        if let Some(Value::Array(variables)) = container.and_then(|map| map.get_mut("env")) {
            variables.retain(keep);
        }
        self
    }

    /// This layer over another one. How it is merged is said by this one, and goes on.
    ///
    /// # Errors
    ///
    /// A list or a mapping is to be merged over something else.
    pub(super) fn over(self, below: Self) -> Result<Self, BoxError> {
        let mut merged = below;
        merged.merge = self.merge;
        for (part, map) in self.parts {
            let onto = merged.parts.entry(part).or_default();
            match self.merge {
                Merge::Deep => deep(onto, map)?,
                Merge::Shallow => onto.extend(map),
            }
        }
        Ok(merged)
    }
}

/// Lists of these keys replace, as two of them together make no sense.
const NEVER_APPENDED: [&str; 2] = ["command", "args"];

fn deep(onto: &mut Map<String, Value>, from: Map<String, Value>) -> Result<(), BoxError> {
    for (key, value) in from {
        let Some(below) = onto.get_mut(&key) else {
            onto.insert(key, value);
            continue;
        };
        match (below, value) {
            (below, Value::Array(items)) if NEVER_APPENDED.contains(&&*key) => {
                *below = Value::Array(items);
            }
            (Value::Array(below), Value::Array(items)) => append(below, items),
            (Value::Object(below), Value::Object(map)) => deep(below, map)?,
            (_, Value::Array(_)) => return Err(other_kind(&key, "a list")),
            (_, Value::Object(_)) => return Err(other_kind(&key, "a mapping")),
            (below, scalar) => *below = scalar,
        }
    }
    Ok(())
}

fn other_kind(key: &str, kind: &str) -> BoxError {
    format!(
        "the configuration of Kubernetes has {kind} under the key {key:?}, and a layer below it something else; give both \
         the same kind of value, or the upper one `merge_behavior: SHALLOW`"
    )
    .into()
}

/// Appends items. Of those that are equal, the first stays: also of those that were doubles before.
fn append(onto: &mut Vec<Value>, items: Vec<Value>) {
    let mut kept: Vec<Value> = Vec::new();
    for item in std::mem::take(onto).into_iter().chain(items) {
        if !kept.iter().any(|other| is_same(other, &item)) {
            kept.push(item);
        }
    }
    *onto = kept;
}

/// Whether Python takes two values for one: numbers and booleans are compared by what they count.
fn is_same(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        value => value.as_f64(),
    };
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|v| is_same(value, v)))
        }
        _ => one == other || number(one).is_some_and(|one| Some(one) == number(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Layer, Merge, Part};

    fn layer(merge: Merge, container: &Value) -> Layer {
        let map = container.as_object().expect("a mapping").clone();
        Layer::new(merge, [(Part::Container, map)]).expect("a layer")
    }

    fn check(merge: Merge, below: &Value, above: &Value, expect: &Value) {
        let merged = layer(merge, above).over(layer(Merge::Deep, below)).expect("merged");
        assert_eq!(Value::Object(merged.part(Part::Container)), *expect);
        assert_eq!(merged.merge, merge);
    }

    #[test]
    fn mappings_are_merged_and_lists_appended_without_doubles() {
        let below = json!({"resources": {"limits": {"cpu": 1, "a": 1}}, "env": [{"name": "A"}, {"name": "A"}],
            "args": ["a"], "stdin": true});
        let above = json!({"resources": {"limits": {"cpu": 2}}, "env": [{"name": "B"}], "args": ["b"], "stdin": false});
        let deep = json!({"resources": {"limits": {"cpu": 2, "a": 1}}, "env": [{"name": "A"}, {"name": "B"}],
            "args": ["b"], "stdin": false});
        check(Merge::Deep, &below, &above, &deep);
        check(Merge::Shallow, &below, &above, &above);
    }

    #[test]
    fn a_list_or_a_mapping_over_something_else_is_refused() {
        for (below, above) in [
            (json!({"a": "b"}), json!({"a": ["b"]})),
            (json!({"a": ["b"]}), json!({"a": {"b": "c"}})),
        ] {
            let of = |annotations: &Value| {
                let map =
                    json!({"annotations": annotations}).as_object().expect("a mapping").clone();
                Layer::new(Merge::Deep, [(Part::JobMetadata, map)]).expect("a layer")
            };
            let error = of(&above).over(of(&below)).expect_err("two kinds").to_string();
            assert!(error.contains("key \"a\""), "{error}");
        }
    }
}
