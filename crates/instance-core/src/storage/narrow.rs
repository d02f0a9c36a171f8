//! Tables of a server whose ids have 32 bits, as old releases made them, and what it takes to give them 64.

use std::time::Duration;

/// The greatest number of 32 bits.
const GREATEST: i64 = 2_147_483_647;

/// A table whose ids, or the sequence that gives them, end at 2,147,483,647.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NarrowTable {
    /// Its name.
    pub table: String,
    /// The columns of 32 bits that have 64 in a new database; empty if only the sequence is narrow.
    pub columns: Vec<String>,
    /// The type of the sequence of its ids, in the words of the server; `None` if it has none.
    pub sequence_type: Option<String>,
    /// The size of the table with its indexes, in bytes. It is written anew if a column is narrow.
    pub bytes: u64,
    /// How many rows it has, as far as the server knows.
    pub rows: u64,
    /// The greatest id that was given; `None` if there is none, or if the role may not read it.
    pub greatest_id: Option<i64>,
}

impl NarrowTable {
    /// How many bytes of tables and indexes a server writes anew in a second: a bit less than `cargo xtask upgrade-bench` has
    /// measured on a machine that was busy (`docs/benchmarks-upgrade.md`).
    pub const BYTES_PER_SECOND: u64 = 40_000_000;

    /// A table, of which nothing more is known.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            columns: Vec::new(),
            sequence_type: None,
            bytes: 0,
            rows: 0,
            greatest_id: None,
        }
    }

    /// How many bytes are written anew.
    pub const fn bytes_written(&self) -> u64 {
        if self.columns.is_empty() { 0 } else { self.bytes }
    }

    /// How long it takes about to write it anew, while nobody reads or writes the table.
    pub fn takes(&self) -> Duration {
        Duration::from_millis(self.bytes_written().saturating_mul(1_000) / Self::BYTES_PER_SECOND)
    }

    /// How much of the numbers of 32 bits is used, in per cent.
    pub fn used_percent(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        self.greatest_id.map(|greatest| greatest as f64 * 100.0 / GREATEST as f64)
    }
}

crate::setters! {
    impl NarrowTable {
        /// The columns of 32 bits that have 64 in a new database.
        with_columns(columns: Vec<String>);
        /// The type of the sequence of its ids, in the words of the server.
        with_sequence_type(sequence_type: impl Into<Option<String>>);
        /// The size of the table with its indexes, in bytes.
        with_bytes(bytes: u64);
        /// How many rows it has, as far as the server knows.
        with_rows(rows: u64);
        /// The greatest id that was given.
        with_greatest_id(greatest_id: impl Into<Option<i64>>);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_columns_are_written_anew() {
        let sequence = NarrowTable::new("runs").with_bytes(60_000_000);
        assert_eq!(sequence.takes(), Duration::ZERO);
        let column = sequence.with_columns(vec!["id".to_owned()]);
        let seconds = 60_000_000_000 / NarrowTable::BYTES_PER_SECOND;
        assert_eq!(column.takes(), Duration::from_millis(seconds));
    }

    #[test]
    fn what_is_used_is_a_share_of_32_bits() {
        let used = |greatest| NarrowTable::new("runs").with_greatest_id(greatest).used_percent();
        assert_eq!(used(None), None);
        assert_eq!(used(Some(GREATEST)), Some(100.0));
        assert!(used(Some(1_073_741_824)).is_some_and(|used| (used - 50.0).abs() < 0.001));
    }
}
