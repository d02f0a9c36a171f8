//! Programs that speak Dagster Pipes under `exec`, beside the same programs in an asset of the real Dagster.

use dagster_instance::error::BoxError;
use dagster_instance::{
    AssetKey, CommandJob, CommandSpec, DagsterInstance, DefaultRunCoordinator, PipesTransport,
    ProcessRunLauncher, tags,
};
use dagster_instance_tests::{Home, dagster, node, python, root};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// As many bytes as this program may take while a command sends 100,000 messages.
const MEMORY: u64 = 50 * 1024 * 1024;

/// Executes the client of PyPI under `exec`. Returns the exit code, and what Dagster reads of the run.
fn told(how: &[&str]) -> (Option<i32>, Value) {
    let home = Home::new();
    let client = root().join("tests/python/pipes_client.py");
    let (python, client) = (python().to_string_lossy(), client.to_string_lossy());
    let options = ["exec", "--quiet", "--asset", "pa", "--partition", "p1", "--extra", "e=1", "--"];
    let command = [&*python, &*client];
    let finished = home.ours(&[&options[..], &command, how].concat());
    (finished.code, dagster("pipes_told.py", &[&home.path().to_string_lossy()]))
}

fn by_dagster(how: &str) -> Value {
    dagster("pipes_told.py", &["dagster", how])
}

/// The lines of the log, but for those that Dagster has nothing of: its ops may ask for custom messages.
fn lines(told: &Value) -> Vec<&Value> {
    let lines = told["lines"].as_array().expect("lines").iter();
    lines
        .filter(|line| !line[2].as_str().is_some_and(|text| text.contains("custom message")))
        .collect()
}

#[test]
fn what_is_reported_is_stored_as_dagster_stores_it() {
    let (code, ours) = told(&["well"]);
    let theirs = by_dagster("well");
    assert_eq!(code, Some(0), "{ours}");
    assert_eq!(ours["materializations"], theirs["materializations"]);
    assert_eq!(ours["materializations"].as_array().map(Vec::len), Some(1), "no implicit one");
    assert_eq!(ours["checks"], theirs["checks"]);
    assert_eq!(ours["checks"].as_array().map(Vec::len), Some(2));
    assert_eq!(lines(&ours), lines(&theirs));
    assert_eq!(ours["errors"], json!([]));
    let custom =
        json!([20, true, r#"[pipes] custom message: {"extras": {"e": 1}, "partition": "p1"}"#]);
    assert!(ours["lines"].as_array().expect("lines").contains(&custom), "{ours}");
}

/// By the library: the command finds its context in a variable, and writes its messages to standard error.
#[test]
fn a_program_that_shares_no_files_reports_the_same() {
    let home = Home::new();
    let client = root().join("tests/python/pipes_client.py");
    let command = [python().to_path_buf(), client, "well".into()];
    let command = command.iter().map(|part| part.display().to_string()).collect();
    let reported = async {
        let extras = [("e".to_owned(), json!(1))];
        let launcher = ProcessRunLauncher::new()
            .with_pipes_transport(PipesTransport::Environment)
            .with_pipes_extras(extras);
        let builder = DagsterInstance::builder().home(home.path()).run_launcher(launcher.clone());
        let instance = builder.run_coordinator(DefaultRunCoordinator).open().await?;
        instance.create_storages().await?;
        let job = CommandJob::new("job", &[AssetKey::new(["pa"])], true)?;
        let mut request = job.create_run(&CommandSpec::new(command)?);
        request.tags.insert(tags::PARTITION.to_owned(), "p1".to_owned());
        let run = instance.create_run(request).await?;
        instance.submit_run(&run.run_id).await?;
        let outcome = launcher.wait(&run.run_id).await.ok_or("the launcher has no such run")?;
        instance.dispose().await?;
        Ok::<_, BoxError>(outcome.command.is_success())
    };
    let succeeded = Runtime::new().expect("a runtime").block_on(reported).expect("a run");
    let ours = dagster("pipes_told.py", &[&home.path().to_string_lossy()]);
    assert!(succeeded, "{ours}");
    let theirs = by_dagster("well");
    for kind in ["materializations", "checks"] {
        assert_eq!(ours[kind], theirs[kind]);
    }
    assert_eq!(lines(&ours), lines(&theirs));
}

#[test]
fn an_exception_is_told_as_by_dagster_and_results_are_kept() {
    let (code, ours) = told(&["raises"]);
    let theirs = by_dagster("raises");
    assert_eq!((code, &ours["status"]), (Some(1), &json!("FAILURE")));
    assert_eq!(ours["errors"], theirs["errors"]);
    assert_eq!(lines(&ours), lines(&theirs));
    assert_eq!(theirs["materializations"], json!([]), "Dagster loses them");
    assert_eq!(ours["materializations"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_program_that_ends_half_way_keeps_what_it_sent() {
    for (how, code) in [("exits", 3), ("dies", 137)] {
        let (ended, ours) = told(&[how]);
        assert_eq!((ended, &ours["status"]), (Some(code), &json!("FAILURE")), "{ours}");
        for (kind, number) in [("materializations", 1), ("checks", 2)] {
            assert_eq!(ours[kind].as_array().map(Vec::len), Some(number), "{kind}: {ours}");
        }
    }
}

/// A check that was promised is there before it is evaluated, and stays so if nobody evaluates it.
#[test]
fn checks_that_were_promised_are_planned() {
    let home = Home::new();
    let client = root().join("tests/python/pipes_client.py");
    let (python, client) = (python().to_string_lossy(), client.to_string_lossy());
    let mut exec = vec!["exec", "--quiet", "--asset", "pa", "--partition", "p1"];
    exec.extend(["--check", "pa:c1", "--check", "pa:never", "--", &*python, &*client, "well"]);
    home.ours(&exec).succeeded();
    let listed = home.ours(&["asset", "checks", "pa", "--json"]).succeeded().json_lines();
    let status = |check: &Value| check["last_execution"]["status"].as_str().map(str::to_owned);
    let stood: Vec<_> =
        listed.iter().map(|check| (check["check_name"].as_str(), status(check))).collect();
    let expected = [("c1", "SUCCEEDED"), ("c2", "FAILED"), ("never", "PLANNED")];
    assert_eq!(
        stood,
        expected.map(|(name, status)| (Some(name), Some(status.to_owned()))),
        "{listed:?}"
    );
    let ours = dagster("pipes_told.py", &[&home.path().to_string_lossy()]);
    let planned = ours["types"].as_array().expect("types").iter();
    assert_eq!(planned.filter(|kind| *kind == "ASSET_CHECK_EVALUATION_PLANNED").count(), 2);
    assert_eq!(ours["checks"].as_array().map(Vec::len), Some(2));
    // One of an asset that the command does not promise.
    let refused = home.ours(&["exec", "--asset", "pa", "--check", "pb:c", "--", "true"]);
    assert_eq!(refused.code, Some(125), "{}", refused.stderr);
    assert!(refused.stderr.contains("\"pb:c\""), "{}", refused.stderr);
}

#[test]
fn a_program_in_another_language_needs_no_package() {
    let home = Home::new();
    let client = root().join("tests/python/pipes_client.js");
    let (node, client) = (node().to_string_lossy(), client.to_string_lossy());
    let command = ["exec", "--quiet", "--asset", "pa", "--", &*node, &*client];
    home.ours(&command).succeeded();
    let ours = dagster("pipes_told.py", &[&home.path().to_string_lossy()]);
    let body = ours["materializations"][0][2].as_str().expect("a body");
    assert!(body.contains(r#""value": 2}"#) && body.contains(r#""value": 1.0}"#), "{body}");
    assert_eq!(ours["materializations"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_hundred_thousand_messages_are_stored_in_little_memory() {
    let home = Home::new();
    let client = root().join("tests/python/pipes_client.py");
    let done = home.path().join("done");
    let (client, done) = (client.to_string_lossy(), done.to_string_lossy());
    let python = python().to_string_lossy();
    let options = ["exec", "--quiet", "--", &*python, &*client, "many", &*done];
    let mut running = home.start_ours(&options);
    running.wait_for_line("all is read");
    let used = running.peak_memory();
    std::fs::write(&*done, "").expect("a file");
    assert_eq!(running.finish().code, Some(0));
    assert!(used < MEMORY, "{used} bytes");
    let ours = dagster("pipes_told.py", &[&home.path().to_string_lossy()]);
    let lines = ours["lines"].as_array().expect("lines");
    let numbered = lines.iter().filter_map(|line| line[2].as_str()?.strip_prefix("line "));
    let numbers: Vec<u32> = numbered.map(|number| number.parse().expect("a number")).collect();
    assert!(numbers.iter().copied().eq(0..100_000), "lines are missing, or not in order");
}

#[test]
fn a_run_within_a_run_reports_to_its_own() {
    let home = Home::new();
    let binary = dagster_instance_tests::binary().to_string_lossy();
    let script = format!(
        "{binary} --home \"$1\" exec --quiet --asset inner -- true && env | grep -c DAGSTER_PIPES"
    );
    let path = home.path().to_string_lossy();
    let finished =
        home.ours(&["exec", "--quiet", "--asset", "outer", "--", "sh", "-c", &script, "sh", &path]);
    assert_eq!(finished.succeeded().stdout, "2\n");
    let listed = home.ours(&["run", "list", "--json"]).succeeded();
    assert_eq!(listed.json_lines().len(), 2);
}
