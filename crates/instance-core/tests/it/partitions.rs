//! What definitions of partitions say about keys, against what real Dagster says: the text of each subset byte
//! for byte, its keys, and what is refused.
//!
//! `fixtures/partition_cases.json` is what real Dagster 1.13.27 says. To write it anew, from the root:
//! `python tests/python/partition_cases.py > crates/instance-core/tests/it/fixtures/partition_cases.json`, with a
//! Python that has Dagster (`tests/python/requirements.txt`).

use std::error::Error;

use chrono::{DateTime, NaiveDateTime, Utc};
use instance_core::partitions::{
    DynamicPartitionKeys, PartitionKeyRange, PartitionsError, PartitionsSnap, PartitionsSubset,
};
use instance_core::serdes::{Pack, deserialize_value, serialize_value};
use serde_json::Value;

use crate::support::{fixture, none};

type Failure = Box<dyn Error>;

/// The fixture, its abbreviations written out.
struct Cases {
    cases: Vec<Value>,
    dynamic: DynamicPartitionKeys,
    abbreviations: Vec<(String, String)>,
}

impl Cases {
    fn read() -> Result<Self, Failure> {
        let document: Value = serde_json::from_str(fixture!("partition_cases"))?;
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().map(|text| as_str(text).to_owned()).collect()
        };
        let sets = document["dynamic"].as_object().into_iter().flatten();
        let abbreviations = document["abbreviations"].as_array().into_iter().flatten();
        Ok(Self {
            dynamic: sets.map(|(name, keys)| (name.clone(), texts(keys))).collect(),
            abbreviations: abbreviations
                .map(|pair| (as_str(&pair[0]).to_owned(), as_str(&pair[1]).to_owned()))
                .collect(),
            cases: document["cases"].as_array().cloned().unwrap_or_default(),
        })
    }

    fn text(&self, value: &Value) -> String {
        let mut text = as_str(value).to_owned();
        for (short, long) in &self.abbreviations {
            text = text.replace(short, long);
        }
        text
    }
}

fn as_str(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The class of the error that Dagster raises in the place of ours.
fn python_class(error: &PartitionsError) -> &'static [&'static str] {
    match error {
        PartitionsError::NoSchedule { .. }
        | PartitionsError::NoPartitions { .. }
        | PartitionsError::RangeStartsTooEarly { .. }
        | PartitionsError::RangeEndsTooLate { .. }
        | PartitionsError::WrongDimensions { .. } => &["CheckError"],
        PartitionsError::InvalidSchedule { .. }
        | PartitionsError::InvalidKey { .. }
        | PartitionsError::NestedDimensions { .. } => &["DagsterInvalidDefinitionError"],
        PartitionsError::DimensionCount { .. } | PartitionsError::NonexistentKeys { .. } => {
            &["DagsterInvalidInvocationError"]
        }
        // Python refuses a directive that comes twice where it compiles the expression that reads it.
        PartitionsError::UnknownDirective { .. } => &["ValueError", "error"],
        PartitionsError::UnreadableKey { .. } => &["ValueError"],
        PartitionsError::UnknownTimezone { .. } => &["ZoneInfoNotFoundError"],
        _ => &[],
    }
}

/// What is wrong with what we made of a probe, if anything is.
fn compare(
    cases: &Cases,
    definition: &str,
    expected: &Value,
    stored: &Value,
    found: Result<Option<PartitionsSubset>, PartitionsError>,
) -> Option<String> {
    let subset = match found {
        Err(error) => {
            let class = as_str(&expected["error"]);
            let is_right = python_class(&error).contains(&class);
            return (!is_right).then(|| format!("{error} ({error:?}), not {expected}"));
        }
        Ok(None) => return (!expected.is_null()).then(|| format!("nothing, not {expected}")),
        Ok(Some(subset)) => subset,
    };
    let text = serialize_value(&subset);
    let of = |field| if expected[field].is_null() { &stored[field] } else { &expected[field] };
    let wanted = cases.text(of("text")).replace("<definition>", definition);
    if text != wanted {
        return Some(format!("{text}\n, not {wanted} {expected}"));
    }
    let keys = of("keys");
    match subset.keys(&cases.dynamic) {
        Err(error) => {
            let is_right = python_class(&error).contains(&as_str(&keys["error"]));
            (!is_right).then(|| format!("keys: {error}, not {keys}"))
        }
        Ok(found) => {
            let is_right = Value::from(found.clone()) == *keys;
            (!is_right).then(|| format!("keys {found:?}, not {keys}"))
        }
    }
}

fn failures(cases: &Cases, case: &Value) -> Result<Vec<String>, Failure> {
    let snap: PartitionsSnap = deserialize_value(&cases.text(&case["snap"]))?;
    let now: DateTime<Utc> = as_str(&case["now"])
        .parse::<NaiveDateTime>()
        .or_else(|_| NaiveDateTime::parse_from_str(as_str(&case["now"]), "%Y-%m-%dT%H:%M"))?
        .and_utc();
    let mut failures = Vec::new();
    let definition = match &snap {
        PartitionsSnap::TimeWindow(snap) => Some(snap.to_definition()),
        _ => None,
    };
    let definition = match definition {
        None => String::new(),
        Some(Ok(definition)) => text_of(&definition),
        Some(Err(error)) => {
            let class = as_str(&case["definition"]["error"]);
            if !python_class(&error).contains(&class) {
                failures.push(format!("definition: {error}, not {}", case["definition"]));
            }
            return Ok(failures);
        }
    };
    if case["definition"].is_string() && cases.text(&case["definition"]) != definition {
        failures.push(format!("definition {definition}, not {}", case["definition"]));
    }
    if case["definition"].is_object() {
        let found = snap.subset_of_key("any", now).map(Some);
        failures.extend(compare(cases, "", &case["definition"], &Value::Null, found));
    }
    for probe in case["probes"].as_array().into_iter().flatten() {
        let start = as_str(&probe["key"][0]);
        let range = PartitionKeyRange {
            start: start.to_owned(),
            end: probe["key"][1].as_str().unwrap_or(start).to_owned(),
            unknown: none(),
        };
        let stored = compare(
            cases,
            &definition,
            &probe["stored"],
            &Value::Null,
            snap.stored_subset_of_key_range(&range),
        );
        let resolved = if probe["key"][1].is_null() {
            snap.subset_of_key(start, now)
        } else {
            snap.subset_of_key_range(&range, &cases.dynamic, now)
        };
        let resolved =
            compare(cases, &definition, &probe["resolved"], &probe["stored"], resolved.map(Some));
        let of_probe = |failure| format!("{}: {failure}", probe["key"]);
        failures.extend(stored.map(|failure| of_probe(format!("stored {failure}"))));
        failures.extend(resolved.map(|failure| of_probe(format!("resolved {failure}"))));
    }
    Ok(failures)
}

fn text_of(value: &impl Pack) -> String {
    serialize_value(value)
}

#[test]
fn definitions_say_what_dagster_says() -> Result<(), Failure> {
    let cases = Cases::read()?;
    let mut all = Vec::new();
    for case in &cases.cases {
        let failures = failures(&cases, case)?;
        all.extend(
            failures.iter().map(|failure| {
                format!("{} at {}: {failure}", cases.text(&case["snap"]), case["now"])
            }),
        );
    }
    assert!(all.is_empty(), "{} failures:\n{}", all.len(), all.join("\n"));
    assert!(cases.cases.len() > 200, "only {} cases were read", cases.cases.len());
    Ok(())
}
