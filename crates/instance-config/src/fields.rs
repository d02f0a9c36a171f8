//! The values of one mapping, each with its type.
//!
//! Every value is read as Dagster reads it when it makes the part that the mapping configures. A key that is not known,
//! a value of another type and a null are errors.

use instance_core::config_problems::{ConfigProblems, Severity};
use serde_json::{Map, Value};

use crate::environment::Environment;
use crate::place::Place;
use crate::schema::source::{self, SourceError};

/// The values of a mapping.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    place: Place<'a>,
    environment: &'a dyn Environment,
}

impl<'a> Fields<'a> {
    /// The values of a mapping. Where it refers to variables, they are those of this environment.
    pub(crate) fn new(
        map: &'a Map<String, Value>,
        place: Place<'a>,
        environment: &'a dyn Environment,
    ) -> Self {
        Self { map, place, environment }
    }

    /// The place of the mapping.
    pub(crate) const fn place(&self) -> &Place<'a> {
        &self.place
    }

    /// Refuses every key but these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), ConfigProblems> {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) if known.is_empty() => {
                Err(self.problem(key, "it is not known; the class has no configuration"))
            }
            Some(key) => {
                Err(self.problem(key, format!("it is not known; there are {}", known.join(", "))))
            }
        }
    }

    /// The text under a key, or that of the variable that stands there.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, ConfigProblems> {
        self.read(key, source::text)
    }

    /// The text under a key, which has to be there.
    pub(crate) fn required_text(&self, key: &str) -> Result<String, ConfigProblems> {
        self.required(key, self.text(key)?)
    }

    /// The text under a key. A variable cannot stand there.
    pub(crate) fn plain_text(&self, key: &str) -> Result<Option<String>, ConfigProblems> {
        self.plain(key, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// The whole number under a key, or that of the variable that stands there.
    pub(crate) fn integer(&self, key: &str) -> Result<Option<i64>, ConfigProblems> {
        self.read(key, source::integer)
    }

    /// The whole number under a key. A variable cannot stand there.
    pub(crate) fn plain_integer(&self, key: &str) -> Result<Option<i64>, ConfigProblems> {
        self.plain(key, "a whole number, such as 7", whole_number)
    }

    /// The number under a key. A variable cannot stand there. Python takes a boolean for one or zero.
    pub(crate) fn plain_number(&self, key: &str) -> Result<Option<f64>, ConfigProblems> {
        self.plain(key, "a number, such as 2.5", |value| match value {
            Value::Bool(value) => Some(f64::from(u8::from(*value))),
            other => other.as_f64(),
        })
    }

    /// The boolean under a key, or that of the variable that stands there.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, ConfigProblems> {
        self.read(key, source::boolean)
    }

    /// The boolean under a key. A variable cannot stand there.
    pub(crate) fn plain_boolean(&self, key: &str) -> Result<Option<bool>, ConfigProblems> {
        self.plain(key, "true or false", Value::as_bool)
    }

    /// The mapping under a key, with values of any type.
    pub(crate) fn map(&self, key: &str) -> Result<Option<&'a Map<String, Value>>, ConfigProblems> {
        match self.map.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(self.problem(key, "it has to be a mapping")),
        }
    }

    /// The fields of the mapping under a key.
    pub(crate) fn section(&self, key: &str) -> Result<Option<Self>, ConfigProblems> {
        let map = self.map(key)?;
        Ok(map.map(|map| Self::new(map, self.place.below(key), self.environment)))
    }

    /// The items of the list under a key.
    pub(crate) fn list(&self, key: &str) -> Result<Option<&'a [Value]>, ConfigProblems> {
        match self.map.get(key) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(self.problem(key, "it has to be a list")),
        }
    }

    /// The fields of an item of the list under a key.
    pub(crate) fn item(
        &self,
        key: &str,
        index: usize,
        item: &'a Value,
    ) -> Result<Self, ConfigProblems> {
        let place = self.place.below(key).below(&index.to_string());
        match item {
            Value::Object(map) => Ok(Self::new(map, place, self.environment)),
            _ => Err(place.problem("it has to be a mapping")),
        }
    }

    /// The text that is an item of the list under a key, or that of the variable that stands there.
    pub(crate) fn item_text(
        &self,
        key: &str,
        index: usize,
        item: &Value,
    ) -> Result<String, ConfigProblems> {
        let place = self.place.below(key).below(&index.to_string());
        source::text(item, self.environment).map_err(|error| place.problem(error.to_string()))
    }

    /// The value under a key, whatever it is.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key)
    }

    /// What is there, or an error that it is missing.
    pub(crate) fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, ConfigProblems> {
        value.ok_or_else(|| self.problem(key, "it is missing"))
    }

    /// What is wrong with the value under a key. The reason must not tell a secret.
    pub(crate) fn problem(&self, key: &str, reason: impl Into<String>) -> ConfigProblems {
        self.place.below(key).problem(reason)
    }

    fn read<T>(
        &self,
        key: &str,
        read: impl Fn(&Value, &dyn Environment) -> Result<T, SourceError>,
    ) -> Result<Option<T>, ConfigProblems> {
        let read = self.map.get(key).map(|value| read(value, self.environment)).transpose();
        read.map_err(|error| self.problem(key, error.to_string()))
    }

    fn plain<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, ConfigProblems> {
        match self.map.get(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(self.problem(key, format!("it has to be {expected}"))),
            },
        }
    }
}

/// A whole number, or the nearest one that has a place in 64 bits.
fn whole_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.is_u64().then_some(i64::MAX))
}

/// Marks problems as such that matter only to those who use the part.
pub(crate) fn when_used(mut problems: ConfigProblems) -> ConfigProblems {
    for problem in &mut problems.problems {
        problem.severity = Severity::ErrorWhenUsed;
    }
    problems
}
