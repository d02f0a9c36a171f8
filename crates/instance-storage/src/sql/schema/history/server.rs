//! What leads a server's database to the newest revision while others use it: actions, each with its lock.
//!
//! An action is one transaction, or one statement that must not be in any. Whoever carries it out looks again after each: an
//! action whose guard has closed is not planned again. So a database may be left at any of them.

pub(crate) mod widening;

use std::collections::{BTreeMap, BTreeSet};

use super::fresh::{created_table, fresh_statements, indexed_table};
use super::{CHAIN, Catalog, Change, Revision, UNIQUE_TAGS};
use crate::sql::Dialect;
use crate::sql::schema::{Schema, server};
use crate::sql::tables::{asset_event_tags, concurrency_limits, event_logs};

/// The index whose place [`UNIQUE_TAGS`] takes. A new database of any release has it, and not the other.
const PLAIN_TAGS: &str = "idx_run_tags";

/// What a server's database has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Tables, columns, primary keys, and the indexes that are valid.
    pub(crate) catalog: Catalog,
    /// All indexes of Dagster's tables by their names.
    pub(crate) indexes: BTreeMap<String, Index>,
    pub(crate) sizes: BTreeMap<String, Size>,
    /// Columns that have a default.
    pub(crate) defaults: BTreeSet<(String, String)>,
}

/// An index of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) table: String,
    /// Whether queries use it. One that is not was left by a build that was interrupted, or is still being built.
    pub(crate) is_valid: bool,
    /// Its name as a statement has to say it: with the schema, if another one hides it.
    pub(crate) said: String,
}

/// How large a table is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
}

/// A lock on a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    ShareUpdate,
    ShareRow,
    Access,
}

impl Lock {
    /// Its name in the server's manual, and in statements.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ShareUpdate => "SHARE UPDATE EXCLUSIVE",
            Self::ShareRow => "SHARE ROW EXCLUSIVE",
            Self::Access => "ACCESS EXCLUSIVE",
        }
    }
}

/// How an action is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// All statements in one transaction.
    Together,
    /// Each statement outside of any transaction, without a limit of time.
    Alone,
}

/// What is done at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Action {
    /// The revision that it belongs to; `None` for what no revision has.
    pub(crate) revision: Option<&'static str>,
    /// The first release with this revision.
    pub(crate) release: &'static str,
    pub(crate) statements: Vec<String>,
    pub(crate) manner: Manner,
    /// The lock on a table that others use, and the table.
    pub(crate) lock: Option<(String, Lock)>,
    /// Whether the last statement changes the revision. It has to change one row.
    pub(crate) stamps: bool,
    /// A table that is locked with it, in the same way.
    pub(crate) beside: Option<&'static str>,
    /// Whether the table is written anew while the lock is held.
    pub(crate) rewrites: bool,
    /// Whether ids get 64 bits.
    pub(crate) widens: bool,
    /// The index that has to be invalid still when the action begins.
    pub(crate) invalid: Option<String>,
}

impl Action {
    /// Whether it needs each tag of a run to be there once.
    pub(crate) fn wants_single_tags(&self) -> bool {
        let is_of_index = |statement: &String| {
            statement.starts_with("CREATE ") && statement.split(' ').any(|word| word == UNIQUE_TAGS)
        };
        self.statements.iter().any(is_of_index)
    }

    /// Whether an invalid index of this name is what it leaves if it is interrupted.
    pub(crate) fn leaves(&self, index: &str) -> bool {
        let is_left = |statement: &String| {
            if let Some(said) = statement.strip_prefix("REINDEX INDEX CONCURRENTLY ") {
                let name = said.rsplit('.').next().unwrap_or(said).trim_matches('"');
                return index != name && copied(index) == Some(name);
            }
            let Some(rest) = statement.strip_prefix("CREATE ") else { return false };
            let rest = rest.strip_prefix("UNIQUE ").unwrap_or(rest);
            let built = rest.strip_prefix("INDEX CONCURRENTLY ");
            built.and_then(|rest| rest.split(' ').next()) == Some(index)
        };
        self.manner == Manner::Alone && self.statements.iter().any(is_left)
    }
}

/// Where a database stands in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the revision of this place.
    At(usize),
    /// It says no revision, and is taken to have that of this place.
    Unsaid(usize),
}

/// All tables of Dagster's, in any revision since 1.0.
pub(crate) fn tables() -> BTreeSet<&'static str> {
    let newest = CHAIN.len() - 1;
    Schema::OF_ONE_DATABASE
        .iter()
        .flat_map(|schema| fresh_statements(*schema, Dialect::Postgres, newest))
        .filter_map(created_table)
        .collect()
}

/// What is to be done, in its order.
pub(crate) fn actions(start: Start, facts: &Facts) -> Vec<Action> {
    let mut plan = Plan { facts: facts.clone(), actions: Vec::new(), pending: None };
    let at = match start {
        Start::At(at) => at,
        Start::Unsaid(at) => {
            plan.say_revision(at);
            at
        }
    };
    let mut said = CHAIN.get(at).map_or("", |revision| revision.id);
    for (place, revision) in CHAIN.iter().enumerate().skip(1) {
        for change in revision.changes {
            if place > at || plan.is_to_be_mended(change) {
                plan.change(revision, change);
            }
        }
        if place > at {
            plan.stamp(said, revision);
            said = revision.id;
        } else {
            plan.flush();
        }
    }
    plan.give_default();
    plan.flush();
    // One that cannot be built does not keep the database from its revision.
    plan.rebuild_invalid();
    plan.actions
}

struct Plan {
    /// What there is when all actions so far are carried out.
    facts: Facts,
    actions: Vec<Action>,
    /// A transaction that may become longer.
    pending: Option<Action>,
}

impl Plan {
    fn flush(&mut self) {
        self.actions.extend(self.pending.take());
    }

    /// Writes the revision into a database that says none.
    fn say_revision(&mut self, at: usize) {
        let Some(revision) = CHAIN.get(at) else { return };
        let mut statements = Vec::new();
        if !self.facts.catalog.has_table("alembic_version") {
            statements.push(super::CREATE_ALEMBIC_VERSION.to_owned());
        }
        statements.push(server::insert_revision(revision.id));
        self.actions.push(together(revision, statements, None));
    }

    /// Indexes of Dagster's that are invalid and that the chain does not build: of the base, or left by a `REINDEX`. Those of
    /// other people are theirs.
    fn rebuild_invalid(&mut self) {
        let of_chain = |name: &str| {
            CHAIN.iter().flat_map(|revision| revision.changes).any(|change| match change {
                Change::Index { name: of, .. } | Change::DropIndex { name: of, .. } => *of == name,
                Change::Table(table) => table
                    .then
                    .iter()
                    .any(|then| matches!(then, Change::Index { name: of, .. } if *of == name)),
                _ => false,
            })
        };
        let invalid = self.facts.indexes.iter().filter(|(name, index)| {
            !index.is_valid
                && (!of_chain(name) || is_copy(name))
                && is_of_dagster(name, &index.table)
        });
        let actions = invalid.map(|(name, index)| Action {
            revision: None,
            release: "",
            statements: vec![if is_copy(name) {
                server::drop_index(&index.said)
            } else {
                server::rebuild_index(&index.said)
            }],
            manner: Manner::Alone,
            lock: Some((index.table.clone(), Lock::ShareUpdate)),
            stamps: false,
            beside: None,
            rewrites: false,
            widens: false,
            invalid: Some(name.clone()),
        });
        let actions: Vec<_> = actions.collect();
        self.actions.extend(actions);
    }

    /// Whether a change of a revision that a database says it has is to be made all the same.
    fn is_to_be_mended(&self, change: &Change) -> bool {
        match change {
            // A new database never gets it.
            Change::Index { name, .. } if *name == UNIQUE_TAGS => {
                !self.facts.catalog.has_index(PLAIN_TAGS)
            }
            // It does no harm beside its successor, and Dagster leaves it, too. An invalid one is of no use.
            Change::DropIndex { name, .. } => {
                self.facts.indexes.get(*name).is_some_and(|index| !index.is_valid)
            }
            // A database has the tables of the stores that are in it, unless an upgrade brought more.
            Change::Table(table) => Schema::OF_ONE_DATABASE.iter().any(|schema| {
                let mut all =
                    fresh_statements(*schema, Dialect::Postgres, CHAIN.len() - 1).into_iter();
                self.facts.catalog.has_table(schema.main_table())
                    && all.any(|statement| created_table(statement) == Some(table.name))
            }),
            _ => true,
        }
    }

    fn change(&mut self, revision: &'static Revision, change: &'static Change) {
        match change {
            Change::Index { table, name, .. } => {
                if self.facts.catalog.has_table(table) && !self.facts.catalog.has_index(name) {
                    self.index(revision, change, table, name);
                }
            }
            Change::DropIndex { name, only_with } => {
                if let Some(index) = self.facts.indexes.get(*name).cloned()
                    && self.facts.catalog.has_index(only_with)
                {
                    let statements = vec![server::drop_index(&index.said)];
                    self.alone(revision, statements, &index.table);
                    self.facts.indexes.remove(*name);
                    self.facts.catalog.remove_index(name);
                }
            }
            Change::Table(_)
            | Change::Column { .. }
            | Change::RowId { .. }
            | Change::PrimaryKey { .. } => {
                if change.is_due(&self.facts.catalog) {
                    self.short(revision, change);
                }
            }
        }
    }

    fn index(
        &mut self,
        revision: &'static Revision,
        change: &'static Change,
        table: &str,
        name: &str,
    ) {
        let mut creating = change.statements(Dialect::Postgres);
        change.apply(&mut self.facts.catalog, Dialect::Postgres);
        let makes_table = |action: &Action| {
            action.statements.iter().any(|statement| created_table(statement) == Some(table))
        };
        if let Some(pending) = self.pending.as_mut().filter(|pending| makes_table(pending)) {
            // Nobody uses the table yet.
            pending.statements.append(&mut creating);
            return;
        }
        let mut statements = Vec::new();
        let mut has_invalid = None;
        if let Some(invalid) = self.facts.indexes.get(name) {
            statements.push(server::drop_index(&invalid.said));
            has_invalid = Some(name.to_owned());
        }
        statements.extend(creating.iter().map(|statement| server::concurrently(statement)));
        self.alone(revision, statements, table);
        if let Some(action) = self.actions.last_mut() {
            action.invalid = has_invalid;
        }
    }

    fn alone(&mut self, revision: &'static Revision, statements: Vec<String>, table: &str) {
        self.flush();
        self.actions.push(Action {
            revision: Some(revision.id),
            release: revision.release,
            statements,
            manner: Manner::Alone,
            lock: Some((table.to_owned(), Lock::ShareUpdate)),
            stamps: false,
            beside: None,
            rewrites: false,
            widens: false,
            invalid: None,
        });
    }

    /// What takes no longer than a moment once it has its lock. One transaction locks one table.
    fn short(&mut self, revision: &'static Revision, change: &'static Change) {
        let mut statements = change.statements(Dialect::Postgres);
        change.apply(&mut self.facts.catalog, Dialect::Postgres);
        let mut rewrites = false;
        let lock = match change {
            Change::Table(table) if table.name == asset_event_tags::TABLE => {
                if self.facts.catalog.has_table(event_logs::TABLE) {
                    Some((event_logs::TABLE.to_owned(), Lock::ShareRow))
                } else {
                    statements =
                        statements.iter().map(|it| server::without_foreign_key(it)).collect();
                    None
                }
            }
            Change::Column { table, .. } | Change::PrimaryKey { table } => {
                Some(((*table).to_owned(), Lock::Access))
            }
            Change::RowId { table, .. } => {
                // One pause, and one rewrite, in the place of two.
                let key = Change::PrimaryKey { table };
                if key.is_due(&self.facts.catalog) {
                    statements.extend(key.statements(Dialect::Postgres));
                    key.apply(&mut self.facts.catalog, Dialect::Postgres);
                }
                rewrites = true;
                Some(((*table).to_owned(), Lock::Access))
            }
            _ => None,
        };
        let joins = self.pending.as_ref().is_some_and(|pending| {
            pending.revision == Some(revision.id)
                && (pending.lock.is_none() || lock.is_none() || pending.lock == lock)
        });
        if !joins {
            self.flush();
        }
        let pending = self.pending.get_or_insert_with(|| together(revision, Vec::new(), None));
        pending.statements.append(&mut statements);
        pending.lock = pending.lock.take().or(lock);
        pending.rewrites |= rewrites;
    }

    fn stamp(&mut self, from: &str, revision: &'static Revision) {
        let is_of_it = |action: &Action| action.revision == Some(revision.id);
        if let Some(mut pending) = self.pending.take() {
            if is_of_it(&pending) {
                pending.statements.push(server::update_revision(from, revision.id));
                pending.stamps = true;
                self.actions.push(pending);
                return;
            }
            self.actions.push(pending);
        }
        let update = server::update_revision(from, revision.id);
        // Revisions without changes are passed in one go.
        if let Some(last) = self.actions.last_mut()
            && last.stamps
            && last.statements.len() == 1
            && let Some(first) = last.statements.first_mut()
            && let Some(started) = server::old_revision(first)
        {
            *first = server::update_revision(started, revision.id);
            last.revision = Some(revision.id);
            last.release = revision.release;
            return;
        }
        self.actions.push(Action { stamps: true, ..together(revision, vec![update], None) });
    }

    /// Two releases made this column without the default that all others give it.
    fn give_default(&mut self) {
        let (table, column) = (concurrency_limits::TABLE, concurrency_limits::USING_DEFAULT_LIMIT);
        let has = self.facts.defaults.contains(&(table.to_owned(), column.to_owned()));
        let revision = CHAIN.iter().find(|revision| {
            let is_it =
                |change: &Change| matches!(change, Change::Column { name, .. } if *name == column);
            revision.changes.iter().any(is_it)
        });
        if let Some(revision) = revision
            && !has
            && self.actions.iter().all(|action| {
                !action.statements.iter().any(|statement| {
                    statement.contains(column) || created_table(statement) == Some(table)
                })
            })
            && self.facts.catalog.has_column(table, column)
        {
            let statements = vec![server::give_default(table, column)];
            let lock = Some((table.to_owned(), Lock::Access));
            self.flush();
            self.actions.push(together(revision, statements, lock));
        }
    }
}

fn together(
    revision: &'static Revision,
    statements: Vec<String>,
    lock: Option<(String, Lock)>,
) -> Action {
    Action {
        revision: Some(revision.id),
        release: revision.release,
        statements,
        manner: Manner::Together,
        lock,
        stamps: false,
        beside: None,
        rewrites: false,
        widens: false,
        invalid: None,
    }
}

/// The index that a `REINDEX CONCURRENTLY` was to replace which left one of this name.
fn copied(name: &str) -> Option<&str> {
    let name = name.trim_end_matches(|character: char| character.is_ascii_digit());
    name.strip_suffix("_ccnew").or_else(|| name.strip_suffix("_ccold"))
}

/// Whether an index of a table, or the one whose copy it is, is one that Dagster makes in any revision.
fn is_of_dagster(name: &str, table: &str) -> bool {
    let name = copied(name).unwrap_or(name);
    let of_constraint = name.strip_prefix(table);
    if of_constraint == Some("_pkey") {
        return true;
    }
    let is_it = |statement: &str| {
        let mut words = statement.split_whitespace().skip_while(|word| *word != "INDEX");
        if indexed_table(statement) == Some(table) {
            return words.nth(1) == Some(name);
        }
        created_table(statement) == Some(table)
            && of_constraint.and_then(|rest| rest.strip_suffix("_key")).is_some_and(|column| {
                statement.contains(&format!("UNIQUE ({})", column.trim_start_matches('_')))
            })
    };
    let of_revision = |at: usize| {
        let statements = Schema::OF_ONE_DATABASE
            .iter()
            .flat_map(move |schema| fresh_statements(*schema, Dialect::Postgres, at));
        statements.into_iter().any(is_it)
    };
    of_revision(0)
        || of_revision(CHAIN.len() - 1)
        || {
            let mut changes = CHAIN.iter().flat_map(|revision| revision.changes);
            changes.any(|change| {
            matches!(change, Change::Index { name: of, .. } | Change::DropIndex { name: of, .. } if *of == name)
        })
        }
}

/// Whether an index is one that a `REINDEX CONCURRENTLY` left, by the name that the server gives it.
fn is_copy(name: &str) -> bool {
    copied(name).is_some()
}

#[cfg(test)]
mod tests;
