//! Captured logs in files, in the layout of Dagster's `LocalComputeLogManager`.
//!
//! A capture is three files: `<key>.out`, `<key>.err`, and `<key>.complete` when it has ended. A key is the path to
//! them, so every path is checked before it is used: its parts, and, since symbolic links lead anywhere, the place
//! where it really is.
//!
//! Not here: what a run is.

use std::fmt::Write;
use std::fs;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::storage::{
    CapturedLogMetadata, ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager,
    ComputeLogPrefix, LogsToDelete,
};
use md5::{Digest, Md5};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;

/// The ending of the mark that a capture is complete.
const COMPLETE: &str = "complete";

/// File names longer than this are replaced by a hash. Dagster counts characters. A name of so many characters and
/// more bytes is one that neither Dagster nor the file system can store.
const MAX_FILE_NAME_BYTES: usize = 255;

/// Captured logs below one directory.
#[derive(Debug, Clone)]
pub struct LocalComputeLogManager {
    base_dir: PathBuf,
}

impl LocalComputeLogManager {
    /// The logs below a directory. The directory is created when it is first needed.
    pub fn new(base_dir: impl Into<PathBuf>) -> Self {
        Self { base_dir: base_dir.into() }
    }

    /// The path of parts below the base directory. Parts that lead out of it are refused.
    fn join(&self, parts: &[String], file_name: &str) -> Result<PathBuf, StorageError> {
        let mut path = self.base_dir.clone();
        path.extend(parts);
        path.push(file_name);
        let is_plain =
            |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        if path.strip_prefix(&self.base_dir).is_ok_and(is_plain) {
            // Without a slash at its end: with one, the system would follow a link.
            Ok(path.components().collect())
        } else {
            Err(outside(&path, "a key is made of names of files, without '..' and a leading '/'"))
        }
    }

    /// The path of one of a key's files, before it was looked at.
    fn join_file(&self, log_key: &ComputeLogKey, ending: &str) -> Result<PathBuf, StorageError> {
        let Some((file_base, namespace)) = log_key.0.split_last() else {
            return Err(StorageError::Unsupported {
                what: "the empty log key".to_owned(),
                reason: "a key has one part or more; the last one is the name of the files"
                    .to_owned(),
            });
        };
        self.join(namespace, &file_name(file_base, ending))
    }

    /// Where a path really is, with symbolic links followed. A path that is not below the base directory is
    /// refused.
    fn resolve(&self, path: &Path) -> Result<PathBuf, StorageError> {
        let base = real_path(&self.base_dir)?;
        let real = real_path(path)?;
        if real.starts_with(&base) {
            Ok(real)
        } else {
            Err(outside(path, "a symbolic link leads out of the directory of the logs; replace it"))
        }
    }

    /// One of a key's files, which need not exist.
    pub(super) fn file(
        &self,
        log_key: &ComputeLogKey,
        ending: &str,
    ) -> Result<PathBuf, StorageError> {
        self.resolve(&self.join_file(log_key, ending)?)
    }

    /// Creates the files of a capture, or opens those that are there, and removes the mark.
    pub(super) fn open_capture(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<LocalCapture, StorageError> {
        let open = |io_type: ComputeIoType| {
            let path = self.file(log_key, io_type.extension())?;
            create_parent(&path)?;
            let file = fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .map_err(io_error("create", &path))?;
            Ok((Mutex::new(File::from_std(file)), path))
        };
        let complete_path = self.file(log_key, COMPLETE)?;
        let capture = LocalCapture {
            stdout: open(ComputeIoType::Stdout)?,
            stderr: open(ComputeIoType::Stderr)?,
            complete_path,
        };
        remove_file(&capture.complete_path)?;
        Ok(capture)
    }

    /// Whether a key has its mark.
    pub(super) fn is_complete(&self, log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        let path = self.file(log_key, COMPLETE)?;
        Ok(existing(fs::metadata(&path), "look for", &path)?.is_some())
    }

    /// A part of an output. `None` if there is no file.
    pub(super) fn read(
        &self,
        log_key: &ComputeLogKey,
        io_type: ComputeIoType,
        offset: u64,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        read_file(&self.file(log_key, io_type.extension())?, offset, max_bytes)
    }

    /// The keys directly below a prefix that have a file of this kind, in the order of their names.
    pub(super) fn list(
        &self,
        prefix: &ComputeLogPrefix,
        io_type: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        let directory = self.resolve(&self.join(&prefix.0, "")?)?;
        let Some(entries) = existing(fs::read_dir(&directory), "read", &directory)? else {
            return Ok(Vec::new());
        };
        let mut keys = Vec::new();
        for entry in entries {
            let path = entry.map_err(io_error("read", &directory))?.path();
            // A name that is no text is not the name of a key.
            let name = path.file_stem().and_then(|stem| stem.to_str());
            let ending = path.extension().and_then(|ending| ending.to_str());
            if let (Some(name), Some(ending)) = (name, ending)
                && ending == io_type.extension()
                && path.is_file()
            {
                keys.push(prefix.key(name));
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Deletes a key's files. The directories stay, as Dagster leaves them.
    pub(super) fn delete_key(&self, log_key: &ComputeLogKey) -> Result<(), StorageError> {
        // Dagster's managers that upload captured output leave partial files here.
        for ending in ["out", "err", "out.partial", "err.partial", COMPLETE] {
            let path = self.join_file(log_key, ending)?;
            // The directory is resolved, not the file: of a link, the link itself is deleted.
            if let (Some(directory), Some(name)) = (path.parent(), path.file_name()) {
                remove_file(&self.resolve(directory)?.join(name))?;
            }
        }
        Ok(())
    }

    /// Deletes a directory with all that is in it.
    pub(super) fn delete_below(&self, prefix: &ComputeLogPrefix) -> Result<(), StorageError> {
        let path = self.join(&prefix.0, "")?;
        let directory = self.resolve(&path)?;
        if directory == real_path(&self.base_dir)? {
            return Err(StorageError::Unsupported {
                what: format!("deleting everything below {}", directory.display()),
                reason: "name what to delete by a prefix that is not empty".to_owned(),
            });
        }
        let Some(metadata) = existing(path.symlink_metadata(), "look at", &path)? else {
            return Ok(());
        };
        if metadata.is_symlink() {
            return Err(outside(&path, "a symbolic link is not followed to delete; remove it"));
        }
        if metadata.is_dir() {
            // It does not follow links either, but deletes them.
            existing(fs::remove_dir_all(&directory), "delete", &directory)?;
        }
        Ok(())
    }

    /// Runs one of the methods above where it may wait for the disk.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let this = self.clone();
        match tokio::task::spawn_blocking(move || work(&this)).await {
            Ok(result) => result,
            // The runtime is being shut down.
            Err(error) => Err(io_error("use", &self.base_dir)(std::io::Error::other(error))),
        }
    }
}

#[async_trait]
impl ComputeLogManager for LocalComputeLogManager {
    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "capturing logs", directory = %self.base_dir.display()))]
    async fn capture_logs(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        let log_key = log_key.clone();
        let capture = self.blocking(move |this| this.open_capture(&log_key)).await?;
        Ok(Box::new(capture))
    }

    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "looking whether a capture is complete", directory = %self.base_dir.display()))]
    async fn is_capture_complete(&self, log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        let log_key = log_key.clone();
        self.blocking(move |this| this.is_complete(&log_key)).await
    }

    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "reading captured logs", directory = %self.base_dir.display()))]
    async fn get_log_data_for_type(
        &self,
        log_key: &ComputeLogKey,
        io_type: ComputeIoType,
        offset: u64,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let log_key = log_key.clone();
        self.blocking(move |this| this.read(&log_key, io_type, offset, max_bytes)).await
    }

    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "looking for captured logs", directory = %self.base_dir.display()))]
    async fn get_log_metadata(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<CapturedLogMetadata, StorageError> {
        let log_key = log_key.clone();
        self.blocking(move |this| {
            let location = |io_type: ComputeIoType| {
                let path = this.file(&log_key, io_type.extension())?;
                Ok::<_, StorageError>(Some(path.display().to_string()))
            };
            let url = |io_type: ComputeIoType| {
                Some(format!("/logs/{}/{}", log_key.0.join("/"), io_type.extension()))
            };
            Ok(CapturedLogMetadata::new()
                .with_stdout_location(location(ComputeIoType::Stdout)?)
                .with_stderr_location(location(ComputeIoType::Stderr)?)
                .with_stdout_download_url(url(ComputeIoType::Stdout))
                .with_stderr_download_url(url(ComputeIoType::Stderr)))
        })
        .await
    }

    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "listing captured logs", directory = %self.base_dir.display()))]
    async fn get_log_keys_for_log_key_prefix(
        &self,
        prefix: &ComputeLogPrefix,
        io_type: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        let prefix = prefix.clone();
        self.blocking(move |this| this.list(&prefix, io_type)).await
    }

    #[tracing::instrument(level = "debug", name = "storage", skip_all, err(level = "debug"), fields(operation = "deleting captured logs", directory = %self.base_dir.display()))]
    async fn delete_logs(&self, logs: LogsToDelete<'_>) -> Result<(), StorageError> {
        match logs {
            LogsToDelete::Of(log_key) => {
                let log_key = log_key.clone();
                self.blocking(move |this| this.delete_key(&log_key)).await
            }
            LogsToDelete::Below(prefix) => {
                let prefix = prefix.clone();
                self.blocking(move |this| this.delete_below(&prefix)).await
            }
        }
    }
}

/// A capture into files.
#[derive(Debug)]
pub(super) struct LocalCapture {
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
        // Without the flush, tokio may still hold the bytes when the call returns.
        file.flush().await.map_err(io_error("write", path))
    }

    async fn complete(self: Box<Self>) -> Result<(), StorageError> {
        let path = &self.complete_path;
        if let Some(directory) = path.parent() {
            // The file may have been deleted meanwhile, with all that was captured.
            tokio::fs::create_dir_all(directory).await.map_err(io_error("create", directory))?;
        }
        File::create(path).await.map(drop).map_err(io_error("create", path))
    }
}

/// The name of one of a key's files, as Dagster makes it. A name that is too long becomes its hash.
fn file_name(file_base: &str, ending: &str) -> String {
    let name = format!("{file_base}.{ending}");
    if name.len() <= MAX_FILE_NAME_BYTES {
        return name;
    }
    let hash = Md5::digest(file_base);
    let mut hex = String::with_capacity(2 * hash.len());
    for byte in hash {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    // Dagster gives a partial file with such a name the name of the whole file.
    format!("{hex}.{}", ending.trim_end_matches(".partial"))
}

/// A path with its symbolic links followed. If it does not exist yet, it is the place where it would be created.
fn real_path(path: &Path) -> Result<PathBuf, StorageError> {
    let absolute = std::path::absolute(path).map_err(io_error("find", path))?;
    let mut existing = absolute.as_path();
    let mut missing = Vec::new();
    loop {
        match existing.canonicalize() {
            Ok(mut real) => {
                real.extend(missing.iter().rev());
                return Ok(real);
            }
            Err(error) if is_absence(&error) && !existing.is_symlink() => {
                let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
                    return Err(io_error("find", path)(error));
                };
                missing.push(name);
                existing = parent;
            }
            Err(error) if is_absence(&error) => {
                return Err(outside(existing, "the symbolic link leads nowhere; remove it"));
            }
            Err(error) => return Err(io_error("find", existing)(error)),
        }
    }
}

/// A part of a file. `None` if there is no file. Something else than a file counts as none, as in Dagster.
fn read_file(path: &Path, offset: u64, max_bytes: usize) -> Result<Option<Vec<u8>>, StorageError> {
    // Before it is opened, which would wait if it were a pipe.
    let length = match existing(fs::metadata(path), "read", path)? {
        Some(metadata) if metadata.is_file() => metadata.len(),
        _ => return Ok(None),
    };
    let Some(mut file) = existing(fs::File::open(path), "open", path)? else {
        return Ok(None);
    };
    if offset >= length {
        return Ok(Some(Vec::new()));
    }
    file.seek(SeekFrom::Start(offset)).map_err(io_error("read", path))?;
    let expected = usize::try_from(length - offset).unwrap_or(max_bytes);
    let mut bytes = Vec::with_capacity(expected.min(max_bytes));
    file.take(max_bytes as u64).read_to_end(&mut bytes).map_err(io_error("read", path))?;
    Ok(Some(bytes))
}

fn create_parent(path: &Path) -> Result<(), StorageError> {
    match path.parent() {
        Some(directory) => fs::create_dir_all(directory).map_err(io_error("create", directory)),
        None => Ok(()),
    }
}

/// Removes a file or a link, if there is one; a directory of this name is not ours.
fn remove_file(path: &Path) -> Result<(), StorageError> {
    match existing(path.symlink_metadata(), "look at", path)? {
        Some(metadata) if !metadata.is_dir() => {
            existing(fs::remove_file(path), "delete", path).map(drop)
        }
        _ => Ok(()),
    }
}

/// What an operation returned, or `None` if it found nothing there.
fn existing<T>(
    result: std::io::Result<T>,
    action: &'static str,
    path: &Path,
) -> Result<Option<T>, StorageError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(io_error(action, path)(error)),
    }
}

/// Whether an operation found nothing: no such name, or a file in the place of a directory.
fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn outside(path: &Path, reason: &str) -> StorageError {
    StorageError::Unsupported {
        what: format!("captured logs in {}", path.display()),
        reason: reason.to_owned(),
    }
}

fn io_error(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StorageError {
    let path = path.display().to_string();
    move |source| StorageError::Io { action, path: path.clone(), source }
}
