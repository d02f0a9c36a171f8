//! A run that its code server cancels: what we report is what Dagster's own launcher reports.

use std::path::Path;

use dagster_instance::{DagsterInstance, Only, RunId};
use dagster_instance_tests::Home;
use instance_core::error::BoxError;
use serde_json::json;

use super::equal_rows::script;
use super::launched::{launched, open, ours, until_event};
use super::server::Server;

/// The events of a run: type, level, step, and message without numbers.
async fn events(home: &Path, run_id: &RunId) -> Result<Vec<String>, BoxError> {
    let instance = DagsterInstance::builder().home(home).open().await?;
    let entries = instance.all_logs(run_id, &Only::Any).await?;
    instance.dispose().await?;
    let shown = entries.iter().filter_map(|entry| {
        let event = entry.dagster_event.as_ref()?;
        let words = entry.message().split_inclusive(|letter: char| !letter.is_ascii_digit());
        let message: String = words
            .map(|word| word.trim_start_matches(|letter: char| letter.is_ascii_digit()))
            .collect();
        let step = entry.step_key().unwrap_or("-");
        Some(format!("{} {} {step} {message}", event.event_type_value, entry.level.name()))
    });
    Ok(shown.collect())
}

#[tokio::test]
async fn the_events_of_a_canceled_run_are_dagsters() -> Result<(), BoxError> {
    let server = Server::start().await?;
    let (theirs, home) = (Home::new(), Home::new());
    let their_run = RunId::from("00000000-0000-4000-8000-000000000001");
    let request = json!({"name": "long", "path": "U", "job": "long", "run_id": their_run.as_str()});
    let cancel = json!({"cancel": {"home": theirs.path(), "port": server.port(), "request": request, "step": "waited"}});
    let canceled = script(cancel).await?;
    assert_eq!(canceled["told"], "TerminateRunSuccess", "{canceled}");

    open(&home).await?.dispose().await?;
    let our_run = launched(&home, &server, "long").await?;
    until_event(&home, &our_run, "Started execution of step \"waited\"").await?;
    let output = ours(&home, &["run", "cancel", our_run.as_str()]).await?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    until_event(&home, &our_run, "Process for run exited").await?;
    let expected = events(theirs.path(), &their_run).await?;
    let part = "PIPELINE_CANCELING INFO - Sending run termination request.";
    assert!(expected.iter().any(|event| event == part), "{expected:#?}");
    assert_eq!(events(home.path(), &our_run).await?, expected);
    server.end().await
}
