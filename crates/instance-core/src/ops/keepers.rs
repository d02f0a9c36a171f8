//! What the keepers need of an instance: the loops that do the duties of daemons.

use crate::ops::{
    BackfillStoreAccess, DaemonStoreAccess, LauncherOps, PoolStoreAccess, SettledEventStoreAccess,
};

/// What the keepers need of an instance.
pub trait KeeperOps:
    LauncherOps + DaemonStoreAccess + PoolStoreAccess + BackfillStoreAccess + SettledEventStoreAccess
{
}
