//! Keepers in several processes on one home: one leads, another one takes over, and one that was stopped meanwhile changes
//! nothing when it goes on.
//!
//! The other processes are this program, which is asked for one of its tests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dagster_instance::daemon::DaemonType;
use dagster_instance::event::{DagsterEvent, DagsterEventType};
use dagster_instance::keepers::{Duty, KeeperOptions, KeeperTimes, Lease, Look, keep};
use dagster_instance::ops::{EventReporterExt, OwnedKeeperOps};
use dagster_instance::run::{DagsterRun, DagsterRunStatus, RunsFilter};
use dagster_instance::storage::{GuardedEvents, GuardedOutcome, NewRun, Only, RunsPage};
use dagster_instance::{DagsterInstance, InstanceError, ReportEvent, RunId};

/// Where the instance is, in the environment of another process.
const PLACE: &str = "DAGSTER_INSTANCE_TEST_KEEPER_OF";

/// Longer than anything here may take; whoever waits so long waits forever.
const FOREVER: Duration = Duration::from_mins(1);

/// A tenth of the times of a real keeper and more.
fn times() -> KeeperTimes {
    let mut times = KeeperTimes::default();
    times.renew_every = Duration::from_millis(400);
    times.doubt_after = Duration::from_millis(1_400);
    times.lost_after = Duration::from_secs(2);
    times.look_every = Duration::from_millis(200);
    times
}

async fn open(place: &Path) -> DagsterInstance {
    let instance = DagsterInstance::builder().home(place).open().await.unwrap();
    instance.create_storages().await.unwrap();
    instance
}

/// Starts runs that nobody has started. Of those with a tag, it says so before, and leaves time to be stopped.
#[derive(Debug)]
struct Starting(DagsterInstance);

#[async_trait]
impl Duty for Starting {
    fn daemon_type(&self) -> DaemonType {
        DaemonType::from(DaemonType::QUEUED_RUN_COORDINATOR)
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(100)
    }

    async fn look(&self, lease: &Lease) -> Result<Look, InstanceError> {
        let waiting = RunsFilter::new().with_statuses(Only::one(DagsterRunStatus::NotStarted));
        for run in self.0.get_runs(&waiting, &RunsPage::new()).await? {
            if run.tags.contains_key("slow") {
                say(&format!("sees {}", run.run_id));
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            let starting = DagsterEvent::new(DagsterEventType::RunStarting, &run.job_name);
            let reports = vec![ReportEvent::new(starting, &run.run_id)];
            let from = [DagsterRunStatus::NotStarted];
            let change = GuardedEvents::new(run.run_id.clone(), from, Vec::new());
            let outcome =
                self.0.report_events_if(change.with_fence(lease.fence()), reports).await?;
            let word = match outcome {
                GuardedOutcome::Stored(_) => "starts",
                GuardedOutcome::NotLeader => "may not start",
                _ => "does not start",
            };
            say(&format!("{word} {}", run.run_id));
        }
        Ok(Look::new())
    }
}

/// Prints a line of its own: the harness of tests prints, too.
#[expect(clippy::print_stdout, reason = "another process reads it")]
fn say(line: &str) {
    println!("\nkeeper {line}");
}

/// A keeper does its duty over files until it is done. As another process, it goes on until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the variable says whose process it is")]
async fn a_keeper_does_its_duty_over_files() {
    let place = std::env::var_os(PLACE);
    let own = tempfile::tempdir().unwrap();
    let directory = place.as_ref().map_or(own.path(), Path::new);
    let instance = open(directory).await;
    if place.is_none() {
        add_run(&instance, "run", false).await;
    }
    let duties: Vec<Arc<dyn Duty>> = vec![Arc::new(Starting(instance.clone()))];
    let options = KeeperOptions::new().with_times(times());
    let until = async {
        while place.is_some() || !is_started(&instance, "run").await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(FOREVER, keep(instance.owned_keeper_ops(), duties, options, until))
        .await
        .unwrap()
        .unwrap();
    let lease = instance.get_keeper_leases().await.unwrap().remove(0);
    assert_eq!((lease.epoch, lease.is_released), (1, true));
    let heartbeat = instance.get_daemon_heartbeats().await.unwrap().remove(0);
    assert_eq!(heartbeat.daemon_id, Some(lease.daemon_id));
}

async fn add_run(instance: &DagsterInstance, id: &str, is_slow: bool) {
    let mut run = DagsterRun::new(RunId::from(id), "j");
    if is_slow {
        run.tags = BTreeMap::from([("slow".to_owned(), "1".to_owned())]);
    }
    let stores = dagster_instance::ops::StoresAccess::stores(instance);
    let new = NewRun::new(run, chrono::DateTime::UNIX_EPOCH);
    stores.run_event_store.add_run_with_events(new).await.unwrap();
}

async fn is_started(instance: &DagsterInstance, id: &str) -> bool {
    let run = instance.get_run_by_id(&RunId::from(id)).await.unwrap().unwrap();
    run.status == DagsterRunStatus::Starting
}

/// A keeper in a process of its own. It is killed with the test.
struct Keeper {
    child: Child,
    lines: Receiver<String>,
}

impl Keeper {
    #[expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]
    fn start(place: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["keepers::a_keeper_does_its_duty_over_files", "--exact", "--nocapture"]);
        command.env(PLACE, place).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let said = line.strip_prefix("keeper ").map(str::to_owned);
                if said.is_some_and(|said| sender.send(said).is_err()) {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits until it says something; returns what it says before.
    fn wait_for(&self, said: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let line = self.lines.recv_timeout(FOREVER);
            assert!(line.is_ok(), "it does not say {said:?}, but {before:?}");
            let line = line.unwrap();
            if line == said {
                return before;
            }
            before.push(line);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "no crate here sends signals")]
    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // One that is gone already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_stopped_changes_nothing_and_one_that_was_killed_is_followed() {
    let home = tempfile::tempdir().unwrap();
    let instance = open(home.path()).await;
    let starts = async |id: &str| {
        let entries = instance.all_logs(&RunId::from(id), &Only::Any).await.unwrap();
        entries.len()
    };
    let first = Keeper::start(home.path());
    add_run(&instance, "one", false).await;
    first.wait_for("starts one");
    // Between its look at the run and the change of it, the process is stopped.
    add_run(&instance, "two", true).await;
    first.wait_for("sees two");
    first.signal("-STOP");
    let second = Keeper::start(home.path());
    second.wait_for("starts two");
    assert_eq!(instance.get_keeper_leases().await.unwrap()[0].epoch, 2);
    first.signal("-CONT");
    assert_eq!(first.wait_for("may not start two"), Vec::<String>::new());
    assert_eq!(starts("two").await, 1);

    // The process that leads is killed. The other one knows that it is gone, and does not wait for its signs.
    add_run(&instance, "three", false).await;
    second.wait_for("starts three");
    second.signal("-KILL");
    let killed = Instant::now();
    add_run(&instance, "four", false).await;
    first.wait_for("starts four");
    // Ten times what it takes, for machines that are busy.
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
    assert_eq!(instance.get_keeper_leases().await.unwrap()[0].epoch, 3);
    for id in ["one", "two", "three", "four"] {
        assert_eq!(starts(id).await, 1, "{id}");
    }
}
