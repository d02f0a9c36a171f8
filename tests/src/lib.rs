//! What the tests share: a home in a temporary directory, our binary, and the pinned Dagster.
//!
//! Nothing here checks anything about the program; a tool that is missing fails the test.
#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that lacks its tools has failed"
)]

pub mod answers;
mod code_location;
pub mod configurations;
pub mod conformance;
mod dagster;
mod delay;
mod home;
mod memory;
mod minimise;
mod ours;
pub mod scenarios;
pub mod speed;
mod text;
mod tools;

pub use code_location::{Executed, PythonJob, execute, execute_by_reference};
pub use dagster::{dagster, dagster_script, dagster_with_input};
pub use delay::delayed;
pub use home::{Home, copy_directory};
pub use memory::memory;
pub use minimise::minimised;
pub use ours::{Finished, Running};
pub use text::difference;
pub use tools::{binary, binary_with_clouds, corpus, node, old_databases, python, root};
