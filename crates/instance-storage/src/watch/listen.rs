//! Notices of a Postgres server about events that were committed.

use std::sync::Arc;

use instance_core::ids::RunId;
use tokio::task::JoinHandle;

use super::Followed;
use crate::db::Database;
use crate::sql::events::RUN_EVENTS;

/// A connection that listens, until this is dropped.
#[derive(Debug)]
pub(super) struct Listening {
    task: Option<JoinHandle<()>>,
}

impl Listening {
    /// Begins to listen; a connection that is lost is replaced.
    pub(super) fn begin(database: &Arc<Database>, followed: &Arc<Followed>) -> Self {
        let Database::Postgres(postgres) = &**database else {
            return Self { task: None };
        };
        let (noticed, begun) = (Arc::clone(followed), Arc::clone(followed));
        let task = postgres.listen(
            RUN_EVENTS,
            move |payload| {
                if let Some(run_id) = run_of(payload) {
                    noticed.visible(&run_id);
                }
            },
            // Nobody has told us what came before.
            move || begun.early_of_all(),
        );
        Self { task: Some(task) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn run_of(payload: &str) -> Option<RunId> {
    payload.rsplit_once('_').map(|(run_id, _)| RunId::from(run_id))
}
