//! What a check of the schema finds in the databases of a store.
//!
//! Not here: what a database is to have, which the store knows ([`SchemaStore`](super::SchemaStore)).

use super::DatabaseRole;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SchemaSeverity {
    /// Everything works. It is good to know.
    Note,
    /// Something is slower or less than it could be.
    Warning,
    /// Something fails, or will fail.
    Error,
}

impl SchemaSeverity {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SchemaProblem {
    /// The database cannot be read.
    Unreadable,
    /// It has no revision, one that is not known, or several; or databases of one instance have different ones.
    Revision,
    /// A table, column, key or sequence of its revision is not there.
    Missing,
    /// An index of its revision is not there.
    MissingIndex,
    /// An index is there and cannot be used, because its build has failed.
    Invalid,
    /// Something has another type, default, uniqueness or condition than in its revision.
    Different,
    /// Something is there that a later revision adds.
    Ahead,
    /// An index is there beside the one that took its place.
    LeftOver,
    /// Something is there that is not Dagster's.
    Foreign,
    /// A data migration is not marked as complete.
    Unfinished,
    /// Rows lack what a data migration gave to others.
    Gap,
    /// Numbers of rows will not fit their column before long.
    Narrow,
}

impl SchemaProblem {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Revision => "revision",
            Self::Missing => "missing",
            Self::MissingIndex => "missing index",
            Self::Invalid => "invalid",
            Self::Different => "different",
            Self::Ahead => "ahead",
            Self::LeftOver => "left over",
            Self::Foreign => "foreign",
            Self::Unfinished => "unfinished",
            Self::Gap => "gap",
            Self::Narrow => "narrow",
        }
    }
}

/// How a finding is mended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaMend {
    /// The statements, in their order, without semicolons. Each is sent by itself.
    pub statements: Vec<String>,
    /// What else is to be done or to be known.
    pub advice: Option<String>,
}

impl SchemaMend {
    /// Mended by statements.
    pub fn by(statements: impl IntoIterator<Item = String>) -> Self {
        Self { statements: statements.into_iter().collect(), advice: None }
    }

    /// Mended by what a person does.
    pub fn advice(advice: impl Into<String>) -> Self {
        Self { statements: Vec::new(), advice: Some(advice.into()) }
    }

    /// The same, and then the statements of another one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.statements.extend(other.statements);
        self
    }

    /// The same, with something to be known.
    #[must_use]
    pub fn with_advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaFinding {
    /// What kind of thing it is.
    pub problem: SchemaProblem,
    /// How much it matters.
    pub severity: SchemaSeverity,
    /// What it is about, such as `column runs.mode`.
    pub object: String,
    /// What the revision has.
    pub expected: Option<String>,
    /// What the database has.
    pub found: Option<String>,
    /// How it is mended. It is empty if there is nothing to mend.
    pub mend: SchemaMend,
}

impl SchemaFinding {
    /// A finding about an object.
    pub fn new(
        problem: SchemaProblem,
        severity: SchemaSeverity,
        object: impl Into<String>,
    ) -> Self {
        let (expected, found, mend) = (None, None, SchemaMend::default());
        Self { problem, severity, object: object.into(), expected, found, mend }
    }

    /// The same, with what the revision has.
    #[must_use]
    pub fn with_expected(self, expected: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), ..self }
    }

    /// The same, with what the database has.
    #[must_use]
    pub fn with_found(self, found: impl Into<String>) -> Self {
        Self { found: Some(found.into()), ..self }
    }

    /// The same, with how it is mended.
    #[must_use]
    pub fn with_mend(self, mend: SchemaMend) -> Self {
        Self { mend, ..self }
    }
}

/// A database of a store, or several of single runs that are alike, as a check of the schema finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedDatabase {
    /// The path, or the URL without its password; the first one, if there are several.
    pub database: String,
    /// What it is for.
    pub role: DatabaseRole,
    /// How many databases are as this one.
    pub databases: u64,
    /// Its revision; `None` if it says none, or several.
    pub revision: Option<String>,
    /// What was found, in the order in which it is to be mended.
    pub findings: Vec<SchemaFinding>,
}

impl CheckedDatabase {
    /// A database in which nothing was found.
    pub fn new(database: impl Into<String>, role: DatabaseRole) -> Self {
        let database = database.into();
        Self { database, role, databases: 1, revision: None, findings: Vec::new() }
    }

    /// The same, with what it says of its revision.
    #[must_use]
    pub fn with_revision(self, revision: Option<String>) -> Self {
        Self { revision, ..self }
    }

    /// The same, with what was found.
    #[must_use]
    pub fn with_findings(self, findings: Vec<SchemaFinding>) -> Self {
        Self { findings, ..self }
    }
}
