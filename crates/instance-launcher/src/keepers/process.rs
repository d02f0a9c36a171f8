//! The process of a keeper, as it is stored, and whether it runs.
//!
//! Without the feature `process`, nothing is known of the processes of others.

#[cfg(feature = "process")]
use crate::process::identity::{Presence, ProcessIdentity};

/// The process of a keeper, by which others on its host can tell that it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeeperProcess {
    /// Its pid, in its host or container.
    pub pid: u32,
    /// The name of its host; empty if it is not known.
    pub host: String,
    /// What tells it from other processes of the same pid, on any host; empty if it is not known.
    pub birth: String,
}

impl KeeperProcess {
    /// The process of a keeper, as it was stored.
    pub const fn new(pid: u32, host: String, birth: String) -> Self {
        Self { pid, host, birth }
    }

    /// This process.
    pub fn this() -> Self {
        let pid = std::process::id();
        #[cfg(feature = "process")]
        let (host, birth) = {
            let identity = ProcessIdentity::of(pid);
            (identity.host.clone(), identity.to_text())
        };
        #[cfg(not(feature = "process"))]
        let (host, birth) = (String::new(), String::new());
        Self { pid, host, birth }
    }

    /// Whether it is known to be gone. A process of another host or container is not.
    pub fn is_gone(&self) -> bool {
        #[cfg(feature = "process")]
        let is_gone = ProcessIdentity::parse(&self.pid.to_string(), &self.host, &self.birth)
            .is_some_and(|identity| identity.presence() == Presence::Gone);
        #[cfg(not(feature = "process"))]
        let is_gone = false;
        is_gone
    }
}
