//! What the configuration domain needs of an instance.

use crate::ops::SettingsAccess;

/// What the configuration domain needs of an instance.
pub trait ConfigOps: SettingsAccess {}
