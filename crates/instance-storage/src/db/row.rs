//! Rows of either driver, and their columns as values of the domain. An error names the database, the table, the
//! column and the row.

use std::io::Read;
use std::sync::Arc;

#[cfg(feature = "postgres")]
use chrono::NaiveDateTime;
use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt};
use instance_core::error::StorageError;
use instance_core::serdes::{SerdesError, Unpack, deserialize_value};
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo, ValueRef};

use crate::sql::timestamp;

/// A value of a row, of either driver. Text and bytes stay where they are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'r> {
    Null,
    Integer(i64),
    Float(f64),
    Text(&'r str),
    Bytes(&'r [u8]),
    #[cfg(feature = "postgres")]
    Time(NaiveDateTime),
}

/// A row of a result.
pub(crate) struct Row {
    database: Arc<str>,
    values: Values,
}

enum Values {
    Sqlite(SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgRow),
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Row {
    /// A row as SQLite's driver gives it.
    pub(super) fn from_sqlite(database: &Arc<str>, row: SqliteRow) -> Self {
        Self { database: Arc::clone(database), values: Values::Sqlite(row) }
    }

    /// A row as Postgres's driver gives it.
    #[cfg(feature = "postgres")]
    pub(super) fn from_postgres(database: &Arc<str>, row: sqlx::postgres::PgRow) -> Self {
        Self { database: Arc::clone(database), values: Values::Postgres(row) }
    }

    /// The value of a column of a table.
    pub(crate) fn get<'r, T: FromCell<'r>>(
        &'r self,
        table: &'static str,
        column: &'static str,
    ) -> Result<T, StorageError> {
        self.cell(column).and_then(T::from_cell).map_err(|found| {
            let reason = format!("expected {}, found {found}", T::EXPECTED);
            self.error(table, column, SerdesError::new(reason, 0))
        })
    }

    /// The value of the only column of a result.
    pub(crate) fn scalar<'r, T: FromCell<'r>>(&'r self) -> Result<T, StorageError> {
        self.cell(0).and_then(T::from_cell).map_err(|found| {
            let reason = format!("expected {}, found {found}", T::EXPECTED);
            self.error("(result)", "(first)", SerdesError::new(reason, 0))
        })
    }

    /// The value that the text of a column holds.
    pub(crate) fn body<T: Unpack>(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<T, StorageError> {
        let text: &str = self.get(table, column)?;
        deserialize_value(text).map_err(|error| self.error(table, column, error))
    }

    /// The value that the text of a column holds; `None` where there is no text.
    pub(crate) fn body_or_none<T: Unpack>(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<Option<T>, StorageError> {
        let text: Option<&str> = self.get(table, column)?;
        let text = text.filter(|text| !text.is_empty());
        let body = text.map(deserialize_value).transpose();
        body.map_err(|error| self.error(table, column, error))
    }

    /// The value that the compressed text of a column holds.
    pub(crate) fn compressed<T: Unpack>(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<T, StorageError> {
        let compressed: &[u8] = self.get(table, column)?;
        let mut text = String::new();
        flate2::read::ZlibDecoder::new(compressed)
            .read_to_string(&mut text)
            .map_err(|error| self.error(table, column, SerdesError::new(error.to_string(), 0)))?;
        deserialize_value(&text).map_err(|error| self.error(table, column, error))
    }

    /// The rows that the text of the only column of a result holds.
    pub(super) fn packed<T: DeserializeOwned>(&self) -> Result<Vec<T>, StorageError> {
        serde_json::from_str(self.scalar()?).map_err(|error| {
            self.error("(result)", "(first)", SerdesError::new(error.to_string(), error.column()))
        })
    }

    /// Reads a value from the text of a column with `read`. `what` says what the value should be.
    pub(crate) fn parsed<T>(
        &self,
        table: &'static str,
        column: &'static str,
        what: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StorageError> {
        let text: &str = self.get(table, column)?;
        read(text).ok_or_else(|| {
            self.error(table, column, SerdesError::new(format!("{text:?} is no {what}"), 0))
        })
    }

    /// An error about a column of the row.
    pub(crate) fn error(
        &self,
        table: &'static str,
        column: &'static str,
        source: SerdesError,
    ) -> StorageError {
        StorageError::Decode {
            database: self.database.to_string(),
            table,
            column,
            row: self.name(),
            source,
        }
    }

    /// A column by its name or place; `None` if the result has no such column. The error says why the value cannot
    /// be read.
    fn cell<C: Column>(&self, column: C) -> Result<Cell<'_>, String> {
        let cell = match &self.values {
            Values::Sqlite(row) => sqlite_cell(row, column),
            #[cfg(feature = "postgres")]
            Values::Postgres(row) => postgres_cell(row, column),
        };
        match cell {
            Err(sqlx::Error::ColumnNotFound(_) | sqlx::Error::ColumnIndexOutOfBounds { .. }) => {
                Ok(Cell::Null)
            }
            cell => cell.map_err(|error| error.to_string()),
        }
    }

    /// What names the row in errors: its id, or else its first column.
    fn name(&self) -> String {
        let id = self.cell("id").ok().filter(|cell| *cell != Cell::Null);
        match id.map_or_else(|| self.cell(0), Ok) {
            Ok(Cell::Integer(id)) => id.to_string(),
            Ok(Cell::Text(id)) => id.to_owned(),
            _ => "unknown".to_owned(),
        }
    }
}

/// Reads the rows of a result as they come. The outer error is the driver's. The inner error is that of `read`, and
/// ends the result.
pub(super) async fn read_all<R, T>(
    mut rows: impl Stream<Item = sqlx::Result<R>> + Unpin + Send,
    read: impl Fn(R) -> Result<T, StorageError>,
) -> sqlx::Result<Result<Vec<T>, StorageError>> {
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        match read(row) {
            Ok(value) => found.push(value),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(found))
}

/// A value that a cell may hold.
pub(crate) trait FromCell<'r>: Sized {
    /// What the value is called in errors.
    const EXPECTED: &'static str;

    /// The value; the error says what the cell holds instead.
    fn from_cell(cell: Cell<'r>) -> Result<Self, String>;
}

impl FromCell<'_> for i64 {
    const EXPECTED: &'static str = "an integer";

    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        match cell {
            Cell::Integer(value) => Ok(value),
            other => Err(describe(&other)),
        }
    }
}

impl FromCell<'_> for bool {
    const EXPECTED: &'static str = "a boolean";

    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        i64::from_cell(cell).map(|value| value != 0)
    }
}

impl FromCell<'_> for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        match cell {
            Cell::Float(value) => Ok(value),
            #[expect(clippy::cast_precision_loss, reason = "the column holds floats")]
            Cell::Integer(value) => Ok(value as Self),
            other => Err(describe(&other)),
        }
    }
}

impl<'r> FromCell<'r> for &'r str {
    const EXPECTED: &'static str = "text";

    fn from_cell(cell: Cell<'r>) -> Result<Self, String> {
        match cell {
            Cell::Text(text) => Ok(text),
            other => Err(describe(&other)),
        }
    }
}

impl FromCell<'_> for String {
    const EXPECTED: &'static str = <&str>::EXPECTED;

    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        <&str>::from_cell(cell).map(str::to_owned)
    }
}

impl<'r> FromCell<'r> for &'r [u8] {
    const EXPECTED: &'static str = "bytes";

    fn from_cell(cell: Cell<'r>) -> Result<Self, String> {
        match cell {
            Cell::Bytes(bytes) => Ok(bytes),
            other => Err(describe(&other)),
        }
    }
}

impl FromCell<'_> for DateTime<Utc> {
    const EXPECTED: &'static str = "a time";

    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        match cell {
            #[cfg(feature = "postgres")]
            Cell::Time(time) => Ok(time.and_utc()),
            Cell::Text(text) => timestamp::from_text(text).ok_or_else(|| describe(&cell)),
            other => Err(describe(&other)),
        }
    }
}

impl<'r, T: FromCell<'r>> FromCell<'r> for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_cell(cell: Cell<'r>) -> Result<Self, String> {
        if cell == Cell::Null { Ok(None) } else { T::from_cell(cell).map(Some) }
    }
}

fn describe(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => "nothing".to_owned(),
        Cell::Integer(value) => format!("the integer {value}"),
        Cell::Float(value) => format!("the number {value}"),
        Cell::Text(text) => format!("the text {:?}", text.chars().take(40).collect::<String>()),
        Cell::Bytes(bytes) => format!("{} bytes", bytes.len()),
        #[cfg(feature = "postgres")]
        Cell::Time(time) => format!("the time {time}"),
    }
}

/// The name or place of a column, for either driver.
#[cfg(feature = "postgres")]
trait Column: sqlx::ColumnIndex<SqliteRow> + sqlx::ColumnIndex<sqlx::postgres::PgRow> + Copy {}
#[cfg(feature = "postgres")]
impl<C: sqlx::ColumnIndex<SqliteRow> + sqlx::ColumnIndex<sqlx::postgres::PgRow> + Copy> Column
    for C
{
}

/// The name or place of a column.
#[cfg(not(feature = "postgres"))]
trait Column: sqlx::ColumnIndex<SqliteRow> + Copy {}
#[cfg(not(feature = "postgres"))]
impl<C: sqlx::ColumnIndex<SqliteRow> + Copy> Column for C {}

/// SQLite's values have types of their own, whatever their column was declared as.
fn sqlite_cell<C: Column>(row: &SqliteRow, column: C) -> sqlx::Result<Cell<'_>> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let type_info = value.type_info();
    match type_info.name() {
        "BLOB" => row.try_get_unchecked(column).map(Cell::Bytes),
        "REAL" => row.try_get_unchecked(column).map(Cell::Float),
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked(column).map(Cell::Integer),
        _ => row.try_get_unchecked(column).map(Cell::Text),
    }
}

#[cfg(feature = "postgres")]
fn postgres_cell<C: Column>(row: &sqlx::postgres::PgRow, column: C) -> sqlx::Result<Cell<'_>> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let type_info = value.type_info();
    match type_info.name() {
        "INT8" => row.try_get(column).map(Cell::Integer),
        "INT4" => row.try_get(column).map(|value: i32| Cell::Integer(value.into())),
        "INT2" => row.try_get(column).map(|value: i16| Cell::Integer(value.into())),
        "BOOL" => row.try_get(column).map(|value: bool| Cell::Integer(value.into())),
        "FLOAT8" => row.try_get(column).map(Cell::Float),
        "BYTEA" => row.try_get(column).map(Cell::Bytes),
        "TIMESTAMP" => row.try_get(column).map(Cell::Time),
        _ => row.try_get(column).map(Cell::Text),
    }
}
