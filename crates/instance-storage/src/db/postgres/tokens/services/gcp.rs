//! Tokens of Google Cloud: those of the Application Default Credentials. The crate of Google keeps them, and fetches each
//! anew before its end.

use async_trait::async_trait;
use google_cloud_auth::credentials::{AccessTokenCredentials, Builder};
use instance_core::error::Persistence;
use instance_core::settings::Secret;
use tokio::sync::Mutex;

use crate::db::postgres::tokens::{
    PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens,
};

/// For what the token is.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The credentials that the program has by its environment.
#[derive(Debug, Default)]
pub(super) struct Gcp(Mutex<Option<AccessTokenCredentials>>);

#[async_trait]
impl PostgresTokens for Gcp {
    async fn token(&self, _: &PostgresLogin) -> Result<PostgresToken, PostgresTokenError> {
        let mut credentials = self.0.lock().await;
        let found = match credentials.take() {
            Some(found) => found,
            None => built()?,
        };
        let token = found.access_token().await.map_err(|error| {
            let passes = error.is_transient();
            let persistence = if passes { Persistence::Temporary } else { Persistence::Permanent };
            PostgresTokenError::new(persistence, error)
        })?;
        // Credentials that have failed for good never ask again, so they are kept only if they have not.
        *credentials = Some(found);
        Ok(PostgresToken::new(Secret::new(token.token), None))
    }
}

fn built() -> Result<AccessTokenCredentials, PostgresTokenError> {
    super::with_cryptography();
    let built = Builder::default().with_scopes([SCOPE]).build_access_token_credentials();
    built.map_err(|error| PostgresTokenError::new(Persistence::Permanent, error))
}
