//! The clock and the source of fresh ids. Both are passed in, so that tests can control them.

use chrono::{DateTime, Utc};

pub use instance_partitions::time::{datetime_of, timestamp_of};

use crate::ids::RunId;

/// Where the time comes from.
pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that all others take the time from"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// Where fresh ids come from.
pub trait IdSource: std::fmt::Debug + Send + Sync + 'static {
    /// An id that was never given before.
    fn uuid(&self) -> uuid::Uuid;

    /// The id of a new run.
    fn run_id(&self) -> RunId {
        RunId::from(self.uuid().to_string())
    }

    /// The last part of the key of a process's captured output: eight lower-case letters, as
    /// Dagster makes them.
    fn log_file_key(&self) -> String {
        let bytes = self.uuid().into_bytes();
        // The first and last bytes of a random UUID are random; the middle holds its version.
        bytes[..4].iter().chain(&bytes[12..]).map(|byte| char::from(b'a' + byte % 26)).collect()
    }
}

/// Random ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the source that all others take ids from"
    )]
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::new_v4()
    }
}

#[cfg(test)]
mod tests {
    use super::IdSource;

    #[test]
    fn file_keys_are_eight_letters() {
        #[derive(Debug)]
        struct Fixed;
        impl IdSource for Fixed {
            fn uuid(&self) -> uuid::Uuid {
                uuid::Uuid::from_u128(0x0102_0304_0000_4000_8000_0000_1a1b_1c1d)
            }
        }
        assert_eq!(Fixed.log_file_key(), "bcdeabcd");
    }
}
