//! Dagster Pipes: what a command is told of its run, and what it says of what it does.
//!
//! Two variables say where the context is and where messages go. Each message is stored as it comes.

mod bootstrap;
mod context;
mod events;
mod fields;
mod handler;
mod lines;
mod messages;
mod metadata;
mod splitter;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use instance_core::asset_key::AssetKey;
use instance_core::error::StorageError;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::serdes::Opaque;
use instance_core::storage::ComputeLogCapture;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use super::execution::Failure;
use super::output::OutputSink;
use super::worker::Worker;

pub(super) use bootstrap::{CONTEXT_VARIABLE, MESSAGES_VARIABLE};
pub(super) use splitter::Splitter;

use bootstrap::encode_param;
use handler::Handler;
use lines::FileLines;

/// How often it is looked whether there are new messages in a file.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How many messages of an output may wait until they are stored. Then the command waits.
const WAITING_MESSAGES: usize = 500;

/// How many events are stored together at most.
const BATCH: usize = 500;

/// How a command gets its context, and how its messages come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PipesTransport {
    /// By files in a temporary directory that only this user can read.
    #[default]
    Files,
    /// The context within the environment, and messages on standard error, for commands that do not see files of this
    /// process. Lines that are messages are not part of the captured output.
    Environment,
}

type Receive = dyn Fn(&RunId, &Opaque) + Send + Sync;

/// A function that gets each custom message of a command, with the run.
#[derive(Clone)]
pub struct CustomMessageSink(Arc<Receive>);

impl CustomMessageSink {
    /// Makes a sink of a function, which is called with the payload of each message. It should return quickly.
    pub fn new(receive: impl Fn(&RunId, &Opaque) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }
}

impl std::fmt::Debug for CustomMessageSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomMessageSink")
    }
}

/// What commands get by Pipes.
#[derive(Debug, Clone, Default)]
pub(super) struct PipesOptions {
    pub(super) transport: PipesTransport,
    pub(super) extras: BTreeMap<String, Value>,
    pub(super) custom_messages: Option<CustomMessageSink>,
}

/// The values of the two variables.
#[derive(Debug)]
pub(super) struct Variables {
    pub(super) context: String,
    pub(super) messages: String,
}

/// What [`Pipes::open`] opens.
#[derive(Debug, Default)]
pub(super) struct OpenedPipes {
    pub(super) pipes: Option<Pipes>,
    pub(super) variables: Option<Variables>,
    /// It takes messages out of standard error, if that is where they go.
    pub(super) splitter: Option<Splitter>,
}

/// Where messages come from.
#[derive(Debug)]
enum Source {
    File(FileLines),
    Output(mpsc::Receiver<Vec<u8>>),
}

/// Pipes of one command.
#[derive(Debug)]
pub(super) struct Pipes {
    source: Source,
    /// It is removed with this.
    _directory: Option<TempDir>,
}

/// What the messages of a command have told, beside the events that are stored.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The assets that the command has materialised by its own words.
    pub(super) materialized: BTreeSet<AssetKey>,
    /// The error by which it has closed.
    pub(super) exception: Option<Box<SerializableErrorInfo>>,
    pub(super) failure: Failure,
}

impl Pipes {
    /// Opens Pipes for a command that materialises these assets.
    pub(super) fn open(
        options: &PipesOptions,
        run: &DagsterRun,
        assets: &[AssetKey],
    ) -> Result<OpenedPipes, StorageError> {
        let context = context::context(run, assets, &options.extras);
        let opened = match options.transport {
            PipesTransport::Files => Self::by_files(&context),
            PipesTransport::Environment => Self::by_environment(&context),
        };
        opened.map_err(|source| StorageError::Io {
            action: "create",
            path: "a temporary directory for Dagster Pipes".to_owned(),
            source,
        })
    }

    fn by_files(context: &Value) -> std::io::Result<OpenedPipes> {
        let directory = tempfile::Builder::new().prefix("dagster-pipes-").tempdir()?;
        let path = |name| directory.path().join(name);
        std::fs::write(path("context"), context.to_string())?;
        File::create_new(path("messages"))?;
        let messages = File::open(path("messages"))?;
        let variables = Variables {
            context: encode_param(&json!({ "path": path("context") }))?,
            messages: encode_param(
                &json!({ "path": path("messages"), "include_stdio_in_messages": false }),
            )?,
        };
        let source = Source::File(FileLines::new(messages));
        let pipes = Some(Self { source, _directory: Some(directory) });
        Ok(OpenedPipes { pipes, variables: Some(variables), splitter: None })
    }

    fn by_environment(context: &Value) -> std::io::Result<OpenedPipes> {
        let (sender, receiver) = mpsc::channel(WAITING_MESSAGES);
        let variables = Variables {
            context: encode_param(&json!({ "data": context }))?,
            messages: encode_param(&json!({ "stdio": "stderr" }))?,
        };
        Ok(OpenedPipes {
            pipes: Some(Self { source: Source::Output(receiver), _directory: None }),
            variables: Some(variables),
            splitter: Some(Splitter::new(sender)),
        })
    }

    /// Stores messages as they come, until the output of the command is over.
    pub(super) async fn follow(
        self,
        worker: &Worker,
        log: &dyn ComputeLogCapture,
        output: Option<&OutputSink>,
        over: watch::Receiver<bool>,
    ) -> Told {
        let mut handler = Handler::new(worker, log, output);
        match self.source {
            Source::File(lines) => follow_file(lines, &mut handler, over).await,
            Source::Output(messages) => follow_output(messages, &mut handler).await,
        }
        handler.end().await
    }
}

async fn follow_file(
    mut lines: FileLines,
    handler: &mut Handler<'_>,
    mut over: watch::Receiver<bool>,
) {
    loop {
        // If it is over before the file is read, nothing can be missed.
        let is_over = *over.borrow();
        loop {
            match lines.next_line(is_over) {
                Ok(Some(line)) if handler.handle(&line).await => {}
                Ok(None) => break,
                Ok(Some(_)) => return,
                Err(error) => return handler.give_up(&error.to_string()),
            }
        }
        handler.flush().await;
        if is_over {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            // An error means that nobody can say any more that it is over.
            changed = over.changed() => if changed.is_err() {
                over = watch::channel(true).1;
            }
        }
    }
}

async fn follow_output(mut messages: mpsc::Receiver<Vec<u8>>, handler: &mut Handler<'_>) {
    let mut lines = Vec::new();
    while messages.recv_many(&mut lines, BATCH).await > 0 {
        for line in lines.drain(..) {
            if !handler.handle(&line).await {
                return;
            }
        }
        handler.flush().await;
    }
}
