//! What the asset domain needs of an instance.

use crate::ops::{AssetStoreAccess, EventReporter};

/// What the asset domain needs of an instance.
pub trait AssetOps: AssetStoreAccess + EventReporter {}
