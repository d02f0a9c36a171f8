//! Tokens of Entra ID for databases of Azure. Who we are is looked for in the order of Azure's `DefaultAzureCredential`: the
//! secret of a client, a workload identity, a managed identity, the tools of a developer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{Secret as AzureSecret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, Transport};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use chrono::DateTime;
use instance_core::error::Persistence;
use instance_core::settings::Secret;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use super::of_environment;
use crate::db::postgres::tokens::{
    PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens,
};

/// Where a machine of Azure says who it is, and how long that may take to be there. Elsewhere nobody answers.
const MACHINE: (&str, u16) = ("169.254.169.254", 80);
const MACHINE_ANSWERS: Duration = Duration::from_secs(1);

/// Who we are for Azure.
#[derive(Debug)]
pub(super) struct Azure {
    scope: String,
    credential: OnceCell<Arc<dyn TokenCredential>>,
}

impl Azure {
    pub(super) fn new(scope: String) -> Self {
        Self { scope, credential: OnceCell::new() }
    }
}

#[async_trait]
impl PostgresTokens for Azure {
    async fn token(&self, _: &PostgresLogin) -> Result<PostgresToken, PostgresTokenError> {
        let credential = self.credential.get_or_try_init(credential).await?;
        let token = credential.get_token(&[&self.scope], None).await.map_err(failed)?;
        let until = DateTime::from_timestamp(token.expires_on.unix_timestamp(), 0);
        Ok(PostgresToken::new(Secret::new(token.token.secret()), until))
    }
}

/// The first kind of credential of which the environment has all.
async fn credential() -> Result<Arc<dyn TokenCredential>, PostgresTokenError> {
    let (tenant, client) = (of_environment("AZURE_TENANT_ID"), of_environment("AZURE_CLIENT_ID"));
    if let (Some(tenant), Some(client)) = (tenant, &client) {
        if let Some(secret) = of_environment("AZURE_CLIENT_SECRET") {
            let options = ClientSecretCredentialOptions { client_options: client_options()? };
            let secret = AzureSecret::new(secret);
            let found = ClientSecretCredential::new(&tenant, client.clone(), secret, Some(options));
            return Ok(found.map_err(failed)?);
        }
        if of_environment("AZURE_CLIENT_CERTIFICATE_PATH").is_some() {
            let reason = "AZURE_CLIENT_CERTIFICATE_PATH is set, and this version does not log in by a certificate: \
                          set AZURE_CLIENT_SECRET, or use a workload identity or a managed identity";
            return Err(PostgresTokenError::new(Persistence::Permanent, reason));
        }
        if of_environment("AZURE_FEDERATED_TOKEN_FILE").is_some() {
            let options = WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions {
                    client_options: client_options()?,
                },
                ..Default::default()
            };
            return Ok(WorkloadIdentityCredential::new(Some(options)).map_err(failed)?);
        }
    }
    if of_environment("IDENTITY_ENDPOINT").is_some() || is_machine_of_azure().await {
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: client.map(UserAssignedId::ClientId),
            client_options: client_options()?,
        };
        return Ok(ManagedIdentityCredential::new(Some(options)).map_err(failed)?);
    }
    Ok(DeveloperToolsCredential::new(None).map_err(failed)?)
}

async fn is_machine_of_azure() -> bool {
    let connecting = tokio::time::timeout(MACHINE_ANSWERS, TcpStream::connect(MACHINE)).await;
    matches!(connecting, Ok(Ok(_)))
}

fn client_options() -> Result<ClientOptions, PostgresTokenError> {
    super::with_cryptography();
    let client = reqwest::Client::builder().build();
    let client = client.map_err(|error| PostgresTokenError::new(Persistence::Permanent, error))?;
    let transport = Some(Transport::new(Arc::new(client)));
    Ok(ClientOptions { transport, ..ClientOptions::default() })
}

fn failed(error: azure_core::Error) -> PostgresTokenError {
    let persistence = if passes(&error) { Persistence::Temporary } else { Persistence::Permanent };
    PostgresTokenError::new(persistence, error)
}

/// Whether it may pass: what a service says of itself and not of us, and what never reached it.
fn passes(error: &azure_core::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<azure_core::Error>().map(azure_core::Error::kind);
        match kind {
            Some(ErrorKind::HttpResponse { status, .. }) => {
                return status.is_server_error() || [408, 429].contains(&u16::from(*status));
            }
            Some(ErrorKind::Io | ErrorKind::Connection) => return true,
            _ => cause = error.source(),
        }
    }
    false
}
