//! What the storage domain needs of an instance.

use crate::ops::{ClockAccess, SettingsAccess, StoresAccess};

/// What the storage domain needs of an instance: all stores, the settings, which name the directories, and the time.
pub trait StorageOps: StoresAccess + SettingsAccess + ClockAccess {}
