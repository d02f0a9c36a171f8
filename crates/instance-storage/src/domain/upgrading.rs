//! Upgrading the schema of an instance's databases to the newest revision: what is to be done, copies before it, and the
//! order of the databases. The data migrations that belong to it follow.
//!
//! Not here: what changes in a database, which is the store's, and how data migrations go on (`reindexing.rs`).

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use futures_util::future::join_all;
use instance_core::error::{InstanceError, StorageError};
use instance_core::ops::StorageOps;
use instance_core::storage::{
    DatabaseRole, DatabaseSchema, SchemaLock, SchemaState, SchemaStore, Stores,
};

use super::reindexing::{
    self, DataMigrations, MIGRATED_INDEXES, ReindexProgress, ReindexedIndex, UnbuiltIndex,
};

/// How many files of runs are copied or upgraded at once.
const AT_ONCE: usize = 8;

/// Whether [`upgrade`] copies databases before it changes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradeBackup {
    /// Into a directory below that of the instance, whose name has the revision of before and the time.
    #[default]
    InHome,
    /// Into this directory.
    In(PathBuf),
    /// It does not.
    Nowhere,
}

/// How [`upgrade`] goes about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgrade {
    /// Where copies go of the databases that are changed.
    pub backup: UpgradeBackup,
    /// Which data migrations follow.
    pub data_migrations: DataMigrations,
}

impl Upgrade {
    /// With copies in the directory of the instance.
    pub fn new() -> Self {
        Self::default()
    }
}

instance_core::setters! {
    impl Upgrade {
        /// Where copies go of the databases that are changed.
        with_backup(backup: UpgradeBackup);
        /// Which data migrations follow.
        with_data_migrations(data_migrations: DataMigrations);
    }
}

/// What an upgrade would do.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct UpgradePlan {
    /// Each database of the instance, in the order in which they are upgraded. A server's database that several stores
    /// share is there once.
    pub databases: Vec<DatabaseSchema>,
    /// The secondary indexes that are not marked as built, also those that [`reindex`](super::reindex) alone builds. It is
    /// empty if a database is refused or cannot be read.
    pub unbuilt_indexes: Vec<UnbuiltIndex>,
}

impl UpgradePlan {
    /// Whether all databases have the newest revision and have been through the data migrations that belong to it.
    pub fn is_done(&self) -> bool {
        self.databases.iter().all(|database| matches!(database.state, SchemaState::Current))
            && self.unbuilt(DataMigrations::OfUpgrade).next().is_none()
    }

    /// Those of the indexes that are not marked as built which an upgrade with these data migrations builds.
    pub fn unbuilt(&self, which: DataMigrations) -> impl Iterator<Item = &UnbuiltIndex> {
        let is_asked = move |unbuilt: &&UnbuiltIndex| {
            which == DataMigrations::All || MIGRATED_INDEXES.contains(&unbuilt.index)
        };
        self.unbuilt_indexes.iter().filter(is_asked)
    }
}

/// How far [`upgrade`] has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradeProgress {
    /// There is something to do, and nothing is done yet.
    Begins {
        /// The data migrations that will be carried out.
        data_migrations: Vec<&'static str>,
    },
    /// Databases are copied before anything is changed.
    Copying {
        /// How many there are.
        databases: usize,
        /// How many bytes they have together.
        bytes: u64,
        /// Where the copies go.
        directory: PathBuf,
    },
    /// Databases are being changed.
    Changing {
        /// How many are done.
        done: usize,
        /// How many there are.
        databases: usize,
    },
    /// A data migration goes on.
    Migrating(ReindexProgress),
}

/// What [`upgrade`] did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct UpgradeOutcome {
    /// Each database, in the order in which they were upgraded.
    pub databases: Vec<UpgradedDatabase>,
    /// Where the copies are; `None` if there are none.
    pub backup: Option<PathBuf>,
    /// What was done about each secondary index that was not marked as built, in the order in which it was done. It is empty
    /// if a database of more than one run could not be upgraded.
    pub indexes: Vec<ReindexedIndex>,
}

impl UpgradeOutcome {
    /// Whether a database could not be upgraded.
    pub fn has_failed(&self) -> bool {
        self.databases.iter().any(UpgradedDatabase::has_failed)
    }

    /// Whether a database could not be upgraded that is not of a single run.
    fn has_failed_for_many_runs(&self) -> bool {
        self.databases.iter().any(|database| {
            database.has_failed() && database.found.role != DatabaseRole::EventsOfOneRun
        })
    }
}

/// What became of one database.
#[derive(Debug)]
#[non_exhaustive]
pub struct UpgradedDatabase {
    /// As it was found.
    pub found: DatabaseSchema,
    /// What was done.
    pub change: DatabaseChange,
}

impl UpgradedDatabase {
    fn has_failed(&self) -> bool {
        matches!(self.change, DatabaseChange::Failed(_))
    }
}

/// What was done to one database.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatabaseChange {
    /// Nothing: it has the newest revision.
    None,
    /// It was brought to the newest revision.
    Upgraded,
    /// It is as it was, for this reason.
    Failed(StorageError),
}

/// Returns what [`upgrade`] would do. Nothing is changed, and nothing is created.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the databases cannot be listed. One that cannot be read, or that an upgrade refuses, is no
/// error: its state says it.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn upgrade_plan(ops: &dyn StorageOps) -> Result<UpgradePlan, InstanceError> {
    let mut plan = UpgradePlan::default();
    let found = found(ops.stores()).await?;
    let unfinished = unfinished(&found);
    for (_, databases) in found {
        plan.databases.extend(databases);
    }
    let is_readable = |database: &DatabaseSchema| {
        database.role == DatabaseRole::EventsOfOneRun
            || matches!(database.state, SchemaState::Current | SchemaState::Older { .. })
    };
    if plan.databases.iter().all(is_readable) {
        plan.unbuilt_indexes = reindexing::unbuilt(ops, &unfinished).await?;
    }
    Ok(plan)
}

/// Brings the schema of each database to the newest revision, and carries out the data migrations that are left.
///
/// Each database of SQLite is one transaction: it has the newest revision then, or is as it was. If the call is
/// interrupted, call it again: it goes on with what is left. A database that is damaged is left alone, and the others go on.
/// Databases are copied first, unless the request says otherwise; if one cannot be copied, nothing is changed.
///
/// Data migrations go on in small parts, each of which is one transaction, so that others can read and write in between. A
/// process of a Dagster before 1.9 goes on writing runs without their column `backfill_id` all the same. Restart such
/// processes before, or build `run_backfill_id` again afterwards ([`reindex`](super::reindex)).
///
/// # Errors
///
/// [`InstanceError::Storage`] if a database has a revision that an upgrade refuses, if another process upgrades the
/// instance, or if a copy fails. Nothing is changed then. The same if a data migration fails: then the schema is upgraded, and
/// what was migrated stays.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn upgrade(
    ops: &dyn StorageOps,
    request: &Upgrade,
    progress: &mut (dyn FnMut(UpgradeProgress) + Send),
) -> Result<UpgradeOutcome, InstanceError> {
    let mut found = found(ops.stores()).await?;
    refuse(&mut found)?;
    let mut outcome = UpgradeOutcome::default();
    let is_older = |(_, databases): &Found<'_>| databases.iter().any(DatabaseSchema::is_older);
    // Whoever has nothing to do needs no lock, and so no right to write.
    let mut _locks = Vec::new();
    if found.iter().any(is_older) || !unfinished(&found).is_empty() {
        _locks = locks(ops.stores()).await?;
        // Another process may have upgraded them meanwhile.
        found = self::found(ops.stores()).await?;
        refuse(&mut found)?;
    }
    let unfinished = unfinished(&found);
    let which = request.data_migrations;
    let mut data_migrations = which.names();
    data_migrations.retain(|name| unfinished.contains(name));
    if !data_migrations.is_empty() || found.iter().any(is_older) {
        progress(UpgradeProgress::Begins { data_migrations });
    }
    if let Some(directory) = directory_of_copies(ops, request, &found) {
        copy(&found, ops, request, &directory, progress).await?;
        outcome.backup = Some(directory);
    }
    let all = found.iter().flat_map(|(_, databases)| databases);
    let databases = all.filter(|database| database.is_older()).count();
    let mut done = 0;
    for (store, found) in found {
        for group in groups(found) {
            let changing = group.iter().map(|database| change(store, database));
            let changes = join_all(changing).await;
            let older = group.iter().filter(|database| database.is_older()).count();
            for (found, change) in group.into_iter().zip(changes) {
                outcome.databases.push(told(found, change));
            }
            if older > 0 {
                done += older;
                progress(UpgradeProgress::Changing { done, databases });
            }
        }
    }
    if !outcome.has_failed_for_many_runs() {
        let mut migrating = |at| progress(UpgradeProgress::Migrating(at));
        outcome.indexes = reindexing::migrate_data(ops, which, &unfinished, &mut migrating).await?;
    }
    Ok(outcome)
}

/// The data migrations that are not marked as finished.
fn unfinished(found: &[Found<'_>]) -> Vec<&'static str> {
    let databases = found.iter().flat_map(|(_, databases)| databases);
    databases.flat_map(|database| database.unfinished_data_migrations.iter().copied()).collect()
}

/// A store with its databases.
type Found<'s> = (&'s dyn SchemaStore, Vec<DatabaseSchema>);

/// The databases of all stores in Dagster's order, each once.
async fn found(stores: &Stores) -> Result<Vec<Found<'_>>, InstanceError> {
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    for store in all(stores) {
        let mut databases = store.schema_of_databases().await?;
        databases.retain(|schema| known.insert(schema.database.clone()));
        found.push((store, databases));
    }
    Ok(found)
}

fn all(stores: &Stores) -> [&dyn SchemaStore; 3] {
    [&*stores.run_storage, &*stores.event_log_storage, &*stores.schedule_storage]
}

/// The first refusal is the error.
fn refuse(found: &mut [Found<'_>]) -> Result<(), StorageError> {
    for database in found.iter_mut().flat_map(|(_, databases)| databases) {
        if matches!(database.state, SchemaState::Refused(_))
            && let SchemaState::Refused(error) =
                std::mem::replace(&mut database.state, SchemaState::Current)
        {
            return Err(error);
        }
    }
    Ok(())
}

async fn locks(stores: &Stores) -> Result<Vec<SchemaLock>, StorageError> {
    let mut locks = Vec::new();
    for store in all(stores) {
        locks.push(store.lock_schema().await?);
    }
    Ok(locks)
}

/// Whether it is a file whose schema or rows will be changed.
fn is_changed(database: &DatabaseSchema, request: &Upgrade) -> bool {
    let names = request.data_migrations.names();
    // Whoever has a server has its own way of copying.
    if database.role == DatabaseRole::Everything {
        return false;
    }
    database.is_older()
        || database.unfinished_data_migrations.iter().any(|name| names.contains(name))
}

/// Where copies go; `None` if there is nothing to copy.
fn directory_of_copies(
    ops: &dyn StorageOps,
    request: &Upgrade,
    found: &[Found<'_>],
) -> Option<PathBuf> {
    let mut databases = found.iter().flat_map(|(_, databases)| databases);
    let first = databases.find(|database| is_changed(database, request))?;
    match &request.backup {
        UpgradeBackup::Nowhere => None,
        UpgradeBackup::In(directory) => Some(directory.clone()),
        UpgradeBackup::InHome => {
            let revision = first.revision.as_deref().unwrap_or("unstamped");
            let at = ops.clock().now().format("%Y%m%dT%H%M%SZ");
            Some(ops.settings().home.join(format!("backup-{revision}-{at}")))
        }
    }
}

async fn copy(
    found: &[Found<'_>],
    ops: &dyn StorageOps,
    request: &Upgrade,
    directory: &Path,
    progress: &mut (dyn FnMut(UpgradeProgress) + Send),
) -> Result<(), InstanceError> {
    let changed: Vec<(&dyn SchemaStore, &DatabaseSchema)> = found
        .iter()
        .flat_map(|(store, databases)| databases.iter().map(|database| (*store, database)))
        .filter(|(_, database)| is_changed(database, request))
        .collect();
    progress(UpgradeProgress::Copying {
        databases: changed.len(),
        bytes: changed.iter().filter_map(|(_, database)| database.bytes).sum(),
        directory: directory.to_owned(),
    });
    for group in changed.chunks(AT_ONCE) {
        let copying = group.iter().map(|(store, database)| async move {
            let to = directory.join(place_of_copy(&ops.settings().home, &database.database));
            store.back_up_database(&database.database, &to).await
        });
        for copied in join_all(copying).await {
            copied?;
        }
    }
    Ok(())
}

/// The path of a copy below the directory of copies: as below the home, else as from the root.
fn place_of_copy(home: &Path, database: &str) -> PathBuf {
    let path = Path::new(database);
    if let Ok(below) = path.strip_prefix(home) {
        return below.to_owned();
    }
    let named = path.components().filter(|part| matches!(part, Component::Normal(_)));
    Path::new("outside").join(named.collect::<PathBuf>())
}

/// Files of runs in groups that are changed at once; each other database alone.
fn groups(databases: Vec<DatabaseSchema>) -> Vec<Vec<DatabaseSchema>> {
    let mut groups: Vec<Vec<DatabaseSchema>> = Vec::new();
    for database in databases {
        let is_of_run = database.role == DatabaseRole::EventsOfOneRun;
        match groups.last_mut() {
            Some(group)
                if is_of_run
                    && group.len() < AT_ONCE
                    && group.iter().all(|it| it.role == DatabaseRole::EventsOfOneRun) =>
            {
                group.push(database);
            }
            _ => groups.push(vec![database]),
        }
    }
    groups
}

/// Whether a database was changed.
async fn change(store: &dyn SchemaStore, database: &DatabaseSchema) -> Result<bool, StorageError> {
    if !database.is_older() {
        return Ok(false);
    }
    store.upgrade_database(&database.database).await.map(|()| true)
}

fn told(mut found: DatabaseSchema, changed: Result<bool, StorageError>) -> UpgradedDatabase {
    let change = match (changed, &mut found.state) {
        (Err(error), _) => DatabaseChange::Failed(error),
        (Ok(_), state @ SchemaState::Unreadable(_)) => {
            match std::mem::replace(state, SchemaState::Current) {
                SchemaState::Unreadable(error) => DatabaseChange::Failed(error),
                _ => DatabaseChange::None,
            }
        }
        (Ok(true), _) => DatabaseChange::Upgraded,
        (Ok(false), _) => DatabaseChange::None,
    };
    UpgradedDatabase { found, change }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_runs_go_in_groups_and_others_alone() {
        let mut databases: Vec<_> = (0..10)
            .map(|number| DatabaseSchema::new(number.to_string(), DatabaseRole::EventsOfOneRun))
            .collect();
        databases.push(DatabaseSchema::new("index", DatabaseRole::Events));
        let sizes: Vec<_> = groups(databases).iter().map(Vec::len).collect();
        assert_eq!(sizes, [8, 2, 1]);
    }

    #[test]
    fn copies_have_places_of_their_own() {
        let home = Path::new("/home/dagster");
        for (database, expect) in [
            ("/home/dagster/history/runs.db", "history/runs.db"),
            ("/var/lib/runs.db", "outside/var/lib/runs.db"),
            ("../runs.db", "outside/runs.db"),
        ] {
            assert_eq!(place_of_copy(home, database), Path::new(expect));
        }
    }
}
