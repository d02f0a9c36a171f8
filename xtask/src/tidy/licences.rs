//! Third-party crates: each comes from crates.io, has a licence that `deny.toml` permits, and is not banned there.
//!
//! The file is cargo-deny's, so that cargo-deny can be run on it, too. Read here are its `[licenses] allow` and
//! `exceptions`, and its `[bans] deny`. Not here: advisories, which are a step of their own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::semver::{Version, VersionReq};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};
use toml::{Table, Value};

use super::{Finding, spdx};
use crate::workspace::Workspace;

const POLICY: &str = "deny.toml";
const LOCK: &str = "Cargo.lock";

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let policy = fs::read_to_string(workspace.root.join(POLICY))
        .with_context(|| format!("cannot read {POLICY}"))?;
    let policy = Policy::parse(&policy).with_context(|| format!("cannot read {POLICY}"))?;
    let metadata = resolved(&workspace.root)?;
    let lock = fs::read_to_string(workspace.root.join(LOCK))
        .with_context(|| format!("cannot read {LOCK}"))?;

    let mut findings = Vec::new();
    for (id, chain) in reached(&metadata) {
        let package = &metadata[id];
        let message = match &package.source {
            // A path: the crate is ours, or is vendored and then reviewed.
            None => continue,
            Some(source) if !source.is_crates_io() => {
                Some(format!("comes from {}, not from crates.io", source.repr))
            }
            Some(_) => {
                policy.objection(&package.name, &package.version, package.license.as_deref())
            }
        };
        if let Some(message) = message {
            let line = locked_at(&lock, &package.name, &package.version);
            let message =
                format!("{} {} {message} (through {chain})", package.name, package.version);
            findings.push(Finding::new(LOCK, line, message));
        }
    }
    Ok(findings)
}

/// The graph for every platform, not only this one. Cargo lists a little more than it builds (a dependency that
/// only a `dep?/feature` names). That is on the safe side.
fn resolved(root: &Path) -> Result<Metadata> {
    MetadataCommand::new()
        .current_dir(root)
        .features(CargoOpt::AllFeatures)
        .exec()
        .context("cargo metadata failed on the resolved graph")
}

/// What the members need to be built and to run, each with the shortest chain of names that leads to it. What only
/// their tests need is not shipped.
fn reached(metadata: &Metadata) -> BTreeMap<&PackageId, String> {
    let nodes: HashMap<&PackageId, _> = metadata
        .resolve
        .iter()
        .flat_map(|resolve| &resolve.nodes)
        .map(|node| (&node.id, node))
        .collect();
    let mut reached = BTreeMap::new();
    let mut queue: VecDeque<(&PackageId, String)> =
        metadata.workspace_members.iter().map(|id| (id, metadata[id].name.to_string())).collect();
    while let Some((id, chain)) = queue.pop_front() {
        if reached.contains_key(id) {
            continue;
        }
        for dependency in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
            if dependency.dep_kinds.iter().any(|info| info.kind != DependencyKind::Development) {
                let chain = format!("{chain} > {}", metadata[&dependency.pkg].name);
                queue.push_back((&dependency.pkg, chain));
            }
        }
        reached.insert(id, chain);
    }
    reached
}

fn locked_at(lock: &str, name: &str, version: &Version) -> usize {
    let name = format!("name = \"{name}\"");
    let version = format!("version = \"{version}\"");
    let lines: Vec<&str> = lock.lines().collect();
    lines
        .windows(2)
        .position(|pair| pair == [name.as_str(), version.as_str()])
        .map_or(1, |index| index + 1)
}

/// What of `deny.toml` is enforced here.
#[derive(Debug)]
struct Policy {
    allow: Vec<String>,
    exceptions: Vec<(Spec, Vec<String>)>,
    bans: Vec<(Spec, String)>,
}

impl Policy {
    fn parse(text: &str) -> Result<Self> {
        let table: Table = text.parse()?;
        let licenses = table.get("licenses");
        let allow = strings(licenses.and_then(|section| section.get("allow")));
        anyhow::ensure!(!allow.is_empty(), "`[licenses] allow` permits no licence");
        let mut exceptions = Vec::new();
        for entry in entries(licenses, "exceptions") {
            exceptions.push((Spec::parse(entry)?, strings(entry.get("allow"))));
        }
        let mut bans = Vec::new();
        for entry in entries(table.get("bans"), "deny") {
            let reason =
                entry.get("reason").and_then(Value::as_str).unwrap_or("no reason is given");
            bans.push((Spec::parse(entry)?, reason.to_owned()));
        }
        Ok(Self { allow, exceptions, bans })
    }

    /// Why the crate may not be used, or nothing.
    fn objection(&self, name: &str, version: &Version, license: Option<&str>) -> Option<String> {
        if let Some((_, reason)) = self.bans.iter().find(|(spec, _)| spec.matches(name, version)) {
            return Some(format!("is banned by {POLICY}: {reason}"));
        }
        let Some(expression) = license else {
            return Some("names no licence".to_owned());
        };
        let excepted: Vec<&String> = self
            .exceptions
            .iter()
            .filter(|(spec, _)| spec.matches(name, version))
            .flat_map(|(_, allow)| allow)
            .collect();
        let permitted = |term: &str| {
            self.allow.iter().chain(excepted.iter().copied()).any(|allowed| allowed == term)
        };
        match spdx::satisfied(expression, permitted) {
            Ok(true) => None,
            Ok(false) => {
                Some(format!("is licensed `{expression}`, which {POLICY} does not permit"))
            }
            Err(reason) => Some(format!(
                "has a licence expression that cannot be read, `{expression}`: {reason}"
            )),
        }
    }
}

/// A crate, or some versions of it: `name`, `name@1.2.3` for one version, `name:<0.2` for a range.
#[derive(Debug)]
struct Spec {
    name: String,
    versions: VersionReq,
}

impl Spec {
    /// From a string, or from a table that has it under `crate` (or, as it once was, under `name`).
    fn parse(entry: &Value) -> Result<Self> {
        let text =
            entry.as_str().or_else(|| entry.get("crate").or_else(|| entry.get("name"))?.as_str());
        let text = text.with_context(|| format!("an entry names no crate: {entry:?}"))?;
        let (name, versions) = if let Some((name, exact)) = text.split_once('@') {
            (name, format!("={exact}"))
        } else {
            let (name, range) = text.split_once(':').unwrap_or((text, "*"));
            (name, range.to_owned())
        };
        let versions = versions
            .parse()
            .with_context(|| format!("`{text}` is not a crate and its versions"))?;
        Ok(Self { name: name.to_owned(), versions })
    }

    fn matches(&self, name: &str, version: &Version) -> bool {
        self.name == name && self.versions.matches(version)
    }
}

fn entries<'a>(section: Option<&'a Value>, key: &str) -> impl Iterator<Item = &'a Value> {
    section.and_then(|section| section.get(key)).and_then(Value::as_array).into_iter().flatten()
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [licenses]
        allow = ["MIT", "Apache-2.0"]
        exceptions = [{ crate = "roots", allow = ["CDLA-Permissive-2.0"] }]
        [bans]
        deny = [
            { crate = "openssl-sys", reason = "rustls is used" },
            { crate = "time:<0.2", reason = "unsound" },
            "exact@1.2.3",
        ]
    "#;

    fn check(name: &str, version: &str, license: Option<&str>, expect: Option<&str>) {
        let policy = Policy::parse(TEXT).unwrap();
        let found = policy.objection(name, &version.parse().unwrap(), license);
        assert_eq!(found.as_deref(), expect, "{name} {version}");
    }

    #[test]
    fn a_licence_is_permitted_to_all_or_to_one_crate() {
        check("serde", "1.0.0", Some("MIT OR Apache-2.0"), None);
        check("roots", "1.0.0", Some("CDLA-Permissive-2.0"), None);
        let expect = "is licensed `CDLA-Permissive-2.0`, which deny.toml does not permit";
        check("other", "1.0.0", Some("CDLA-Permissive-2.0"), Some(expect));
        check("other", "1.0.0", None, Some("names no licence"));
        let expect = "has a licence expression that cannot be read, `MIT OR`: \
                      a licence is missing at the end";
        check("other", "1.0.0", Some("MIT OR"), Some(expect));
    }

    #[test]
    fn a_ban_covers_the_versions_that_it_names() {
        check("openssl-sys", "0.9.1", Some("MIT"), Some("is banned by deny.toml: rustls is used"));
        check("time", "0.1.45", Some("MIT"), Some("is banned by deny.toml: unsound"));
        check("time", "0.3.0", Some("MIT"), None);
        check("exact", "1.2.3", Some("MIT"), Some("is banned by deny.toml: no reason is given"));
        check("exact", "1.2.4", Some("MIT"), None);
    }

    #[test]
    fn a_policy_that_permits_nothing_is_a_mistake() {
        assert!(Policy::parse("[licenses]\nallow = []\n").is_err());
        assert!(
            Policy::parse("[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ reason = \"x\" }]\n")
                .is_err()
        );
    }

    #[test]
    fn the_projects_own_policy_can_be_read() {
        let policy = Policy::parse(include_str!("../../../deny.toml")).unwrap();
        assert!(policy.allow.iter().any(|licence| licence == "MIT"));
        assert!(policy.bans.iter().any(|(spec, _)| spec.name == "openssl-sys"));
    }

    #[test]
    fn the_line_is_that_of_the_version() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"a\"\nversion = \"2.0.0\"\n";
        assert_eq!(locked_at(lock, "a", &Version::new(2, 0, 0)), 6);
        assert_eq!(locked_at(lock, "b", &Version::new(2, 0, 0)), 1);
    }
}
