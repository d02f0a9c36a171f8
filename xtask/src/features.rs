//! The step `features`: every shipped crate compiles without features and with each of its features
//! alone.
//!
//! The other steps build with all features, where a missing `cfg` or a missing dependency of one
//! feature is hidden by another. Not here: combinations of two or more features, which grow too
//! fast to check each time.

use std::collections::BTreeMap;

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

/// No feature, then each one alone. An empty `default` would only repeat the first.
fn feature_sets(features: &BTreeMap<String, Vec<String>>) -> Vec<Option<&str>> {
    let named = features.iter().filter(|(name, enables)| *name != "default" || !enables.is_empty());
    std::iter::once(None).chain(named.map(|(name, _)| Some(name.as_str()))).collect()
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
    fn each_feature_stands_alone_and_an_empty_default_does_not_count() {
        check(&[], &[None]);
        check(&[("default", &[])], &[None]);
        check(
            &[("default", &["sqlite"]), ("postgres", &[]), ("sqlite", &[])],
            &[None, Some("default"), Some("postgres"), Some("sqlite")],
        );
    }
}
