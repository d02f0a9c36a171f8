//! Rows, detached from the driver, and their columns as values of the domain. An error names the
//! database, the table, the column and the row.

use std::io::Read;
use std::sync::Arc;

#[cfg(feature = "postgres")]
use chrono::NaiveDateTime;
use chrono::{DateTime, Utc};
use instance_core::error::StorageError;
use instance_core::serdes::{SerdesError, Unpack, deserialize_value};
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row as _, TypeInfo, ValueRef};

use crate::sql::timestamp;

/// A value of a row, whatever the driver.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    #[cfg(feature = "postgres")]
    Time(NaiveDateTime),
}

/// A row of a result.
#[derive(Debug)]
pub(crate) struct Row {
    origin: Arc<Origin>,
    cells: Vec<Cell>,
}

/// What all rows of a result share.
#[derive(Debug)]
struct Origin {
    database: Arc<str>,
    columns: Vec<String>,
}

impl Row {
    /// The value of a column of a table.
    pub(crate) fn get<T: FromCell>(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<T, StorageError> {
        let cell = self.cell(column).unwrap_or(&Cell::Null);
        T::from_cell(cell).map_err(|found| {
            let reason = format!("expected {}, found {found}", T::EXPECTED);
            self.error(table, column, SerdesError::new(reason, 0))
        })
    }

    /// The value of the only column of a result.
    pub(crate) fn scalar<T: FromCell>(&self) -> Result<T, StorageError> {
        let cell = self.cells.first().unwrap_or(&Cell::Null);
        T::from_cell(cell).map_err(|found| {
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
        let text: &str = match self.cell(column) {
            Some(Cell::Text(text)) => text,
            // Says what it found instead.
            _ => {
                return self.get::<String>(table, column).and_then(|text| {
                    deserialize_value(&text).map_err(|error| self.error(table, column, error))
                });
            }
        };
        deserialize_value(text).map_err(|error| self.error(table, column, error))
    }

    /// The value that the text of a column holds; `None` where there is no text.
    pub(crate) fn body_or_none<T: Unpack>(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<Option<T>, StorageError> {
        match self.cell(column) {
            None | Some(Cell::Null) => Ok(None),
            Some(Cell::Text(text)) if text.is_empty() => Ok(None),
            Some(_) => self.body(table, column).map(Some),
        }
    }

    /// The value that the compressed text of a column holds.
    pub(crate) fn compressed<T: Unpack>(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<T, StorageError> {
        let compressed: Vec<u8> = self.get(table, column)?;
        let mut text = String::new();
        flate2::read::ZlibDecoder::new(&*compressed)
            .read_to_string(&mut text)
            .map_err(|error| self.error(table, column, SerdesError::new(error.to_string(), 0)))?;
        deserialize_value(&text).map_err(|error| self.error(table, column, error))
    }

    /// A value that `read` makes of the text of a column; `what` says what it was to be.
    pub(crate) fn parsed<T>(
        &self,
        table: &'static str,
        column: &'static str,
        what: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StorageError> {
        let text: String = self.get(table, column)?;
        read(&text).ok_or_else(|| {
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
            database: self.origin.database.to_string(),
            table,
            column,
            row: self.name(),
            source,
        }
    }

    fn cell(&self, column: &str) -> Option<&Cell> {
        let place = self.origin.columns.iter().position(|name| name == column)?;
        self.cells.get(place)
    }

    /// What tells the row from others: its id, or else its first column.
    fn name(&self) -> String {
        match self.cell("id").or(self.cells.first()) {
            Some(Cell::Integer(id)) => id.to_string(),
            Some(Cell::Text(id)) => id.clone(),
            _ => "unknown".to_owned(),
        }
    }
}

/// A value that a cell may hold.
pub(crate) trait FromCell: Sized {
    /// What the value is called in errors.
    const EXPECTED: &'static str;

    /// The value; the error says what the cell holds instead.
    fn from_cell(cell: &Cell) -> Result<Self, String>;
}

impl FromCell for i64 {
    const EXPECTED: &'static str = "an integer";

    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            Cell::Integer(value) => Ok(*value),
            other => Err(describe(other)),
        }
    }
}

impl FromCell for bool {
    const EXPECTED: &'static str = "a boolean";

    fn from_cell(cell: &Cell) -> Result<Self, String> {
        i64::from_cell(cell).map(|value| value != 0)
    }
}

impl FromCell for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            Cell::Float(value) => Ok(*value),
            #[expect(clippy::cast_precision_loss, reason = "the column holds floats")]
            Cell::Integer(value) => Ok(*value as Self),
            other => Err(describe(other)),
        }
    }
}

impl FromCell for String {
    const EXPECTED: &'static str = "text";

    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            Cell::Text(text) => Ok(text.clone()),
            other => Err(describe(other)),
        }
    }
}

impl FromCell for Vec<u8> {
    const EXPECTED: &'static str = "bytes";

    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            Cell::Bytes(bytes) => Ok(bytes.clone()),
            other => Err(describe(other)),
        }
    }
}

impl FromCell for DateTime<Utc> {
    const EXPECTED: &'static str = "a time";

    fn from_cell(cell: &Cell) -> Result<Self, String> {
        match cell {
            #[cfg(feature = "postgres")]
            Cell::Time(time) => Ok(time.and_utc()),
            Cell::Text(text) => timestamp::from_text(text).ok_or_else(|| describe(cell)),
            other => Err(describe(other)),
        }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_cell(cell: &Cell) -> Result<Self, String> {
        if *cell == Cell::Null { Ok(None) } else { T::from_cell(cell).map(Some) }
    }
}

fn describe(cell: &Cell) -> String {
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

fn origin<R: sqlx::Row>(database: &Arc<str>, rows: &[R]) -> Arc<Origin> {
    let columns = rows.first().map(sqlx::Row::columns).unwrap_or_default();
    let columns = columns.iter().map(|column| column.name().to_owned()).collect();
    Arc::new(Origin { database: Arc::clone(database), columns })
}

/// Detaches the rows of a result.
pub(super) fn from_sqlite(database: &Arc<str>, rows: &[SqliteRow]) -> sqlx::Result<Vec<Row>> {
    let origin = origin(database, rows);
    let detach = |row: &SqliteRow| {
        let cells = (0..row.len()).map(|place| sqlite_cell(row, place));
        Ok(Row { origin: Arc::clone(&origin), cells: cells.collect::<sqlx::Result<_>>()? })
    };
    rows.iter().map(detach).collect()
}

/// SQLite's values have types of their own, whatever their column was declared as.
fn sqlite_cell(row: &SqliteRow, place: usize) -> sqlx::Result<Cell> {
    let value = row.try_get_raw(place)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let type_info = value.type_info();
    match type_info.name() {
        "BLOB" => row.try_get_unchecked(place).map(Cell::Bytes),
        "REAL" => row.try_get_unchecked(place).map(Cell::Float),
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked(place).map(Cell::Integer),
        _ => row.try_get_unchecked(place).map(Cell::Text),
    }
}

/// Detaches the rows of a result.
#[cfg(feature = "postgres")]
pub(super) fn from_postgres(
    database: &Arc<str>,
    rows: &[sqlx::postgres::PgRow],
) -> sqlx::Result<Vec<Row>> {
    let origin = origin(database, rows);
    let detach = |row: &sqlx::postgres::PgRow| {
        let cells = (0..row.len()).map(|place| postgres_cell(row, place));
        Ok(Row { origin: Arc::clone(&origin), cells: cells.collect::<sqlx::Result<_>>()? })
    };
    rows.iter().map(detach).collect()
}

#[cfg(feature = "postgres")]
fn postgres_cell(row: &sqlx::postgres::PgRow, place: usize) -> sqlx::Result<Cell> {
    let value = row.try_get_raw(place)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let type_info = value.type_info();
    match type_info.name() {
        "INT8" => row.try_get(place).map(Cell::Integer),
        "INT4" => row.try_get(place).map(|value: i32| Cell::Integer(value.into())),
        "INT2" => row.try_get(place).map(|value: i16| Cell::Integer(value.into())),
        "BOOL" => row.try_get(place).map(|value: bool| Cell::Integer(value.into())),
        "FLOAT8" => row.try_get(place).map(Cell::Float),
        "BYTEA" => row.try_get(place).map(Cell::Bytes),
        "TIMESTAMP" => row.try_get(place).map(Cell::Time),
        _ => row.try_get(place).map(Cell::Text),
    }
}
