//! What definitions of partitions say about keys, against what real Dagster says: the text of each subset byte
//! for byte, its keys, and what is refused.
//!
//! `partition_cases.json` is what real Dagster 1.13.27 says. To write it anew, from the root:
//! `python tests/python/partition_cases.py > crates/instance-partitions/tests/it/partition_cases.json`, with a
//! Python that has Dagster (`tests/python/requirements.txt`).

use std::error::Error;

use chrono::{DateTime, NaiveDateTime, Utc};
use instance_partitions::{
    DynamicPartitionKeys, PartitionKeyRange, PartitionsError, PartitionsSnap, PartitionsSubset,
};
use instance_serdes::{UnknownFields, deserialize_value, serialize_value};
use serde_json::Value;

type Failure = Box<dyn Error>;

/// The fixture, its abbreviations written out.
struct Cases {
    all: Vec<Value>,
    dynamic: DynamicPartitionKeys,
    abbreviations: Vec<(String, String)>,
}

impl Cases {
    fn read() -> Result<Self, Failure> {
        let document: Value = serde_json::from_str(include_str!("partition_cases.json"))?;
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
            all: document["cases"].as_array().cloned().unwrap_or_default(),
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
        Ok(Some(subset)) if expected["error"].is_string() || expected.is_null() => {
            return Some(format!("{}\n, not {expected}", serialize_value(&subset)));
        }
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
        Some(Ok(definition)) => serialize_value(&definition),
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
            unknown: UnknownFields::default(),
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

#[test]
fn definitions_say_what_dagster_says() -> Result<(), Failure> {
    let cases = Cases::read()?;
    let mut all = Vec::new();
    for case in &cases.all {
        let failures = failures(&cases, case)?;
        all.extend(
            failures.iter().map(|failure| {
                format!("{} at {}: {failure}", cases.text(&case["snap"]), case["now"])
            }),
        );
    }
    assert!(all.is_empty(), "{} failures:\n{}", all.len(), all.join("\n"));
    assert!(cases.all.len() > 200, "only {} cases were read", cases.all.len());
    Ok(())
}

/// A definition of windows of time, with keys that show hours.
fn hours(schedule: &str, zone: &str, start: i64) -> Result<PartitionsSnap, Failure> {
    Ok(deserialize_value(&format!(
        r#"{{"__class__": "ExternalTimeWindowPartitionsDefinitionData", "cron_schedule": "{schedule}", "end": null, "end_offset": 0, "fmt": "%Y-%m-%d-%H:%M", "start": {start}.0, "timezone": "{zone}"}}"#
    ))?)
}

fn range(start: &str, end: &str) -> PartitionKeyRange {
    PartitionKeyRange {
        start: start.to_owned(),
        end: end.to_owned(),
        unknown: UnknownFields::default(),
    }
}

#[test]
fn what_dagster_evaluates_by_accident_is_refused() -> Result<(), Failure> {
    let keys = |snap: &PartitionsSnap, start: &str, end: &str| {
        snap.keys_in_range(&range(start, end), &DynamicPartitionKeys::new())
    };
    // 2010-01-01.
    let start = 1_262_304_000;
    // Clocks are set by half an hour each year.
    let lord_howe = hours("0 * * * *", "Australia/Lord_Howe", start)?;
    let refused = keys(&lord_howe, "2024-01-01-00:00", "2024-01-01-01:00");
    assert!(matches!(refused, Err(PartitionsError::PartialHourShift { .. })), "{refused:?}");
    let daily = keys(
        &hours("0 0 * * *", "Australia/Lord_Howe", start)?,
        "2024-04-06-00:00",
        "2024-04-08-00:00",
    );
    assert_eq!(daily?, ["2024-04-06-00:00", "2024-04-07-00:00", "2024-04-08-00:00"]);
    // The 30th of December 2011 was left out.
    let apia = hours("0 0 * * *", "Pacific/Apia", start)?;
    let refused = keys(&apia, "2011-12-28-00:00", "2011-12-31-00:00");
    assert!(matches!(refused, Err(PartitionsError::NoWindow { .. })), "{refused:?}");
    assert_eq!(keys(&apia, "2012-01-01-00:00", "2012-01-02-00:00")?.len(), 2);
    // What clocks show so late is not built in.
    let refused =
        keys(&hours("0 0 * * *", "Europe/Berlin", start)?, "2150-01-01-00:00", "2150-01-02-00:00");
    assert!(matches!(refused, Err(PartitionsError::NoWindow { .. })), "{refused:?}");
    let utc = keys(&hours("0 0 * * *", "UTC", start)?, "2150-01-01-00:00", "2150-01-02-00:00");
    assert_eq!(utc?.len(), 2);
    Ok(())
}

#[test]
fn a_range_over_the_hour_that_comes_twice_has_both() -> Result<(), Failure> {
    // 2023-11-04.
    let hours = hours("0 * * * *", "America/Los_Angeles", 1_699_081_200)?;
    let check = |start: &str, end: &str, expect: &[&str]| -> Result<(), Failure> {
        let keys = hours.keys_in_range(&range(start, end), &DynamicPartitionKeys::new())?;
        assert_eq!(keys, expect, "{start} to {end}");
        Ok(())
    };
    let (first, second) = ("2023-11-05-01:00", "2023-11-05-01:00-0800");
    check(first, first, &[first])?;
    check(second, second, &[second])?;
    // Dagster has the second one alone.
    check(first, second, &[first, second])?;
    check(
        "2023-11-05-00:00",
        "2023-11-05-02:00",
        &["2023-11-05-00:00", first, second, "2023-11-05-02:00"],
    )
}

#[test]
fn what_is_not_known_is_an_error() -> Result<(), Failure> {
    let now = DateTime::UNIX_EPOCH;
    let newer: PartitionsSnap =
        deserialize_value(r#"{"__class__": "SpiralPartitionsSnap", "turns": 3}"#)?;
    let unknown = PartitionsError::UnknownDefinition { class: "SpiralPartitionsSnap".to_owned() };
    assert_eq!(newer.subset_of_key("a", now), Err(unknown.clone()));
    assert_eq!(newer.stored_subset_of_key_range(&range("a", "b")), Err(unknown));
    assert!(newer.dynamic_sets().is_empty());

    let dynamic: PartitionsSnap = deserialize_value(
        r#"{"__class__": "ExternalMultiPartitionsDefinitionData", "external_partition_dimension_definitions": [{"__class__": "ExternalPartitionDimensionDefinition", "external_partitions_def_data": {"__class__": "ExternalDynamicPartitionsDefinitionData", "name": "colours"}, "name": "one"}, {"__class__": "ExternalPartitionDimensionDefinition", "external_partitions_def_data": {"__class__": "ExternalDynamicPartitionsDefinitionData", "name": "animals"}, "name": "two"}]}"#,
    )?;
    assert_eq!(dynamic.dynamic_sets(), ["animals", "colours"]);
    let colours = vec!["red".to_owned()];
    let mut sets = DynamicPartitionKeys::from([("colours".to_owned(), colours.clone())]);
    let missing = PartitionsError::MissingDynamicKeys { name: "animals".to_owned() };
    assert_eq!(dynamic.keys_in_range(&range("red|red", "red|red"), &sets), Err(missing));
    sets.insert("animals".to_owned(), colours);
    assert_eq!(dynamic.keys_in_range(&range("red|red", "red|red"), &sets)?, ["red|red"]);

    let one: PartitionsSnap = deserialize_value(
        r#"{"__class__": "ExternalDynamicPartitionsDefinitionData", "name": "colours"}"#,
    )?;
    let subset = one.stored_subset_of_key_range(&range("red", "red"))?.ok_or("no subset")?;
    assert_eq!(subset.dynamic_sets(), ["colours"]);
    assert_eq!((subset.partition_keys(), subset.num_partitions()), (None, None));
    Ok(())
}

#[test]
fn partitions_are_counted_where_no_number_is_stored() -> Result<(), Failure> {
    let snap = hours("*/15 * * * *", "UTC", 1_704_067_200)?;
    let subset = snap.stored_subset_of_key_range(&range("2024-01-02-00:00", "2024-01-02-00:45"))?;
    let Some(PartitionsSubset::TimeWindow(mut subset)) = subset else {
        return Err("no subset of windows of time".into());
    };
    // A number below zero is what an old version reckoned wrongly.
    for stored in [None, Some(-4), Some(4)] {
        subset.num_partitions = stored;
        assert_eq!(subset.count()?, 4);
        assert_eq!(PartitionsSubset::from(subset.clone()).num_partitions(), Some(4));
    }
    Ok(())
}
