//! What is known of active runs from earlier looks, so that a look reads only what is new.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use instance_core::error::{StorageError, chain};
use instance_core::ids::StorageId;
use instance_core::run::{RunOpConcurrency, RunRecord};
use instance_core::settings::TagConcurrencyLimit;
use instance_core::storage::{ActiveRow, RunQueueStore};

use super::shared::Shared;
use super::snapshot::QueuedRun;

/// How many runs are read at once. Their bodies are in memory only until they are parsed.
const RUNS_AT_ONCE: usize = 500;

/// The runs that were active at the last look, parsed. Each has the time at which its row was changed: every change that
/// matters to the queue changes that time, too.
///
/// Of the tags of a run, it keeps those that limits are about: a decision looks at nothing else, and goes through the tags of
/// all runs. So a cache is for one list of limits.
#[derive(Debug, Default)]
pub(super) struct QueueCache {
    runs: HashMap<StorageId, (DateTime<Utc>, CachedRun)>,
    tags: Shared<BTreeMap<String, String>>,
    pools: Shared<RunOpConcurrency>,
}

/// A run as it was read.
#[derive(Debug, Clone)]
pub(super) struct CachedRun {
    /// The run; without tags and pools if it cannot be read.
    pub(super) run: QueuedRun,
    /// Why it cannot be read; `None` if it can.
    pub(super) problem: Option<String>,
}

impl QueueCache {
    /// The rows that are active now with their runs. Runs that are not active any more are forgotten.
    pub(super) async fn read(
        &mut self,
        store: &dyn RunQueueStore,
        limits: &[TagConcurrencyLimit],
    ) -> Result<Vec<(ActiveRow, &CachedRun)>, StorageError> {
        let rows = store.get_active_rows().await?;
        let by_id: HashMap<_, _> = rows.iter().map(|row| (row.storage_id, row)).collect();
        self.runs.retain(|id, _| by_id.contains_key(id));
        let is_known = |row: &&ActiveRow| {
            self.runs.get(&row.storage_id).is_some_and(|(at, _)| *at == row.update_timestamp)
        };
        let unknown: Vec<_> =
            rows.iter().filter(|row| !is_known(row)).map(|row| row.storage_id).collect();
        // What cannot be brought up to date is not known any more.
        for id in &unknown {
            self.runs.remove(id);
        }
        for ids in unknown.chunks(RUNS_AT_ONCE) {
            for (id, read) in store.get_active_runs(ids).await? {
                let Some(row) = by_id.get(&id) else { continue };
                // It may have changed since its row was read. Then it is read again at the next look, unless that was all.
                let (at, run) = match read {
                    Ok(record) => (record.update_timestamp, self.parsed(&record, limits)),
                    Err(error) => (row.update_timestamp, unreadable(row, &error)),
                };
                self.runs.insert(id, (at, run));
            }
        }
        if !unknown.is_empty() {
            self.tags.forget_unused();
            self.pools.forget_unused();
        }
        let mut active = Vec::with_capacity(rows.len());
        for row in rows {
            // One that is not there was deleted after its row was read.
            if let Some((_, run)) = self.runs.get(&row.storage_id) {
                active.push((row, run));
            }
        }
        Ok(active)
    }

    fn parsed(&mut self, record: &RunRecord, limits: &[TagConcurrencyLimit]) -> CachedRun {
        let run = QueuedRun::from(record);
        let is_limited = |key: &String| limits.iter().any(|limit| limit.key == *key);
        let tags = run.tags.iter().filter(|(key, _)| is_limited(key));
        let tags = tags.map(|(key, value)| (key.clone(), value.clone())).collect();
        let pools = run.pools.map(|pools| self.pools.share(Arc::unwrap_or_clone(pools)));
        let run = QueuedRun { tags: self.tags.share(tags), pools, ..run };
        CachedRun { run, problem: None }
    }
}

/// A run that cannot be read. It is logged when it is met, which is once for each change.
fn unreadable(row: &ActiveRow, error: &StorageError) -> CachedRun {
    tracing::warn!(run_id = %row.run_id, %error, "a run in the queue cannot be read; it waits");
    let run = QueuedRun {
        storage_id: row.storage_id,
        run_id: row.run_id.clone(),
        job_name: String::new(),
        since: instance_core::clock::timestamp_of(row.update_timestamp),
        priority: 0,
        location: None,
        tags: Arc::default(),
        pools: None,
    };
    CachedRun { run, problem: Some(chain(error)) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex, PoisonError};

    use async_trait::async_trait;
    use chrono::{DateTime, TimeDelta, Utc};
    use instance_core::error::StorageError;
    use instance_core::ids::{RunId, StorageId};
    use instance_core::run::{DagsterRun, DagsterRunStatus, RunOpConcurrency, RunRecord};
    use instance_core::serdes::UnknownFields;
    use instance_core::settings::TagConcurrencyLimit;
    use instance_core::storage::ActiveRow;
    use instance_core::testing::doubles::RunQueueStoreDouble;
    use instance_core::testing::instance::at_once;

    use super::QueueCache;

    /// Rows with the times of their changes, and which bodies were read.
    #[derive(Debug, Default)]
    struct Told {
        /// Row, when it was changed, whether it can be read, whether it is still there when its body is read.
        rows: Mutex<Vec<(i64, i64, bool, bool)>>,
        read: Mutex<Vec<i64>>,
    }

    impl Told {
        fn set(&self, rows: &[(i64, i64, bool, bool)]) {
            *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = rows.to_vec();
        }

        fn rows(&self) -> Vec<(i64, i64, bool, bool)> {
            self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }

        /// The rows whose bodies were read since the last call.
        fn read(&self) -> Vec<i64> {
            std::mem::take(&mut *self.read.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }

    fn pools() -> RunOpConcurrency {
        RunOpConcurrency {
            all_pools: None,
            has_unconstrained_root_nodes: false,
            root_key_counts: [("p".to_owned(), 1)].into(),
            unknown: UnknownFields::default(),
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[async_trait]
    impl RunQueueStoreDouble for Told {
        async fn get_active_rows(&self) -> Result<Vec<ActiveRow>, StorageError> {
            let row = |(id, changed, ..): (i64, i64, bool, bool)| {
                let run_id = RunId::from(format!("r{id}"));
                ActiveRow::new(StorageId(id), run_id, DagsterRunStatus::Queued, at(changed))
            };
            Ok(self.rows().into_iter().map(row).collect())
        }

        async fn get_active_runs(
            &self,
            ids: &[StorageId],
        ) -> Result<Vec<(StorageId, Result<RunRecord, StorageError>)>, StorageError> {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.extend(ids.iter().map(|id| id.0));
            let asked = |(id, ..): &(i64, i64, bool, bool)| ids.contains(&StorageId(*id));
            let run = |(id, changed, is_good, is_there): (i64, i64, bool, bool)| {
                let id = StorageId(id);
                let mut run = DagsterRun::new(RunId::from(format!("r{id}")), format!("j{changed}"));
                let tags = [("team", "red".to_owned()), ("note", id.to_string())];
                run.tags = tags.map(|(key, value)| (key.to_owned(), value)).into();
                run.run_op_concurrency = Some(pools());
                let record = RunRecord::new(id, run, at(0), at(changed));
                let missing = StorageError::RunNotFound { run_id: "broken".into() };
                is_there.then_some((id, if is_good { Ok(record) } else { Err(missing) }))
            };
            Ok(self.rows().into_iter().filter(asked).filter_map(run).collect())
        }
    }

    fn look(cache: &mut QueueCache, told: &Told) -> Vec<(i64, String, bool)> {
        let found = at_once(cache.read(told, &[])).unwrap();
        let one = |(row, run): (ActiveRow, &super::CachedRun)| {
            (row.storage_id.0, run.run.job_name.clone(), run.problem.is_some())
        };
        found.into_iter().map(one).collect()
    }

    #[test]
    fn only_what_is_new_or_has_changed_is_read() {
        let (told, mut cache) = (Told::default(), QueueCache::default());
        let named = |id: i64, name: &str| (id, name.to_owned(), false);
        told.set(&[(1, 5, true, true), (2, 6, true, true)]);
        assert_eq!(look(&mut cache, &told), [named(1, "j5"), named(2, "j6")]);
        assert_eq!(told.read(), [1, 2]);
        look(&mut cache, &told);
        assert_eq!(told.read(), [0_i64; 0]);
        told.set(&[(1, 5, true, true), (2, 7, true, true), (3, 1, true, true)]);
        assert_eq!(look(&mut cache, &told), [named(1, "j5"), named(2, "j7"), named(3, "j1")]);
        assert_eq!(told.read(), [2, 3]);
        // One that left and came back is read again.
        told.set(&[(1, 5, true, true)]);
        look(&mut cache, &told);
        told.set(&[(1, 5, true, true), (2, 7, true, true)]);
        look(&mut cache, &told);
        assert_eq!(told.read(), [2]);
    }

    #[test]
    fn what_cannot_be_read_waits_and_is_read_again_when_it_has_changed() {
        let (told, mut cache) = (Told::default(), QueueCache::default());
        told.set(&[(1, 5, false, true), (2, 6, true, true), (3, 6, true, false)]);
        let expect = [(1, String::new(), true), (2, "j6".to_owned(), false)];
        // The third was deleted after its row was read.
        assert_eq!(look(&mut cache, &told), expect);
        told.read();
        look(&mut cache, &told);
        assert_eq!(told.read(), [3]);
        told.set(&[(1, 8, true, true)]);
        assert_eq!(look(&mut cache, &told), [(1, "j8".to_owned(), false)]);
    }

    #[test]
    fn of_tags_those_with_limits_are_kept_and_what_runs_have_alike_is_there_once() {
        let (told, mut cache) = (Told::default(), QueueCache::default());
        told.set(&[(1, 5, true, true), (2, 6, true, true)]);
        let limits = [TagConcurrencyLimit::new("team", 3), TagConcurrencyLimit::new("other", 3)];
        let found = at_once(cache.read(&told, &limits)).unwrap();
        let [(_, first), (_, second)] = &found[..] else { panic!("{found:?}") };
        let red = BTreeMap::from([("team".to_owned(), "red".to_owned())]);
        assert_eq!(*first.run.tags, red);
        assert!(Arc::ptr_eq(&first.run.tags, &second.run.tags));
        let [first, second] = [first, second].map(|run| run.run.pools.as_ref().unwrap());
        assert_eq!(**first, pools());
        assert!(Arc::ptr_eq(first, second));
    }
}
