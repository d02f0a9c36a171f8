//! The section `python_logs`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::PythonLogSettings;
use serde_json::Value;

use crate::fields::Fields;

pub(super) fn python_logs(sections: &Fields<'_>) -> Result<PythonLogSettings, ConfigProblems> {
    let logs = PythonLogSettings::new();
    let Some(section) = sections.section("python_logs")? else { return Ok(logs) };
    section.only(&["managed_python_loggers", "python_log_level", "dagster_handler_config"])?;
    let key = "managed_python_loggers";
    let mut loggers = Vec::new();
    for item in section.list(key)?.unwrap_or_default() {
        match item {
            Value::String(name) => loggers.push(name.clone()),
            _ => return Err(section.problem(key, "it has to be a list of texts")),
        }
    }
    let handlers = section.map("dagster_handler_config")?.cloned();
    Ok(logs
        .with_managed_python_loggers(loggers)
        .with_python_log_level(section.plain_text("python_log_level")?)
        .with_dagster_handler_config(handlers.unwrap_or_default()))
}
