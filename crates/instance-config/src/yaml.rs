//! Values of `dagster.yaml`, with references to environment variables resolved.

use std::path::{Path, PathBuf};

use instance_core::error::InstanceError;
use serde_json::{Map, Value};

use crate::environment::Environment;

/// A mapping in the file. It knows its place, for errors.
pub(crate) struct Section<'a> {
    file: &'a Path,
    key: String,
    map: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) fn root(file: &'a Path, map: &'a Map<String, Value>) -> Self {
        Self { file, key: String::new(), map }
    }

    /// The keys of the mapping.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.map.keys().map(String::as_str)
    }

    /// The mapping under a key; `None` if there is none, or if it is null.
    pub(crate) fn section(&self, key: &str) -> Result<Option<Section<'a>>, InstanceError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => {
                Ok(Some(Section { file: self.file, key: self.path(key), map }))
            }
            Some(_) => Err(self.error(key, "it has to be a mapping")),
        }
    }

    /// The text under a key; `None` if there is none. A reference `env: NAME` is resolved.
    pub(crate) fn text(
        &self,
        key: &str,
        environment: &dyn Environment,
    ) -> Result<Option<String>, InstanceError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Object(reference)) => match reference.get("env").and_then(Value::as_str) {
                Some(name) if reference.len() == 1 => match environment.get(name) {
                    Some(value) => Ok(Some(value)),
                    None => Err(self.error(
                        key,
                        &format!("the environment variable {name} is not set; set it"),
                    )),
                },
                _ => Err(self.error(key, "it has to be a text or `env: NAME`")),
            },
            Some(_) => Err(self.error(key, "it has to be a text or `env: NAME`")),
        }
    }

    /// The text or number under a key, as a text; `None` if there is none. A reference `env: NAME` is resolved.
    pub(crate) fn number_text(
        &self,
        key: &str,
        environment: &dyn Environment,
    ) -> Result<Option<String>, InstanceError> {
        match self.map.get(key) {
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            _ => self.text(key, environment),
        }
    }

    /// The boolean under a key; `None` if there is none.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, InstanceError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.error(key, "it has to be true or false")),
        }
    }

    /// The whole number under a key; `None` if there is none.
    pub(crate) fn integer(&self, key: &str) -> Result<Option<i64>, InstanceError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.error(key, "it has to be a whole number, such as 7")),
            },
        }
    }

    /// The whole number under a key; `None` if there is none, or if there is a mapping.
    pub(crate) fn integer_or_section(&self, key: &str) -> Result<Option<i64>, InstanceError> {
        match self.map.get(key) {
            Some(Value::Object(_)) => Ok(None),
            _ => self.integer(key),
        }
    }

    /// The absolute path under a key; `None` if there is none. A relative path is an error.
    pub(crate) fn path_value(
        &self,
        key: &str,
        environment: &dyn Environment,
    ) -> Result<Option<PathBuf>, InstanceError> {
        let Some(text) = self.text(key, environment)? else {
            return Ok(None);
        };
        let path = PathBuf::from(&text);
        if path.is_absolute() {
            return Ok(Some(path));
        }
        Err(self.error(key, &format!("{text:?} is a relative path; write an absolute one")))
    }

    /// An error about the value under a key.
    pub(crate) fn error(&self, key: &str, reason: &str) -> InstanceError {
        InstanceError::Config {
            place: format!("{}: {}", self.file.display(), self.path(key)),
            reason: reason.to_owned(),
            source: None,
        }
    }

    fn path(&self, key: &str) -> String {
        if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) }
    }
}
