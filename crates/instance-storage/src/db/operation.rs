//! What is done with a database, as errors and spans name it.

use instance_core::error::StorageError;
use instance_core::ids::RunId;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};

/// What is done with a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation<'o> {
    name: &'static str,
    run_id: Option<&'o RunId>,
}

impl From<&'static str> for Operation<'_> {
    fn from(name: &'static str) -> Self {
        Self { name, run_id: None }
    }
}

impl<'o> Operation<'o> {
    /// What is done about one run.
    pub(crate) const fn of_run(name: &'static str, run_id: &'o RunId) -> Self {
        Self { name, run_id: Some(run_id) }
    }

    pub(super) const fn name(self) -> &'static str {
        self.name
    }

    /// Runs the work of an operation in a span. Every call of a store passes here. `rows` says how many rows a
    /// result has.
    pub(crate) async fn observe<T>(
        self,
        database: &str,
        rows: impl FnOnce(&T) -> Option<usize> + Send,
        work: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        let span = self.span(database);
        let outcome = work.instrument(span.clone()).await;
        if !span.is_disabled() {
            match &outcome {
                Ok(value) => {
                    if let Some(rows) = rows(value) {
                        span.record("rows", rows);
                    }
                }
                Err(error) => {
                    span.record("error", display(error));
                }
            }
        }
        outcome
    }

    /// The name of a database has no password.
    fn span(self, database: &str) -> Span {
        tracing::debug_span!(
            "storage",
            operation = self.name,
            database,
            run_id = self.run_id.map(RunId::as_str),
            rows = Empty,
            error = Empty
        )
    }
}
