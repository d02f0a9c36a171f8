//! Captured logs in S3: the suite that every store passes, what is sent, and what becomes of failures.

mod credentials;
mod failures;
mod server;
mod uploads;

use std::path::Path;

use instance_core::StorageError;
use instance_core::settings::S3ComputeLogSettings;
use instance_core::storage::{ComputeIoType, ComputeLogKey, ComputeLogManager, ComputeLogPrefix};
use instance_storage::S3ComputeLogManager;
use tempfile::TempDir;

use self::server::{BUCKET, Server};
use crate::support::TestResult;

/// A store, with the server and the directory that go with it.
struct Made {
    logs: S3ComputeLogManager,
    server: Server,
    directory: TempDir,
}

impl AsRef<dyn ComputeLogManager> for Made {
    fn as_ref(&self) -> &(dyn ComputeLogManager + 'static) {
        &self.logs
    }
}

type Change = fn(S3ComputeLogSettings) -> S3ComputeLogSettings;

impl Made {
    async fn new(change: Change) -> Result<Self, Box<dyn std::error::Error>> {
        let (server, directory) = (Server::start().await?, TempDir::new()?);
        let logs = manager(&server, directory.path(), change)?;
        Ok(Self { logs, server, directory })
    }

    /// A store of another machine on the same bucket.
    fn elsewhere(&self, change: Change) -> Result<(S3ComputeLogManager, TempDir), StorageError> {
        let directory = TempDir::new().map_err(|source| StorageError::Io {
            action: "create",
            path: "a directory".to_owned(),
            source,
        })?;
        Ok((manager(&self.server, directory.path(), change)?, directory))
    }

    fn local(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }
}

fn manager(
    server: &Server,
    directory: &Path,
    change: Change,
) -> Result<S3ComputeLogManager, StorageError> {
    let settings = S3ComputeLogSettings::new(BUCKET)
        .with_endpoint_url(server.url.clone())
        .with_local_dir(directory);
    S3ComputeLogManager::new(change(settings), keys)
}

/// Credentials in the environment.
fn keys(variable: &str) -> Option<String> {
    match variable {
        "AWS_ACCESS_KEY_ID" => Some("OURKEY".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("OURSECRET".to_owned()),
        _ => None,
    }
}

fn key(parts: &[&str]) -> ComputeLogKey {
    ComputeLogKey(parts.iter().map(|part| (*part).to_owned()).collect())
}

fn prefix(parts: &[&str]) -> ComputeLogPrefix {
    ComputeLogPrefix(key(parts).0)
}

/// A complete capture.
async fn captured(
    logs: &S3ComputeLogManager,
    key: &ComputeLogKey,
    stdout: &[u8],
    stderr: &[u8],
) -> Result<(), StorageError> {
    let capture = logs.capture_logs(key).await?;
    capture.write(ComputeIoType::Stdout, stdout).await?;
    capture.write(ComputeIoType::Stderr, stderr).await?;
    capture.complete().await
}

/// All of a key's output.
async fn read(
    logs: &S3ComputeLogManager,
    key: &ComputeLogKey,
    io_type: ComputeIoType,
) -> Result<Option<String>, StorageError> {
    let bytes = logs.get_log_data_for_type(key, io_type, 0, 1_000_000).await?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// An error with all of its reasons.
fn told(error: &StorageError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(this) = cause {
        text = format!("{text}: {this}");
        cause = this.source();
    }
    text
}

#[expect(clippy::unwrap_used, reason = "a test without a server has failed")]
mod with_a_prefix {
    use super::*;

    async fn made() -> Made {
        Made::new(|settings| settings).await.unwrap()
    }

    instance_core::compute_log_manager_tests!(made);
}

#[expect(clippy::unwrap_used, reason = "a test without a server has failed")]
mod without_a_prefix {
    use super::*;

    async fn made() -> Made {
        Made::new(|settings| settings.with_prefix("")).await.unwrap()
    }

    instance_core::compute_log_manager_tests!(made);
}

#[tokio::test]
async fn settings_that_no_bucket_can_have_are_refused_at_once() -> TestResult {
    let none = |_: &str| None;
    let refused = S3ComputeLogManager::new(S3ComputeLogSettings::new("no/bucket"), none);
    assert!(matches!(refused, Err(StorageError::Invalid { .. })), "{refused:?}");
    let settings = S3ComputeLogSettings::new("logs").with_endpoint_url("minio:9000".to_owned());
    let refused = S3ComputeLogManager::new(settings, none);
    assert!(matches!(refused, Err(StorageError::Invalid { .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn keys_that_the_bucket_cannot_have_are_refused() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    let logs = &made.logs;
    for parts in [&["..", "k"][..], &["a", "", "k"], &["a/../b"], &["a\nb"]] {
        let key = key(parts);
        for outcome in [
            logs.capture_logs(&key).await.map(drop),
            logs.is_capture_complete(&key).await.map(drop),
            read(logs, &key, ComputeIoType::Stdout).await.map(drop),
            logs.get_log_metadata(&key).await.map(drop),
        ] {
            assert!(matches!(outcome, Err(StorageError::Unsupported { .. })), "{outcome:?}");
        }
    }
    let listed = logs.get_log_keys_for_log_key_prefix(&prefix(&[""]), ComputeIoType::Stdout).await;
    assert!(matches!(listed, Err(StorageError::Unsupported { .. })), "{listed:?}");
    assert!(made.server.requests().is_empty());
    Ok(())
}
