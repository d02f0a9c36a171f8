//! The first contact with a database: which of its servers is taken, and what stands in front of it.
//!
//! Nobody has to say that there is a pooler such as pgbouncer. It is found out:
//!
//! * A server says the number of its process at the beginning of a connection. If the process that then answers has
//!   another one, there is a pooler between, which has numbers of its own.
//! * A pooler in *session mode* gives a connection one process until the end. In *transaction mode*, a connection has none
//!   between transactions. So two connections are used in turn. If both have the same process, or one changes its process,
//!   it is transaction mode. It is taken for that in doubt, too: what is done there works everywhere.
//!
//! In transaction mode each statement is in a transaction, no statement is kept prepared, settings hold as long as a
//! transaction, and nobody listens: followers look every second.
//!
//! A pooler may refuse `options` when a connection begins. Then the settings are given afterwards: to each connection, or in
//! transaction mode to each transaction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection as _, PgConnection, Row as _};

use super::config::{PostgresConfig, Server, is_of_this_machine, login};
use super::options::Setting;
use super::servers::Target;
use super::tokens::PostgresToken;
use super::{is_lost, relay};
use crate::sql::session::{BEGIN, IDENTITY, PROCESS, Scope, set};

/// How long to wait before all servers are tried again, at first; then twice as long each time, to a limit.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long a server has to answer at least, so that it is not taken for silent when the time is over.
const LEAST: Duration = Duration::from_millis(100);

/// How long a pooler may take to give a second connection a process.
const SECOND_CONNECTION: Duration = Duration::from_secs(2);

/// How often two connections are compared.
const ROUNDS: usize = 3;

/// What is between us and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    /// Nothing, or something that passes all on.
    Nothing,
    /// A pooler that gives a connection one process of the server until its end.
    Sessions,
    /// A pooler that gives each transaction any process of the server.
    Transactions,
}

/// A server that was reached.
#[derive(Debug, Clone)]
pub(super) struct Contact {
    /// How the driver connects to it.
    pub(super) connect: PgConnectOptions,
    /// Which of the servers it is: its name and port.
    pub(super) place: String,
    pub(super) between: Between,
    /// What is set when a connection or transaction has begun.
    settings: Vec<Setting>,
}

impl Contact {
    /// What a connection is told when it has begun, if anything.
    pub(super) fn of_connection(&self) -> Option<String> {
        (self.between != Between::Transactions && !self.settings.is_empty())
            .then(|| self.set(Scope::Session).split_off(2))
    }

    /// How a transaction begins.
    pub(super) fn begin(&self) -> String {
        match self.between {
            Between::Transactions => format!("{BEGIN}{}", self.set(Scope::Transaction)),
            Between::Nothing | Between::Sessions => BEGIN.to_owned(),
        }
    }

    /// How many statements `begin` has.
    pub(super) const fn statements_of_begin(&self) -> usize {
        match self.between {
            Between::Transactions => 1 + self.settings.len(),
            Between::Nothing | Between::Sessions => 1,
        }
    }

    /// The same for a pooler that turns out to give each transaction any process.
    pub(super) fn in_transactions(&self) -> Self {
        Self { between: Between::Transactions, ..self.clone() }
    }

    fn set(&self, scope: Scope) -> String {
        set(self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())), scope)
    }

    /// The same with one more setting for each connection or transaction.
    pub(super) fn with_setting(mut self, name: &str, value: String) -> Self {
        self.settings.push((name.to_owned(), value));
        self
    }
}

/// Reaches one of the servers before the deadline.
pub(super) async fn reach(
    config: &PostgresConfig,
    deadline: Instant,
) -> sqlx::Result<Arc<Contact>> {
    let mut pause = PAUSE;
    loop {
        let error = match reach_once(config, deadline).await {
            Ok(contact) => return Ok(Arc::new(contact)),
            Err(error) => error,
        };
        if !passes(&error) || Instant::now() + pause >= deadline {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn reach_once(config: &PostgresConfig, deadline: Instant) -> sqlx::Result<Contact> {
    let targets: &[Target] = match config.target {
        Target::PreferStandby => &[Target::Standby, Target::Any],
        ref one => std::slice::from_ref(one),
    };
    let mut last: Option<sqlx::Error> = None;
    for target in targets {
        for server in &config.servers {
            let modes = modes(config, server)?;
            for (place, &mode) in modes.iter().enumerate() {
                let has_another = place + 1 < modes.len();
                match reach_server(config, server, mode, *target, deadline).await {
                    Ok(contact) => return Ok(contact),
                    // libpq asks no other server if one does not know the role or the password.
                    Err(error) if is_of_login(&error) && !has_another => return Err(error),
                    // One that may pass says that it is worth to try all of them again: while a standby takes over, say.
                    Err(error) => {
                        if passes(&error) || !last.as_ref().is_some_and(passes) {
                            last = Some(error);
                        }
                    }
                }
            }
        }
    }
    Err(last.unwrap_or(sqlx::Error::PoolTimedOut))
}

/// The modes of TLS to try in turn. The driver has none that is `allow`.
///
/// Whoever hears a token can use it, so it is sent by TLS alone, but on this machine.
fn modes(config: &PostgresConfig, server: &Server) -> sqlx::Result<Vec<PgSslMode>> {
    let is_exposed = config.tokens.is_some() && !is_of_this_machine(&server.connect);
    Ok(match server.connect.get_ssl_mode() {
        PgSslMode::Disable if is_exposed => {
            let text = format!(
                "with sslmode=disable, a token would be sent to {} in clear text: take sslmode=verify-full, or \
                 sslmode=require",
                server.place()
            );
            return Err(sqlx::Error::Configuration(text.into()));
        }
        PgSslMode::Allow | PgSslMode::Prefer if is_exposed => vec![PgSslMode::Require],
        PgSslMode::Allow => vec![PgSslMode::Disable, PgSslMode::Require],
        mode => vec![mode],
    })
}

/// The token with which we log in to a server, if it is tokens with which we do.
async fn token(
    config: &PostgresConfig,
    server: &Server,
    deadline: Instant,
) -> sqlx::Result<Option<Arc<PostgresToken>>> {
    let Some(tokens) = &config.tokens else { return Ok(None) };
    Ok(Some(tokens.get(&login(&server.connect), deadline).await?))
}

async fn reach_server(
    config: &PostgresConfig,
    server: &Server,
    mode: PgSslMode,
    target: Target,
    deadline: Instant,
) -> sqlx::Result<Contact> {
    let token = token(config, server, deadline).await?;
    let left = deadline.saturating_duration_since(Instant::now()).max(LEAST);
    let limit = config.connect_timeout.map_or(left, |limit| limit.min(left));
    let bare = server.connect.clone().ssl_mode(mode);
    let bare = match &token {
        Some(token) => bare.password(token.password.expose()),
        None => bare,
    };
    let greeting = async {
        let settings = config.session.iter().map(|(name, value)| (name, value));
        let with_settings =
            if config.session.is_empty() { bare.clone() } else { bare.clone().options(settings) };
        match relay::connect(&with_settings, &server.certificates).await {
            Err(error) if !config.session.is_empty() && refuses_options(&error) => {
                let relayed = relay::connect(&bare, &server.certificates).await?;
                Ok::<_, sqlx::Error>((relayed, bare, config.session.clone()))
            }
            relayed => Ok((relayed?, with_settings, Vec::new())),
        }
    };
    let greeted = tokio::time::timeout(limit, greeting).await;
    let greeted = greeted.map_err(|_| timed_out(server, limit))?;
    let (mut relayed, connect, mut settings) = greeted.map_err(|error| {
        if let (Some(tokens), Some(token), true) = (&config.tokens, &token, is_of_login(&error)) {
            tokens.forget(&login(&server.connect), token);
        }
        explained(error, &server.connect)
    })?;
    let first = &mut relayed.connection;
    // A pooler may have nobody to ask.
    let identity =
        tokio::time::timeout(limit, sqlx::raw_sql(IDENTITY).fetch_one(&mut *first)).await;
    let identity = identity.map_err(|_| timed_out(server, limit))??;
    let is_read_only = identity.try_get::<&str, _>(1)? == "on";
    let is_standby = identity.try_get::<&str, _>(2)? == "true";
    if !target.takes(is_read_only, is_standby) {
        let text = format!("{} is not what target_session_attrs asks for", server.place());
        return Err(sqlx::Error::Configuration(text.into()));
    }
    let zone = relayed.greeting.time_zone.take().filter(|zone| !is_utc(zone));
    settings.extend(zone.map(|zone| ("TimeZone".to_owned(), zone)));
    let answers = identity.try_get::<&str, _>(0)?;
    let between = if config.assumes_pooler {
        Between::Transactions
    } else if relayed.greeting.process.is_none_or(|process| process.to_string() == answers) {
        Between::Nothing
    } else {
        behind_pooler(first, &connect).await
    };
    // It has told all that it can. A server that does not see the end of it in time counts it for a while.
    relayed.close(SECOND_CONNECTION).await;
    let place = server.place();
    tracing::debug!(server = place, ?between, ?settings, "reached");
    Ok(Contact { connect, place, between, settings })
}

/// What a pooler does that stands between.
async fn behind_pooler(first: &mut PgConnection, connect: &PgConnectOptions) -> Between {
    let shares = async {
        let mut second = connect.connect().await?;
        let shares = share(first, &mut second).await;
        // It was there to be compared alone. Nobody waits for its end for long.
        let _ = second.close().await;
        shares
    };
    match tokio::time::timeout(SECOND_CONNECTION, shares).await {
        Ok(Ok(false)) => Between::Sessions,
        _ => Between::Transactions,
    }
}

/// Whether two connections have the same process in turn, or one does not keep its own.
async fn share(first: &mut PgConnection, second: &mut PgConnection) -> sqlx::Result<bool> {
    for _ in 0..ROUNDS {
        let held = process(first).await?;
        if process(first).await? != held {
            return Ok(true);
        }
        // It keeps its process as long as the transaction, and a pooler gives the one that was used last.
        let mut transaction = second.begin().await?;
        if process(&mut transaction).await? == held || process(first).await? != held {
            return Ok(true);
        }
        transaction.rollback().await?;
    }
    Ok(false)
}

async fn process(connection: &mut PgConnection) -> sqlx::Result<String> {
    sqlx::raw_sql(PROCESS).fetch_one(connection).await?.try_get(0)
}

/// The zone in which it makes no difference to have one.
fn is_utc(zone: &str) -> bool {
    ["UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(zone))
}

/// Whether a pooler refuses settings at the beginning of a connection. It says so in words alone.
fn refuses_options(error: &sqlx::Error) -> bool {
    let text = error.as_database_error().map(sqlx::error::DatabaseError::message);
    text.is_some_and(|text| text.contains("unsupported startup parameter"))
}

/// Whether a server does not let us in.
pub(super) fn is_of_login(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("28"))
}

/// Makes more of the one error of a login that is the driver's: it writes the role's name into a message in which some
/// signs have a meaning.
fn explained(error: sqlx::Error, connect: &PgConnectOptions) -> sqlx::Error {
    let said = error.as_database_error().map(sqlx::error::DatabaseError::message);
    if said == Some("malformed SCRAM message") && connect.get_username().contains(',') {
        let text = "a role with a comma in its name cannot log in by a password (SCRAM) from here; \
                    rename the role, or let it log in by a certificate";
        return sqlx::Error::Configuration(text.into());
    }
    error
}

/// Whether another try may succeed.
fn passes(error: &sqlx::Error) -> bool {
    let is_transient = |error: &sqlx::Error| {
        let error = error.as_database_error();
        error.is_some_and(sqlx::error::DatabaseError::is_transient_in_connect_phase)
    };
    let is_of_place = matches!(error, sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied);
    (is_lost(error) || is_transient(error)) && !is_of_place
}

fn timed_out(server: &Server, limit: Duration) -> sqlx::Error {
    let text = format!("{} did not answer within {limit:?}", server.place());
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sqlx::postgres::{PgConnectOptions, PgSslMode};

    use super::{Between, Contact, modes};
    use crate::db::postgres::PostgresConfig;
    use crate::db::postgres::tokens::{
        PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens,
    };
    use crate::sql::session::{BEGIN, Scope, set};

    /// A service that is never asked.
    #[derive(Debug)]
    struct Nobody;

    #[async_trait::async_trait]
    impl PostgresTokens for Nobody {
        async fn token(&self, login: &PostgresLogin) -> Result<PostgresToken, PostgresTokenError> {
            panic!("asked for {login:?}")
        }
    }

    #[test]
    fn a_token_is_not_sent_in_clear_text() {
        let modes = |url: &str| {
            let config = PostgresConfig::from_url(url).unwrap().with_tokens(Arc::new(Nobody));
            modes(&config, &config.servers[0]).map_err(|error| error.to_string())
        };
        for (query, is_sent) in [
            ("", true),
            ("?sslmode=allow", true),
            ("?sslmode=prefer", true),
            ("?sslmode=require", true),
            ("?sslmode=disable", false),
        ] {
            let found = modes(&format!("postgresql://u@db.example/d{query}"));
            assert_eq!(found.is_ok(), is_sent, "{query}: {found:?}");
            match found {
                Ok(modes) => assert!(matches!(*modes, [PgSslMode::Require]), "{modes:?}"),
                Err(error) => assert!(error.contains("clear text"), "{error}"),
            }
        }
        let full = modes("postgresql://u@db.example/d?sslmode=verify-full").unwrap();
        assert!(matches!(*full, [PgSslMode::VerifyFull]), "{full:?}");
        let local = modes("postgresql://u@127.0.0.1/d?sslmode=disable").unwrap();
        assert!(matches!(*local, [PgSslMode::Disable]), "{local:?}");
    }

    fn contact(between: Between) -> Contact {
        let settings = vec![("TimeZone".to_owned(), "Asia/Seoul".to_owned())];
        let connect = PgConnectOptions::new_without_pgpass();
        Contact { connect, place: String::new(), between, settings }
    }

    #[test]
    fn settings_hold_as_long_as_the_pooler_lets_them() {
        let settings = [("TimeZone", "Asia/Seoul"), ("a", "b")];
        for between in [Between::Nothing, Between::Sessions] {
            let contact = contact(between).with_setting("a", "b".to_owned());
            let expected = format!("; {}", contact.of_connection().unwrap());
            assert_eq!(expected, set(settings, Scope::Session));
            assert_eq!(contact.begin(), BEGIN);
        }
        let contact = contact(Between::Transactions).with_setting("a", "b".to_owned());
        assert_eq!(contact.of_connection(), None);
        assert_eq!(contact.begin(), format!("{BEGIN}{}", set(settings, Scope::Transaction)));
    }
}
