//! The methods of `instance-config`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-config` instead.

use instance_core::settings::InstanceSettings;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Returns the settings of the instance.
    pub fn get_settings(&self) -> &InstanceSettings {
        instance_config::get_settings(self)
    }
}
