//! The section `run_retries`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::RunRetries;

use crate::fields::Fields;

pub(super) fn run_retries(sections: &Fields<'_>) -> Result<RunRetries, ConfigProblems> {
    let default = RunRetries::new();
    let Some(section) = sections.section("run_retries")? else { return Ok(default) };
    section.only(&["enabled", "max_retries", "retry_on_asset_or_op_failure"])?;
    let of_steps = section.plain_boolean("retry_on_asset_or_op_failure")?;
    Ok(default
        .with_enabled(section.plain_boolean("enabled")?.unwrap_or(default.enabled))
        .with_max_retries(section.plain_integer("max_retries")?.unwrap_or(default.max_retries))
        .with_retry_on_asset_or_op_failure(
            of_steps.unwrap_or(default.retry_on_asset_or_op_failure),
        ))
}
