//! The step `features`: every shipped crate compiles without features and with each of its features alone. A
//! package without features is checked, too: when it is built alone, its dependencies have only the features that
//! it asks for.
//!
//! The other steps build with all features. There, one feature hides that another lacks a `cfg` or a dependency.
//! Not here: combinations of two or more features, which are too many to check each time.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::process::{cargo, run as run_command};
use crate::workspace::Workspace;

/// Runs `cargo check` over each set of each crate below `crates/`.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    for package in workspace.shipped_packages() {
        for feature in feature_sets(&package.features) {
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

/// No feature, then each one alone. A feature that switches on the same as one before it is left out, such as a
/// `default` of one feature.
fn feature_sets(features: &BTreeMap<String, Vec<String>>) -> Vec<Option<&str>> {
    let mut met = BTreeSet::new();
    let mut sets = vec![None];
    met.insert(BTreeSet::new());
    // `default` last: it is a name for others.
    let (default, named): (Vec<_>, Vec<_>) = features.keys().partition(|name| *name == "default");
    for name in named.into_iter().chain(default) {
        let mut enabled = BTreeSet::new();
        enable(features, name, &mut enabled);
        enabled.remove("default");
        if met.insert(enabled) {
            sets.push(Some(name.as_str()));
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

    fn check(features: &[(&str, &[&str])], expect: &[Option<&str>]) {
        let features = features
            .iter()
            .map(|(name, enables)| {
                ((*name).to_owned(), enables.iter().map(|&f| f.to_owned()).collect())
            })
            .collect();
        assert_eq!(feature_sets(&features), expect);
    }

    #[test]
    fn each_feature_stands_alone_and_no_set_is_checked_twice() {
        check(&[], &[None]);
        check(&[("default", &[])], &[None]);
        check(
            &[("default", &["sqlite"]), ("postgres", &[]), ("sqlite", &[])],
            &[None, Some("postgres"), Some("sqlite")],
        );
        check(
            &[("default", &["a", "b"]), ("a", &[]), ("b", &["dep:c"])],
            &[None, Some("a"), Some("b"), Some("default")],
        );
    }
}
