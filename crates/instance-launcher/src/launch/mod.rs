//! Launching real code: what a person asks for becomes a run that can be created.
//!
//! Not here: how code servers are asked, nor storing and submitting the run, which other domains do.

mod code;
mod partitions;
mod prepare;
mod request;
mod retried;
#[cfg(test)]
mod tests;

pub use prepare::{asset_graph_of_plan, ensure_current, prepare_run};
pub use request::{LaunchPartition, LaunchRequest, LaunchStyle};
pub use retried::job_of_run;
