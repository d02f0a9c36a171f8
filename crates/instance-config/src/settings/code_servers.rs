//! The section `code_servers`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::CodeServerSettings;

use crate::fields::Fields;

pub(super) fn code_servers(sections: &Fields<'_>) -> Result<CodeServerSettings, ConfigProblems> {
    let mut servers = CodeServerSettings::new();
    let Some(section) = sections.section("code_servers")? else { return Ok(servers) };
    section.only(&[
        "local_startup_timeout",
        "reload_timeout",
        "wait_for_local_processes_on_shutdown",
    ])?;
    if let Some(seconds) = section.plain_integer("local_startup_timeout")? {
        servers.local_startup_timeout = seconds;
    }
    if let Some(seconds) = section.plain_integer("reload_timeout")? {
        servers.reload_timeout = seconds;
    }
    let waits = section.plain_boolean("wait_for_local_processes_on_shutdown")?;
    Ok(servers.with_wait_for_local_processes_on_shutdown(waits.unwrap_or(false)))
}
