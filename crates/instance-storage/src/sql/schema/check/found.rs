//! What was found in a database, beyond its tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::shape::Shape;
use crate::sql::schema::Stamp;

/// What was found in a database.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The tables that are seen and have one of Dagster's names.
    pub(crate) shape: Shape,
    /// Where each of them is, on a server.
    pub(crate) places: BTreeMap<String, Place>,
    /// The schema in which a server creates tables.
    pub(crate) current_schema: Option<String>,
    /// Tables of a server that have one of Dagster's names, in schemas that are not seen.
    pub(crate) unseen: BTreeMap<String, Vec<String>>,
    /// The names of primary keys.
    pub(crate) primary_key_names: BTreeMap<String, String>,
    pub(crate) triggers: Vec<Trigger>,
    /// Tables beside ours that are none of ours: how many, and some of their names.
    pub(crate) others: (u64, Vec<String>),
    /// What refuses or hides rows of a server.
    pub(crate) obstacles: Vec<Obstacle>,
    /// Numbers of rows and what is to hold them, of each table.
    pub(crate) numbers: BTreeMap<String, Numbers>,
    pub(crate) stamp: Stamp,
    /// The data migrations that are marked as complete.
    pub(crate) marks: Vec<String>,
    /// Runs and ticks without what a data migration gave to others.
    pub(crate) gaps: Gaps,
    /// Tables without rows, as far as it was asked.
    pub(crate) empty: Vec<String>,
    /// Tables that the role may not read.
    pub(crate) secret: Vec<String>,
}

/// Where a table is on a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) schema: String,
    /// Schemas behind it that have a table of the name, too, which is not seen.
    pub(crate) hides: Vec<String>,
    /// Whether it is a table, and not a view or what another server has.
    pub(crate) is_table: bool,
}

/// A trigger of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trigger {
    pub(crate) table: String,
    pub(crate) name: String,
    /// The statement that creates it, in SQLite.
    pub(crate) text: String,
}

/// What refuses or hides rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Obstacle {
    pub(crate) table: String,
    pub(crate) kind: ObstacleKind,
    pub(crate) name: String,
    /// Its definition.
    pub(crate) text: String,
}

/// The kinds of what refuses or hides rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ObstacleKind {
    /// A constraint that looks at what is in a row.
    Constraint,
    /// Row level security that the role is under.
    Policies,
    /// Row level security that the role is not under.
    PoliciesOfOthers,
    /// A trigger of a key, which is switched off.
    KeyTrigger,
}

/// The numbers of a table's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The greatest, if it was asked.
    pub(crate) greatest: Option<i64>,
    /// What gives them.
    pub(crate) sequence: Option<Sequence>,
}

/// What gives the rows of a table their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sequence {
    pub(crate) name: String,
    /// The greatest that it can give.
    pub(crate) most: i64,
    /// How far two numbers are apart that follow each other.
    pub(crate) step: i64,
    /// Whether the role may see how far it is.
    pub(crate) is_readable: bool,
    /// The last number, and whether it was given already, if it was asked.
    pub(crate) last: Option<(i64, bool)>,
}

/// Rows without what a data migration gave to others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    pub(crate) runs_without_backfill: u64,
    pub(crate) ticks_without_selector: u64,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            places: BTreeMap::new(),
            current_schema: None,
            unseen: BTreeMap::new(),
            primary_key_names: BTreeMap::new(),
            triggers: Vec::new(),
            others: (0, Vec::new()),
            obstacles: Vec::new(),
            numbers: BTreeMap::new(),
            stamp: Stamp::None,
            marks: Vec::new(),
            gaps: Gaps::default(),
            empty: Vec::new(),
            secret: Vec::new(),
        }
    }
}

impl Found {
    /// The schema in front of the name of what is created for a table, with a point, where the server would take another one.
    pub(crate) fn prefix_of(&self, table: &str) -> String {
        let schema = self.places.get(table).map(|place| place.schema.as_str());
        match schema.filter(|schema| self.current_schema.as_deref() != Some(schema)) {
            Some(schema) => format!("{}.", super::mends::quoted(schema)),
            None => String::new(),
        }
    }

    /// The schema in which Dagster's tables are: that of most of those that are seen.
    pub(crate) fn home(&self) -> Option<&str> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for place in self.places.values().filter(|place| place.is_table) {
            *counts.entry(&place.schema).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(schema, _)| schema)
    }
}
