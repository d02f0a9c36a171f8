//! A `workspace.yaml`: its code locations, and what is wrong with it.

use instance_core::config_problems::{ConfigProblem, Position};
use instance_core::error::InstanceError;
use instance_core::run::CodeLocationOrigin;

use super::python_path::{absolute, join, normal, parent};
use super::{entry, unreadable};
use crate::document::{Kind, Node};
use crate::environment::Environment;
use crate::verdict;

/// A file that lists code locations, right or wrong.
#[derive(Debug)]
pub(super) struct WorkspaceFile {
    /// Its path, as somebody gave it.
    pub(super) path: String,
    /// The code locations, as far as they are right.
    pub(super) locations: Vec<Located>,
    /// What is wrong with it, in the order of the file.
    pub(super) problems: Vec<ConfigProblem>,
}

/// A code location of a file.
#[derive(Debug)]
pub(super) struct Located {
    /// How it is reached.
    pub(super) origin: CodeLocationOrigin,
    /// Where in the file it is.
    pub(super) position: Position,
}

/// The place of a file, which its relative paths go on from.
pub(super) struct FilePlace<'a> {
    /// The path of the file, as somebody gave it.
    path: &'a str,
    /// The absolute path of its directory.
    directory: String,
}

impl<'a> FilePlace<'a> {
    fn new(path: &'a str, directory: &str) -> Self {
        let directory = parent(&absolute(directory, path)).to_owned();
        Self { path, directory }
    }

    /// A path of the file, from its directory on.
    pub(super) fn rebased(&self, path: &str) -> String {
        join(&self.directory, path)
    }

    /// The directory of the file, in Dagster's words.
    ///
    /// Dagster joins the directory that somebody gave behind itself: what comes of `ws/workspace.yaml` is another
    /// directory, and what comes of `workspace.yaml` has a slash at its end, by which the origin is known.
    pub(super) fn directory(&self) -> String {
        let of_dagster = self.rebased(parent(self.path));
        if normal(&of_dagster) == self.directory { of_dagster } else { self.rebased("") }
    }
}

impl WorkspaceFile {
    /// Reads a file. A relative path goes on from the directory.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if it cannot be read.
    pub(super) fn read(
        path: &str,
        directory: &str,
        environment: &dyn Environment,
    ) -> Result<Self, InstanceError> {
        let bytes =
            std::fs::read(join(directory, path)).map_err(|error| unreadable(path, error))?;
        let mut file = Self { path: path.to_owned(), locations: Vec::new(), problems: Vec::new() };
        match Node::read(&bytes) {
            Ok(document) if document.entries().is_some() => {
                file.list(&document, &FilePlace::new(path, directory), environment);
            }
            Ok(document) if document.is_null() => {
                let reason =
                    "the file is empty; write `load_from:` with a list of code locations below it";
                file.problems.push(ConfigProblem::new(reason));
            }
            Ok(document) => {
                let reason = format!(
                    "it has to be a mapping with the key `load_from`, not {}",
                    document.kind_name()
                );
                file.problems.push(ConfigProblem::new(reason).with_position(document.position));
            }
            Err(error) => {
                file.problems.push(ConfigProblem::new(error.reason).with_position(error.position));
            }
        }
        Ok(file)
    }

    fn list(&mut self, document: &Node, place: &FilePlace<'_>, environment: &dyn Environment) {
        self.problems = verdict::problems_of_workspace(document, environment);
        let items = match document.get("load_from").map(|list| &list.kind) {
            Some(Kind::List(items)) => &**items,
            _ => &[],
        };
        for (index, item) in items.iter().enumerate() {
            let key = format!("load_from[{index}]");
            let Some([entry]) = item.entries().filter(|_| !self.is_wrong(&key)) else { continue };
            let read = entry::read(&key, entry, place, environment);
            self.problems.extend(read.problems);
            if let Some(origin) = read.origin {
                self.add(&key, origin, item.position);
            }
        }
        self.problems.sort_by_key(|problem| problem.position);
    }

    /// Whether something is wrong with what is under a key.
    fn is_wrong(&self, key: &str) -> bool {
        self.problems.iter().any(|problem| {
            let rest = problem.key.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Keeps a code location, whose name is its own.
    fn add(&mut self, key: &str, origin: CodeLocationOrigin, position: Position) {
        let name = origin.location_name().unwrap_or_default();
        let same = self.locations.iter().find(|known| known.origin.location_name() == Some(name));
        if let Some(known) = same {
            let reason = format!(
                "the code location in line {} has the name `{name}`, too; give one of both another `location_name`",
                known.position.line
            );
            let problem = ConfigProblem::new(reason).with_key(key).with_position(position);
            self.problems.push(problem);
        } else {
            self.locations.push(Located { origin, position });
        }
    }
}
