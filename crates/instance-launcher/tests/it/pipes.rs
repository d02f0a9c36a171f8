//! Commands that speak Dagster Pipes: a plain shell, by files and by the environment.

use std::sync::{Arc, Mutex};

use instance_core::event::{EventLogEntry, LogLevel};
use instance_core::ids::RunId;
use instance_core::run::DagsterRunStatus;
use instance_core::storage::ComputeIoType;
use instance_core::testing::instance::{TestInstance, at_once};
use instance_launcher::{
    CommandOutcome, CustomMessageSink, PipesTransport, ProcessRunLauncher, RunOutcome, submit_run,
};
use serde_json::json;

use crate::process::add_command;
use crate::support::{TestResult, captured, errors, launching};

/// Functions of a shell with which a script speaks Pipes. A variable is base64 of zlib; gzip reads that behind a head of
/// its own, and complains of the missing tail.
const CLIENT: &str = r#"
param() { (printf '\037\213\010\000\000\000\000\000\000\000'; printf %s "$1" | base64 -d | tail -c +3) | gzip -dc 2>/dev/null; }
field() { printf %s "$1" | sed -n "s/.*\"$2\": *\"\([^\"]*\)\".*/\1/p"; }
messages=$(field "$(param "$DAGSTER_PIPES_MESSAGES")" path)
context=$(field "$(param "$DAGSTER_PIPES_CONTEXT")" path)
send() {
    line="{\"__dagster_pipes_version\": \"0.1\", \"method\": \"$1\", \"params\": $2}"
    if [ -n "$messages" ]; then printf '%s\n' "$line" >> "$messages"; else printf '%s\n' "$line" >&2; fi
}
"#;

async fn execute(launcher: &ProcessRunLauncher, script: &str) -> (TestInstance, RunId, RunOutcome) {
    let fake = launching(launcher.clone());
    let script = format!("{CLIENT}\n{script}");
    let run_id = add_command(&fake, &["sh", "-c", &script]);
    submit_run(&fake, &run_id).await.expect("launched");
    let outcome = launcher.wait(&run_id).await.expect("the launcher's run");
    (fake, run_id, outcome)
}

/// The lines that scripts have logged, and what else is said of Pipes.
fn lines(fake: &TestInstance, run_id: &RunId) -> Vec<String> {
    let line = |entry: &EventLogEntry| {
        let is_line = entry.dagster_event.is_none() || entry.message().starts_with("[pipes]");
        is_line.then(|| format!("{} {}", entry.level.name(), entry.message()))
    };
    at_once(fake.entries(run_id)).iter().filter_map(line).collect()
}

const OPENED: &str = "INFO [pipes] external process successfully opened dagster pipes.";

#[tokio::test]
async fn a_shell_reports_what_it_does() -> TestResult {
    let script = r#"
        send opened '{}'
        send log '{"message": "loud", "level": "ERROR"}'
        send report_asset_materialization '{"asset_key": "a", "data_version": "v1", "metadata": {"n": {"type": "int", "raw_value": 5}}}'
        send report_asset_check '{"asset_key": "a", "check_name": "c", "passed": false, "severity": "WARN", "metadata": null}'
        send report_asset_observation '{"asset_key": "b", "data_version": null, "metadata": null}'
        send log_external_stream '{"stream": "stdout", "text": "streamed\n", "extras": {}}'
        send closed '{}'
        cat "$context""#;
    let launcher = ProcessRunLauncher::new().with_pipes_extras([("e".to_owned(), json!([1]))]);
    let (fake, run_id, outcome) = execute(&launcher, script).await;
    assert!(outcome.command.is_success() && outcome.error.is_none(), "{outcome:?}");
    assert_eq!(lines(&fake, &run_id), [OPENED, "ERROR loud"]);
    let types = fake.event_types(&run_id);
    let of_assets: Vec<_> = types.iter().filter(|name| name.starts_with("ASSET")).collect();
    let expect = ["ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", "ASSET_OBSERVATION"];
    assert_eq!(of_assets, expect.iter().collect::<Vec<_>>());
    let printed = captured(&fake, ComputeIoType::Stdout);
    assert!(printed.contains("streamed\n"), "{printed}");
    // Before or after what the command prints itself: messages are read at times.
    let context: serde_json::Value = serde_json::from_str(&printed.replace("streamed\n", ""))?;
    assert_eq!(context["extras"], json!({"e": [1]}));
    assert_eq!(context["run_id"], json!(run_id.as_str()));
    Ok(())
}

#[tokio::test]
async fn messages_of_standard_error_are_no_output() -> TestResult {
    let script = r#"
        echo before >&2
        send opened '{}'
        echo '{"no": "message"}' >&2
        send report_custom_message '{"payload": {"b": 1, "a": 2}}'
        printf '{"__dagster_pipes_version": "0.1", "method": "closed", "params": {}}' >&2"#;
    let payloads = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&payloads);
    let sink = CustomMessageSink::new(move |_, payload| {
        received.lock().expect("no panic").push(payload.as_str().to_owned());
    });
    let launcher = ProcessRunLauncher::new()
        .with_pipes_transport(PipesTransport::Environment)
        .with_custom_messages(sink);
    let (fake, run_id, outcome) = execute(&launcher, script).await;
    assert!(outcome.error.is_none(), "{outcome:?}");
    let custom = r#"INFO [pipes] custom message: {"a": 2, "b": 1}"#;
    assert_eq!(lines(&fake, &run_id), [OPENED, custom]);
    assert_eq!(captured(&fake, ComputeIoType::Stderr), "before\n{\"no\": \"message\"}\n");
    assert_eq!(*payloads.lock().expect("no panic"), [r#"{"a": 2, "b": 1}"#]);
    Ok(())
}

#[tokio::test]
async fn what_a_script_sent_before_it_died_is_there() {
    let script = r#"
        send opened '{}'
        send report_asset_materialization '{"asset_key": "a", "data_version": null, "metadata": null}'
        kill -9 $$"#;
    let (fake, run_id, outcome) = execute(&ProcessRunLauncher::new(), script).await;
    assert_eq!(outcome.command, CommandOutcome::Signaled(9));
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Failure);
    assert!(fake.event_types(&run_id).contains(&"ASSET_MATERIALIZATION".to_owned()));
    let lines = lines(&fake, &run_id);
    assert!(lines[1].starts_with("WARNING [pipes] did not receive closed message"), "{lines:?}");
}

#[tokio::test]
async fn the_exception_of_a_script_is_the_reason_of_its_failure() {
    let script = r#"
        send opened '{}'
        send closed '{"exception": {"message": "ValueError: half-way", "name": "ValueError", "stack": [], "cause": null, "context": null}}'
        send log '{"message": "late"}'
        echo noise >&2; exit 1"#;
    let (fake, run_id, _) = execute(&ProcessRunLauncher::new(), script).await;
    let errors = errors(&fake, &run_id);
    assert!(errors.contains("exited with status 1") && errors.contains("half-way"), "{errors}");
    assert!(!errors.contains("noise"), "{errors}");
    let lines = lines(&fake, &run_id);
    assert_eq!(lines[1], "DEBUG [pipes] external process pipes closed with exception");
    assert!(lines[2].starts_with("WARNING [pipes] unexpected message received after closed: `{"));
    assert_eq!(lines[3], "INFO late");
}

#[tokio::test]
async fn a_broken_line_does_not_end_reading() {
    let script = r#"
        echo garbage >> "$messages"
        send dance '{}'
        printf '\377\n\n' >> "$messages"
        send log '{"message": "still here"}'"#;
    let (fake, run_id, outcome) = execute(&ProcessRunLauncher::new(), script).await;
    assert!(outcome.command.is_success() && outcome.error.is_none(), "{outcome:?}");
    let broken =
        "DEBUG [pipes] framework exception occurred in PipesFileMessageReader reader thread";
    assert_eq!(lines(&fake, &run_id), [broken, broken, broken, "INFO still here"]);
    let errors = errors(&fake, &run_id);
    assert!(errors.contains("line 1: it is no JSON"), "{errors}");
    assert!(errors.contains("line 2: dance: there is no such method"), "{errors}");
}

#[tokio::test]
async fn too_many_broken_lines_end_reading() {
    let script = r#"
        yes garbage | head -n 1500 >> "$messages"
        send log '{"message": "unheard"}'"#;
    let (fake, run_id, outcome) = execute(&ProcessRunLauncher::new(), script).await;
    assert!(outcome.command.is_success(), "{outcome:?}");
    assert_eq!(lines(&fake, &run_id).len(), 1_001);
    assert!(errors(&fake, &run_id).contains("more than 1000 lines are broken"));
}

#[tokio::test]
async fn without_pipes_a_command_has_no_variables() {
    let launcher = ProcessRunLauncher::new().without_pipes();
    let (fake, run_id, _) = execute(&launcher, "env | grep -c DAGSTER_PIPES; true").await;
    assert_eq!(captured(&fake, ComputeIoType::Stdout), "0\n");
    assert_eq!(lines(&fake, &run_id), [""; 0]);
}

#[tokio::test]
async fn levels_of_lines_are_pythons_numbers() {
    let script = r#"
        send log '{"message": "a", "level": "debug"}'
        send log '{"message": "b", "level": 35}'"#;
    let (fake, run_id, _) = execute(&ProcessRunLauncher::new(), script).await;
    let levels = at_once(fake.entries(&run_id));
    let levels = levels.iter().filter(|entry| entry.dagster_event.is_none());
    assert_eq!(
        levels.map(|entry| entry.level).collect::<Vec<_>>(),
        [LogLevel::DEBUG, LogLevel(35)]
    );
}
