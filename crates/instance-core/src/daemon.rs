//! Daemons: the signs of life that they leave.

use crate::error_info::SerializableErrorInfo;
use crate::serdes::{Kind, Number, Pack, Reader, SerdesError, UnknownFields, Unpack, Writer};
use crate::serdes_class;

/// The kind of a daemon, such as `SENSOR`: Dagster's own or that of a deployment's extension.
///
/// Stored as text. Versions before 0.11 stored a member of an enum, whose name is the text of today.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DaemonType(String);

impl DaemonType {
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
