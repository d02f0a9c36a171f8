//! How large the messages of code servers may be, and how long we wait for them.

use std::path::PathBuf;
use std::time::Duration;

/// The limits of calls to code servers. Dagster reads them from variables of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrpcLimits {
    /// The most bytes of a message that is received; 100,000,000 by default.
    pub max_rx_bytes: usize,
    /// The most bytes of a message that is sent; 100,000,000 by default.
    pub max_send_bytes: usize,
    /// How long an answer may take; 60 seconds by default.
    pub timeout: Duration,
    /// How long a repository may take, and a job of it; 180 seconds by default, and never less than `timeout`.
    pub repository_timeout: Duration,
    /// A file with the certificates that are trusted, instead of those of the system.
    pub root_certificates: Option<PathBuf>,
}

impl Default for GrpcLimits {
    fn default() -> Self {
        Self {
            max_rx_bytes: 100_000_000,
            max_send_bytes: 100_000_000,
            timeout: Duration::from_mins(1),
            repository_timeout: Duration::from_mins(3),
            root_certificates: None,
        }
    }
}
