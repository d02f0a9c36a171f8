//! How to reach a Postgres database.
//!
//! Not here: what becomes of the parameters of libpq; see [`params`](super::params). Which of several servers is taken; see
//! [`contact`](super::contact).

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use instance_core::clock::{Clock, SystemClock};
use instance_core::error::StorageError;
use instance_core::settings::PostgresSettings;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::options::Setting;
use super::params::Params;
use super::servers::{Place, Target, places};
use super::tokens::{KeptTokens, PostgresLogin, PostgresTokens, service};

/// How to reach a Postgres database, and how many connections to hold.
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresConfig {
    /// The servers in the order in which they are tried.
    pub(super) servers: Vec<Server>,
    /// What a server has to be.
    pub(super) target: Target,
    /// Settings of the server that each connection is to have.
    pub(super) session: Vec<Setting>,
    /// Whether each transaction may have another connection of the server, whatever is found out.
    pub(super) assumes_pooler: bool,
    /// What gives out tokens in the place of passwords.
    pub(super) tokens: Option<Arc<KeptTokens>>,
    /// How long it may take to connect to one server; `None` means as long as a caller waits.
    pub connect_timeout: Option<Duration>,
    /// How many connections all three stores together hold at most.
    pub max_connections: u32,
    /// How long a caller waits for a connection.
    pub acquire_timeout: Duration,
    /// Whether missing tables are created.
    pub create_tables: bool,
}

/// One of the servers.
#[derive(Clone)]
pub(super) struct Server {
    /// How the driver connects to it, but for the settings of the session.
    pub(super) connect: PgConnectOptions,
    /// The files of TLS, which the driver does not tell.
    pub(super) certificates: Certificates,
}

/// Files of TLS.
#[derive(Debug, Clone, Default)]
pub(super) struct Certificates {
    /// Certificates of those who sign those of servers.
    pub(super) root: Option<String>,
    /// The certificate that we show.
    pub(super) client: Option<String>,
    /// Its key.
    pub(super) key: Option<String>,
}

impl std::fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The connection's own text would show the password.
        f.debug_struct("PostgresConfig")
            .field("name", &self.name())
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
    /// [`StorageError::Unsupported`] with the name of a parameter that cannot be followed, of an `auth_provider` whose
    /// feature is not built, or of a field that cannot be. The error tells no value, which may be a password.
    pub fn from_settings(settings: &PostgresSettings) -> Result<Self, StorageError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let service = settings.auth_provider.as_ref().map(|provider| service(provider, &clock));
        let tokens = service.transpose()?.map(|service| KeptTokens::new(service, clock));
        let params = Params::read(settings)?;
        let server = |place: Place| {
            let mut connect = connect_options(&params, &place)?;
            let password = params.password.as_ref().or(settings.password.as_ref());
            if let Some(password) = password {
                connect = connect.password(password.expose());
            }
            if connect.get_application_name().is_none() {
                connect = connect.application_name(Self::APPLICATION_NAME);
            }
            let file = |name| params.of_driver(name).map(str::to_owned);
            let certificates = Certificates {
                root: file("sslrootcert"),
                client: file("sslcert"),
                key: file("sslkey"),
            };
            Ok(Server { connect, certificates })
        };
        let servers: Vec<Server> =
            places(settings)?.into_iter().map(server).collect::<Result<_, StorageError>>()?;
        let tries = u32::try_from(servers.len()).unwrap_or(1);
        let of_all = params.connect_timeout.map(|of_one| of_one.saturating_mul(tries));
        Ok(Self {
            servers,
            target: params.target,
            session: params.options,
            assumes_pooler: false,
            tokens,
            connect_timeout: params.connect_timeout,
            max_connections: 10,
            acquire_timeout: of_all.unwrap_or(Duration::from_secs(30)),
            create_tables: settings.should_autocreate_tables,
        })
    }

    /// The same for a pooler that gives each transaction another connection of the server. Such a pooler is found out by
    /// itself, unless it hides behind the number of a server's process.
    ///
    /// No prepared statement and no setting outlives a transaction then, and nobody listens for new events: they are
    /// looked for every second.
    #[must_use]
    pub const fn without_statement_cache(mut self) -> Self {
        self.assumes_pooler = true;
        self
    }

    /// The same with tokens in the place of passwords. A password of the settings is not used then.
    ///
    /// A token is not sent in clear text, but to a server on this machine: to others, `sslmode` is at least `require`.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Arc<dyn PostgresTokens>) -> Self {
        self.tokens = Some(KeptTokens::new(tokens, Arc::new(SystemClock)));
        self
    }

    /// The same with a limit to how long a statement waits for a lock, as the server's `lock_timeout`. It is rounded up to
    /// milliseconds.
    #[must_use]
    pub fn with_lock_timeout(self, lock_timeout: Duration) -> Self {
        self.with_timeout("lock_timeout", lock_timeout)
    }

    /// The same with a limit to how long a statement takes, as the server's `statement_timeout`. It is rounded up to
    /// milliseconds.
    #[must_use]
    pub fn with_statement_timeout(self, statement_timeout: Duration) -> Self {
        self.with_timeout("statement_timeout", statement_timeout)
    }

    fn with_timeout(mut self, name: &str, timeout: Duration) -> Self {
        let milliseconds = timeout.as_nanos().div_ceil(1_000_000).clamp(1, 2_147_483_647);
        self.session.retain(|(other, _)| other != name);
        self.session.push((name.to_owned(), milliseconds.to_string()));
        self
    }

    /// The URL of the database without what may be secret, with all its servers.
    pub(super) fn name(&self) -> String {
        let places: Vec<String> = self.servers.iter().map(Server::place).collect();
        let connect = self.servers.first().map(|server| &server.connect);
        format!(
            "postgresql://{}@{}/{}",
            connect.map(PgConnectOptions::get_username).unwrap_or_default(),
            places.join(","),
            connect.and_then(PgConnectOptions::get_database).unwrap_or_default()
        )
    }
}

impl Server {
    /// The server's name and port.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.connect.get_host(), self.connect.get_port())
    }
}

/// Who logs in where by these options.
pub(super) fn login(connect: &PgConnectOptions) -> PostgresLogin {
    PostgresLogin::new(connect.get_host(), connect.get_port(), connect.get_username())
}

/// Whether a server is on this machine by its name, so that nobody hears what is said to it.
pub(super) fn is_of_this_machine(connect: &PgConnectOptions) -> bool {
    let host = connect.get_host();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host.starts_with('/')
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
}

instance_core::setters! {
    impl PostgresConfig {
        /// How long it may take to connect to one server.
        with_connect_timeout(connect_timeout: Option<Duration>);
        /// How many connections all three stores together hold at most.
        with_max_connections(max_connections: u32);
        /// How long a caller waits for a connection.
        with_acquire_timeout(acquire_timeout: Duration);
        /// Whether missing tables are created.
        with_create_tables(create_tables: bool);
    }
}

/// A variable of libpq's. The driver reads them itself, but does not tell all that it has read.
#[expect(clippy::disallowed_methods, reason = "the driver reads these variables of libpq, too")]
pub(super) fn of_environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// The name of the operating system's user, if nothing names a role. The driver would ask a variable for it.
fn role_of_system(params: &Params) -> Option<String> {
    if params.of_driver("user").is_some() || of_environment("PGUSER").is_some() {
        return None;
    }
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).ok()??;
    Some(user.name)
}

/// What the driver needs for one server, without the password. What the parameters do not say, the driver takes from where
/// libpq takes it: variables such as `PGHOST`, and the name of the operating system's user.
///
/// The driver reads a URL, since it looks for a password in libpq's file for them only then. All is in the URL's
/// parameters, where every character can stand.
fn connect_options(params: &Params, place: &Place) -> Result<PgConnectOptions, StorageError> {
    let socket = place.host.as_deref().filter(|host| host.starts_with('/'));
    // In the file of passwords, a socket's server is `localhost`.
    let host = if socket.is_some() { Some("localhost") } else { place.host.as_deref() };
    let port = place.port.map(|port| port.to_string());
    let of_place = [("host", host), ("port", port.as_deref())];
    let of_place = of_place.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let role = role_of_system(params);
    let of_driver = params.of_driver.iter().map(|(name, value)| (*name, value.as_str()));
    let of_driver = of_driver.chain(role.as_deref().map(|role| ("user", role)));
    let mut url = String::from("postgresql:/");
    for (index, (name, value)) in of_place.chain(of_driver).enumerate() {
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
    let connect = PgConnectOptions::from_str(&url).map_err(|_| StorageError::Unsupported {
        what: "the settings of Postgres".to_owned(),
        reason: "a field of them, or a variable such as PGPORT, is not what it should be"
            .to_owned(),
    })?;
    // Poolers refuse it, and no server since Postgres 12 needs it.
    let connect = connect.extra_float_digits(None);
    let connect =
        socket.map_or_else(|| connect.clone(), |directory| connect.clone().host(directory));
    // There is no TLS on a socket, and libpq does not ask for it there.
    let is_socket = connect.get_host().starts_with('/');
    Ok(if is_socket { connect.ssl_mode(PgSslMode::Disable) } else { connect })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use instance_core::settings::PostgresSettings;

    use super::PostgresConfig;

    #[test]
    fn fields_reach_the_driver_as_they_are() {
        let odd = "pa/ss@w:rd#?%+ é&=";
        let settings = PostgresSettings::new()
            .with_host("db.example".to_owned())
            .with_port(5433)
            .with_username(odd.to_owned())
            .with_password(instance_core::settings::Secret::new(format!("secret{odd}")))
            .with_database(odd.to_owned())
            .with_params(vec![
                ("options".to_owned(), "-csearch_path=x -c a=b".into()),
                ("connect_timeout".to_owned(), "5".into()),
            ])
            .with_should_autocreate_tables(false);
        let config = PostgresConfig::from_settings(&settings).unwrap();
        let connect = &config.servers[0].connect;
        assert_eq!(connect.get_host(), "db.example");
        assert_eq!(connect.get_port(), 5433);
        assert_eq!((connect.get_username(), connect.get_database()), (odd, Some(odd)));
        let session = [("search_path", "x"), ("a", "b")];
        assert_eq!(config.session, session.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(connect.get_application_name(), Some("dagster-instance"));
        assert_eq!(config.connect_timeout, Some(Duration::from_secs(5)));
        assert_eq!(config.acquire_timeout, Duration::from_secs(5));
        assert!(!config.create_tables);
        // The driver shows a password nowhere but in the URL that it can make.
        assert!(sqlx::ConnectOptions::to_url_lossy(connect).as_str().contains("secretpa%2Fss%40w"));
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn a_directory_is_that_of_a_socket() {
        for url in [
            "postgresql+psycopg2://u:x@/db?host=/run/my%20pg&port=5433",
            "postgresql://u:x@ignored:1/db?port=5433&host=/run/my%20pg",
        ] {
            let config = PostgresConfig::from_url(url).unwrap();
            assert_eq!(config.servers[0].connect.get_host(), "/run/my pg", "{url}");
            assert_eq!(config.servers[0].connect.get_port(), 5433);
        }
    }

    #[test]
    fn several_servers_are_named_in_their_order() {
        let config = PostgresConfig::from_url("postgresql://u:x@/d?host=a:1&host=b:2").unwrap();
        assert_eq!(config.name(), "postgresql://u@a:1,b:2/d");
    }

    #[test]
    fn times_are_settings_of_the_session() {
        let config =
            PostgresConfig::from_url("postgresql://h/d?options=-clock_timeout%3D1").unwrap();
        let config = config
            .with_lock_timeout(Duration::from_micros(1_500))
            .with_statement_timeout(Duration::ZERO);
        let expected = [("lock_timeout", "2"), ("statement_timeout", "1")];
        assert_eq!(config.session, expected.map(|(name, value)| (name.into(), value.into())));
    }

    #[test]
    fn a_server_of_this_machine_is_known_by_its_name() {
        for (url, expected) in [
            ("postgresql://u@localhost/d", true),
            ("postgresql://u@127.1.2.3/d", true),
            ("postgresql://u@[::1]/d", true),
            ("postgresql://u@/d?host=/run/pg", true),
            ("postgresql://u@10.0.0.1/d", false),
            ("postgresql://u@localhost.example/d", false),
        ] {
            let config = PostgresConfig::from_url(url).unwrap();
            assert_eq!(super::is_of_this_machine(&config.servers[0].connect), expected, "{url}");
        }
    }
}
