//! The revisions of Dagster's schema that this version reads and writes, and those that it does not.

use instance_core::error::StorageError;

/// The newest revision.
pub(crate) const HEAD: &str = "29b539ebc72a";

/// The revisions that are served, from that of Dagster 1.0 to the newest: a chain, each with the first release that has
/// it. Source: the alembic scripts of Dagster 1.13.27, and the wheels of the releases.
pub(crate) const CHAIN: &[(&str, &str)] = &[
    ("5e139331e376", "1.0.0"),
    ("a00dd8d936a1", "1.0.15"),
    ("958a9495162d", "1.0.17"),
    ("6df03f4b1efb", "1.1.0"),
    ("16689497301f", "1.1.18"),
    ("e62c379ac8f4", "1.1.18"),
    ("d9092588866f", "1.2.0"),
    ("701913684cb4", "1.3.4"),
    ("d3a4c9e87af3", "1.3.5"),
    ("5771160a95ad", "1.3.8"),
    ("ec80dd91891a", "1.4.11"),
    ("46b412388816", "1.6.0"),
    ("284a732df317", "1.8.0"),
    ("63d7a8ec641a", "1.9.0"),
    ("1aca709bba64", "1.9.0"),
    ("16e3655b4d9b", "1.9.0"),
    ("6b7fb194ff9c", "1.9.3"),
    ("7e2f3204cf8e", "1.9.12"),
    ("f495c27d5019", "1.12.9"),
    (HEAD, "1.12.9"),
];

/// The revisions before that of Dagster 1.0, the oldest first.
const BEFORE: &[&str] = &[
    "567bc23fd1ac",
    "da7cd32b690d",
    "8f8dba68fd3b",
    "9fe9e746268c",
    "1ebdd7a9686f",
    "3b1e175a2be3",
    "c63a27054f08",
    "727ffe943a9f",
    "c39c047fa021",
    "5c18fd3c2957",
    "07f83cc13695",
    "c34498c29964",
    "c9159e740d7e",
    "224640159acf",
    "3e0770016702",
    "9483999bad92",
    "f3e43ff66603",
    "375e95bad550",
    "b32a4f3036d2",
    "b22f16781a7c",
    "140198fdfe65",
    "5ae53cd67d0c",
    "f5bac2c36fad",
    "a0234163e0e3",
    "942138e33bf9",
    "493871843165",
    "8ccbed5060b8",
    "4ea2b1f6f67b",
    "0da417ae1b81",
    "a914fb6ccdf9",
    "6d366a41b4be",
    "3e71cf573ba6",
    "521d4caca7ad",
    "ba4050312958",
    "3ca619834060",
    "b4e0c470acb3",
    "6e1f65d78b92",
    "3778078a3582",
    "72686963a802",
    "f0367d611631",
    "7cba9eeaaf1d",
    "3b529ad30626",
    "45fa602c43dc",
    "ddcc6d7244c6",
    "7f2b1a4ca7a5",
    "1a2d72f6b24e",
    "7b8304b4429d",
    "e784752027a6",
    "29a8e9d74220",
    "f4b6a4885876",
    "05844c702676",
    "f78059038d01",
    "42add02bf976",
    "f4eed4c26e2c",
    "17154c80d885",
    "9c5f00e80ef2",
    "b37316bf5584",
    "130b087bc274",
    "d538c9496c01",
    "8d66aa722f94",
    "54666da3db5c",
    "5b467f7af3f6",
    "16e3115a602a",
    "c892b3fe0a9f",
    "d32d1d6de793",
    "b601eb913efa",
    "721d858e1dda",
    "6860f830e40c",
];

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
            Self::Of(found) if CHAIN.iter().any(|(known, _)| known == found) => Ok(()),
            Self::Of(found) if BEFORE.contains(&found.as_str()) => refused(
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
    use super::{BEFORE, CHAIN, HEAD, Stamp};

    fn check(rows: &[&str]) -> Result<(), String> {
        let rows = rows.iter().map(|row| (*row).to_owned()).collect();
        Stamp::of(rows).check("runs.db").map_err(|error| error.to_string())
    }

    #[test]
    fn revisions_since_1_0_are_served_and_so_is_none() {
        assert_eq!((CHAIN.len(), BEFORE.len()), (20, 68));
        for (revision, _) in CHAIN {
            assert_eq!(check(&[revision]), Ok(()));
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
