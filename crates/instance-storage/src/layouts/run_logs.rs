//! Where the events of a run are: with all others, or in a file of their own, of which a bounded number
//! is open.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use instance_core::error::StorageError;
use instance_core::ids::RunId;

use super::{StorageContext, sqlite::database};
use crate::db::Database;
use crate::db::{SqlitePlace, exists};
use crate::sql::schema::Schema;

/// How many shards are open at once. Each takes up to five connections of three files.
const OPEN_SHARDS: usize = 16;

/// The name of the file that is the index and no shard.
const INDEX: &str = "index";

/// Where the events of a run are.
#[derive(Debug)]
pub(crate) enum RunLogs {
    /// With those of all other runs.
    Together(Arc<Database>),
    /// In a file of their own.
    Sharded(Shards),
}

impl RunLogs {
    /// A file for each run, below a directory.
    pub(crate) fn sharded(directory: PathBuf, context: StorageContext) -> Self {
        Self::Sharded(Shards { directory, context, open: Mutex::default() })
    }

    /// Whether each run has a file of its own.
    pub(crate) const fn is_sharded(&self) -> bool {
        match self {
            Self::Together(_) => false,
            Self::Sharded(_) => true,
        }
    }

    /// Where the events of a run are written; a shard is created on first use.
    pub(crate) fn get(&self, run_id: &RunId) -> Result<Arc<Database>, StorageError> {
        match self {
            Self::Together(database) => Ok(Arc::clone(database)),
            Self::Sharded(shards) => shards.get(run_id),
        }
    }

    /// Where the events of a run are read; `None` if it has none.
    pub(crate) async fn get_existing(
        &self,
        run_id: &RunId,
    ) -> Result<Option<Arc<Database>>, StorageError> {
        match self {
            Self::Together(database) => Ok(Some(Arc::clone(database))),
            Self::Sharded(shards) => shards.get_existing(run_id).await,
        }
    }

    /// The runs that have a file of their own.
    pub(crate) async fn run_ids(&self) -> Result<Vec<RunId>, StorageError> {
        match self {
            Self::Together(_) => Ok(Vec::new()),
            Self::Sharded(shards) => shards.run_ids().await,
        }
    }

    /// Deletes the files of all runs.
    pub(crate) async fn wipe(&self) -> Result<(), StorageError> {
        match self {
            Self::Together(_) => Ok(()),
            Self::Sharded(shards) => shards.wipe().await,
        }
    }

    /// Closes all files of runs.
    pub(crate) async fn close(&self) {
        match self {
            Self::Together(_) => {}
            Self::Sharded(shards) => shards.close().await,
        }
    }
}

/// The shards below one directory, the least recently used of which are closed.
#[derive(Debug)]
pub(crate) struct Shards {
    directory: PathBuf,
    context: StorageContext,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    shards: HashMap<RunId, (Arc<Database>, u64)>,
    uses: u64,
}

impl Shards {
    fn get(&self, run_id: &RunId) -> Result<Arc<Database>, StorageError> {
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
        let shard = database(SqlitePlace::File(path), Schema::EventShard, &self.context);
        open.shards.insert(run_id.clone(), (Arc::clone(&shard), now));
        Ok(shard)
    }

    async fn get_existing(&self, run_id: &RunId) -> Result<Option<Arc<Database>>, StorageError> {
        if exists(&self.path(run_id)?).await? { self.get(run_id).map(Some) } else { Ok(None) }
    }

    async fn run_ids(&self) -> Result<Vec<RunId>, StorageError> {
        let failed = |source| StorageError::Io {
            action: "list",
            path: self.directory.display().to_string(),
            source,
        };
        if !exists(&self.directory).await? {
            return Ok(Vec::new());
        }
        let mut files = tokio::fs::read_dir(&self.directory).await.map_err(failed)?;
        let mut ids = Vec::new();
        while let Some(file) = files.next_entry().await.map_err(failed)? {
            let name = file.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".db"));
            ids.extend(id.filter(|id| *id != INDEX).map(RunId::from));
        }
        ids.sort();
        Ok(ids)
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        self.close().await;
        for run_id in self.run_ids().await? {
            let path = self.path(&run_id)?;
            for ending in ["", "-wal", "-shm"] {
                let mut file = path.clone().into_os_string();
                file.push(ending);
                match tokio::fs::remove_file(&file).await {
                    Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                        let path = PathBuf::from(file).display().to_string();
                        return Err(StorageError::Io { action: "delete", path, source });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn close(&self) {
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
