//! The queue of lines that wait for being stored. The layer, the task that stores and the handle share it.
//!
//! Nothing here waits for a storage, and the lock is held only while lines are moved. So adding a line is always
//! quick.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use instance_core::error::InstanceError;
use instance_core::event::LogLevel;
use instance_core::ids::RunId;
use tokio::sync::Notify;

use super::line::Line;
use super::span::RunContext;

/// Lines in the order in which they were logged.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    capacity: usize,
    batch_lines: usize,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Line>,
    /// Lines that found no place, by run. Each batch that is taken turns them into one notice for each run.
    left_out: BTreeMap<RunId, LeftOut>,
    /// How many lines were ever put into the queue.
    added: u64,
    /// How many of them must be stored now, because somebody waits for them.
    wanted: u64,
    closed: bool,
    error: Option<InstanceError>,
}

/// Lines of one run that found no place.
#[derive(Debug)]
struct LeftOut {
    job_name: String,
    lines: u64,
    last_timestamp: f64,
}

/// What the task that stores does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Store these lines: one or more.
    Store(Vec<Line>),
    /// Wait for further lines: there are some, and they are not due yet.
    WaitForMore,
    /// Wait for any line: there are none.
    WaitForAny,
    /// End: there are no lines, and there will be none.
    End,
}

impl Queue {
    pub(super) fn new(capacity: usize, batch_lines: usize) -> Self {
        let capacity = capacity.max(1);
        // A full queue is always a full batch.
        let batch_lines = batch_lines.clamp(1, capacity);
        Self { state: Mutex::default(), changed: Notify::new(), capacity, batch_lines }
    }

    /// Adds a line, or counts it if there is no place. A closed queue takes nothing.
    pub(super) fn add(&self, line: Line) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        if state.lines.len() >= self.capacity {
            state.leave_out(&line);
            return;
        }
        state.add(line);
        let waiting = state.lines.len();
        drop(state);
        if waiting == 1 || waiting == self.batch_lines {
            self.changed.notify_one();
        }
    }

    /// Returns what the task that stores does next. `overdue` says that the lines have waited long enough.
    pub(super) fn next(&self, overdue: bool) -> Next {
        let mut state = self.lock();
        let waiting = state.lines.len();
        if waiting == 0 {
            return if state.closed { Next::End } else { Next::WaitForAny };
        }
        let due =
            overdue || state.closed || waiting >= self.batch_lines || state.wanted > state.taken();
        if !due {
            return Next::WaitForMore;
        }
        let batch = state.lines.drain(..waiting.min(self.batch_lines)).collect();
        state.add_notices();
        Next::Store(batch)
    }

    /// Waits until [`next`](Self::next) may have another answer.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Makes all lines due that are in the queue. Returns how many lines of all that were ever added are stored or lost
    /// when that is done.
    pub(super) fn want_all(&self) -> u64 {
        let mut state = self.lock();
        // Lines that were left out become one notice for each run, before anything else is added.
        let notices = u64::try_from(state.left_out.len()).unwrap_or(u64::MAX);
        let wanted = state.added.saturating_add(notices);
        state.wanted = wanted;
        drop(state);
        self.changed.notify_one();
        wanted
    }

    /// Closes the queue: it takes no further lines, and all that it has are due.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Keeps an error for [`take_error`](Self::take_error), unless one is kept already.
    pub(super) fn keep_error(&self, error: InstanceError) {
        self.lock().error.get_or_insert(error);
    }

    /// Takes out the first error that was kept since the last call.
    pub(super) fn take_error(&self) -> Option<InstanceError> {
        self.lock().error.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, line: Line) {
        self.lines.push_back(line);
        self.added = self.added.saturating_add(1);
    }

    fn taken(&self) -> u64 {
        self.added.saturating_sub(u64::try_from(self.lines.len()).unwrap_or(u64::MAX))
    }

    fn leave_out(&mut self, line: &Line) {
        let timestamp = line.timestamp;
        if let Some(left_out) = self.left_out.get_mut(&line.run.run_id) {
            left_out.lines += 1;
            left_out.last_timestamp = timestamp;
        } else {
            let job_name = line.run.job_name.clone();
            let left_out = LeftOut { job_name, lines: 1, last_timestamp: timestamp };
            self.left_out.insert(line.run.run_id.clone(), left_out);
        }
    }

    /// Adds a notice for each run that says how many lines are missing in this place. Notices are added even if the
    /// queue is full, because nothing else says that lines are missing.
    fn add_notices(&mut self) {
        for (run_id, left_out) in std::mem::take(&mut self.left_out) {
            let LeftOut { job_name, lines, last_timestamp } = left_out;
            let message =
                format!("Lines left out here, as they came faster than they were stored: {lines}");
            self.add(Line {
                run: Arc::new(RunContext { run_id, job_name, step_key: None }),
                level: LogLevel::WARNING,
                message,
                timestamp: last_timestamp,
            });
        }
    }
}
