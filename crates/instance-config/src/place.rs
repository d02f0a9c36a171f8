//! Where a value is: in a file, or in the reference of an instance. Errors name it.

use instance_core::config_problems::{ConfigProblem, ConfigProblems};

use crate::config::Config;

/// What an error says in the place of a file.
const REFERENCE: &str = "the reference of the instance";

/// The place of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    /// The file; `None` if it is in a reference.
    config: Option<&'a Config>,
    path: Vec<String>,
}

impl<'a> Place<'a> {
    /// A mapping of a file, by the path of its key.
    pub(crate) fn of_file(config: &'a Config, path: &[&str]) -> Self {
        Self { config: Some(config), path: path.iter().map(|key| (*key).to_owned()).collect() }
    }

    /// A mapping of a reference, by the name of its field.
    pub(crate) fn of_reference(field: &str) -> Self {
        Self { config: None, path: vec![field.to_owned()] }
    }

    /// The mapping or value under a key of this one.
    pub(crate) fn below(&self, key: &str) -> Self {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        Self { config: self.config, path }
    }

    /// What is wrong here. The reason must not tell a secret.
    pub(crate) fn problem(&self, reason: impl Into<String>) -> ConfigProblems {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let (file, position) = match self.config {
            Some(config) => (config.file().display().to_string(), config.place(&path)),
            None => (REFERENCE.to_owned(), None),
        };
        let problem = ConfigProblem::new(reason).with_key(path.join(".")).with_position(position);
        ConfigProblems::new(file, vec![problem])
    }
}
