//! A code server that writes down which workers it is asked to start, and whose workers are tasks of this process.
//!
//! It holds a call back if it is told to, so that whoever made the call can be killed meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dagster_instance::{DagsterInstance, GrpcTarget};
use instance_core::RunId;
use instance_core::code_location::payloads::{
    CanCancelExecutionRequest, CanCancelExecutionResult, CancelExecutionRequest,
    CancelExecutionResult, ExecuteRemoteJobArgs, ExecutionPlanSnapshotArgs, GetCurrentImageResult,
    GetCurrentRunsResult, StartRunResult,
};
use instance_core::error::BoxError;
use instance_core::run::{RemoteJobOrigin, RemoteRepositoryOrigin};
use instance_core::serdes::{Pack, UnknownFields, Unpack, deserialize_value, serialize_value};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

use super::code;
use super::grpc::{Service, serve};
use super::worker::{Habits, work};
use crate::crash::mixed;

/// The name of the code location.
pub(super) const LOCATION: &str = "loc";

/// How long the start of a worker takes at most.
const START: u64 = 50;

/// Nearly every message of a code server is one text.
#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

/// The question for a job.
#[derive(Clone, PartialEq, prost::Message)]
struct JobQuestion {
    #[prost(string, tag = "2")]
    job_name: String,
}

/// A server, for as long as the runtime is there.
#[derive(Debug, Clone)]
pub(super) struct Stub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    port: u16,
    server_id: String,
    instance: DagsterInstance,
    habits: Habits,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// The calls that have started a worker.
    started: Vec<(RunId, Instant)>,
    /// The workers that go on, each with what tells it to stop.
    workers: BTreeMap<RunId, Arc<Notify>>,
    trap: Option<Set>,
    problems: Vec<String>,
}

/// What becomes of a call whose caller is killed meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It has not arrived.
    Lost,
    /// It is worked off afterwards.
    Late,
    /// It was worked off before, and its answer does not arrive.
    Unanswered,
}

#[derive(Debug)]
struct Set {
    call: &'static str,
    then: Then,
    sprung: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

/// A call that is waited for. When it goes away, the call goes on.
#[derive(Debug)]
pub(super) struct Trap {
    sprung: oneshot::Receiver<()>,
    _release: oneshot::Sender<()>,
}

impl Trap {
    /// Whether the call has come in this time. It waits then until the trap goes away.
    pub(super) async fn springs(&mut self, within: Duration) -> bool {
        matches!(tokio::time::timeout(within, &mut self.sprung).await, Ok(Ok(())))
    }
}

impl Set {
    /// Waits as long as the trap is there; whether it is.
    async fn hold(self) -> bool {
        let is_there = self.sprung.send(()).is_ok();
        // That the other side is dropped is the message.
        let _ = self.released.await;
        is_there
    }
}

impl Stub {
    /// Starts a server whose workers report to an instance.
    pub(super) async fn start(instance: DagsterInstance, habits: Habits) -> Result<Self, BoxError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let server_id = format!("stub-{port}");
        let inner = Inner { port, server_id, instance, habits, notes: Mutex::default() };
        let stub = Self(Arc::new(inner));
        tokio::spawn(serve(listener, Arc::new(stub.clone())));
        Ok(stub)
    }

    /// The option of our binary that names it.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.0.port)
    }

    /// Where a job is, as runs have it.
    pub(super) fn job_origin(&self, job_name: &str) -> RemoteJobOrigin {
        let server = GrpcTarget::port("127.0.0.1", self.0.port).origin(Some(LOCATION));
        RemoteJobOrigin {
            repository_origin: RemoteRepositoryOrigin::new(server, code::REPOSITORY),
            job_name: job_name.to_owned(),
            unknown: UnknownFields::default(),
        }
    }

    /// The calls that have started a worker, each with its time.
    pub(super) fn started(&self) -> Vec<(RunId, Instant)> {
        self.notes().started.clone()
    }

    /// The runs that have a worker now.
    pub(super) fn working(&self) -> Vec<RunId> {
        self.notes().workers.keys().cloned().collect()
    }

    /// What went wrong here.
    pub(super) fn problems(&self) -> Vec<String> {
        self.notes().problems.clone()
    }

    /// Holds the next call of this name back until the trap goes away. There is one trap at a time.
    pub(super) fn trap(&self, call: &'static str, then: Then) -> Trap {
        let (sprung, is_sprung) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.notes().trap = Some(Set { call, then, sprung, released });
        Trap { sprung: is_sprung, _release: release }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_trap(&self, call: &str) -> Option<Set> {
        self.notes().trap.take_if(|set| set.call == call)
    }

    /// Answers a call that has arrived.
    async fn serve(&self, call: &str, message: &[u8]) -> Result<Option<Vec<u8>>, BoxError> {
        let text = Text::decode(message)?.text;
        let answer = match call {
            "Ping" | "Heartbeat" => text,
            "GetServerId" => self.0.server_id.clone(),
            "GetCurrentImage" => serialize_value(&GetCurrentImageResult {
                current_image: None,
                serializable_error_info: None,
                unknown: UnknownFields::default(),
            }),
            "ListRepositories" => serialize_value(&code::repositories()),
            "ExternalJob" => {
                serialize_value(&code::job_data(&JobQuestion::decode(message)?.job_name))
            }
            "ExecutionPlanSnapshot" => {
                let args: ExecutionPlanSnapshotArgs = deserialize_value(&text)?;
                serialize_value(&code::plan(&args.job_origin.job_name, args.job_snapshot_id))
            }
            "StartRun" => told(&text, |args| self.start_run(args)).await?,
            "CanCancelExecution" => {
                let args: CanCancelExecutionRequest = deserialize_value(&text)?;
                serialize_value(&CanCancelExecutionResult {
                    can_cancel: self.notes().workers.contains_key(&args.run_id),
                    unknown: UnknownFields::default(),
                })
            }
            "CancelExecution" => {
                let args: CancelExecutionRequest = deserialize_value(&text)?;
                serialize_value(&self.cancel(&args.run_id))
            }
            "GetCurrentRuns" => serialize_value(&GetCurrentRunsResult {
                current_runs: self.working(),
                serializable_error_info: None,
                unknown: UnknownFields::default(),
            }),
            _ => return Ok(None),
        };
        Ok(Some(Text { text: answer }.encode_to_vec()))
    }

    /// Starts the worker of a run. It is among the current runs before the caller knows it.
    async fn start_run(&self, args: ExecuteRemoteJobArgs) -> StartRunResult {
        let run_id = args.run_id;
        let stop = Arc::new(Notify::new());
        let number = {
            let mut notes = self.notes();
            notes.started.push((run_id.clone(), Instant::now()));
            notes.workers.insert(run_id.clone(), Arc::clone(&stop));
            notes.started.len() as u64
        };
        tokio::time::sleep(Duration::from_millis(mixed(number) % (START + 1))).await;
        let stub = self.clone();
        tokio::spawn(async move {
            let (instance, habits) = (&stub.0.instance, &stub.0.habits);
            if let Err(error) = work(instance, habits, &run_id, &stop).await {
                stub.notes().problems.push(format!("the worker of {run_id}: {error}"));
            }
            stub.notes().workers.remove(&run_id);
        });
        StartRunResult {
            message: None,
            serializable_error_info: None,
            success: true,
            unknown: UnknownFields::default(),
        }
    }

    fn cancel(&self, run_id: &RunId) -> CancelExecutionResult {
        let worker = self.notes().workers.get(run_id).cloned();
        if let Some(stop) = &worker {
            stop.notify_one();
        }
        CancelExecutionResult {
            message: None,
            serializable_error_info: None,
            success: worker.is_some(),
            unknown: UnknownFields::default(),
        }
    }
}

/// The text of an answer to the question of a text.
async fn told<Q: Unpack, A: Pack, F: Future<Output = A>>(
    text: &str,
    answer: impl FnOnce(Q) -> F,
) -> Result<String, BoxError> {
    Ok(serialize_value(&answer(deserialize_value(text)?).await))
}

#[async_trait]
impl Service for Stub {
    async fn answer(&self, call: &str, message: &[u8]) -> Result<Option<Vec<u8>>, BoxError> {
        match self.take_trap(call) {
            None => self.serve(call, message).await,
            Some(set) if set.then == Then::Unanswered => {
                let answer = self.serve(call, message).await;
                set.hold().await;
                answer
            }
            Some(set) => {
                let then = set.then;
                if set.hold().await && then == Then::Lost {
                    return Ok(None);
                }
                self.serve(call, message).await
            }
        }
    }

    fn fails(&self, call: &str, error: BoxError) {
        self.notes().problems.push(format!("{call}: {error}"));
    }
}
