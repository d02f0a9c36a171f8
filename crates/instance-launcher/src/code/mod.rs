//! Code locations over gRPC: what their servers tell of jobs and assets, and how the servers are reached.
//!
//! Not here: how a run is put together, which `launch` does, nor how its worker is started, which `code_server` does.

mod api;
mod as_code_location;
mod channel;
mod client;
mod graph;
mod location;
mod repository_text;
mod target;

pub use client::CodeServerClient;
pub(crate) use graph::RepositoryGraph;
pub use location::GrpcCodeLocation;
pub(crate) use location::{ASSET_JOB, JobPart, job_origin};
pub use repository_text::RepositoryText;
pub use target::{GrpcPlace, GrpcTarget};
