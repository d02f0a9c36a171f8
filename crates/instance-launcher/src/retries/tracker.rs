//! Which failures of runs are not decided yet, and how far everything is decided that can ever be there.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::error::InstanceError;
use instance_core::ids::{RunId, StorageId};
use instance_core::storage::{DaemonStore, SettledEventStore};

use super::cursor::{NOTHING, Settling, StoredCursors};

/// How many failures are read at once.
const PAGE: u64 = 500;

/// How many ids before the cursor are read again by a keeper that begins: others remember what is not settled.
const BEFORE: i64 = 1_000;

/// An event of a failure. Where ids are given again, the run tells two events of one id apart.
pub(super) type Failure = (StorageId, RunId);

/// What is remembered of the failures of runs, from look to look.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    settling: Settling,
    /// The cursor that was read or stored last; `None` before the first look.
    cursor: Option<StorageId>,
    /// Whether everything up to the cursor was settled when it was last read again.
    is_caught_up: bool,
    /// The failures up to the cursor that were there before the first look. Somebody may have left them out on purpose.
    old: BTreeSet<Failure>,
    decided: BTreeSet<Failure>,
    /// Since when each failure is undecided, in seconds since 1970.
    undecided: BTreeMap<Failure, f64>,
}

/// One look.
#[derive(Debug)]
pub(super) struct Round {
    /// The failures that are not decided, oldest first.
    pub(super) failures: BTreeSet<Failure>,
    stored: StoredCursors,
    /// Up to which id no event is missing.
    settled: Option<StorageId>,
    /// The greatest id, where a cursor may be greater because ids are given again.
    greatest: Option<StorageId>,
}

impl Tracker {
    /// Begins a look. Without a stored cursor, the failures that are there are decided.
    pub(super) async fn begin(
        &mut self,
        events: &dyn SettledEventStore,
        daemons: &dyn DaemonStore,
        now: f64,
    ) -> Result<Round, InstanceError> {
        // Before the failures are read, so that all are visible up to what is settled.
        let position = events.settled_position().await?;
        let max = position.max.unwrap_or(NOTHING);
        let greatest = position.gives_ids_again.then_some(max);
        let settled = self.settling.look(position, now);
        let stored = StoredCursors::read(daemons).await?;
        let is_first_look = self.cursor.is_none();
        let known = stored.failures.or(self.cursor);
        let cursor = known.map_or(max, |cursor| greatest.map_or(cursor, |most| cursor.min(most)));
        let reads_again = greatest.is_some() || !self.is_caught_up || self.cursor != Some(cursor);
        let after = if reads_again { before(cursor) } else { cursor };
        let mut failures = failures_behind(events, after).await?;
        if is_first_look {
            let is_old = |(id, _): &&Failure| *id <= cursor;
            let old = failures.iter().filter(is_old).cloned();
            if known.is_none() { self.decided.extend(old) } else { self.old.extend(old) }
        }
        if reads_again {
            self.is_caught_up = settled.is_some_and(|settled| settled >= cursor);
        }
        self.cursor = Some(cursor);
        failures.extend(self.undecided.keys().cloned());
        failures.retain(|failure| !self.decided.contains(failure));
        Ok(Round { failures, stored, settled, greatest })
    }

    /// Since when a failure is undecided.
    pub(super) fn undecided_since(&mut self, failure: &Failure, now: f64) -> f64 {
        *self.undecided.entry(failure.clone()).or_insert(now)
    }

    /// Whether a failure was there before the first look, up to the cursor that was stored.
    pub(super) fn is_old(&self, failure: &Failure) -> bool {
        self.old.contains(failure)
    }

    /// Nothing more is to be done about a failure.
    pub(super) fn decide(&mut self, failure: Failure) {
        self.undecided.remove(&failure);
        self.decided.insert(failure);
    }

    /// How many failures are undecided.
    pub(super) fn undecided(&self) -> usize {
        self.undecided.len()
    }

    /// Ends a look: stores the least of what is settled and of what stands before the oldest undecided failure.
    pub(super) async fn end(
        &mut self,
        daemons: &dyn DaemonStore,
        round: &Round,
    ) -> Result<(), InstanceError> {
        let Some(settled) = round.settled else {
            return Ok(());
        };
        let oldest = self.undecided.keys().next().map(|(id, _)| StorageId(id.0.saturating_sub(1)));
        let reached = oldest.map_or(settled, |oldest| settled.min(oldest));
        let cursor = self.cursor.map_or(reached, |cursor| reached.max(cursor));
        if round.stored.store(daemons, cursor, round.greatest).await? {
            self.cursor = Some(cursor);
            let is_read_again = round.greatest.is_some() || !self.is_caught_up;
            let kept = if is_read_again { before(cursor) } else { cursor };
            self.decided.retain(|(id, _)| *id > kept);
            self.old.retain(|failure| self.undecided.contains_key(failure));
        }
        Ok(())
    }
}

/// Some ids before a position.
const fn before(cursor: StorageId) -> StorageId {
    StorageId(cursor.0.saturating_sub(BEFORE))
}

/// All failures behind a position that are visible now.
async fn failures_behind(
    events: &dyn SettledEventStore,
    after: StorageId,
) -> Result<BTreeSet<Failure>, InstanceError> {
    let (mut found, mut after) = (BTreeSet::new(), after);
    loop {
        let page = events.get_failure_ids(after, PAGE).await?;
        let is_last = (page.len() as u64) < PAGE;
        if let Some((id, _)) = page.last() {
            after = *id;
        }
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Mutex;

    use async_trait::async_trait;
    use instance_core::error::StorageError;
    use instance_core::ids::{RunId, StorageId};
    use instance_core::memory::MemoryStores;
    use instance_core::storage::{EventWriter, SettledEventStore, SettledPosition};

    use super::Tracker;

    /// Numbers that look random, always the same ones.
    #[derive(Debug)]
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % limit
        }
    }

    /// Events as Postgres keeps them: an id is given when a transaction begins, and seen when it has ended.
    #[derive(Debug, Default)]
    struct Table {
        next: i64,
        visible: BTreeSet<i64>,
        /// The ids of transactions that go on, by their names.
        open: BTreeMap<u64, i64>,
    }

    #[derive(Debug, Default)]
    struct Postgres(Mutex<Table>);

    #[async_trait]
    impl SettledEventStore for Postgres {
        async fn settled_position(&self) -> Result<SettledPosition, StorageError> {
            let table = self.0.lock().unwrap();
            let writers = table.open.keys().map(|name| EventWriter::new(name.to_string(), None));
            let max = table.visible.last().copied().map(StorageId);
            Ok(SettledPosition::new(max).with_writers(writers.collect()))
        }

        async fn get_failure_ids(
            &self,
            after: StorageId,
            limit: u64,
        ) -> Result<Vec<(StorageId, RunId)>, StorageError> {
            let table = self.0.lock().unwrap();
            let behind = table.visible.range(after.0 + 1..).take(usize::try_from(limit).unwrap());
            Ok(behind.map(|id| (StorageId(*id), RunId::from(id.to_string()))).collect())
        }
    }

    /// Nothing is skipped, whatever is committed late, rolled back or decided late, and however often a keeper begins anew.
    async fn nothing_is_skipped(seed: u64) {
        let (postgres, stores, mut dice) =
            (Postgres::default(), MemoryStores::default(), Dice(seed));
        let daemons = stores.run_storage();
        let key = "EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE".to_owned();
        daemons.set_cursor_values(&[(key, "0".to_owned())].into()).await.unwrap();
        let (mut tracker, mut decided, mut is_anew) = (Tracker::default(), BTreeSet::new(), false);
        for tick in 0..4_000_u64 {
            {
                let mut table = postgres.0.lock().unwrap();
                if tick < 3_000 {
                    // Other events stand between, so that a late one is far behind.
                    table.next += 1 + i64::try_from(dice.below(600)).unwrap();
                    let id = table.next;
                    table.open.insert(tick, id);
                }
                let chance = if tick < 3_000 { 12 } else { 3 };
                let ended: Vec<u64> =
                    table.open.keys().copied().filter(|_| dice.below(chance) == 0).collect();
                for name in ended {
                    let id = table.open.remove(&name).unwrap();
                    if dice.below(10) > 0 {
                        table.visible.insert(id);
                    }
                }
            }
            if dice.below(3) > 0 {
                continue;
            }
            if dice.below(40) == 0 {
                (tracker, is_anew) = (Tracker::default(), true);
            }
            let round = tracker.begin(&postgres, &*daemons, 0.0).await.unwrap();
            for failure in round.failures.clone() {
                tracker.undecided_since(&failure, 0.0);
                if dice.below(4) > 0 {
                    let is_first = decided.insert(failure.0.0);
                    assert!(is_first || is_anew, "{failure:?} comes twice");
                    tracker.decide(failure);
                }
            }
            tracker.end(&*daemons, &round).await.unwrap();
        }
        for _ in 0..40 {
            let round = tracker.begin(&postgres, &*daemons, 0.0).await.unwrap();
            for failure in round.failures.clone() {
                decided.insert(failure.0.0);
                tracker.decide(failure);
            }
            tracker.end(&*daemons, &round).await.unwrap();
        }
        let table = postgres.0.lock().unwrap();
        assert_eq!(table.open.len(), 0, "seed {seed}");
        let skipped: Vec<_> = table.visible.difference(&decided).collect();
        assert_eq!(skipped, Vec::<&i64>::new(), "seed {seed}");
        assert!(table.visible.len() > 2_500);
        // What is behind is not remembered any more.
        assert_eq!((tracker.decided.len(), tracker.undecided()), (0, 0));
    }

    #[tokio::test]
    async fn late_commits_are_found() {
        for seed in 1..=5 {
            nothing_is_skipped(seed).await;
        }
    }
}
