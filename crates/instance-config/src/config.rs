//! A `dagster.yaml` that was read and checked: its values, and where in the file they are.

use std::path::{Path, PathBuf};

use instance_core::config_problems::{ConfigProblem, ConfigProblems, Position};
use instance_core::error::InstanceError;
use serde_json::{Map, Value};

/// The values of a `dagster.yaml`.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    file: PathBuf,
    values: Map<String, Value>,
}

impl Config {
    /// Reads a file, and changes its values before they are checked. Without the file there are no values.
    pub(crate) fn read(
        file: &Path,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<Self, InstanceError> {
        let mistake = |reason: &str| {
            ConfigProblems::new(file.display().to_string(), vec![ConfigProblem::new(reason)])
        };
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(other) => return Err(mistake(&format!("it cannot be read: {other}")).into()),
        };
        let mut values = match serde_saphyr::from_str(&text) {
            _ if text.trim().is_empty() => Map::new(),
            Ok(Value::Object(map)) => map,
            Ok(Value::Null) => Map::new(),
            Ok(_) => return Err(mistake("it has to be a mapping of sections").into()),
            Err(_) => return Err(mistake("it is no YAML").into()),
        };
        change(&mut values);
        Ok(Self { file: file.to_owned(), values })
    }

    /// The file, which need not exist.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The values as Dagster's `validate_config` returns them: without defaults, and with `env: NAME` as it stands in
    /// the file.
    ///
    /// A whole number that has no place in 64 bits is the nearest one that has. Keys that are no texts are the texts
    /// that the file has for them.
    pub(crate) const fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// Where the value under a path of keys is; the parts of a list are `0`, `1` and so on. `None` if the file does not
    /// have it.
    #[expect(clippy::unused_self, reason = "the reader keeps no places yet")]
    pub(crate) const fn place(&self, _path: &[&str]) -> Option<Position> {
        None
    }

    /// An error about the value under a path of keys.
    pub(crate) fn error(&self, path: &[&str], reason: impl Into<String>) -> InstanceError {
        let problem =
            ConfigProblem::new(reason).with_key(path.join(".")).with_position(self.place(path));
        ConfigProblems::new(self.file.display().to_string(), vec![problem]).into()
    }
}
