//! Code servers that are started for a workspace: by the library, and by our command line.

use std::fmt::Write;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dagster_instance::run::{CodeLocationOrigin, DagsterRunStatus, RunsFilter};
use dagster_instance::settings::{GrpcLimits, WorkspaceSettings};
use dagster_instance::{
    CodeLocationChangeKind, CodeLocationOptions, CodeLocations, DagsterInstance,
    DefaultRunCoordinator, InterpreterSearch, LaunchRequest, LoadWorkspace, ProcessEnvironment,
    RunId, ServerOutput, load_workspace,
};
use dagster_instance_tests::{Home, binary, python};
use instance_core::code_location::CodeLocationError;
use instance_core::error::{BoxError, chain};
use instance_core::storage::RunsPage;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::launched::{lives, until};
use super::server::Server;

type TestResult = Result<(), BoxError>;

/// How long something may take: a server imports Dagster first.
const PATIENCE: Duration = Duration::from_mins(3);

/// Definitions with a job of this name, which takes so many seconds.
fn definitions(job: &str, seconds: u32) -> String {
    format!(
        "import time\nfrom dagster import Definitions, job, op\n\n@op\ndef one(): time.sleep({seconds})\n\n\
         @job\ndef {job}(): one()\n\ndefs = Definitions(jobs=[{job}])\n"
    )
}

fn write(directory: &Path, file: &str, text: &str) -> TestResult {
    let file = directory.join(file);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(file, text)?)
}

/// The pids that servers have told in what they print.
fn pids(printed: &str) -> Vec<i32> {
    let told = printed.lines().filter(|line| line.contains("Started Dagster code server"));
    told.filter_map(|line| line.rsplit_once("in process ")?.1.trim().parse().ok()).collect()
}

async fn is_gone(pid: i32, within: Duration) -> TestResult {
    let since = Instant::now();
    while lives(pid) {
        if since.elapsed() > within {
            return Err(format!("process {pid} goes on after {within:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Our binary in a directory, which has the files of its servers, too.
fn ours(home: &Home, arguments: &[&str]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]
    let mut command = Command::new(binary());
    command.arg("--home").arg(home.path()).args(arguments);
    ready(&mut command, home);
    command
}

fn ready(command: &mut Command, home: &Home) {
    command.current_dir(home.path()).env("TMPDIR", home.path()).env_remove("DAGSTER_HOME");
    command.env("DAGSTER_INSTANCE_PYTHON", python()).env("DAGSTER_DISABLE_TELEMETRY", "1");
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(std::process::Stdio::null());
}

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

async fn ended(mut command: Command) -> Result<Ended, BoxError> {
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    Ok(Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

async fn open(home: &Home) -> Result<DagsterInstance, BoxError> {
    let builder = DagsterInstance::builder().home(home.path());
    let instance = builder.run_coordinator(DefaultRunCoordinator).open().await?;
    instance.create_storages().await?;
    Ok(instance)
}

/// The directories of servers.
fn directories(home: &Home) -> Result<usize, BoxError> {
    let entries = fs::read_dir(home.path())?.collect::<Result<Vec<_>, _>>()?;
    Ok(entries
        .iter()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("dagster-server-"))
        .count())
}

/// Lines that servers have printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<String>>);

impl Printed {
    fn taker(&self) -> ServerOutput {
        let this = self.clone();
        ServerOutput::new(move |location, line| {
            writeln!(this.0.lock().expect("lines"), "{location}: {line}").expect("a text");
        })
    }

    fn text(&self) -> String {
        self.0.lock().expect("lines").clone()
    }
}

/// One workspace with each kind of entry for Python, and one whose code is broken: each is opened, with its own error.
#[tokio::test]
async fn each_kind_of_entry_has_a_server() -> TestResult {
    let home = Home::new();
    let code = home.path().join("code");
    write(&code, "by_file.py", &definitions("of_file", 0))?;
    write(&code, "by_module.py", &definitions("of_module", 0))?;
    write(&code, "by_package/__init__.py", &definitions("of_package", 0))?;
    // Dagster looks for definitions in folders of projects alone.
    write(&code, "pyproject.toml", "[project]\nname = \"by-folder\"\n")?;
    write(&code, "by_folder/__init__.py", "")?;
    write(&code, "by_folder/jobs.py", &definitions("of_folder", 0))?;
    write(&code, "broken.py", "import dagster\nraise ValueError('this code is broken')\n")?;
    let directory = code.display();
    let workspace = format!(
        "load_from:\n- python_file: code/by_file.py\n- python_module: {{module_name: by_module, working_directory: {directory}, \
         location_name: module}}\n- python_package: {{package_name: by_package, working_directory: {directory}}}\n\
         - autoload_defs_module: {{module_name: by_folder, working_directory: {directory}}}\n\
         - python_file: {{relative_path: code/broken.py, executable_path: {python}}}\n",
        python = python().display()
    );
    write(home.path(), "workspace.yaml", &workspace)?;
    let workspace = load_workspace(&LoadWorkspace::new(home.path()), &ProcessEnvironment)?;
    let instance = open(&home).await?;
    let printed = Printed::default();
    let options = instance
        .code_location_options()?
        .with_interpreters(InterpreterSearch::default().with_named(Some(python().to_owned())))
        .with_output(printed.taker());
    let locations = CodeLocations::new(&workspace, options);
    let mut jobs = Vec::new();
    for (name, location) in locations.open_all().await {
        match location {
            Ok(location) => {
                let repository = location.repository("__repository__").await?;
                jobs.extend(repository.job_names().map(|job| format!("{name}/{job}")));
            }
            Err(error) => {
                assert!(matches!(error, CodeLocationError::UserCode(_)), "{name}: {error}");
                let text = chain(&error);
                assert!(text.contains("this code is broken"), "{text}\n{}", printed.text());
                jobs.push(format!("{name} is broken"));
            }
        }
    }
    let expected = [
        "by_file.py/of_file",
        "module/of_module",
        "by_package/of_package",
        "by_folder/of_folder",
        "broken.py is broken",
    ];
    assert_eq!(jobs, expected, "{}", printed.text());
    // The error is kept, and its server stays.
    locations.location("broken.py").await.expect_err("it is broken");
    let servers = pids(&printed.text());
    assert_eq!(servers.len(), 5, "{}", printed.text());

    // A run has the origin of the workspace, and is launched by the server that there is.
    let module = locations.location("module").await?;
    let run = instance.launch(&module, LaunchRequest::default()).await?;
    let origin = run.remote_job_origin.as_ref().ok_or("no origin")?;
    assert!(matches!(
        &origin.repository_origin.code_location_origin,
        CodeLocationOrigin::ManagedGrpcPythonEnv(origin) if origin.location_name == "module"
    ));
    until(&instance, &run.run_id, DagsterRunStatus::Success).await?;

    // A server that was killed is replaced when it is needed.
    let before = locations.location("by_file.py").await?;
    let told = printed.text();
    let line = told.lines().find(|line| line.starts_with("by_file.py: ")).ok_or("no line")?;
    let pid = line.rsplit_once("in process ").ok_or("no pid")?.1.trim().parse()?;
    kill(Pid::from_raw(pid), Signal::SIGKILL)?;
    is_gone(pid, PATIENCE).await?;
    let after = locations.location("by_file.py").await?;
    assert_ne!(before.server_id(), after.server_id());

    let servers = pids(&printed.text());
    locations.close().await;
    for pid in servers {
        assert!(!lives(pid), "server {pid} goes on");
    }
    Ok(instance.dispose().await?)
}

/// Our program ends while its run goes on: the server stays for it, and ends with it. SIGINT was ignored at the start, as for
/// background jobs of a shell, and the server hears it all the same.
#[tokio::test]
async fn a_server_outlives_us_for_its_run() -> TestResult {
    let home = Home::new();
    let instance = open(&home).await?;
    write(home.path(), "slow_jobs.py", &definitions("slow", 15))?;
    #[expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' INT; exec \"$@\"", "sh"])
        .arg(binary())
        .arg("--home")
        .arg(home.path());
    command.args(["launch", "-f", "slow_jobs.py", "--now"]);
    ready(&mut command, &home);
    let launched = ended(command).await?;
    assert_eq!(launched.code, Some(0), "{}", launched.stderr);
    let run_id = RunId::from(launched.stdout.trim());
    assert!(run_id.is_uuid(), "{}", launched.stdout);
    assert!(launched.stderr.contains("is launched"), "{}", launched.stderr);
    let [pid] = pids(&launched.stderr)[..] else { return Err(launched.stderr.into()) };
    assert!(lives(pid));
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).ok_or("no mask")?;
    let ignored = u64::from_str_radix(ignored.trim(), 16)?;
    assert_eq!(ignored & 0b10, 0, "SIGINT is ignored");
    // Others reach the run by the server.
    let health = instance.check_run_worker_health(&run_id).await?;
    assert_eq!(health.status.as_str(), "RUNNING", "{health}");
    assert_eq!(directories(&home)?, 1);
    until(&instance, &run_id, DagsterRunStatus::Success).await?;
    is_gone(pid, Duration::from_mins(1)).await?;

    // Nobody was left to remove its directory. The next start does so.
    assert_eq!(directories(&home)?, 1);
    let python = ours(&home, &["code", "ping", "-f", "slow_jobs.py", "--python", "/bin/false"]);
    let refused = ended(python).await?;
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("gRPC server exited with return code 1"), "{}", refused.stderr);
    assert_eq!(directories(&home)?, 0);
    Ok(instance.dispose().await?)
}

/// A run names the code that a server is started for, and so does an option.
#[tokio::test]
async fn a_run_is_retried_by_a_server_that_is_started_for_its_code() -> TestResult {
    let home = Home::new();
    let instance = open(&home).await?;
    let code = |outcome: &str| {
        format!(
            "from dagster import Definitions, job, op\n\n@op\ndef one(): pass\n\n@op\ndef two(): {outcome}\n\n\
             @job\ndef broken():\n    one()\n    two()\n\ndefs = Definitions(jobs=[broken])\n"
        )
    };
    write(home.path(), "jobs.py", &code("raise ValueError('not yet')"))?;
    let launched = ended(ours(&home, &["launch", "-f", "jobs.py", "--now", "--follow"])).await?;
    assert_eq!(launched.code, Some(1), "{}", launched.stderr);
    let newest = async || -> Result<RunId, BoxError> {
        let runs =
            instance.get_run_ids(&RunsFilter::default(), &RunsPage::new().with_limit(1)).await?;
        runs.into_iter().next().ok_or_else(|| "there is no run".into())
    };
    let parent = newest().await?;

    // The file is mended. It is found from another directory, too, where another workspace is.
    write(home.path(), "jobs.py", &code("pass"))?;
    write(home.path(), "elsewhere/workspace.yaml", "load_from: [{python_file: other.py}]\n")?;
    let retry = ["run", "retry", parent.as_str(), "--now", "--follow"];
    let mut elsewhere = ours(&home, &[&retry[..], &["--from-failure"]].concat());
    elsewhere.current_dir(home.path().join("elsewhere"));
    let retried = ended(elsewhere).await?;
    assert_eq!(retried.code, Some(0), "{}\n{}", retried.stdout, retried.stderr);
    assert!(retried.stdout.contains("[two]"), "{}", retried.stdout);
    assert!(!retried.stdout.contains("Started execution of step \"one\""), "{}", retried.stdout);
    let run = instance.get_run_by_id(&newest().await?).await?.ok_or("it is there")?;
    assert_eq!(run.parent_run_id.as_ref(), Some(&parent));

    // Other code is taken if it is named, whatever its location is called.
    write(home.path(), "renamed.py", &code("pass"))?;
    let renamed = ended(ours(&home, &[&retry[..], &["-f", "renamed.py"]].concat())).await?;
    assert_eq!(renamed.code, Some(0), "{}\n{}", renamed.stdout, renamed.stderr);
    let run = instance.get_run_by_id(&newest().await?).await?.ok_or("it is there")?;
    let origin = run.remote_job_origin.ok_or("it says where its code is")?;
    assert_eq!(origin.repository_origin.location_name(), Some("renamed.py"));

    // Code that is gone: no run is made.
    fs::remove_file(home.path().join("jobs.py"))?;
    let before = newest().await?;
    let gone = ended(ours(&home, &retry)).await?;
    assert_eq!((gone.code, gone.stdout.as_str()), (Some(125), ""), "{}", gone.stderr);
    assert!(gone.stderr.contains("jobs.py"), "{}", gone.stderr);
    assert_eq!(newest().await?, before);
    Ok(instance.dispose().await?)
}

/// Our program is killed: its server has no runs, hears no heartbeat any more, and ends.
#[tokio::test]
async fn a_server_does_not_outlive_us_without_runs() -> TestResult {
    let home = Home::new();
    let instance = open(&home).await?;
    write(home.path(), "jobs_of_queue.py", &definitions("queued", 0))?;
    // By default, the run waits in the queue, and nobody takes it from there.
    let mut command = ours(&home, &["-v", "launch", "-f", "jobs_of_queue.py", "--follow"]);
    command.process_group(0);
    let log = fs::File::create(home.path().join("log"))?;
    let mut child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
    let since = Instant::now();
    let printed = loop {
        let printed = fs::read_to_string(home.path().join("log"))?;
        if printed.contains("is queued") {
            break printed;
        }
        if since.elapsed() > PATIENCE {
            child.kill()?;
            return Err(printed.into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(printed.contains("Code location jobs_of_queue.py: 1 repository"), "{printed}");
    let [pid] = pids(&printed)[..] else { return Err(printed.into()) };
    // It hears heartbeats for longer than it waits for one.
    assert!(lives(pid));
    child.kill()?;
    child.wait()?;
    is_gone(pid, Duration::from_mins(1)).await?;
    Ok(instance.dispose().await?)
}

/// Dagster's worker as a process: the server is asked for the plan, and is gone before the run ends.
#[tokio::test]
async fn a_worker_process_needs_no_server_once_it_is_launched() -> TestResult {
    let home = Home::new();
    open(&home).await?.dispose().await?;
    write(home.path(), "jobs_of_worker.py", &definitions("worked", 1))?;
    let arguments = ["launch", "-f", "jobs_of_worker.py", "--worker-process", "--follow"];
    let followed = ended(ours(&home, &arguments)).await?;
    let shown = format!("{}\n{}", followed.stdout, followed.stderr);
    assert_eq!(followed.code, Some(0), "{shown}");
    for part in ["[DagsterWorkerLauncher] Launching run in a process", "PIPELINE_SUCCESS"] {
        assert!(followed.stdout.contains(part), "{part}: {shown}");
    }
    let [pid] = pids(&followed.stderr)[..] else { return Err(shown.into()) };
    assert!(!lives(pid), "server {pid} goes on");
    assert_eq!(directories(&home)?, 0);
    Ok(())
}

/// The workspace of the current directory, with a location that cannot be loaded: the other one is listed.
#[tokio::test]
async fn a_broken_location_does_not_hide_the_others() -> TestResult {
    let home = Home::new();
    write(home.path(), "good_jobs.py", &definitions("good", 0))?;
    write(home.path(), "bad_jobs.py", "raise ValueError('no job is here')\n")?;
    let workspace = "load_from: [{python_file: good_jobs.py}, {python_file: bad_jobs.py}]\n";
    write(home.path(), "workspace.yaml", workspace)?;
    let listed = ended(ours(&home, &["code", "list", "--json"])).await?;
    assert_eq!(listed.code, Some(1), "{}", listed.stderr);
    let lines = listed
        .stdout
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<serde_json::Value>, _>>()?;
    assert_eq!(lines.len(), 2, "{}", listed.stdout);
    assert_eq!(lines[0]["location"], "good_jobs.py");
    assert_eq!(lines[0]["repositories"][0]["jobs"], serde_json::json!(["good"]));
    assert_eq!(lines[1]["location"], "bad_jobs.py");
    let error = lines[1]["error"].as_str().unwrap_or_default();
    assert!(error.contains("no job is here"), "{error}");
    // Which of the two is not said, so no run is made.
    let unnamed = ended(ours(&home, &["launch", "--job", "good"])).await?;
    assert_eq!((unnamed.code, unnamed.stdout.as_str()), (Some(125), ""), "{}", unnamed.stderr);
    let expected = "name the code location: the workspace has good_jobs.py, bad_jobs.py";
    assert!(unnamed.stderr.contains(expected), "{}", unnamed.stderr);
    Ok(())
}

/// A server is replaced by another one at the same socket: watchers hear of it, and the location has the new code.
#[tokio::test]
async fn a_server_that_was_replaced_is_seen() -> TestResult {
    let server = Server::start_at_socket().await?;
    let origin = server.target().origin(Some("loc"));
    let workspace = WorkspaceSettings::new(vec![CodeLocationOrigin::GrpcServer(origin)]);
    let locations = CodeLocations::new(&workspace, CodeLocationOptions::new(GrpcLimits::default()));
    let before = locations.location("loc").await?;
    let text = before.repository("__repository__").await?;
    let same = locations.location("loc").await?.repository("__repository__").await?;
    assert!(Arc::ptr_eq(&text, &same));
    let mut watch = locations.watch(Duration::from_millis(100));
    // It has seen the first server.
    tokio::time::timeout(Duration::from_secs(2), watch.next()).await.expect_err("a change");
    let server = server.replaced().await?;
    let mut kinds = Vec::new();
    let id = loop {
        let change = tokio::time::timeout(PATIENCE, watch.next()).await?.ok_or("it has ended")?;
        assert_eq!(change.location, "loc");
        kinds.push(change.kind.clone());
        if let CodeLocationChangeKind::Updated { server_id } = change.kind {
            break server_id;
        }
    };
    assert_eq!(kinds[0], CodeLocationChangeKind::Disconnected, "{kinds:?}");
    let after = locations.location("loc").await?;
    assert_eq!(after.server_id(), id);
    assert_ne!(after.server_id(), before.server_id());
    assert!(!before.is_current().await?);
    let other = after.repository("__repository__").await?;
    assert!(!Arc::ptr_eq(&text, &other));
    locations.close().await;
    server.end().await
}
