//! The tests across all crates: the binary and the library, seen by the real Dagster.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod answers;
mod architecture;
mod compute_logs;
mod compute_logs_s3;
mod concurrency;
mod config_cases;
mod conformance;
mod crash;
mod cron;
mod dagster_watches;
mod data_migrations;
mod doctor;
mod exec;
mod execution;
mod following;
mod instance_ref;
mod migrate;
mod old_databases;
mod pipes;
mod postgres;
mod postgres_as_found;
mod postgres_matrix;
mod postgres_webserver;
mod query_plans;
mod reading_back;
mod refusals;
mod schema;
mod snapshots;
mod sqlite_as_found;
mod too_long;
mod two_writers;
mod watch;
mod webserver;
mod webserver_home;
mod webserver_pages;
