//! Looking at the schema of a Postgres database without changing anything.
//!
//! The catalog is one statement and the rows are another, both in one transaction, as a pooler in transaction mode needs it.
//! No right but SELECT is needed, and where that is missing, the catalog says so.

use instance_core::error::StorageError;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::PostgresDatabase;
use crate::db::backend_error;
use crate::sql::Dialect;
use crate::sql::schema::check::{Found, read};

const OPERATION: &str = "checking the schema";

impl PostgresDatabase {
    /// What it has. Nothing is created.
    pub(crate) async fn found(&self) -> Result<Found, StorageError> {
        let failed = |error| backend_error(&self.name, OPERATION, error);
        let of_text = |error: serde_json::Error| failed(sqlx::Error::Decode(error.into()));
        let mut transaction = self.begin().await.map_err(failed)?;
        let catalog = answer(&mut transaction, read::postgres_catalog()).await.map_err(failed)?;
        let mut found = read::postgres(&catalog).map_err(of_text)?;
        if found.places.is_empty() {
            self.refuse_closed(&mut transaction).await?;
        }
        let rows = read::rows(Dialect::Postgres, &found);
        let rows = answer(&mut transaction, rows).await.map_err(failed)?;
        read::learn_rows(&mut found, &rows).map_err(of_text)?;
        // It only read.
        let _ = transaction.rollback().await;
        Ok(found)
    }
}

async fn answer(connection: &mut PgConnection, statement: String) -> sqlx::Result<String> {
    sqlx::raw_sql(AssertSqlSafe(statement)).fetch_one(connection).await?.try_get(0)
}
