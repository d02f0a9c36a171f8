//! A connection: its requests one after the other, and the events that it watches.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use instance_core::event::{EventLogCursor, EventLogRecord};
use instance_core::ids::RunId;
use instance_core::storage::{EventLogStorage, RecordsForRun};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, oneshot};

use super::envelope::{Request, Wire, answer};
use super::errors::WireError;
use super::handles::{Handle, Handles};
use super::{event_log, runs, schedules};

/// How long a watch waits before it looks again.
const WATCH_INTERVAL: Duration = Duration::from_millis(20);

/// The other side's end, on which answers and pushed events alternate, line by line.
#[derive(Debug, Clone)]
struct Sink(Arc<Mutex<OwnedWriteHalf>>);

impl Sink {
    async fn send(&self, line: &str) -> io::Result<()> {
        self.0.lock().await.write_all(line.as_bytes()).await
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    handles: Arc<Handles>,
    lines: BufReader<OwnedReadHalf>,
    sink: Sink,
    /// By handle and the caller's number of the watch. A watch ends when its entry is dropped.
    watches: HashMap<(Option<i64>, i64), oneshot::Sender<()>>,
}

impl Connection {
    pub(super) fn new(stream: UnixStream, handles: Arc<Handles>) -> Self {
        let (read, write) = stream.into_split();
        let sink = Sink(Arc::new(Mutex::new(write)));
        Self { handles, lines: BufReader::new(read), sink, watches: HashMap::new() }
    }

    /// Answers requests until the other side closes the connection.
    pub(super) async fn serve(mut self) {
        let mut line = String::new();
        // A caller that has gone needs no answer, and a line that is no text is no caller of ours.
        while let Ok(1..) = self.lines.read_line(&mut line).await {
            let answer = self.answer(&line).await;
            if self.sink.send(&answer).await.is_err() {
                return;
            }
            line.clear();
        }
    }

    async fn answer(&mut self, line: &str) -> String {
        match Request::parse(line) {
            Ok(request) => answer(request.id, self.dispatch(&request).await),
            // Nobody knows which request it was.
            Err(error) => answer(0, Err(error)),
        }
    }

    async fn dispatch(&mut self, request: &Request) -> Result<Wire, WireError> {
        if request.method == "open" {
            return Ok(self.handles.add(Handle::open(request).await?).into());
        }
        let handle = self.handles.get(request.handle)?;
        handle.set_time(request);
        match request.method.as_str() {
            // The settings that storages need come with the methods that need them.
            "register_instance" => Ok(Wire::Null),
            "close" => {
                handle.dispose().await;
                Ok(Wire::Null)
            }
            "event_log.watch" => self.watch(&handle, request),
            "event_log.end_watch" => {
                let number = request.argument("watch_id")?.integer()?;
                self.watches.remove(&(request.handle, number));
                Ok(Wire::Null)
            }
            method => match method.split_once('.') {
                Some(("run", name)) => runs::call(&handle, name, request).await,
                Some(("event_log", name)) => event_log::call(&handle, name, request).await,
                Some(("schedule", name)) => schedules::call(&handle, name, request).await,
                _ => Err(unknown_method(request)),
            },
        }
    }

    fn watch(&mut self, handle: &Handle, request: &Request) -> Result<Wire, WireError> {
        let number = request.argument("watch_id")?.integer()?;
        let watch = Watch {
            number,
            run_id: request.argument("run_id")?.text()?.into(),
            cursor: request.argument("cursor")?.event_log_cursor()?,
            storage: handle.event_log_storage(),
            sink: self.sink.clone(),
        };
        let (stop, stopped) = oneshot::channel();
        self.watches.insert((request.handle, number), stop);
        tokio::spawn(watch.run(stopped));
        Ok(Wire::Null)
    }
}

/// The error of a method that nobody knows.
pub(super) fn unknown_method(request: &Request) -> WireError {
    WireError::not_implemented(format!("there is no method {}", request.method))
}

/// The events of a run, pushed as they come.
#[derive(Debug)]
struct Watch {
    number: i64,
    run_id: RunId,
    cursor: Option<EventLogCursor>,
    storage: Arc<dyn EventLogStorage>,
    sink: Sink,
}

impl Watch {
    /// Pushes events until it is stopped, or the other side has gone.
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        while self.push_new().await.is_ok() {
            tokio::select! {
                _ = &mut stopped => return,
                () = tokio::time::sleep(WATCH_INTERVAL) => {}
            }
        }
    }

    async fn push_new(&mut self) -> io::Result<()> {
        let all = RecordsForRun::new(self.run_id.clone());
        let query = all.with_cursor(self.cursor);
        // A log that cannot be read now may be readable when the next look is due.
        let Ok(page) = self.storage.get_records_for_run(&query).await else { return Ok(()) };
        for record in &page.records {
            let cursor = EventLogCursor::StorageId(record.storage_id);
            self.sink.send(&push(self.number, record, cursor).to_line()).await?;
            self.cursor = Some(cursor);
        }
        Ok(())
    }
}

/// A pushed event.
fn push(watch: i64, record: &EventLogRecord, cursor: EventLogCursor) -> Wire {
    Wire::mapping([
        ("watch", watch.into()),
        ("entry", Wire::body(&record.event_log_entry)),
        ("cursor", cursor.to_text().into()),
    ])
}
