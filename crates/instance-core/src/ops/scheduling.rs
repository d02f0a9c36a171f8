//! What the scheduling domain needs of an instance.

use crate::ops::{
    AutomationStoreAccess, BackfillStoreAccess, ClockAccess, DaemonStoreAccess,
    InstigatorStoreAccess, ScheduleStorageAccess, SettingsAccess, TickStoreAccess,
};

/// What the scheduling domain needs of an instance.
pub trait SchedulingOps:
    InstigatorStoreAccess
    + TickStoreAccess
    + AutomationStoreAccess
    + ScheduleStorageAccess
    + BackfillStoreAccess
    + DaemonStoreAccess
    + ClockAccess
    + SettingsAccess
{
}
