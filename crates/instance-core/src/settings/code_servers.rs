//! The section `code_servers`: how long servers of user code may take.

/// How long servers of user code may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeServerSettings {
    /// How many seconds a server that Dagster starts on its own machine may take to start. The default is 180.
    pub local_startup_timeout: i64,
    /// How many seconds a server may take to load its code again. The default is 180.
    pub reload_timeout: i64,
    /// Whether Dagster waits at its end for the servers that it started. The default is no.
    pub wait_for_local_processes_on_shutdown: bool,
}

impl Default for CodeServerSettings {
    fn default() -> Self {
        Self {
            local_startup_timeout: 180,
            reload_timeout: 180,
            wait_for_local_processes_on_shutdown: false,
        }
    }
}

impl CodeServerSettings {
    /// What Dagster does where nothing is configured.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl CodeServerSettings {
        /// How many seconds a server that Dagster starts on its own machine may take to start.
        with_local_startup_timeout(local_startup_timeout: i64);
        /// How many seconds a server may take to load its code again.
        with_reload_timeout(reload_timeout: i64);
        /// Whether Dagster waits at its end for the servers that it started.
        with_wait_for_local_processes_on_shutdown(wait_for_local_processes_on_shutdown: bool);
    }
}
