//! How to reach a Postgres database.
//!
//! Not here: what becomes of the parameters of libpq; see [`params`](super::params).

use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use instance_core::error::StorageError;
use instance_core::settings::PostgresSettings;
use sqlx::postgres::PgConnectOptions;

use super::params::Params;

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
    /// The name under which the server sees our connections, unless the settings name another.
    const APPLICATION_NAME: &'static str = "dagster-instance";

    /// A database by its URL, as SQLAlchemy writes it.
    ///
    /// # Errors
    ///
    /// Those of [`PostgresSettings::from_url`] and [`from_settings`](Self::from_settings).
    pub fn from_url(url: &str) -> Result<Self, StorageError> {
        Self::from_settings(&PostgresSettings::from_url(url)?)
    }

    /// A database by its settings.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] with the name of a parameter that cannot be followed, of an `auth_provider`, or of
    /// a field that cannot be. The error tells no value, which may be a password.
    pub fn from_settings(settings: &PostgresSettings) -> Result<Self, StorageError> {
        if let Some(provider) = &settings.auth_provider {
            return Err(StorageError::Unsupported {
                what: format!("auth_provider {}", provider.as_str()),
                reason: "this version asks no service for tokens; set a password, or have a proxy of the cloud \
                         connect to the database and name the proxy"
                    .to_owned(),
            });
        }
        let params = Params::read(settings)?;
        let mut connect = connect_options(&params)?;
        let password = params.password.as_ref().or(settings.password.as_ref());
        if let Some(password) = password {
            connect = connect.password(password.expose());
        }
        if connect.get_application_name().is_none() {
            connect = connect.application_name(Self::APPLICATION_NAME);
        }
        Ok(Self {
            connect,
            max_connections: 10,
            acquire_timeout: params.connect_timeout.unwrap_or(Duration::from_secs(30)),
            create_tables: settings.should_autocreate_tables,
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

/// What the driver needs, without the password. What the parameters do not say, the driver takes from where libpq takes
/// it: variables such as `PGHOST`.
///
/// The driver reads a URL, since it looks for a password in libpq's file for them only then. All is in the URL's
/// parameters, where every character can stand.
fn connect_options(params: &Params) -> Result<PgConnectOptions, StorageError> {
    let mut url = String::from("postgresql:/");
    for (index, (name, value)) in params.of_driver.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() {
                url.push(char::from(byte));
            } else {
                // Writing to a string does not fail.
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    PgConnectOptions::from_str(&url).map_err(|_| StorageError::Unsupported {
        what: "the settings of Postgres".to_owned(),
        reason: "a field of them, or a variable such as PGPORT, is not what it should be"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use instance_core::settings::{PostgresAuthProvider, PostgresSettings};

    use super::PostgresConfig;

    #[test]
    fn fields_reach_the_driver_as_they_are() {
        let odd = "pa/ss@w:rd#?%+ é&=";
        let settings = PostgresSettings::new()
            .with_host("db.example".to_owned())
            .with_port(5433)
            .with_username(odd.to_owned())
            .with_password(instance_core::settings::Secret::new(odd))
            .with_database(odd.to_owned())
            .with_params(vec![
                ("options".to_owned(), "-csearch_path=x -c a=b".into()),
                ("connect_timeout".to_owned(), "5".into()),
            ])
            .with_should_autocreate_tables(false);
        let config = PostgresConfig::from_settings(&settings).unwrap();
        let connect = &config.connect;
        assert_eq!(connect.get_host(), "db.example");
        assert_eq!(connect.get_port(), 5433);
        assert_eq!((connect.get_username(), connect.get_database()), (odd, Some(odd)));
        assert_eq!(connect.get_options(), Some("-csearch_path=x -c a=b"));
        assert_eq!(connect.get_application_name(), Some("dagster-instance"));
        assert_eq!(config.acquire_timeout, Duration::from_secs(5));
        assert!(!config.create_tables);
        // The driver shows a password nowhere but in the URL that it can make.
        assert!(sqlx::ConnectOptions::to_url_lossy(connect).as_str().contains("pa%2Fss%40w"));
        assert!(!format!("{config:?}").contains("pa/ss"));
    }

    #[test]
    fn a_directory_is_that_of_a_socket() {
        for url in [
            "postgresql+psycopg2://u:x@/db?host=/run/my%20pg&port=5433",
            "postgresql://u:x@ignored:1/db?port=5433&host=/run/my%20pg",
        ] {
            let config = PostgresConfig::from_url(url).unwrap();
            let socket = config.connect.get_socket().map(|path| path.display().to_string());
            assert_eq!(socket.as_deref(), Some("/run/my pg"), "{url}");
            assert_eq!(config.connect.get_port(), 5433);
        }
    }

    #[test]
    fn what_asks_a_service_is_refused_by_name() {
        let region = "eu-secret-1".to_owned();
        let provider = PostgresAuthProvider::AwsWif { region };
        let settings = PostgresSettings::new().with_auth_provider(provider);
        let error = PostgresConfig::from_settings(&settings).unwrap_err().to_string();
        assert!(error.contains("aws_wif") && !error.contains("secret"), "{error}");
    }
}
