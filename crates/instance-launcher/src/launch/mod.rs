//! Launching real code: what a person asks for becomes a run that can be created.
//!
//! Not here: how code servers are asked, nor storing and submitting the run, which other domains do.

mod partitions;
mod prepare;
mod request;

pub use prepare::prepare_run;
pub use request::{LaunchPartition, LaunchRequest, LaunchStyle};
