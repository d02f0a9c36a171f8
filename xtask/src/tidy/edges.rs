//! Which crate may depend on which: the fixed shape of the workspace, over the declared
//! dependencies.
//!
//! Not here: licences and bans of third-party crates.

use std::fs;

use anyhow::{Context, Result};
use cargo_metadata::{Dependency, DependencyKind};

use super::Finding;
use crate::workspace::Workspace;

const CORE: &str = "instance-core";
const SERDES: &str = "instance-serdes";
/// What lies beneath the core, which re-exports it: each with what it may depend on, of ours. Whoever lies
/// above takes it from the core.
const BENEATH_CORE: [(&str, &[&str]); 2] = [("instance-partitions", &[SERDES]), (SERDES, &[])];
const STORAGE: &str = "instance-storage";
const FACADE: &str = "dagster-instance";
const CLI: &str = "dagster-instance-cli";
/// Each knows `instance-core` and none of the others.
const DOMAINS: [&str; 7] = [
    "instance-assets",
    "instance-config",
    "instance-events",
    "instance-launcher",
    "instance-runs",
    "instance-scheduling",
    STORAGE,
];
const SQL_CRATES: [&str; 4] = ["libsqlite3-sys", "sea-query", "sea-query-sqlx", "sqlx"];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let members: Vec<&str> =
        workspace.packages().iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in workspace.packages() {
        let manifest = workspace.relative_manifest(package);
        let shipped = manifest.starts_with("crates/");
        if shipped && let Some(message) = unknown(&package.name) {
            findings.push(Finding::new(&manifest, 1, message));
        }
        let text = fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("cannot read {manifest}"))?;
        for dependency in &package.dependencies {
            let edge = Edge {
                from: &package.name,
                to: &dependency.name,
                kind: dependency.kind,
                testing: dependency.features.iter().any(|feature| feature == "testing"),
                ours: members.contains(&dependency.name.as_str()),
            };
            if let Some(message) = violation(&edge) {
                findings.push(Finding::new(&manifest, declared_at(&text, dependency), message));
            }
        }
    }
    Ok(findings)
}

/// A declared dependency of a workspace member.
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    kind: DependencyKind,
    /// It asks for the feature `testing`.
    testing: bool,
    /// Its target is a member of the workspace, too.
    ours: bool,
}

/// Without this, a renamed or added crate would have no rule and nobody would notice.
fn unknown(shipped: &str) -> Option<String> {
    let known = DOMAINS.contains(&shipped)
        || [CORE, FACADE, CLI].contains(&shipped)
        || allowed_beneath_core(shipped).is_some();
    (!known).then(|| {
        format!(
            "`{shipped}` has no rule for its dependencies: give it one in xtask/src/tidy/edges.rs"
        )
    })
}

/// What a crate beneath the core may depend on, of ours; `None` if it does not lie there.
fn allowed_beneath_core(name: &str) -> Option<&'static [&'static str]> {
    BENEATH_CORE.iter().find(|(beneath, _)| *beneath == name).map(|(_, allowed)| *allowed)
}

fn violation(edge: &Edge<'_>) -> Option<String> {
    let Edge { from, to, .. } = *edge;
    let for_tests = edge.kind == DependencyKind::Development;
    // A crate may name itself among its dev-dependencies, to switch on its own features for its
    // tests.
    if from == to {
        return None;
    }
    if !edge.ours {
        let misplaced = SQL_CRATES.contains(&to) && from != STORAGE && !for_tests;
        return misplaced
            .then(|| format!("`{from}` depends on `{to}`: only `{STORAGE}` knows SQL"));
    }
    if let Some(allowed) = allowed_beneath_core(from) {
        let message = format!(
            "`{from}` depends on `{to}`: it lies beneath `{CORE}` and knows, of our crates, {allowed:?}"
        );
        return (!allowed.contains(&to)).then_some(message);
    }
    let lies_beneath = allowed_beneath_core(to).is_some();
    if from == CORE {
        let message =
            format!("`{CORE}` depends on `{to}`: of our crates it knows only what lies beneath it");
        return (!lies_beneath).then_some(message);
    }
    if lies_beneath {
        return Some(format!(
            "`{from}` depends on `{to}`: take it from `{CORE}`, which re-exports it"
        ));
    }
    if DOMAINS.contains(&from) {
        if to != CORE {
            return Some(format!(
                "`{from}` depends on `{to}`: of our crates a domain knows only `{CORE}`"
            ));
        }
        if edge.testing && !for_tests {
            return Some(format!(
                "`{from}` asks for `{CORE}`'s feature `testing` outside of its dev-dependencies"
            ));
        }
    }
    if from == CLI && to != FACADE {
        return Some(format!("`{CLI}` depends on `{to}`: of our crates it knows only `{FACADE}`"));
    }
    None
}

/// The line of the manifest that declares the dependency, or the first when it is written in an
/// unusual way.
fn declared_at(manifest: &str, dependency: &Dependency) -> usize {
    let key = dependency.rename.as_deref().unwrap_or(&dependency.name);
    line_of(manifest, section(dependency.kind), key).unwrap_or(1)
}

fn section(kind: DependencyKind) -> &'static str {
    match kind {
        DependencyKind::Development => "dev-dependencies",
        DependencyKind::Build => "build-dependencies",
        _ => "dependencies",
    }
}

fn line_of(manifest: &str, section: &str, key: &str) -> Option<usize> {
    let mut inside = false;
    for (index, line) in manifest.lines().map(str::trim).enumerate() {
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            // `[target.'cfg(unix)'.dependencies]` is such a section, `[dev-dependencies]` not one
            // of `dependencies`.
            inside = header == section || header.ends_with(&format!(".{section}"));
            if header == format!("{section}.{key}")
                || header.ends_with(&format!(".{section}.{key}"))
            {
                return Some(index + 1);
            }
        } else if inside
            && let Some(rest) = line.strip_prefix(key)
            && rest.starts_with(['.', '=', ' ', '\t'])
        {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use DependencyKind::{Build, Development, Normal};

    use super::*;

    fn check(from: &str, to: &str, kind: DependencyKind, expect: Option<&str>) {
        edge(from, to, kind, false, expect);
    }

    fn edge(from: &str, to: &str, kind: DependencyKind, testing: bool, expect: Option<&str>) {
        let ours = to.starts_with("instance-") || to.starts_with("dagster-instance");
        let found = violation(&Edge { from, to, kind, testing, ours });
        match (&found, expect) {
            (Some(message), Some(part)) => {
                assert!(message.contains(part), "{from} -> {to}: {message}");
            }
            _ => {
                assert_eq!(found.is_some(), expect.is_some(), "{from} -> {to} ({kind}): {found:?}");
            }
        }
    }

    #[test]
    fn a_domain_knows_only_the_core() {
        for domain in DOMAINS {
            check(domain, CORE, Normal, None);
            for other in DOMAINS.into_iter().filter(|other| *other != domain) {
                for kind in [Normal, Build, Development] {
                    check(domain, other, kind, Some("a domain knows only"));
                }
            }
            check(domain, FACADE, Development, Some("a domain knows only"));
        }
    }

    #[test]
    fn the_test_suite_of_the_core_stays_out_of_what_ships() {
        edge("instance-runs", CORE, Development, true, None);
        edge("instance-runs", CORE, Normal, true, Some("feature `testing`"));
    }

    #[test]
    fn the_core_knows_what_lies_beneath_it_and_may_name_itself() {
        check(CORE, "instance-runs", Normal, Some("only what lies beneath it"));
        check(CORE, STORAGE, Development, Some("only what lies beneath it"));
        check(CORE, "instance-partitions", Normal, None);
        check(CORE, SERDES, Normal, None);
        check(CORE, CORE, Development, None);
        check(CORE, "serde", Normal, None);
    }

    #[test]
    fn only_the_core_knows_what_lies_beneath_it() {
        check("instance-partitions", SERDES, Normal, None);
        check(SERDES, "instance-partitions", Normal, Some("lies beneath"));
        check(SERDES, CORE, Development, Some("lies beneath"));
        check("instance-partitions", CORE, Normal, Some("lies beneath"));
        for above in ["instance-runs", FACADE, CLI, "dagster-instance-tests"] {
            check(above, SERDES, Normal, Some("take it from `instance-core`"));
        }
    }

    #[test]
    fn sql_is_the_storage_crates_alone() {
        for sql in SQL_CRATES {
            check(STORAGE, sql, Normal, None);
            check(FACADE, sql, Normal, Some("only `instance-storage` knows SQL"));
            check("dagster-instance-tests", sql, Build, Some("only `instance-storage` knows SQL"));
            check("dagster-instance-tests", sql, Development, None);
        }
    }

    #[test]
    fn the_command_line_knows_only_the_facade() {
        check(CLI, FACADE, Normal, None);
        check(CLI, "clap", Normal, None);
        check(CLI, CORE, Normal, Some("it knows only `dagster-instance`"));
        check(FACADE, "instance-runs", Normal, None);
    }

    #[test]
    fn a_crate_without_a_rule_is_noticed() {
        assert_eq!(unknown("instance-runs"), None);
        assert!(unknown("instance-run").is_some_and(|message| message.contains("has no rule")));
    }

    #[test]
    fn the_line_is_that_of_the_right_section() {
        let manifest = [
            "[package]",
            "name = \"x\"",
            "[dependencies]",
            "serde.workspace = true",
            "sqlx-core = \"1\"",
            "[target.'cfg(unix)'.dependencies]",
            "sqlx = \"1\"",
            "[dev-dependencies]",
            "serde = \"1\"",
            "[build-dependencies.cc]",
            "version = \"1\"",
        ]
        .join("\n");
        let check = |section, key, expect| assert_eq!(line_of(&manifest, section, key), expect);
        check("dependencies", "serde", Some(4));
        check("dependencies", "sqlx", Some(7));
        check("dev-dependencies", "serde", Some(9));
        check("build-dependencies", "cc", Some(10));
        check("dependencies", "cc", None);
    }
}
