//! The shards of events: one file for each run, of which a bounded number is open.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use instance_core::error::StorageError;
use instance_core::ids::RunId;

use super::database::Database;
use super::{Shared, exists};
use crate::sql::schema::Schema;

/// How many shards are open at once. Each takes up to five connections of three files.
const OPEN_SHARDS: usize = 16;

/// The name of the file that is the index and no shard.
const INDEX: &str = "index";

/// The shards below one directory, the least recently used of which are closed.
#[derive(Debug)]
pub(super) struct Shards {
    directory: PathBuf,
    shared: Shared,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    shards: HashMap<RunId, (Arc<Database>, u64)>,
    uses: u64,
}

impl Shards {
    pub(super) fn new(directory: PathBuf, shared: Shared) -> Self {
        Self { directory, shared, open: Mutex::default() }
    }

    /// The index across runs, which lies beside the shards.
    pub(super) fn index(&self) -> Database {
        let path = self.directory.join(format!("{INDEX}.db"));
        Database::new(path, Schema::EventIndex, self.shared.clone())
    }

    /// The shard of a run, which is created on first use.
    pub(super) fn get(&self, run_id: &RunId) -> Result<Arc<Database>, StorageError> {
        let path = self.path(run_id)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.uses += 1;
        let now = open.uses;
        if let Some((shard, last_use)) = open.shards.get_mut(run_id) {
            *last_use = now;
            return Ok(Arc::clone(shard));
        }
        if open.shards.len() >= OPEN_SHARDS {
            // One that is in use is left: its file would be opened a second time beside it.
            let unused = open.shards.iter().filter(|(_, (shard, _))| Arc::strong_count(shard) == 1);
            let oldest =
                unused.min_by_key(|(_, (_, last_use))| *last_use).map(|(id, _)| id.clone());
            oldest.and_then(|oldest| open.shards.remove(&oldest));
        }
        let shard = Arc::new(Database::new(path, Schema::EventShard, self.shared.clone()));
        open.shards.insert(run_id.clone(), (Arc::clone(&shard), now));
        Ok(shard)
    }

    /// The shard of a run, if it exists.
    pub(super) async fn get_existing(
        &self,
        run_id: &RunId,
    ) -> Result<Option<Arc<Database>>, StorageError> {
        if exists(&self.path(run_id)?).await? { self.get(run_id).map(Some) } else { Ok(None) }
    }

    /// Closes all shards.
    pub(super) async fn close(&self) {
        let shards: Vec<_> = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.shards.drain().map(|(_, (shard, _))| shard).collect()
        };
        for shard in shards {
            shard.close().await;
        }
    }

    /// The file of a run's shard; an id that is no name of a file, or names another, is refused.
    fn path(&self, run_id: &RunId) -> Result<PathBuf, StorageError> {
        let id = run_id.as_str();
        if id == INDEX || id.contains(['/', '\\', '\0']) {
            return Err(StorageError::Unsupported {
                what: format!("run id {id:?}"),
                reason: "events of a run are stored in a file of its id, and this id is not a possible name".to_owned(),
            });
        }
        Ok(self.directory.join(format!("{id}.db")))
    }
}
