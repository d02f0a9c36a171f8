//! Capturing the output of a command: into the store of captured output, for a sink, and its end for the report of a
//! failure.

use std::collections::VecDeque;
use std::sync::Arc;

use instance_core::error::StorageError;
use instance_core::storage::{ComputeIoType, ComputeLogCapture};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::pipes::Splitter;

/// How many bytes one read takes at most.
const CHUNK_BYTES: usize = 64 * 1024;

/// How many bytes at the end of an output are kept for the report of a failure.
const TAIL_BYTES: usize = 2 * 1024;

type Receive = dyn Fn(ComputeIoType, &[u8]) + Send + Sync;

/// A function that gets everything that commands print, as soon as they print it.
#[derive(Clone)]
pub struct OutputSink(Arc<Receive>);

impl OutputSink {
    /// Makes a sink of a function, which is called with each piece of output. A piece may end anywhere within a line.
    ///
    /// The function should return quickly: the command waits for it when it prints much.
    pub fn new(receive: impl Fn(ComputeIoType, &[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }
}

impl OutputSink {
    pub(super) fn send(&self, io_type: ComputeIoType, bytes: &[u8]) {
        (self.0)(io_type, bytes);
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

    /// The end of the output as text. Bytes that are not UTF-8, such as a part of a character, are replaced.
    pub(super) fn text(&self) -> String {
        let (front, back) = self.0.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).into_owned()
    }
}

/// Captures an output until its end; `None` is an output without anything in it. Output that cannot be stored is still
/// passed to the sink, and the first error is returned at the end.
pub(super) async fn capture(
    output: Option<impl AsyncRead + Unpin>,
    io_type: ComputeIoType,
    log: &dyn ComputeLogCapture,
    sink: Option<&OutputSink>,
    mut tail: Option<&mut Tail>,
    mut splitter: Option<Splitter>,
) -> Result<(), StorageError> {
    let Some(mut output) = output else {
        return Ok(());
    };
    let mut stored = Ok(());
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut is_over = false;
    while !is_over {
        let bytes = match output.read(&mut buffer).await {
            Ok(read) => {
                is_over = read == 0;
                buffer.get(..read).unwrap_or_default()
            }
            Err(source) => {
                let path = format!("the command's {}", io_type.extension());
                return stored.and(Err(StorageError::Io { action: "read", path, source }));
            }
        };
        let without_messages;
        let bytes = match splitter.as_mut() {
            Some(splitter) => {
                without_messages =
                    if is_over { splitter.finish().await } else { splitter.split(bytes).await };
                &without_messages[..]
            }
            None => bytes,
        };
        if bytes.is_empty() {
            continue;
        }
        if let Some(tail) = tail.as_mut() {
            tail.push(bytes);
        }
        if let Some(sink) = sink {
            sink.send(io_type, bytes);
        }
        if stored.is_ok() {
            stored = log.write(io_type, bytes).await;
        }
    }
    stored
}
