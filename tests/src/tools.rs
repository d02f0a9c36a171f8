//! Where the binary under test and the pinned Dagster are.
//!
//! `cargo xtask compat` names both. A plain `cargo test` builds the binary and takes the Python that
//! the last `cargo xtask python` brought up, and the corpus of the last `cargo xtask corpus`.
#![expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The binary under test.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| named("DAGSTER_INSTANCE_BIN").unwrap_or_else(build))
}

/// The binary with all features, also those of clouds.
pub fn binary_with_clouds() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        named("DAGSTER_INSTANCE_BIN_WITH_CLOUDS").unwrap_or_else(|| {
            panic!("DAGSTER_INSTANCE_BIN_WITH_CLOUDS is not set, which `cargo xtask compat` sets")
        })
    })
}

/// The interpreter that has the pinned Dagster.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let python = named("DAGSTER_INSTANCE_PYTHON")
            .unwrap_or_else(|| target().join("compat/venv/bin/python"));
        assert!(python.exists(), "{} is missing: run `cargo xtask python`", python.display());
        python
    })
}

/// The Node that clients of other languages are tested with.
pub fn node() -> &'static Path {
    static NODE: OnceLock<PathBuf> = OnceLock::new();
    NODE.get_or_init(|| {
        named("DAGSTER_INSTANCE_TEST_NODE").unwrap_or_else(|| {
            panic!("DAGSTER_INSTANCE_TEST_NODE is not set, which `cargo xtask compat` sets")
        })
    })
}

/// The homes that `tests/python/write_corpus.py` has the real Dagster write. They are for all: whoever opens one copies
/// it.
pub fn corpus() -> PathBuf {
    let corpus = named("DAGSTER_INSTANCE_CORPUS").unwrap_or_else(|| target().join("compat/corpus"));
    assert!(corpus.exists(), "{} is missing: run `cargo xtask corpus`", corpus.display());
    corpus
}

/// What old releases of Dagster left: a directory for each, such as `1.5`, with `home/` (SQLite), `postgres.sql` and
/// `contents.json`. They are for all: whoever opens one copies it.
pub fn old_databases() -> PathBuf {
    let unpacked = named("DAGSTER_INSTANCE_OLD_DATABASES")
        .unwrap_or_else(|| target().join("compat/old-databases"));
    assert!(
        unpacked.exists(),
        "{} is missing: run `cargo xtask old-databases`",
        unpacked.display()
    );
    unpacked
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

pub(crate) fn target() -> PathBuf {
    named("CARGO_TARGET_DIR").unwrap_or_else(|| root().join("target"))
}

fn build() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "dagster-instance-cli"])
        .current_dir(root())
        .status();
    match built {
        Ok(status) if status.success() => target().join("debug/dagster-instance"),
        other => panic!("the binary could not be built: {other:?}"),
    }
}
