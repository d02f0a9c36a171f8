//! The bare driver: the same rows, by the same driver, with nothing around it. How fast it is, is as fast as
//! any storage on it can be.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::Utc;
use instance_core::event::{DagsterEvent, EventLogEntry};
use instance_core::serdes::serialize_value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};

use crate::Result;

const COLUMNS: &str =
    "run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition";

/// The tables and indexes of a file of events.
const SCHEMA: &str =
    include_str!("../../../crates/instance-storage/src/sql/schema/sqlite_index.sql");

/// The driver of either database.
pub(crate) enum Raw {
    /// A file as that of a run, and one as the index.
    Sqlite {
        run: SqliteConnection,
        index: SqliteConnection,
    },
    Postgres(PgConnection),
}

macro_rules! insert {
    ($database:ty, $connection:expr, $events:expr) => {{
        let now = Utc::now().naive_utc();
        let mut query =
            sqlx::QueryBuilder::<$database>::new(format!("INSERT INTO event_logs ({COLUMNS})"));
        query.push_values($events, |mut row, entry: &EventLogEntry| {
            let event = entry.dagster_event.as_deref();
            row.push_bind(entry.run_id.to_string()).push_bind(serialize_value(entry));
            row.push_bind(event.map(|event| event.event_type_value.clone())).push_bind(now);
            row.push_bind(entry.step_key().map(str::to_owned));
            row.push_bind(event.and_then(DagsterEvent::asset_key).map(|key| key.to_db_string()));
            row.push_bind(event.and_then(DagsterEvent::partition).map(str::to_owned));
        });
        query.build().execute($connection).await?;
    }};
}

async fn insert_sqlite(connection: &mut SqliteConnection, events: &[EventLogEntry]) -> Result<()> {
    insert!(sqlx::Sqlite, connection, events);
    Ok(())
}

impl Raw {
    /// Files below a directory with the same tables, indexes and pragmas.
    pub(crate) async fn sqlite(directory: &Path) -> Result<Self> {
        let open = async |name: &str| -> Result<SqliteConnection> {
            let mut connection = SqliteConnectOptions::new()
                .filename(directory.join(name))
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(false)
                .connect()
                .await?;
            sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
            Ok(connection)
        };
        Ok(Self::Sqlite { run: open("raw_run.db").await?, index: open("raw_index.db").await? })
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
        match self {
            Self::Sqlite { run, .. } => insert_sqlite(run, events).await,
            Self::Postgres(connection) => {
                insert!(sqlx::Postgres, connection, events);
                Ok(())
            }
        }
    }

    /// Stores all rows that follow from materialisations in SQLite: the events in both files, their tags, and
    /// their assets; each file in one transaction, each table by one statement.
    pub(crate) async fn insert_everything(&mut self, events: &[EventLogEntry]) -> Result<()> {
        let Self::Sqlite { run, index } = self else {
            return Err("in Postgres there is one file".into());
        };
        insert_sqlite(run, events).await?;
        let mut transaction = index.begin_with("BEGIN IMMEDIATE").await?;
        insert_sqlite(&mut transaction, events).await?;
        let last: i64 =
            sqlx::query_scalar("SELECT last_insert_rowid()").fetch_one(&mut *transaction).await?;
        let (mut tags, mut assets) = (Vec::new(), BTreeMap::new());
        for (id, entry) in (last - i64::try_from(events.len())? + 1..).zip(events) {
            let event = entry.dagster_event.as_deref().ok_or("no event")?;
            let key = event.asset_key().ok_or("no asset")?.to_db_string();
            for (name, value) in event.asset_event_tags().into_iter().flatten() {
                if instance_storage::is_indexed_tag(name) {
                    tags.push((id, key.clone(), name.clone(), value.clone()));
                }
            }
            assets.insert(key, (serialize_value(entry), entry.run_id.to_string()));
        }
        let now = Utc::now().naive_utc();
        let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
            "INSERT INTO asset_event_tags (event_id, asset_key, key, value, event_timestamp)",
        );
        query.push_values(tags, |mut row, (id, key, name, value)| {
            row.push_bind(id).push_bind(key).push_bind(name).push_bind(value).push_bind(now);
        });
        query.build().execute(&mut *transaction).await?;
        let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
            "INSERT INTO asset_keys (asset_key, last_materialization, last_run_id, last_materialization_timestamp)",
        );
        query.push_values(assets, |mut row, (key, (event, run_id))| {
            row.push_bind(key).push_bind(event).push_bind(run_id).push_bind(now);
        });
        query.push(
            " ON CONFLICT (asset_key) DO UPDATE SET last_materialization = excluded.last_materialization, \
             last_run_id = excluded.last_run_id, \
             last_materialization_timestamp = excluded.last_materialization_timestamp",
        );
        query.build().execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
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
