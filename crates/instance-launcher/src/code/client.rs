//! The calls of a code server: a payload in, a payload out, errors by their kind.

use std::time::Duration;

use instance_core::code_location::CodeLocationError;
use instance_core::code_location::payloads::{
    CanCancelExecutionRequest, CanCancelExecutionResult, CancelExecutionRequest,
    CancelExecutionResult, ExecuteRemoteJobArgs, ExecutionPlanSnapshotArgs,
    ExecutionPlanSnapshotErrorData, GetCurrentImageResult, GetCurrentRunsResult, JobDataSnap,
    JobSubsetSnapshotArgs, ListRepositoriesResponse, PartitionArgs, PartitionConfigSnap,
    PartitionExecutionErrorSnap, PartitionNamesArgs, PartitionNamesSnap, PartitionTagsSnap,
    RemoteJobSubsetResult, RepositoryErrorSnap, ShutdownServerResult, StartRunResult,
};
use instance_core::error::chain;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::ids::RunId;
use instance_core::run::RemoteRepositoryOrigin;
use instance_core::serdes::{
    Reader, SerdesClass, UnknownFields, deserialize_value, serialize_value,
};
use instance_core::settings::GrpcLimits;
use instance_core::snap::ExecutionPlanSnapshot;
use tonic::codec::CompressionEncoding;
use tonic::metadata::{Ascii, MetadataKey, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::api;
use super::api::dagster_api_client::DagsterApiClient;
use super::channel::channel;
use super::target::GrpcTarget;

type Result<T> = std::result::Result<T, CodeLocationError>;

/// A client of one code server. Clones share its connection.
#[derive(Debug, Clone)]
pub struct CodeServerClient {
    target: GrpcTarget,
    headers: Vec<(MetadataKey<Ascii>, MetadataValue<Ascii>)>,
    api: DagsterApiClient<Channel>,
    limits: GrpcLimits,
}

/// Sends one message. A call that changes nothing is tried twice where the server is not there.
macro_rules! ask {
    ($client:ident.$method:ident($message:expr), $call:literal, $within:expr, tries $tries:literal) => {{
        let within: Duration = $within;
        let mut tries: u32 = $tries;
        loop {
            tries -= 1;
            let request = $client.request($message, within);
            let mut api = $client.api.clone();
            match tokio::time::timeout(within, api.$method(request)).await {
                Ok(Ok(reply)) => break Ok(reply.into_inner()),
                Ok(Err(status)) if status.code() == Code::Unavailable && tries > 0 => {}
                Ok(Err(status)) => break Err($client.failure($call, within, &status)),
                Err(_) => break Err($client.timed_out($call, within)),
            }
        }
    }};
}

impl CodeServerClient {
    /// A client of the server at this place. Nothing is sent before the first call.
    ///
    /// # Errors
    ///
    /// The target is no address, a header cannot be sent, or the trusted certificates cannot be read.
    pub fn new(target: GrpcTarget, limits: GrpcLimits) -> Result<Self> {
        let mut headers = Vec::new();
        for (name, value) in &target.headers {
            let unusable = |what: &str| CodeLocationError::Protocol {
                target: target.to_string(),
                call: "the connection",
                reason: format!("the {what} of the header {name:?} cannot be sent"),
            };
            let key = name.to_ascii_lowercase().parse().map_err(|_| unusable("name"))?;
            headers.push((key, value.parse().map_err(|_| unusable("value"))?));
        }
        let api = DagsterApiClient::new(channel(&target, &limits)?)
            .send_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(limits.max_rx_bytes)
            .max_encoding_message_size(limits.max_send_bytes);
        Ok(Self { target, headers, api, limits })
    }

    /// Where the server is.
    pub const fn target(&self) -> &GrpcTarget {
        &self.target
    }

    /// The limits of its calls.
    pub const fn limits(&self) -> &GrpcLimits {
        &self.limits
    }

    /// Whether the server is there.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn ping(&self) -> Result<()> {
        let message = || api::PingRequest { echo: "ping".to_owned() };
        let reply = ask!(self.ping(message()), "Ping", self.limits.timeout, tries 2)?;
        if reply.echo == "ping" {
            return Ok(());
        }
        Err(self.protocol("Ping", format!("it echoed {:?}", reply.echo)))
    }

    /// Tells the server that its client is there. A server that was started with `--heartbeat` ends when it hears nothing for
    /// some time. Others take no notice.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn heartbeat(&self) -> Result<()> {
        let message = || api::PingRequest { echo: "ping".to_owned() };
        ask!(self.heartbeat(message()), "Heartbeat", self.limits.timeout, tries 2)?;
        Ok(())
    }

    /// Tells the server to load its code again. It is never tried twice.
    ///
    /// # Errors
    ///
    /// It does not answer, or its code could not be loaded. [`CodeLocationError::Unimplemented`] from servers of before
    /// 1.4.11.
    pub async fn reload_code(&self) -> Result<()> {
        let within = self.limits.repository_timeout;
        let reply =
            ask!(self.reload_code(api::ReloadCodeRequest {}), "ReloadCode", within, tries 1)?;
        if reply.serialized_error.is_empty() {
            return Ok(());
        }
        Err(self.told_error("ReloadCode", Some("SerializableErrorInfo"), &reply.serialized_error))
    }

    /// The id of the server, which is another one after its start.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn get_server_id(&self) -> Result<String> {
        let reply =
            ask!(self.get_server_id(api::Empty {}), "GetServerId", self.limits.timeout, tries 2)?;
        Ok(reply.server_id)
    }

    /// The repositories of the server.
    ///
    /// # Errors
    ///
    /// It does not answer, or its code could not be loaded.
    pub async fn list_repositories(&self) -> Result<ListRepositoriesResponse> {
        const CALL: &str = "ListRepositories";
        let message = api::ListRepositoriesRequest {};
        let within = self.limits.repository_timeout;
        let reply = ask!(self.list_repositories(message), "ListRepositories", within, tries 2)?;
        self.either(CALL, &reply.serialized_list_repositories_response_or_error)
    }

    /// The text of a repository, without the snapshots of its jobs. Servers of before 1.0.17 send these, too.
    ///
    /// # Errors
    ///
    /// It does not answer, sends more than four times the most bytes of a message, or cannot load the repository.
    pub async fn repository(&self, origin: &RemoteRepositoryOrigin) -> Result<String> {
        const CALL: &str = "StreamingExternalRepository";
        let within = self.limits.repository_timeout;
        let text = serialize_value(origin);
        let message = || api::ExternalRepositoryRequest {
            serialized_repository_python_origin: text.clone(),
            defer_snapshots: true,
        };
        let whole = async {
            let mut stream = ask!(
                self.streaming_external_repository(message()),
                "StreamingExternalRepository", within, tries 2
            )?;
            let mut whole = String::new();
            let mut next = 0;
            loop {
                let chunk = stream.message().await;
                let Some(chunk) = chunk.map_err(|status| self.failure(CALL, within, &status))?
                else {
                    return Ok(whole);
                };
                if chunk.sequence_number != next {
                    let reason =
                        format!("chunk {} came in the place of {next}", chunk.sequence_number);
                    return Err(self.protocol(CALL, reason));
                }
                next += 1;
                whole.push_str(&chunk.serialized_external_repository_chunk);
                let most = self.limits.max_rx_bytes.saturating_mul(4);
                if whole.len() > most {
                    let reason = format!(
                        "it has more than {most} bytes; raise DAGSTER_GRPC_MAX_RX_BYTES, of which four times is taken"
                    );
                    return Err(self.protocol(CALL, reason));
                }
            }
        };
        let whole = tokio::time::timeout(within, whole).await;
        let whole = whole.map_err(|_| self.timed_out(CALL, within))??;
        match self.class(CALL, &whole)?.as_deref() {
            Some("ExternalRepositoryData") => Ok(whole),
            class => Err(self.told_error(CALL, class, &whole)),
        }
    }

    /// A job with its snapshot.
    ///
    /// # Errors
    ///
    /// It does not answer, or has no such job. [`CodeLocationError::Unimplemented`] from servers of before 1.0.17.
    pub async fn job(
        &self,
        origin: &RemoteRepositoryOrigin,
        job_name: &str,
    ) -> Result<JobDataSnap> {
        const CALL: &str = "ExternalJob";
        let within = self.limits.repository_timeout;
        let text = serialize_value(origin);
        let message = || api::ExternalJobRequest {
            serialized_repository_origin: text.clone(),
            job_name: job_name.to_owned(),
        };
        let reply = ask!(self.external_job(message()), "ExternalJob", within, tries 2)?;
        if reply.serialized_error.is_empty() {
            self.read(CALL, &reply.serialized_job_data)
        } else {
            Err(self.told_error(CALL, Some("SerializableErrorInfo"), &reply.serialized_error))
        }
    }

    /// A part of a job. It always succeeds.
    ///
    /// # Errors
    ///
    /// It does not answer, or there is no such part.
    pub async fn job_subset(&self, args: &JobSubsetSnapshotArgs) -> Result<RemoteJobSubsetResult> {
        const CALL: &str = "ExternalPipelineSubsetSnapshot";
        let text = serialize_value(args);
        let message = || api::ExternalPipelineSubsetSnapshotRequest {
            serialized_pipeline_subset_snapshot_args: text.clone(),
        };
        let within = self.limits.repository_timeout;
        let reply = ask!(
            self.external_pipeline_subset_snapshot(message()),
            "ExternalPipelineSubsetSnapshot", within, tries 2
        )?;
        let result: RemoteJobSubsetResult =
            self.either(CALL, &reply.serialized_external_pipeline_subset_result)?;
        match result.error {
            Some(info) => Err(CodeLocationError::user_code(info)),
            None if result.success && result.job_data.is_some() => Ok(result),
            None => Err(self.protocol(CALL, "there is neither a job nor an error".to_owned())),
        }
    }

    /// The plan of a run.
    ///
    /// # Errors
    ///
    /// It does not answer, or there is no such plan: the configuration or a step is wrong.
    pub async fn execution_plan(
        &self,
        args: &ExecutionPlanSnapshotArgs,
    ) -> Result<ExecutionPlanSnapshot> {
        let text = serialize_value(args);
        let message = || api::ExecutionPlanSnapshotRequest {
            serialized_execution_plan_snapshot_args: text.clone(),
        };
        let within = self.limits.repository_timeout;
        let reply = ask!(
            self.execution_plan_snapshot(message()), "ExecutionPlanSnapshot", within, tries 2
        )?;
        self.either("ExecutionPlanSnapshot", &reply.serialized_execution_plan_snapshot)
    }

    /// The keys of a job's partitions.
    ///
    /// # Errors
    ///
    /// It does not answer, or the job has no partitions.
    pub async fn partition_names(&self, args: &PartitionNamesArgs) -> Result<PartitionNamesSnap> {
        let text = serialize_value(args);
        let message =
            || api::ExternalPartitionNamesRequest { serialized_partition_names_args: text.clone() };
        let within = self.limits.timeout;
        let reply = ask!(
            self.external_partition_names(message()), "ExternalPartitionNames", within, tries 2
        )?;
        let text = &reply.serialized_external_partition_names_or_external_partition_execution_error;
        self.either("ExternalPartitionNames", text)
    }

    /// The configuration of the run of one partition. The server does not check the key.
    ///
    /// # Errors
    ///
    /// It does not answer, or its code has failed.
    pub async fn partition_config(&self, args: &PartitionArgs) -> Result<PartitionConfigSnap> {
        let text = serialize_value(args);
        let message =
            || api::ExternalPartitionConfigRequest { serialized_partition_args: text.clone() };
        let within = self.limits.timeout;
        let reply = ask!(
            self.external_partition_config(message()), "ExternalPartitionConfig", within, tries 2
        )?;
        let text =
            &reply.serialized_external_partition_config_or_external_partition_execution_error;
        self.either("ExternalPartitionConfig", text)
    }

    /// The tags of the run of one partition. The server does not check the key.
    ///
    /// # Errors
    ///
    /// It does not answer, its code has failed, or the job has no partitions.
    pub async fn partition_tags(&self, args: &PartitionArgs) -> Result<PartitionTagsSnap> {
        let text = serialize_value(args);
        let message =
            || api::ExternalPartitionTagsRequest { serialized_partition_args: text.clone() };
        let within = self.limits.timeout;
        let reply = ask!(
            self.external_partition_tags(message()), "ExternalPartitionTags", within, tries 2
        )?;
        let text = &reply.serialized_external_partition_tags_or_external_partition_execution_error;
        self.either("ExternalPartitionTags", text)
    }

    /// Has the server start the worker of a run. It is never tried twice.
    ///
    /// # Errors
    ///
    /// It does not answer; the worker may have been started then. A worker that was not started is no error of this
    /// call, but its result.
    pub async fn start_run(&self, args: &ExecuteRemoteJobArgs) -> Result<StartRunResult> {
        self.start_run_within(args, None).await
    }

    /// The same with no more time than this, if there is less than for other calls.
    pub(crate) async fn start_run_within(
        &self,
        args: &ExecuteRemoteJobArgs,
        most: Option<Duration>,
    ) -> Result<StartRunResult> {
        let message = api::StartRunRequest { serialized_execute_run_args: serialize_value(args) };
        let within = most.map_or(self.limits.timeout, |most| most.min(self.limits.timeout));
        let reply = ask!(self.start_run(message.clone()), "StartRun", within, tries 1)?;
        self.either("StartRun", &reply.serialized_start_run_result)
    }

    /// Has the server stop the worker of a run. It is never tried twice.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn cancel_execution(&self, run_id: &RunId) -> Result<CancelExecutionResult> {
        let request =
            CancelExecutionRequest { run_id: run_id.clone(), unknown: UnknownFields::default() };
        let message = api::CancelExecutionRequest {
            serialized_cancel_execution_request: serialize_value(&request),
        };
        let within = self.limits.timeout;
        let reply =
            ask!(self.cancel_execution(message.clone()), "CancelExecution", within, tries 1)?;
        self.either("CancelExecution", &reply.serialized_cancel_execution_result)
    }

    /// Whether the server has the worker of a run.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn can_cancel_execution(&self, run_id: &RunId) -> Result<bool> {
        let request =
            CanCancelExecutionRequest { run_id: run_id.clone(), unknown: UnknownFields::default() };
        let message = api::CanCancelExecutionRequest {
            serialized_can_cancel_execution_request: serialize_value(&request),
        };
        let within = self.limits.timeout;
        let reply = ask!(
            self.can_cancel_execution(message.clone()), "CanCancelExecution", within, tries 2
        )?;
        let result: CanCancelExecutionResult =
            self.either("CanCancelExecution", &reply.serialized_can_cancel_execution_result)?;
        Ok(result.can_cancel)
    }

    /// The runs whose workers the server has.
    ///
    /// # Errors
    ///
    /// It does not answer. [`CodeLocationError::Unimplemented`] from servers of before 1.1.18.
    pub async fn get_current_runs(&self) -> Result<Vec<RunId>> {
        let within = self.limits.timeout;
        let reply = ask!(self.get_current_runs(api::Empty {}), "GetCurrentRuns", within, tries 2)?;
        let result: GetCurrentRunsResult =
            self.either("GetCurrentRuns", &reply.serialized_current_runs)?;
        match result.serializable_error_info {
            Some(info) => Err(CodeLocationError::user_code(info)),
            None => Ok(result.current_runs),
        }
    }

    /// The image of the server's container; `None` if it does not know one.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn get_current_image(&self) -> Result<Option<String>> {
        let within = self.limits.timeout;
        let reply =
            ask!(self.get_current_image(api::Empty {}), "GetCurrentImage", within, tries 2)?;
        let result: GetCurrentImageResult =
            self.either("GetCurrentImage", &reply.serialized_current_image)?;
        Ok(result.current_image)
    }

    /// Tells the server to end as soon as it has no runs.
    ///
    /// # Errors
    ///
    /// It does not answer, or does not end.
    pub async fn shutdown_server(&self) -> Result<()> {
        let within = self.limits.timeout;
        let reply = ask!(self.shutdown_server(api::Empty {}), "ShutdownServer", within, tries 1)?;
        let result: ShutdownServerResult =
            self.either("ShutdownServer", &reply.serialized_shutdown_server_result)?;
        match result.serializable_error_info {
            Some(info) => Err(CodeLocationError::user_code(info)),
            None => Ok(()),
        }
    }

    fn request<M>(&self, message: M, within: Duration) -> Request<M> {
        let mut request = Request::new(message);
        // The server gives up at this time. Ours comes first, so that a time that is over is told as such.
        request.set_timeout(within + Duration::from_secs(1));
        for (name, value) in &self.headers {
            request.metadata_mut().insert(name.clone(), value.clone());
        }
        request
    }

    fn failure(&self, call: &'static str, within: Duration, status: &Status) -> CodeLocationError {
        let target = self.target.to_string();
        match status.code() {
            Code::DeadlineExceeded => self.timed_out(call, within),
            Code::Unimplemented => CodeLocationError::Unimplemented { target, call },
            code => CodeLocationError::Unreachable {
                target,
                code: name_of(code),
                source: reason(status).into(),
            },
        }
    }

    fn timed_out(&self, call: &'static str, within: Duration) -> CodeLocationError {
        let target = self.target.to_string();
        CodeLocationError::TimedOut { target, call, seconds: within.as_secs() }
    }

    fn protocol(&self, call: &'static str, reason: String) -> CodeLocationError {
        CodeLocationError::Protocol { target: self.target.to_string(), call, reason }
    }

    fn read<T: SerdesClass>(&self, call: &'static str, text: &str) -> Result<T> {
        deserialize_value(text).map_err(|error| self.protocol(call, error.to_string()))
    }

    fn class(&self, call: &'static str, text: &str) -> Result<Option<String>> {
        let class = Reader::new(text).class();
        let class = class.map_err(|error| self.protocol(call, error.to_string()))?;
        Ok(class.map(std::borrow::Cow::into_owned))
    }

    /// What was asked for, or the error that stands in its place.
    fn either<T: SerdesClass>(&self, call: &'static str, text: &str) -> Result<T> {
        match self.class(call, text)?.as_deref() {
            Some(class) if T::has_storage_name(class) => self.read(call, text),
            class => Err(self.told_error(call, class, text)),
        }
    }

    /// The error that a server has sent as the class of this name.
    fn told_error(&self, call: &'static str, class: Option<&str>, text: &str) -> CodeLocationError {
        let told: Result<Option<SerializableErrorInfo>> = match class {
            Some("SerializableErrorInfo") => self.read(call, text).map(Some),
            Some("ExternalRepositoryErrorData") => {
                self.read(call, text).map(|told: RepositoryErrorSnap| told.error)
            }
            Some("ExternalPartitionExecutionErrorData") => {
                self.read(call, text).map(|told: PartitionExecutionErrorSnap| told.error)
            }
            Some("ExecutionPlanSnapshotErrorData") => {
                self.read(call, text).map(|told: ExecutionPlanSnapshotErrorData| told.error)
            }
            Some(class) => {
                return self.protocol(call, format!("it is an object of the class {class}"));
            }
            None => return self.protocol(call, "it is no object of a class".to_owned()),
        };
        match told {
            Ok(Some(info)) => CodeLocationError::user_code(info),
            Ok(None) => self.protocol(call, "it is an error without a reason".to_owned()),
            Err(error) => error,
        }
    }
}

/// What a status says, and what is behind it.
fn reason(status: &Status) -> String {
    let message = match status.message() {
        "" => status.code().description(),
        message => message,
    };
    match std::error::Error::source(status) {
        Some(source) => {
            let source = chain(source);
            if source.contains(message) { source } else { format!("{message}: {source}") }
        }
        None => message.to_owned(),
    }
}

/// gRPC's name of a code.
const fn name_of(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
