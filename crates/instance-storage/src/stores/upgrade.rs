//! What every store does for an upgrade of its schema: it finds its databases, and hands each to `db`.
//!
//! Not here: in which order databases are upgraded, and what is said of it (`domain/upgrading.rs`).

#[cfg(feature = "postgres")]
mod server;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use instance_core::error::StorageError;
use instance_core::storage::{
    DatabaseRole, DatabaseSchema, SchemaChange, SchemaLock, SchemaProgress, SchemaState,
    SchemaUpgrade, SchemaUpgraded,
};

use super::databases::{AT_ONCE, Databases, role_of};
use crate::db::{Database, exists, upgrade};
use crate::sql::schema::history::Step;
use crate::sql::schema::{HEAD, Schema};

impl Databases<'_> {
    /// What is found in each, that of the store itself last.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "files are upgraded in one way")
    )]
    pub(super) async fn schemas(
        &self,
        how: &SchemaUpgrade,
    ) -> Result<Vec<DatabaseSchema>, StorageError> {
        let of_runs = match self.run_logs {
            Some(run_logs) => run_logs.files().await?,
            None => Vec::new(),
        };
        let mut found = Vec::with_capacity(of_runs.len() + 1);
        let mut plans = Vec::new();
        for files in of_runs.chunks(AT_ONCE) {
            let looks = files.iter().map(|path| look(path, Schema::EventShard));
            for looked in join_all(looks).await {
                found.push(described(looked, &mut plans));
            }
        }
        match self.main {
            Database::Sqlite(sqlite) => {
                if let Some(path) = sqlite.file()
                    && exists(path).await?
                {
                    found.push(described(look(path, self.schema).await, &mut plans));
                }
            }
            #[cfg(feature = "postgres")]
            Database::Postgres(server) => found.push(server::described(server, how).await),
        }
        Ok(found)
    }

    /// Locks the database against other processes that upgrade it.
    pub(super) async fn lock(&self) -> Result<SchemaLock, StorageError> {
        #[cfg(feature = "postgres")]
        if let Database::Postgres(server) = self.main {
            return server.lock_upgrade().await;
        }
        let Some(path) = self.file() else {
            return Ok(SchemaLock::default());
        };
        let mut name = path.to_owned().into_os_string();
        name.push(".migrate-lock");
        // A store that is not there yet has nothing to lock, and no directory for it.
        if !path.exists() {
            return Ok(SchemaLock::default());
        }
        // Before anything is copied.
        upgrade::must_be_writable(path, self.schema).await?;
        let path = PathBuf::from(name);
        let failed =
            |source| StorageError::Io { action: "lock", path: path.display().to_string(), source };
        let file = loop {
            let file = File::create(&path).map_err(failed)?;
            match file.try_lock() {
                // Whoever had it before has deleted it, and another process may lock a new one of this name.
                Ok(()) if is_at(&file, &path).map_err(failed)? => break file,
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(StorageError::Unsupported {
                        what: format!("an upgrade of {}", self.main.name()),
                        reason:
                            "another process upgrades it; wait until that has ended. Nothing was changed"
                                .to_owned(),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        };
        Ok(SchemaLock::new(Lock { path, _file: file }))
    }

    /// Copies the file of this name.
    pub(super) async fn back_up(&self, name: &str, to: &Path) -> Result<(), StorageError> {
        let (path, schema) = self.file_named(name)?;
        upgrade::back_up(&path, schema, to).await
    }

    /// Upgrades the database of this name.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "files are upgraded in one way")
    )]
    pub(super) async fn upgrade(
        &self,
        name: &str,
        how: &SchemaUpgrade,
        progress: &(dyn Fn(SchemaProgress) + Send + Sync),
    ) -> Result<SchemaUpgraded, StorageError> {
        #[cfg(feature = "postgres")]
        if let Database::Postgres(server) = self.main
            && *server.name().as_ref() == *name
        {
            return server.upgrade_schema(how, progress).await;
        }
        let (path, schema) = self.file_named(name)?;
        let deleted_tags = upgrade::upgrade(&path, schema).await?;
        self.main.forget_capabilities();
        let mut upgraded = SchemaUpgraded::default();
        upgraded.deleted_tags = deleted_tags;
        Ok(upgraded)
    }

    /// The file of this name, with what it is for.
    fn file_named(&self, name: &str) -> Result<(PathBuf, Schema), StorageError> {
        let path = Path::new(name);
        if self.file() == Some(path) {
            return Ok((path.to_owned(), self.schema));
        }
        if self.run_logs.is_some_and(|run_logs| run_logs.is_file_of_run(path)) {
            return Ok((path.to_owned(), Schema::EventShard));
        }
        Err(StorageError::Unsupported {
            what: format!("an upgrade of {name}"),
            reason: "it is no file of this store".to_owned(),
        })
    }
}

struct Looked {
    database: String,
    role: DatabaseRole,
    bytes: Option<u64>,
    found: Result<upgrade::Found, StorageError>,
}

async fn look(path: &Path, schema: Schema) -> Looked {
    Looked {
        database: path.display().to_string(),
        role: role_of(schema),
        bytes: tokio::fs::metadata(path).await.ok().map(|file| file.len()),
        found: upgrade::look(path, schema).await,
    }
}

/// What was found, as the core says it. Many files have the same plan, which is kept once.
fn described(looked: Looked, plans: &mut Vec<Arc<[SchemaChange]>>) -> DatabaseSchema {
    let mut schema = DatabaseSchema::new(looked.database, looked.role);
    schema.bytes = looked.bytes;
    match looked.found {
        Ok(found) => {
            schema.revision = found.revision;
            schema.unfinished_data_migrations = found.unfinished;
            if let Some(steps) = found.steps {
                let changes = shared(steps, plans);
                let doubled_tags = found.doubled_tags;
                schema.state = SchemaState::Older { to: HEAD, changes, doubled_tags };
            }
        }
        Err(StorageError::Revision { database, found, expected, remedy }) => {
            schema.revision = Some(found.clone());
            let refused = StorageError::Revision { database, found, expected, remedy };
            schema.state = SchemaState::Refused(refused);
        }
        Err(error) => schema.state = SchemaState::Unreadable(error),
    }
    schema
}

fn shared(steps: Vec<Step>, plans: &mut Vec<Arc<[SchemaChange]>>) -> Arc<[SchemaChange]> {
    let changes: Vec<_> = steps
        .into_iter()
        .map(|step| SchemaChange::new(step.revision, step.release, step.statements))
        .collect();
    if let Some(known) = plans.iter().find(|known| known[..] == changes[..]) {
        return Arc::clone(known);
    }
    let plan: Arc<[SchemaChange]> = changes.into();
    plans.push(Arc::clone(&plan));
    plan
}

/// Whether an open file is the one that has this name now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let found = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let file = file.metadata()?;
    Ok((file.dev(), file.ino()) == (found.dev(), found.ino()))
}

/// Whether an open file is the one that has this name now. Elsewhere nobody deletes a file that is open.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> std::io::Result<bool> {
    path.try_exists()
}

/// A locked file, which goes when the lock does.
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It is still locked: whoever has opened it sees that it is gone. One that a killed process left is taken over.
        let _ = std::fs::remove_file(&self.path);
    }
}
