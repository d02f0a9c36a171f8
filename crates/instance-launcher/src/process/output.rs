//! Capturing what a command prints: into its logs, to whoever listens, and the last of it for the
//! report of a failure.

use std::collections::VecDeque;
use std::sync::Arc;

use instance_core::error::StorageError;
use instance_core::storage::{ComputeIoType, ComputeLogCapture};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much one read takes at most.
const CHUNK_BYTES: usize = 64 * 1024;

/// How much of the end of an output is kept for the report of a failure.
const TAIL_BYTES: usize = 2 * 1024;

type Receive = dyn Fn(ComputeIoType, &[u8]) + Send + Sync;

/// Receives everything that commands print, as it comes.
#[derive(Clone)]
pub struct OutputSink(Arc<Receive>);

impl OutputSink {
    /// A sink that calls a function for each piece; a piece may end anywhere within a line.
    pub fn new(receive: impl Fn(ComputeIoType, &[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }
}

impl std::fmt::Debug for OutputSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OutputSink")
    }
}

/// The end of an output.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
        let surplus = self.0.len().saturating_sub(TAIL_BYTES);
        self.0.drain(..surplus);
    }

    /// The text; what is not UTF-8, such as the rest of a character that was cut, is replaced.
    pub(super) fn text(&self) -> String {
        let (front, back) = self.0.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).into_owned()
    }
}

/// Captures an output until its end; there is nothing to capture without one. What cannot be stored
/// is shown all the same, and the first failure is returned at the end.
pub(super) async fn capture(
    output: Option<impl AsyncRead + Unpin>,
    io_type: ComputeIoType,
    log: &dyn ComputeLogCapture,
    sink: Option<&OutputSink>,
    mut tail: Option<&mut Tail>,
) -> Result<(), StorageError> {
    let Some(mut output) = output else {
        return Ok(());
    };
    let mut stored = Ok(());
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let bytes = match output.read(&mut buffer).await {
            Ok(0) => return stored,
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(source) => {
                let path = format!("the command's {}", io_type.extension());
                return stored.and(Err(StorageError::Io { action: "read", path, source }));
            }
        };
        if let Some(tail) = tail.as_mut() {
            tail.push(bytes);
        }
        if let Some(sink) = sink {
            (sink.0)(io_type, bytes);
        }
        if stored.is_ok() {
            stored = log.write(io_type, bytes).await;
        }
    }
}
