//! The edges between our crates, as `docs/architecture.md` draws them.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo metadata")
}

/// The packages whose manifests say this role under `[package.metadata.instance]`.
fn of_role<'a>(metadata: &'a Metadata, role: &str) -> Vec<&'a Package> {
    let says = |package: &&Package| package.metadata["instance"]["role"] == role;
    metadata.packages.iter().filter(says).collect()
}

/// The direct dependencies of a crate, those of its tests left out.
fn dependencies(package: &Package) -> BTreeSet<&str> {
    let shipped = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development);
    shipped.map(|dependency| dependency.name.as_str()).collect()
}

#[test]
fn domain_crates_depend_on_the_core_alone() {
    let metadata = metadata();
    let ours: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    for (role, only) in [("domain", "instance-core"), ("binary", "dagster-instance")] {
        let packages = of_role(&metadata, role);
        assert!(!packages.is_empty(), "no crate has the role {role}");
        for package in packages {
            let dependencies = dependencies(package);
            let of_ours: Vec<_> = dependencies.intersection(&ours).copied().collect();
            assert_eq!(of_ours, [only], "{}", package.name);
        }
    }
    let below = of_role(&metadata, "beneath-core");
    let below: BTreeSet<_> = below.iter().map(|package| package.name.as_str()).collect();
    for package in of_role(&metadata, "core") {
        let dependencies = dependencies(package);
        assert!(dependencies.intersection(&ours).all(|name| below.contains(name)));
    }
}

#[test]
fn only_the_storage_crate_sees_the_database_driver() {
    for package in &metadata().packages {
        let sees_driver = dependencies(package)
            .iter()
            .any(|name| name.starts_with("sqlx") || name.starts_with("sea-query"));
        assert_eq!(sees_driver, package.name == "instance-storage", "{}", package.name);
    }
}
