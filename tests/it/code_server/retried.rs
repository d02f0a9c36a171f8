//! Runs that execute others again: stored as Dagster's UI stores them, and what `run retry` does and says.

use dagster_instance::{
    Clock, DagsterInstance, InstanceError, QueuedRunCoordinator, ReexecutionStrategy, RetryRequest,
    RunId, SystemClock,
};
use dagster_instance_tests::{Home, copy_directory};
use instance_core::error::BoxError;
use instance_core::run::RunsFilter;
use serde_json::{Value, json};

use super::equal_rows::{equal, script};
use super::launched::{ours, text};
use super::server::Server;

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The runs that are executed before: what they are of, and how they end.
fn parents() -> Vec<(Value, &'static str)> {
    let by_name = json!([["by_name"]]);
    let mut parents = vec![
        (json!({"name": "ops", "job": "flaky"}), "FAILURE"),
        (json!({"name": "some ops", "job": "flaky", "ops": ["*unsteady"]}), "FAILURE"),
        (json!({"name": "job of assets", "job": "flaky_assets"}), "FAILURE"),
        (
            json!({"name": "assets", "job": "__ASSET_JOB", "assets": [["steady"], ["shaky"]],
                   "checks": [[["shaky"], "sound"]]}),
            "FAILURE",
        ),
        (
            json!({"name": "gate", "job": "__ASSET_JOB", "assets": [["gated"], ["behind"]]}),
            "FAILURE",
        ),
        (
            json!({"name": "partition", "job": "__ASSET_JOB", "assets": by_name,
                   "asset_tags": {"dagster/partition": "x"}}),
            "SUCCESS",
        ),
        (json!({"name": "partition of a job", "job": "part_job", "partition": "a"}), "SUCCESS"),
        (json!({"name": "stubborn", "job": "flaky", "tags": {"stubborn": "yes"}}), "FAILURE"),
    ];
    for (number, (parent, _)) in parents.iter_mut().enumerate() {
        parent["run_id"] = json!(id(number + 1));
    }
    parents
}

/// The number of the run that executes the stubborn one again, and fails, too.
const SECOND: usize = 20;

/// What is executed again, and how.
const RETRIES: [(usize, &str); 13] = [
    (1, "FROM_FAILURE"),
    (1, "ALL_STEPS"),
    (2, "FROM_FAILURE"),
    (2, "ALL_STEPS"),
    (3, "FROM_FAILURE"),
    (3, "FROM_ASSET_FAILURE"),
    (4, "FROM_FAILURE"),
    (4, "FROM_ASSET_FAILURE"),
    (4, "ALL_STEPS"),
    (5, "FROM_ASSET_FAILURE"),
    (6, "ALL_STEPS"),
    (7, "ALL_STEPS"),
    (SECOND, "FROM_FAILURE"),
];

fn strategy_of(name: &str) -> ReexecutionStrategy {
    match name {
        "FROM_FAILURE" => ReexecutionStrategy::FromFailure,
        "FROM_ASSET_FAILURE" => ReexecutionStrategy::FromAssetFailure,
        _ => ReexecutionStrategy::AllSteps,
    }
}

#[tokio::test]
async fn retries_are_stored_as_dagster_stores_them() -> Result<(), BoxError> {
    let since = SystemClock.now().timestamp() - 1;
    let server = Server::start().await?;
    let port = server.port();
    let theirs = Home::new();
    let parents = parents();
    let second = json!({"name": "second", "parent": id(8), "strategy": "FROM_FAILURE", "run_id": id(SECOND)});
    let first: Vec<_> = parents.iter().map(|(parent, _)| parent).collect();
    let rounds = json!([first, [second]]);
    let executed =
        script(json!({"execute": {"home": theirs.path(), "port": port, "rounds": rounds}})).await?;
    assert_eq!(executed["failed"], json!({}), "Dagster launches all of them");
    for (parent, status) in &parents {
        let name = parent["name"].as_str().unwrap_or_default();
        assert_eq!(executed["ended"][name], json!(status), "{name}");
    }
    assert_eq!(executed["ended"]["second"], "FAILURE");

    // From here on, runs wait in the queue on both sides, so that no worker writes anything.
    let directory = tempfile::tempdir()?;
    let copy = directory.path().join("home");
    copy_directory(theirs.path(), &copy)?;
    let tags = json!({"why": "again", "team": "red"});
    let asked: Vec<Value> = RETRIES
        .iter()
        .enumerate()
        .map(|(number, (parent, strategy))| {
            json!({"name": format!("{parent} {strategy}"), "parent": id(*parent), "strategy": strategy,
                   "run_id": id(30 + number), "tags": tags})
        })
        .collect();
    let retried =
        script(json!({"retry": {"home": theirs.path(), "port": port, "retries": asked}})).await?;
    assert_eq!(retried["failed"], json!({}), "Dagster executes all of them again");

    let builder = DagsterInstance::builder().home(&copy);
    let instance = builder.run_coordinator(QueuedRunCoordinator).open().await?;
    for (number, (parent, strategy)) in RETRIES.iter().enumerate() {
        let run_id = RunId::from(id(*parent));
        let run = instance.get_run_by_id(&run_id).await?.ok_or("the parent is there")?;
        let location = instance.open_code_location_of_run(&run).await?;
        let mut request = RetryRequest::new(run_id, strategy_of(strategy));
        request.new_run_id = Some(RunId::from(id(30 + number)));
        request.tags = [("why", "again"), ("team", "red")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let made = instance.retry_run(&location, request).await;
        let made = made.map_err(|error| format!("{parent} {strategy}: {error:?}"))?;
        assert_eq!(made.run_id, RunId::from(id(30 + number)));
    }
    nothing_is_left(&instance).await?;
    instance.dispose().await?;
    let compare = json!({"compare": {"theirs": theirs.path(), "ours": copy, "since": since}});
    let found = script(compare).await?;
    let runs = parents.len() + 1 + RETRIES.len();
    assert_eq!(found["rows"]["history/runs.db runs"], json!(runs), "{found}");
    equal(&found)?;
    server.end().await
}

/// What Dagster refuses is refused, and no run is made.
async fn nothing_is_left(instance: &DagsterInstance) -> Result<(), BoxError> {
    let before = instance.get_runs_count(&RunsFilter::default()).await?;
    let run = instance.get_run_by_id(&RunId::from(id(6))).await?.ok_or("the parent is there")?;
    let location = instance.open_code_location_of_run(&run).await?;
    let again =
        |strategy| instance.retry_run(&location, RetryRequest::new(run.run_id.clone(), strategy));
    let error = again(ReexecutionStrategy::FromAssetFailure).await.err().ok_or("it is retried")?;
    assert!(matches!(error, InstanceError::NothingToReexecute { .. }), "{error:?}");
    let error = again(ReexecutionStrategy::FromFailure).await.err().ok_or("it is retried")?;
    assert!(matches!(error, InstanceError::Invalid { .. }), "{error:?}");
    // One that waits in the queue.
    let unfinished = RetryRequest::new(RunId::from(id(30)), ReexecutionStrategy::AllSteps);
    let error = instance.retry_run(&location, unfinished).await.err().ok_or("it is retried")?;
    assert!(error.to_string().contains("it is QUEUED"), "{error}");
    assert_eq!(instance.get_runs_count(&RunsFilter::default()).await?, before, "no run was made");
    Ok(())
}

/// By our binary: the exit codes, what is printed where, and what is executed.
#[tokio::test]
async fn a_run_is_retried_by_the_server_that_it_names() -> Result<(), BoxError> {
    let server = Server::start().await?;
    let options = server.options();
    let home = Home::new();
    DagsterInstance::builder().home(home.path()).open().await?.create_storages().await?;
    let mut launch = vec!["launch", &*options[0], &*options[1], "--job", "flaky", "--now"];
    launch.extend(["--location-name", "loc", "--follow"]);
    let output = ours(&home, &launch).await?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let parent = newest(&home).await?;

    let from_failure =
        ours(&home, &["run", "retry", &parent, "--from-failure", "--now", "--follow"]).await?;
    let (stdout, stderr) = (text(&from_failure.stdout), text(&from_failure.stderr));
    assert_eq!(from_failure.status.code(), Some(0), "{stdout}\n{stderr}");
    assert!(stdout.contains("[unsteady]") && stdout.contains("[three]"), "{stdout}");
    assert!(!stdout.contains("Started execution of step \"one\""), "{stdout}");
    assert!(stderr.contains("of job flaky is launched"), "{stderr}");
    let succeeded = newest(&home).await?;
    assert_ne!(succeeded, parent);

    // Nothing is left: code 1, and no run.
    for (run, option) in [(&succeeded, "--from-failure"), (&parent, "--from-asset-failure")] {
        let output = ours(&home, &["run", "retry", run, option, "--now"]).await?;
        let stderr = text(&output.stderr);
        assert_eq!(
            (output.status.code(), text(&output.stdout)),
            (Some(1), String::new()),
            "{stderr}"
        );
        assert!(stderr.starts_with(&format!("Nothing is left to do of run {run}: ")), "{stderr}");
    }
    assert_eq!(newest(&home).await?, succeeded);

    // Into the queue, which nobody empties, with another server named and in JSON.
    let mut queued = vec!["run", "retry", &succeeded, &*options[0], &*options[1], "--json"];
    queued.extend(["--tag", "why=again"]);
    let output = ours(&home, &queued).await?;
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let told: Value = serde_json::from_str(&stdout)?;
    assert_eq!((told["status"].as_str(), told["location"].as_str()), (Some("QUEUED"), Some("loc")));
    assert!(stderr.contains("no daemon has ever launched queued runs"), "{stderr}");
    let queued = newest(&home).await?;
    assert_eq!(told["run_id"].as_str(), Some(&*queued));
    let output = ours(&home, &["run", "retry", &queued]).await?;
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert!(text(&output.stderr).contains("it is QUEUED"), "{output:?}");

    // Arguments that cannot be: 2. A server that is gone: 125.
    for wrong in [vec!["--from-failure", "--from-asset-failure"], vec!["--tls"]] {
        let mut arguments = vec!["run", "retry", &*parent];
        arguments.extend(wrong);
        let output = ours(&home, &arguments).await?;
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    server.end().await?;
    let output = ours(&home, &["run", "retry", &parent]).await?;
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(125), String::new()));
    assert!(text(&output.stderr).contains("UNAVAILABLE"), "{output:?}");
    assert_eq!(newest(&home).await?, queued);
    Ok(())
}

/// The id of the newest run.
async fn newest(home: &Home) -> Result<String, BoxError> {
    let output = ours(home, &["run", "list", "--limit", "1", "--json"]).await?;
    let run: Value = serde_json::from_slice(&output.stdout)?;
    Ok(run["run_id"].as_str().ok_or("there is no run")?.to_owned())
}
