//! Our part, in a process of its own: tasks come as lines, answers go as lines, as in `time_queue.py`.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dagster_instance::daemon::DaemonType;
use dagster_instance::keepers::{Duty, KeeperOptions, Lease, Look, keep};
use dagster_instance::ops::{OwnedKeeperOps as _, OwnedLauncherOps as _, PoolStoreAccess as _};
use dagster_instance::queue::{DequeueOptions, QueueDuty};
use dagster_instance::{CreateRun, DagsterInstance, GrpcTarget, InstanceError, LaunchRequest};
use dagster_instance_tests::memory;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::Result;

const LOCATIONS: [&str; 2] = ["a", "b"];
const JOBS: usize = 5;
/// More than any pool needs where runs are launched, and fewer than wait for one where none is.
const SLOTS: i64 = 500;
/// How many runs are created at once.
const AT_ONCE: usize = 16;

/// Does the tasks of standard input until it ends.
pub(crate) async fn answer_all() -> Result<()> {
    let mut ours: Option<Ours> = None;
    // In a thread of its own: the keeper goes on while nothing is asked.
    let (reading, mut lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if reading.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        let task: Value = serde_json::from_str(&line?)?;
        let ours = match &mut ours {
            Some(ours) => ours,
            none => none.insert(Ours::open(&task).await?),
        };
        println!("{}", ours.done(&task).await?);
    }
    if let Some(ours) = ours {
        ours.instance.dispose().await?;
    }
    Ok(())
}

/// An instance, and the keeper of its queue from the first look on.
struct Ours {
    instance: DagsterInstance,
    asking: Option<mpsc::Sender<oneshot::Sender<f64>>>,
}

impl Ours {
    async fn open(task: &Value) -> Result<Self> {
        let home = task["home"].as_str().ok_or("a task without a home")?;
        let instance = DagsterInstance::builder().home(Path::new(home)).open().await?;
        instance.create_storages().await?;
        Ok(Self { instance, asking: None })
    }

    async fn done(&mut self, task: &Value) -> Result<Value> {
        match task["task"].as_str() {
            Some("open") => Ok(json!({})),
            Some("fill") => self.fill(task).await,
            Some("launch") => self.launch(task).await,
            Some("decide") => self.decide(task).await,
            Some("look") => self.look().await,
            _ => Err(format!("unknown task {task}").into()),
        }
    }

    /// Puts runs into the queue. Their code is asked of a server, and they name another one, if that is told.
    async fn fill(&self, task: &Value) -> Result<Value> {
        for pool in 0..JOBS {
            self.instance
                .pool_store()
                .set_concurrency_slots(&format!("pool_{pool}"), SLOTS)
                .await?;
        }
        let target = GrpcTarget::port("localhost", number(task, "port")?);
        let named = GrpcTarget::port("localhost", number(task, "launched_by")?);
        let mut kinds = Vec::new();
        for name in LOCATIONS {
            let location = self.instance.open_code_location(target.clone(), Some(name)).await?;
            for job in 0..JOBS {
                let mut request = LaunchRequest::default();
                request.job = Some(format!("job_{job}"));
                let mut run = CreateRun::from(self.instance.prepare_run(&location, request).await?);
                if let Some(origin) = &mut run.remote_job_origin {
                    origin.repository_origin.code_location_origin = named.origin(Some(name)).into();
                }
                kinds.push(run);
            }
        }
        let count: usize = number(task, "count")?;
        let creating = (0..count).zip(kinds.iter().cycle()).map(|(number, kind)| {
            let mut run = kind.clone();
            run.tags.extend(tags_of(number));
            async move {
                let run = self.instance.create_run(run).await?;
                self.instance.submit_run(&run.run_id).await.map(drop)
            }
        });
        stream::iter(creating).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(json!({ "count": count }))
    }

    /// A look that launches all runs that wait.
    async fn launch(&self, task: &Value) -> Result<Value> {
        let options = KeeperOptions::new().with_launch_workers(Some(number(task, "workers")?));
        let began = Instant::now();
        let look = self.instance.launch_queued_runs(options, None, None).await?;
        let seconds = began.elapsed().as_secs_f64();
        if look.launched.len() != look.taken {
            return Err(format!("{:?} {:?}", look.failed, look.unknown).into());
        }
        Ok(json!({"seconds": seconds, "count": look.launched.len()}))
    }

    /// The decision alone, again and again, with the queue in memory.
    async fn decide(&self, task: &Value) -> Result<Value> {
        let queue = self.instance.get_run_queue().await?;
        let (mut seconds, mut cpu, mut launched) = (Vec::new(), Vec::new(), 0);
        for _ in 0..number::<u32>(task, "times")? {
            let (began, before) = (Instant::now(), cpu_seconds()?);
            launched = queue.decide().launch.len();
            seconds.push(began.elapsed().as_secs_f64());
            cpu.push(cpu_seconds()? - before);
        }
        Ok(json!({"seconds": seconds, "cpu": cpu, "count": launched}))
    }

    /// One look of the keeper, which remembers what it has read.
    async fn look(&mut self) -> Result<Value> {
        if self.asking.is_none() {
            self.asking = Some(self.keep()?);
        }
        let asking = self.asking.as_ref().ok_or("it was made just now")?;
        let (told, answer) = oneshot::channel();
        asking.send(told).await?;
        let seconds = answer.await?;
        Ok(json!({"seconds": seconds, "rss": memory("self", "VmRSS")?}))
    }

    fn keep(&self) -> Result<mpsc::Sender<oneshot::Sender<f64>>> {
        let ops = self.instance.owned_launcher_ops();
        let queue = QueueDuty::new(ops, None, DequeueOptions::default())?;
        let (asking, asked) = mpsc::channel(1);
        let duties: Vec<Arc<dyn Duty>> = vec![Arc::new(Timed { queue, asked: Mutex::new(asked) })];
        let ops = self.instance.owned_keeper_ops();
        tokio::spawn(async move {
            let kept = keep(ops, duties, KeeperOptions::new(), std::future::pending());
            if let Err(error) = kept.await {
                eprintln!("{error}");
            }
        });
        Ok(asking)
    }
}

/// The queue, into which it is looked whenever somebody asks, who is told how long it took.
#[derive(Debug)]
struct Timed {
    queue: QueueDuty,
    asked: Mutex<mpsc::Receiver<oneshot::Sender<f64>>>,
}

#[async_trait]
impl Duty for Timed {
    fn daemon_type(&self) -> DaemonType {
        self.queue.daemon_type()
    }

    fn interval(&self) -> Duration {
        Duration::ZERO
    }

    async fn look(&self, lease: &Lease) -> std::result::Result<Look, InstanceError> {
        let Some(told) = self.asked.lock().await.recv().await else {
            return Ok(Look::new());
        };
        let began = Instant::now();
        let look = self.queue.look(lease).await?;
        // Whoever asked may be gone.
        let _ = told.send(began.elapsed().as_secs_f64());
        Ok(look)
    }
}

/// Eight tags, limits are about four of them.
fn tags_of(number: usize) -> Vec<(String, String)> {
    let tags = [
        ("team", format!("team_{}", number % 20)),
        ("tier", format!("tier_{}", number % 3)),
        ("region", format!("region_{}", number % 7)),
        ("customer", format!("customer_{}", number % 500)),
        ("note", format!("this is run {number}")),
        ("owner", format!("person_{}@example.com", number % 50)),
        ("source", "a benchmark".to_owned()),
        ("day", format!("2026-11-{:02}", number % 30 + 1)),
    ];
    tags.map(|(key, value)| (key.to_owned(), value)).into()
}

/// The time that this process has computed so far.
fn cpu_seconds() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let time = usage.user_time() + usage.system_time();
    #[expect(clippy::cast_precision_loss, reason = "it is some minutes")]
    let microseconds = time.num_microseconds() as f64;
    Ok(microseconds / 1e6)
}

fn number<T: TryFrom<u64>>(task: &Value, name: &str) -> Result<T> {
    let number = task[name].as_u64().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("{task} has no {name}").into())
}
