//! An instance with a queue, a launcher, and somebody who leads the queue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use instance_core::clock::IdSource as _;
use instance_core::code_location::CodeLocationError;
use instance_core::error::BoxError;
use instance_core::event::DagsterEventType;
use instance_core::ids::RunId;
use instance_core::launcher::{
    LaunchRunContext, LaunchState, LaunchStateContext, RunLauncher, TerminateRunContext,
};
use instance_core::ops::{DaemonStoreAccess as _, EventReporterExt as _};
use instance_core::run::{
    DagsterRun, DagsterRunStatus, RegisteredCodeLocationOrigin, RemoteJobOrigin,
    RemoteRepositoryOrigin,
};
use instance_core::serdes::UnknownFields;
use instance_core::settings::{
    InstanceSettings, QueuedRunCoordinatorSettings, RunCoordinatorSettings,
};
use instance_core::storage::Fence;
use instance_core::testing::instance::{TestInstance, at_once};

use crate::queue::dequeue::{DequeueOptions, Dequeuer, Leadership, LookPlan, QueueLook};
use crate::queue::{claim_note, pauses};

/// The key and the value of the fence.
pub(super) const FENCE: (&str, &str) = ("dagster_instance/lease/TEST", "me");

/// What the launcher is told to do with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The launch fails.
    Fail,
    /// The code server of the run does not answer.
    Unreachable,
    /// The launch never ends.
    Hang,
    /// The launcher panics.
    Panic,
    /// The worker starts, and the launch fails all the same.
    StartAndFail,
    /// The run is canceled while the launcher is asked.
    CancelOther,
}

/// A launcher that does as it is told. It launches what it is told nothing of.
#[derive(Debug, Clone, Default)]
pub(super) struct Launcher(Arc<Mutex<LauncherState>>);

#[derive(Debug, Default)]
pub(super) struct LauncherState {
    pub(super) told: BTreeMap<RunId, Told>,
    /// The runs that are canceled when the launcher is asked for anything.
    pub(super) cancels: BTreeSet<RunId>,
    /// The runs that were launched, in their order.
    pub(super) launched: Vec<RunId>,
    /// How many launches go on, and how many did at most.
    pub(super) running: (usize, usize),
    /// How long a launch takes.
    pub(super) takes: Duration,
    /// What it says of launches.
    pub(super) state: Option<LaunchState>,
}

impl Launcher {
    pub(super) fn lock(&self) -> MutexGuard<'_, LauncherState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RunLauncher for Launcher {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        let run = context.dagster_run;
        assert_eq!(run.status, DagsterRunStatus::Starting);
        assert!(context.deadline.is_some(), "a launch from the queue has a deadline");
        let (told, takes, cancels) = {
            let mut state = self.lock();
            state.running.0 += 1;
            state.running.1 = state.running.1.max(state.running.0);
            (state.told.get(&run.run_id).copied(), state.takes, state.cancels.clone())
        };
        for run_id in cancels {
            let store = context.instance.run_store();
            let record = store.get_run_record(&run_id).await?.ok_or("no such run")?;
            context.instance.report_run_canceled(&record.dagster_run, None).await?;
        }
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        let outcome: Result<(), BoxError> = match told {
            None | Some(Told::CancelOther) => {
                self.lock().launched.push(run.run_id.clone());
                Ok(())
            }
            Some(Told::Fail) => Err("the cluster is full".into()),
            Some(Told::Unreachable) => Err(Box::new(CodeLocationError::Unreachable {
                target: "localhost:4000".to_owned(),
                code: "UNAVAILABLE",
                source: "connection refused".into(),
            })),
            Some(Told::Hang) => std::future::pending().await,
            Some(Told::Panic) => panic!("a launcher that is wrong"),
            Some(Told::StartAndFail) => {
                let start = instance_core::event::DagsterEvent::new(
                    DagsterEventType::RunStart,
                    &run.job_name,
                );
                let report = instance_core::event::ReportEvent::new(start, &run.run_id);
                context.instance.report_dagster_event(report).await?;
                Err("the answer was lost".into())
            }
        };
        self.lock().running.0 -= 1;
        outcome
    }

    async fn launch_state(&self, _context: LaunchStateContext) -> Result<LaunchState, BoxError> {
        self.lock().state.clone().ok_or_else(|| "the launcher is away".into())
    }

    async fn terminate(&self, _context: TerminateRunContext) -> Result<bool, BoxError> {
        Ok(false)
    }
}

/// Somebody who leads the queue, until it is told otherwise.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) id: String,
    pub(super) may_begin: AtomicBool,
}

impl Leadership for Leader {
    fn daemon_id(&self) -> &str {
        &self.id
    }

    fn fence(&self) -> Option<Fence> {
        Some(Fence { key: FENCE.0.to_owned(), value: FENCE.1.to_owned() })
    }

    fn may_begin(&self) -> bool {
        self.may_begin.load(Ordering::SeqCst)
    }
}

/// An instance, and what takes runs from its queue.
pub(super) struct World {
    pub(super) instance: TestInstance,
    pub(super) launcher: Launcher,
    pub(super) leader: Leader,
    pub(super) dequeuer: Dequeuer,
}

impl World {
    pub(super) fn new(coordinator: QueuedRunCoordinatorSettings, workers: usize) -> Self {
        let options = DequeueOptions::default().with_parallel(workers);
        Self::with(coordinator, options, |settings| settings)
    }

    /// The same with options and other settings.
    pub(super) fn with(
        coordinator: QueuedRunCoordinatorSettings,
        options: DequeueOptions,
        change: impl FnOnce(InstanceSettings) -> InstanceSettings,
    ) -> Self {
        let launcher = Launcher::default();
        let mut instance = TestInstance::default().with_run_launcher(launcher.clone());
        let settings = InstanceSettings::clone(&instance.settings);
        let coordinator = RunCoordinatorSettings::Queued(coordinator);
        instance.settings = Box::new(change(settings.with_run_coordinator(coordinator)));
        let lease = [(FENCE.0.to_owned(), FENCE.1.to_owned())].into();
        at_once(instance.daemon_store().set_cursor_values(&lease)).unwrap();
        let dequeuer = Dequeuer::new(Arc::new(instance.clone()), None, options);
        let leader = Leader { id: "me".to_owned(), may_begin: AtomicBool::new(true) };
        Self { instance, launcher, leader, dequeuer }
    }

    /// Puts a run of a code location into the queue.
    pub(super) async fn queue(&self, location: &str, tags: &[(&str, &str)]) -> RunId {
        self.queue_as(location, tags, |_| ()).await
    }

    pub(super) async fn queue_as(
        &self,
        location: &str,
        tags: &[(&str, &str)],
        change: impl FnOnce(&mut DagsterRun),
    ) -> RunId {
        let mut run = DagsterRun::new(self.instance.ids.run_id(), "job");
        run.tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let location = RegisteredCodeLocationOrigin::new(location);
        run.remote_job_origin = Some(Box::new(RemoteJobOrigin {
            repository_origin: RemoteRepositoryOrigin::new(location, "repo"),
            job_name: "job".to_owned(),
            unknown: UnknownFields::default(),
        }));
        change(&mut run);
        self.instance.add_run(run.clone()).await;
        let enqueued = crate::coordinator::enqueued(&run);
        let report = instance_core::event::ReportEvent::new(enqueued, &run.run_id);
        self.instance.report_dagster_event(report).await.unwrap();
        run.run_id
    }

    pub(super) fn tell(&self, run_id: &RunId, told: Told) {
        self.launcher.lock().told.insert(run_id.clone(), told);
    }

    /// One look that waits for its launches.
    pub(super) async fn look(&mut self) -> QueueLook {
        let plan = LookPlan { waits: true, ..LookPlan::default() };
        self.dequeuer.look(&self.leader, plan).await.unwrap()
    }

    pub(super) fn launched(&self) -> Vec<RunId> {
        self.launcher.lock().launched.clone()
    }

    pub(super) async fn status(&self, run_id: &RunId) -> DagsterRunStatus {
        self.instance.run(run_id).await.status
    }

    /// The types of a run's events with their messages.
    pub(super) fn events(&self, run_id: &RunId) -> Vec<(String, String)> {
        let entries = at_once(self.instance.entries(run_id));
        let of_entry = |entry: &instance_core::event::EventLogEntry| {
            let event = entry.dagster_event.as_ref().expect("an event");
            (event.event_type_value.clone(), event.message.clone().unwrap_or_default())
        };
        entries.iter().map(of_entry).collect()
    }

    /// Lets time pass, of every kind.
    pub(super) async fn pass(&self, seconds: u64) {
        self.instance.clock.advance(TimeDelta::seconds(i64::try_from(seconds).unwrap()));
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    /// The note of a run's claim.
    pub(super) async fn note(&self, run_id: &RunId) -> Option<String> {
        let key = claim_note::key(run_id);
        let store = self.instance.daemon_store();
        store.get_cursor_values(&[key.clone()].into()).await.unwrap().remove(&key)
    }

    /// The code locations that are stored as paused.
    pub(super) async fn paused(&self) -> Vec<String> {
        let paused = pauses::read(self.instance.daemon_store()).await.unwrap();
        paused.into_keys().collect()
    }
}
