//! The configuration of a run in files of YAML, as `dagster job launch -c` reads them.

use std::path::PathBuf;

use instance_core::error::InstanceError;
use instance_core::serdes::Opaque;
use serde_json::{Map, Value};

use crate::document::{Integer, Kind, Node};

/// Reads the configuration of a run from files of YAML, merged in their order: mappings are merged at every depth, and
/// everything else is replaced. No file is an empty configuration.
///
/// # Errors
///
/// [`InstanceError::Config`] if a file cannot be read, is no mapping, or has a value that JSON cannot hold.
pub fn read_run_config(files: &[PathBuf]) -> Result<Opaque, InstanceError> {
    let mut merged = Map::new();
    for file in files {
        let shown = file.display().to_string();
        let wrong =
            |place: String, reason: String| InstanceError::Config { place, reason, source: None };
        let bytes = std::fs::read(file).map_err(|error| InstanceError::Config {
            place: shown.clone(),
            reason: "it cannot be read".to_owned(),
            source: Some(Box::new(error)),
        })?;
        let document = Node::read(&bytes).map_err(|error| {
            let place = error
                .position
                .map_or_else(|| shown.clone(), |at| format!("{shown}:{}:{}", at.line, at.column));
            wrong(place, error.reason)
        })?;
        if document.is_falsy() {
            continue;
        }
        if document.entries().is_none() {
            let reason = format!("it has to be a mapping, not {}", document.kind_name());
            return Err(wrong(shown, reason));
        }
        if let Some((node, reason)) = not_in_json(&document) {
            let place = format!("{shown}:{}:{}", node.position.line, node.position.column);
            return Err(wrong(place, reason));
        }
        merge(&mut merged, document.to_map());
    }
    Ok(Opaque::from(&Value::Object(merged)))
}

/// The first value that JSON cannot hold, and why.
fn not_in_json(node: &Node) -> Option<(&Node, String)> {
    match &node.kind {
        Kind::Integer(Integer::Great | Integer::Least) => {
            Some((node, "the number has no place in 64 bits; write it as a text".to_owned()))
        }
        Kind::Float(number) if !number.is_finite() => Some((
            node,
            "the configuration of a run has no infinite numbers; write a text".to_owned(),
        )),
        Kind::Other(name) => Some((
            node,
            format!("the configuration of a run has no value of the kind {name}; write a text"),
        )),
        Kind::List(items) => items.iter().find_map(not_in_json),
        Kind::Mapping(entries) => entries.iter().find_map(|entry| not_in_json(&entry.value)),
        _ => None,
    }
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_run_config;

    fn read(texts: &[&str]) -> Result<String, String> {
        let directory = tempfile::tempdir().unwrap();
        let write = |(index, text): (usize, &&str)| {
            let file = directory.path().join(format!("{index}.yaml"));
            std::fs::write(&file, text).unwrap();
            file
        };
        let files: Vec<_> = texts.iter().enumerate().map(write).collect();
        let read = read_run_config(&files).map(|config| config.as_str().to_owned());
        read.map_err(|error| error.to_string().replace(&directory.path().display().to_string(), ""))
    }

    #[test]
    fn files_are_merged_as_dagster_merges_them() {
        assert_eq!(read(&[]).unwrap(), "{}");
        assert_eq!(read(&["", "# nothing\n"]).unwrap(), "{}");
        assert_eq!(
            read(&["b: {x: 1, l: [1, 2]}\na: 1.5\n", "b: {l: [3], y: off}\na: {z: null}\n"])
                .unwrap(),
            r#"{"a": {"z": null}, "b": {"l": [3], "x": 1, "y": false}}"#
        );
    }

    #[test]
    fn what_is_no_configuration_is_named_with_its_place() {
        for (text, part) in [
            ("- 1\n", "0.yaml: it has to be a mapping"),
            ("a: [\n", "0.yaml:"),
            ("a:\n  b: 99999999999999999999\n", "0.yaml:2:6: the number has no place"),
            ("a: .inf\n", "no infinite numbers"),
        ] {
            let error = read(&[text]).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(read_run_config(&["/is/not/there".into()]).is_err());
    }
}
