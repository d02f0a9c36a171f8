//! The edges between our crates, as `docs/architecture.md` draws them.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

const DOMAINS: [&str; 7] = [
    "instance-runs",
    "instance-assets",
    "instance-events",
    "instance-scheduling",
    "instance-storage",
    "instance-launcher",
    "instance-config",
];

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo metadata")
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata
        .packages
        .iter()
        .find(|package| package.name == name)
        .unwrap_or_else(|| panic!("no crate {name}"))
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
    for name in DOMAINS {
        let dependencies = dependencies(package(&metadata, name));
        let of_ours: Vec<_> = dependencies.intersection(&ours).copied().collect();
        assert_eq!(of_ours, ["instance-core"], "{name}");
    }
    let core = dependencies(package(&metadata, "instance-core"));
    let beneath = ["instance-partitions", "instance-serdes"];
    assert_eq!(core.intersection(&ours).copied().collect::<Vec<_>>(), beneath);
    let partitions = dependencies(package(&metadata, beneath[0]));
    assert_eq!(partitions.intersection(&ours).copied().collect::<Vec<_>>(), [beneath[1]]);
    let serdes = dependencies(package(&metadata, beneath[1]));
    assert_eq!(serdes.intersection(&ours).count(), 0);
    let cli = dependencies(package(&metadata, "dagster-instance-cli"));
    assert_eq!(cli.intersection(&ours).copied().collect::<Vec<_>>(), ["dagster-instance"]);
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
