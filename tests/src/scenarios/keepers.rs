//! What steps about keepers do: one look of a duty, by a keeper that goes on through the steps of a document.
//!
//! Not here: the loop that looks again and again, and the lease (`crates/instance-launcher/tests/it/keepers.rs`).

use std::sync::Arc;

use dagster_instance::DagsterInstance;
use dagster_instance::code_location::Workspace;
use dagster_instance::monitoring::RunMonitor;
use dagster_instance::ops::StoresAccess;
use dagster_instance::retries::RetryConsumer;
use serde_json::Value;

use super::Result;
use super::arguments::Arguments;
use super::code_location::{Recorded, RecordedWorkspace};

/// The keepers of one process, with what they remember from look to look.
#[derive(Debug, Default)]
pub(super) struct Keepers {
    monitor: RunMonitor,
    retries: RetryConsumer,
}

impl Keepers {
    /// Plays a step; `None` if it is not about keepers, nor about the slots of pools that they free.
    pub(super) async fn play(
        &mut self,
        instance: &DagsterInstance,
        name: &str,
        arguments: Arguments<'_>,
    ) -> Result<Option<Value>> {
        let pools = &instance.stores().event_log_storage;
        match name {
            "monitor_runs" => {
                let look = Box::pin(self.monitor.look(instance, None)).await?;
                return Ok(Some(Value::from(look.errors.len().to_string())));
            }
            "retry_runs" => {
                let recorded = Arc::new(Recorded::of(arguments)?);
                let workspace: Arc<dyn Workspace> = Arc::new(RecordedWorkspace(recorded));
                // Which runs could not be retried is among their events.
                Box::pin(self.retries.look(instance, &workspace, instance, None)).await?;
            }
            "restart_keepers" => *self = Self::default(),
            "set_concurrency_slots" => {
                let limit = arguments.number("limit")?;
                pools.set_concurrency_slots(arguments.text("pool")?, limit).await?;
            }
            "claim_concurrency_slot" => {
                let (pool, step_key) = (arguments.text("pool")?, arguments.text("step_key")?);
                let run_id = arguments.run_id("run_id")?.ok_or("no run id")?;
                pools.claim_concurrency_slot(pool, &run_id, step_key, None).await?;
            }
            _ => return Ok(None),
        }
        Ok(Some(Value::Null))
    }
}
