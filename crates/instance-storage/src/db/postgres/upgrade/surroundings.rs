//! What a database and our role in it are, and what of that keeps an upgrade from its end. It is refused before anything is
//! changed.

use std::collections::BTreeSet;

use instance_core::error::StorageError;
use instance_core::storage::DatabasePlace;

use super::session::{Session, Texts};
use crate::sql::schema::history::fresh::created_table;
use crate::sql::schema::history::server::{Action, Manner, tables};
use crate::sql::schema::{Schema, server};
use crate::sql::tables::alembic_version;

/// A table that is seen.
#[derive(Debug, Default)]
struct Table {
    name: String,
    number: String,
    schema: String,
    kind: String,
    owner: String,
    /// Whether we have the rights of its owner.
    is_ours: bool,
    /// Whether we may create what is in its schema.
    may_create: bool,
    /// Whether its owner may.
    owner_may_create: bool,
}

/// Where an upgrade works, and as whom.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    server: String,
    /// The schema in which tables are created.
    schema: String,
    role: String,
    is_superuser: bool,
    is_standby: bool,
    is_read_only: bool,
    tables: Vec<Table>,
}

impl Surroundings {
    fn of(place: Texts, tables: Vec<Texts>) -> Self {
        let mut place = place.into_iter();
        let mut next = || place.next().unwrap_or_default();
        Self {
            server: next(),
            schema: next(),
            role: next(),
            is_superuser: next() == "on",
            is_standby: next() == "true",
            is_read_only: next() == "on",
            tables: tables.into_iter().map(Table::of).collect(),
        }
    }

    fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The table by which the others are judged.
    fn main(&self) -> Option<&Table> {
        Schema::OF_ONE_DATABASE.iter().find_map(|schema| self.table(schema.main_table()))
    }

    pub(super) fn place(&self) -> DatabasePlace {
        let numbers: Vec<_> = self.tables.iter().map(|table| &*table.number).collect();
        // A database without tables has nothing but a place for them.
        let tables = if numbers.is_empty() { self.schema.clone() } else { numbers.join(" ") };
        DatabasePlace::new(&*self.server, tables)
    }

    /// The schema of the tables, if it is not the one in which tables are created.
    pub(super) fn other_schema(&self) -> Option<String> {
        let schema = &self.main()?.schema;
        (*schema != self.schema).then(|| schema.clone())
    }

    /// The owner of the tables, if it is somebody else.
    fn other_owner(&self) -> Option<&Table> {
        self.main().filter(|table| table.owner != self.role)
    }

    /// New tables belong to the owner of the others, who uses them.
    pub(super) fn give_tables(&self, actions: &mut [Action]) {
        let Some(main) = self.other_owner() else { return };
        for action in actions {
            let mut given: Vec<_> = action
                .statements
                .iter()
                .filter_map(|statement| created_table(statement))
                .map(|table| server::give_to(table, &main.owner))
                .collect();
            // The last one is of the revision.
            let place = action.statements.len() - usize::from(action.stamps);
            action.statements.splice(place..place, given.drain(..));
        }
    }

    /// Why the actions cannot be carried out.
    fn refusal(&self, actions: &[Action]) -> Option<String> {
        let main = self.main().filter(|_| !actions.is_empty())?;
        if self.is_standby {
            return Some(
                "the server follows another one and takes no writes: name the one that it follows"
                    .to_owned(),
            );
        }
        if self.is_read_only {
            return Some(
                "transactions may write nothing here (default_transaction_read_only): ALTER ROLE or ALTER DATABASE .. SET \
                 default_transaction_read_only = off, or name another server"
                    .to_owned(),
            );
        }
        self.is_apart(main)
            .or_else(|| self.is_of_kind(actions))
            .or_else(|| self.is_of_others(main, actions))
    }

    /// Tables of Dagster's are in one schema.
    fn is_apart(&self, main: &Table) -> Option<String> {
        let other = self
            .tables
            .iter()
            .find(|table| table.schema != main.schema && table.name != alembic_version::TABLE)?;
        Some(format!(
            "{} is in the schema {}, and {} in {}. If both are Dagster's, ALTER TABLE .. SET SCHEMA brings them together; else connect \
             with `options=-csearch_path=` and the one schema of Dagster's",
            main.name, main.schema, other.name, other.schema
        ))
    }

    /// What is no plain table is not changed as one.
    fn is_of_kind(&self, actions: &[Action]) -> Option<String> {
        let (action, table) = actions.iter().find_map(|action| {
            let (table, _) = action.lock.as_ref()?;
            let table = self.table(table)?;
            let is_possible = match &*table.kind {
                "r" => true,
                "p" => action.manner == Manner::Together,
                _ => false,
            };
            (!is_possible).then_some((action, table))
        })?;
        if table.kind != "p" {
            return Some(format!(
                "{} is a view or a foreign table, and no table of this database",
                table.name
            ));
        }
        let statements: Vec<_> = action
            .statements
            .iter()
            .map(|statement| statement.replace(" CONCURRENTLY", ""))
            .collect();
        Some(format!(
            "{} is partitioned, and the server does not change indexes of partitioned tables while others write. Do it by hand, and call \
             again: {}. That keeps writers out; for less of it, CREATE INDEX .. ON ONLY {}, one CONCURRENTLY for each partition, and ALTER \
             INDEX .. ATTACH PARTITION",
            table.name,
            statements.join("; "),
            table.name
        ))
    }

    fn is_of_others(&self, main: &Table, actions: &[Action]) -> Option<String> {
        let touched: BTreeSet<&str> = actions
            .iter()
            .flat_map(|action| {
                let locked = action.lock.as_ref().map(|(table, _)| &**table);
                locked.into_iter().chain(action.beside)
            })
            .chain(actions.iter().any(|action| action.stamps).then_some(alembic_version::TABLE))
            .collect();
        let foreign =
            self.tables.iter().filter(|table| !table.is_ours && touched.contains(&*table.name));
        let foreign: Vec<_> = foreign.collect();
        if let Some(first) = foreign.first() {
            let names: Vec<_> = foreign
                .iter()
                .map(|table| format!("{} (of {})", table.name, table.owner))
                .collect();
            return Some(format!(
                "only their owner may change these tables, and the role {} is not: {}. Connect as the owner, or GRANT \"{}\" TO \"{}\"",
                self.role,
                names.join(", "),
                first.owner,
                self.role
            ));
        }
        let creates = |statement: &String| statement.starts_with("CREATE ");
        let is_created = actions.iter().flat_map(|action| &action.statements).any(creates);
        let creators = [
            (&self.role, main.may_create),
            (&main.owner, main.owner_may_create || self.is_superuser || !creates_tables(actions)),
        ];
        let (role, _) = creators.into_iter().find(|(_, may)| is_created && !may)?;
        Some(format!(
            "the role {role} may create nothing in the schema {}: GRANT CREATE ON SCHEMA \"{}\" TO \"{role}\"",
            main.schema, main.schema
        ))
    }
}

fn creates_tables(actions: &[Action]) -> bool {
    let mut statements = actions.iter().flat_map(|action| &action.statements);
    statements.any(|statement| created_table(statement).is_some())
}

impl Table {
    fn of(row: Texts) -> Self {
        let mut row = row.into_iter();
        let mut next = || row.next().unwrap_or_default();
        Self {
            name: next(),
            number: next(),
            schema: next(),
            kind: next(),
            owner: next(),
            is_ours: next() == "true",
            may_create: next() == "true",
            owner_may_create: next() == "true",
        }
    }
}

impl Session {
    pub(super) async fn surroundings(&mut self) -> Result<Surroundings, StorageError> {
        let mut names = tables();
        names.insert(alembic_version::TABLE);
        let place = self.texts(server::PLACE).await?.into_iter().next().unwrap_or_default();
        Ok(Surroundings::of(place, self.texts(&server::owners(&names)).await?))
    }

    /// Refuses what would fail later. It is the last that is asked in a transaction, which may fail by it.
    pub(super) async fn refuse_surroundings(
        &mut self,
        surroundings: &Surroundings,
        actions: &[Action],
    ) -> Result<(), StorageError> {
        let mut reason = surroundings.refusal(actions);
        if reason.is_none()
            && creates_tables(actions)
            && let Some(main) = surroundings.other_owner()
            && let Err(error) = self.run(&server::become_role(&main.owner)).await
        {
            reason = Some(format!(
                "new tables are to belong to {}, as {} does, and the role {} cannot give them ({error}): connect as {}",
                main.owner, main.name, surroundings.role, main.owner
            ));
        }
        match reason {
            None => Ok(()),
            Some(reason) => Err(StorageError::Unsupported {
                what: format!("an upgrade of {}", self.database),
                reason: format!("{reason}. Nothing was changed"),
            }),
        }
    }
}
