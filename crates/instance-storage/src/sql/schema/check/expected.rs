//! What a database has at a revision. There are several forms of it: each release made new databases of its own kind, and
//! alembic brought each of them to the revision.
//!
//! What all forms have is required. What one of them has is right.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::history::{CHAIN, fresh};
use super::shape::{Shape, Table};
use crate::sql::Dialect;
use crate::sql::schema::Schema;

/// What a database with these stores has at a revision.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) dialect: Dialect,
    pub(crate) schemas: Vec<Schema>,
    /// The place of the revision in the chain.
    pub(crate) at: usize,
    /// From the oldest release on; the last one is that of a new database.
    pub(crate) forms: Vec<Shape>,
    /// The same at the newest revision.
    pub(crate) newest: Vec<Shape>,
}

/// Indexes of which one is enough, as releases have the one or the other.
const EITHER: [(&str, &str); 2] =
    [("idx_run_tags", "idx_run_tags_run_id"), ("idx_bulk_actions", "idx_bulk_actions_key")];

/// What was asked for so far. There are at most as many as there are revisions and kinds of databases.
static KNOWN: Mutex<Vec<Arc<Expected>>> = Mutex::new(Vec::new());

impl Expected {
    /// What is expected, which is put together once in a process.
    pub(crate) fn known(dialect: Dialect, schemas: &[Schema], at: usize) -> Arc<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |it: &&Arc<Self>| it.dialect == dialect && it.schemas == schemas && it.at == at;
        if let Some(found) = known.iter().find(is_it) {
            return Arc::clone(found);
        }
        let made = Arc::new(Self::of(dialect, schemas, at));
        known.push(Arc::clone(&made));
        made
    }

    fn of(dialect: Dialect, schemas: &[Schema], at: usize) -> Self {
        let mut forms: Vec<Shape> = Vec::new();
        for shape in (0..=at).filter_map(|from| form(dialect, schemas, from, at)) {
            // The last one is that of a new database, also if it is like an older one.
            forms.retain(|known| *known != shape);
            forms.push(shape);
        }
        // What alembic makes, and what a release makes: together they have all names.
        let last = CHAIN.len() - 1;
        let newest = [0, last].into_iter().filter_map(|from| form(dialect, schemas, from, last));
        Self { dialect, schemas: schemas.to_vec(), at, forms, newest: newest.collect() }
    }

    /// The names of all tables that some form has.
    pub(crate) fn tables(&self) -> Vec<&str> {
        let mut names: Vec<_> =
            self.forms.iter().flat_map(|form| form.tables.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The forms of a table; the last one is that of a new database.
    pub(crate) fn forms_of(&self, table: &str) -> Vec<&Table> {
        self.forms.iter().filter_map(|form| form.tables.get(table)).collect()
    }

    /// Whether each database of the revision has a table.
    pub(crate) fn requires(&self, table: &str) -> bool {
        self.forms.iter().all(|form| form.tables.contains_key(table))
    }

    /// Whether the chain or a later release gives a database this table.
    pub(crate) fn will_have_table(&self, table: &str) -> bool {
        self.newest.iter().any(|form| form.tables.contains_key(table))
    }

    pub(crate) fn will_have_column(&self, table: &str, column: &str) -> bool {
        self.newest_of(table).any(|table| table.column(column).is_some())
    }

    pub(crate) fn will_have_index(&self, table: &str, index: &str) -> bool {
        self.newest_of(table).any(|table| table.index(index).is_some())
    }

    fn newest_of<'e>(&'e self, table: &'e str) -> impl Iterator<Item = &'e Table> {
        self.newest.iter().filter_map(move |form| form.tables.get(table))
    }

    /// The other index that is enough instead of this one.
    pub(crate) fn instead_of(index: &str) -> Option<&'static str> {
        EITHER.iter().find_map(|(one, other)| match index {
            _ if index == *one => Some(*other),
            _ if index == *other => Some(*one),
            _ => None,
        })
    }
}

/// What a new database of a release has after alembic brought it to a revision; `None` if no release ended with the first.
fn form(dialect: Dialect, schemas: &[Schema], from: usize, at: usize) -> Option<Shape> {
    if !fresh::is_of_release(from) {
        return None;
    }
    let mut shape = Shape::default();
    for statement in schemas.iter().flat_map(|it| fresh::fresh_statements(*it, dialect, from)) {
        shape.apply(statement);
    }
    let mut catalog = shape.catalog();
    for change in CHAIN.get(from + 1..=at)?.iter().flat_map(|revision| revision.changes) {
        if change.is_due(&catalog) {
            change.apply(&mut catalog, dialect);
            for statement in change.statements(dialect) {
                shape.apply(&statement);
            }
        }
    }
    Some(shape)
}
