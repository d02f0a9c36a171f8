//! Reads bodies that Dagster stored, a JSON line each, writes them again, and counts what differs.
//!
//! The lines come from `tests/python/extract_bodies.py`. Prints a count for each class, and last
//! `N bodies, M differ`; ends with code one if a body differs, cannot be read though Dagster reads it,
//! is carried without being interpreted though its class is modelled, or has another id than its row
//! says. With `--old` the bodies are of older releases, which Dagster would not write again as they are:
//! then what counts is whether they are read.
#![expect(clippy::print_stdout, reason = "the counts are what it is for")]

use std::collections::BTreeMap;
use std::io::BufRead;
use std::process::ExitCode;

use dagster_instance::SnapshotId;
use dagster_instance::classes::{CLASSES, Class, class_named};
use dagster_instance::serdes::canonical_text;
use dagster_instance_tests::difference;
use serde_json::Value;

/// How many failures of one kind are shown.
const SHOWN: usize = 8;

/// Classes that this release of Dagster reads and passes around, and does not store.
///
/// Each has a fixture that its serialiser printed.
const NEVER_STORED: &[&str] = &[
    "AssetJobKey",
    "AutomationConditionSnapshot",
    "ConfigurableClassData",
    "FreshnessStateRecordBody",
    "InstanceRef",
    "InstigatorTick",
];

#[derive(Default)]
struct Counts {
    is_old: bool,
    bodies: usize,
    differ: usize,
    unreadable_for_both: usize,
    classes: BTreeMap<String, usize>,
    failures: BTreeMap<String, Vec<String>>,
}

fn main() -> std::io::Result<ExitCode> {
    let is_old = std::env::args().any(|argument| argument == "--old");
    let mut counts = Counts { is_old, ..Counts::default() };
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match serde_json::from_str(&line) {
            Ok(line) => counts.take(&line),
            Err(error) => counts.fail("lines that are no JSON", error.to_string()),
        }
    }
    for (class, count) in &counts.classes {
        let modelled = if class_named(class).is_some() { "typed" } else { "carried" };
        println!("{count:8} {modelled:8} {class}");
    }
    for (kind, examples) in &counts.failures {
        println!("{kind}: {}", examples.len());
        for example in examples.iter().take(SHOWN) {
            println!("    {example}");
        }
    }
    if counts.unreadable_for_both > 0 {
        println!("{} bodies that Dagster cannot read either", counts.unreadable_for_both);
    }
    if is_old {
        let unread = counts.failures.values().map(Vec::len).sum::<usize>();
        println!("{} bodies of older releases, {unread} cannot be read", counts.bodies);
        return Ok(if unread * 10 < counts.bodies { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let seen = |class: &&Class| counts.classes.contains_key(class.storage_name);
    let missing = CLASSES.iter().filter(|class| !seen(class)).map(|class| class.storage_name);
    let missing: Vec<_> = missing.filter(|name| !NEVER_STORED.contains(name)).collect();
    if !missing.is_empty() {
        counts.failures.insert("modelled and not in the corpus".to_owned(), Vec::new());
        println!("modelled and not in the corpus: {}", missing.join(", "));
    }
    println!("{} bodies, {} differ", counts.bodies, counts.differ);
    let failed = counts.bodies == 0 || !counts.failures.is_empty();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Counts {
    fn take(&mut self, line: &Value) {
        let text = |key: &str| line[key].as_str().unwrap_or_default();
        let place =
            format!("{} {}.{} of row {}", text("file"), text("table"), text("column"), line["row"]);
        let body = text("body");
        self.bodies += 1;
        for class in classes_in(body) {
            *self.classes.entry(class).or_default() += 1;
        }
        // Without `--again` the body itself is what is expected.
        let expected = line.get("again").map_or(Some(body), Value::as_str);
        let Some(root) = root_class(body) else {
            // Plain JSON, which Dagster does not sort and we carry as the text that it is.
            if let Err(error) = canonical_text(body) {
                self.fail("cannot be read", format!("{place}: {error}"));
            }
            return;
        };
        let Some(class) = class_named(&root) else { return };
        match class.rewrite(body) {
            Ok(rewritten) => {
                // What stands inside a class that nobody interprets is carried with it.
                let outermost =
                    rewritten.carried.iter().filter_map(|text| classes_in(text).into_iter().next());
                for carried in outermost {
                    if class_named(&carried).is_some() && !self.is_old {
                        self.fail(
                            "carried though modelled",
                            format!("{carried} in {root} in {place}"),
                        );
                    }
                }
                let id = SnapshotId::of_text(&rewritten.text);
                let is_snapshot = text("column") == "snapshot_body" && !self.is_old;
                if is_snapshot && line["row"].as_str() != Some(id.as_str()) {
                    self.fail("other id", format!("{place}: {id}"));
                }
                self.compare(&place, expected, Ok(rewritten.text));
            }
            Err(error) => self.compare(&place, expected, Err(error.to_string())),
        }
    }

    fn compare(&mut self, place: &str, expected: Option<&str>, written: Result<String, String>) {
        match (expected, written) {
            (_, Ok(_)) if self.is_old => {}
            (None, Err(_)) => self.unreadable_for_both += 1,
            // What Dagster refuses to read, and we carry unchanged, is no loss.
            (None, Ok(_)) => {}
            (Some(expected), Ok(written)) if expected == written => {}
            (Some(expected), Ok(written)) => {
                self.differ += 1;
                self.fail("differ", format!("{place}: {}", difference(expected, &written)));
            }
            (Some(_), Err(error)) => {
                self.differ += 1;
                self.fail("cannot be read", format!("{place}: {error}"));
            }
        }
    }

    fn fail(&mut self, kind: &str, example: String) {
        self.failures.entry(kind.to_owned()).or_default().push(example);
    }
}

/// The class of the whole body.
fn root_class(body: &str) -> Option<String> {
    let class = dagster_instance::serdes::Reader::new(body).class().ok().flatten()?;
    Some(class.into_owned())
}

/// The classes of all objects in a text, found by the text alone.
fn classes_in(text: &str) -> Vec<String> {
    let named = text.split("\"__class__\": \"").skip(1).filter_map(|rest| rest.split('"').next());
    named.map(str::to_owned).collect()
}
