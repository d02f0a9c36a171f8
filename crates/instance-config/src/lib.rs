//! The configuration domain: where an instance lives, and what its `dagster.yaml` says.
//!
//! The only crate that reads configuration files and environment variables.
//!
#![doc = include_str!("../README.md")]

mod check;
mod config;
mod document;
mod environment;
mod found_file;
mod home;
mod retention;
mod schema;
mod settings;
mod storage;
mod user_home;
mod verdict;
mod yaml;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use check::{ConfigCheck, check_config};
pub use environment::{Environment, ProcessEnvironment};
pub use home::{Home, HomeSource, find_home};
pub use schema::dagster_yaml_schema;
pub use settings::{get_settings, load_settings};
