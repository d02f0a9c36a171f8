//! Which log lines of a program become lines of the log of a run.

use instance_core::ops::ConfigOps;
use serde_json::{Map, Value};

/// Returns the names of the loggers whose lines are captured in the logs of runs; `root` is all.
pub fn managed_python_loggers(ops: &dyn ConfigOps) -> &[String] {
    &ops.settings().python_logs.managed_python_loggers
}

/// Returns the name of the lowest level that is captured in the logs of runs; `None` if there is none.
pub fn python_log_level(ops: &dyn ConfigOps) -> Option<&str> {
    ops.settings().python_logs.python_log_level.as_deref()
}

/// Returns handlers, formatters and filters of Python's `logging`, as `logging.config.dictConfig` takes them.
pub fn get_python_log_dagster_handler_config(ops: &dyn ConfigOps) -> &Map<String, Value> {
    &ops.settings().python_logs.dagster_handler_config
}
