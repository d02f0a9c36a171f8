//! In which database the events of a run are: in one with all others, or in a file of the run. Only a bounded
//! number of files is open.

use std::collections::HashMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use instance_core::error::StorageError;
use instance_core::ids::RunId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::context::StorageContext;
use crate::db::{Connection, Database, FILES_OF_SHARD, Operation, RunFile, RunFiles, exists};
use crate::sql::schema::{HEAD, Stamp};
use crate::watch::Notices;

/// How many shards are open at once, at least and at most. Shards in use count.
const FEWEST_OPEN: usize = 16;
const MOST_OPEN: usize = 128;
/// How many more may be closing.
const CLOSING: usize = 8;

/// The name of the file that is the index and no shard.
const INDEX: &str = "index";

/// Where the events of a run are.
#[derive(Debug)]
pub(crate) enum RunLogs {
    /// With those of all other runs.
    Shared(Arc<Database>),
    /// In a file of their own.
    Sharded(Box<Shards>),
}

impl RunLogs {
    /// A file for each run, below a directory. Some databases in it, by their names without the ending, are those of
    /// other stores.
    pub(crate) fn sharded(
        directory: PathBuf,
        mut taken: Vec<&'static str>,
        index: Arc<Database>,
        context: StorageContext,
    ) -> Self {
        let most = open_at_most();
        taken.push(INDEX);
        Self::Sharded(Box::new(Shards {
            directory,
            taken,
            index,
            context,
            most,
            users: Arc::new(Semaphore::new(most)),
            open: Mutex::default(),
            closing: tokio::sync::Mutex::default(),
            new_files: RunFiles::default(),
        }))
    }

    /// Whether each run has a file of its own.
    pub(crate) const fn is_sharded(&self) -> bool {
        match self {
            Self::Shared(_) => false,
            Self::Sharded(_) => true,
        }
    }

    /// From where a process hears that another one has stored events.
    pub(crate) fn notices(&self) -> Notices {
        match self {
            Self::Shared(database) => match &**database {
                Database::Sqlite(sqlite) => {
                    sqlite.file().map_or(Notices::None, |path| Notices::File(path.to_owned()))
                }
                #[cfg(feature = "postgres")]
                Database::Postgres(_) => Notices::Postgres(Arc::clone(database)),
            },
            Self::Sharded(shards) => Notices::FilesOfRuns(shards.directory.clone()),
        }
    }

    /// Refuses a run whose events have no possible place.
    pub(crate) fn check(&self, run_id: &RunId) -> Result<(), StorageError> {
        match self {
            Self::Shared(_) => Ok(()),
            Self::Sharded(shards) => shards.path(run_id).map(drop),
        }
    }

    /// Where the events of a run are written. A shard is created on first use. It waits while all shards that may
    /// be open are in use.
    pub(crate) async fn get(&self, run_id: &RunId) -> Result<RunLog, StorageError> {
        match self {
            Self::Shared(database) => Ok(RunLog::of_all(database)),
            Self::Sharded(shards) => shards.get(run_id).await,
        }
    }

    /// The log of a new run with its first content, which has no place yet. `None` if the run has a log, or if a
    /// new run needs none.
    pub(crate) async fn prepare<T, F>(
        &self,
        run_id: &RunId,
        operation: &'static str,
        write: F,
    ) -> Result<Option<NewRunLog<T>>, StorageError>
    where
        T: Send,
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, Result<T, StorageError>> + Send,
    {
        let Self::Sharded(shards) = self else {
            return Ok(None);
        };
        let path = shards.path(run_id)?;
        if exists(&path).await? {
            return Ok(None);
        }
        let beside = shards.stamp().await?;
        if !shards.index.has_log() {
            // What is made in memory has one.
            return Ok(None);
        }
        let making = shards.new_files.with(&beside, &shards.context, operation, write);
        let of_run = Operation::of_run(operation, run_id);
        let (file, written) = of_run.observe(&path.to_string_lossy(), |_| None, making).await?;
        Ok(Some(NewRunLog { path, file, written }))
    }

    /// Where the events of a run are read; `None` if it has none.
    pub(crate) async fn get_existing(
        &self,
        run_id: &RunId,
    ) -> Result<Option<RunLog>, StorageError> {
        match self {
            Self::Shared(database) => Ok(Some(RunLog::of_all(database))),
            Self::Sharded(shards) => shards.get_existing(run_id).await,
        }
    }

    /// The runs that have a file of their own.
    pub(crate) async fn run_ids(&self) -> Result<Vec<RunId>, StorageError> {
        match self {
            Self::Shared(_) => Ok(Vec::new()),
            Self::Sharded(shards) => {
                let directory = shards.directory.to_string_lossy();
                Operation::from("listing logs of runs")
                    .observe(&directory, |ids: &Vec<RunId>| Some(ids.len()), shards.run_ids())
                    .await
            }
        }
    }

    /// The files of all runs, in the order of the runs' ids.
    pub(crate) async fn files(&self) -> Result<Vec<PathBuf>, StorageError> {
        match self {
            Self::Shared(_) => Ok(Vec::new()),
            Self::Sharded(shards) => {
                let ids = self.run_ids().await?;
                ids.iter().map(|run_id| shards.path(run_id)).collect()
            }
        }
    }

    /// Whether this is the path of a run's file, which need not be there.
    pub(crate) fn is_file_of_run(&self, path: &Path) -> bool {
        let Self::Sharded(shards) = self else {
            return false;
        };
        let name = path.file_name().and_then(|name| name.to_str());
        let run_id = name.and_then(|name| name.strip_suffix(".db")).map(RunId::from);
        run_id.is_some_and(|run_id| shards.path(&run_id).is_ok_and(|of_run| of_run == path))
    }

    /// Deletes the files of all runs.
    pub(crate) async fn wipe(&self) -> Result<(), StorageError> {
        match self {
            Self::Shared(_) => Ok(()),
            Self::Sharded(shards) => shards.wipe().await,
        }
    }

    /// Closes all files of runs.
    pub(crate) async fn close(&self) {
        match self {
            Self::Shared(_) => {}
            Self::Sharded(shards) => shards.close().await,
        }
    }
}

/// The database with the events of a run. It stays open until this is dropped.
#[derive(Debug)]
pub(crate) struct RunLog {
    database: Arc<Database>,
    _use: Option<OwnedSemaphorePermit>,
}

impl RunLog {
    fn of_all(database: &Arc<Database>) -> Self {
        Self { database: Arc::clone(database), _use: None }
    }
}

impl Deref for RunLog {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

/// The log of a new run, before it has its place.
#[derive(Debug)]
pub(crate) struct NewRunLog<T> {
    path: PathBuf,
    file: RunFile,
    written: T,
}

impl<T> NewRunLog<T> {
    /// Puts the log in its place, durably, all or nothing. Returns the result of what was written into it. `None`
    /// if another process was faster, or if this cannot be done here. The log is then written as any other.
    pub(crate) async fn place(self) -> Result<Option<T>, StorageError> {
        let path = self.path.to_string_lossy();
        let placing = self.file.place(&self.path);
        let operation = Operation::from("placing the file of a new run");
        Ok(operation.observe(&path, |_| None, placing).await?.then_some(self.written))
    }
}

/// How many shards may be open. Half of the files that this process may have open are left to others. A process
/// that writes as many runs at once would otherwise wait for files that are closed and opened again for each event.
fn open_at_most() -> usize {
    #[cfg(unix)]
    let files = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)
        .map_or(0, |(files, _)| usize::try_from(files).unwrap_or(usize::MAX));
    #[cfg(not(unix))]
    let files = 0;
    (files / 2 / FILES_OF_SHARD).clamp(FEWEST_OPEN, MOST_OPEN)
}

/// The shards below one directory. The least recently used ones are closed.
#[derive(Debug)]
pub(crate) struct Shards {
    directory: PathBuf,
    /// The names of the databases that are there and are no run's.
    taken: Vec<&'static str>,
    /// What stands beside them and has what is asked across runs. New shards get its revision.
    index: Arc<Database>,
    context: StorageContext,
    /// How many are open at once.
    most: usize,
    users: Arc<Semaphore>,
    open: Mutex<Open>,
    /// Shards that were open and are being closed. That takes two flushes, for which nobody waits.
    closing: tokio::sync::Mutex<JoinSet<()>>,
    new_files: RunFiles,
}

#[derive(Debug, Default)]
struct Open {
    shards: HashMap<RunId, (Arc<Database>, u64)>,
    uses: u64,
}

impl Open {
    /// The shard of a run, and a shard that is to be closed to make room for it.
    fn get(
        &mut self,
        run_id: &RunId,
        most: usize,
        new: impl FnOnce() -> Arc<Database>,
    ) -> (Arc<Database>, Option<Arc<Database>>) {
        self.uses += 1;
        // Somebody may have deleted its file meanwhile, so it is opened as if for the first time.
        self.shards.retain(|id, (shard, _)| {
            id != run_id || Arc::strong_count(shard) > 1 || !shard.is_idle()
        });
        if let Some((shard, last_use)) = self.shards.get_mut(run_id) {
            *last_use = self.uses;
            return (Arc::clone(shard), None);
        }
        let mut surplus = None;
        if self.shards.len() >= most {
            // A shard in use is left open: otherwise its file would be opened a second time beside it.
            let unused = self.shards.iter().filter(|(_, (shard, _))| Arc::strong_count(shard) == 1);
            let oldest = unused.min_by_key(|(_, (_, last_use))| *last_use);
            let oldest = oldest.map(|(id, _)| id.clone());
            surplus = oldest.and_then(|id| self.shards.remove(&id)).map(|(shard, _)| shard);
        }
        let shard = new();
        self.shards.insert(run_id.clone(), (Arc::clone(&shard), self.uses));
        (shard, surplus)
    }
}

impl Shards {
    async fn get(&self, run_id: &RunId) -> Result<RunLog, StorageError> {
        let path = self.path(run_id)?;
        // The semaphore is never closed.
        let user = Arc::clone(&self.users).acquire_owned().await.ok();
        let is_open = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.shards.contains_key(run_id)
        };
        // Whoever only reads the log of a run has no need of the index.
        let beside = if is_open || exists(&path).await? {
            self.index.known_stamp().unwrap_or_else(|| Stamp::Of(HEAD.to_owned()))
        } else {
            self.stamp().await?
        };
        let (database, surplus) = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let (index, context) = (&self.index, &self.context);
            let new = || Arc::new(Database::sqlite_of_run(path, &beside, index, context));
            open.get(run_id, self.most, new)
        };
        if let Some(surplus) = surplus {
            let mut closing = self.closing.lock().await;
            while closing.try_join_next().is_some() {}
            if closing.len() >= CLOSING {
                closing.join_next().await;
            }
            closing.spawn(async move { surplus.close().await });
        }
        Ok(RunLog { database, _use: user })
    }

    /// The revision of the index, which a new file gets. An index that was older may have been upgraded since.
    async fn stamp(&self) -> Result<Stamp, StorageError> {
        let stamp = self.index.stamp().await?;
        if stamp == Stamp::Of(HEAD.to_owned()) {
            return Ok(stamp);
        }
        self.index.forget_capabilities();
        self.index.capabilities().await?;
        self.index.stamp().await
    }

    async fn get_existing(&self, run_id: &RunId) -> Result<Option<RunLog>, StorageError> {
        if exists(&self.path(run_id)?).await? { self.get(run_id).await.map(Some) } else { Ok(None) }
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
            if let Some(id) = id
                && !self.taken.contains(&id)
                && is_file(&file).await
            {
                ids.push(RunId::from(id));
            }
        }
        ids.sort();
        Ok(ids)
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        self.close().await;
        for run_id in self.run_ids().await? {
            let path = self.path(&run_id)?;
            for ending in ["", "-wal", "-shm", "-journal"] {
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
        let mut closing = self.closing.lock().await;
        while closing.join_next().await.is_some() {}
    }

    /// The file of a run's shard. An id is refused if it is no file name, or names another file.
    fn path(&self, run_id: &RunId) -> Result<PathBuf, StorageError> {
        let id = run_id.as_str();
        if self.taken.contains(&id) || id.contains(['/', '\\', '\0']) {
            return Err(StorageError::Unsupported {
                what: format!("run id {id:?}"),
                reason: "events of a run are stored in a file of its id, and this id is not a possible name".to_owned(),
            });
        }
        Ok(self.directory.join(format!("{id}.db")))
    }
}

/// Whether an entry of a directory is a file, or leads to one. What cannot be looked at is taken for one, so that whoever
/// reads it is told.
async fn is_file(entry: &tokio::fs::DirEntry) -> bool {
    match entry.file_type().await {
        Ok(kind) if kind.is_symlink() => {
            tokio::fs::metadata(entry.path()).await.is_ok_and(|found| found.is_file())
        }
        Ok(kind) => kind.is_file(),
        Err(_) => true,
    }
}
