//! SQLite as it is found: where its files lie, who may write them, and what else lies there.

mod journals;
mod live_writers;
mod names;
mod one_directory;
mod read_only;
mod shards;

use std::collections::BTreeSet;
use std::path::Path;

use instance_core::event::DagsterEventType;
use instance_core::run::RunsFilter;
use instance_core::storage::{EventStoreExt, RecordsForRun, RunsPage};
use instance_core::{RunId, StorageError};
use instance_storage::Storages;

use crate::support::{event, later, line, run};

fn is_database(path: impl AsRef<Path>) -> bool {
    path.as_ref().extension().is_some_and(|ending| ending == "db")
}

/// Fills a home with a run of two events.
async fn fill(storages: &Storages, run_id: &str) -> Result<(), StorageError> {
    storages.create().await?;
    storages.run_storage().add_run(&run(run_id, "j", &[("k", "v")]), later(0)).await?;
    let events = storages.event_log_storage();
    events.store_event(&event(run_id, DagsterEventType::RunStart, 0)).await?;
    events.store_event(&line(run_id, "kept", 1)).await?;
    events.add_dynamic_partitions("p", &["a".to_owned()]).await
}

async fn run_ids(storages: &Storages) -> Result<BTreeSet<String>, StorageError> {
    let (all, page) = (RunsFilter::default(), RunsPage::default());
    let records = storages.run_storage().get_run_records(&all, &page).await?;
    Ok(records.iter().map(|record| record.dagster_run.run_id.to_string()).collect())
}

async fn messages(storages: &Storages, run_id: &str) -> Result<Vec<String>, StorageError> {
    let query = RecordsForRun::new(RunId::from(run_id));
    let page = storages.event_log_storage().get_records_for_run(&query).await?;
    Ok(page.records.iter().map(|record| record.event_log_entry.message().to_owned()).collect())
}
