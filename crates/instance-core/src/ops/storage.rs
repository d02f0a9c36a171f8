//! What the storage domain needs of an instance.

use crate::ops::{SettingsAccess, StoresAccess};

/// What the storage domain needs of an instance: all stores, and the settings, which name the directories.
pub trait StorageOps: StoresAccess + SettingsAccess {}
