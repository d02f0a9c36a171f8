//! The section `python_logs`: which log lines of a program become lines of the log of a run.

use serde_json::{Map, Value};

use crate::error::InstanceError;
use crate::event::LogLevel;

/// Which log lines of a program become lines of the log of a run.
///
/// In Dagster they are lines of Python's `logging`. The layer of `tracing` for the logs of runs follows the same
/// settings; its documentation says what becomes of names and levels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PythonLogSettings {
    /// The names of loggers whose lines are captured, and those of the loggers below them; `root` is all. The default
    /// is none.
    pub managed_python_loggers: Vec<String>,
    /// The lowest level that is captured, by its name in the file; `None`, the default, is no lowest level. A name that
    /// is no level is an error where lines are captured, as in Dagster.
    pub python_log_level: Option<String>,
    /// Handlers, formatters and filters of Python's `logging`, as `logging.config.dictConfig` takes them. The default
    /// is none.
    pub dagster_handler_config: Map<String, Value>,
}

impl PythonLogSettings {
    /// What Dagster does where nothing is configured.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lowest level that is captured; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if the name is none of Dagster's levels.
    pub fn minimum_level(&self) -> Result<Option<LogLevel>, InstanceError> {
        let Some(name) = &self.python_log_level else { return Ok(None) };
        let level = match &*name.to_uppercase() {
            "CRITICAL" | "FATAL" => LogLevel::CRITICAL,
            "ERROR" => LogLevel::ERROR,
            "WARNING" | "WARN" => LogLevel::WARNING,
            "INFO" => LogLevel::INFO,
            "DEBUG" => LogLevel::DEBUG,
            _ => {
                return Err(InstanceError::Config {
                    place: "python_logs.python_log_level".to_owned(),
                    reason: format!(
                        "{name:?} is no level; the levels are CRITICAL, FATAL, ERROR, WARNING, WARN, INFO and DEBUG"
                    ),
                    source: None,
                });
            }
        };
        Ok(Some(level))
    }
}

crate::setters! {
    impl PythonLogSettings {
        /// The names of loggers whose lines are captured, and those of the loggers below them.
        with_managed_python_loggers(managed_python_loggers: Vec<String>);
        /// The lowest level that is captured.
        with_python_log_level(python_log_level: impl Into<Option<String>>);
        /// Handlers, formatters and filters of Python's `logging`.
        with_dagster_handler_config(dagster_handler_config: Map<String, Value>);
    }
}
