//! Errors of the driver become errors of a store: what kind they are, and whether they may pass.

use instance_core::error::{Persistence, StorageError};

use super::sqlite::journal;
use crate::sql::Dialect;
use crate::sql::schema::history::mend::{self, Mend};

/// An error of the driver as one of the storage.
pub(super) fn backend_error(
    database: &str,
    operation: &'static str,
    error: sqlx::Error,
) -> StorageError {
    let database = database.to_owned();
    let (is_of_values, persistence) = (is_of_values(&error), persistence(&error));
    let source = source_of(error);
    if is_of_values {
        StorageError::Values { database, operation, source }
    } else {
        StorageError::Backend { database, operation, persistence, source }
    }
}

/// The error itself. The driver is no cause of what it was only handed.
fn source_of(error: sqlx::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match error {
        #[cfg(feature = "postgres")]
        sqlx::Error::Configuration(error) if error.is::<super::postgres::NoToken>() => error,
        error => Box::new(error),
    }
}

/// An error of the driver about a statement. What the database lacks for it is named, with the statement that makes it.
pub(super) fn statement_error(
    database: &str,
    operation: &'static str,
    error: sqlx::Error,
    dialect: Dialect,
    sql: impl FnOnce() -> String,
) -> StorageError {
    match mend_of(&error, dialect, sql) {
        Some(Mend { lacks, statement }) => StorageError::SchemaLacks {
            database: database.to_owned(),
            operation,
            lacks: lacks.into(),
            mend: statement.into(),
            source: Box::new(error),
        },
        None => backend_error(database, operation, error),
    }
}

/// What makes what a database lacks, if that is why it refused a statement.
fn mend_of(error: &sqlx::Error, dialect: Dialect, sql: impl FnOnce() -> String) -> Option<Mend> {
    let said = error.as_database_error()?.message();
    match Code::of(error)? {
        Code::Postgres(state) => match state.as_str() {
            "42P01" => mend::table(said, dialect),
            "42703" => mend::column(said, &sql(), dialect),
            "42P10" => mend::unique(&sql(), dialect),
            _ => None,
        },
        // It has one code for whatever is wrong with a statement.
        Code::Sqlite(1) if said.contains("no such table") => mend::table(said, dialect),
        Code::Sqlite(1) if said.contains("no such column") || said.contains("has no column") => {
            mend::column(said, &sql(), dialect)
        }
        Code::Sqlite(1) if said.contains("ON CONFLICT clause does not match") => {
            mend::unique(&sql(), dialect)
        }
        Code::Sqlite(_) => None,
    }
}

/// Why a database refused a write as too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TooLong {
    /// The texts of a row, for an index.
    ForIndex {
        /// What the database said of it.
        said: String,
    },
    /// A text, for its column.
    ForColumn,
}

/// Whether a database refused a write because a text of it is too long.
pub(super) fn too_long(error: &StorageError) -> Option<TooLong> {
    let StorageError::Values { source, .. } = error else {
        return None;
    };
    let error = source.downcast_ref::<sqlx::Error>()?;
    let Some(Code::Postgres(state)) = Code::of(error) else {
        return None;
    };
    match state.as_str() {
        "54000" => {
            Some(TooLong::ForIndex { said: error.as_database_error()?.message().to_owned() })
        }
        "22001" => Some(TooLong::ForColumn),
        _ => None,
    }
}

/// Whether a creation failed because another process was creating the same: an object is there already, or its row in
/// a catalog is.
#[cfg(feature = "postgres")]
pub(super) fn is_of_rivals(error: &StorageError) -> bool {
    let (StorageError::Backend { source, .. } | StorageError::Values { source, .. }) = error else {
        return false;
    };
    let Some(Code::Postgres(state)) = source.downcast_ref::<sqlx::Error>().and_then(Code::of)
    else {
        return false;
    };
    ["23505", "42P07", "42710", "XX000"].contains(&state.as_str())
}

/// Whether SQLite says that it may not write a file, or not open it.
pub(super) fn is_of_rights(error: &StorageError) -> bool {
    matches!(sqlite_code(error), Some(8 | 14))
}

/// Whether SQLite finds that a file is damaged, or no database.
pub(crate) fn is_damaged(error: &StorageError) -> bool {
    matches!(sqlite_code(error), Some(11 | 26))
}

/// Whether SQLite cannot open a file with a write-ahead log because memory cannot be shared.
pub(super) fn is_for_want_of_memory(error: &StorageError) -> bool {
    driver_error(error).and_then(journal::is_for_want_of_memory) == Some(true)
}

/// The error of the driver that a store's error was made of.
pub(super) fn driver_error(error: &StorageError) -> Option<&sqlx::Error> {
    let StorageError::Backend { source, .. } = error else {
        return None;
    };
    // The writer of a file answers several callers with one error.
    let shared = || source.downcast_ref::<std::sync::Arc<sqlx::Error>>().map(AsRef::as_ref);
    source.downcast_ref::<sqlx::Error>().or_else(shared)
}

fn sqlite_code(error: &StorageError) -> Option<u32> {
    match driver_error(error).and_then(Code::of) {
        Some(Code::Sqlite(code)) => Some(code),
        _ => None,
    }
}

/// What a server says if the role lacks a right.
#[cfg(feature = "postgres")]
pub(super) fn lacking_right(error: &StorageError) -> Option<&str> {
    let StorageError::Backend { source, .. } = error else {
        return None;
    };
    let error = source.downcast_ref::<sqlx::Error>()?;
    match Code::of(error) {
        Some(Code::Postgres(state)) if state == "42501" => {
            Some(error.as_database_error()?.message())
        }
        _ => None,
    }
}

/// Whether the values of a statement are refused. In Postgres, these are data exceptions, constraints and limits.
/// In SQLite, they are values that are too big, of another type, or against a constraint.
fn is_of_values(error: &sqlx::Error) -> bool {
    match Code::of(error) {
        Some(Code::Postgres(state)) => {
            ["22", "23", "54"].iter().any(|class| state.starts_with(class))
        }
        Some(Code::Sqlite(code)) => [18, 19, 20].contains(&code),
        None => false,
    }
}

/// Whether the same statement may succeed at another time without anybody mending something.
///
/// Of Postgres, these pass: lost connections (class 08), transactions that met (40), too few resources (53), locks
/// that were held too long (55P03), a server that shuts down, starts or gave up a statement (57), one that takes
/// no writes for a while (25006), and what the way to it has lost, for which new connections are taken (0A000 of a
/// cached plan, 26000, 42P05). Of SQLite: a busy or locked file, too little memory or space, an interrupted call,
/// input and output, a file that cannot be opened, and a lock that is not given.
pub(super) fn persistence(error: &sqlx::Error) -> Persistence {
    #[cfg(feature = "postgres")]
    if let Some(error) = super::postgres::NoToken::in_error(error) {
        return error.persistence();
    }
    #[cfg(feature = "postgres")]
    if super::postgres::is_of_way(error) {
        return Persistence::Temporary;
    }
    let passes = match (Code::of(error), error) {
        (Some(Code::Postgres(state)), _) => {
            // The last one: the transaction was left alone for too long, and is undone.
            ["08", "40", "53", "57"].iter().any(|class| state.starts_with(class))
                || ["55P03", "25P03"].contains(&state.as_str())
        }
        (Some(Code::Sqlite(code)), _) => [5, 6, 7, 9, 10, 13, 14, 15].contains(&code),
        (None, sqlx::Error::Io(error)) => return Persistence::of_io(error),
        (
            None,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed,
        ) => true,
        (None, _) => false,
    };
    if passes { Persistence::Temporary } else { Persistence::Permanent }
}

/// The code by which a database names an error.
enum Code {
    /// The five characters of Postgres.
    Postgres(String),
    /// The number of SQLite, without what extends it.
    Sqlite(u32),
}

impl Code {
    fn of(error: &sqlx::Error) -> Option<Self> {
        let code = error.as_database_error()?.code()?;
        match (code.len(), code.parse::<u32>()) {
            (5, _) => Some(Self::Postgres(code.into_owned())),
            // The lower byte of an extended code is the code.
            (_, Ok(code)) => Some(Self::Sqlite(code & 0xff)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::persistence;
    use instance_core::error::Persistence;

    #[test]
    fn a_refused_connection_passes_and_a_missing_socket_does_not() {
        let of = |kind| persistence(&sqlx::Error::Io(Error::from(kind)));
        assert_eq!(of(ErrorKind::ConnectionRefused), Persistence::Temporary);
        assert_eq!(of(ErrorKind::PermissionDenied), Persistence::Permanent);
        assert_eq!(persistence(&sqlx::Error::PoolTimedOut), Persistence::Temporary);
        assert_eq!(persistence(&sqlx::Error::RowNotFound), Persistence::Permanent);
    }
}
