//! Captured logs in S3, on a real server: what Dagster captures we read, and what we capture Dagster reads; told to do
//! the same, both leave the same objects; and our store passes the suite.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use dagster_instance::{
    CommandJob, CommandSpec, DagsterInstance, DefaultRunCoordinator, ProcessRunLauncher,
};
use dagster_instance::{Environment, WatchEventLogs, WatchUntil};
use dagster_instance_tests::{Home, dagster_script};
use instance_core::StorageError;
use instance_core::ops::ComputeLogAccess;
use instance_core::settings::S3ComputeLogSettings;
use instance_core::storage::{ComputeIoType, ComputeLogKey, ComputeLogManager, ComputeLogPrefix};
use instance_storage::S3ComputeLogManager;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::compute_logs::{answer, captures, latin};

/// A server of S3, for all tests of this process. It ends with its standard input, and so with the process.
struct Server {
    _child: Child,
    /// The certificate of its authority.
    authority: PathBuf,
    http: String,
    https: String,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut script = dagster_script("compute_logs_s3.py");
        script.arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().expect("a server");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).expect("where it is");
        let said = |name: &str| said[name].as_str().expect("a text").to_owned();
        Server {
            _child: child,
            authority: said("authority").into(),
            http: said("http"),
            https: said("https"),
        }
    })
}

/// Processes of Dagster that have answered and wait for the next question: each takes seconds to start. They end with
/// their input, and so with this process.
static IDLE: Mutex<Vec<Dagster>> = Mutex::new(Vec::new());

/// A process that does with Dagster's store what it is told.
struct Dagster {
    _child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Dagster {
    fn start() -> Self {
        let mut script = dagster_script("compute_logs_s3.py");
        // What is captured is printed there, too.
        script.arg(&server().http).stderr(Stdio::null());
        let child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("Dagster");
        let questions = child.stdin.take().expect("its input");
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        Self { _child: child, questions, answers }
    }

    /// The answers to a question. A process that fails is not used again.
    fn ask(question: &Value) -> Vec<Value> {
        let idle = || IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let mut dagster = waiting.unwrap_or_else(Self::start);
        writeln!(dagster.questions, "{question}").expect("Dagster listens");
        let mut line = String::new();
        dagster.answers.read_line(&mut line).expect("Dagster answers");
        let mut answers: Value = serde_json::from_str(&line).expect("Dagster's answers");
        let Value::Array(answers) = answers["answers"].take() else {
            panic!("{question}\n{}", answers["error"].as_str().unwrap_or_default())
        };
        idle().push(dagster);
        answers
    }
}

/// A name that no other test has.
fn new_bucket() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("bucket-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst))
}

const CREDENTIALS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "ours"), ("AWS_SECRET_ACCESS_KEY", "secret")];

fn credentials(variable: &str) -> Option<String> {
    let found = CREDENTIALS.iter().find(|(name, _)| *name == variable);
    found.map(|(_, value)| (*value).to_owned())
}

/// The environment of a process with these credentials.
struct Credentials;

impl Environment for Credentials {
    fn get(&self, name: &str) -> Option<String> {
        credentials(name)
    }
}

/// What both sides have in common.
#[derive(Debug, Clone)]
struct Bucket {
    name: String,
    /// The configuration but for the bucket and the directory, by Dagster's names.
    config: Value,
}

impl Bucket {
    fn new(config: Value) -> Self {
        Self { name: new_bucket(), config }
    }

    /// Our store, with a directory of its own.
    fn ours(&self, directory: &Path) -> S3ComputeLogManager {
        let mut settings = S3ComputeLogSettings::new(&self.name)
            .with_endpoint_url(server().http.clone())
            .with_local_dir(directory);
        for (name, value) in self.config.as_object().expect("a configuration") {
            settings = match (name.as_str(), value) {
                ("prefix", Value::String(prefix)) => settings.with_prefix(prefix),
                ("region", Value::String(region)) => settings.with_region(region.clone()),
                ("show_url_only", Value::Bool(only)) => settings.with_show_url_only(*only),
                ("skip_empty_files", Value::Bool(skip)) => settings.with_skip_empty_files(*skip),
                ("upload_extra_args", Value::Object(arguments)) => {
                    settings.with_upload_extra_args(arguments.clone())
                }
                _ => panic!("{name}: {value}?"),
            };
        }
        S3ComputeLogManager::new(settings, credentials).expect("a store")
    }

    /// A home whose `dagster.yaml` names the bucket, with a directory of its own.
    fn home(&self) -> Home {
        let home = Home::new();
        let mut config = self.config.clone();
        config["bucket"] = self.name.clone().into();
        config["endpoint_url"] = server().http.clone().into();
        config["local_dir"] = home.path().join("waiting").display().to_string().into();
        // JSON is YAML.
        let class = json!({
            "module": "dagster_aws.s3.compute_log_manager",
            "class": "S3ComputeLogManager",
            "config": config,
        });
        let yaml = format!("compute_logs: {class}\n");
        std::fs::write(home.path().join("dagster.yaml"), yaml).expect("dagster.yaml");
        home
    }

    /// What Dagster answers. It makes the bucket, too, and has a directory of its own.
    fn dagsters(&self, operations: &[Value]) -> Vec<Value> {
        let directory = Home::new();
        let mut settings = self.config.clone();
        settings["bucket"] = self.name.clone().into();
        settings["local_dir"] = directory.path().display().to_string().into();
        Dagster::ask(&json!({"settings": settings, "operations": operations}))
    }

    /// What we answer.
    fn answers(&self, operations: &[Value]) -> Vec<Value> {
        let directory = Home::new();
        let logs = self.ours(directory.path());
        let answers = operations.iter().map(async |operation| {
            let answer = answer(&logs, operation).await;
            let mut answer = answer.unwrap_or_else(|error| panic!("{operation}: {error:?}"));
            for url in ["stdout_download_url", "stderr_download_url"] {
                if let Some(Value::String(url)) = answer.get_mut(url) {
                    *url = downloaded(url).await;
                }
            }
            answer
        });
        let runtime = Runtime::new().expect("a runtime");
        answers.map(|answer| runtime.block_on(answer)).collect()
    }

    /// All objects, and how they are kept.
    fn objects(&self) -> BTreeMap<String, Value> {
        let answers = self.dagsters(&[json!({"operation": "objects"})]);
        let objects = answers[0].as_object().expect("objects").clone();
        objects.into_iter().collect()
    }
}

/// What whoever has no credentials gets, as the script says it.
async fn downloaded(url: &str) -> String {
    let (host, target) = url.trim_start_matches("http://").split_once('/').expect("an address");
    let mut stream = tokio::net::TcpStream::connect(host).await.expect("a connection");
    let request = format!("GET /{target} HTTP/1.0\r\nhost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    match head.split(' ').nth(1) {
        Some("200") => latin(&answer[end + 4..]),
        status => format!("status {}", status.unwrap_or_default()),
    }
}

/// Keys of the kinds that there are, and some that are only possible.
fn keys() -> Vec<Vec<String>> {
    let keys = [
        &["6dde9174-e2a3-4c3c-9d5a-02fd8fb5d2f4", "compute_logs", "abcdefgh"][..],
        &["alone"],
        &["backfill", "b", "1"],
        &["backfill", "b", "2"],
        &["white space", "a+b&c=d"],
        &["ünïcode", "€"],
        &["within/a", "part"],
        &["signs", "#%?*'(){}~!@$,;:"],
    ];
    keys.map(|key| key.iter().map(|part| (*part).to_owned()).collect()).to_vec()
}

fn questions(key: &[String]) -> Vec<Value> {
    let read = |cursor: Option<&str>, max_bytes: usize| json!({"operation": "read", "key": key, "cursor": cursor, "max_bytes": max_bytes});
    vec![
        json!({"operation": "is_complete", "key": key}),
        json!({"operation": "metadata", "key": key}),
        read(None, 1_000_000),
        read(Some("0:0"), 10),
        read(Some("7:3"), 20),
    ]
}

fn each_reads_what_the_other_captured(config: Value) {
    let bucket = Bucket::new(config);
    let (of_dagster, of_us): (Vec<_>, Vec<_>) =
        captures(&keys()).into_iter().enumerate().partition(|(number, _)| number % 2 == 0);
    let [of_dagster, of_us] = [of_dagster, of_us]
        .map(|captures| captures.into_iter().map(|(_, capture)| capture).collect::<Vec<_>>());
    bucket.dagsters(&of_dagster);
    bucket.answers(&of_us);

    let asked = keys().into_iter().chain([vec!["absent".to_owned()]]);
    let mut operations: Vec<_> = asked.flat_map(|key| questions(&key)).collect();
    for io_type in ["stdout", "stderr"] {
        let prefix = json!(["backfill", "b"]);
        operations.push(json!({"operation": "list", "prefix": prefix, "io_type": io_type}));
    }
    let (ours, dagsters) = (bucket.answers(&operations), bucket.dagsters(&operations));
    for ((operation, ours), dagsters) in operations.iter().zip(&ours).zip(&dagsters) {
        assert_eq!(ours, dagsters, "{operation}");
    }
    let complete = ours.iter().filter(|answer| **answer == json!(true));
    assert_eq!(complete.count(), keys().len());
    assert_eq!(ours.last(), Some(&json!([["backfill", "b", "1"], ["backfill", "b", "2"]])));
}

#[test]
fn each_reads_what_the_other_captured_below_a_prefix() {
    each_reads_what_the_other_captured(json!({"prefix": "/our//logs/"}));
}

#[test]
fn each_reads_what_the_other_captured_below_the_empty_prefix() {
    each_reads_what_the_other_captured(json!({"prefix": ""}));
}

/// Checks that both leave the same objects.
fn check_same_objects(config: &Value, operations: &[Value], expect: usize) {
    let (ours, dagsters) = (Bucket::new(config.clone()), Bucket::new(config.clone()));
    assert_eq!(ours.dagsters(&[]), Vec::<Value>::new(), "the bucket is there");
    assert_eq!(ours.answers(operations), dagsters.dagsters(operations));
    let (ours, dagsters) = (ours.objects(), dagsters.objects());
    assert_eq!(ours, dagsters, "{config}");
    assert_eq!(ours.len(), expect, "{ours:?}");
}

#[test]
fn told_to_do_the_same_both_leave_the_same_objects() {
    let captures = captures(&keys());
    let others = json!([
        {"operation": "delete_key", "key": ["absent", "x"]},
        {"operation": "delete_key", "key": ["ünïcode", "€"]},
        {"operation": "delete_prefix", "prefix": ["absent"]},
        {"operation": "delete_prefix", "prefix": ["back"]},
        {"operation": "delete_prefix", "prefix": ["backfill"]},
    ]);
    let operations = [captures, others.as_array().expect("operations").clone()].concat();
    for prefix in ["dagster", ""] {
        check_same_objects(&json!({"prefix": prefix}), &operations, 2 * (keys().len() - 3));
    }
}

#[test]
fn both_keep_objects_in_the_same_way() {
    let capture = |name: &str, stdout: &str, stderr: &str| json!({"operation": "capture", "key": ["r", name], "stdout": stdout, "stderr": stderr});
    let operations = [capture("full", "out", "err"), capture("silent", "", "err")];
    let arguments = json!({
        "ACL": "public-read",
        "CacheControl": "no-store",
        "ContentEncoding": "identity",
        "ContentType": "text/x-log",
        "Metadata": {"team": "a b"},
        "ServerSideEncryption": "AES256",
        "StorageClass": "STANDARD_IA",
        "Tagging": "a=b&c=d%20e",
    });
    check_same_objects(&json!({"upload_extra_args": arguments}), &operations, 4);
    check_same_objects(&json!({"skip_empty_files": true}), &operations, 3);
}

#[test]
fn what_there_is_so_far_is_read_by_the_other_side() {
    let bucket = Bucket::new(json!({}));
    let key = json!(["r", "compute_logs", "k"]);
    bucket.dagsters(&[json!({"operation": "partial", "key": key, "stdout": "of Dagster"})]);
    let read = json!({"operation": "read", "key": key, "cursor": "3:0", "max_bytes": 100});
    let is_complete = json!({"operation": "is_complete", "key": key});
    let expected = [json!({"stdout": "Dagster", "stderr": null, "cursor": "10:0"}), json!(false)];
    assert_eq!(bucket.answers(&[read.clone(), is_complete.clone()]), expected);

    let directory = Home::new();
    let logs = {
        let settings = S3ComputeLogSettings::new(&bucket.name)
            .with_endpoint_url(server().http.clone())
            .with_local_dir(directory.path())
            .with_upload_interval(Duration::from_millis(20));
        S3ComputeLogManager::new(settings, credentials).expect("a store")
    };
    let runtime = Runtime::new().expect("a runtime");
    let log_key = ComputeLogKey(["r", "compute_logs", "k"].map(str::to_owned).to_vec());
    let capture = runtime.block_on(async {
        let capture = logs.capture_logs(&log_key).await?;
        capture.write(ComputeIoType::Stdout, b"of us and").await?;
        Ok::<_, StorageError>(capture)
    });
    let capture = capture.expect("a capture");
    let expected = json!({"stdout": "us and", "stderr": null, "cursor": "9:0"});
    loop {
        // The runtime's own threads upload meanwhile.
        let answers = bucket.dagsters(&[read.clone(), is_complete.clone()]);
        assert_eq!(answers[1], json!(false));
        if answers[0] == expected {
            break;
        }
        assert_eq!(answers[0], json!({"stdout": "Dagster", "stderr": null, "cursor": "10:0"}));
    }
    runtime.block_on(capture.complete()).expect("its end");
    let answers = bucket.dagsters(&[read, is_complete]);
    assert_eq!(answers, [json!({"stdout": "us and", "stderr": "", "cursor": "9:0"}), json!(true)]);
}

#[test]
fn both_name_the_console_of_aws() {
    for config in [
        json!({}),
        json!({"show_url_only": true}),
        json!({"show_url_only": true, "region": "eu-west-1"}),
    ] {
        let bucket = Bucket::new(config.clone());
        let directory = Home::new();
        let logs = bucket.ours(directory.path());
        let key = ComputeLogKey(["r", "compute_logs", "k"].map(str::to_owned).to_vec());
        let runtime = Runtime::new().expect("a runtime");
        let context = runtime.block_on(logs.capture_logs(&key)).expect("a capture").context();
        let ours = json!([context.external_stdout_url, context.external_stderr_url]);
        let asked = json!({"operation": "context", "key": key.0});
        assert_eq!(vec![ours.clone()], bucket.dagsters(&[asked]), "{config}");
        assert_eq!(ours[0].is_string(), config["show_url_only"] == true);
    }
}

/// Where we differ, on purpose; see `docs/differences.md`.
#[test]
fn where_dagster_stumbles_we_do_not() {
    let bucket = Bucket::new(json!({"skip_empty_files": true}));
    let capture =
        json!({"operation": "capture", "key": ["a", "1.a"], "stdout": "out", "stderr": ""});
    let asked = [
        json!({"operation": "is_complete", "key": ["a", "1.a"]}),
        json!({"operation": "list", "prefix": ["a"], "io_type": "stdout"}),
    ];
    // It leaves out the empty standard error, by which it knows that a capture is complete.
    bucket.dagsters(std::slice::from_ref(&capture));
    assert_eq!(bucket.dagsters(&asked[..1]), [json!(false)]);
    bucket.dagsters(&[json!({"operation": "delete_key", "key": ["a", "1.a"]})]);
    bucket.answers(&[capture]);
    assert_eq!(bucket.dagsters(&asked[..1]), [json!(true)]);
    assert_eq!(bucket.answers(&asked), [json!(true), json!([["a", "1.a"]])]);
}

#[test]
fn a_server_proves_itself_unless_nobody_asks() {
    let bucket = Bucket::new(json!({}));
    bucket
        .dagsters(&[json!({"operation": "capture", "key": ["k"], "stdout": "seen", "stderr": ""})]);
    let directory = Home::new();
    let runtime = Runtime::new().expect("a runtime");
    let key = ComputeLogKey(vec!["k".to_owned()]);
    let read = |change: fn(S3ComputeLogSettings) -> S3ComputeLogSettings,
                bundle: Option<PathBuf>| {
        let settings = S3ComputeLogSettings::new(&bucket.name)
            .with_endpoint_url(server().https.clone())
            .with_local_dir(directory.path());
        let bundle = bundle.map(|path| path.display().to_string());
        let variable = |name: &str| match name {
            "AWS_CA_BUNDLE" => bundle.clone(),
            _ => credentials(name),
        };
        let logs = S3ComputeLogManager::new(change(settings), variable).expect("a store");
        let read = logs.get_log_data_for_type(&key, ComputeIoType::Stdout, 0, 100);
        runtime.block_on(read).map_err(|error| {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", reason.unwrap_or_default())
        })
    };
    let authority = server().authority.clone();
    let seen = Ok(Some(b"seen".to_vec()));
    assert_eq!(read(|settings| settings, Some(authority.clone())), seen);
    assert_eq!(read(|settings| settings.with_verify(false), None), seen);
    let by_settings: fn(S3ComputeLogSettings) -> S3ComputeLogSettings =
        |settings| settings.with_verify_cert_path(server().authority.clone());
    assert_eq!(read(by_settings, None), seen);
    let error = read(|settings| settings, None).expect_err("the system does not know it");
    assert!(error.contains("certificate") || error.contains("UnknownIssuer"), "{error}");
    let absent = PathBuf::from("/no/such/bundle.pem");
    let error = read(|settings| settings, Some(absent)).expect_err("there is no such file");
    assert!(error.contains("/no/such/bundle.pem"), "{error}");
}

#[test]
fn what_a_command_prints_is_in_the_bucket_when_its_run_has_ended() {
    let bucket = Bucket::new(json!({"show_url_only": true}));
    bucket.dagsters(&[]);
    let (home, directory) = (Home::new(), Home::new());
    let run = async {
        let instance = DagsterInstance::builder()
            .home(home.path())
            .run_coordinator(DefaultRunCoordinator)
            .run_launcher(ProcessRunLauncher::new())
            .compute_log_manager(bucket.ours(directory.path()))
            .open()
            .await?;
        let job = CommandJob::new("hello", &[], false)?;
        let command = "echo wörld; echo why >&2".to_owned();
        let command = CommandSpec::new(vec!["sh".to_owned(), "-c".to_owned(), command])?;
        let run = instance.create_run(job.create_run(&command)).await?;
        instance.submit_run(&run.run_id).await?;
        let follow = WatchEventLogs::new(run.run_id.clone()).with_until(WatchUntil::RunEnds);
        let mut events = instance.watch_event_logs(follow).await?;
        while let Some(record) = events.next().await {
            record?;
        }
        let ended = instance.get_run_by_id(&run.run_id).await?.expect("the run");
        instance.dispose().await?;
        Ok::<_, Box<dyn std::error::Error>>(ended)
    };
    let ended = Runtime::new().expect("a runtime").block_on(run).expect("a run");
    assert_eq!(ended.status.to_string(), "SUCCESS");
    let objects = bucket.objects();
    let prefix = ComputeLogPrefix::of_run(&ended.run_id).0.join("/");
    let of = |ending: &str| {
        let found = objects.iter().find(|(name, _)| {
            name.starts_with(&format!("dagster/storage/{prefix}/")) && name.ends_with(ending)
        });
        found.map(|(_, object)| object["bytes"].clone())
    };
    assert_eq!(of(".out"), Some(latin("wörld\n".as_bytes()).into()), "{objects:?}");
    assert_eq!((of(".err"), objects.len()), (Some("why\n".into()), 2));
}

/// The bucket that `dagster.yaml` names is opened by the file, and by the reference that other processes get.
#[test]
fn an_instance_reads_and_writes_where_its_file_says() {
    let bucket =
        Bucket::new(json!({"prefix": "of/a file", "upload_extra_args": {"ACL": "private"}}));
    let capture = |name: &str, stdout: &str| json!({"operation": "capture", "key": ["r", "compute_logs", name], "stdout": stdout, "stderr": "why"});
    let read = |name: &str| json!({"operation": "read", "key": ["r", "compute_logs", name], "cursor": null, "max_bytes": 100});
    bucket.dagsters(&[capture("theirs", "of Dagster")]);
    let home = bucket.home();
    let opened = async {
        let by_file =
            DagsterInstance::builder().home(home.path()).environment(Credentials).open().await?;
        let reference = by_file.get_ref()?.clone();
        let by_reference =
            DagsterInstance::builder().instance_ref(reference).environment(Credentials);
        let by_reference = by_reference.open().await?;
        for (instance, name) in [(&by_file, "by_file"), (&by_reference, "by_reference")] {
            let logs = instance.compute_log_manager();
            let found = answer(logs, &read("theirs")).await?;
            assert_eq!(found, json!({"stdout": "of Dagster", "stderr": "why", "cursor": "10:3"}));
            answer(logs, &capture(name, name)).await?;
            let complete = json!({"operation": "is_complete", "key": ["r", "compute_logs", name]});
            assert_eq!(answer(logs, &complete).await?, json!(true));
        }
        by_reference.dispose().await?;
        by_file.dispose().await?;
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    Runtime::new().expect("a runtime").block_on(opened).expect("both instances");
    let found = bucket.dagsters(&[read("by_file"), read("by_reference")]);
    let stdout: Vec<_> = found.iter().map(|found| found["stdout"].clone()).collect();
    assert_eq!(stdout, ["by_file", "by_reference"]);
}

/// The binary, with what an operator sets: a file and two variables.
#[test]
fn the_binary_captures_where_its_file_says() {
    let bucket = Bucket::new(json!({}));
    bucket.dagsters(&[]);
    let home = bucket.home();
    let command = ["exec", "--", "sh", "-c", "echo seen; echo why >&2"];
    home.ours_with(&CREDENTIALS, &command).succeeded();
    let objects = bucket.objects();
    let mut bytes: Vec<_> = objects.values().map(|object| object["bytes"].clone()).collect();
    bytes.sort_by_key(ToString::to_string);
    assert_eq!(bytes, ["seen\n", "why\n"], "{objects:?}");

    let info = home.ours(&["info", "--json"]).succeeded().json_lines();
    assert_eq!(info[0]["compute_logs"], format!("s3://{}/dagster", bucket.name));
    assert_eq!(info[0]["compute_logs_dir"], Value::Null);
}

mod on_a_real_server {
    use super::*;

    /// A store with the directory that goes with it.
    struct Made {
        logs: S3ComputeLogManager,
        _directory: Home,
    }

    impl AsRef<dyn ComputeLogManager> for Made {
        fn as_ref(&self) -> &(dyn ComputeLogManager + 'static) {
            &self.logs
        }
    }

    /// A bucket for all cases: each has a prefix of its own.
    fn shared() -> &'static Bucket {
        static BUCKET: OnceLock<Bucket> = OnceLock::new();
        BUCKET.get_or_init(|| {
            let bucket = Bucket::new(json!({}));
            bucket.dagsters(&[]);
            bucket
        })
    }

    async fn made() -> Made {
        let directory = Home::new();
        let shared = tokio::task::spawn_blocking(shared).await.expect("a bucket");
        let bucket = Bucket { config: json!({"prefix": new_bucket()}), ..shared.clone() };
        Made { logs: bucket.ours(directory.path()), _directory: directory }
    }

    instance_core::compute_log_manager_tests!(made);
}
