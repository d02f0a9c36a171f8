//! The lease of a duty: who has it leads. It is taken, renewed and released by comparing and setting values, so it needs no
//! connection of its own, and works through every pooler.
//!
//! No clocks of two hosts are compared: a keeper that waits measures by its own clock for how long a sign has not changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use instance_core::clock::timestamp_of;
use instance_core::daemon::DaemonType;
use instance_core::error::StorageError;
use instance_core::ops::KeeperOps;
use instance_core::storage::Fence;
use tokio::time::Instant;

use super::holder::{Holder, holder_key, sign, sign_key};
use super::{KeeperProcess, KeeperTimes};

/// The lease of a leader. Clones are handles to the same lease.
#[derive(Debug, Clone)]
pub struct Lease(Arc<Held>);

struct Held {
    holder: Holder,
    daemon_type: DaemonType,
    fence: Fence,
    times: KeeperTimes,
    /// How many signs were given.
    signs: AtomicU64,
    /// When the last renewal that succeeded was begun.
    renewed: Mutex<Instant>,
    is_paused: AtomicBool,
    has_ended: AtomicBool,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { holder, daemon_type, .. } = self;
        f.debug_struct("Held")
            .field("holder", holder)
            .field("of", daemon_type)
            .finish_non_exhaustive()
    }
}

impl Lease {
    fn new(holder: Holder, daemon_type: DaemonType, times: KeeperTimes, begun: Instant) -> Self {
        let fence = Fence { key: holder_key(&daemon_type), value: holder.to_text() };
        Self(Arc::new(Held {
            holder,
            daemon_type,
            fence,
            times,
            signs: AtomicU64::new(0),
            renewed: Mutex::new(begun),
            is_paused: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        }))
    }

    /// What every change of the leader is made with. Once another keeper leads, nothing is changed with it.
    pub fn fence(&self) -> Fence {
        self.0.fence.clone()
    }

    /// The id of the keeper, which its heartbeats and notes have.
    pub fn daemon_id(&self) -> &str {
        &self.0.holder.id
    }

    /// The process of the keeper.
    pub fn process(&self) -> &KeeperProcess {
        &self.0.holder.process
    }

    /// How many leaders this duty has had, this one included.
    pub fn epoch(&self) -> u64 {
        self.0.holder.epoch
    }

    /// Whether something new may be begun: the lease was renewed a moment ago, Dagster's own daemon does not do this duty, and
    /// the keeper is not about to end.
    pub fn may_begin(&self) -> bool {
        !self.0.has_ended.load(Ordering::Acquire)
            && !self.0.is_paused.load(Ordering::Acquire)
            && self.since_renewal() < self.0.times.doubt_after
    }

    /// Whether another keeper may have taken it by now.
    pub(super) fn may_be_lost(&self) -> bool {
        self.since_renewal() >= self.0.times.lost_after
    }

    fn since_renewal(&self) -> std::time::Duration {
        self.0.renewed.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    pub(super) fn pause(&self, is_paused: bool) {
        self.0.is_paused.store(is_paused, Ordering::Release);
    }

    /// Nothing new begins any more.
    pub(super) fn end(&self) {
        self.0.has_ended.store(true, Ordering::Release);
    }
}

/// The place of a keeper of one duty: with a lease, or waiting for it.
#[derive(Debug)]
pub(super) struct Seat {
    daemon_type: DaemonType,
    own: Holder,
    times: KeeperTimes,
    /// What was last seen of another holder, and since when it has been so.
    seen: Option<(Values, Instant)>,
    /// The ids of all keepers that were seen as holders, and our own.
    known: BTreeSet<String>,
}

/// The values of a lease, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Values {
    holder: Option<String>,
    sign: Option<String>,
}

/// What came of trying to take a lease.
#[derive(Debug)]
pub(super) enum Taking {
    Taken(Lease),
    /// Somebody else has it.
    HeldBy(Holder),
}

impl Seat {
    pub(super) fn new(
        daemon_type: DaemonType,
        id: &str,
        process: KeeperProcess,
        times: KeeperTimes,
    ) -> Self {
        let own = Holder { id: id.to_owned(), epoch: 0, process, is_released: false };
        let known = BTreeSet::from([id.to_owned()]);
        Self { daemon_type, own, times, seen: None, known }
    }

    /// The ids of keepers of this project, as far as this one has seen them.
    pub(super) const fn known_ids(&self) -> &BTreeSet<String> {
        &self.known
    }

    async fn read(&self, ops: &dyn KeeperOps) -> Result<Values, StorageError> {
        let keys = [holder_key(&self.daemon_type), sign_key(&self.daemon_type)];
        let mut values = ops.daemon_store().get_cursor_values(&keys.clone().into()).await?;
        let [holder, sign] = keys.map(|key| values.remove(&key));
        Ok(Values { holder, sign })
    }

    /// Who holds the lease, or has held it last; `None` if nobody ever did.
    pub(super) async fn holder(
        &mut self,
        ops: &dyn KeeperOps,
    ) -> Result<Option<Holder>, StorageError> {
        let holder = self.read(ops).await?.holder.as_deref().map(Holder::parse);
        self.known.extend(holder.iter().map(|holder| holder.id.clone()));
        Ok(holder)
    }

    /// Takes the lease if it is free: nobody holds it, its holder has ended, or has given no sign for long.
    pub(super) async fn take(&mut self, ops: &dyn KeeperOps) -> Result<Taking, StorageError> {
        let values = self.read(ops).await?;
        let before = values.holder.as_deref().map(Holder::parse);
        self.known.extend(before.iter().map(|holder| holder.id.clone()));
        if let Some(holder) = &before
            && !self.is_free(holder, &values)
        {
            return Ok(Taking::HeldBy(holder.clone()));
        }
        let epoch = before.as_ref().map_or(0, |holder| holder.epoch).saturating_add(1);
        let own = Holder { epoch, ..self.own.clone() };
        let begun = Instant::now();
        let store = ops.daemon_store();
        let key = holder_key(&self.daemon_type);
        let taken =
            store.change_cursor_value(&key, values.holder.as_deref(), Some(&own.to_text())).await?;
        self.seen = None;
        if !taken {
            // Another one was faster.
            let holder = self.holder(ops).await?;
            return Ok(Taking::HeldBy(holder.unwrap_or(own)));
        }
        let lease = Lease::new(own, self.daemon_type.clone(), self.times, begun);
        renew(ops, &lease).await?;
        Ok(Taking::Taken(lease))
    }

    fn is_free(&mut self, holder: &Holder, values: &Values) -> bool {
        if holder.is_released || holder.id == self.own.id || holder.process.is_gone() {
            return true;
        }
        match &self.seen {
            Some((seen, since)) if seen == values => since.elapsed() >= self.times.lost_after,
            _ => {
                self.seen = Some((values.clone(), Instant::now()));
                false
            }
        }
    }
}

/// Gives a sign of a leader; whether it is the leader still.
pub(super) async fn renew(ops: &dyn KeeperOps, lease: &Lease) -> Result<bool, StorageError> {
    let held = &lease.0;
    let begun = Instant::now();
    let count = held.signs.fetch_add(1, Ordering::Relaxed);
    let sign = sign(held.holder.epoch, count, timestamp_of(ops.clock().now()));
    let pairs = BTreeMap::from([(sign_key(&held.daemon_type), sign)]);
    let is_leader = ops.daemon_store().set_cursor_values_if(&held.fence, &pairs).await?;
    if is_leader {
        *held.renewed.lock().unwrap_or_else(PoisonError::into_inner) = begun;
    }
    Ok(is_leader)
}

/// Lets others take the lease at once. Nothing happens if another keeper has it.
pub(super) async fn release(ops: &dyn KeeperOps, lease: &Lease) -> Result<(), StorageError> {
    lease.end();
    let Fence { key, value } = &lease.0.fence;
    let released = lease.0.holder.released().to_text();
    ops.daemon_store().change_cursor_value(key, Some(value), Some(&released)).await.map(drop)
}
