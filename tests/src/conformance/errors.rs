//! Errors as exceptions of Dagster's: which class, what text, and what identifies the thing they are about.

use std::error::Error;

use instance_core::error::StorageError;
use instance_core::ids::RunId;

use super::envelope::Wire;

const ARGUMENT: &str = "builtins.TypeError";
const CHECK: &str = "dagster_shared.check.functions.CheckError";
const DATABASE: &str = "sqlalchemy.exc.DatabaseError";
const DESERIALIZATION: &str = "dagster_shared.serdes.errors.DeserializationError";
const EVENT_LOG_INVALID: &str = "dagster._core.errors.DagsterEventLogInvalidForRun";
const EXCEPTION: &str = "builtins.Exception";
const INVALID_INVOCATION: &str = "dagster._core.errors.DagsterInvalidInvocationError";
const INVARIANT: &str = "dagster._core.errors.DagsterInvariantViolationError";
const KEY: &str = "builtins.KeyError";
const NOT_IMPLEMENTED: &str = "builtins.NotImplementedError";
const OS: &str = "builtins.OSError";
const RUN_ALREADY_EXISTS: &str = "dagster._core.errors.DagsterRunAlreadyExists";
const RUN_NOT_FOUND: &str = "dagster._core.errors.DagsterRunNotFoundError";
const SNAPSHOT_DOES_NOT_EXIST: &str = "dagster._core.errors.DagsterSnapshotDoesNotExist";

/// The table of events, whose bodies belong to runs.
const EVENT_LOGS: &str = "event_logs";

/// An exception to raise on the other side.
#[derive(Debug)]
pub(crate) struct WireError {
    class: &'static str,
    message: String,
    /// Attributes of the exception.
    data: Vec<(&'static str, String)>,
    /// For people: the error as it was here.
    trace: String,
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for WireError {}

impl WireError {
    fn new(class: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { class, data: Vec::new(), trace: message.clone(), message }
    }

    /// An argument is missing or of another type.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(ARGUMENT, message)
    }

    /// An argument holds a body that cannot be read.
    pub(crate) fn body(message: impl Into<String>) -> Self {
        Self::new(DESERIALIZATION, message)
    }

    /// What Dagster's own checks of arguments raise.
    pub(crate) fn check(message: impl Into<String>) -> Self {
        Self::new(CHECK, message)
    }

    /// Any other exception.
    pub(crate) fn exception(message: impl Into<String>) -> Self {
        Self::new(EXCEPTION, message)
    }

    /// Something that has to hold does not.
    pub(crate) fn invariant(message: impl Into<String>) -> Self {
        Self::new(INVARIANT, message)
    }

    /// A method that the storage does not have.
    pub(crate) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(NOT_IMPLEMENTED, message)
    }

    /// A handle that was not opened.
    pub(crate) fn unknown_handle(handle: Option<i64>) -> Self {
        Self::new(KEY, format!("there is no handle {handle:?}"))
    }

    /// There is no such run.
    pub(crate) fn run_not_found(run_id: &RunId) -> Self {
        let mut error =
            Self::new(RUN_NOT_FOUND, format!("Run {run_id} was not found in instance."));
        error.data.push(("invalid_run_id", run_id.to_string()));
        error
    }

    /// The error of a method that reads the log of one run: bodies that cannot be read are that run's.
    pub(crate) fn of_run(run_id: &RunId, error: StorageError) -> Self {
        if !matches!(error, StorageError::Decode { table: EVENT_LOGS, .. }) {
            return error.into();
        }
        let message = format!("Event logs invalid for run id {run_id}");
        let mut invalid = Self::new(EVENT_LOG_INVALID, message);
        invalid.data.push(("run_id", run_id.to_string()));
        invalid.trace = chain(&error);
        invalid
    }

    /// As it is sent.
    pub(crate) fn to_wire(&self) -> Wire {
        let data = self
            .data
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Wire::Text(value.clone())))
            .collect();
        let text = |text: &str| Wire::Text(text.to_owned());
        Wire::Object(vec![
            ("type".to_owned(), text(self.class)),
            ("msg".to_owned(), text(&self.message)),
            ("data".to_owned(), Wire::Object(data)),
            ("trace".to_owned(), text(&self.trace)),
        ])
    }
}

impl From<StorageError> for WireError {
    fn from(error: StorageError) -> Self {
        let class = match &error {
            StorageError::RunNotFound { run_id } => {
                let mut not_found = Self::run_not_found(run_id);
                not_found.trace = chain(&error);
                return not_found;
            }
            StorageError::RunAlreadyExists { .. } => RUN_ALREADY_EXISTS,
            StorageError::SnapshotDoesNotExist { .. } => SNAPSHOT_DOES_NOT_EXIST,
            StorageError::AlreadyExists { .. }
            | StorageError::Duplicate { .. }
            | StorageError::NotFound { .. } => INVARIANT,
            StorageError::Invalid { .. } => INVALID_INVOCATION,
            StorageError::Decode { .. } => DESERIALIZATION,
            StorageError::Unsupported { .. } => CHECK,
            StorageError::Io { .. } => OS,
            StorageError::Backend { .. } => DATABASE,
            _ => EXCEPTION,
        };
        Self::new(class, chain(&error))
    }
}

/// The text of an error and of those behind it.
pub(crate) fn chain(error: &StorageError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
