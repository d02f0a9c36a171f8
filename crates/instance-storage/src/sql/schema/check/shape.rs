//! What a database has, as far as a check of its schema compares it: the same for what is found and for what is expected.
//!
//! Not compared, and so not here: the order of columns, the names of constraints, the text that SQLite keeps.

use std::collections::BTreeMap;
use std::fmt;

use super::super::history::Catalog;

/// The tables of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) tables: BTreeMap<String, Table>,
}

/// A table with what belongs to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// The statement that creates it; empty if it was found on a server.
    pub(crate) text: String,
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key.
    pub(crate) primary_key: Vec<String>,
    /// Indexes, those of constraints too, without that of the primary key.
    pub(crate) indexes: Vec<Index>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether it refuses NULL.
    pub(crate) is_required: bool,
    pub(crate) default: Default,
    /// Its definition, as it stands behind `ADD COLUMN`.
    pub(crate) text: String,
}

/// The class of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, up to a length.
    Text(Option<u32>),
    Integer,
    BigInteger,
    Float,
    /// A time without a zone.
    Time,
    Boolean,
    Bytes,
    /// A type that none of ours has.
    Other(String),
}

/// What a column gets that an insertion leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Default {
    None,
    /// The time.
    Now,
    /// The next number.
    Next,
    False,
    Other(String),
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    /// Its name; empty if it is expected of a constraint, which is not known by its name.
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) is_unique: bool,
    /// The condition of the rows that are in it.
    pub(crate) predicate: Option<String>,
    pub(crate) is_of_constraint: bool,
    pub(crate) state: IndexState,
    /// The statement that creates it; empty if it is of a constraint.
    pub(crate) text: String,
}

/// Whether an index can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexState {
    Valid,
    /// It is being built.
    Building,
    Invalid,
    /// It is looked at only at the end of a transaction. No `ON CONFLICT` takes it.
    Deferrable,
}

/// A key of another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignKey {
    /// Its name; empty if it has none of its own.
    pub(crate) name: String,
    pub(crate) column: String,
    pub(crate) to_table: String,
    pub(crate) to_column: String,
    /// Whether rows go with that which they name.
    pub(crate) cascades: bool,
    /// Whether all rows were found to follow it.
    pub(crate) is_valid: bool,
}

impl Shape {
    /// What a change of the schema asks for.
    pub(crate) fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::default();
        for (name, table) in &self.tables {
            catalog.add_table(name);
            for column in &table.columns {
                catalog.add_column(name, &column.name);
            }
            for index in table.indexes.iter().filter(|index| !index.is_of_constraint) {
                catalog.add_index(&index.name);
            }
            if !table.primary_key.is_empty() {
                catalog.add_primary_key(name);
            }
        }
        catalog
    }
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The index of this name that is none of a constraint.
    pub(crate) fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.name == name && !index.is_of_constraint)
    }

    /// Whether rows are told apart by these columns.
    pub(crate) fn is_unique(&self, columns: &[String]) -> bool {
        let same = |other: &[String]| {
            other.len() == columns.len() && columns.iter().all(|name| other.contains(name))
        };
        let serves = |index: &&Index| {
            index.is_unique && index.predicate.is_none() && index.state == IndexState::Valid
        };
        self.indexes.iter().filter(serves).any(|index| same(&index.columns))
            || (!self.primary_key.is_empty() && same(&self.primary_key))
    }

    pub(crate) fn foreign_key(&self, wanted: &ForeignKey) -> Option<&ForeignKey> {
        self.foreign_keys.iter().find(|key| {
            (&key.column, &key.to_table, &key.to_column)
                == (&wanted.column, &wanted.to_table, &wanted.to_column)
        })
    }
}

impl Index {
    /// Whether it serves what another one does.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.columns == other.columns
            && self.is_unique == other.is_unique
            && plain(self.predicate.as_deref()) == plain(other.predicate.as_deref())
    }

    /// What it is on, for people.
    pub(crate) fn key(&self) -> String {
        let kind = if self.is_unique { "unique " } else { "" };
        let columns = self.columns.join(", ");
        match &self.predicate {
            Some(predicate) => format!("{kind}({columns}) where {predicate}"),
            None => format!("{kind}({columns})"),
        }
    }
}

/// A condition without what servers add to it.
fn plain(predicate: Option<&str>) -> Option<String> {
    let text: String = predicate?.chars().filter(|sign| !['(', ')', '"'].contains(sign)).collect();
    Some(text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
}

impl Kind {
    /// The class of a type by its name, as both kinds of database and SQLAlchemy write it.
    pub(crate) fn of(text: &str) -> Self {
        let upper = text.trim().to_uppercase();
        if upper.ends_with(" WITH TIME ZONE") {
            return Self::Other(text.trim().to_lowercase());
        }
        let (name, length) = match upper.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.split([')', ',']).next()),
            None => (upper.as_str(), None),
        };
        match name {
            "TEXT" | "VARCHAR" | "CHARACTER VARYING" => {
                Self::Text(length.and_then(|length| length.trim().parse().ok()))
            }
            "INTEGER" | "INT" | "INT4" | "SERIAL" => Self::Integer,
            "BIGINT" | "INT8" | "BIGSERIAL" => Self::BigInteger,
            "FLOAT" | "DOUBLE PRECISION" | "DOUBLE" => Self::Float,
            "TIMESTAMP" | "DATETIME" | "TIMESTAMP WITHOUT TIME ZONE" => Self::Time,
            "BOOLEAN" | "BOOL" => Self::Boolean,
            "BLOB" | "BYTEA" => Self::Bytes,
            _ => Self::Other(text.trim().to_lowercase()),
        }
    }

    /// Whether all that this one holds fits into another one, in the same form.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(Some(length)), Self::Text(Some(other))) => length <= other,
            (Self::Text(_), Self::Text(None)) | (Self::Integer, Self::BigInteger) => true,
            _ => self == other,
        }
    }

    /// Its name, as a server has it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Text(Some(length)) => format!("varchar({length})"),
            Self::Text(None) => "text".to_owned(),
            Self::Integer => "integer".to_owned(),
            Self::BigInteger => "bigint".to_owned(),
            Self::Float => "double precision".to_owned(),
            Self::Time => "timestamp".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Bytes => "bytea".to_owned(),
            Self::Other(name) => name.clone(),
        }
    }
}

impl Default {
    /// What an expression means.
    pub(crate) fn of(text: &str) -> Self {
        let lower = text.trim().to_lowercase();
        match lower.as_str() {
            "current_timestamp" | "now()" | "(now())" | "transaction_timestamp()" => Self::Now,
            "false" | "0" | "'0'" | "'f'" | "'false'" => Self::False,
            next if next.starts_with("nextval(") => Self::Next,
            _ => Self::Other(text.trim().to_owned()),
        }
    }
}

impl fmt::Display for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no default",
            Self::Now => "CURRENT_TIMESTAMP",
            Self::Next => "the next number of a sequence",
            Self::False => "false",
            Self::Other(text) => text,
        })
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.name())?;
        if self.is_required {
            f.write_str(" not null")?;
        }
        match &self.default {
            Default::None | Default::Next => Ok(()),
            default => write!(f, " default {default}"),
        }
    }
}

impl fmt::Display for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) to {} ({})", self.column, self.to_table, self.to_column)?;
        if self.cascades { f.write_str(" on delete cascade") } else { Ok(()) }
    }
}
