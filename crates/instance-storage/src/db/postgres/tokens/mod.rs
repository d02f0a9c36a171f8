//! Tokens in the place of a password: a service gives one out for each role at a server, and it holds for minutes.
//!
//! Here is what whoever gives out tokens has to do. How they are kept is in [`kept`]. Which services there are is in
//! [`services`].

mod kept;
mod services;

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::error::Persistence;
use instance_core::settings::Secret;

pub(super) use kept::KeptTokens;
pub(in crate::db) use kept::NoToken;
pub(super) use services::service;

/// What gives out tokens, each of which is the password of a role at a server for a while.
///
/// One token serves all connections until five minutes before its end. Then it is asked for again, before the next
/// connection is made. Many callers wait for one answer. A connection that is there stays when its token has ended.
#[async_trait]
pub trait PostgresTokens: fmt::Debug + Send + Sync + 'static {
    /// A token with which the role can log in now.
    ///
    /// It is asked for at most once at a time for one login, and may take 30 seconds.
    ///
    /// # Errors
    ///
    /// [`PostgresTokenError`], which says whether it may pass. Its text is shown to users, so it must tell no secret.
    async fn token(&self, login: &PostgresLogin) -> Result<PostgresToken, PostgresTokenError>;
}

/// Who logs in where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PostgresLogin {
    /// The server: a name, an address, or the directory of its socket.
    pub host: String,
    /// The port of the server.
    pub port: u16,
    /// The role.
    pub user: String,
}

impl PostgresLogin {
    /// A role at a server.
    pub fn new(host: impl Into<String>, port: u16, user: impl Into<String>) -> Self {
        Self { host: host.into(), port, user: user.into() }
    }
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresToken {
    /// The password that it is.
    pub password: Secret,
    /// Until when it is valid. `None` means that it is not kept here: it is asked for whenever a connection is needed.
    pub valid_until: Option<DateTime<Utc>>,
}

impl PostgresToken {
    /// A token, and until when it is valid.
    pub fn new(password: Secret, valid_until: Option<DateTime<Utc>>) -> Self {
        Self { password, valid_until }
    }
}

/// Why there is no token.
#[derive(Debug)]
pub struct PostgresTokenError {
    persistence: Persistence,
    reason: Box<dyn Error + Send + Sync>,
}

impl PostgresTokenError {
    /// Why there is no token, and whether there may be one at another time.
    pub fn new(persistence: Persistence, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { persistence, reason: reason.into() }
    }

    /// Whether there may be one at another time.
    pub const fn persistence(&self) -> Persistence {
        self.persistence
    }
}

impl fmt::Display for PostgresTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for PostgresTokenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}
