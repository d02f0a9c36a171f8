//! Daemons: the signs of life that they leave, and what follows from these.

use crate::error_info::SerializableErrorInfo;
use crate::serdes::{Kind, Number, Pack, Reader, SerdesError, UnknownFields, Unpack, Writer};
use crate::serdes_class;
use crate::storage::Only;

/// The kind of a daemon, such as `SENSOR`: Dagster's own or that of a deployment's extension.
///
/// Stored as text. Versions before 0.11 stored a member of an enum, whose name is the text of today.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DaemonType(String);

impl DaemonType {
    /// It evaluates sensors.
    pub const SENSOR: &'static str = "SENSOR";
    /// It asks for the runs of backfills.
    pub const BACKFILL: &'static str = "BACKFILL";
    /// It starts the runs of schedules.
    pub const SCHEDULER: &'static str = "SCHEDULER";
    /// It takes runs from the queue.
    pub const QUEUED_RUN_COORDINATOR: &'static str = "QUEUED_RUN_COORDINATOR";
    /// It looks for runs whose worker is gone.
    pub const MONITORING: &'static str = "MONITORING";
    /// It retries failed runs.
    pub const EVENT_LOG_CONSUMER: &'static str = "EVENT_LOG_CONSUMER";
    /// It evaluates automation conditions.
    pub const ASSET: &'static str = "ASSET";
    /// It evaluates the freshness of assets.
    pub const FRESHNESS_DAEMON: &'static str = "FRESHNESS_DAEMON";

    /// The kind as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for DaemonType {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Display for DaemonType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pack for DaemonType {
    fn pack(&self, writer: &mut Writer) {
        writer.string(&self.0);
    }
}

impl Unpack for DaemonType {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        if reader.kind()? == Kind::Object {
            return reader.enum_text().map(|text| {
                Self(text.rsplit_once('.').map_or(&*text, |(_, member)| member).to_owned())
            });
        }
        String::unpack(reader).map(Self)
    }
}

serdes_class! {
    /// A sign of life of a daemon.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DaemonHeartbeat = "DaemonHeartbeat" {
        /// The process of the daemon.
        pub daemon_id: Option<String> = "daemon_id",
        /// The kind of the daemon.
        pub daemon_type: DaemonType = "daemon_type",
        /// The one error that old versions left; see [`DaemonHeartbeat::errors`].
        pub stored_error: Option<SerializableErrorInfo> = "error" [skip],
        /// The errors since the last sign, newest first; see [`DaemonHeartbeat::errors`].
        pub stored_errors: Option<Vec<SerializableErrorInfo>> = "errors",
        /// When it was left, in seconds since 1970.
        pub timestamp: Number = "timestamp",
    }
}

impl DaemonHeartbeat {
    /// A sign of life at a time in seconds since 1970. `daemon_id` tells the processes of one kind apart.
    pub fn new(
        daemon_type: DaemonType,
        daemon_id: impl Into<String>,
        timestamp: f64,
        errors: Vec<SerializableErrorInfo>,
    ) -> Self {
        Self {
            daemon_id: Some(daemon_id.into()),
            daemon_type,
            stored_error: None,
            stored_errors: Some(errors),
            timestamp: timestamp.into(),
            unknown: UnknownFields::default(),
        }
    }

    /// The errors since the last sign, in whichever form they are stored.
    pub fn errors(&self) -> &[SerializableErrorInfo] {
        match (&self.stored_error, &self.stored_errors) {
            (Some(error), _) => std::slice::from_ref(error),
            (None, Some(errors)) => errors,
            (None, None) => &[],
        }
    }
}

/// How a daemon stands, as its last sign of life tells it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DaemonStatus {
    /// The kind of the daemon.
    pub daemon_type: DaemonType,
    /// Whether the configuration of the instance needs it.
    pub required: bool,
    /// Whether its last sign of life is recent enough; `None` if it is not required.
    pub healthy: Option<bool>,
    /// Its last sign of life; `None` if it has left none, or if it is not required.
    pub last_heartbeat: Option<DaemonHeartbeat>,
}

impl DaemonStatus {
    /// A daemon that is not required.
    pub const fn not_required(daemon_type: DaemonType) -> Self {
        Self { daemon_type, required: false, healthy: None, last_heartbeat: None }
    }

    /// A daemon that is required.
    pub const fn required(
        daemon_type: DaemonType,
        healthy: bool,
        last_heartbeat: Option<DaemonHeartbeat>,
    ) -> Self {
        Self { daemon_type, required: true, healthy: Some(healthy), last_heartbeat }
    }
}

/// Which daemons are looked at, and what makes one healthy.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DaemonStatusQuery {
    /// Which kinds of daemons. By default it is any that the instance requires.
    pub daemon_types: Only<DaemonType>,
    /// Whether a daemon counts as healthy whose last sign of life tells of errors. The default is yes.
    pub ignore_errors: bool,
    /// How many seconds pass between two signs of life. The default is 30.
    pub heartbeat_interval_seconds: f64,
    /// How many seconds a sign of life may be late. The default is 1,800.
    pub heartbeat_tolerance_seconds: f64,
}

impl Default for DaemonStatusQuery {
    fn default() -> Self {
        Self {
            daemon_types: Only::Any,
            ignore_errors: true,
            heartbeat_interval_seconds: 30.0,
            heartbeat_tolerance_seconds: 1_800.0,
        }
    }
}

impl DaemonStatusQuery {
    /// All daemons that the instance requires, judged as Dagster's web page judges them.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl DaemonStatusQuery {
        /// Which kinds of daemons.
        with_daemon_types(daemon_types: Only<DaemonType>);
        /// Whether a daemon counts as healthy whose last sign of life tells of errors.
        with_ignore_errors(ignore_errors: bool);
        /// How many seconds pass between two signs of life.
        with_heartbeat_interval_seconds(heartbeat_interval_seconds: f64);
        /// How many seconds a sign of life may be late.
        with_heartbeat_tolerance_seconds(heartbeat_tolerance_seconds: f64);
    }
}
