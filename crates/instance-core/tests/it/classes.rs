//! One object of every class, as Dagster wrote it: read as its type and written again byte for byte.
//!
//! The files are picked from what the pinned Dagster stored (`tests/python/pick_fixtures.py`), and for
//! classes that it stores rarely, from what its serialiser printed.

use std::path::Path;

use instance_core::classes::{CLASSES, class_named};

#[test]
fn every_class_is_written_again_byte_for_byte() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures_by_class");
    for class in CLASSES {
        let path = directory.join(format!("{}.json", class.storage_name));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {}", path.display()));
        let body = text.trim_end();
        let rewritten =
            class.rewrite(body).unwrap_or_else(|error| panic!("{}: {error}", class.storage_name));
        assert_eq!(rewritten.text, body, "{}", class.storage_name);
        for carried in rewritten.carried {
            let modelled = carried
                .split("\"__class__\": \"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .find(|name| class_named(name).is_some());
            assert_eq!(modelled, None, "{} carries what it could read", class.storage_name);
        }
    }
    assert!(CLASSES.len() > 150, "only {} classes", CLASSES.len());
}

#[test]
fn classes_are_listed_once() {
    let mut names: Vec<_> = CLASSES
        .iter()
        .flat_map(|class| {
            [class.storage_name].into_iter().chain(class.old_storage_names.iter().copied())
        })
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
