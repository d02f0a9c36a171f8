//! Which server has the bucket: its address, its region, and whom we trust there.

use instance_core::error::StorageError;
use instance_core::settings::S3ComputeLogSettings;

use super::environment::{AwsEnvironment, Profile};
use super::failure::Failure;
use super::http::{Http, Patience, Trust};

/// The region of an S3 whose region nobody says.
pub(super) const DEFAULT_REGION: &str = "us-east-1";

/// The server that has the bucket.
#[derive(Debug)]
pub(super) struct Place {
    /// Its address, without the bucket.
    pub(super) endpoint: String,
    /// The region of the bucket.
    pub(super) region: String,
    /// The client for it.
    pub(super) http: Http,
}

/// Refuses settings that no server can have.
pub(super) fn require_valid(settings: &S3ComputeLogSettings) -> Result<(), StorageError> {
    match settings.impossible_field() {
        None => Ok(()),
        Some((field, reason)) => Err(StorageError::Invalid {
            what: "the configuration of captured logs in S3",
            value: field.to_owned(),
            reason,
        }),
    }
}

fn is_url(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
}

/// The region, as far as somebody says it.
pub(super) fn region<'r>(
    settings: &'r S3ComputeLogSettings,
    environment: &'r AwsEnvironment,
    profile: Option<&'r Profile>,
) -> Option<&'r str> {
    // An empty one counts as none, as it does for the AWS tools.
    let of_settings = settings.region.as_deref().filter(|region| !region.is_empty());
    of_settings
        .or_else(|| environment.get("AWS_DEFAULT_REGION"))
        .or_else(|| environment.get("AWS_REGION"))
        .or_else(|| profile?.get("region"))
}

/// The domain of AWS in a region.
pub(super) fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

impl Place {
    /// Finds the server. Where nobody says the region, AWS is asked.
    pub(super) async fn find(
        settings: &S3ComputeLogSettings,
        environment: &AwsEnvironment,
        profile: &Profile,
    ) -> Result<Self, Failure> {
        let region = region(settings, environment, Some(profile));
        if let Some(endpoint) = endpoint(settings, environment, profile)? {
            let http = http(settings, environment, &endpoint).await?;
            let region = region.unwrap_or(DEFAULT_REGION).to_owned();
            return Ok(Self { endpoint, region, http });
        }
        let scheme = if settings.use_ssl { "https" } else { "http" };
        let http = http(settings, environment, scheme).await?;
        let region = match region {
            Some(region) => region.to_owned(),
            None => ask_region(&http, scheme, &settings.bucket).await?,
        };
        let endpoint = format!("{scheme}://s3.{region}.{}", domain(&region));
        Ok(Self { endpoint, region, http })
    }
}

/// The address of the server, if it is not AWS's own.
fn endpoint(
    settings: &S3ComputeLogSettings,
    environment: &AwsEnvironment,
    profile: &Profile,
) -> Result<Option<String>, Failure> {
    if let Some(url) = settings.endpoint_url.as_deref().filter(|url| !url.is_empty()) {
        return Ok(Some(url.to_owned()));
    }
    if environment.is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
        return Ok(None);
    }
    let url = environment
        .get("AWS_ENDPOINT_URL_S3")
        .or_else(|| environment.get("AWS_ENDPOINT_URL"))
        .or_else(|| profile.get("endpoint_url"));
    match url {
        Some(url) if !is_url(url) => Err(Failure::new(format!(
            "{url:?}, the address of S3 by the environment or the AWS profile, does not begin with http:// or https://"
        ))),
        url => Ok(url.map(str::to_owned)),
    }
}

async fn http(
    settings: &S3ComputeLogSettings,
    environment: &AwsEnvironment,
    address: &str,
) -> Result<Http, Failure> {
    let file = settings.verify_cert_path.clone();
    let trust = if !address.starts_with("https") {
        Trust::NoTls
    } else if !settings.verify {
        Trust::Everyone
    } else if let Some(file) = file.or_else(|| Some(environment.get("AWS_CA_BUNDLE")?.into())) {
        Trust::File(file)
    } else {
        Trust::System
    };
    Http::new(trust, Patience::S3).await
}

/// Asks AWS for the region of a bucket. It tells everyone.
async fn ask_region(http: &Http, scheme: &str, bucket: &str) -> Result<String, Failure> {
    let unknown = |reason: &str| {
        let failure = Failure::new(format!("AWS does not say the region of {bucket}: {reason}"));
        failure.and("name it by `region` or AWS_DEFAULT_REGION")
    };
    let answer = http.0.head(format!("{scheme}://s3.amazonaws.com/{bucket}")).send().await;
    let answer = answer.map_err(|error| unknown(&error.without_url().to_string()))?;
    let region =
        answer.headers().get("x-amz-bucket-region").and_then(|region| region.to_str().ok());
    match region {
        Some(region) => Ok(region.to_owned()),
        None => Err(unknown(&format!("it answers {}", answer.status()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_no_server_can_have_are_refused() {
        let error = require_valid(&S3ComputeLogSettings::new("a/b")).unwrap_err().to_string();
        assert!(error.contains("bucket") && error.contains("\"a/b\""), "{error}");
        assert!(require_valid(&S3ComputeLogSettings::new("a.b-c_D1")).is_ok());
    }

    #[tokio::test]
    async fn the_server_is_where_somebody_says() {
        let find = async |settings: &S3ComputeLogSettings, variables: &[(&str, &str)]| {
            let environment = AwsEnvironment::read(|name| {
                let found = variables.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            let place = Place::find(settings, &environment, &Profile::default()).await;
            place.map(|place| format!("{} {}", place.endpoint, place.region))
        };
        let plain = S3ComputeLogSettings::new("b").with_verify(false);
        let of = [("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "eu-north-1")];
        let url = [("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_S3", "http://b")];
        let check = async |settings: &S3ComputeLogSettings, variables: &[_], expect: &str| {
            assert_eq!(find(settings, variables).await.unwrap(), expect, "{variables:?}");
        };
        check(&plain, &of, "https://s3.eu-north-1.amazonaws.com eu-north-1").await;
        check(&plain, &of[..1], "https://s3.eu-west-1.amazonaws.com eu-west-1").await;
        check(&plain, &url, "http://b us-east-1").await;
        check(&plain, &url[..1], "http://a us-east-1").await;
        let ignored = [("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"), url[0], of[0]];
        check(&plain, &ignored, "https://s3.eu-west-1.amazonaws.com eu-west-1").await;
        let china = plain.clone().with_region("cn-north-1".to_owned()).with_use_ssl(false);
        check(&china, &of, "http://s3.cn-north-1.amazonaws.com.cn cn-north-1").await;
        let own = plain.clone().with_endpoint_url("http://c".to_owned());
        check(&own, &url, "http://c us-east-1").await;
        let error = find(&plain, &[("AWS_ENDPOINT_URL", "minio:9000")]).await.unwrap_err();
        assert!(error.to_string().contains("minio:9000"), "{error}");
    }
}
