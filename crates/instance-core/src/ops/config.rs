//! What the configuration domain needs of an instance.

use crate::settings::InstanceSettings;

/// What the configuration domain needs of an instance.
pub trait ConfigOps: Send + Sync {
    /// The settings.
    fn settings(&self) -> &InstanceSettings;
}
