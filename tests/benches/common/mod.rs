//! What the benchmarks share: the Python side, and the tables.

pub(crate) mod dagster;
pub(crate) mod report;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
