//! What a database says of its revision, and which revisions are served.

use instance_core::error::StorageError;

use super::history;

/// The newest revision.
pub(crate) const HEAD: &str = "29b539ebc72a";

/// What a database says of its revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// Nothing: it was never said.
    None,
    /// One revision.
    Of(String),
    /// Several, which says nothing.
    Several(Vec<String>),
}

impl Stamp {
    /// What the rows of `alembic_version` say.
    pub(crate) fn of(mut rows: Vec<String>) -> Self {
        match rows.len() {
            0 => Self::None,
            1 => Self::Of(rows.swap_remove(0)),
            _ => Self::Several(rows),
        }
    }

    /// Refuses a database whose schema this version does not know.
    ///
    /// One without a revision is served: what it has is asked of its tables. Releases 1.3 to 1.8 of Dagster leave their
    /// SQLite files so.
    pub(crate) fn check(&self, database: &str) -> Result<(), StorageError> {
        let refused = |found: String, remedy| {
            let database = database.to_owned();
            Err(StorageError::Revision { database, found, expected: HEAD, remedy })
        };
        match self {
            Self::None => Ok(()),
            Self::Of(found) if history::find(found).is_some() => Ok(()),
            Self::Of(found) if history::is_before_base(found) => refused(
                found.clone(),
                "it is of a Dagster before 1.0; run `dagster instance migrate` of a newer one. Nothing was changed",
            ),
            Self::Of(found) => refused(
                found.clone(),
                "it is of a newer Dagster, or of another program: use a newer version of this one. Nothing was changed",
            ),
            Self::Several(found) => refused(
                found.join(" and "),
                "the table alembic_version is to have one row: find out which revision is right, and delete the \
                 others. Nothing was changed",
            ),
        }
    }

    /// The revision that goes into what is created beside it; `None` if none is known.
    pub(crate) fn of_what_is_beside(&self) -> Option<&str> {
        match self {
            Self::Of(revision) => Some(revision),
            Self::None | Self::Several(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HEAD, Stamp};
    use crate::sql::schema::history::CHAIN;

    fn check(rows: &[&str]) -> Result<(), String> {
        let rows = rows.iter().map(|row| (*row).to_owned()).collect();
        Stamp::of(rows).check("runs.db").map_err(|error| error.to_string())
    }

    #[test]
    fn revisions_since_1_0_are_served_and_so_is_none() {
        for revision in &CHAIN {
            assert_eq!(check(&[revision.id]), Ok(()));
        }
        assert_eq!(check(&[]), Ok(()));
    }

    #[test]
    fn others_are_refused_with_what_to_do() {
        let refused = [&["6860f830e40c"][..], &["cafecafecafe"], &[HEAD, "5e139331e376"]];
        insta::assert_snapshot!(refused.map(|rows| check(rows).unwrap_err()).join("\n"), @"
        runs.db has the schema revision 6860f830e40c, and this version knows those to 29b539ebc72a: it is of a Dagster before 1.0; run `dagster instance migrate` of a newer one. Nothing was changed
        runs.db has the schema revision cafecafecafe, and this version knows those to 29b539ebc72a: it is of a newer Dagster, or of another program: use a newer version of this one. Nothing was changed
        runs.db has the schema revision 29b539ebc72a and 5e139331e376, and this version knows those to 29b539ebc72a: the table alembic_version is to have one row: find out which revision is right, and delete the others. Nothing was changed
        ");
    }
}
