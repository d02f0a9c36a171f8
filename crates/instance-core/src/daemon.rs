//! Daemons: the signs of life that they leave.

use crate::error_info::SerializableErrorInfo;
use crate::serdes::Number;
use crate::serdes_class;

serdes_class! {
    /// A sign of life of a daemon.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DaemonHeartbeat = "DaemonHeartbeat" {
        /// The process of the daemon.
        pub daemon_id: Option<String> = "daemon_id",
        /// The kind of the daemon, such as `SENSOR`.
        pub daemon_type: String = "daemon_type",
        /// The errors since the last sign.
        pub errors: Option<Vec<SerializableErrorInfo>> = "errors",
        /// When it was left, in seconds since 1970.
        pub timestamp: Number = "timestamp",
    }
}
