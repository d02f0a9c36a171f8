//! How to reach a Postgres database.

use std::str::FromStr;
use std::time::Duration;

use instance_core::error::StorageError;
use sqlx::postgres::PgConnectOptions;

/// How to reach a Postgres database, and how many connections to hold.
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresConfig {
    pub(super) connect: PgConnectOptions,
    /// How many connections all three stores together hold at most.
    pub max_connections: u32,
    /// How long a caller waits for a connection.
    pub acquire_timeout: Duration,
    /// Whether missing tables are created.
    pub create_tables: bool,
}

impl std::fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The connection's own text would show the password.
        f.debug_struct("PostgresConfig")
            .field("host", &self.connect.get_host())
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

impl PostgresConfig {
    /// The name under which the server sees our connections, unless the URL names another.
    const APPLICATION_NAME: &'static str = "dagster-instance";

    /// A database by its URL, as SQLAlchemy or libpq write it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] if it is not such a URL. The error does not repeat the URL, which may hold a
    /// password.
    pub fn from_url(url: &str) -> Result<Self, StorageError> {
        let unsupported =
            |reason: String| StorageError::Unsupported { what: "postgres_url".to_owned(), reason };
        // SQLAlchemy's URLs may name a driver of Python's.
        let rest = match url.split_once("://") {
            Some((scheme, rest))
                if matches!(scheme.split('+').next(), Some("postgresql" | "postgres")) =>
            {
                rest
            }
            _ => {
                return Err(unsupported(
                    "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE".to_owned(),
                ));
            }
        };
        let connect = PgConnectOptions::from_str(&format!("postgresql://{rest}"))
            .map_err(|error| unsupported(format!("it cannot be read: {}", kind_of(&error))))?;
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name(Self::APPLICATION_NAME),
        };
        Ok(Self {
            connect,
            max_connections: 10,
            acquire_timeout: Duration::from_secs(30),
            create_tables: true,
        })
    }

    /// The same without prepared statements that outlive a transaction. It is for a pooler that gives each
    /// transaction another connection, such as pgbouncer.
    #[must_use]
    pub fn without_statement_cache(mut self) -> Self {
        self.connect = self.connect.statement_cache_capacity(0);
        self
    }
}

instance_core::setters! {
    impl PostgresConfig {
        /// How many connections all three stores together hold at most.
        with_max_connections(max_connections: u32);
        /// How long a caller waits for a connection.
        with_acquire_timeout(acquire_timeout: Duration);
        /// Whether missing tables are created.
        with_create_tables(create_tables: bool);
    }
}

/// What is wrong with a URL, without the URL.
fn kind_of(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::Configuration(_) => "a part of it is not what it should be",
        _ => "it has an unknown form",
    }
}
