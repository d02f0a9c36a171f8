//! Captured logs in files, in the layout of Dagster's `LocalComputeLogManager`.
//!
//! A capture is three files: `<key>.out`, `<key>.err`, and `<key>.complete` when it has ended.

use std::io::SeekFrom;
use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::storage::{ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::Mutex;

/// Captured logs below one directory.
#[derive(Debug, Clone)]
pub struct LocalComputeLogManager {
    base_dir: PathBuf,
}

impl LocalComputeLogManager {
    /// The logs below a directory, which is created when it is first needed.
    pub fn new(base_dir: impl Into<PathBuf>) -> Self {
        Self { base_dir: base_dir.into() }
    }

    /// The file of a key, refused if the key leads out of the base directory.
    fn path(&self, log_key: &ComputeLogKey, extension: &str) -> Result<PathBuf, StorageError> {
        let unsupported = |reason: &str| StorageError::Unsupported {
            what: format!("log key {:?}", log_key.0),
            reason: reason.to_owned(),
        };
        let Some((file_base, namespace)) = log_key.0.split_last() else {
            return Err(unsupported("a key has at least one part"));
        };
        let mut path = self.base_dir.clone();
        path.extend(namespace);
        path.push(format!("{file_base}.{extension}"));
        let below_base = path.strip_prefix(&self.base_dir).ok();
        let is_plain =
            |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        if below_base.is_some_and(is_plain) && file_base.len() < 200 {
            Ok(path)
        } else {
            Err(unsupported("its parts have to be names of files, shorter than 200 bytes"))
        }
    }
}

#[async_trait]
impl ComputeLogManager for LocalComputeLogManager {
    async fn capture_logs(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        let stdout_path = self.path(log_key, ComputeIoType::Stdout.extension())?;
        let stderr_path = self.path(log_key, ComputeIoType::Stderr.extension())?;
        if let Some(directory) = stdout_path.parent() {
            tokio::fs::create_dir_all(directory).await.map_err(io_error("create", directory))?;
        }
        Ok(Box::new(LocalCapture {
            stdout: open_for_append(&stdout_path).await?,
            stderr: open_for_append(&stderr_path).await?,
            complete_path: self.path(log_key, "complete")?,
        }))
    }

    async fn is_capture_complete(&self, log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        let path = self.path(log_key, "complete")?;
        tokio::fs::try_exists(&path).await.map_err(io_error("look for", &path))
    }

    async fn get_log_data(
        &self,
        log_key: &ComputeLogKey,
        io_type: ComputeIoType,
        offset: u64,
        max_bytes: usize,
    ) -> Result<Vec<u8>, StorageError> {
        let path = self.path(log_key, io_type.extension())?;
        let mut file = match File::open(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("open", &path)(error)),
        };
        file.seek(SeekFrom::Start(offset)).await.map_err(io_error("read", &path))?;
        let mut bytes = Vec::new();
        file.take(max_bytes as u64)
            .read_to_end(&mut bytes)
            .await
            .map_err(io_error("read", &path))?;
        Ok(bytes)
    }
}

#[derive(Debug)]
struct LocalCapture {
    stdout: (Mutex<File>, PathBuf),
    stderr: (Mutex<File>, PathBuf),
    complete_path: PathBuf,
}

#[async_trait]
impl ComputeLogCapture for LocalCapture {
    async fn write(&self, io_type: ComputeIoType, bytes: &[u8]) -> Result<(), StorageError> {
        let (file, path) = match io_type {
            ComputeIoType::Stdout => &self.stdout,
            ComputeIoType::Stderr => &self.stderr,
        };
        let mut file = file.lock().await;
        file.write_all(bytes).await.map_err(io_error("write", path))?;
        // Without the flush tokio may still hold the bytes when the call returns.
        file.flush().await.map_err(io_error("write", path))
    }

    async fn complete(self: Box<Self>) -> Result<(), StorageError> {
        File::create(&self.complete_path)
            .await
            .map(drop)
            .map_err(io_error("create", &self.complete_path))
    }
}

async fn open_for_append(path: &Path) -> Result<(Mutex<File>, PathBuf), StorageError> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .await
        .map_err(io_error("create", path))?;
    Ok((Mutex::new(file), path.to_owned()))
}

fn io_error(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StorageError {
    let path = path.display().to_string();
    move |source| StorageError::Io { action, path: path.clone(), source }
}
