//! The tests of the crate as its users see it: what definitions say about keys, as Dagster says it.

mod cached_subset;
mod partitions;
