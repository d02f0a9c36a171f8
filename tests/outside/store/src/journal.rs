//! The file, and the state in memory that follows from it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use instance_core::StorageError;
use instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_core::memory::MemoryStores;
use instance_core::storage::Stores;

use crate::call::Call;
use crate::stores::{Events, RunEvents, Runs, Schedules, repeat};

/// The call that begins a journal: its argument is the id of the store.
const CREATED: &str = "created";

/// A journal, and the state that follows from it. One process has it open at a time.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Held from the line to the end of the change, so that the changes are done in the order of their lines.
    file: tokio::sync::Mutex<File>,
    state: Stores,
    clock: Arc<TimeOfCall>,
    id: String,
}

impl Journal {
    /// Opens the journal at a path, or begins one.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written, or a line of it is none of ours. A last line that was not written to its
    /// end is cut off: its caller was never told that the change is stored.
    pub async fn open(path: &Path) -> Result<Arc<Self>, StorageError> {
        let failed = |action| move |source| io_error(action, path, source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed("open"))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed("read"))?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed("cut"))?;
        file.seek(SeekFrom::End(0)).map_err(failed("read"))?;

        let mut lines = text[..whole].lines();
        let created = match lines.next() {
            Some(line) => Call::of_line(line)?,
            None => {
                let arguments = vec![RandomIds.uuid().to_string()];
                let created = Call { name: CREATED.to_owned(), at: SystemClock.now(), arguments };
                append(&mut file, &created).map_err(failed("write"))?;
                created
            }
        };
        let clock = Arc::new(TimeOfCall(Mutex::new(created.at)));
        let state = MemoryStores::new(clock.clone(), &RandomIds).stores();
        for line in lines {
            let call = Call::of_line(line)?;
            clock.set(call.at);
            repeat(&state, &call).await?;
        }
        let id = created.next::<&str>(&mut created.arguments.iter())?;
        let file = tokio::sync::Mutex::new(file);
        Ok(Arc::new(Self { path: path.to_owned(), file, state, clock, id }))
    }

    /// The stores, as an instance is built on them.
    pub fn stores(self: &Arc<Self>) -> Stores {
        let [runs, events, schedules, both] = [(); 4].map(|()| Arc::clone(self));
        Stores::new(
            Arc::new(Runs(runs)),
            Arc::new(Events(events)),
            Arc::new(Schedules(schedules)),
            Arc::new(SystemClock),
        )
        .with_run_event_store(Arc::new(RunEvents(both)))
    }

    /// The id that the journal was given when it was begun.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What is asked, and not changed.
    pub(crate) const fn state(&self) -> &Stores {
        &self.state
    }

    /// Writes a change down, and then does it. What the state refuses stays in the journal, and is refused again
    /// whenever the journal is opened.
    pub(crate) async fn write<T>(
        &self,
        name: &str,
        arguments: Vec<String>,
        change: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        let mut file = self.file.lock().await;
        let call = Call { name: name.to_owned(), at: SystemClock.now(), arguments };
        append(&mut file, &call).map_err(|source| io_error("write", &self.path, source))?;
        self.clock.set(call.at);
        change.await
    }
}

/// Adds a line, the whole of it or, as far as the disk lets us, none.
fn append(file: &mut File, call: &Call) -> std::io::Result<()> {
    let before = file.stream_position()?;
    let written = file.write_all(format!("{}\n", call.to_line()).as_bytes());
    if written.is_err() {
        file.set_len(before)?;
        file.seek(SeekFrom::Start(before))?;
    }
    written
}

fn io_error(action: &'static str, path: &Path, source: std::io::Error) -> StorageError {
    StorageError::Io { action, path: path.display().to_string(), source }
}

/// The time at which the change was called for that is being done, then as now.
#[derive(Debug)]
struct TimeOfCall(Mutex<DateTime<Utc>>);

impl TimeOfCall {
    fn set(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

impl Clock for TimeOfCall {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
