//! Keepers of a duty: one leads, others take over, Dagster's own daemon comes first. The time is tokio's and stands still
//! between what happens.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use instance_core::clock::{Clock, timestamp_of};
use instance_core::daemon::{DaemonHeartbeat, DaemonType};
use instance_core::error::{InstanceError, KeeperError};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{DagsterEvent, DagsterEventType, ReportEvent};
use instance_core::ops::{DaemonStoreAccess, EventReporterExt, OwnedKeeperOps};
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::storage::{GuardedEvents, GuardedOutcome};
use instance_core::testing::instance::TestInstance;
use instance_launcher::keepers::{
    Duty, KeeperOptions, Lease, Look, TwinCheck, get_keeper_leases, keep, keep_once,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// A duty that notes how it was done, and fails as it is told.
#[derive(Debug, Default)]
struct Noting {
    looks: AtomicUsize,
    /// The ids of the keepers that have looked, each once in a row.
    by: Mutex<Vec<String>>,
    lease: Mutex<Option<Lease>>,
    fails: AtomicBool,
    panics: AtomicBool,
    hangs: AtomicBool,
    finished: AtomicUsize,
}

impl Noting {
    fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }

    fn by(&self) -> Vec<String> {
        self.by.lock().expect("no look panics here").clone()
    }

    fn lease(&self) -> Lease {
        self.lease.lock().expect("no look panics here").clone().expect("nobody has looked")
    }
}

#[async_trait]
impl Duty for Noting {
    fn daemon_type(&self) -> DaemonType {
        DaemonType::from(DaemonType::MONITORING)
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn look(&self, lease: &Lease) -> Result<Look, InstanceError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        {
            let mut by = self.by.lock().expect("no look panics here");
            if by.last().map(String::as_str) != Some(lease.daemon_id()) {
                by.push(lease.daemon_id().to_owned());
            }
            *self.lease.lock().expect("no look panics here") = Some(lease.clone());
        }
        assert!(!self.panics.load(Ordering::SeqCst), "it is told to");
        while self.hangs.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(100)).await;
        }
        if self.fails.load(Ordering::SeqCst) {
            return Err(InstanceError::invalid("look", "", "it is told to fail"));
        }
        Ok(Look::new().with_errors(vec![SerializableErrorInfo::new("E", "with one run")]))
    }

    async fn finish(&self) {
        self.finished.fetch_add(1, Ordering::SeqCst);
    }
}

/// A keeper that runs, as one of several processes.
struct Running {
    task: JoinHandle<Result<(), KeeperError>>,
    stop: oneshot::Sender<()>,
}

fn start(instance: &TestInstance, duty: &Arc<Noting>, options: KeeperOptions) -> Running {
    let (stop, stopped) = oneshot::channel();
    let duties: Vec<Arc<dyn Duty>> = vec![Arc::clone(duty) as Arc<dyn Duty>];
    let ops = instance.owned_keeper_ops();
    let until = async { drop(stopped.await) };
    Running { task: tokio::spawn(keep(ops, duties, options, until)), stop }
}

impl Running {
    async fn stop(self) {
        drop(self.stop);
        self.task.await.expect("it does not panic").expect("it ends well");
    }

    /// Ends it as a process ends that is killed.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()));
    }
}

async fn seconds(seconds: f64) {
    sleep(Duration::from_secs_f64(seconds)).await;
}

async fn heartbeat(instance: &TestInstance) -> Option<DaemonHeartbeat> {
    instance.daemon_store().get_daemon_heartbeats().await.expect("heartbeats").pop()
}

/// A heartbeat of Dagster's own daemon, so many seconds ago.
async fn twin_beats(instance: &TestInstance, seconds_ago: f64) {
    let daemon_type = DaemonType::from(DaemonType::MONITORING);
    let at = timestamp_of(instance.clock.now()) - seconds_ago;
    let heartbeat = DaemonHeartbeat::new(daemon_type, "twin", at, Vec::new());
    instance.daemon_store().add_daemon_heartbeat(&heartbeat).await.expect("it is stored");
}

#[tokio::test(start_paused = true)]
async fn one_keeper_leads_and_another_takes_over_at_once_when_it_ends() {
    let (instance, duty) = (TestInstance::default(), Arc::new(Noting::default()));
    let first = start(&instance, &duty, KeeperOptions::new());
    seconds(0.5).await;
    let second = start(&instance, &duty, KeeperOptions::new());
    seconds(20.0).await;
    assert_eq!(duty.by().len(), 1);
    // One look at the beginning, and one every five seconds.
    assert_eq!(duty.looks(), 5);
    let lease = get_keeper_leases(&instance).await.unwrap().remove(0);
    assert_eq!((lease.epoch, lease.is_released), (1, false));
    assert_eq!(vec![lease.daemon_id], duty.by());
    first.stop().await;
    assert_eq!(duty.finished.load(Ordering::SeqCst), 1);
    seconds(1.5).await;
    assert_eq!(duty.by().len(), 2);
    let lease = get_keeper_leases(&instance).await.unwrap().remove(0);
    assert_eq!(lease.epoch, 2);
    assert_eq!(heartbeat(&instance).await.unwrap().daemon_id.as_deref(), Some(&*lease.daemon_id));
    second.stop().await;
    assert!(get_keeper_leases(&instance).await.unwrap().remove(0).is_released);
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_is_killed_is_followed_and_changes_nothing_any_more() {
    let instance = TestInstance::default().with_run(DagsterRun::new("r1".into(), "j"));
    let duty = Arc::new(Noting::default());
    let first = start(&instance, &duty, KeeperOptions::new());
    seconds(0.5).await;
    let second = start(&instance, &duty, KeeperOptions::new());
    seconds(30.0).await;
    let old = duty.lease();
    let claim = |lease: &Lease| {
        let starting = DagsterEvent::new(DagsterEventType::RunStarting, "j");
        let change = GuardedEvents::new("r1".into(), [DagsterRunStatus::NotStarted], Vec::new());
        (change.with_fence(lease.fence()), vec![ReportEvent::new(starting, &"r1".into())])
    };
    first.kill().await;
    // The process is the same one, and so is not known to be gone: its signs have to be missing for ten seconds.
    seconds(9.0).await;
    assert_eq!(duty.by().len(), 1);
    assert!(!old.may_begin());
    seconds(5.0).await;
    assert_eq!(duty.by().len(), 2);
    let (change, reports) = claim(&old);
    let outcome = instance.report_events_if(change, reports).await.unwrap();
    assert!(matches!(outcome, GuardedOutcome::NotLeader), "{outcome:?}");
    assert_eq!(instance.event_types(&"r1".into()), Vec::<String>::new());
    let (change, reports) = claim(&duty.lease());
    assert!(instance.report_events_if(change, reports).await.unwrap().is_stored());
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_loses_its_lease_waits_for_it_again() {
    let (instance, duty) = (TestInstance::default(), Arc::new(Noting::default()));
    let keeper = start(&instance, &duty, KeeperOptions::new());
    seconds(2.0).await;
    // Somebody else has taken it, such as while this process was stopped.
    let fence = duty.lease().fence();
    let other =
        r#"{"id":"other","epoch":7,"pid":1,"host":"elsewhere","birth":"","released":false}"#;
    let store = instance.daemon_store();
    assert!(store.change_cursor_value(&fence.key, Some(&fence.value), Some(other)).await.unwrap());
    seconds(4.0).await;
    let looks = duty.looks();
    seconds(7.0).await;
    assert_eq!(duty.looks(), looks);
    assert!(!duty.lease().may_begin());
    // The other one gives no sign, and ten seconds later this one leads again.
    seconds(6.0).await;
    assert!(duty.looks() > looks);
    assert_eq!(duty.lease().epoch(), 8);
    keeper.stop().await;
}

#[tokio::test(start_paused = true)]
async fn heartbeats_tell_of_errors_and_of_looks_that_panic() {
    let (instance, duty) = (TestInstance::default(), Arc::new(Noting::default()));
    let keeper = start(&instance, &duty, KeeperOptions::new());
    let errors = async || {
        let heartbeat = heartbeat(&instance).await.unwrap();
        heartbeat.errors().iter().map(|error| error.message.trim().to_owned()).collect::<Vec<_>>()
    };
    seconds(1.0).await;
    assert_eq!(errors().await, Vec::<String>::new());
    seconds(31.0).await;
    assert_eq!(errors().await, ["with one run"; 5]);
    // A look that fails is followed by longer pauses: 5, 10, 20 and 40 seconds.
    duty.fails.store(true, Ordering::SeqCst);
    seconds(5.0).await;
    let looks = duty.looks();
    seconds(70.0).await;
    assert_eq!(duty.looks(), looks + 3);
    let told = errors().await;
    assert!(told[0].contains("it is told to fail"), "{told:?}");
    duty.fails.store(false, Ordering::SeqCst);
    duty.panics.store(true, Ordering::SeqCst);
    seconds(70.0).await;
    let told = errors().await;
    assert!(told[0].contains("it is told to"), "{told:?}");
    assert_eq!(duty.by().len(), 1);
    keeper.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_duty_that_is_stuck_leaves_no_heartbeat_and_ends_after_the_grace() {
    let (instance, duty) = (TestInstance::default(), Arc::new(Noting::default()));
    duty.hangs.store(true, Ordering::SeqCst);
    let keeper = start(&instance, &duty, KeeperOptions::new());
    seconds(320.0).await;
    instance.daemon_store().wipe_daemon_heartbeats().await.unwrap();
    seconds(100.0).await;
    assert_eq!(heartbeat(&instance).await, None);
    assert_eq!(duty.looks(), 1);
    let asked = tokio::time::Instant::now();
    keeper.stop().await;
    assert_eq!(asked.elapsed().as_secs(), 30);
    assert!(get_keeper_leases(&instance).await.unwrap().remove(0).is_released);
}

#[tokio::test(start_paused = true)]
async fn a_living_twin_is_refused_and_one_that_has_ended_is_not() {
    let duty = Arc::new(Noting::default());
    // Its last heartbeat is old.
    let instance = TestInstance::default();
    twin_beats(&instance, 91.0).await;
    let keeper = start(&instance, &duty, KeeperOptions::new());
    seconds(2.0).await;
    assert_eq!(duty.looks(), 1);
    keeper.stop().await;

    // It is recent, and then it changes.
    let instance = TestInstance::default();
    twin_beats(&instance, 2.0).await;
    let keeper = start(&instance, &duty, KeeperOptions::new());
    seconds(20.0).await;
    assert!(!keeper.task.is_finished());
    twin_beats(&instance, 0.0).await;
    seconds(2.0).await;
    let refused = keeper.task.await.unwrap().unwrap_err();
    assert!(matches!(refused, KeeperError::TwinAlive { .. }), "{refused}");
    assert_eq!(
        refused.to_string(),
        "Dagster's own MONITORING daemon (id twin) is alive: its heartbeat came 0 s ago. Stop it, or start it without \
         this duty: see `dagster-instance daemon run --help`"
    );
    assert_eq!(duty.looks(), 1);

    // It is recent, and does not change for ninety seconds.
    let instance = TestInstance::default();
    twin_beats(&instance, 2.0).await;
    let keeper = start(&instance, &duty, KeeperOptions::new());
    seconds(88.0).await;
    assert_eq!(duty.looks(), 1);
    seconds(4.0).await;
    assert_eq!(duty.looks(), 2);
    keeper.stop().await;

    // Who does not want to wait takes a recent heartbeat for a living daemon.
    let instance = TestInstance::default();
    twin_beats(&instance, 2.0).await;
    let options = KeeperOptions::new().with_twin_check(TwinCheck::RefuseAtOnce);
    let ops = instance.owned_keeper_ops();
    let refused = keep_once(ops, Arc::clone(&duty) as Arc<dyn Duty>, options).await.unwrap_err();
    assert!(matches!(refused, KeeperError::TwinAlive { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_keeper_pauses_for_a_twin_that_comes_back() {
    let (instance, duty) = (TestInstance::default(), Arc::new(Noting::default()));
    let keeper = start(&instance, &duty, KeeperOptions::new());
    seconds(40.0).await;
    // It leaves a heartbeat every thirty seconds, as ours do.
    for _ in 0..4 {
        instance.clock.advance(TimeDelta::seconds(30));
        twin_beats(&instance, 0.0).await;
        seconds(30.0).await;
    }
    assert!(!duty.lease().may_begin());
    assert_eq!(heartbeat(&instance).await.unwrap().daemon_id.as_deref(), Some("twin"));
    let looks = duty.looks();
    seconds(50.0).await;
    assert_eq!(duty.looks(), looks);
    // Ninety seconds after its last sign, the keeper goes on. It has had the lease all the time.
    seconds(20.0).await;
    assert!(duty.looks() > looks);
    assert_eq!(duty.by().len(), 1);
    let id = heartbeat(&instance).await.unwrap().daemon_id.unwrap();
    assert_eq!(vec![id], duty.by());
    keeper.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_single_look_has_the_lease_and_gives_it_back() {
    let (instance, duty) = (TestInstance::default(), Arc::new(Noting::default()));
    let once = || {
        let duty = Arc::clone(&duty) as Arc<dyn Duty>;
        keep_once(instance.owned_keeper_ops(), duty, KeeperOptions::new())
    };
    for epoch in 1..=2 {
        assert_eq!(once().await.unwrap().errors.len(), 1);
        let lease = get_keeper_leases(&instance).await.unwrap().remove(0);
        assert_eq!((lease.epoch, lease.is_released), (epoch, true));
    }
    assert_eq!(duty.finished.load(Ordering::SeqCst), 2);
    let keeper = start(&instance, &duty, KeeperOptions::new());
    seconds(1.0).await;
    let refused = once().await.unwrap_err();
    assert!(matches!(refused, KeeperError::OtherLeader { .. }), "{refused}");
    keeper.stop().await;
}
