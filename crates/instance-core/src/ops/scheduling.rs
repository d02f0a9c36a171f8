//! What the scheduling domain needs of an instance.

use crate::ops::InstigatorStoreAccess;

/// What the scheduling domain needs of an instance.
pub trait SchedulingOps: InstigatorStoreAccess {}
