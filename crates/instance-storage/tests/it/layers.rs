//! The modules of this crate are layers: none uses one that lies above it.

use std::path::Path;

use crate::support::{TestResult, files_below};

/// From the lowest to the highest, as the documentation of the crate lists them.
const LAYERS: [&str; 7] = ["context", "sql", "db", "watch", "run_logs", "stores", "layouts"];

/// The layers that a source file names as modules of the crate.
fn used(source: &str) -> Vec<&str> {
    let names = source.split("crate::").skip(1);
    let names = names.map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next());
    names.flatten().filter(|name| LAYERS.contains(name)).collect()
}

fn height(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|name| *name == layer)
}

/// The uses of higher layers by a file of a layer.
fn upward<'s>(layer: &str, source: &'s str) -> Vec<&'s str> {
    used(source).into_iter().filter(|name| height(name) > height(layer)).collect()
}

#[test]
fn no_module_uses_one_above_it() -> TestResult {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut read = 0;
    for file in files_below(&sources) {
        let layer = file.split(['/', '.']).next().unwrap_or_default();
        let is_source = Path::new(&file).extension().is_some_and(|ending| ending == "rs");
        if is_source && height(layer).is_some() {
            let source = std::fs::read_to_string(sources.join(&file))?;
            let upward = upward(layer, &source);
            assert!(
                upward.is_empty(),
                "{file} uses {upward:?}, which are above {layer}; move what it needs down"
            );
            read += 1;
        }
    }
    assert!(read > 2 * LAYERS.len(), "{read} files");
    Ok(())
}

#[test]
fn a_use_of_a_higher_layer_is_found() {
    let source = "use crate::sql::a;\nuse crate::stores::b;\nfn f() { crate::layouts::open() }";
    assert_eq!(upward("db", source), ["stores", "layouts"]);
    assert_eq!(upward("stores", source), ["layouts"]);
    assert!(upward("layouts", source).is_empty());
}

/// The list in the documentation is the list that is tested.
#[test]
fn the_documentation_lists_the_layers_in_their_order() {
    let documentation = include_str!("../../src/lib.rs");
    let rows = documentation.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let listed: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(listed, LAYERS);
}

/// The functions of the domain work on stores of any kind.
#[test]
fn the_functions_of_the_domain_use_no_layer() -> TestResult {
    let domain = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain");
    let files = files_below(&domain);
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let source = std::fs::read_to_string(domain.join(&file))?;
        assert_eq!(used(&source), [""; 0], "{file} uses a layer");
    }
    Ok(())
}
