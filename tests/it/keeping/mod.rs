//! Our `daemon run` beside what a deployment of Dagster has: its web server, its own daemon, a code server with real runs.
//!
//! Not here: keepers that are killed again and again.

mod deployment;
mod many;
mod page;
mod takeover;
mod twin;
