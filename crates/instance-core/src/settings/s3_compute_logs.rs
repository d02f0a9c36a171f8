//! The settings of captured logs in S3.
//!
//! Not here: credentials, which the environment or the files of the AWS tools have.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

/// Where captured logs are in S3, and how they come there: the configuration of Dagster's `S3ComputeLogManager`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of Dagster's by this name")]
pub struct S3ComputeLogSettings {
    /// The bucket. It has to exist.
    pub bucket: String,
    /// What the name of every object begins with. Slashes at its ends do not count. Dagster's default is `dagster`.
    pub prefix: String,
    /// The directory in which output waits until it is uploaded. Dagster's default is `/tmp`.
    pub local_dir: PathBuf,
    /// Whether the connection to AWS is encrypted, which is the default. An `endpoint_url` says this itself.
    pub use_ssl: bool,
    /// Whether the server has to prove who it is, which is the default.
    pub verify: bool,
    /// A file with the certificates that a server may prove itself by, in PEM. `None` stands for those that the
    /// operating system trusts. It does not count without `verify`.
    pub verify_cert_path: Option<PathBuf>,
    /// The address of the server, with `http://` or `https://`. `None` stands for AWS.
    pub endpoint_url: Option<String>,
    /// Whether outputs without anything in them are not uploaded.
    pub skip_empty_files: bool,
    /// After which time there is an upload of what a running process has printed so far. `None` stands for one upload
    /// when it has ended.
    pub upload_interval: Option<Duration>,
    /// The arguments of uploads, by the names that boto3 has for them, such as `ServerSideEncryption`.
    pub upload_extra_args: Map<String, Value>,
    /// Whether the events of a run name the address of its output in the console of AWS.
    pub show_url_only: bool,
    /// The region of the bucket. `None` stands for the one of the environment or of the AWS profile; if neither
    /// says it, AWS is asked.
    pub region: Option<String>,
}

/// Of the arguments of uploads only the names: one of them may be a key of encryption.
impl std::fmt::Debug for S3ComputeLogSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3ComputeLogSettings")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("local_dir", &self.local_dir)
            .field("use_ssl", &self.use_ssl)
            .field("verify", &self.verify)
            .field("verify_cert_path", &self.verify_cert_path)
            .field("endpoint_url", &self.endpoint_url)
            .field("skip_empty_files", &self.skip_empty_files)
            .field("upload_interval", &self.upload_interval)
            .field("upload_extra_args", &self.upload_extra_args.keys().collect::<Vec<_>>())
            .field("show_url_only", &self.show_url_only)
            .field("region", &self.region)
            .finish()
    }
}

/// Where it is, for people.
impl std::fmt::Display for S3ComputeLogSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        self.prefix
            .split('/')
            .filter(|part| !part.is_empty())
            .try_for_each(|part| write!(f, "/{part}"))
    }
}

impl S3ComputeLogSettings {
    /// A bucket, with all of Dagster's defaults.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: "dagster".to_owned(),
            local_dir: PathBuf::from("/tmp"),
            use_ssl: true,
            verify: true,
            verify_cert_path: None,
            endpoint_url: None,
            skip_empty_files: false,
            upload_interval: None,
            upload_extra_args: Map::new(),
            show_url_only: false,
            region: None,
        }
    }

    /// The name of a field that no server can have, and why; `None` if there is no such field.
    ///
    /// Whether the bucket exists, only its server knows. `upload_extra_args` are not looked at.
    pub fn impossible_field(&self) -> Option<(&'static str, String)> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if self.bucket.is_empty() || !self.bucket.chars().all(is_name) {
            let reason = format!(
                "{:?} is no bucket: its name has letters, digits, dots and hyphens; access points are not supported",
                self.bucket
            );
            return Some(("bucket", reason));
        }
        if let Some(url) = &self.endpoint_url
            && let Err(reason) = host_of(url)
        {
            return Some(("endpoint_url", reason));
        }
        let is_empty = |path: &PathBuf| path.as_os_str().is_empty();
        if self.verify && self.verify_cert_path.as_ref().is_some_and(is_empty) {
            let reason = "it names no file; leave it out to trust what the operating system trusts";
            return Some(("verify_cert_path", reason.to_owned()));
        }
        None
    }
}

/// The host of a server's address. The error does not show a password.
fn host_of(url: &str) -> Result<&str, String> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.contains('@') {
        let reason =
            "it has a user in it; credentials are set by the environment or by an AWS profile";
        return Err(reason.to_owned());
    }
    if host.is_empty() {
        return Err("it has to begin with http:// or https:// and a host".to_owned());
    }
    Ok(host)
}

crate::setters! {
    impl S3ComputeLogSettings {
        /// What the name of every object begins with.
        with_prefix(prefix: impl Into<String>);
        /// The directory in which output waits until it is uploaded.
        with_local_dir(local_dir: impl Into<PathBuf>);
        /// Whether the connection to AWS is encrypted.
        with_use_ssl(use_ssl: bool);
        /// Whether the server has to prove who it is.
        with_verify(verify: bool);
        /// A file with the certificates that a server may prove itself by, in PEM.
        with_verify_cert_path(verify_cert_path: impl Into<Option<PathBuf>>);
        /// The address of the server, with `http://` or `https://`.
        with_endpoint_url(endpoint_url: impl Into<Option<String>>);
        /// Whether outputs without anything in them are not uploaded.
        with_skip_empty_files(skip_empty_files: bool);
        /// After which time there is an upload of what a running process has printed so far.
        with_upload_interval(upload_interval: impl Into<Option<Duration>>);
        /// The arguments of uploads, by the names that boto3 has for them.
        with_upload_extra_args(upload_extra_args: Map<String, Value>);
        /// Whether the events of a run name the address of its output in the console of AWS.
        with_show_url_only(show_url_only: bool);
        /// The region of the bucket.
        with_region(region: impl Into<Option<String>>);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_encryption_is_not_printed() {
        let arguments = Map::from_iter([("SSECustomerKey".to_owned(), "hidden".into())]);
        let settings = S3ComputeLogSettings::new("b").with_upload_extra_args(arguments);
        let printed = format!("{settings:?}");
        assert!(printed.contains("SSECustomerKey") && !printed.contains("hidden"), "{printed}");
    }

    #[test]
    fn people_see_the_place_of_the_objects() {
        let at = |prefix: &str| S3ComputeLogSettings::new("b").with_prefix(prefix).to_string();
        assert_eq!([at(""), at("/"), at("/a//b/")], ["s3://b", "s3://b", "s3://b/a/b"]);
    }

    #[test]
    fn what_no_server_can_have_is_named() {
        let settings = S3ComputeLogSettings::new;
        let url = |url: &str| settings("b").with_endpoint_url(url.to_owned());
        let file = |path: &str| settings("b").with_verify_cert_path(PathBuf::from(path));
        for (settings, field, part) in [
            (settings(""), "bucket", "\"\""),
            (settings("a/b"), "bucket", "\"a/b\""),
            (settings("arn:aws:s3:eu-west-1:1:accesspoint/x"), "bucket", "access points"),
            (url(""), "endpoint_url", "http:// or https://"),
            (url("minio:9000"), "endpoint_url", "http:// or https://"),
            (url("ftp://minio"), "endpoint_url", "http:// or https://"),
            (url("http:///x"), "endpoint_url", "http:// or https://"),
            (url("http://u:hidden@minio"), "endpoint_url", "a user in it"),
            (file(""), "verify_cert_path", "no file"),
        ] {
            let (found, reason) = settings.impossible_field().unwrap();
            assert_eq!(found, field);
            assert!(reason.contains(part) && !reason.contains("hidden"), "{reason}");
        }
        let possible =
            [settings("a.b-c_D1"), url("http://127.0.0.1:9000"), url("https://s3.x/a@b")];
        for settings in possible {
            assert_eq!(settings.impossible_field(), None, "{settings:?}");
        }
    }
}
