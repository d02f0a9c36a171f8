//! Captured logs in S3, as Dagster's `S3ComputeLogManager` keeps them.
//!
//! A process prints into files, in the layout of [`LocalComputeLogManager`]. When it has ended, they are uploaded and
//! deleted; if an interval is set, what there is so far is uploaded from time to time. An output is read from its file if
//! there is one, else from the bucket. The object of the standard error says that a capture is complete.
//!
//! Its modules: `keys` (names of objects), `bucket` (what is done with objects), `place`, `http` and `credentials` (the way
//! to them), `environment` (variables and profiles), `upload_args` (`upload_extra_args`), `capture` and `running` (captures
//! in progress), `failure` (what went wrong, without secrets).
//!
//! Not here: the configuration's text.

mod bucket;
mod capture;
mod credentials;
mod environment;
mod failure;
mod http;
mod keys;
mod place;
mod running;
mod upload_args;

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::settings::S3ComputeLogSettings;
use instance_core::storage::{
    CapturedLogContext, CapturedLogMetadata, ComputeIoType, ComputeLogCapture, ComputeLogKey,
    ComputeLogManager, ComputeLogPrefix, LogsToDelete,
};
use tokio::sync::OnceCell;

use self::bucket::Bucket;
use self::capture::{Output, S3Capture};
use self::environment::{AwsEnvironment, Profile};
use self::keys::{Extent, Keys, ObjectKey};
use self::running::RunningKeys;
use self::upload_args::UploadArgs;
use super::LocalComputeLogManager;

/// Captured logs in a bucket of S3, or of a server that speaks as S3 does. Clones share one connection.
///
/// What another process of this machine has captured and not uploaded is found if both have the same `local_dir`.
/// What processes of other machines capture is found when it is uploaded.
///
/// When a capture is completed, both outputs are uploaded, and then their files are deleted. If that fails, the error
/// names the file, and the files stay: there they can be read, and a capture of the same key goes on with them.
///
/// Credentials come from where the AWS tools have them, in this order: the environment, a web identity, the profile in
/// the files of the AWS tools, the container, the machine. No error shows one.
#[derive(Clone)]
pub struct S3ComputeLogManager(Arc<Inner>);

struct Inner {
    settings: S3ComputeLogSettings,
    environment: AwsEnvironment,
    keys: Keys,
    local: LocalComputeLogManager,
    running: RunningKeys,
    /// Opened when it is first needed.
    bucket: OnceCell<Bucket>,
}

impl fmt::Debug for S3ComputeLogManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3ComputeLogManager").field("settings", &self.0.settings).finish()
    }
}

impl S3ComputeLogManager {
    /// The logs that the settings describe. Nothing is opened: the server is looked for when it is first needed.
    ///
    /// `variable` gives the value of an environment variable, `None` if it is not set. The variables of the AWS tools
    /// are asked for, such as `AWS_ACCESS_KEY_ID` and `AWS_PROFILE`, and `HOME`, below which these tools have their
    /// files, and `DAGSTER_TRUNCATE_COMPUTE_LOGS_UPLOAD_BYTES`: that many bytes of an output are uploaded at most, 50
    /// MiB unless it is set, and all if it is 0. The HTTP client itself reads the variables that name a proxy, and
    /// those that name the certificates of the operating system (`SSL_CERT_FILE`, `SSL_CERT_DIR`).
    ///
    /// # Errors
    ///
    /// [`StorageError::Invalid`] for what [`S3ComputeLogSettings::impossible_field`] finds.
    pub fn new(
        settings: S3ComputeLogSettings,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, StorageError> {
        place::require_valid(&settings)?;
        Ok(Self(Arc::new(Inner {
            environment: AwsEnvironment::read(variable),
            keys: Keys::below(&settings.prefix),
            local: LocalComputeLogManager::new(&settings.local_dir),
            running: RunningKeys::default(),
            bucket: OnceCell::new(),
            settings,
        })))
    }

    fn upload_interval(&self) -> Option<Duration> {
        self.0.settings.upload_interval.filter(|interval| !interval.is_zero())
    }

    async fn bucket(&self) -> Result<&Bucket, StorageError> {
        let inner = &*self.0;
        let open = || {
            // Whoever only reads need not have arguments of uploads that are right.
            let uploads = UploadArgs::new(&inner.settings.upload_extra_args).ok();
            Bucket::open(&inner.settings, &inner.environment, &inner.keys, uploads)
        };
        inner.bucket.get_or_try_init(open).await
    }

    /// The object of an output, whole and partial.
    fn objects(
        &self,
        log_key: &ComputeLogKey,
        io_type: ComputeIoType,
    ) -> Result<[ObjectKey; 2], StorageError> {
        let of = |extent| self.0.keys.of(log_key, io_type, extent);
        Ok([of(Extent::Whole)?, of(Extent::Partial)?])
    }

    /// Refuses a key that the bucket cannot have.
    fn require_key(&self, log_key: &ComputeLogKey) -> Result<(), StorageError> {
        self.objects(log_key, ComputeIoType::Stdout).map(drop)
    }

    /// Uploads an output of a capture that has ended, behind what the bucket has of an earlier one.
    async fn upload_whole(
        &self,
        log_key: &ComputeLogKey,
        output: &Output,
    ) -> Result<(), StorageError> {
        let Some(bytes) = file_size(&output.file).await? else {
            // It was deleted while the capture went on, and what was deleted stays away.
            return Ok(());
        };
        // An empty standard error is uploaded all the same: it is the mark, and without it nobody would see that the
        // capture has ended.
        let is_mark = output.io_type == ComputeIoType::Stderr;
        if bytes == 0 && self.0.settings.skip_empty_files && !is_mark {
            return Ok(());
        }
        let key = self.0.keys.of(log_key, output.io_type, Extent::Whole)?;
        let bucket = self.bucket().await?;
        let before = if output.is_new { bucket.read_all(&key).await? } else { Vec::new() };
        let max_bytes = self.0.environment.max_upload()?;
        bucket.upload(&key, before, &output.file, max_bytes).await.map(drop)
    }

    /// Uploads what a running capture has printed so far, unless that was uploaded before. Returns how many bytes
    /// are uploaded.
    async fn upload_partial(
        &self,
        log_key: &ComputeLogKey,
        output: &Output,
        uploaded: u64,
    ) -> Result<u64, StorageError> {
        let max_bytes = self.0.environment.max_upload()?;
        let bytes = file_size(&output.file).await?.unwrap_or(0);
        if bytes == 0 || bytes == uploaded || max_bytes.is_some_and(|max| uploaded >= max) {
            return Ok(uploaded);
        }
        let key = self.0.keys.of(log_key, output.io_type, Extent::Partial)?;
        self.bucket().await?.upload(&key, Vec::new(), &output.file, max_bytes).await
    }

    async fn delete_local(&self, log_key: &ComputeLogKey) -> Result<(), StorageError> {
        let log_key = log_key.clone();
        self.0.local.blocking(move |local| local.delete_key(&log_key)).await
    }

    /// Where the output can be seen in the console of AWS, if that is to be told.
    async fn context(&self, log_key: &ComputeLogKey) -> Result<CapturedLogContext, StorageError> {
        let Inner { settings, environment, keys, .. } = &*self.0;
        if !settings.show_url_only {
            return Ok(CapturedLogContext::new());
        }
        // A profile that cannot be read is an error of the upload, not of this address.
        let profile = Profile::load(environment).await.ok();
        let region = place::region(settings, environment, profile.as_ref());
        let region = region.unwrap_or(place::DEFAULT_REGION);
        let console = "https://s3.console.aws.amazon.com/s3/object";
        let url = |io_type| {
            let key = keys.of(log_key, io_type, Extent::Whole)?;
            Ok::<_, StorageError>(format!(
                "{console}/{}?region={region}&prefix={}",
                settings.bucket, key.text
            ))
        };
        Ok(CapturedLogContext::new()
            .with_external_stdout_url(url(ComputeIoType::Stdout)?)
            .with_external_stderr_url(url(ComputeIoType::Stderr)?))
    }

    async fn is_complete(&self, log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        self.require_key(log_key)?;
        let key = log_key.clone();
        if self.0.local.blocking(move |local| local.is_complete(&key)).await? {
            return Ok(true);
        }
        if self.0.running.has(log_key) {
            // The bucket may have the mark of an earlier capture.
            return Ok(false);
        }
        let mark = self.0.keys.of(log_key, ComputeIoType::Stderr, Extent::Whole)?;
        Ok(self.bucket().await?.size(&mark).await?.is_some())
    }
}

/// How many bytes a file has; `None` if there is none.
async fn file_size(path: &Path) -> Result<Option<u64>, StorageError> {
    match tokio::fs::metadata(path).await {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => {
            Err(StorageError::Io { action: "look at", path: path.display().to_string(), source })
        }
    }
}

#[async_trait]
impl ComputeLogManager for S3ComputeLogManager {
    /// Begins to capture into files. The bucket is not asked.
    ///
    /// # Errors
    ///
    /// [`StorageError::Invalid`] and [`StorageError::Unsupported`] for `upload_extra_args` that no upload can have.
    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "capturing logs", bucket = %self.0.settings.bucket))]
    async fn capture_logs(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        self.require_key(log_key)?;
        // Now, and not when the process has ended.
        UploadArgs::new(&self.0.settings.upload_extra_args)?;
        self.0.environment.max_upload()?;
        let context = self.context(log_key).await?;
        let key = log_key.clone();
        let opened = self.0.local.blocking(move |local| {
            let output = |io_type: ComputeIoType| {
                let file = local.file(&key, io_type.extension())?;
                let is_new = !file.exists();
                Ok::<_, StorageError>(Output { io_type, file, is_new })
            };
            let outputs = [output(ComputeIoType::Stdout)?, output(ComputeIoType::Stderr)?];
            Ok((outputs, local.open_capture(&key)?))
        });
        // Counted first, so that the mark of an earlier capture does not count once the files are there.
        let running = self.0.running.begin(log_key);
        let (outputs, local) = opened.await?;
        let capture =
            S3Capture::new(self.clone(), log_key.clone(), outputs, local, context, running);
        Ok(Box::new(capture))
    }

    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "looking whether a capture is complete", bucket = %self.0.settings.bucket))]
    async fn is_capture_complete(&self, log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        self.is_complete(log_key).await
    }

    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "reading captured logs", bucket = %self.0.settings.bucket))]
    async fn get_log_data_for_type(
        &self,
        log_key: &ComputeLogKey,
        io_type: ComputeIoType,
        offset: u64,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let objects = self.objects(log_key, io_type)?;
        let key = log_key.clone();
        let read =
            move |local: &LocalComputeLogManager| local.read(&key, io_type, offset, max_bytes);
        if let Some(bytes) = self.0.local.blocking(read).await? {
            return Ok(Some(bytes));
        }
        let bucket = self.bucket().await?;
        for object in objects {
            if let Some(size) = bucket.size(&object).await? {
                let start = offset.min(size);
                let end = start.saturating_add(max_bytes as u64).min(size);
                return bucket.read(&object, start..end).await.map(Some);
            }
        }
        Ok(None)
    }

    /// The addresses of the objects, and from where they can be downloaded without credentials for an hour. Nothing
    /// while the capture goes on.
    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "looking for captured logs", bucket = %self.0.settings.bucket))]
    async fn get_log_metadata(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<CapturedLogMetadata, StorageError> {
        if !self.is_complete(log_key).await? {
            return Ok(CapturedLogMetadata::new());
        }
        let bucket = self.bucket().await?;
        let [stdout, _] = self.objects(log_key, ComputeIoType::Stdout)?;
        let [stderr, _] = self.objects(log_key, ComputeIoType::Stderr)?;
        Ok(CapturedLogMetadata::new()
            .with_stdout_location(bucket.place(&stdout))
            .with_stderr_location(bucket.place(&stderr))
            .with_stdout_download_url(bucket.signed_url(&stdout).await?)
            .with_stderr_download_url(bucket.signed_url(&stderr).await?))
    }

    /// The keys in the bucket, and those that wait in files.
    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "listing captured logs", bucket = %self.0.settings.bucket))]
    async fn get_log_keys_for_log_key_prefix(
        &self,
        prefix: &ComputeLogPrefix,
        io_type: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        let below = self.0.keys.below_prefix(prefix)?;
        let names = self.bucket().await?.names_below(&below).await?;
        let found = names.iter().filter_map(|name| Keys::name_of(name, io_type));
        let mut keys: BTreeSet<_> = found.map(|name| prefix.key(name)).collect();
        let prefix = prefix.clone();
        keys.extend(self.0.local.blocking(move |local| local.list(&prefix, io_type)).await?);
        Ok(keys.into_iter().collect())
    }

    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "deleting captured logs", bucket = %self.0.settings.bucket))]
    async fn delete_logs(&self, logs: LogsToDelete<'_>) -> Result<(), StorageError> {
        match logs {
            LogsToDelete::Of(log_key) => {
                let mut objects = self.objects(log_key, ComputeIoType::Stdout)?.to_vec();
                objects.extend(self.objects(log_key, ComputeIoType::Stderr)?);
                self.delete_local(log_key).await?;
                self.bucket().await?.delete(objects).await
            }
            LogsToDelete::Below(prefix) => {
                let below = self.0.keys.below_prefix(prefix)?;
                let prefix = prefix.clone();
                // An empty prefix is refused there.
                self.0.local.blocking(move |local| local.delete_below(&prefix)).await?;
                self.bucket().await?.delete_below(&below).await
            }
        }
    }
}
