//! Which crate may depend on which. The rule follows from the role that each crate's manifest says.
//!
//! Not here: the roles themselves (`roles.rs`), nor licences and bans of third-party crates.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use cargo_metadata::{Dependency, DependencyKind};

use super::Finding;
use crate::roles::{self, Role};
use crate::workspace::Workspace;

/// The one domain that knows SQL.
const STORAGE: &str = "instance-storage";
const SQL_CRATES: [&str; 4] = ["libsqlite3-sys", "sea-query", "sea-query-sqlx", "sqlx"];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut roles = BTreeMap::new();
    let mut findings = Vec::new();
    for package in workspace.shipped_packages() {
        match roles::role(package) {
            Ok(role) => drop(roles.insert(package.name.as_str(), role)),
            Err(error) => {
                let manifest = workspace.relative_manifest(package);
                findings.push(Finding::new(&manifest, 1, format!("{error:#}")));
            }
        }
    }
    findings.extend(singular(&roles));
    let members: Vec<&str> =
        workspace.packages().iter().map(|package| package.name.as_str()).collect();
    for package in workspace.packages() {
        let manifest = workspace.relative_manifest(package);
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
            if let Some(message) = violation(&edge, &roles) {
                findings.push(Finding::new(&manifest, declared_at(&text, dependency), message));
            }
        }
    }
    Ok(findings)
}

/// The roles of the crates below `crates/`, by name.
type Roles<'a> = BTreeMap<&'a str, Role>;

/// There is one core and one facade.
fn singular(roles: &Roles<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (role, name) in [(Role::Core, "core"), (Role::Facade, "facade")] {
        let count = roles.values().filter(|other| **other == role).count();
        if count != 1 {
            let message = format!("{count} crates have the role `{name}`; one has it");
            findings.push(Finding::new("Cargo.toml", 1, message));
        }
    }
    findings
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

fn violation(edge: &Edge<'_>, roles: &Roles<'_>) -> Option<String> {
    let Edge { from, to, .. } = *edge;
    let for_tests = edge.kind == DependencyKind::Development;
    // A crate may name itself among its dev-dependencies, to switch on its own features for its tests.
    if from == to {
        return None;
    }
    if !edge.ours {
        let misplaced = SQL_CRATES.contains(&to) && from != STORAGE && !for_tests;
        return misplaced
            .then(|| format!("`{from}` depends on `{to}`: only `{STORAGE}` knows SQL"));
    }
    let target = roles.get(to);
    // Packages without a role are the project's tests and tools. They may use everything.
    let rule = match roles.get(from)? {
        Role::BeneathCore { uses } => {
            let declared = matches!(target, Some(Role::BeneathCore { .. }))
                && uses.iter().any(|name| name == to);
            (!declared).then_some(
                "a crate beneath the core knows, of our crates, only those that its manifest names \
                 under `uses`",
            )
        }
        Role::Core => (!matches!(target, Some(Role::BeneathCore { .. })))
            .then_some("the core knows, of our crates, only those beneath it"),
        Role::Domain => (target != Some(&Role::Core)).then_some(
            "of our crates a domain knows only the core; a need that points elsewhere is a method \
             that an ops trait lacks",
        ),
        Role::Facade => (!matches!(target, Some(Role::Core | Role::Domain))).then_some(
            "the facade knows, of our crates, the domains and the core, which has what is beneath it",
        ),
        Role::Binary => (target != Some(&Role::Facade))
            .then_some("of our crates a binary knows only the facade"),
    };
    if let Some(rule) = rule {
        return Some(format!("`{from}` depends on `{to}`: {rule}"));
    }
    let shipped_testing = edge.testing && !for_tests;
    shipped_testing.then(|| {
        format!("`{from}` asks for `{to}`'s feature `testing` outside of its dev-dependencies")
    })
}

/// The line of the manifest that declares the dependency, or the first line if it is written in an unusual way.
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
            // `[target.'cfg(unix)'.dependencies]` is such a section. `[dev-dependencies]` is no section of
            // `dependencies`.
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

    const CORE: &str = "instance-core";
    const SERDES: &str = "instance-serdes";
    const PARTITIONS: &str = "instance-partitions";
    const FACADE: &str = "dagster-instance";
    const CLI: &str = "dagster-instance-cli";
    const DOMAINS: [&str; 3] = ["instance-assets", "instance-runs", STORAGE];

    fn roles() -> Roles<'static> {
        let mut roles = BTreeMap::from([
            (CORE, Role::Core),
            (SERDES, Role::BeneathCore { uses: vec![] }),
            (PARTITIONS, Role::BeneathCore { uses: vec![SERDES.to_owned()] }),
            (FACADE, Role::Facade),
            (CLI, Role::Binary),
        ]);
        roles.extend(DOMAINS.map(|domain| (domain, Role::Domain)));
        roles
    }

    fn check(from: &str, to: &str, kind: DependencyKind, expect: Option<&str>) {
        edge(from, to, kind, false, expect);
    }

    fn edge(from: &str, to: &str, kind: DependencyKind, testing: bool, expect: Option<&str>) {
        let ours = to.starts_with("instance-") || to.starts_with("dagster-instance");
        let found = violation(&Edge { from, to, kind, testing, ours }, &roles());
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
            check(domain, SERDES, Normal, Some("a domain knows only"));
        }
    }

    #[test]
    fn the_test_suite_of_the_core_stays_out_of_what_ships() {
        edge("instance-runs", CORE, Development, true, None);
        edge("instance-runs", CORE, Normal, true, Some("feature `testing`"));
        edge(FACADE, CORE, Normal, true, Some("feature `testing`"));
    }

    #[test]
    fn the_core_knows_what_is_beneath_it_and_may_name_itself() {
        check(CORE, "instance-runs", Normal, Some("only those beneath it"));
        check(CORE, STORAGE, Development, Some("only those beneath it"));
        check(CORE, SERDES, Normal, None);
        check(CORE, CORE, Development, None);
        check(CORE, "serde", Normal, None);
    }

    #[test]
    fn what_is_beneath_the_core_has_an_order() {
        check(PARTITIONS, SERDES, Normal, None);
        check(SERDES, PARTITIONS, Normal, Some("under `uses`"));
        check(SERDES, CORE, Development, Some("under `uses`"));
        check(SERDES, "serde", Normal, None);
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
        check(CLI, CORE, Normal, Some("a binary knows only the facade"));
        check(FACADE, "instance-runs", Normal, None);
        check(FACADE, SERDES, Normal, Some("the domains and the core"));
        check(FACADE, CLI, Development, Some("the domains and the core"));
        check("dagster-instance-tests", CORE, Normal, None);
    }

    #[test]
    fn there_is_one_core_and_one_facade() {
        assert_eq!(singular(&roles()), []);
        let mut roles = roles();
        roles.insert("instance-other", Role::Core);
        roles.remove(FACADE);
        let messages: Vec<_> = singular(&roles).into_iter().map(|found| found.message).collect();
        assert_eq!(messages.len(), 2);
        assert!(messages[0].starts_with("2 crates have the role `core`"), "{messages:?}");
        assert!(messages[1].starts_with("0 crates have the role `facade`"), "{messages:?}");
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
