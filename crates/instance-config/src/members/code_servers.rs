//! How long servers of user code may take.

use instance_core::ops::ConfigOps;
use instance_core::settings::CodeServerSettings;

/// Returns how long servers of user code may take.
pub fn code_server_settings(ops: &dyn ConfigOps) -> &CodeServerSettings {
    &ops.settings().code_servers
}

/// Returns how many seconds a server of user code that Dagster starts on its own machine may take to start.
pub fn code_server_process_startup_timeout(ops: &dyn ConfigOps) -> i64 {
    ops.settings().code_servers.local_startup_timeout
}

/// Returns how many seconds a server of user code may take to load its code again.
pub fn code_server_reload_timeout(ops: &dyn ConfigOps) -> i64 {
    ops.settings().code_servers.reload_timeout
}

/// Returns whether Dagster waits at its end for the servers of user code that it started.
pub fn wait_for_local_code_server_processes_on_shutdown(ops: &dyn ConfigOps) -> bool {
    ops.settings().code_servers.wait_for_local_processes_on_shutdown
}
