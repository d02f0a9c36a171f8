//! Tokens of IAM for databases of RDS and Aurora. Nobody is asked for one: a token is an address that is signed with the
//! credentials of AWS, and it is valid for 15 minutes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use instance_core::clock::Clock;
use instance_core::error::Persistence;
use instance_core::settings::Secret;
use tokio::sync::OnceCell;

use crate::db::postgres::tokens::{
    PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens,
};

/// How long a token is valid.
const VALID: Duration = Duration::from_mins(15);

/// What the address of a token begins with. The token is the rest.
const SCHEME: &str = "https://";

/// What signs tokens for databases of a region.
#[derive(Debug)]
pub(super) struct Aws {
    region: String,
    clock: Arc<dyn Clock>,
    /// Where the credentials are; they are read when a token is needed.
    config: OnceCell<SdkConfig>,
}

impl Aws {
    pub(super) fn new(region: String, clock: Arc<dyn Clock>) -> Self {
        Self { region, clock, config: OnceCell::new() }
    }

    async fn config(&self) -> &SdkConfig {
        self.config
            .get_or_init(|| async {
                let tls = Provider::Rustls(CryptoMode::Ring);
                aws_config::defaults(BehaviorVersion::latest())
                    .region(Region::new(self.region.clone()))
                    .http_client(Builder::new().tls_provider(tls).build_https())
                    .load()
                    .await
            })
            .await
    }
}

#[async_trait]
impl PostgresTokens for Aws {
    async fn token(&self, login: &PostgresLogin) -> Result<PostgresToken, PostgresTokenError> {
        let provider = self.config().await.credentials_provider();
        let provider = provider.ok_or_else(|| failed("there are no credentials of AWS"))?;
        let credentials = provider.provide_credentials().await.map_err(no_credentials)?;
        let now = self.clock.now();
        let address = format!(
            "{SCHEME}{}:{}/?Action=connect&DBUser={}",
            login.host,
            login.port,
            encoded(&login.user)
        );
        let of_credentials = credentials.expiry();
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        settings.expires_in = Some(VALID);
        settings.signature_location = SignatureLocation::QueryParams;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("rds-db")
            .time(now.into())
            .settings(settings)
            .build()
            .map_err(failed)?;
        let request =
            SignableRequest::new("GET", &address, std::iter::empty(), SignableBody::Bytes(&[]));
        let signed = sign(request.map_err(failed)?, &params.into()).map_err(failed)?;
        let (instructions, _) = signed.into_parts();
        let mut token = address.strip_prefix(SCHEME).unwrap_or(&address).to_owned();
        for (name, value) in instructions.params() {
            token.push('&');
            token.push_str(name);
            token.push('=');
            token.push_str(&encoded(value));
        }
        let until = now + VALID;
        // A token ends with the credentials that have signed it.
        let of_credentials = of_credentials.map(chrono::DateTime::<chrono::Utc>::from);
        let until = of_credentials.map_or(until, |ends| ends.min(until));
        Ok(PostgresToken::new(Secret::new(token), Some(until)))
    }
}

/// A text as AWS wants it in a signed address.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn failed(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PostgresTokenError {
    PostgresTokenError::new(Persistence::Permanent, reason)
}

fn no_credentials(error: CredentialsError) -> PostgresTokenError {
    let persistence = match error {
        CredentialsError::ProviderTimedOut(_) | CredentialsError::ProviderError(_) => {
            Persistence::Temporary
        }
        _ => Persistence::Permanent,
    };
    PostgresTokenError::new(persistence, error)
}
