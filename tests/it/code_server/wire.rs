//! Our description of the service beside the one of the installed Dagster: calls, messages, fields, numbers, types.

use std::collections::BTreeMap;

use dagster_instance_tests::{dagster, root};
use instance_core::error::BoxError;
use serde_json::{Value, json};

/// What a `.proto` file says, in the form of `tests/python/wire.py`.
fn described(text: &str) -> Value {
    let (mut calls, mut messages) = (BTreeMap::new(), BTreeMap::new());
    let mut message = None;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        let words: Vec<&str> = line
            .split([' ', '(', ')', '{', '}', ';', '='])
            .filter(|word| !word.is_empty())
            .collect();
        match (words.as_slice(), &message) {
            (["rpc", name, asked, "returns", answered @ ..], _) => {
                calls.insert((*name).to_owned(), json!([asked, answered.join(" ")]));
            }
            (["message", name], _) => {
                messages.entry((*name).to_owned()).or_insert_with(BTreeMap::new);
                message = (!line.ends_with('}')).then(|| (*name).to_owned());
            }
            ([], Some(_)) if line == "}" => message = None,
            ([kind @ .., name, number], Some(of)) => {
                let fields: &mut BTreeMap<String, Value> = messages.entry(of.clone()).or_default();
                fields.insert(
                    (*name).to_owned(),
                    json!([number.parse::<u32>().ok(), kind.join(" ")]),
                );
            }
            _ => {}
        }
    }
    json!({"calls": calls, "messages": messages})
}

#[test]
fn the_service_is_that_of_dagster() -> Result<(), BoxError> {
    let ours = root().join("crates/instance-launcher/proto/dagster_api.proto");
    let ours = described(&std::fs::read_to_string(ours)?);
    let theirs = dagster("wire.py", &[]);
    assert_eq!(theirs["calls"].as_object().map(serde_json::Map::len), Some(28));
    assert_eq!(ours, theirs);
    Ok(())
}
