//! The section `defs_state_storage`: where definitions are kept that integrations of Python have fetched.

use serde_json::{Map, Value};

use super::ClassSettings;

/// Where definitions are kept that integrations of Python have fetched.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefsStateSettings {
    /// In `defs_state` below the directory of what needs a local disk. This is Dagster's default.
    #[default]
    BesideArtifacts,
    /// Below a path or URL that Python's `upath` knows: Dagster's `UPathDefsStateStorage`.
    UPath {
        /// The path or URL.
        base_path: String,
        /// Options for the file system behind it. They may hold passwords, so they are not printed.
        storage_options: Map<String, Value>,
    },
    /// Where a class of somebody else's says.
    Other(ClassSettings),
}

impl std::fmt::Debug for DefsStateSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BesideArtifacts => f.write_str("BesideArtifacts"),
            Self::UPath { base_path, .. } => {
                f.debug_struct("UPath").field("base_path", base_path).finish_non_exhaustive()
            }
            Self::Other(class) => f.debug_tuple("Other").field(class).finish(),
        }
    }
}
