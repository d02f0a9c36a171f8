//! The store of what processes print: keys, cursors and the contract.
//!
//! Not here: where the output is kept.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;

use crate::error::StorageError;
use crate::ids::RunId;

/// Which of a process's two outputs is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComputeIoType {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

impl ComputeIoType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// The ending of the file that holds the output, and the last part of its address.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Stdout => "out",
            Self::Stderr => "err",
        }
    }
}

/// The key of the captured output of one process: the parts of a path, the last of which names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComputeLogKey(pub Vec<String>);

impl ComputeLogKey {
    /// The key of a process of a run; `file_key` stands in the event `LOGS_CAPTURED`.
    pub fn for_run(run_id: &RunId, file_key: &str) -> Self {
        ComputeLogPrefix::of_run(run_id).key(file_key)
    }
}

/// What keys begin with, in whole parts: a directory where they are paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComputeLogPrefix(pub Vec<String>);

impl ComputeLogPrefix {
    /// What the keys of all processes of a run begin with.
    pub fn of_run(run_id: &RunId) -> Self {
        Self(vec![run_id.to_string(), "compute_logs".to_owned()])
    }

    /// The key directly below it of this name.
    pub fn key(&self, name: &str) -> ComputeLogKey {
        let mut parts = self.0.clone();
        parts.push(name.to_owned());
        ComputeLogKey(parts)
    }
}

/// Which captured outputs are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogsToDelete<'a> {
    /// Both outputs of one key, and the mark that they are complete.
    Of(&'a ComputeLogKey),
    /// Everything below a prefix. In files, that is the directory with *all* that is in it. Dagster keeps other
    /// things of a run beside its `compute_logs`, so name these, as [`ComputeLogPrefix::of_run`] does.
    Below(&'a ComputeLogPrefix),
}

/// How much of both outputs has been read, in bytes.
///
/// Its text is Dagster's, `stdout:stderr`. Each side continues where its last reading stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ComputeLogCursor {
    /// How much of the standard output.
    pub stdout: u64,
    /// How much of the standard error.
    pub stderr: u64,
}

impl ComputeLogCursor {
    /// The position before everything.
    pub const START: Self = Self { stdout: 0, stderr: 0 };

    /// How much of one of them.
    pub const fn offset(self, io_type: ComputeIoType) -> u64 {
        match io_type {
            ComputeIoType::Stdout => self.stdout,
            ComputeIoType::Stderr => self.stderr,
        }
    }
}

impl fmt::Display for ComputeLogCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.stdout, self.stderr)
    }
}

/// Text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a cursor of captured logs; pass one that a reading came with, such as 12:0"
)]
pub struct ComputeLogCursorError {
    /// The text as given.
    pub text: String,
}

impl FromStr for ComputeLogCursor {
    type Err = ComputeLogCursorError;

    /// Reads the text of a cursor. An empty text is the start, as for Dagster.
    ///
    /// A text without exactly one colon is an error. Dagster begins from the start then, and returns again what its
    /// reader has had.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::START);
        }
        let cursor = text.split_once(':').and_then(|(stdout, stderr)| {
            Some(Self { stdout: stdout.parse().ok()?, stderr: stderr.parse().ok()? })
        });
        cursor.ok_or_else(|| ComputeLogCursorError { text: text.to_owned() })
    }
}

/// A part of both outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapturedLogData {
    /// The bytes of the standard output; `None` if there is none yet.
    pub stdout: Option<Vec<u8>>,
    /// The bytes of the standard error; `None` if there is none yet.
    pub stderr: Option<Vec<u8>>,
    /// Where the next part begins: directly behind these bytes.
    pub cursor: ComputeLogCursor,
}

crate::setters! {
    impl CapturedLogData {
        /// The bytes of the standard output; `None` if there is none yet.
        with_stdout(stdout: impl Into<Option<Vec<u8>>>);
        /// The bytes of the standard error; `None` if there is none yet.
        with_stderr(stderr: impl Into<Option<Vec<u8>>>);
    }
}

impl CapturedLogData {
    /// Nothing of both outputs; the next part begins at the cursor.
    pub const fn new(cursor: ComputeLogCursor) -> Self {
        Self { stdout: None, stderr: None, cursor }
    }

    /// Leaves out an incomplete character of UTF-8 at the end, and takes the cursor back to it, so that the next
    /// part begins with a whole character. This is for whoever turns each part into text on its own.
    ///
    /// Do not use it on the last part of a capture: the rest of the character never comes. Every character fits
    /// into a part of four bytes or more. Bytes that are not UTF-8 stay as they are.
    #[must_use]
    pub fn without_cut_characters(mut self) -> Self {
        for (bytes, offset) in [
            (&mut self.stdout, &mut self.cursor.stdout),
            (&mut self.stderr, &mut self.cursor.stderr),
        ] {
            if let Some(bytes) = bytes {
                let cut = cut_character(bytes);
                bytes.truncate(bytes.len() - cut);
                *offset = offset.saturating_sub(cut as u64);
            }
        }
        self
    }
}

/// How many bytes at the end begin a character and do not end it.
fn cut_character(bytes: &[u8]) -> usize {
    let longest_cut = 3;
    let tail = bytes.get(bytes.len().saturating_sub(longest_cut)..).unwrap_or_default();
    // The first byte of a character that is not ASCII has two leading ones, those behind it have one.
    let begins_character = |byte: &u8| *byte >= 0b1100_0000;
    let Some(start) = tail.iter().rposition(begins_character) else {
        return 0;
    };
    let last = tail.get(start..).unwrap_or_default();
    match std::str::from_utf8(last) {
        Err(error) if error.valid_up_to() == 0 && error.error_len().is_none() => last.len(),
        _ => 0,
    }
}

/// A part of both outputs of a capture that may go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolledLogs {
    /// What there is behind the cursor, up to the limit.
    pub data: CapturedLogData,
    /// Whether the capture is complete and nothing comes after this part.
    pub is_finished: bool,
}

/// Where captured outputs are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapturedLogMetadata {
    /// Where the standard output is, to be shown: a path, for one.
    pub stdout_location: Option<String>,
    /// Where the standard error is, to be shown.
    pub stderr_location: Option<String>,
    /// From where the standard output can be downloaded; a path is one of Dagster's web server.
    pub stdout_download_url: Option<String>,
    /// From where the standard error can be downloaded.
    pub stderr_download_url: Option<String>,
}

impl CapturedLogMetadata {
    /// Outputs of which nobody can be told where they are.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl CapturedLogMetadata {
        /// Where the standard output is, to be shown: a path, for one.
        with_stdout_location(stdout_location: impl Into<Option<String>>);
        /// Where the standard error is, to be shown.
        with_stderr_location(stderr_location: impl Into<Option<String>>);
        /// From where the standard output can be downloaded; a path is one of Dagster's web server.
        with_stdout_download_url(stdout_download_url: impl Into<Option<String>>);
        /// From where the standard error can be downloaded.
        with_stderr_download_url(stderr_download_url: impl Into<Option<String>>);
    }
}

/// Where a capture can be seen outside of the instance, for the event that reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapturedLogContext {
    /// The address of the standard output; `None` if Dagster's UI shows it itself.
    pub external_stdout_url: Option<String>,
    /// The address of the standard error; `None` if Dagster's UI shows it itself.
    pub external_stderr_url: Option<String>,
}

impl CapturedLogContext {
    /// A capture that Dagster's UI shows itself.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl CapturedLogContext {
        /// The address of the standard output; `None` if Dagster's UI shows it itself.
        with_external_stdout_url(external_stdout_url: impl Into<Option<String>>);
        /// The address of the standard error; `None` if Dagster's UI shows it itself.
        with_external_stderr_url(external_stderr_url: impl Into<Option<String>>);
    }
}

/// The store of what processes print.
///
/// A key names two outputs and a mark. The outputs begin empty and only grow. The mark says that they are complete.
/// A capture that does not end in order, because its process is killed or its disk is full, never gets its mark.
/// What it wrote stays.
///
/// What does not exist reads as nothing, and deleting it is no error. A key that the store cannot hold, or that
/// leads to something that is not the store's own, is [`StorageError::Unsupported`] in every method. Other failures
/// are [`StorageError::Io`] with the place.
#[async_trait]
pub trait ComputeLogManager: fmt::Debug + Send + Sync + 'static {
    /// Begins to capture the output of a process. When it returns, both outputs exist; they are empty if nothing
    /// was there. A second capture of a key adds to the first, and removes its mark, since more is to come.
    async fn capture_logs(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError>;

    /// Whether the capture has ended, so that nothing will be added. `false` if there was none.
    ///
    /// A reader that wants everything asks this first and then reads, as
    /// [`poll_log_data`](ComputeLogManagerExt::poll_log_data) does. In the other order it would miss what was added
    /// between the reading and the mark.
    async fn is_capture_complete(&self, log_key: &ComputeLogKey) -> Result<bool, StorageError>;

    /// At most `max_bytes` bytes of an output, from an offset on, cut at any byte. There are fewer only at the end
    /// of the output, and none after it. `None` if the output does not exist. The next part begins at `offset` plus
    /// the length of this one.
    async fn get_log_data_for_type(
        &self,
        log_key: &ComputeLogKey,
        io_type: ComputeIoType,
        offset: u64,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, StorageError>;

    /// Where the outputs of a key are, or would be if they existed.
    async fn get_log_metadata(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<CapturedLogMetadata, StorageError>;

    /// The keys directly below a prefix that have an output of this kind, in the order of their names. Deeper keys
    /// are not among them.
    async fn get_log_keys_for_log_key_prefix(
        &self,
        prefix: &ComputeLogPrefix,
        io_type: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError>;

    /// Deletes captured outputs for good. It is not atomic: if it fails, some of them may be gone, and the same
    /// call again deletes the rest. It does not stop a capture that is going on; what that writes afterwards is
    /// lost.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] for an empty prefix, which would be everything.
    async fn delete_logs(&self, logs: LogsToDelete<'_>) -> Result<(), StorageError>;
}

/// What is made of a [`ComputeLogManager`]'s own methods.
#[async_trait]
pub trait ComputeLogManagerExt: ComputeLogManager {
    /// The bytes of both outputs behind a cursor, at most `max_bytes` of each.
    async fn get_log_data(
        &self,
        log_key: &ComputeLogKey,
        cursor: ComputeLogCursor,
        max_bytes: usize,
    ) -> Result<CapturedLogData, StorageError> {
        let read = async |io_type: ComputeIoType| {
            self.get_log_data_for_type(log_key, io_type, cursor.offset(io_type), max_bytes).await
        };
        let (stdout, stderr) =
            (read(ComputeIoType::Stdout).await?, read(ComputeIoType::Stderr).await?);
        let behind = |offset: u64, bytes: &Option<Vec<u8>>| {
            offset.saturating_add(bytes.as_ref().map_or(0, Vec::len) as u64)
        };
        let cursor = ComputeLogCursor {
            stdout: behind(cursor.stdout, &stdout),
            stderr: behind(cursor.stderr, &stderr),
        };
        Ok(CapturedLogData { stdout, stderr, cursor })
    }

    /// One step of following a capture: the next part after the cursor, and whether it was the last one.
    ///
    /// Call it again and again with the cursor of the part before, and it returns every byte once. While there is
    /// nothing new, a part is empty: wait before the next call then. A capture that did not end in order never
    /// finishes, so whoever follows one also asks whether its run goes on.
    ///
    /// `max_bytes` holds for each output, and is one at least.
    async fn poll_log_data(
        &self,
        log_key: &ComputeLogKey,
        cursor: ComputeLogCursor,
        max_bytes: usize,
    ) -> Result<PolledLogs, StorageError> {
        let max_bytes = max_bytes.max(1);
        // Asked before reading: what is added between the two would be lost otherwise.
        let is_complete = self.is_capture_complete(log_key).await?;
        let data = self.get_log_data(log_key, cursor, max_bytes).await?;
        let at_end = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len) < max_bytes;
        let is_finished = is_complete && at_end(&data.stdout) && at_end(&data.stderr);
        Ok(PolledLogs { data, is_finished })
    }
}

impl<M: ComputeLogManager + ?Sized> ComputeLogManagerExt for M {}

/// A capture in progress. If it is dropped without an end, what was written stays, and the mark is missing. The
/// same happens if its process dies.
#[async_trait]
pub trait ComputeLogCapture: Send + Sync + 'static {
    /// Where the capture can be seen outside of the instance. Nowhere, unless a store says something else.
    fn context(&self) -> CapturedLogContext {
        CapturedLogContext::new()
    }

    /// Appends bytes to an output. Readers see them when the call has returned. If the call fails or is dropped,
    /// some of the bytes may have been added.
    async fn write(&self, io_type: ComputeIoType, bytes: &[u8]) -> Result<(), StorageError>;

    /// Marks the capture as complete. If it fails there is no mark.
    async fn complete(self: Box<Self>) -> Result<(), StorageError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_those_of_dagster() {
        let cursor = ComputeLogCursor { stdout: 12, stderr: 3_000_000_000 };
        assert_eq!(cursor.to_string(), "12:3000000000");
        assert_eq!("12:3000000000".parse(), Ok(cursor));
        assert_eq!("".parse(), Ok(ComputeLogCursor::START));
        assert_eq!(ComputeLogCursor::START.to_string(), "0:0");
        for text in
            [":", "1", "1:", ":1", "1:2:3", "-1:0", "a:b", "1 : 2", "99999999999999999999:0"]
        {
            let error = text.parse::<ComputeLogCursor>().expect_err(text);
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn a_cut_character_is_left_to_the_next_part() {
        let check = |bytes: &[u8], cut: usize| {
            assert_eq!(cut_character(bytes), cut, "{bytes:?}");
        };
        check(b"", 0);
        check(b"abc", 0);
        check("wörld".as_bytes(), 0);
        for (text, lengths) in [("ö", 1..2), ("€", 1..3), ("🦀", 1..4)] {
            check(text.as_bytes(), 0);
            for length in lengths {
                let whole = format!("ö{text}");
                check(&whole.as_bytes()[..2 + length], length);
                check(&text.as_bytes()[..length], length);
            }
        }
        // What is no beginning of a character is not one that was cut.
        check(b"\xff", 0);
        check(b"\xf0\x9f\xff", 0);
        check(b"\x80\x80\x80", 0);
        check(b"\xc3(", 0);
        check(b"\xe2\x82\xac\x82", 0);
        check(b"\xed\xa0", 0);
    }

    #[test]
    fn the_cursor_goes_back_to_what_was_cut() {
        let data = CapturedLogData {
            stdout: Some(b"ab\xe2\x82".to_vec()),
            stderr: None,
            cursor: ComputeLogCursor { stdout: 104, stderr: 7 },
        };
        let whole = data.without_cut_characters();
        assert_eq!(whole.stdout.as_deref(), Some(&b"ab"[..]));
        assert_eq!(whole.cursor, ComputeLogCursor { stdout: 102, stderr: 7 });
    }
}
