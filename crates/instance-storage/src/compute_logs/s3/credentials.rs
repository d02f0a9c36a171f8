//! Who we are for AWS: the credentials, from the places where the AWS tools look for them.
//!
//! In this order: the environment, a token of a web identity, the files of the AWS tools, the container, the machine.
//! Not here: what the environment and the files say (`environment.rs`).

use std::sync::Arc;

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};

use super::environment::{AwsEnvironment, Profile};
use super::failure::Failure;
use super::http::{Http, Patience, Trust};

/// What to do where no credentials are found.
const REMEDY: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that has keys by AWS_PROFILE";

/// Keys of a profile with which the AWS tools get credentials in ways that we do not have.
const OTHER_WAYS: [&str; 6] = [
    "role_arn",
    "credential_process",
    "sso_session",
    "sso_start_url",
    "source_profile",
    "login_session",
];

/// Finds out where the credentials are. They are fetched when they are needed, and again before they expire.
pub(super) async fn credentials(
    environment: &AwsEnvironment,
    profile: &Profile,
    region: &str,
) -> Result<AwsCredentialProvider, Failure> {
    let get = |name: &str| environment.get(name).map(str::to_owned);
    let token = get("AWS_SESSION_TOKEN").or_else(|| get("AWS_SECURITY_TOKEN"));
    match (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
        (Some(key_id), Some(secret_key)) => {
            return Ok(fixed(AwsCredential { key_id, secret_key, token }));
        }
        (Some(_), None) => {
            return Err(Failure::new("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"));
        }
        // As for the AWS tools, a secret alone is nothing.
        (None, _) => {}
    }
    if let Some(file) = get("AWS_WEB_IDENTITY_TOKEN_FILE") {
        let Some(role) = get("AWS_ROLE_ARN") else {
            return Err(Failure::new("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not"));
        };
        let mut settings = vec![
            (AmazonS3ConfigKey::WebIdentityTokenFile, file),
            (AmazonS3ConfigKey::RoleArn, role),
            (AmazonS3ConfigKey::StsEndpoint, sts_endpoint(environment, region)),
        ];
        settings.extend(
            get("AWS_ROLE_SESSION_NAME").map(|name| (AmazonS3ConfigKey::RoleSessionName, name)),
        );
        let source = "the web identity of AWS_WEB_IDENTITY_TOKEN_FILE";
        return fetched(settings, region, source, Trust::System).await;
    }
    if let Some(found) = of_profile(profile)? {
        return Ok(found);
    }
    if let Some(path) = get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        let settings = vec![(AmazonS3ConfigKey::ContainerCredentialsRelativeUri, path)];
        let source = "the container's service of credentials";
        return fetched(settings, region, source, Trust::NoTls).await;
    }
    if let Some(url) = get("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
        let Some(file) = get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
            return Err(Failure::new(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is set, and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, which \
                 has to be set with it, is not",
            ));
        };
        let trust = if url.starts_with("https:") { Trust::System } else { Trust::NoTls };
        let settings = vec![
            (AmazonS3ConfigKey::ContainerCredentialsFullUri, url),
            (AmazonS3ConfigKey::ContainerAuthorizationTokenFile, file),
        ];
        let source = "the service of credentials of AWS_CONTAINER_CREDENTIALS_FULL_URI";
        return fetched(settings, region, source, trust).await;
    }
    if environment.is_on("AWS_EC2_METADATA_DISABLED") {
        return Err(Failure::new(format!("there are no AWS credentials; {REMEDY}")));
    }
    let mut settings = Vec::new();
    settings
        .extend(get("AWS_EC2_METADATA_SERVICE_ENDPOINT").map(|url| {
            (AmazonS3ConfigKey::MetadataEndpoint, url.trim_end_matches('/').to_owned())
        }));
    fetched(settings, region, "the metadata of the machine, the last place to look", Trust::NoTls)
        .await
}

/// Credentials that do not change.
fn fixed(credential: AwsCredential) -> AwsCredentialProvider {
    Arc::new(object_store::StaticCredentialProvider::new(credential))
}

/// The keys of a profile; `None` if it says nothing about credentials.
fn of_profile(profile: &Profile) -> Result<Option<AwsCredentialProvider>, Failure> {
    let get = |key: &str| profile.get(key).map(str::to_owned);
    let name = profile.name();
    if let Some(way) = OTHER_WAYS.iter().find(|way| profile.get(way).is_some()) {
        return Err(Failure::new(format!(
            "the AWS profile {name:?} gets its credentials by {way}, which this version does not do; put them into \
             the environment, as `aws configure export-credentials --profile {name} --format env` prints them"
        )));
    }
    match (get("aws_access_key_id"), get("aws_secret_access_key")) {
        (Some(key_id), Some(secret_key)) => {
            let token = get("aws_session_token").or_else(|| get("aws_security_token"));
            Ok(Some(fixed(AwsCredential { key_id, secret_key, token })))
        }
        (Some(_), None) => Err(Failure::new(format!(
            "the AWS profile {name:?} has aws_access_key_id and no aws_secret_access_key"
        ))),
        (None, _) => Ok(None),
    }
}

/// Credentials that a service gives for some time.
async fn fetched(
    settings: Vec<(AmazonS3ConfigKey, String)>,
    region: &str,
    source: &'static str,
    trust: Trust,
) -> Result<AwsCredentialProvider, Failure> {
    let patience = Patience::CREDENTIALS;
    // The builder of a client for S3 is the one that knows these services. The bucket does not matter.
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name("any")
        .with_region(region)
        .with_retry(patience.retry_config())
        .with_http_connector(Http::new(trust, patience).await?);
    for (key, value) in settings {
        builder = builder.with_config(key, value);
    }
    let provider = Arc::clone(builder.build()?.credentials());
    Ok(Arc::new(Fetched { provider, source }))
}

/// The address of the service that takes a token of a web identity.
fn sts_endpoint(environment: &AwsEnvironment, region: &str) -> String {
    if !environment.is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        && let Some(url) =
            environment.get("AWS_ENDPOINT_URL_STS").or_else(|| environment.get("AWS_ENDPOINT_URL"))
    {
        return url.to_owned();
    }
    format!("https://sts.{region}.{}", super::place::domain(region))
}

/// Credentials of a service, with errors that say which one it is.
#[derive(Debug)]
struct Fetched {
    provider: AwsCredentialProvider,
    source: &'static str,
}

#[async_trait]
impl CredentialProvider for Fetched {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.provider.get_credential().await.map_err(|error| {
            let reason = Failure::from(error);
            let source = self.source;
            let failure = Failure::new(format!(
                "there are no AWS credentials: {source}, gives none ({reason}); {REMEDY}"
            ));
            object_store::Error::Generic { store: "S3", source: Box::new(failure) }
        })
    }
}
