//! Calls of the API of Kubernetes: the few that a launcher needs, each with Dagster's patience.
//!
//! Answers are read as JSON, so that servers of all releases are understood. Not here: what answers mean for a run.

use std::time::Duration;

use kube::api::{DeleteParams, GetParams, ListParams, LogParams, PostParams};
use kube::core::Request;
use serde_json::Value;
use tokio::time::{sleep, timeout};

/// The last lines of a container that are asked for.
pub(super) const LOG_LINES: i64 = 25;

/// How long is waited, and how often it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// For the answer to one request.
    pub(super) answer: Duration,
    /// Before a request is sent again.
    pub(super) pause: Duration,
    /// How often a request is sent again.
    pub(super) retries: u32,
}

/// Dagster's.
impl Default for Patience {
    fn default() -> Self {
        Self { answer: Duration::from_secs(10), pause: Duration::from_secs(10), retries: 3 }
    }
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the API of Kubernetes refused to {action}: {status} {reason}: {message}")]
    Refused { action: String, status: u16, reason: String, message: String },
    #[error("the API of Kubernetes did not answer within {} seconds when it was to {action}", limit.as_secs_f64())]
    NoAnswer { action: String, limit: Duration },
    #[error("the API of Kubernetes could not be asked to {action}")]
    Unreachable { action: String, source: kube::Error },
    #[error("Retry limit of {retries} exceeded")]
    GivenUp { retries: u32, source: Box<ApiError> },
}

impl ApiError {
    /// The status by which the server refused; `None` if it did not answer.
    pub(super) const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same request may be answered later. 401 is among them, as some clusters say so for a moment.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 401 | 500 | 503 | 504),
            Self::NoAnswer { .. } | Self::Unreachable { .. } => true,
            Self::GivenUp { .. } => false,
        }
    }
}

/// A request, or why there is none.
type Built = Result<http::Request<Vec<u8>>, kube::core::request::Error>;

fn jobs(namespace: &str) -> Request {
    Request::new(format!("/apis/batch/v1/namespaces/{namespace}/jobs"))
}

fn pods(namespace: &str) -> Request {
    Request::new(format!("/api/v1/namespaces/{namespace}/pods"))
}

/// The things of a list.
fn items(mut list: Value) -> Vec<Value> {
    match list["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

fn unbuilt(action: &str, error: kube::core::request::Error) -> ApiError {
    ApiError::Unreachable { action: action.to_owned(), source: kube::Error::BuildRequest(error) }
}

fn failure(action: &str, error: kube::Error) -> ApiError {
    let action = action.to_owned();
    match error {
        kube::Error::Api(status) => ApiError::Refused {
            action,
            status: status.code,
            reason: status.reason.clone(),
            message: status.message.clone(),
        },
        source => ApiError::Unreachable { action, source },
    }
}

/// What is there if a thing may be missing.
fn found<T>(answer: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The API of one cluster.
#[derive(Clone)]
pub(super) struct Api {
    client: kube::Client,
    patience: Patience,
}

impl Api {
    pub(super) const fn new(client: kube::Client, patience: Patience) -> Self {
        Self { client, patience }
    }

    /// Makes a Job. A broken connection leaves open whether it was made, so at a later try it may be there already.
    pub(super) async fn create_job(&self, namespace: &str, job: &Value) -> Result<(), ApiError> {
        let action = format!("create a Job in the namespace {namespace}");
        let mut failures = 0;
        loop {
            let request = jobs(namespace).create(&PostParams::default(), job.to_string().into());
            let Err(error) = self.ask(&action, request).await else { return Ok(()) };
            failures += 1;
            if failures > 1 && error.status() == Some(409) {
                return Ok(());
            }
            if !error.may_pass() {
                return Err(error);
            }
            self.pause(failures, error).await?;
        }
    }

    /// The `status` of a Job, which may be empty; `None` if there is no such Job.
    pub(super) async fn job_status(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, ApiError> {
        let action = format!("read the status of the Job {name}");
        let mut failures = 0;
        loop {
            let request = jobs(namespace).get_subresource("status", name);
            let error = match found(self.ask(&action, request).await) {
                Ok(job) => return Ok(job.map(|mut job| job["status"].take())),
                Err(error) => error,
            };
            // Where no server is, the caller is told at once: that the worker is not known is an answer, too.
            if error.status().is_none() || !error.may_pass() {
                return Err(error);
            }
            failures += 1;
            self.pause(failures, error).await?;
        }
    }

    /// Deletes a Job; `false` if there is none. Its pods stay.
    pub(super) async fn delete_job(&self, namespace: &str, name: &str) -> Result<bool, ApiError> {
        let request = jobs(namespace).delete(name, &DeleteParams::default());
        let deleted = self.ask(&format!("delete the Job {name}"), request).await;
        Ok(found(deleted)?.is_some())
    }

    /// Deletes a pod; `false` if there is none.
    pub(super) async fn delete_pod(&self, namespace: &str, name: &str) -> Result<bool, ApiError> {
        let request = pods(namespace).delete(name, &DeleteParams::default());
        let deleted = self.ask(&format!("delete the pod {name}"), request).await;
        Ok(found(deleted)?.is_some())
    }

    /// The Job of a name; `None` if there is none.
    pub(super) async fn job(&self, namespace: &str, name: &str) -> Result<Option<Value>, ApiError> {
        let request = jobs(namespace).get(name, &GetParams::default());
        found(self.ask(&format!("read the Job {name}"), request).await)
    }

    /// The pods of a Job.
    pub(super) async fn pods_of(&self, namespace: &str, job: &str) -> Result<Vec<Value>, ApiError> {
        let selector = ListParams::default().labels(&format!("job-name={job}"));
        let action = format!("list the pods of the Job {job}");
        Ok(items(self.ask(&action, pods(namespace).list(&selector)).await?))
    }

    /// The events of a pod or a Job.
    pub(super) async fn events_of(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Vec<Value>, ApiError> {
        let selector = ListParams::default().fields(&format!("involvedObject.name={name}"));
        let events = Request::new(format!("/api/v1/namespaces/{namespace}/events"));
        let action = format!("list the events of {name}");
        Ok(items(self.ask(&action, events.list(&selector)).await?))
    }

    /// The last lines that a container printed, each with its time.
    pub(super) async fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
    ) -> Result<String, ApiError> {
        let params = LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(LOG_LINES),
            timestamps: true,
            ..LogParams::default()
        };
        let action = format!("read the log of the container {container} of the pod {pod}");
        let request =
            pods(namespace).logs(pod, &params).map_err(|error| unbuilt(&action, error))?;
        self.answer(&action, self.client.request_text(request)).await
    }

    async fn ask(&self, action: &str, request: Built) -> Result<Value, ApiError> {
        let request = request.map_err(|error| unbuilt(action, error))?;
        self.answer(action, self.client.request(request)).await
    }

    async fn answer<T>(
        &self,
        action: &str,
        answer: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, ApiError> {
        let limit = self.patience.answer;
        match timeout(limit, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failure(action, error)),
            Err(_) => Err(ApiError::NoAnswer { action: action.to_owned(), limit }),
        }
    }

    /// Waits before the next try; an error if there is none.
    async fn pause(&self, failures: u32, error: ApiError) -> Result<(), ApiError> {
        let retries = self.patience.retries;
        if failures > retries {
            return Err(ApiError::GivenUp { retries, source: Box::new(error) });
        }
        tracing::warn!(error = %error, "a call of the API of Kubernetes is tried again");
        sleep(self.patience.pause).await;
        Ok(())
    }
}
