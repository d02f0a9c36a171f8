//! The configuration domain: where an instance lives, and what its `dagster.yaml` says.
//!
//! The only crate that reads configuration files and environment variables.
//!
#![doc = include_str!("../README.md")]

mod environment;
mod home;
mod retention;
mod settings;
mod storage;
mod yaml;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use environment::{Environment, ProcessEnvironment};
pub use home::{Home, HomeSource, find_home};
pub use settings::{get_settings, load_settings};
