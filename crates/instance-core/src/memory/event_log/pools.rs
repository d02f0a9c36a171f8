//! Pools: their limits, their slots, and the steps that wait.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryEventLogStorage;
use crate::error::StorageError;
use crate::ids::RunId;
use crate::storage::{
    ClaimedSlotInfo, ConcurrencyClaimStatus, ConcurrencyKeyInfo, ConcurrencySlotStatus,
    PendingStepInfo, PoolLimit, PoolStore, require_pool_limit,
};

/// All pools by their names; one is there from its first limit or claim.
#[derive(Debug, Default)]
pub(in crate::memory) struct Pools {
    pools: BTreeMap<String, Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    limit: Option<Limit>,
    /// Oldest first.
    slots: Vec<Slot>,
    /// The steps that wait, and those for which a slot is set aside, in the order in which they came.
    pending: Vec<PendingStepInfo>,
}

#[derive(Debug, Clone, Copy)]
struct Limit {
    limit: i64,
    from_default: bool,
}

#[derive(Debug, Default)]
struct Slot {
    claimed_by: Option<ClaimedSlotInfo>,
    /// Whether it goes as soon as it is free.
    is_deleted: bool,
}

impl Slot {
    const fn is_free(&self) -> bool {
        self.claimed_by.is_none() && !self.is_deleted
    }

    fn is_of(&self, run_id: &RunId, step_key: Option<&str>) -> bool {
        self.claimed_by.as_ref().is_some_and(|claim| {
            claim.run_id == *run_id && step_key.is_none_or(|step_key| claim.step_key == step_key)
        })
    }
}

impl Pool {
    /// How many slots there are, without those that go.
    fn slot_count(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.is_deleted).count()
    }

    /// Gives the pool so many slots. Surplus slots go at once if they are free, else when they are freed. Free ones
    /// go first, then the newest.
    fn allocate(&mut self, limit: i64) {
        let limit = usize::try_from(limit).unwrap_or(0);
        let count = self.slot_count();
        if count < limit {
            self.slots.resize_with(self.slots.len() + limit - count, Slot::default);
        }
        let mut surplus: Vec<&mut Slot> =
            self.slots.iter_mut().rev().filter(|slot| !slot.is_deleted).collect();
        surplus.sort_by_key(|slot| slot.claimed_by.is_some());
        for slot in surplus.into_iter().take(count.saturating_sub(limit)) {
            slot.is_deleted = true;
        }
        self.slots.retain(|slot| !slot.is_deleted || slot.claimed_by.is_some());
    }

    /// Sets free slots aside for steps that wait. The step with the greatest priority comes first, and among equals
    /// the one that has waited longest.
    fn assign(&mut self, now: DateTime<Utc>) {
        let assigned = self.pending.iter().filter(|step| step.assigned_timestamp.is_some()).count();
        let slots = self.slot_count().saturating_sub(assigned);
        let mut waiting: Vec<_> =
            self.pending.iter_mut().filter(|step| step.assigned_timestamp.is_none()).collect();
        waiting.sort_by_key(|step| Reverse(step.priority.unwrap_or(0)));
        for step in waiting.into_iter().take(slots) {
            step.assigned_timestamp = Some(now);
        }
    }

    fn pending_step(&self, run_id: &RunId, step_key: &str) -> Option<&PendingStepInfo> {
        self.pending.iter().find(|step| step.run_id == *run_id && step.step_key == step_key)
    }

    fn claim_status(&self, pool: &str, run_id: &RunId, step_key: &str) -> ConcurrencyClaimStatus {
        let step = self.pending_step(run_id, step_key);
        let assigned_timestamp = step.and_then(|step| step.assigned_timestamp);
        let has_slot = self.slots.iter().any(|slot| slot.is_of(run_id, Some(step_key)));
        ConcurrencyClaimStatus {
            concurrency_key: pool.to_owned(),
            slot_status: if has_slot && assigned_timestamp.is_some() {
                ConcurrencySlotStatus::Claimed
            } else {
                ConcurrencySlotStatus::Blocked
            },
            priority: step.and_then(|step| step.priority).filter(|priority| *priority != 0),
            assigned_timestamp,
            enqueued_timestamp: step.map(|step| step.enqueued_timestamp),
        }
    }

    fn claim(&mut self, run_id: &RunId, step_key: &str, priority: Option<i64>, now: DateTime<Utc>) {
        if self.pending_step(run_id, step_key).is_none() {
            self.pending.push(PendingStepInfo {
                run_id: run_id.clone(),
                step_key: step_key.to_owned(),
                enqueued_timestamp: now,
                assigned_timestamp: None,
                priority: Some(priority.unwrap_or(0)),
            });
            self.assign(now);
        }
        let step = self.pending_step(run_id, step_key);
        let is_assigned = step.is_some_and(|step| step.assigned_timestamp.is_some());
        let has_slot = self.slots.iter().any(|slot| slot.is_of(run_id, Some(step_key)));
        if is_assigned
            && !has_slot
            && let Some(slot) = self.slots.iter_mut().find(|slot| slot.is_free())
        {
            let (run_id, step_key) = (run_id.clone(), step_key.to_owned());
            slot.claimed_by = Some(ClaimedSlotInfo { run_id, step_key });
        }
    }

    fn free(&mut self, run_id: &RunId, step_key: Option<&str>, now: DateTime<Utc>) {
        self.slots.retain(|slot| !(slot.is_deleted && slot.is_of(run_id, step_key)));
        for slot in self.slots.iter_mut().filter(|slot| slot.is_of(run_id, step_key)) {
            slot.claimed_by = None;
        }
        self.pending.retain(|step| {
            step.run_id != *run_id || step_key.is_some_and(|step_key| step.step_key != step_key)
        });
        self.assign(now);
    }

    fn info(&self, pool: &str, default_limit: Option<i64>) -> ConcurrencyKeyInfo {
        let slot_count = i64::try_from(self.slot_count()).unwrap_or(i64::MAX);
        let (limit, using_default_limit) = match self.limit {
            Some(limit) => (Some(limit.limit), limit.from_default),
            None => (default_limit, true),
        };
        let claims = self.slots.iter().filter_map(|slot| slot.claimed_by.clone());
        ConcurrencyKeyInfo {
            concurrency_key: pool.to_owned(),
            slot_count,
            claimed_slots: claims.filter(|claim| claim.run_id != RunId::runless()).collect(),
            pending_steps: self.pending.clone(),
            limit,
            using_default_limit,
        }
    }

    /// Whether there is nothing to be known of it.
    fn is_forgotten(&self) -> bool {
        self.limit.is_none() && self.slots.is_empty() && self.pending.is_empty()
    }
}

impl Pools {
    /// Frees what a run's steps have of any pool, or one step of it, and sets it aside for those that wait.
    pub(super) fn free(&mut self, run_id: &RunId, step_key: Option<&str>, now: DateTime<Utc>) {
        for pool in self.pools.values_mut() {
            pool.free(run_id, step_key, now);
        }
        self.pools.retain(|_, pool| !pool.is_forgotten());
    }

    fn set_limit(&mut self, pool: &str, limit: Option<Limit>, now: DateTime<Utc>) {
        let pool = self.pools.entry(pool.to_owned()).or_default();
        pool.limit = limit;
        pool.allocate(limit.map_or(0, |limit| limit.limit));
        pool.assign(now);
        self.pools.retain(|_, pool| !pool.is_forgotten());
    }
}

#[async_trait]
impl PoolStore for MemoryEventLogStorage {
    async fn set_concurrency_slots(
        &self,
        concurrency_key: &str,
        limit: i64,
    ) -> Result<(), StorageError> {
        require_pool_limit(limit)?;
        let now = self.shared.now();
        let limit = Some(Limit { limit, from_default: false });
        self.shared.lock().pools.set_limit(concurrency_key, limit, now);
        Ok(())
    }

    async fn initialize_concurrency_limit_to_default(
        &self,
        concurrency_key: &str,
        default_limit: Option<i64>,
    ) -> Result<(), StorageError> {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        let known = state.pools.pools.get(concurrency_key).and_then(|pool| pool.limit);
        // A pool that has a limit keeps whether it is its own.
        let from_default = known.is_none_or(|known| known.from_default);
        let limit = default_limit.map(|limit| Limit { limit, from_default });
        state.pools.set_limit(concurrency_key, limit, now);
        Ok(())
    }

    async fn delete_concurrency_limit(&self, concurrency_key: &str) -> Result<(), StorageError> {
        let now = self.shared.now();
        self.shared.lock().pools.set_limit(concurrency_key, None, now);
        Ok(())
    }

    async fn get_concurrency_keys(&self) -> Result<BTreeSet<String>, StorageError> {
        Ok(self.get_pool_limits().await?.into_iter().map(|pool| pool.name).collect())
    }

    async fn get_pool_limits(&self) -> Result<Vec<PoolLimit>, StorageError> {
        let state = self.shared.lock();
        let limit = |(name, pool): (&String, &Pool)| {
            let Limit { limit, from_default } = pool.limit?;
            Some(PoolLimit { name: name.clone(), limit, from_default })
        };
        Ok(state.pools.pools.iter().filter_map(limit).collect())
    }

    async fn get_concurrency_infos(
        &self,
        concurrency_keys: &[String],
        default_limit: Option<i64>,
    ) -> Result<Vec<ConcurrencyKeyInfo>, StorageError> {
        let state = self.shared.lock();
        let mut seen = BTreeSet::new();
        let info = |key: &String| match state.pools.pools.get(key) {
            Some(pool) => pool.info(key, default_limit),
            None => Pool::default().info(key, default_limit),
        };
        Ok(concurrency_keys.iter().filter(|key| seen.insert(*key)).map(info).collect())
    }

    async fn get_concurrency_run_ids(&self) -> Result<BTreeSet<RunId>, StorageError> {
        let state = self.shared.lock();
        let steps = state.pools.pools.values().flat_map(|pool| &pool.pending);
        Ok(steps.map(|step| step.run_id.clone()).collect())
    }

    async fn get_slot_run_ids(&self) -> Result<BTreeSet<RunId>, StorageError> {
        let state = self.shared.lock();
        let slots = state.pools.pools.values().flat_map(|pool| &pool.slots);
        Ok(slots.filter_map(|slot| Some(slot.claimed_by.as_ref()?.run_id.clone())).collect())
    }

    async fn claim_concurrency_slot(
        &self,
        concurrency_key: &str,
        run_id: &RunId,
        step_key: &str,
        priority: Option<i64>,
    ) -> Result<ConcurrencyClaimStatus, StorageError> {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        let pool = state.pools.pools.entry(concurrency_key.to_owned()).or_default();
        pool.claim(run_id, step_key, priority, now);
        Ok(pool.claim_status(concurrency_key, run_id, step_key))
    }

    async fn check_concurrency_claim(
        &self,
        concurrency_key: &str,
        run_id: &RunId,
        step_key: &str,
    ) -> Result<ConcurrencyClaimStatus, StorageError> {
        let state = self.shared.lock();
        Ok(match state.pools.pools.get(concurrency_key) {
            Some(pool) => pool.claim_status(concurrency_key, run_id, step_key),
            None => Pool::default().claim_status(concurrency_key, run_id, step_key),
        })
    }

    async fn free_concurrency_slots(
        &self,
        run_id: &RunId,
        step_key: Option<&str>,
    ) -> Result<(), StorageError> {
        let now = self.shared.now();
        self.shared.lock().pools.free(run_id, step_key, now);
        Ok(())
    }
}
