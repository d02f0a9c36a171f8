//! The step `features`: every shipped crate compiles without features and with each of its features alone. A
//! package without features is checked, too: when it is built alone, its dependencies have only the features that
//! it asks for.
//!
//! The other steps build with all features. There, one feature hides that another lacks a `cfg` or a dependency.
//! Not here: combinations of two or more features, which are too many to check each time; nor a feature that only switches
//! on one of another crate of ours, where it is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use cargo_metadata::Package;

use crate::process::{cargo, run as run_command};
use crate::workspace::Workspace;

/// Runs `cargo check` over each set of each crate below `crates/`.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    for package in workspace.shipped_packages() {
        let seen = seen_in_sources(package)?;
        for feature in feature_sets(&package.features, &seen) {
            let mut command = cargo(workspace, "check");
            command.args(["--quiet", "--package", package.name.as_ref(), "--no-default-features"]);
            if let Some(feature) = feature {
                command.args(["--features", feature]);
            }
            run_command(&mut command)?;
        }
    }
    Ok(())
}

/// The features by which the sources of a package differ.
fn seen_in_sources(package: &Package) -> Result<BTreeSet<String>> {
    let root = package.manifest_path.parent().context("a manifest without a directory")?;
    let mut seen = BTreeSet::new();
    let mut directories = vec![root.join("src")];
    while let Some(directory) = directories.pop() {
        for entry in directory.read_dir_utf8()? {
            let path = entry?.into_path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension() == Some("rs") {
                let text = fs::read_to_string(&path)?;
                let named = |feature: &&String| text.contains(&format!("feature = \"{feature}\""));
                seen.extend(package.features.keys().filter(named).cloned());
            }
        }
    }
    Ok(seen)
}

/// No feature, then each one alone. A feature is left out if it switches on the same as one before it: the same features
/// that the sources know, and the same dependencies. The one that switches on least stands for the others.
fn feature_sets<'f>(
    features: &'f BTreeMap<String, Vec<String>>,
    seen: &BTreeSet<String>,
) -> Vec<Option<&'f str>> {
    let mut named: Vec<_> = features
        .keys()
        .map(|name| {
            let mut enabled = BTreeSet::new();
            enable(features, name, &mut enabled);
            enabled.remove("default");
            // `default` last: it is a name for others.
            (name == "default", enabled.len(), name.as_str(), enabled)
        })
        .collect();
    named.sort();
    let mut met = BTreeSet::from([BTreeSet::new()]);
    let mut sets = vec![None];
    for (_, _, name, mut enabled) in named {
        enabled.retain(|enabled| seen.contains(*enabled) || enabled.starts_with("dep:"));
        if met.insert(enabled) {
            sets.push(Some(name));
        }
    }
    sets
}

/// Adds a feature and all that it switches on.
fn enable<'a>(
    features: &'a BTreeMap<String, Vec<String>>,
    name: &'a str,
    enabled: &mut BTreeSet<&'a str>,
) {
    if enabled.insert(name) {
        for other in features.get(name).into_iter().flatten() {
            enable(features, other, enabled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(features: &[(&str, &[&str])], seen: &[&str], expect: &[Option<&str>]) {
        let features = features
            .iter()
            .map(|(name, enables)| {
                ((*name).to_owned(), enables.iter().map(|&f| f.to_owned()).collect())
            })
            .collect();
        let seen = seen.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(feature_sets(&features, &seen), expect);
    }

    #[test]
    fn each_feature_stands_alone_and_no_set_is_checked_twice() {
        check(&[], &[], &[None]);
        check(&[("default", &[])], &[], &[None]);
        check(
            &[("default", &["sqlite"]), ("postgres", &[]), ("sqlite", &[])],
            &["postgres", "sqlite"],
            &[None, Some("postgres"), Some("sqlite")],
        );
        check(
            &[("default", &["a", "b"]), ("a", &[]), ("b", &["dep:c"])],
            &["a", "b"],
            &[None, Some("a"), Some("b"), Some("default")],
        );
    }

    #[test]
    fn a_feature_that_sources_do_not_know_is_checked_where_they_do() {
        check(
            &[
                ("cloud", &["postgres", "storage/cloud"]),
                ("postgres", &["sqlite", "storage/postgres"]),
                ("sqlite", &["storage/sqlite"]),
                ("told", &["dep:told"]),
            ],
            &["sqlite"],
            &[None, Some("sqlite"), Some("told")],
        );
    }
}
