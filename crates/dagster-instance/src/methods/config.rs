//! The methods of the configuration domain.

use instance_core::settings::InstanceSettings;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// See [`instance_config::get_settings`].
    pub fn get_settings(&self) -> &InstanceSettings {
        instance_config::get_settings(self)
    }
}
