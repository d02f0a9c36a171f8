//! Pools: their limits, their slots, and the steps that wait.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::error::StorageError;
use instance_core::ids::RunId;
use instance_core::storage::{
    ClaimedSlotInfo, ConcurrencyClaimStatus, ConcurrencyKeyInfo, ConcurrencySlotStatus,
    PendingStepInfo, PoolLimit, PoolStore, require_pool_limit,
};

use super::SqlEventLogStorage;
use crate::db::{Connection, Operation, Row, naming};
use crate::sql::Dialect;
use crate::sql::capabilities::{Capabilities, Feature};
use crate::sql::pools;
use crate::sql::tables::{concurrency_limits, concurrency_slots, event_logs, pending_steps};

/// By what the statements differ.
const FEATURES: &[Feature] = &[Feature::PoolSlots, Feature::PoolLimits, Feature::DefaultPoolLimits];

#[async_trait]
impl PoolStore for SqlEventLogStorage {
    async fn supports_global_concurrency_limits(&self) -> Result<bool, StorageError> {
        let has = self.index.capabilities().await?;
        // Each of Dagster's storages looks for another table.
        Ok(has.has(match self.index.dialect() {
            Dialect::Sqlite => Feature::PoolLimits,
            Dialect::Postgres => Feature::PoolSlots,
        }))
    }

    async fn set_concurrency_slots(
        &self,
        concurrency_key: &str,
        limit: i64,
    ) -> Result<(), StorageError> {
        require_pool_limit(limit)?;
        let key = concurrency_key.to_owned();
        self.index
            .write("setting the limit of a pool", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    connection.lock(&key).await?;
                    let has = capabilities(&mut connection).await?;
                    connection.require(has, Feature::PoolSlots)?;
                    if has.has(Feature::PoolLimits) {
                        take_over_limits(&mut connection, has).await?;
                        connection.execute(&pools::upsert_limit(&key, limit, has)).await?;
                    }
                    let added = allocate(&mut connection, &key, limit).await?;
                    assign(&mut connection, &key, added).await
                })
            })
            .await
            .map_err(naming(pools::bounded(concurrency_key)))
    }

    async fn initialize_concurrency_limit_to_default(
        &self,
        concurrency_key: &str,
        default_limit: Option<i64>,
    ) -> Result<(), StorageError> {
        let key = concurrency_key.to_owned();
        self.index
            .write("setting the limit of a pool", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    connection.lock(&key).await?;
                    let has = capabilities(&mut connection).await?;
                    // Without the column, nothing tells a limit of its own from the default.
                    let has_default =
                        has.has(Feature::DefaultPoolLimits) || default_limit.is_some();
                    if !has.has(Feature::PoolLimits) || !has_default {
                        return Ok(());
                    }
                    take_over_limits(&mut connection, has).await?;
                    match default_limit {
                        Some(limit) => {
                            let upsert = pools::upsert_default_limit(&key, limit, has);
                            connection.execute(&upsert).await?
                        }
                        None => connection.execute(&pools::delete_limit(&key)).await?,
                    };
                    allocate(&mut connection, &key, default_limit.unwrap_or(0)).await.map(drop)
                })
            })
            .await
            .map_err(naming(pools::bounded(concurrency_key)))
    }

    async fn delete_concurrency_limit(&self, concurrency_key: &str) -> Result<(), StorageError> {
        let key = concurrency_key.to_owned();
        self.index
            .write("deleting the limit of a pool", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    connection.lock(&key).await?;
                    let has = capabilities(&mut connection).await?;
                    connection.require(has, Feature::PoolSlots)?;
                    if has.has(Feature::PoolLimits) {
                        take_over_limits(&mut connection, has).await?;
                        connection.execute(&pools::delete_limit(&key)).await?;
                    }
                    allocate(&mut connection, &key, 0).await.map(drop)
                })
            })
            .await
    }

    async fn get_concurrency_keys(&self) -> Result<BTreeSet<String>, StorageError> {
        Ok(self.get_pool_limits().await?.into_iter().map(|pool| pool.name).collect())
    }

    async fn get_pool_limits(&self) -> Result<Vec<PoolLimit>, StorageError> {
        use concurrency_limits::{CONCURRENCY_KEY, LIMIT, TABLE};

        let has = self.index.capabilities().await?;
        self.index.require(Feature::PoolSlots).await?;
        let rows = self.limits(None, has).await?;
        if rows.is_empty() {
            // Databases of versions that knew no limits have slots alone.
            let rows = self.index.fetch("reading pools", &pools::select_slot_counts()).await?;
            return rows.iter().map(counted_limit).collect();
        }
        let limit = |row: &Row| {
            Ok(PoolLimit::new(row.get::<String>(TABLE, CONCURRENCY_KEY)?, row.get(TABLE, LIMIT)?)
                .with_from_default(is_default(row, has)?))
        };
        rows.iter().map(limit).collect()
    }

    async fn get_concurrency_infos(
        &self,
        concurrency_keys: &[String],
        default_limit: Option<i64>,
    ) -> Result<Vec<ConcurrencyKeyInfo>, StorageError> {
        let has = self.index.capabilities().await?;
        self.index.require(Feature::PoolSlots).await?;
        let slots = pools::select_slots(concurrency_keys);
        let slots = self.index.fetch("reading slots of pools", &slots).await?;
        let pending = pools::select_pending(concurrency_keys);
        let pending = self.index.fetch("reading steps that wait", &pending).await?;
        let limits = self.limits(Some(concurrency_keys), has).await?;

        let mut infos: BTreeMap<&str, ConcurrencyKeyInfo> = BTreeMap::new();
        for key in concurrency_keys {
            infos.entry(key).or_insert_with(|| {
                ConcurrencyKeyInfo::new(key.clone())
                    .with_slot_count(0)
                    .with_using_default_limit(false)
            });
        }
        for row in &slots {
            use concurrency_slots::{CONCURRENCY_KEY, DELETED, RUN_ID, STEP_KEY, TABLE};

            let key: String = row.get(TABLE, CONCURRENCY_KEY)?;
            let Some(info) = infos.get_mut(&*key) else { continue };
            info.slot_count += i64::from(!row.get::<bool>(TABLE, DELETED)?);
            let run_id: Option<String> = row.get(TABLE, RUN_ID)?;
            if let Some(run_id) = run_id.filter(|run_id| !run_id.is_empty()) {
                let step_key: Option<String> = row.get(TABLE, STEP_KEY)?;
                info.claimed_slots
                    .push(ClaimedSlotInfo::new(RunId::from(run_id), step_key.unwrap_or_default()));
            }
        }
        for row in &pending {
            let step = PendingStep::of(row)?;
            let Some(info) = infos.get_mut(&*step.concurrency_key) else { continue };
            info.pending_steps.push(step.info);
        }
        let mut limit_of: BTreeMap<String, (i64, bool)> = BTreeMap::new();
        for row in &limits {
            use concurrency_limits::{CONCURRENCY_KEY, LIMIT, TABLE};

            let limit = (row.get(TABLE, LIMIT)?, is_default(row, has)?);
            limit_of.insert(row.get(TABLE, CONCURRENCY_KEY)?, limit);
        }
        for info in infos.values_mut() {
            (info.limit, info.using_default_limit) = match limit_of.get(&info.concurrency_key) {
                Some((limit, is_default)) => (Some(*limit), *is_default),
                None if info.slot_count == 0 => (default_limit, true),
                None => (Some(info.slot_count), false),
            };
        }
        Ok(concurrency_keys.iter().filter_map(|key| infos.remove(&**key)).collect())
    }

    async fn get_concurrency_run_ids(&self) -> Result<BTreeSet<RunId>, StorageError> {
        self.require(Feature::PoolSlots).await?;
        let id = |row: &Row| row.scalar::<String>().map(RunId::from);
        let ids =
            self.index.fetch_map("reading steps that wait", &pools::select_run_ids(), id).await?;
        Ok(ids.into_iter().collect())
    }

    async fn get_slot_run_ids(&self) -> Result<BTreeSet<RunId>, StorageError> {
        self.require(Feature::PoolSlots).await?;
        let id = |row: &Row| row.scalar::<String>().map(RunId::from);
        let select = pools::select_slot_run_ids();
        let ids = self.index.fetch_map("reading runs that have slots", &select, id).await?;
        Ok(ids.into_iter().collect())
    }

    async fn claim_concurrency_slot(
        &self,
        concurrency_key: &str,
        run_id: &RunId,
        step_key: &str,
        priority: Option<i64>,
    ) -> Result<ConcurrencyClaimStatus, StorageError> {
        let claim = Claim::new(concurrency_key, run_id, step_key);
        self.index
            .write(
                Operation::of_run("claiming a slot of a pool", run_id),
                move |mut connection: Connection<'_>| {
                    Box::pin(async move {
                        connection.lock(&claim.key).await?;
                        let has = capabilities(&mut connection).await?;
                        connection.require(has, Feature::PoolSlots)?;
                        if claim.pending(&mut connection).await?.is_none() {
                            let is_assigned =
                                has_unassigned_slots(&mut connection, &claim.key).await?;
                            let priority = priority.unwrap_or(0);
                            let (run_id, step_key) = (&claim.run_id, &claim.step_key);
                            let insert = pools::insert_pending(
                                &claim.key,
                                run_id,
                                step_key,
                                priority,
                                is_assigned,
                            );
                            connection.execute(&insert).await?;
                        }
                        let mut status = claim.status(&mut connection).await?;
                        if status.assigned_timestamp.is_some()
                            && status.slot_status == ConcurrencySlotStatus::Blocked
                            && claim.take(&mut connection).await?
                        {
                            status.slot_status = ConcurrencySlotStatus::Claimed;
                        }
                        Ok(status)
                    })
                },
            )
            .await
            .map_err(naming(pools::bounded_pending(concurrency_key, run_id, step_key)))
    }

    async fn check_concurrency_claim(
        &self,
        concurrency_key: &str,
        run_id: &RunId,
        step_key: &str,
    ) -> Result<ConcurrencyClaimStatus, StorageError> {
        self.require(Feature::PoolSlots).await?;
        let claim = Claim::new(concurrency_key, run_id, step_key);
        let reading = Operation::of_run("reading a claim of a slot", run_id);
        let select = pools::select_pending_step(&claim.key, run_id, step_key);
        let pending = self.index.fetch_one(reading, &select).await?;
        let select = pools::select_claimed_slot(&claim.key, run_id, step_key);
        let slot = self.index.fetch_one(reading, &select).await?;
        claim.status_of(pending.as_ref(), slot.is_some())
    }

    async fn free_concurrency_slots(
        &self,
        run_id: &RunId,
        step_key: Option<&str>,
    ) -> Result<(), StorageError> {
        if !self.index.capabilities().await?.has(Feature::PoolSlots) {
            return Ok(());
        }
        let held_or_wanted = pools::select_held_or_wanted(run_id, step_key);
        let looking = Operation::of_run("looking for slots of pools", run_id);
        if self.index.fetch_one(looking, &held_or_wanted).await?.is_none() {
            // Most runs have no slots, and most of their steps neither: a transaction would be for nothing.
            return Ok(());
        }
        let freeing = Operation::of_run("freeing slots of pools", run_id);
        let (run_id, step_key) = (run_id.clone(), step_key.map(str::to_owned));
        self.index
            .write(freeing, move |mut connection: Connection<'_>| {
                Box::pin(async move { free(&mut connection, &run_id, step_key.as_deref()).await })
            })
            .await
    }
}

impl SqlEventLogStorage {
    /// The limits of all pools, or of some, if limits are stored.
    async fn limits(
        &self,
        concurrency_keys: Option<&[String]>,
        has: Capabilities,
    ) -> Result<Vec<Row>, StorageError> {
        if !has.has(Feature::PoolLimits) {
            return Ok(Vec::new());
        }
        let select = pools::select_limits(concurrency_keys, has);
        self.index.fetch("reading pools", &select).await
    }
}

/// Whether a pool has the limit that all have.
fn is_default(row: &Row, has: Capabilities) -> Result<bool, StorageError> {
    use concurrency_limits::{TABLE, USING_DEFAULT_LIMIT};

    if has.has(Feature::DefaultPoolLimits) {
        row.get(TABLE, USING_DEFAULT_LIMIT)
    } else {
        Ok(false)
    }
}

/// What the database has of pools.
async fn capabilities(connection: &mut Connection<'_>) -> Result<Capabilities, StorageError> {
    connection.capabilities(event_logs::TABLE, FEATURES).await
}

/// Frees what a run's steps have of any pool, or one step of it, and sets it aside for those that wait.
pub(crate) async fn free(
    connection: &mut Connection<'_>,
    run_id: &RunId,
    step_key: Option<&str>,
) -> Result<(), StorageError> {
    if !capabilities(connection).await?.has(Feature::PoolSlots) {
        return Ok(());
    }
    let pending = connection.fetch(&pools::select_pending_of(run_id, step_key)).await?;
    let steps = pending.iter().map(PendingStep::of).collect::<Result<Vec<_>, _>>()?;
    let keys: BTreeSet<_> = steps.iter().map(|step| &step.concurrency_key).collect();
    // In the order of their names, so that two callers who free slots never wait for each other.
    for key in keys {
        connection.lock(key).await?;
    }
    connection.execute(&pools::delete_deleted_slots_of(run_id, step_key)).await?;
    connection.execute(&pools::free_slots_of(run_id, step_key)).await?;
    connection.execute(&pools::delete_pending_of(run_id, step_key)).await?;
    let mut freed: BTreeMap<&str, u64> = BTreeMap::new();
    for step in &steps {
        let is_assigned = step.info.assigned_timestamp.is_some();
        *freed.entry(&step.concurrency_key).or_default() += u64::from(is_assigned);
    }
    for (key, count) in freed {
        assign(connection, key, count).await?;
    }
    Ok(())
}

/// A step that wants a slot.
struct Claim {
    key: String,
    run_id: RunId,
    step_key: String,
}

impl Claim {
    fn new(key: &str, run_id: &RunId, step_key: &str) -> Self {
        Self { key: key.to_owned(), run_id: run_id.clone(), step_key: step_key.to_owned() }
    }

    async fn pending(&self, connection: &mut Connection<'_>) -> Result<Option<Row>, StorageError> {
        let select = pools::select_pending_step(&self.key, &self.run_id, &self.step_key);
        connection.fetch_one(&select).await
    }

    async fn status(
        &self,
        connection: &mut Connection<'_>,
    ) -> Result<ConcurrencyClaimStatus, StorageError> {
        let pending = self.pending(connection).await?;
        let select = pools::select_claimed_slot(&self.key, &self.run_id, &self.step_key);
        let slot = connection.fetch_one(&select).await?;
        self.status_of(pending.as_ref(), slot.is_some())
    }

    fn status_of(
        &self,
        pending: Option<&Row>,
        has_slot: bool,
    ) -> Result<ConcurrencyClaimStatus, StorageError> {
        let step = pending.map(PendingStep::of).transpose()?.map(|step| step.info);
        let assigned_timestamp = step.as_ref().and_then(|step| step.assigned_timestamp);
        Ok(ConcurrencyClaimStatus::new(
            self.key.clone(),
            if has_slot && assigned_timestamp.is_some() {
                ConcurrencySlotStatus::Claimed
            } else {
                ConcurrencySlotStatus::Blocked
            },
        )
        .with_priority(
            step.as_ref().and_then(|step| step.priority).filter(|priority| *priority != 0),
        )
        .with_assigned_timestamp(assigned_timestamp)
        .with_enqueued_timestamp(step.map(|step| step.enqueued_timestamp)))
    }

    /// Takes a free slot, if there is one.
    async fn take(&self, connection: &mut Connection<'_>) -> Result<bool, StorageError> {
        let select = pools::select_free_slot(&self.key, connection.dialect());
        let Some(slot) = connection.fetch_one(&select).await? else {
            return Ok(false);
        };
        let claim = pools::claim_slot(slot.scalar()?, &self.run_id, &self.step_key);
        Ok(connection.execute(&claim).await? > 0)
    }
}

/// A row of steps that wait.
struct PendingStep {
    concurrency_key: String,
    info: PendingStepInfo,
}

impl PendingStep {
    fn of(row: &Row) -> Result<Self, StorageError> {
        use pending_steps::{
            ASSIGNED_TIMESTAMP, CONCURRENCY_KEY, CREATE_TIMESTAMP, PRIORITY, RUN_ID, STEP_KEY,
            TABLE,
        };

        let run_id: Option<String> = row.get(TABLE, RUN_ID)?;
        let step_key: Option<String> = row.get(TABLE, STEP_KEY)?;
        Ok(Self {
            concurrency_key: row.get(TABLE, CONCURRENCY_KEY)?,
            info: PendingStepInfo::new(
                RunId::from(run_id.unwrap_or_default()),
                step_key.unwrap_or_default(),
                row.get(TABLE, CREATE_TIMESTAMP)?,
            )
            .with_assigned_timestamp(row.get::<Option<DateTime<Utc>>>(TABLE, ASSIGNED_TIMESTAMP)?)
            .with_priority(row.get::<Option<i64>>(TABLE, PRIORITY)?),
        })
    }
}

/// Gives limits to the pools of versions that had none: as many as they have slots.
async fn take_over_limits(
    connection: &mut Connection<'_>,
    has: Capabilities,
) -> Result<(), StorageError> {
    if connection.fetch_one(&pools::select_any_limit()).await?.is_some() {
        return Ok(());
    }
    for row in connection.fetch(&pools::select_slot_counts()).await? {
        let pool = counted_limit(&row)?;
        connection.execute(&pools::upsert_limit(&pool.name, pool.limit, has)).await?;
    }
    Ok(())
}

fn counted_limit(row: &Row) -> Result<PoolLimit, StorageError> {
    let table = concurrency_slots::TABLE;
    let name: String = row.get(table, concurrency_slots::CONCURRENCY_KEY)?;
    Ok(PoolLimit::new(name, row.get(table, pools::COUNT)?))
}

async fn count(
    connection: &mut Connection<'_>,
    select: &sea_query::SelectStatement,
) -> Result<i64, StorageError> {
    connection.fetch_one(select).await?.as_ref().map_or(Ok(0), Row::scalar)
}

/// Gives a pool so many slots; returns how many were added.
async fn allocate(
    connection: &mut Connection<'_>,
    key: &str,
    limit: i64,
) -> Result<u64, StorageError> {
    let existing = count(connection, &pools::count_slots(key)).await?;
    if existing > limit {
        let surplus = pools::select_surplus_slots(key, existing.abs_diff(limit));
        let surplus = connection.fetch(&surplus).await?;
        let ids = surplus.iter().map(Row::scalar).collect::<Result<Vec<i64>, _>>()?;
        connection.execute(&pools::mark_slots_deleted(&ids)).await?;
        // Those that somebody has go when they are freed.
        connection.execute(&pools::delete_free_deleted_slots()).await?;
        return Ok(0);
    }
    if limit > existing {
        connection.execute(&pools::insert_slots(key, limit - existing)).await?;
    }
    Ok(limit.abs_diff(existing))
}

async fn has_unassigned_slots(
    connection: &mut Connection<'_>,
    key: &str,
) -> Result<bool, StorageError> {
    let assigned = count(connection, &pools::count_assigned(key)).await?;
    Ok(count(connection, &pools::count_slots(key)).await? > assigned)
}

/// Sets slots aside for so many of the steps that wait.
async fn assign(
    connection: &mut Connection<'_>,
    key: &str,
    slots: u64,
) -> Result<(), StorageError> {
    if slots > 0 {
        connection.execute(&pools::assign_pending(key, slots)).await?;
    }
    Ok(())
}
