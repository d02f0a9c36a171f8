//! Code locations whose servers do not become ready: programs that are no Python, and servers that are not there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use instance_core::code_location::CodeLocationError;
use instance_core::run::{
    CodeLocationOrigin, LoadableTargetOrigin, ManagedGrpcPythonEnvCodeLocationOrigin,
};
use instance_core::serdes::UnknownFields;
use instance_core::settings::{GrpcLimits, WorkspaceSettings};
use instance_launcher::{CodeLocationChangeKind, CodeLocationOptions, CodeLocations, GrpcTarget};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program in the place of the interpreter, and what it has left.
struct Program {
    directory: tempfile::TempDir,
}

impl Program {
    fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let text = format!("#!/bin/sh\necho $$ >> {}/pids\n{script}\n", directory.path().display());
        let this = Self { directory };
        fs::write(this.path(), text).expect("written");
        fs::set_permissions(this.path(), fs::Permissions::from_mode(0o755)).expect("executable");
        this
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("python")
    }

    /// The processes that it was started as.
    fn pids(&self) -> Vec<String> {
        let pids = fs::read_to_string(self.directory.path().join("pids")).unwrap_or_default();
        pids.lines().map(str::to_owned).collect()
    }

    fn locations(&self, timeout: Duration) -> CodeLocations {
        let executable_path = Some(self.path().to_string_lossy().into_owned());
        let origin = ManagedGrpcPythonEnvCodeLocationOrigin {
            loadable_target_origin: LoadableTargetOrigin {
                executable_path,
                module_name: Some("a.b".to_owned()),
                ..LoadableTargetOrigin::default()
            },
            location_name: "a.b".to_owned(),
            unknown: UnknownFields::default(),
        };
        let workspace =
            WorkspaceSettings::new(vec![CodeLocationOrigin::ManagedGrpcPythonEnv(origin)]);
        let options = CodeLocationOptions::new(GrpcLimits::default()).with_startup_timeout(timeout);
        CodeLocations::new(&workspace, options)
    }
}

fn is_there(pid: &str) -> bool {
    // A process that has ended and was not waited for yet counts as gone.
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

async fn is_gone(pid: &str) {
    let since = Instant::now();
    while is_there(pid) {
        assert!(since.elapsed() < PATIENCE, "process {pid} goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_that_ends_is_an_error_with_its_last_lines_and_is_not_started_again() {
    let program = Program::new("echo to its output; echo to its error >&2; exit 3");
    let locations = program.locations(PATIENCE);
    let first = locations.location("a.b").await.expect_err("no server").to_string();
    for part in [
        "the code server of the location \"a.b\" could not be started",
        "gRPC server exited with return code 3 while starting up with the command: \"",
        "-m dagster api grpc --lazy-load-user-code --socket /",
        "--location-name a.b -m a.b\"\nIts last lines:\nto its output\nto its error",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    let again = locations.client("a.b").await.expect_err("no server").to_string();
    assert_eq!((again, program.pids().len()), (first, 1));
    locations.reload("a.b").await.expect_err("no server");
    assert_eq!(program.pids().len(), 2);
    locations.close().await;
}

#[tokio::test]
async fn a_server_that_a_signal_ends_has_pythons_return_code() {
    let locations = Program::new("kill -9 $$");
    let error = locations.locations(PATIENCE).location("a.b").await.expect_err("no server");
    assert!(error.to_string().contains("return code -9"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_ended() {
    let program = Program::new("echo it hangs; exec sleep 600");
    let locations = program.locations(Duration::from_millis(500));
    let error = locations.location("a.b").await.expect_err("no server").to_string();
    assert!(
        error.contains("did not answer within 0.5 seconds") && error.contains("it hangs"),
        "{error}"
    );
    is_gone(&program.pids()[0]).await;
}

#[tokio::test]
async fn closing_does_not_wait_for_a_server_that_starts() {
    let program = Program::new("exec sleep 600");
    let locations = program.locations(Duration::from_mins(10));
    let opening = locations.clone();
    let opening = tokio::spawn(async move { opening.location("a.b").await });
    let since = Instant::now();
    while program.pids().is_empty() {
        assert!(since.elapsed() < PATIENCE, "it is not started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    locations.close().await;
    let error = opening.await.expect("it ended").expect_err("no server");
    assert!(error.to_string().contains("not needed any more"), "{error}");
    is_gone(&program.pids()[0]).await;
    let error = locations.location("a.b").await.expect_err("closed");
    assert!(error.to_string().contains("the code locations were closed"), "{error}");
    assert_eq!(program.pids().len(), 1);
}

#[tokio::test]
async fn who_gives_up_a_start_leaves_no_process() {
    let program = Program::new("exec sleep 600");
    let locations = program.locations(Duration::from_mins(10));
    tokio::select! {
        _ = locations.location("a.b") => panic!("no server is there"),
        () = async {
            while program.pids().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        } => {}
    }
    is_gone(&program.pids()[0]).await;
}

#[tokio::test]
async fn an_interpreter_that_is_not_there_is_named_with_the_remedy() {
    let program = Program::new("");
    fs::remove_file(program.path()).expect("removed");
    let error = program.locations(PATIENCE).location("a.b").await.expect_err("no interpreter");
    let error = error.to_string();
    assert!(error.contains(&*program.path().to_string_lossy()), "{error}");
    assert!(error.contains("executable_path") && error.contains("--python"), "{error}");
}

#[tokio::test]
async fn each_location_has_its_own_error() {
    let nowhere = |name: &str| {
        let target = GrpcTarget::socket(format!("/is/not/there/{name}"));
        CodeLocationOrigin::GrpcServer(target.origin(Some(name)))
    };
    let workspace = WorkspaceSettings::new(vec![nowhere("one"), nowhere("two")]);
    let locations = CodeLocations::new(&workspace, CodeLocationOptions::new(GrpcLimits::default()));
    assert_eq!(locations.names().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(locations.choose(Some("two")).expect("it is there"), "two");
    let error = locations.choose(None).expect_err("there are two").to_string();
    assert_eq!(error, "name the code location: the workspace has one, two");
    let error = locations.location("tow").await.expect_err("there is none").to_string();
    assert!(
        error.contains("\"tow\" is not served by the workspace; there are two, one"),
        "{error}"
    );
    let opened = locations.open_all().await;
    for (name, location) in opened {
        let error = location.expect_err("nobody is there");
        let target = format!("unix:/is/not/there/{name}");
        assert!(
            matches!(&error, CodeLocationError::Unreachable { target: of, .. } if *of == target),
            "{error:?}"
        );
    }
    locations.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_watched() {
    let target = GrpcTarget::socket("/is/not/there");
    let workspace =
        WorkspaceSettings::new(vec![CodeLocationOrigin::GrpcServer(target.origin(Some("one")))]);
    let locations = CodeLocations::new(&workspace, CodeLocationOptions::new(GrpcLimits::default()));
    let mut watch = locations.watch(Duration::from_millis(1));
    let first = watch.next().await.expect("a change");
    assert_eq!(
        (first.location.as_str(), first.kind),
        ("one", CodeLocationChangeKind::Disconnected)
    );
    let second = watch.next().await.expect("a change");
    assert!(matches!(second.kind, CodeLocationChangeKind::Failed { .. }), "{second:?}");
    locations.close().await;
    assert_eq!(watch.next().await, None);
}
