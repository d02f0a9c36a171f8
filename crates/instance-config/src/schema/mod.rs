//! What `dagster.yaml` and `workspace.yaml` may say, as data: Dagster's sections and classes, the types of their values,
//! and their defaults.
//!
//! Not here: whether a file is right (`verdict`), and what a value means to this program (`settings`).

mod auto_materialize;
mod class_list;
mod classes;
mod compute_logs;
mod concurrency;
mod coordinators;
mod ecs;
mod instance;
mod json_schema;
mod kubernetes;
mod launchers;
mod others;
pub(crate) mod source;
mod storages;
mod types;
mod workspace;

pub(crate) use classes::{Class, ClassKind, Found, Slot, classes_of, find_class};
pub(crate) use instance::{INSTANCE, section};
pub use json_schema::{dagster_yaml_schema, workspace_yaml_schema};
pub(crate) use types::{Field, Need, Rule, Scalar, Secrecy, Type};
pub(crate) use workspace::{LOCATIONS, WORKSPACE};
