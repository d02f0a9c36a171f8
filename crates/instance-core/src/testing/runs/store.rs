//! Cases about the store of runs as a whole.

use crate::run::RunsFilter;
use crate::scheduling::{BulkActionStatus, BulkActionsFilter};
use crate::storage::RunStorage;
use crate::testing::runs::snapshots::job_snapshot;
use crate::testing::samples::{at, backfill, heartbeat, run, stamp, tags};

/// A store is told from others by an id, which it keeps.
pub async fn a_store_of_runs_keeps_its_id(storage: &dyn RunStorage) {
    let id = storage.get_run_storage_id().await.unwrap();
    assert!(!id.is_empty());
    storage.add_run(&run("r1", "j", &[]), at(0)).await.unwrap();
    assert_eq!(storage.get_run_storage_id().await.unwrap(), id);
}

/// A wipe leaves nothing of what it is about, and what it is not about as it was; then the store is used as
/// before.
pub async fn a_wipe_of_runs_leaves_cursors_and_the_id(storage: &dyn RunStorage) {
    let id = storage.get_run_storage_id().await.unwrap();
    let cursors = tags(&[("a", "1")]);
    storage.set_cursor_values(&cursors).await.unwrap();
    for _ in 0..2 {
        storage.add_run(&run("r1", "j", &[("a", "1")]), at(0)).await.unwrap();
        let snapshot = storage.add_job_snapshot(&job_snapshot("j")).await.unwrap();
        let new = backfill("b1", BulkActionStatus::Requested, 0, &[("a", "1")]);
        storage.add_backfill(&new).await.unwrap();
        storage.add_daemon_heartbeat(&heartbeat("SENSOR", "a", stamp(1))).await.unwrap();

        storage.wipe().await.unwrap();
        assert_eq!(storage.get_runs_count(&RunsFilter::default()).await.unwrap(), 0);
        assert_eq!(storage.get_run_tag_keys().await.unwrap(), Vec::<String>::new());
        assert!(!storage.has_job_snapshot(&snapshot).await.unwrap());
        let all = BulkActionsFilter::default();
        assert_eq!(storage.get_backfills_count(&all).await.unwrap(), 0);
        assert_eq!(storage.get_daemon_heartbeats().await.unwrap(), []);
        let keys = cursors.keys().cloned().collect();
        assert_eq!(storage.get_cursor_values(&keys).await.unwrap(), cursors);
        assert_eq!(storage.get_run_storage_id().await.unwrap(), id);
        assert!(!storage.schema_revision().await.unwrap().is_empty());
    }
}
