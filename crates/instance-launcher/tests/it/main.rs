//! The launcher domain over an instance in memory: runs from their submission to their end, and real processes.

mod coordinators;
mod fake;
mod health;
mod lifecycle;
#[cfg(feature = "process")]
mod other_process;
#[cfg(feature = "process")]
mod process;
#[cfg(feature = "process")]
mod process_failures;
