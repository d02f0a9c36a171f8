//! A `dagster.yaml` that was read and checked: its values, and where in the file they are.

use std::fmt;
use std::path::{Path, PathBuf};

use instance_core::config_problems::{ConfigProblem, ConfigProblems, Position, Severity};
use instance_core::error::InstanceError;
use serde_json::{Map, Value};

use crate::document::{Kind, NOWHERE, Node};
use crate::environment::Environment;
use crate::found_file::{FoundFile, found_file};
use crate::verdict;

/// A `dagster.yaml`, or that there is none.
#[derive(Clone)]
pub(crate) struct Config {
    file: PathBuf,
    exists: bool,
    document: Node,
    values: Map<String, Value>,
    problems: Vec<ConfigProblem>,
    /// Whether the file is a mapping.
    is_readable: bool,
}

impl Config {
    /// Reads a file as Dagster finds it, changes its values, and keeps what is wrong with them. Without the file there
    /// are no values.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if the file cannot be read.
    pub(crate) fn inspect(
        file: &Path,
        environment: &dyn Environment,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<Self, InstanceError> {
        let mut config = Self {
            file: file.to_owned(),
            exists: false,
            document: empty(),
            values: Map::new(),
            problems: Vec::new(),
            is_readable: true,
        };
        match found_file(file) {
            FoundFile::None => {}
            FoundFile::Usual => config.read_document()?,
            FoundFile::NotFoundByDagster => {
                let reason = "Dagster takes the name of its directory for a pattern and does not find the file, so all \
                              settings are defaults; rename the directory";
                config.problems.push(ConfigProblem::new(reason).with_severity(Severity::Warning));
            }
            FoundFile::Another(other) => {
                let reason = format!(
                    "Dagster takes the name of its directory for a pattern and reads {}; rename the directory",
                    other.display()
                );
                config.is_readable = false;
                config.problems.push(ConfigProblem::new(reason));
            }
        }
        config.values = config.document.to_map();
        change(&mut config.values);
        if verdict::errors(&config.problems).is_empty() {
            config.document = config.document.with_values(&config.values);
            config.problems.extend(verdict::problems(&config.document, environment));
        }
        Ok(config)
    }

    /// The file, if Dagster accepts it.
    ///
    /// # Errors
    ///
    /// [`InstanceError::ConfigFile`] with all that keeps an instance from being opened.
    pub(crate) fn accepted(self) -> Result<Self, InstanceError> {
        let errors = verdict::errors(&self.problems);
        if errors.is_empty() { Ok(self) } else { Err(self.refused(errors)) }
    }

    /// The file, if it can be told what it says, be it right or wrong.
    ///
    /// # Errors
    ///
    /// [`InstanceError::ConfigFile`] if it is no mapping.
    pub(crate) fn readable(self) -> Result<Self, InstanceError> {
        if self.is_readable { Ok(self) } else { self.accepted() }
    }

    fn read_document(&mut self) -> Result<(), InstanceError> {
        self.exists = true;
        let bytes = std::fs::read(&self.file).map_err(|error| InstanceError::Config {
            place: self.file.display().to_string(),
            reason: "it cannot be read".to_owned(),
            source: Some(Box::new(error)),
        })?;
        let problem = match Node::read(&bytes) {
            // Whatever Python takes for nothing, Dagster takes for a file without sections.
            Ok(document) if document.is_falsy() => return Ok(()),
            Ok(document) if document.entries().is_some() => {
                self.document = document;
                return Ok(());
            }
            Ok(document) => {
                let reason =
                    format!("it has to be a mapping of sections, not {}", document.kind_name());
                ConfigProblem::new(reason).with_position(document.position)
            }
            Err(error) => ConfigProblem::new(error.reason).with_position(error.position),
        };
        self.is_readable = false;
        self.problems.push(problem);
        Ok(())
    }

    /// The file, which need not exist.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether the file exists, and Dagster reads it.
    pub(crate) const fn exists(&self) -> bool {
        self.exists
    }

    /// The values as Dagster's `validate_config` returns them: without defaults, and with `env: NAME` as it stands in
    /// the file.
    ///
    /// A whole number that has no place in 64 bits is the nearest one that has; infinity and "no number" are the texts
    /// `.inf`, `-.inf` and `.nan`. Keys that are no texts are the texts that the file has for them.
    pub(crate) const fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// The values with their places.
    pub(crate) const fn document(&self) -> &Node {
        &self.document
    }

    /// All that is wrong with the file.
    pub(crate) fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// Where the value under a path of keys is, or else that of the keys before; the parts of a list are `0`, `1` and so
    /// on. `None` if the file has none of them.
    pub(crate) fn place(&self, path: &[&str]) -> Option<Position> {
        let found = (1..=path.len()).rev().find_map(|length| self.document.at(&path[..length]));
        found.map(|node| node.position).filter(|position| *position != NOWHERE)
    }

    fn refused(&self, problems: Vec<ConfigProblem>) -> InstanceError {
        ConfigProblems::new(self.file.display().to_string(), problems).into()
    }
}

fn empty() -> Node {
    let position = Position { line: 1, column: 1 };
    Node { position, kind: Kind::Mapping(Vec::new()), source: None }
}

/// The values may be secret.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("file", &self.file).finish_non_exhaustive()
    }
}
