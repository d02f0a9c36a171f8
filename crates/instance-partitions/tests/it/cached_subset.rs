//! Subsets as Dagster caches them, against what real Dagster says: ids of definitions, texts byte for byte, and which
//! keys are partitions.
//!
//! `cached_subset_cases.json` is what real Dagster 1.13.27 says. To write it anew, from the root:
//! `python tests/python/cached_subset_cases.py > crates/instance-partitions/tests/it/cached_subset_cases.json`, with a
//! Python that has Dagster (`tests/python/requirements.txt`).

use std::collections::BTreeSet;
use std::error::Error;

use chrono::{DateTime, Utc};
use instance_partitions::{CachedSubset, DynamicPartitionKeys, PartitionsError, PartitionsSnap};
use instance_serdes::deserialize_value;
use serde_json::Value;

type TestResult = Result<(), Box<dyn Error>>;

fn texts(value: &Value) -> Vec<String> {
    let texts = value.as_array().into_iter().flatten();
    texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn set(value: &Value) -> BTreeSet<String> {
    texts(value).into_iter().collect()
}

/// Those of the keys that are in a subset, in the order of the keys.
fn contained(subset: &CachedSubset, keys: &[String]) -> Result<Vec<String>, PartitionsError> {
    let among = subset.among(keys)?;
    Ok(keys.iter().filter(|key| among.contains(key.as_str())).cloned().collect())
}

#[test]
fn subsets_are_those_of_dagster() -> TestResult {
    let document: Value = serde_json::from_str(include_str!("cached_subset_cases.json"))?;
    let now: DateTime<Utc> = document["now"].as_str().unwrap_or_default().parse()?;
    let dynamic: DynamicPartitionKeys = document["dynamic"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, keys)| (name.clone(), texts(keys)))
        .collect();
    let cases = document["cases"].as_array().ok_or("there are no cases")?;
    assert!(cases.len() > 15);
    for case in cases {
        let text = case["definition"].as_str().unwrap_or_default();
        let partitions: PartitionsSnap = deserialize_value(text)?;
        assert_eq!(Some(&*partitions.unique_id(&dynamic)?), case["id"].as_str(), "{text}");
        let keys = texts(&case["keys"]);
        let asked = keys.iter().cloned().collect();
        let valid = partitions.existing_keys(&asked, &dynamic, now)?;
        assert_eq!(valid, set(&case["valid"]), "{text}");

        let mut subset = CachedSubset::empty(&partitions)?;
        for step in case["steps"].as_array().into_iter().flatten() {
            subset = subset.with_keys(&set(&step["added"]), now)?;
            let written = subset.to_text()?;
            assert_eq!(Some(&*written), step["text"].as_str(), "{text} with {}", step["added"]);
            assert_eq!(contained(&subset, &keys)?, texts(&step["contained"]), "{text}: {step}");
            let again = CachedSubset::from_text(&partitions, &written)?.to_text()?;
            assert_eq!(Some(&*again), step["read_again"].as_str(), "{text}");
        }
        for step in case["differences"].as_array().into_iter().flatten() {
            let removed =
                CachedSubset::empty(&partitions)?.with_keys(&set(&step["removed"]), now)?;
            let left = subset.clone().without(&removed)?;
            assert_eq!(Some(&*left.to_text()?), step["text"].as_str(), "{text} without {step}");
            assert_eq!(contained(&left, &keys)?, texts(&step["contained"]), "{text}: {step}");
        }
    }
    Ok(())
}

const STATIC: &str =
    r#"{"__class__": "ExternalStaticPartitionsDefinitionData", "partition_keys": ["a", "b"]}"#;
const DAILY: &str = r#"{"__class__": "ExternalTimeWindowPartitionsDefinitionData", "cron_schedule": "0 0 * * *", "end": null, "end_offset": 0, "exclusions": null, "fmt": "%Y-%m-%d", "start": 1704067200.0, "timezone": "UTC"}"#;
const OPAQUE: &str = r#"{"__class__": "PartitionsOfTomorrow", "x": 1}"#;

#[test]
fn texts_of_old_forms_are_read() -> TestResult {
    let partitions: PartitionsSnap = deserialize_value(STATIC)?;
    let keys = CachedSubset::from_text(&partitions, r#"["b", "a"]"#)?;
    assert_eq!(keys.to_text()?, r#"{"version": 1, "subset": ["a", "b"]}"#);
    let partitions: PartitionsSnap = deserialize_value(DAILY)?;
    let windows =
        r#"{"version": 1, "time_windows": [[1704067200.0, 1704240000.0]], "num_partitions": 2}"#;
    for old in [
        "[[1704067200, 1704240000]]",
        r#"{"time_windows": [[1704067200.0, 1704240000.0]], "num_partitions": 2}"#,
    ] {
        assert_eq!(CachedSubset::from_text(&partitions, old)?.to_text()?, windows, "{old}");
    }
    Ok(())
}

#[test]
fn what_is_no_subset_of_the_definition_is_refused() -> TestResult {
    let of_keys: PartitionsSnap = deserialize_value(STATIC)?;
    let of_windows: PartitionsSnap = deserialize_value(DAILY)?;
    for (partitions, text) in [
        (&of_keys, ""),
        (&of_keys, "nonsense"),
        (&of_keys, "7"),
        (&of_keys, r#"{"version": 2, "subset": []}"#),
        (&of_keys, r#"{"subset": []}"#),
        (&of_keys, r#"{"version": 1, "subset": [7]}"#),
        (&of_keys, r#"{"version": 1, "time_windows": [], "num_partitions": 0}"#),
        (&of_windows, r#"{"version": 1, "subset": ["a"]}"#),
        (&of_windows, r#"{"version": 2, "time_windows": []}"#),
        (&of_windows, r#"{"version": 1, "time_windows": [[1]]}"#),
        (&of_windows, r#"{"version": 1, "time_windows": [[1e300, 1e301]]}"#),
        (&of_windows, r#"["2024-01-01"]"#),
    ] {
        let refused = CachedSubset::from_text(partitions, text);
        assert!(matches!(refused, Err(PartitionsError::UnreadableSubset { .. })), "{text}");
    }
    let unknown: PartitionsSnap = deserialize_value(OPAQUE)?;
    let error = CachedSubset::empty(&unknown).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("PartitionsOfTomorrow")));
    assert!(unknown.unique_id(&DynamicPartitionKeys::new()).is_err());
    Ok(())
}

#[test]
fn keys_of_a_dynamic_set_have_to_be_given() -> TestResult {
    let text = r#"{"__class__": "ExternalDynamicPartitionsDefinitionData", "name": "s"}"#;
    let partitions: PartitionsSnap = deserialize_value(text)?;
    let none = DynamicPartitionKeys::new();
    let missing = |error| matches!(error, PartitionsError::MissingDynamicKeys { .. });
    assert!(partitions.unique_id(&none).is_err_and(missing));
    let asked = BTreeSet::from(["a".to_owned()]);
    assert!(partitions.existing_keys(&asked, &none, DateTime::UNIX_EPOCH).is_err_and(missing));
    Ok(())
}
