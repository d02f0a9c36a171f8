//! An instance on the journal of the project beside: it creates a run, reports its events and follows them; then another
//! process, as it were, opens the journal and finds all of it.

use std::path::Path;

use dagster_instance::event::{AssetMaterialization, DagsterEvent, DagsterEventType};
use dagster_instance::run::DagsterRunStatus;
use dagster_instance::storage::Only;
use dagster_instance::{
    AssetKey, CommandJob, CommandSpec, DagsterInstance, ReportEvent, RunId, WatchEventLogs,
    WatchUntil,
};
use outside_store::Journal;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// An instance on the journal at a path.
async fn open(path: &Path) -> Outcome<DagsterInstance> {
    let journal = Journal::open(path).await?;
    Ok(DagsterInstance::builder().stores(journal.stores()).in_memory())
}

/// Creates a run and has it happen. Returns its id, and what who followed it has heard.
async fn execute(instance: &DagsterInstance) -> Outcome<(RunId, Vec<String>)> {
    let job = CommandJob::new("hello", &[AssetKey::new(["demo", "hello"])], false)?;
    let command = CommandSpec::new(vec!["echo".to_owned(), "hello".to_owned()])?;
    let run = instance.create_run(job.create_run(&command)).await?;

    let follow = WatchEventLogs::new(run.run_id.clone()).with_until(WatchUntil::RunEnds);
    let mut events = instance.watch_event_logs(follow).await?;
    let follower = tokio::spawn(async move {
        let mut types = Vec::new();
        while let Some(record) = events.next().await {
            let event = record?.event_log_entry.dagster_event;
            types.extend(event.map(|event| event.event_type_value));
        }
        Ok::<_, dagster_instance::InstanceError>(types)
    });
    for event_type in [DagsterEventType::RunStart, DagsterEventType::RunSuccess] {
        let event = DagsterEvent::new(event_type, &run.job_name);
        instance.report_dagster_event(ReportEvent::new(event, &run.run_id)).await?;
    }
    Ok((run.run_id, follower.await??))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("journal");
    let key = AssetKey::new(["lake", "orders"]);

    let instance = open(&path).await?;
    let (run_id, heard) = execute(&instance).await?;
    println!("{run_id}: {}", heard.join(", "));
    assert_eq!(heard, ["ASSET_MATERIALIZATION_PLANNED", "PIPELINE_START", "PIPELINE_SUCCESS"]);
    let made = AssetMaterialization::new(key.clone(), None);
    instance.report_runless_asset_event(made).await?;
    let before = instance.storage_info().await?;
    instance.dispose().await?;

    let again = open(&path).await?;
    let run = again.get_run_by_id(&run_id).await?.ok_or("the run is gone")?;
    assert_eq!(run.status, DagsterRunStatus::Success);
    assert_eq!(again.all_logs(&run_id, &Only::Any).await?.len(), heard.len());
    assert!(again.has_asset_key(&key).await?);
    assert_eq!(again.storage_info().await?, before);
    println!(
        "all of it is in the journal: {} run(s), schema {:?}",
        before.runs, before.schema_revisions
    );
    again.dispose().await?;

    // There is no database in this build, and it says so.
    let none = DagsterInstance::builder().home(directory.path()).open().await;
    let error = none.err().ok_or("a database was opened")?.to_string();
    println!("{error}");
    assert!(error.contains("feature `sqlite`"), "{error}");
    Ok(())
}
