//! What code locations are opened with.

use std::time::Duration;

use instance_core::instance_ref::InstanceRef;
use instance_core::settings::GrpcLimits;

#[cfg(feature = "process")]
use crate::server_process::{InterpreterSearch, ServerOutput};

/// What code locations are opened with. An instance makes them of its settings.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CodeLocationOptions {
    /// The limits of calls.
    pub limits: GrpcLimits,
    /// By what the code opens the instance. `None` if it opens none, and then nothing can be launched.
    pub instance_ref: Option<InstanceRef>,
    /// How long a server that is started may take until it answers; `None` for as long as it needs. The default is 180
    /// seconds.
    pub startup_timeout: Option<Duration>,
    /// After how many seconds without a heartbeat of ours a server that was started ends. The default is 25. It has to be at
    /// least 1. A server looks once in this time, so it may take twice as long.
    pub heartbeat_timeout_seconds: u32,
    /// Where the interpreter is looked for, if the workspace does not name it.
    #[cfg(feature = "process")]
    pub interpreters: InterpreterSearch,
    /// Who gets what started servers print; `None` if nobody does.
    #[cfg(feature = "process")]
    pub output: Option<ServerOutput>,
}

impl CodeLocationOptions {
    /// Options with these limits, without an instance.
    pub fn new(limits: GrpcLimits) -> Self {
        Self {
            limits,
            instance_ref: None,
            startup_timeout: Some(Duration::from_mins(3)),
            heartbeat_timeout_seconds: 25,
            #[cfg(feature = "process")]
            interpreters: InterpreterSearch::default(),
            #[cfg(feature = "process")]
            output: None,
        }
    }
}

instance_core::setters! {
    impl CodeLocationOptions {
        /// By what the code opens the instance.
        with_instance_ref(instance_ref: impl Into<Option<InstanceRef>>);
        /// How long a server that is started may take until it answers.
        with_startup_timeout(startup_timeout: impl Into<Option<Duration>>);
        /// After how many seconds without a heartbeat of ours a server that was started ends.
        with_heartbeat_timeout_seconds(heartbeat_timeout_seconds: u32);
    }
}

#[cfg(feature = "process")]
instance_core::setters! {
    impl CodeLocationOptions {
        /// Where the interpreter is looked for.
        with_interpreters(interpreters: InterpreterSearch);
        /// Who gets what started servers print.
        with_output(output: impl Into<Option<ServerOutput>>);
    }
}
