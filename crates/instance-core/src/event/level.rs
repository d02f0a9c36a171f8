//! The levels of log entries, which are Python's numbers.

use crate::serdes::{Pack, Reader, SerdesError, Unpack, Writer};

/// A level. A greater number is more severe. Numbers between the named levels occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogLevel(pub i64);

impl LogLevel {
    /// The level of the events of a running step.
    pub const DEBUG: Self = Self(10);
    /// The level of reports about a run.
    pub const INFO: Self = Self(20);
    /// Something to look at.
    pub const WARNING: Self = Self(30);
    /// Something failed.
    pub const ERROR: Self = Self(40);
    /// The run cannot go on.
    pub const CRITICAL: Self = Self(50);

    /// The name of the level, or of the next lower one that has a name.
    pub const fn name(self) -> &'static str {
        match self.0 {
            ..20 => "DEBUG",
            20..30 => "INFO",
            30..40 => "WARNING",
            40..50 => "ERROR",
            50.. => "CRITICAL",
        }
    }
}

impl Pack for LogLevel {
    fn pack(&self, writer: &mut Writer) {
        writer.integer(self.0);
    }
}

impl Unpack for LogLevel {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        reader.integer().map(Self)
    }
}
