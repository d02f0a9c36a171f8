//! Claims that are left: runs that a daemon took from the queue, and of which nobody knows what became of their launch.
//!
//! Each is found by its note. It is launched, queued again, or has failed with a reason; and no run is launched twice.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::event::{DagsterEvent, DagsterEventType, ReportEngineEvent, ReportEvent};
use instance_core::ids::RunId;
use instance_core::launcher::{LaunchState, LaunchStateContext};
use instance_core::ops::EventReporterExt;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::storage::{GuardedEvents, Note, Only, RecordsForRun};
use tokio::time::Instant;

use super::claim_note::{self, ClaimNote};
use super::dequeue::DequeueOptions;
use super::launch::{RECOVERED, Taker};
use crate::coordinator::enqueued;
use crate::health::debug_info;
use crate::report::{start_timed_out, start_timeout_message};

/// How long a launcher may take to say what became of a launch.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The notes that are left, as this process has seen them.
#[derive(Debug, Default)]
pub(super) struct Claims {
    seen: HashMap<String, Seen>,
    looked: Option<Instant>,
}

/// A note that is left.
#[derive(Debug)]
struct Seen {
    note: String,
    /// When this process saw it first. No clock of another host plays a part.
    since: Instant,
    /// Who said first that the run was not launched, and when.
    first_answer: Option<(Option<String>, Instant)>,
}

impl Claims {
    /// Looks after what is left, if it is time. `in_flight` are the runs that this process launches now.
    pub(super) async fn recover(
        &mut self,
        taker: &Taker,
        options: &DequeueOptions,
        in_flight: &BTreeSet<RunId>,
    ) -> Result<(), InstanceError> {
        let now = Instant::now();
        let every = if self.seen.is_empty() {
            options.look_for_claims_every
        } else {
            options.look_for_claims_every.min(options.second_answer_after)
        };
        if self.looked.is_some_and(|looked| now - looked < every) {
            return Ok(());
        }
        self.looked = Some(now);
        let store = taker.ops.daemon_store();
        let notes = store.get_cursor_values_beginning(claim_note::PREFIX).await?;
        self.seen.retain(|key, seen| notes.get(key) == Some(&seen.note));
        let mut outcome = Ok(());
        for (key, text) in notes {
            let Some(run_id) = claim_note::run_of(&key) else { continue };
            let note = ClaimNote::parse(&text);
            let is_own = note.as_ref().is_some_and(|note| note.by == taker.by);
            if is_own && in_flight.contains(&run_id) {
                continue;
            }
            let seen = self.seen.entry(key.clone()).or_insert_with(|| Seen {
                note: text.clone(),
                since: now,
                first_answer: None,
            });
            let left = Left { taker, options, run_id: &run_id, key: &key, text: &text, note };
            match left.look_after(seen).await {
                Ok(true) => {
                    self.seen.remove(&key);
                }
                Ok(false) => {}
                // The others are looked after all the same.
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }
}

/// One claim that is left.
struct Left<'a> {
    taker: &'a Taker,
    options: &'a DequeueOptions,
    run_id: &'a RunId,
    key: &'a str,
    text: &'a str,
    /// `None` if what is stored is no note.
    note: Option<ClaimNote>,
}

impl Left<'_> {
    /// Whether it is settled.
    async fn look_after(&self, seen: &mut Seen) -> Result<bool, InstanceError> {
        let ops = &self.taker.ops;
        let record = ops.run_store().get_run_record(self.run_id).await?;
        let Some(run) = record.map(|record| record.dagster_run) else {
            self.taker.forget(self.key, self.text).await;
            return Ok(true);
        };
        if run.status != DagsterRunStatus::Starting {
            self.taker.forget(self.key, self.text).await;
            return Ok(true);
        }
        if self.is_silent(seen) {
            self.complete_claim(&run).await?;
        }
        let context = LaunchStateContext::new(run.clone(), Arc::clone(ops));
        let asked = ops.run_launcher().launch_state(context);
        let run_id = self.run_id;
        match tokio::time::timeout(ANSWER_WITHIN, asked).await {
            Ok(Ok(LaunchState::Launched)) => {
                tracing::info!(%run_id, "a run that somebody else took from the queue was launched");
                self.taker.forget(self.key, self.text).await;
                Ok(true)
            }
            Ok(Ok(LaunchState::NotLaunched { answered_by })) => {
                if self.is_believed(seen, answered_by) {
                    return self.put_back(&run).await;
                }
                Ok(false)
            }
            Ok(Ok(_)) => self.fail_if_late(&run).await,
            Ok(Err(error)) => {
                tracing::warn!(%run_id, %error, "what became of a launch cannot be found out");
                self.fail_if_late(&run).await
            }
            Err(_) => {
                tracing::warn!(%run_id, "the launcher does not say what became of a launch");
                self.fail_if_late(&run).await
            }
        }
    }

    /// Whether the process that took the run stores nothing more of it: it is gone, or should have given up long ago, or is this
    /// one. One that lives, and was only stopped for a while, stores the event of its claim itself.
    fn is_silent(&self, seen: &Seen) -> bool {
        let is_own = self.note.as_ref().is_none_or(|note| note.by == self.taker.by);
        is_own || self.is_gone() || Instant::now() - seen.since >= self.options.recover_after
    }

    fn is_gone(&self) -> bool {
        self.note.as_ref().is_some_and(ClaimNote::is_gone)
    }

    /// Stores the event of the claim, if the process that took the run was killed before it had.
    async fn complete_claim(&self, run: &DagsterRun) -> Result<(), InstanceError> {
        let at = self.note.as_ref().map_or(0.0, |note| note.at);
        let query = RecordsForRun::new(self.run_id.clone())
            .with_of_types(Only::one(DagsterEventType::RunStarting));
        let found = self.taker.ops.event_store().get_records_for_run(&query).await?;
        let is_of_claim =
            found.records.iter().any(|record| record.event_log_entry.timestamp >= at - 1.0);
        if is_of_claim {
            return Ok(());
        }
        let starting = DagsterEvent::new(DagsterEventType::RunStarting, &run.job_name);
        self.change(Vec::new(), vec![ReportEvent::new(starting, self.run_id)]).await.map(drop)
    }

    /// Whether it is certain by now that the run was not launched, and will not be: who took it starts nothing any more,
    /// and what it asked for would have begun.
    fn is_believed(&self, seen: &mut Seen, answered_by: Option<String>) -> bool {
        let now = Instant::now();
        let since = match &seen.first_answer {
            Some((by, since)) if *by == answered_by => *since,
            _ => {
                seen.first_answer = Some((answered_by, now));
                now
            }
        };
        let wait = if self.is_gone() {
            self.options.recover_gone_after
        } else {
            self.options.recover_after
        };
        now - seen.since >= wait && now - since >= self.options.second_answer_after
    }

    async fn put_back(&self, run: &DagsterRun) -> Result<bool, InstanceError> {
        let told = ReportEngineEvent::new(run, RECOVERED).into_report()?;
        let again = ReportEvent::new(enqueued(run), self.run_id);
        let notes = vec![Note::Delete { key: self.key.to_owned() }];
        let is_stored = self.change(notes, vec![told, again]).await?;
        if is_stored {
            tracing::warn!(run_id = %self.run_id, "a run that was taken from the queue and not launched is queued again");
        }
        Ok(is_stored)
    }

    /// Fails a run of which nobody can tell whether it was launched, once its time to start is over. Dagster's monitoring
    /// does so, in the same words; here it is done without monitoring, too, as the run would go on for ever.
    async fn fail_if_late(&self, run: &DagsterRun) -> Result<bool, InstanceError> {
        let ops = &self.taker.ops;
        let seconds = ops.settings().run_monitoring.start_timeout_seconds;
        let at = self.note.as_ref().map_or(0.0, |note| note.at);
        #[expect(clippy::cast_precision_loss, reason = "it is some minutes")]
        let is_late = timestamp_of(ops.clock().now()) - at >= seconds as f64;
        // A time-out of 0 is none.
        if seconds <= 0 || !is_late {
            return Ok(false);
        }
        self.complete_claim(run).await?;
        let mut message = start_timeout_message(seconds);
        let info = debug_info(&**ops, run, true).await;
        message.extend(info.map(|info| format!("\n{info}")));
        let failed = start_timed_out(run, message);
        let notes = vec![Note::Delete { key: self.key.to_owned() }];
        self.change(notes, vec![failed]).await
    }

    /// Stores events if the run is `STARTING` still, and this process leads the queue; whether they are stored.
    async fn change(
        &self,
        notes: Vec<Note>,
        reports: Vec<ReportEvent>,
    ) -> Result<bool, InstanceError> {
        let from = [DagsterRunStatus::Starting];
        let change = GuardedEvents::new(self.run_id.clone(), from, Vec::new())
            .with_fence(self.taker.fence.clone())
            .with_notes(notes);
        Ok(self.taker.ops.report_events_if(change, reports).await?.is_stored())
    }
}
