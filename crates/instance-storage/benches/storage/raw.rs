//! The bare driver: the same rows, by the same driver, with nothing around it. How fast it is, is as fast as
//! any storage on it can be.

use std::path::Path;

use chrono::Utc;
use instance_core::event::{DagsterEvent, EventLogEntry};
use instance_core::serdes::serialize_value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};

use crate::Result;

const COLUMNS: &str =
    "run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition";

/// The driver of either database.
pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    /// A file with the same table, indexes and pragmas.
    pub(crate) async fn sqlite(path: &Path) -> Result<Self> {
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await?;
        for sql in [
            "CREATE TABLE event_logs (id INTEGER NOT NULL, run_id VARCHAR(255), event TEXT NOT NULL, dagster_event_type TEXT, timestamp TIMESTAMP, step_key TEXT, asset_key TEXT, partition TEXT, PRIMARY KEY (id))",
            "CREATE INDEX a ON event_logs (asset_key, dagster_event_type, partition, id)",
            "CREATE INDEX b ON event_logs (run_id, id)",
            "CREATE INDEX c ON event_logs (dagster_event_type, id)",
            "CREATE INDEX d ON event_logs (asset_key, dagster_event_type, id)",
            "CREATE INDEX e ON event_logs (step_key)",
        ] {
            sqlx::query(sql).execute(&mut connection).await?;
        }
        Ok(Self::Sqlite(connection))
    }

    /// The table of our own database.
    pub(crate) async fn postgres(url: &str) -> Result<Self> {
        Ok(Self::Postgres(PgConnection::connect(url).await?))
    }

    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Stores the rows of events in one statement and one transaction.
    pub(crate) async fn insert(&mut self, events: &[EventLogEntry]) -> Result<()> {
        let now = Utc::now().naive_utc();
        let rows = events.iter().map(|entry| {
            let event = entry.dagster_event.as_deref();
            (
                entry.run_id.to_string(),
                serialize_value(entry),
                event.map(|event| event.event_type_value.clone()),
                entry.step_key().map(str::to_owned),
                event.and_then(DagsterEvent::asset_key).map(|key| key.to_db_string()),
                event.and_then(DagsterEvent::partition).map(str::to_owned),
            )
        });
        macro_rules! insert {
            ($database:ty, $connection:expr) => {{
                let mut query = sqlx::QueryBuilder::<$database>::new(format!(
                    "INSERT INTO event_logs ({COLUMNS})"
                ));
                query.push_values(
                    rows,
                    |mut row, (run_id, event, kind, step, asset, partition)| {
                        row.push_bind(run_id).push_bind(event).push_bind(kind).push_bind(now);
                        row.push_bind(step).push_bind(asset).push_bind(partition);
                    },
                );
                query.build().execute($connection).await?;
            }};
        }
        match self {
            Self::Sqlite(connection) => insert!(sqlx::Sqlite, connection),
            Self::Postgres(connection) => insert!(sqlx::Postgres, connection),
        }
        Ok(())
    }

    /// Stores the rows of events by `COPY`, which only Postgres has.
    pub(crate) async fn copy(&mut self, events: &[EventLogEntry]) -> Result<()> {
        let Self::Postgres(connection) = self else {
            return Err("there is no COPY in SQLite".into());
        };
        let now = Utc::now().naive_utc().to_string();
        let mut text = String::new();
        for entry in events {
            let event = entry.dagster_event.as_deref();
            let columns = [
                Some(entry.run_id.to_string()),
                Some(serialize_value(entry)),
                event.map(|event| event.event_type_value.clone()),
                Some(now.clone()),
                entry.step_key().map(str::to_owned),
                event.and_then(DagsterEvent::asset_key).map(|key| key.to_db_string()),
                event.and_then(DagsterEvent::partition).map(str::to_owned),
            ];
            let fields = columns.map(|column| match column {
                None => "\\N".to_owned(),
                Some(column) => column.replace('\\', "\\\\"),
            });
            text.push_str(&fields.join("\t"));
            text.push('\n');
        }
        let copy = format!("COPY event_logs ({COLUMNS}) FROM STDIN");
        let mut copying = connection.copy_in_raw(&copy).await?;
        copying.send(text.as_bytes()).await?;
        let rows = copying.finish().await?;
        if rows != events.len() as u64 {
            return Err(format!("COPY stored {rows} rows, not {}", events.len()).into());
        }
        Ok(())
    }
}
