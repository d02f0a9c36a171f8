//! Who keeps which duty, for people.

use std::collections::BTreeMap;

use instance_core::daemon::DaemonType;
use instance_core::error::InstanceError;
use instance_core::ops::KeeperOps;

use super::KeeperProcess;
use super::holder::{HOLDERS, Holder, sign_key, time_of_sign};

/// The lease of a duty: who leads, or has led last.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KeeperLease {
    /// The duty.
    pub daemon_type: DaemonType,
    /// The id of the keeper, which its heartbeats have, too.
    pub daemon_id: String,
    /// Its process.
    pub process: KeeperProcess,
    /// How many leaders the duty has had, this one included.
    pub epoch: u64,
    /// Whether the keeper has ended by itself. If not, it leads, or was killed.
    pub is_released: bool,
    /// When it gave its last sign, in seconds since 1970 by its own clock; `None` if that is not known.
    pub last_sign: Option<f64>,
}

/// The leases of all duties that keepers of this project do or did, by duty. It is empty if there never was one.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_keeper_leases(ops: &dyn KeeperOps) -> Result<Vec<KeeperLease>, InstanceError> {
    let store = ops.daemon_store();
    let holders = store.get_cursor_values_beginning(HOLDERS).await?;
    let of_lease = |(key, text): (String, String)| {
        let daemon_type = DaemonType::from(key.strip_prefix(HOLDERS).unwrap_or_default());
        (daemon_type, Holder::parse(&text))
    };
    let holders: BTreeMap<_, _> = holders.into_iter().map(of_lease).collect();
    let signs = store.get_cursor_values(&holders.keys().map(sign_key).collect()).await?;
    let lease = |(daemon_type, holder): (DaemonType, Holder)| KeeperLease {
        last_sign: signs.get(&sign_key(&daemon_type)).and_then(|sign| time_of_sign(sign)),
        daemon_id: holder.id,
        process: holder.process,
        epoch: holder.epoch,
        is_released: holder.is_released,
        daemon_type,
    };
    Ok(holders.into_iter().map(lease).collect())
}
