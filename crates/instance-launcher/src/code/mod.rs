//! Code locations over gRPC: what their servers tell of jobs and assets, and how the servers are reached.
//!
//! Not here: how a run is put together, which `launch` does, nor how its worker is started, which `code_server` does.

mod api;
mod as_code_location;
mod cache;
mod channel;
mod client;
mod graph;
mod location;
mod locations;
mod options;
mod repository_text;
mod server;
mod target;
mod watch;

pub use client::CodeServerClient;
pub(crate) use graph::RepositoryGraph;
pub use location::GrpcCodeLocation;
pub(crate) use location::{ASSET_JOB, JobPart, job_origin};
pub use locations::CodeLocations;
pub use options::CodeLocationOptions;
pub use repository_text::RepositoryText;
pub use target::{GrpcPlace, GrpcTarget};
pub use watch::{CodeLocationChange, CodeLocationChangeKind, CodeLocationWatch};
