//! Databases of old releases that we upgrade, beside the same databases that Dagster upgrades.

mod bigint;
mod poolers;
mod postgres;
mod postgres_found;
mod postgres_kills;
mod sqlite;

/// The newest revision.
const HEAD: &str = "29b539ebc72a";
