//! The places where captured output is kept: files, nowhere, and S3 with the feature `s3`.
//!
//! Not here: what a capture is (`instance_core::storage`), and who makes one (the launcher).

mod configured;
mod local;
mod noop;
#[cfg(feature = "s3")]
mod s3;
mod unserved;

pub use configured::compute_log_manager;
pub use local::LocalComputeLogManager;
pub use noop::NoOpComputeLogManager;
#[cfg(feature = "s3")]
pub use s3::S3ComputeLogManager;
pub use unserved::UnservedComputeLogManager;
