//! The crates of this project, but for the family that one beginning names.
//!
//! `cargo xtask codegen` writes this file, from the crates that there are.

/// By the names that their log lines have as targets.
pub(super) const OWN_CRATES: &[&str] = &[
    "instance_assets",
    "instance_config",
    "instance_core",
    "instance_events",
    "instance_launcher",
    "instance_partitions",
    "instance_runs",
    "instance_scheduling",
    "instance_serdes",
    "instance_storage",
];
