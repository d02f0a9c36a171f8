//! How Dagster's schema came to be since Dagster 1.0, as data: the chain of revisions, what each changes, and what a
//! release gave a new database.
//!
//! All texts are those of SQLAlchemy and alembic: `tests/python/schema_history/` has the real ones say them. Not here:
//! carrying anything out.

mod catalog;
mod chain;
mod change;
pub(crate) mod fresh;
pub(crate) mod mend;
mod plan;
#[cfg(feature = "postgres")]
pub(crate) mod server;

pub(crate) use catalog::{Catalog, SQLITE_COLUMNS, SQLITE_INDEXES};
pub(crate) use chain::{CHAIN, UNIQUE_TAGS};
pub(crate) use change::Change;
pub(crate) use plan::{Step, Way, plan};

/// The revision that SQLite databases have which Dagster 1.3 to 1.8 left without one. Dagster takes them for it, too.
pub(crate) const OF_UNSTAMPED: &str = "5771160a95ad";

/// Alembic's own table, which a database without a revision may lack.
pub(crate) const CREATE_ALEMBIC_VERSION: &str = "CREATE TABLE alembic_version (\n\t\
    version_num VARCHAR(32) NOT NULL, \n\t\
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)";

/// How a statement begins that drops an index.
pub(crate) const DROP: &str = "DROP INDEX ";

/// One revision of the schema.
#[derive(Debug)]
pub(crate) struct Revision {
    /// Alembic's id.
    pub(crate) id: &'static str,
    /// The first release of Dagster that had it.
    pub(crate) release: &'static str,
    /// What it changes, in this order. Each change says when there is nothing to do.
    pub(crate) changes: &'static [Change],
}

/// The revision of this id; `None` if it is not in the chain since Dagster 1.0.
pub(crate) fn find(id: &str) -> Option<&'static Revision> {
    CHAIN.iter().find(|revision| revision.id == id)
}

/// Where the revision of this id stands in the chain; the base is 0. `None` if it is not in the chain.
pub(crate) fn position(id: &str) -> Option<usize> {
    CHAIN.iter().position(|revision| revision.id == id)
}

/// Whether the revision of this id is one of Dagster's from before 1.0.
pub(crate) fn is_before_base(id: &str) -> bool {
    chain::BEFORE_BASE.contains(&id)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::{CHAIN, chain, find, is_before_base, position};
    use crate::sql::Dialect;
    use crate::sql::schema::HEAD;

    #[test]
    fn the_chain_is_what_it_was() {
        let mut listing = String::new();
        for revision in &CHAIN {
            let _ = writeln!(listing, "== {}, Dagster {}", revision.id, revision.release);
            for change in revision.changes {
                let [sqlite, postgres] = [Dialect::Sqlite, Dialect::Postgres]
                    .map(|dialect| change.statements(dialect).join(";\n"));
                if sqlite == postgres {
                    let _ = writeln!(listing, "{sqlite};");
                } else {
                    let _ = writeln!(listing, "-- SQLite\n{sqlite};\n-- Postgres\n{postgres};");
                }
            }
        }
        insta::with_settings!({
            snapshot_path => "../../../tests/schema_history",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!("history_chain", listing);
        });
    }

    #[test]
    fn the_chain_leads_from_the_base_to_the_newest_revision() {
        assert_eq!(CHAIN.first().unwrap().id, "5e139331e376");
        assert_eq!(CHAIN.last().unwrap().id, HEAD);
        assert_eq!(CHAIN.len(), 20);
        assert_eq!(chain::BEFORE_BASE.len(), 68);
        for (place, revision) in CHAIN.iter().enumerate() {
            assert_eq!(position(revision.id), Some(place));
            assert_eq!(find(revision.id).unwrap().release, revision.release);
            assert!(!is_before_base(revision.id));
        }
        assert!(is_before_base("567bc23fd1ac"));
        assert!(!is_before_base("ffffffffffff"));
        assert!(find("ffffffffffff").is_none());
    }
}
