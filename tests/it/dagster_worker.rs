//! Runs of Python code by Dagster's own worker, started by us: to their end, stopped, and resumed after their worker died.

use std::time::Duration;

use dagster_instance::event::DagsterEventType;
use dagster_instance::launcher::WorkerStatus;
use dagster_instance::run::DagsterRunStatus;
use dagster_instance::{
    DagsterInstance, DagsterWorkerLauncher, DefaultRunCoordinator, Only, RunId,
};
use dagster_instance_tests::{Home, PythonJob};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::runtime::Runtime;

/// How long a worker may take for what is waited for: it imports Dagster first.
const PATIENCE: Duration = Duration::from_mins(2);

async fn open(home: &Home) -> DagsterInstance {
    let builder = DagsterInstance::builder().home(home.path());
    let builder = builder.run_launcher(DagsterWorkerLauncher::new());
    builder.run_coordinator(DefaultRunCoordinator).open().await.expect("an instance")
}

async fn launched(instance: &DagsterInstance, job: &str) -> RunId {
    let request = PythonJob::named(job).whole_run().await.expect("a run");
    let run = instance.create_run(request).await.expect("created");
    instance.submit_run(&run.run_id).await.expect("launched");
    run.run_id
}

async fn status(instance: &DagsterInstance, run_id: &RunId) -> DagsterRunStatus {
    instance.get_run_by_id(run_id).await.expect("a store").expect("the run").status
}

async fn ended(instance: &DagsterInstance, run_id: &RunId) -> DagsterRunStatus {
    let wait = async {
        loop {
            let status = status(instance, run_id).await;
            if status.is_finished() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the run ends")
}

async fn messages(instance: &DagsterInstance, run_id: &RunId) -> Vec<String> {
    let types = Only::one(DagsterEventType::EngineEvent);
    let entries = instance.all_logs(run_id, &types).await.expect("events");
    entries.iter().map(|entry| entry.message().to_owned()).collect()
}

fn run(test: impl Future<Output = ()>) {
    Runtime::new().expect("a runtime").block_on(test);
}

#[test]
fn a_run_is_executed_by_dagsters_worker() {
    run(async {
        let home = Home::new();
        let instance = open(&home).await;
        let run_id = launched(&instance, "pipeline").await;
        assert_eq!(ended(&instance, &run_id).await, DagsterRunStatus::Success);
        let messages = messages(&instance, &run_id).await;
        assert!(messages[0].starts_with("[DagsterWorkerLauncher] Launching run"), "{messages:?}");
        assert!(messages.iter().any(|text| text.starts_with("Started process for run (pid:")));
        let shown = home.ours(&["run", "show", run_id.as_str()]).succeeded();
        assert!(shown.stdout.contains("SUCCESS"), "{}", shown.stdout);
        let refused = home.ours(&["run", "resume", run_id.as_str()]);
        assert_eq!(refused.code, Some(1), "{}", refused.stderr);
        instance.dispose().await.expect("disposed");
    });
}

fn pid(messages: &[String]) -> Pid {
    let number = messages[0].split("pid: ").nth(1).expect("a pid").trim_end_matches(')');
    Pid::from_raw(number.parse().expect("a number"))
}

#[test]
fn the_end_of_a_worker_is_the_failure_of_its_run() {
    run(async {
        let home = Home::new();
        let instance = open(&home).await;
        let run_id = launched(&instance, "pipeline").await;
        kill(pid(&messages(&instance, &run_id).await), Signal::SIGKILL).expect("killed");
        assert_eq!(ended(&instance, &run_id).await, DagsterRunStatus::Failure);
        let messages = messages(&instance, &run_id).await;
        let last = messages.last().expect("a message");
        let expect = "was terminated by signal 9 (SIGKILL). This usually indicates";
        assert!(last.contains(expect), "{last}");
        instance.dispose().await.expect("disposed");
    });
}

#[test]
fn a_run_whose_worker_was_killed_is_resumed() {
    let home = Home::new();
    // The program that launches it is gone before its worker dies, so that nobody reports the end.
    let (run_id, pid) = Runtime::new().expect("a runtime").block_on(async {
        let instance = open(&home).await;
        let run_id = launched(&instance, "pipeline").await;
        (run_id.clone(), pid(&messages(&instance, &run_id).await))
    });
    let running = home.ours(&["run", "resume", run_id.as_str()]);
    assert_eq!(running.code, Some(1), "{}", running.stderr);
    assert!(running.stderr.contains("its worker runs"), "{}", running.stderr);
    kill(pid, Signal::SIGKILL).expect("killed");
    home.ours(&["run", "resume", run_id.as_str()]).succeeded();
    run(async {
        let instance = open(&home).await;
        assert_eq!(ended(&instance, &run_id).await, DagsterRunStatus::Success);
        let messages = messages(&instance, &run_id).await;
        let detected = messages
            .iter()
            .position(|text| text.starts_with("Detected run worker status NOT_FOUND"));
        let resumed =
            messages.iter().position(|text| text == "Launching a new run worker to resume run");
        assert!(detected.is_some() && detected < resumed, "{messages:?}");
        instance.dispose().await.expect("disposed");
    });
}

/// The steps of a run that began, in their order.
async fn begun(instance: &DagsterInstance, run_id: &RunId) -> Vec<String> {
    let types = Only::one(DagsterEventType::StepStart);
    let entries = instance.all_logs(run_id, &types).await.expect("events");
    entries.iter().map(|entry| entry.step_key().expect("a step").to_owned()).collect()
}

/// With an executor that goes on where the events of a run end, as those of clusters do.
#[test]
fn only_the_steps_that_were_left_are_executed_after_a_worker_died() {
    let home = Home::new();
    let until = home.path().join("until");
    let (run_id, pid) = Runtime::new().expect("a runtime").block_on(async {
        let instance = open(&home).await;
        let mut request = PythonJob::named("held_job").whole_run().await.expect("a run");
        request.tags.insert("until".to_owned(), until.display().to_string());
        let run_id = instance.create_run(request).await.expect("created").run_id;
        instance.submit_run(&run_id).await.expect("launched");
        let wait = async {
            while begun(&instance, &run_id).await.last().is_none_or(|step| step != "held") {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the second step begins");
        let pid = pid(&messages(&instance, &run_id).await);
        (run_id, pid)
    });
    kill(pid, Signal::SIGKILL).expect("killed");
    std::fs::write(&until, "").expect("a file");
    home.ours(&["run", "resume", run_id.as_str()]).succeeded();
    run(async {
        let instance = open(&home).await;
        assert_eq!(ended(&instance, &run_id).await, DagsterRunStatus::Success);
        assert_eq!(begun(&instance, &run_id).await, ["extract", "held", "held", "load"]);
        instance.dispose().await.expect("disposed");
    });
}

#[test]
fn a_worker_is_stopped_by_another_process() {
    let home = Home::new();
    let run_id = Runtime::new()
        .expect("a runtime")
        .block_on(async { launched(&open(&home).await, "pipeline").await });
    home.ours(&["run", "cancel", run_id.as_str()]).succeeded();
    run(async {
        let instance = open(&home).await;
        assert_eq!(ended(&instance, &run_id).await, DagsterRunStatus::Canceled);
        let health = instance.check_run_worker_health(&run_id).await.expect("health");
        assert_eq!(health.status, WorkerStatus::NotFound);
        instance.dispose().await.expect("disposed");
    });
}
