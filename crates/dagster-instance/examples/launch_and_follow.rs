//! Creates a run of a command, launches it, and follows its events to its end.
//!
//! `cargo run --package dagster-instance --example launch_and_follow`

use dagster_instance::{
    AssetKey, CommandJob, CommandSpec, DagsterInstance, DefaultRunCoordinator, ProcessRunLauncher,
    WatchEventLogs, WatchUntil,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A directory of its own; without `home`, it would be that of `DAGSTER_HOME`.
    let home = tempfile::tempdir()?;
    let launcher = ProcessRunLauncher::new();
    let builder = DagsterInstance::builder().home(home.path()).run_launcher(launcher);
    // Without it, the run would wait in Dagster's queue.
    let instance = builder.run_coordinator(DefaultRunCoordinator).open().await?;

    let job = CommandJob::new("hello", &[AssetKey::new(["demo", "hello"])], false)?;
    let command = CommandSpec::new(vec!["echo".to_owned(), "hello".to_owned()])?;
    let run = instance.create_run(job.create_run(&command)).await?;
    instance.submit_run(&run.run_id).await?;

    let follow = WatchEventLogs::new(run.run_id.clone()).with_until(WatchUntil::RunEnds);
    let mut events = instance.watch_event_logs(follow).await?;
    while let Some(record) = events.next().await {
        println!("{}", record?.event_log_entry.message());
    }

    let ended = instance.get_run_by_id(&run.run_id).await?.ok_or("the run is gone")?;
    println!("{} ended as {}", ended.run_id, ended.status);
    instance.dispose().await?;
    if ended.status.to_string() == "SUCCESS" { Ok(()) } else { Err("the run failed".into()) }
}
