//! The loop over an instance in memory, with a launcher that does as it is told and a clock that stands still.
//!
//! The first tests are Dagster's own of its loop, `test_queued_run_coordinator_daemon.py`. Dagster runs each with threads and
//! without; here it is with one worker and with eight.

mod dagsters;
mod launches;
mod recovery;
mod world;
