//! Code locations over gRPC: what their servers tell of jobs and assets, and how the servers are reached.
//!
//! Not here: how a run is put together, which `launch` does, nor how its worker is started, which `code_server` does.

mod api;
mod channel;
mod client;
mod graph;
mod location;
mod repository_text;
mod target;

pub use client::CodeServerClient;
pub use location::GrpcCodeLocation;
pub(crate) use location::{JobPart, job_origin};
pub use repository_text::RepositoryText;
pub use target::{GrpcPlace, GrpcTarget};
