//! Reading columns: what is wrong with a row names the database, the table, the column and the row.

use std::io::Read;

use instance_core::error::StorageError;
use instance_core::serdes::{SerdesError, Unpack, deserialize_value};
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};

/// Where a value stands, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) database: &'a str,
    pub(super) table: &'static str,
    /// The column that names the row in errors.
    pub(super) id: &'static str,
}

impl Place<'_> {
    /// The value of a column.
    pub(super) fn column<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(
        &self,
        row: &'r SqliteRow,
        column: &'static str,
    ) -> Result<T, StorageError> {
        row.try_get(column)
            .map_err(|error| self.error(row, column, SerdesError::new(error.to_string(), 0)))
    }

    /// The value that the text of a column holds.
    pub(super) fn body<T: Unpack>(
        &self,
        row: &SqliteRow,
        column: &'static str,
    ) -> Result<T, StorageError> {
        self.text(row, column, self.column(row, column)?)
    }

    /// The value that a text holds which was read from a column.
    pub(super) fn text<T: Unpack>(
        &self,
        row: &SqliteRow,
        column: &'static str,
        text: &str,
    ) -> Result<T, StorageError> {
        deserialize_value(text).map_err(|error| self.error(row, column, error))
    }

    /// The value that the compressed text of a column holds.
    pub(super) fn compressed<T: Unpack>(
        &self,
        row: &SqliteRow,
        column: &'static str,
    ) -> Result<T, StorageError> {
        let compressed: &[u8] = self.column(row, column)?;
        let mut text = String::new();
        flate2::read::ZlibDecoder::new(compressed)
            .read_to_string(&mut text)
            .map_err(|error| self.error(row, column, SerdesError::new(error.to_string(), 0)))?;
        self.text(row, column, &text)
    }

    /// An error about a column of a row.
    pub(super) fn error(
        &self,
        row: &SqliteRow,
        column: &'static str,
        source: SerdesError,
    ) -> StorageError {
        StorageError::Decode {
            database: self.database.to_owned(),
            table: self.table,
            column,
            row: self.row_id(row),
            source,
        }
    }

    fn row_id(&self, row: &SqliteRow) -> String {
        row.try_get::<i64, _>(self.id)
            .map(|id| id.to_string())
            .or_else(|_| row.try_get::<String, _>(self.id))
            .unwrap_or_else(|_| "unknown".to_owned())
    }
}
