//! What the keepers of Dagster's duties need of an instance.

use crate::ops::{
    BackfillStoreAccess, DaemonStoreAccess, LauncherOps, OwnedKeeperOps, PoolStoreAccess,
    SettledEventStoreAccess,
};

/// What the keepers of Dagster's duties need of an instance: all that the launcher domain needs, and what daemons remember,
/// pools, backfills and the order of failures besides.
pub trait KeeperOps:
    LauncherOps
    + BackfillStoreAccess
    + DaemonStoreAccess
    + PoolStoreAccess
    + SettledEventStoreAccess
    + OwnedKeeperOps
{
}
