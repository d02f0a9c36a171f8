//! What is found in a database before it is upgraded. Nothing is changed.

use instance_core::error::StorageError;
use instance_core::storage::{DatabasePlace, SchemaUpgrade};

use super::super::super::Row;
use super::super::PostgresDatabase;
use super::super::seen::Seen;
use super::session::{Session, Texts, code};
use crate::sql::schema::history::server::widening::{self, Narrows};
use crate::sql::schema::history::server::{Action, Facts, Index, Size, Start, actions, tables};
use crate::sql::schema::{self, HEAD, Schema, Stamp, history, server};
use crate::sql::tables::{run_tags, secondary_indexes};

/// How many tags that are too long an error names.
const NAMED: usize = 5;

/// What is found in a database.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its revision; `None` if it says none.
    pub(crate) revision: Option<String>,
    /// Which one it is.
    pub(crate) place: DatabasePlace,
    /// What leads to the newest revision; empty if there is nothing to do.
    pub(crate) actions: Vec<Action>,
    pub(crate) facts: Facts,
    /// The data migrations that are not marked as complete.
    pub(crate) unfinished: Vec<&'static str>,
    /// The tables whose ids are to get 64 bits.
    pub(crate) narrows: Narrows,
}

impl Session {
    /// Looks what there is, and what is to be done.
    pub(super) async fn look(
        &mut self,
        database: &PostgresDatabase,
        how: &SchemaUpgrade,
    ) -> Result<Found, StorageError> {
        let begin = self.begin_without_limits();
        self.run(&begin).await?;
        let found = self.look_within(database, how).await;
        let ended = self.run(schema::ROLLBACK).await;
        let found = found?;
        ended?;
        Ok(found)
    }

    async fn look_within(
        &mut self,
        database: &PostgresDatabase,
        how: &SchemaUpgrade,
    ) -> Result<Found, StorageError> {
        let seen = database.look_through(self.connection()).await?;
        let facts = self.facts().await?;
        let stamp = &seen.found.stamp;
        stamp.check(&self.database)?;
        let unfinished = self.unfinished(database, &facts).await?;
        let revision = match stamp {
            Stamp::Of(revision) => Some(revision.clone()),
            Stamp::None | Stamp::Several(_) => None,
        };
        let surroundings = self.surroundings().await?;
        self.schema = surroundings.other_schema();
        let place = surroundings.place();
        let narrows = Narrows::default();
        let mut found = Found { revision, place, actions: Vec::new(), facts, unfinished, narrows };
        if seen.missing().len() < Schema::OF_ONE_DATABASE.len() {
            let start = self.start(&seen, how)?;
            found.actions = actions(start, &found.facts);
            if how.widen_ids {
                found.narrows = self.narrows(&found.actions).await?;
                self.refuse_views(&found.narrows).await?;
                found.actions.extend(widening::actions(&found.narrows));
            }
            surroundings.give_tables(&mut found.actions);
            self.refuse_surroundings(&surroundings, &found.actions).await?;
        }
        Ok(found)
    }

    /// Where the database stands.
    fn start(&self, seen: &Seen, how: &SchemaUpgrade) -> Result<Start, StorageError> {
        let from = how.from.as_deref();
        let refused = |reason: String| StorageError::Unsupported {
            what: format!("an upgrade of {}", self.database),
            reason: format!("{reason}. Nothing was changed"),
        };
        let named = match from.map(|from| (from, history::position(from))) {
            Some((_, Some(at))) => Some(at),
            Some((from, None)) => {
                return Err(refused(format!(
                    "--from names {from}, which is no revision since Dagster 1.0; docs/revisions.md lists those of releases"
                )));
            }
            None => None,
        };
        match (&seen.found.stamp, named) {
            (Stamp::Of(found), named) => {
                let at = history::position(found).unwrap_or_default();
                // An upgrade that was interrupted has stamped it.
                if named.is_some_and(|named| named > at) {
                    return Err(refused(format!(
                        "it says that it has the revision {found}; --from is for a database that says none"
                    )));
                }
                Ok(Start::At(at))
            }
            (_, Some(named)) => Ok(Start::Unsaid(named)),
            (_, None) => Err(refused(format!(
                "it has tables of Dagster's, and says no revision. Name that of the release that made them or upgraded them last, by \
                 --from REVISION (the newest is {HEAD}; `docs/revisions.md` lists those of releases)"
            ))),
        }
    }

    async fn facts(&mut self) -> Result<Facts, StorageError> {
        let tables = tables();
        let mut facts = Facts::default();
        for row in self.texts(&server::columns(&tables)).await? {
            let [table, column, is_key, has_default] = four(row);
            facts.catalog.add_column(&table, &column);
            if is_key == "true" {
                facts.catalog.add_primary_key(&table);
            }
            if has_default == "true" {
                facts.defaults.insert((table, column));
            }
        }
        for row in self.texts(&server::indexes(&tables)).await? {
            let [table, name, is_valid, said] = four(row);
            let is_valid = is_valid == "true";
            if is_valid {
                facts.catalog.add_index(&name);
            }
            facts.indexes.insert(name, Index { table, is_valid, said });
        }
        for row in self.texts(&server::sizes(&tables)).await? {
            let [table, bytes, rows, _] = four(row);
            let number = |text: String| text.parse().unwrap_or_default();
            facts.sizes.insert(table, Size { bytes: number(bytes), rows: number(rows) });
        }
        Ok(facts)
    }

    async fn unfinished(
        &mut self,
        database: &PostgresDatabase,
        facts: &Facts,
    ) -> Result<Vec<&'static str>, StorageError> {
        if !facts.catalog.has_table(secondary_indexes::TABLE) {
            return Ok(Vec::new());
        }
        let mut connection = database.connection("looking at the schema", self.connection());
        let rows = connection.fetch(&schema::select_completed_migrations()).await?;
        let done = rows.iter().map(Row::scalar).collect::<Result<Vec<String>, _>>()?;
        let all = Schema::OF_ONE_DATABASE.iter().flat_map(|schema| schema.completed_migrations());
        Ok(all.copied().filter(|name| !done.iter().any(|other| other == name)).collect())
    }

    /// How many tags of runs are there more often than once.
    pub(super) async fn count_doubled_tags(&mut self) -> Result<u64, StorageError> {
        let counted = self.texts(server::COUNT_DOUBLED_TAGS).await?;
        let number = counted.into_iter().flatten().next();
        Ok(number.and_then(|number| number.parse().ok()).unwrap_or_default())
    }

    /// Refuses a database with tags that are too long for the index of single tags: the server would find it out when the
    /// index is nearly built.
    pub(super) async fn refuse_long_tags(&mut self) -> Result<(), StorageError> {
        let long = self.texts(server::LONG_TAGS).await?;
        if long.is_empty() {
            return Ok(());
        }
        let begin = self.begin_without_limits();
        self.run(&begin).await?;
        let found = self.too_long(&long).await;
        self.run(schema::ROLLBACK).await?;
        let found = found?;
        if found.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = found
            .iter()
            .take(NAMED)
            .map(|tag| {
                let mut parts = tag.iter().skip(1);
                let run = parts.next().map_or("", String::as_str);
                format!("{} of the run {run}", parts.next().map_or("", String::as_str))
            })
            .collect();
        let more = found.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        Err(StorageError::Unsupported {
            what: format!("the index {} of {}", history::UNIQUE_TAGS, self.database),
            reason: format!(
                "these tags of runs are too long for it (2,704 bytes of key, value and id of the run, as the server \
                 compresses them): {}{more}. Shorten or delete them. Nothing was changed",
                named.join(", ")
            ),
        })
    }

    async fn too_long<'t>(&mut self, long: &'t [Texts]) -> Result<Vec<&'t Texts>, StorageError> {
        if let Err(error) = sqlx_result(self, server::TRY_TAGS).await {
            // A role that may make no table finds it out when the index is built.
            tracing::debug!(%error, "long tags cannot be tried out");
            return Ok(Vec::new());
        }
        let id = |tag: &'t Texts| tag.first().map_or("", String::as_str);
        let all: Vec<_> = long.iter().map(id).collect();
        if self.fits(&all).await? {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for tag in long {
            if !self.fits(&[id(tag)]).await? {
                found.push(tag);
            }
        }
        Ok(found)
    }

    async fn fits(&mut self, ids: &[&str]) -> Result<bool, StorageError> {
        match sqlx_result(self, &server::try_tags(ids)).await {
            Ok(()) => Ok(true),
            Err(error) if code(&error).is_some_and(|code| code == "54000") => {
                self.run(server::UNDO_TAGS).await?;
                Ok(false)
            }
            Err(error) => Err(self.error(error)),
        }
    }

    /// Whether there are tags of runs.
    pub(super) fn has_tags(found: &Found) -> bool {
        found.facts.catalog.has_table(run_tags::TABLE)
    }
}

async fn sqlx_result(session: &mut Session, sql: &str) -> sqlx::Result<()> {
    let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
    statement.execute(session.connection()).await.map(drop)
}

fn four(row: Texts) -> [String; 4] {
    let mut texts = row.into_iter();
    std::array::from_fn(|_| texts.next().unwrap_or_default())
}
