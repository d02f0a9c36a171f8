//! What the benchmarks share: the Python side, and the tables.

mod dagster;
mod report;

pub use dagster::Dagster;
pub use report::{Report, Samples, flush_us, median, show};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
