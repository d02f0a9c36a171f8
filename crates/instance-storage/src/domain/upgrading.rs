//! Upgrading the schema of an instance's databases to the newest revision: what is to be done, copies before it, and the
//! order of the databases. The data migrations that belong to it follow.
//!
//! Not here: what changes in a database, which is the store's, and how data migrations go on (`reindexing.rs`).

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use instance_core::error::{InstanceError, Persistence, StorageError};
use instance_core::ops::StorageOps;
use instance_core::storage::{
    DatabaseRole, DatabaseSchema, SchemaLock, SchemaProgress, SchemaState, SchemaStore,
    SchemaUpgrade, SchemaUpgraded, Stores,
};

use super::reindexing::{self, DataMigrations, ReindexProgress, ReindexedIndex, UnbuiltIndex};

/// How many files of runs are copied or upgraded at once.
const AT_ONCE: usize = 8;

/// Whether [`upgrade`] copies databases before it changes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradeBackup {
    /// Into a directory below that of the instance, whose name has the revision of before and the time. Each call makes one
    /// of its own.
    #[default]
    InHome,
    /// Into a directory of such a name below this one.
    In(PathBuf),
    /// It does not.
    Nowhere,
}

/// How [`upgrade`] goes about it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Upgrade {
    /// Where copies go of the files that are changed. A server's database is not copied.
    pub backup: UpgradeBackup,
    /// Which data migrations follow.
    pub data_migrations: DataMigrations,
    /// How each database is upgraded.
    pub schema: SchemaUpgrade,
}

impl Upgrade {
    /// With copies in the directory of the instance.
    pub fn new() -> Self {
        Self::default()
    }
}

instance_core::setters! {
    impl Upgrade {
        /// Where copies go of the files that are changed.
        with_backup(backup: UpgradeBackup);
        /// Which data migrations follow.
        with_data_migrations(data_migrations: DataMigrations);
        /// How each database is upgraded.
        with_schema(schema: SchemaUpgrade);
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
        self.unbuilt_indexes.iter().filter(move |unbuilt| which.includes(unbuilt.index))
    }
}

/// How far [`upgrade`] has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradeProgress {
    /// There is something to do, and nothing is done yet.
    Begins {
        /// How many databases get a newer revision.
        databases: usize,
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
    /// A server's database is being changed, in steps.
    Server(SchemaProgress),
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
    /// Why the data migration behind these could not be finished, if one could not. Those after it were not begun.
    pub data_migration_error: Option<InstanceError>,
}

impl UpgradeOutcome {
    /// Whether a database could not be upgraded, or a data migration could not be finished.
    pub fn has_failed(&self) -> bool {
        self.data_migration_error.is_some()
            || self.databases.iter().any(UpgradedDatabase::has_failed)
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
    /// The locks that were held for it, and the rows that were deleted.
    pub upgraded: SchemaUpgraded,
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
    /// It does not have the newest revision, for this reason. A file is as it was; of a server's database, a part may be
    /// done.
    Failed(StorageError),
}

/// Returns what [`upgrade`] would do. Nothing is changed, and nothing is created.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the databases cannot be listed. One that cannot be read, or that an upgrade refuses, is no
/// error: its state says it.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn upgrade_plan(
    ops: &dyn StorageOps,
    how: &SchemaUpgrade,
) -> Result<UpgradePlan, InstanceError> {
    let mut plan = UpgradePlan::default();
    let found = found(ops.stores(), how).await?;
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
/// Each database of SQLite is one transaction: it has the newest revision then, or is as it was. One of Postgres is changed in
/// steps while others use it, each step done or not. If the call is
/// interrupted, call it again: it goes on with what is left. A database that is damaged is left alone, and the others go on.
/// Files are copied first, unless the request says otherwise; if one cannot be copied, nothing is changed.
///
/// Data migrations go on in small parts, each of which is one transaction, so that others can read and write in between. A
/// process of a Dagster before 1.9 goes on writing runs without their column `backfill_id` all the same. Restart such
/// processes before, or build `run_backfill_id` again afterwards ([`reindex`](super::reindex)).
///
/// # Errors
///
/// [`InstanceError::Storage`] if a database has a revision that an upgrade refuses, if another process upgrades the
/// instance, or if a copy fails. Nothing is changed then. A data migration that fails is no error: the outcome has it, as the
/// schema is upgraded then, and what was migrated stays.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn upgrade(
    ops: &dyn StorageOps,
    request: &Upgrade,
    progress: &mut (dyn FnMut(UpgradeProgress) + Send),
) -> Result<UpgradeOutcome, InstanceError> {
    let how = &request.schema;
    let mut found = found(ops.stores(), how).await?;
    refuse(&mut found)?;
    let mut outcome = UpgradeOutcome::default();
    let is_older = |(_, databases): &Found<'_>| databases.iter().any(DatabaseSchema::is_older);
    // Whoever has nothing to do needs no lock, and so no right to write.
    let mut _locks = Vec::new();
    let to_migrate = |found: &[Found<'_>]| {
        let unfinished = unfinished(found);
        let mut names = request.data_migrations.names();
        names.retain(|name| unfinished.contains(name));
        names
    };
    if found.iter().any(is_older) || !to_migrate(&found).is_empty() {
        _locks = locks(&found).await?;
        // Another process may have upgraded them meanwhile.
        found = self::found(ops.stores(), how).await?;
        refuse(&mut found)?;
    }
    let data_migrations = to_migrate(&found);
    let all = found.iter().flat_map(|(_, databases)| databases);
    let databases = all.filter(|database| database.is_older()).count();
    if !data_migrations.is_empty() || databases > 0 {
        progress(UpgradeProgress::Begins { databases, data_migrations: data_migrations.clone() });
    }
    if let Some(directory) = directory_of_copies(ops, request, &found)? {
        copy(&found, ops, request, &directory, progress).await?;
        outcome.backup = Some(directory);
    }
    let mut done = 0;
    let progress = Mutex::new(progress);
    let tell = |at| progress.lock().unwrap_or_else(PoisonError::into_inner)(at);
    for (store, found) in found {
        for group in groups(found) {
            let older = group.iter().filter(|database| database.is_older()).count();
            if let Some(database) = group.first().filter(|_| older > 0 && how.stop.is_asked()) {
                return Err(interrupted(&database.database).into());
            }
            let of_server = |at| tell(UpgradeProgress::Server(at));
            let changing = group.iter().map(|database| change(store, database, how, &of_server));
            let changes = join_all(changing).await;
            for (found, change) in group.into_iter().zip(changes) {
                outcome.databases.push(told(found, change));
            }
            if older > 0 {
                done += older;
                tell(UpgradeProgress::Changing { done, databases });
            }
        }
    }
    if !outcome.has_failed_for_many_runs() {
        let mut migrating = |at| tell(UpgradeProgress::Migrating(at));
        let (done, ended) =
            reindexing::migrate_data(ops, &data_migrations, &how.stop, &mut migrating).await;
        (outcome.indexes, outcome.data_migration_error) = (done, ended.err());
    }
    Ok(outcome)
}

/// The data migrations that are not marked as finished.
fn unfinished(found: &[Found<'_>]) -> Vec<&'static str> {
    let databases = found.iter().flat_map(|(_, databases)| databases);
    databases.flat_map(|database| database.unfinished_data_migrations.iter().copied()).collect()
}

pub(super) fn interrupted(database: &str) -> StorageError {
    StorageError::Backend {
        database: database.to_owned(),
        operation: "upgrading",
        persistence: Persistence::Temporary,
        source: "it was interrupted. What was done stays; give the command again to go on".into(),
    }
}

/// A store with its databases.
type Found<'s> = (&'s dyn SchemaStore, Vec<DatabaseSchema>);

/// The databases of all stores in Dagster's order, each once.
async fn found<'s>(
    stores: &'s Stores,
    how: &SchemaUpgrade,
) -> Result<Vec<Found<'s>>, InstanceError> {
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    for store in schema_stores(stores) {
        let mut databases = store.schema_of_databases(how).await?;
        databases.retain(|schema| {
            let name = schema.place.is_none().then(|| schema.database.clone());
            known.insert((schema.place.clone(), name))
        });
        found.push((store, databases));
    }
    Ok(found)
}

/// All stores in Dagster's order.
pub(super) fn schema_stores(stores: &Stores) -> [&dyn SchemaStore; 3] {
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

/// Stores that share a database have one lock, also if they have schemas of their own in it.
async fn locks(found: &[Found<'_>]) -> Result<Vec<SchemaLock>, StorageError> {
    let (mut locks, mut locked) = (Vec::new(), BTreeSet::new());
    for (store, databases) in found.iter().filter(|(_, databases)| !databases.is_empty()) {
        let place = databases.iter().find_map(|schema| schema.place.as_ref());
        if place.is_none_or(|place| locked.insert(&place.database)) {
            locks.push(store.lock_schema().await?);
        }
    }
    Ok(locks)
}

/// Whether it is a file whose schema or rows will be changed.
fn is_changed(database: &DatabaseSchema, request: &Upgrade) -> bool {
    let names = request.data_migrations.names();
    database.is_older()
        || database.unfinished_data_migrations.iter().any(|name| names.contains(name))
}

/// Where copies go; `None` if there is nothing to copy. Those of a server's database are its administrator's.
fn directory_of_copies(
    ops: &dyn StorageOps,
    request: &Upgrade,
    found: &[Found<'_>],
) -> Result<Option<PathBuf>, StorageError> {
    let changed = found.iter().flat_map(|(_, databases)| databases);
    let mut changed = changed.filter(|database| is_changed(database, request));
    if let (UpgradeBackup::In(_), Some(database)) =
        (&request.backup, changed.clone().find(|database| !is_file(database)))
    {
        return Err(StorageError::Unsupported {
            what: format!("a copy of {}", database.database),
            reason: "a server's database is copied by the server's own programs, such as pg_dump; do that, and leave \
                     out where copies go. Nothing was changed"
                .to_owned(),
        });
    }
    let Some(first) = changed.find(|database| is_file(database)) else {
        return Ok(None);
    };
    let parent = match &request.backup {
        UpgradeBackup::Nowhere => return Ok(None),
        UpgradeBackup::In(directory) => directory,
        UpgradeBackup::InHome => &ops.settings().home,
    };
    let revision = first.revision.as_deref().unwrap_or("unstamped");
    let at = ops.clock().now().format("%Y%m%dT%H%M%SZ");
    new_directory(parent, &format!("backup-{revision}-{at}")).map(Some)
}

/// The path of a directory that is not there yet: what a call that was killed has copied is never mixed with other copies.
fn new_directory(parent: &Path, name: &str) -> Result<PathBuf, StorageError> {
    let mut directory = parent.join(name);
    let mut number = 1;
    while directory.try_exists().map_err(|source| StorageError::Io {
        action: "look for",
        path: directory.display().to_string(),
        source,
    })? {
        number += 1;
        directory = parent.join(format!("{name}-{number}"));
    }
    Ok(directory)
}

fn is_file(database: &DatabaseSchema) -> bool {
    database.role != DatabaseRole::Everything
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
        .filter(|(_, database)| is_changed(database, request) && is_file(database))
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

/// What was changed in a database; `None` if nothing had to be.
async fn change(
    store: &dyn SchemaStore,
    database: &DatabaseSchema,
    how: &SchemaUpgrade,
    progress: &(dyn Fn(SchemaProgress) + Send + Sync),
) -> Result<Option<SchemaUpgraded>, StorageError> {
    if !database.is_older() {
        return Ok(None);
    }
    store.upgrade_database(&database.database, how, progress).await.map(Some)
}

fn told(
    mut found: DatabaseSchema,
    changed: Result<Option<SchemaUpgraded>, StorageError>,
) -> UpgradedDatabase {
    let mut upgraded = SchemaUpgraded::default();
    let change = match (changed, &mut found.state) {
        (Err(error), _) => DatabaseChange::Failed(error),
        (Ok(_), state @ SchemaState::Unreadable(_)) => {
            match std::mem::replace(state, SchemaState::Current) {
                SchemaState::Unreadable(error) => DatabaseChange::Failed(error),
                _ => DatabaseChange::None,
            }
        }
        (Ok(Some(done)), _) => {
            upgraded = done;
            DatabaseChange::Upgraded
        }
        (Ok(None), _) => DatabaseChange::None,
    };
    UpgradedDatabase { found, change, upgraded }
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
    fn each_call_copies_into_a_directory_of_its_own() {
        let parent = tempfile::tempdir().unwrap();
        for expect in ["copies", "copies-2", "copies-3"] {
            let directory = new_directory(parent.path(), "copies").unwrap();
            assert_eq!(directory, parent.path().join(expect));
            std::fs::create_dir(directory).unwrap();
        }
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
