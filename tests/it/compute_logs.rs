//! Captured logs: what Dagster captures we read, and what we capture Dagster reads; told to do the same,
//! both leave the same files.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use dagster_instance_tests::{Home, dagster_script, dagster_with_input};
use instance_core::StorageError;
use instance_core::storage::{
    ComputeIoType, ComputeLogCursor, ComputeLogKey, ComputeLogManager, ComputeLogManagerExt,
    ComputeLogPrefix, LogsToDelete,
};
use instance_storage::LocalComputeLogManager;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Bytes as the script has them: text in Latin-1.
pub(crate) fn latin(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn bytes(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("a text").chars();
    text.map(|character| u8::try_from(u32::from(character)).expect("Latin-1")).collect()
}

fn parts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|part| part.as_str().expect("a part").to_owned()).collect()
}

/// What we answer to one of the script's operations.
pub(crate) async fn answer(
    logs: &dyn ComputeLogManager,
    operation: &Value,
) -> Result<Value, StorageError> {
    let key = || ComputeLogKey(parts(&operation["key"]));
    let prefix = || ComputeLogPrefix(parts(&operation["prefix"]));
    Ok(match operation["operation"].as_str().expect("an operation") {
        "capture" => {
            let capture = logs.capture_logs(&key()).await?;
            capture.write(ComputeIoType::Stdout, &bytes(&operation["stdout"])).await?;
            capture.write(ComputeIoType::Stderr, &bytes(&operation["stderr"])).await?;
            capture.complete().await?;
            Value::Null
        }
        "read" => {
            let cursor = operation["cursor"].as_str().unwrap_or_default();
            let cursor: ComputeLogCursor = cursor.parse().expect("a cursor");
            let max_bytes = operation["max_bytes"].as_u64().and_then(|max| max.try_into().ok());
            let data = logs.get_log_data(&key(), cursor, max_bytes.expect("a limit")).await?;
            let [stdout, stderr] = [data.stdout, data.stderr].map(|bytes| bytes.map(|b| latin(&b)));
            json!({"stdout": stdout, "stderr": stderr, "cursor": data.cursor.to_string()})
        }
        "is_complete" => logs.is_capture_complete(&key()).await?.into(),
        "metadata" => {
            let metadata = logs.get_log_metadata(&key()).await?;
            json!({
                "stdout_location": metadata.stdout_location,
                "stderr_location": metadata.stderr_location,
                "stdout_download_url": metadata.stdout_download_url,
                "stderr_download_url": metadata.stderr_download_url,
            })
        }
        "list" => {
            let io_type = match operation["io_type"].as_str() {
                Some("stdout") => ComputeIoType::Stdout,
                _ => ComputeIoType::Stderr,
            };
            let keys = logs.get_log_keys_for_log_key_prefix(&prefix(), io_type).await?;
            keys.into_iter().map(|key| key.0).collect::<Vec<_>>().into()
        }
        "delete_key" => logs.delete_logs(LogsToDelete::Of(&key())).await.map(|()| Value::Null)?,
        "delete_prefix" => {
            logs.delete_logs(LogsToDelete::Below(&prefix())).await.map(|()| Value::Null)?
        }
        operation => panic!("{operation}?"),
    })
}

fn ours(directory: &Path, operations: &[Value]) -> Vec<Value> {
    let logs = LocalComputeLogManager::new(directory);
    let answers = operations.iter().map(async |operation| match answer(&logs, operation).await {
        Ok(answer) => answer,
        Err(StorageError::Unsupported { .. }) => json!("refused"),
        Err(error) => panic!("{operation}: {error}"),
    });
    let runtime = Runtime::new().expect("a runtime");
    answers.map(|answer| runtime.block_on(answer)).collect()
}

fn dagsters(directory: &Path, operations: &[Value]) -> Vec<Value> {
    let directory = directory.to_string_lossy();
    let answers = dagster_with_input("compute_logs.py", &[&directory], &json!(operations));
    answers.as_array().expect("answers").clone()
}

/// Keys that a file system takes, ordinary ones and others.
fn keys() -> Vec<Vec<String>> {
    let long = |length: usize| "n".repeat(length);
    // The longest names of which no file, the mark alone, and all files are hashed.
    let hashed = [246, 247, 251, 252, 300].map(|length| vec!["long".to_owned(), long(length)]);
    let plain = [
        &["6dde9174-e2a3-4c3c-9d5a-02fd8fb5d2f4", "compute_logs", "abcdefgh"][..],
        &["alone"],
        &["backfill", "b", "1.a"],
        &["backfill", "b", ".hidden"],
        &["backfill", "b"],
        &["backfill", "white \t space", " "],
        &["ünïcode", "€"],
        &["within/a", "part/of it"],
        &["", "empty"],
        &[".", "dot", ".", "x"],
        &["empty", ""],
    ];
    let plain = plain.map(|key| key.iter().map(|part| (*part).to_owned()).collect());
    plain.into_iter().chain(hashed).collect()
}

pub(crate) fn captures(keys: &[Vec<String>]) -> Vec<Value> {
    let capture = |(number, key): (usize, &Vec<String>)| {
        let stdout = format!("output {number} of {key:?}, wörld €\n").repeat(number);
        let stderr = [&b"error \xff\x00\r\n"[..], number.to_string().as_bytes()].concat();
        json!({
            "operation": "capture", "key": key,
            "stdout": latin(stdout.as_bytes()), "stderr": latin(&stderr),
        })
    };
    keys.iter().enumerate().map(capture).collect()
}

/// Everything that can be asked about a key.
fn questions(key: &[String]) -> Vec<Value> {
    let read = |cursor: Option<&str>, max_bytes: usize| json!({"operation": "read", "key": key, "cursor": cursor, "max_bytes": max_bytes});
    vec![
        json!({"operation": "is_complete", "key": key}),
        json!({"operation": "metadata", "key": key}),
        read(None, 1_000_000),
        read(Some(""), 10),
        read(Some("0:0"), 0),
        read(Some("7:3"), 20),
        read(Some("1000000:5"), 20),
    ]
}

#[test]
fn each_reads_what_the_other_captured() {
    let home = Home::new();
    let (of_dagster, of_us): (Vec<_>, Vec<_>) =
        captures(&keys()).into_iter().enumerate().partition(|(number, _)| number % 2 == 0);
    let [of_dagster, of_us] = [of_dagster, of_us]
        .map(|captures| captures.into_iter().map(|(_, capture)| capture).collect::<Vec<_>>());
    dagsters(home.path(), &of_dagster);
    ours(home.path(), &of_us);
    // Both again into one key, each behind the other.
    ours(home.path(), &of_dagster[..1]);
    dagsters(home.path(), &of_us[..1]);

    let absent = ["absent", "alone/deeper"].map(|key| vec![key.to_owned()]);
    let outside = [&["..", "x"][..], &["a", "../../x"], &["/etc", "passwd"], &["/etc/passwd"]]
        .map(|key| key.iter().map(|part| (*part).to_owned()).collect());
    let asked: Vec<Vec<String>> = keys().into_iter().chain(absent).chain(outside).collect();
    let mut operations: Vec<_> = asked.iter().flat_map(|key| questions(key)).collect();
    for prefix in [json!([]), json!(["backfill", "b"]), json!(["backfill"]), json!(["no"])] {
        for io_type in ["stdout", "stderr"] {
            operations.push(json!({"operation": "list", "prefix": prefix, "io_type": io_type}));
        }
    }
    operations.push(json!({"operation": "list", "prefix": ["long"], "io_type": "stdout"}));
    operations.push(json!({"operation": "list", "prefix": ["within/a"], "io_type": "stdout"}));

    let (ours, dagsters) = (ours(home.path(), &operations), dagsters(home.path(), &operations));
    let mut answers = BTreeMap::new();
    for ((operation, ours), dagsters) in operations.iter().zip(&ours).zip(&dagsters) {
        assert_eq!(ours, dagsters, "{operation}");
        *answers.entry(ours == "refused").or_insert(0) += 1;
    }
    assert_eq!(answers, BTreeMap::from([(false, operations.len() - 28), (true, 28)]));
    // Both were asked about what is there.
    let complete = operations.iter().zip(&ours).filter(|(_, answer)| **answer == json!(true));
    assert_eq!(complete.count(), keys().len());
    assert_eq!(ours.last(), Some(&json!([])));
}

/// The files below a directory with what is in them, and the directories.
fn tree(directory: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in std::fs::read_dir(next).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(directory).expect("a path below").display().to_string();
            let is_directory = path.is_dir();
            found.insert(name, (!is_directory).then(|| std::fs::read(&path).expect("a file")));
            if is_directory {
                directories.push(path);
            }
        }
    }
    found
}

#[test]
fn told_to_do_the_same_both_leave_the_same_files() {
    let homes = [Home::new(), Home::new()];
    let captures = captures(&keys());
    let other = json!([
        {"operation": "delete_key", "key": ["absent", "x"]},
        {"operation": "delete_key", "key": ["alone"]},
        {"operation": "delete_key", "key": ["backfill", "b", "1.a"]},
        {"operation": "delete_key", "key": ["long", "n".repeat(300)]},
        {"operation": "delete_key", "key": ["long", "n".repeat(252)]},
        {"operation": "delete_key", "key": ["ünïcode", "€"]},
        {"operation": "delete_prefix", "prefix": ["absent"]},
        {"operation": "delete_prefix", "prefix": ["backfill", "white \t space"]},
        {"operation": "delete_prefix", "prefix": ["6dde9174-e2a3-4c3c-9d5a-02fd8fb5d2f4"]},
        {"operation": "delete_prefix", "prefix": ["dot"]},
        // Of a file's name, and of a key that is not there: nothing.
        {"operation": "delete_prefix", "prefix": ["empty.out"]},
        {"operation": "delete_key", "key": ["long"]},
    ]);
    let operations = [captures, other.as_array().expect("operations").clone()].concat();
    assert_eq!(ours(homes[0].path(), &operations), dagsters(homes[1].path(), &operations));
    let (ours, dagsters) = (tree(homes[0].path()), tree(homes[1].path()));
    assert_eq!(ours, dagsters);
    assert!(ours.contains_key("ünïcode") && !ours.contains_key("alone.out"));
}

#[test]
fn each_follows_the_other_to_the_end() {
    const LINES: usize = 400;
    let home = Home::new();
    let text = |whose: &str| {
        let lines = (0..LINES).map(|number| format!("line {number} of {whose}\n"));
        lines.collect::<Vec<_>>().concat()
    };
    let mut script = dagster_script("compute_logs.py");
    script.arg(home.path()).args(["--capture", &LINES.to_string()]);
    script.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = script.spawn().expect("a process");

    let logs = LocalComputeLogManager::new(home.path());
    let key = |name: &str| ComputeLogKey(vec![name.to_owned()]);
    let follow = async {
        let (mut collected, mut cursor) = (String::new(), ComputeLogCursor::START);
        loop {
            let polled = logs.poll_log_data(&key("python"), cursor, 100).await?;
            let data = polled.data.without_cut_characters();
            cursor = data.cursor;
            let stdout = data.stdout.unwrap_or_default();
            collected += std::str::from_utf8(&stdout).expect("whole characters");
            if polled.is_finished {
                return Ok::<_, StorageError>(collected);
            }
            if stdout.is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    };
    let write = async {
        let capture = logs.capture_logs(&key("rust")).await?;
        for line in text("rüst").as_bytes().chunks(23) {
            capture.write(ComputeIoType::Stdout, line).await?;
            tokio::task::yield_now().await;
        }
        capture.complete().await
    };
    let runtime = Runtime::new().expect("a runtime");
    let (written, followed) = runtime.block_on(async { tokio::join!(write, follow) });
    written.expect("our capture");
    assert_eq!(followed.expect("its capture"), text("pythön"));
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let followed: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(followed, latin(text("rüst").as_bytes()));
}
