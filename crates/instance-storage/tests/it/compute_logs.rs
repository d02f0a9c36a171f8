//! Captured logs in files.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;

use instance_core::config_problems::{ConfigProblem, ConfigProblems};
use instance_core::settings::{ClassSettings, ComputeLogSettings, S3ComputeLogSettings};
use instance_core::storage::{
    CapturedLogData, CapturedLogMetadata, ComputeIoType, ComputeLogCursor, ComputeLogKey,
    ComputeLogManager, ComputeLogManagerExt, ComputeLogPrefix, LogsToDelete,
};
use instance_core::{RunId, StorageError};
use instance_storage::{LocalComputeLogManager, compute_log_manager};
use tempfile::TempDir;

use crate::support::{TestResult, files_below};

/// A store, with the directory that goes with it.
struct Made {
    logs: LocalComputeLogManager,
    _directory: TempDir,
}

impl AsRef<dyn ComputeLogManager> for Made {
    fn as_ref(&self) -> &(dyn ComputeLogManager + 'static) {
        &self.logs
    }
}

#[expect(clippy::unused_async, reason = "the suite waits for it")]
#[expect(clippy::unwrap_used, reason = "a test without a directory has failed")]
async fn logs() -> Made {
    let directory = TempDir::new().unwrap();
    Made { logs: LocalComputeLogManager::new(directory.path()), _directory: directory }
}

instance_core::compute_log_manager_tests!(logs);

fn parts(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

fn key(of: &[&str]) -> ComputeLogKey {
    ComputeLogKey(parts(of))
}

fn prefix(of: &[&str]) -> ComputeLogPrefix {
    ComputeLogPrefix(parts(of))
}

/// A complete capture of a text.
async fn captured(logs: &LocalComputeLogManager, key: &ComputeLogKey, text: &str) -> TestResult {
    let capture = logs.capture_logs(key).await?;
    capture.write(ComputeIoType::Stdout, text.as_bytes()).await?;
    capture.complete().await?;
    Ok(())
}

/// All of a key's standard output.
async fn stdout(
    logs: &LocalComputeLogManager,
    key: &ComputeLogKey,
) -> Result<Option<Vec<u8>>, StorageError> {
    logs.get_log_data_for_type(key, ComputeIoType::Stdout, 0, 1_000_000).await
}

#[tokio::test]
async fn both_outputs_are_read_from_one_cursor() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path());
    let key = key(&["k"]);
    let start = ComputeLogCursor::START;
    assert_eq!(logs.get_log_data(&key, start, 10).await?, CapturedLogData::default());
    let past = ComputeLogCursor { stdout: 3, stderr: 5 };
    let nothing = CapturedLogData::new(past);
    assert_eq!(logs.get_log_data(&key, past, 10).await?, nothing);

    let capture = logs.capture_logs(&key).await?;
    capture.write(ComputeIoType::Stdout, b"0123456789").await?;
    capture.write(ComputeIoType::Stderr, b"abc").await?;
    let (mut cursor, mut stdout, mut stderr) = (start, Vec::new(), Vec::new());
    for at in ["0:0", "4:3", "8:3", "10:3", "10:3"] {
        assert_eq!(cursor.to_string(), at);
        let data = logs.get_log_data(&key, cursor, 4).await?;
        stdout.extend(data.stdout.unwrap());
        stderr.extend(data.stderr.unwrap());
        cursor = data.cursor;
    }
    assert_eq!((&*stdout, &*stderr), (&b"0123456789"[..], &b"abc"[..]));
    // One of them alone has begun.
    std::fs::remove_file(directory.path().join("k.err"))?;
    let data = logs.get_log_data(&key, start, 3).await?;
    assert_eq!((data.stdout.as_deref(), data.stderr), (Some(&b"012"[..]), None));
    assert_eq!(data.cursor.to_string(), "3:0");
    Ok(())
}

#[tokio::test]
async fn a_capture_is_complete_when_it_says_so() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path());
    let key = ComputeLogKey::for_run(&RunId::from("r1"), "abcdefgh");
    assert!(!logs.is_capture_complete(&key).await?);
    let capture = logs.capture_logs(&key).await?;
    assert!(!logs.is_capture_complete(&key).await?);
    capture.complete().await?;
    assert!(logs.is_capture_complete(&key).await?);
    assert_eq!(
        files_below(directory.path()),
        [
            "r1",
            "r1/compute_logs",
            "r1/compute_logs/abcdefgh.complete",
            "r1/compute_logs/abcdefgh.err",
            "r1/compute_logs/abcdefgh.out",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn nothing_captured_is_empty_and_creates_nothing() -> TestResult {
    let directory = TempDir::new()?;
    std::fs::write(directory.path().join("file"), "")?;
    for base in ["storage", "file", "file/storage"] {
        let logs = LocalComputeLogManager::new(directory.path().join(base));
        let of_run = ComputeLogPrefix::of_run(&RunId::from("r1"));
        let key = of_run.key("x");
        assert_eq!(stdout(&logs, &key).await?, None);
        assert!(!logs.is_capture_complete(&key).await?);
        let polled = logs.poll_log_data(&key, ComputeLogCursor::START, 10).await?;
        assert_eq!((polled.data, polled.is_finished), (CapturedLogData::default(), false));
        let listed = logs.get_log_keys_for_log_key_prefix(&of_run, ComputeIoType::Stdout).await?;
        assert_eq!(listed, []);
        logs.delete_logs(LogsToDelete::Of(&key)).await?;
        logs.delete_logs(LogsToDelete::Below(&of_run)).await?;
        assert_eq!(files_below(directory.path()), ["file"]);
    }
    Ok(())
}

#[tokio::test]
async fn keys_directly_below_a_prefix_are_listed_in_order() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path());
    let names = ["b", "a", "with.dots.out", "white space\t", "ü", "..", "c"];
    for name in names {
        captured(&logs, &key(&["backfill", "x", name]), name).await?;
    }
    captured(&logs, &key(&["backfill", "x", "deeper", "d"]), "").await?;
    captured(&logs, &key(&["backfill", "y"]), "").await?;
    let x = prefix(&["backfill", "x"]);
    std::fs::remove_file(directory.path().join("backfill/x/c.out"))?;
    for stray in [".out", "out", "z.txt", "z.out.partial"] {
        std::fs::write(directory.path().join("backfill/x").join(stray), "")?;
    }
    std::fs::create_dir(directory.path().join("backfill/x/directory.out"))?;
    let list = async |prefix: &ComputeLogPrefix, io_type| {
        logs.get_log_keys_for_log_key_prefix(prefix, io_type).await
    };
    let expected = ["..", "a", "b", "white space\t", "with.dots.out", "ü"];
    let listed = list(&x, ComputeIoType::Stdout).await?;
    assert_eq!(listed, expected.map(|name| x.key(name)));
    for listed in &listed {
        let name = listed.0.last().unwrap();
        assert_eq!(stdout(&logs, listed).await?.unwrap(), name.as_bytes());
    }
    assert_eq!(list(&x, ComputeIoType::Stderr).await?.len(), names.len());
    assert_eq!(
        list(&prefix(&["backfill"]), ComputeIoType::Stdout).await?,
        [key(&["backfill", "y"])]
    );
    assert_eq!(list(&prefix(&[]), ComputeIoType::Stdout).await?, []);
    assert_eq!(list(&prefix(&["backfill", "y"]), ComputeIoType::Stdout).await?, []);
    Ok(())
}

#[tokio::test]
async fn names_that_are_too_long_are_hashed_as_dagster_does() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path());
    let check = async |file_base: &str, files: [&str; 3]| -> TestResult {
        let key = key(&["r", file_base]);
        captured(&logs, &key, file_base).await?;
        let found: BTreeSet<_> = files_below(directory.path()).into_iter().skip(1).collect();
        assert_eq!(found, files.iter().map(|file| format!("r/{file}")).collect());
        assert_eq!(stdout(&logs, &key).await?.unwrap(), file_base.as_bytes());
        assert!(logs.is_capture_complete(&key).await?);
        logs.delete_logs(LogsToDelete::Of(&key)).await?;
        assert_eq!(files_below(directory.path()), ["r"]);
        Ok(())
    };
    // The mark has the longest ending, so its name is the first that is hashed.
    let (a246, a251, a300) = ("a".repeat(246), "a".repeat(251), "a".repeat(300));
    let whole = |ending: &str| format!("{a246}.{ending}");
    check(&a246, [&whole("out"), &whole("err"), &whole("complete")]).await?;
    let whole = |ending: &str| format!("{a251}.{ending}");
    check(&a251, [&whole("out"), &whole("err"), "21f5b107cda33036590a19419afd7fb6.complete"])
        .await?;
    let hash = "4e5475d125a33c6190718e75adc1b704";
    let hashed = |ending: &str| format!("{hash}.{ending}");
    check(&a300, [&hashed("out"), &hashed("err"), &hashed("complete")]).await?;
    // 100 characters of three bytes: Dagster could not store them.
    let hash = "66d226eeb1b67b94688f7b0dcb3b0db1";
    let hashed = |ending: &str| format!("{hash}.{ending}");
    check(&"€".repeat(100), [&hashed("out"), &hashed("err"), &hashed("complete")]).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_nothing_else() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path().join("storage"));
    let of_run = |run: &str| ComputeLogPrefix::of_run(&RunId::from(run));
    for run in ["r1", "r2"] {
        for name in ["a", "b"] {
            captured(&logs, &of_run(run).key(name), name).await?;
        }
    }
    // What an IO manager of Dagster keeps beside them.
    let r1 = directory.path().join("storage/r1");
    std::fs::write(r1.join("result"), "")?;
    std::fs::write(r1.join("compute_logs/a.out.partial"), "")?;
    std::fs::create_dir(r1.join("compute_logs/a.err.partial"))?;

    logs.delete_logs(LogsToDelete::Of(&of_run("r1").key("a"))).await?;
    assert_eq!(stdout(&logs, &of_run("r1").key("a")).await?, None);
    assert!(!logs.is_capture_complete(&of_run("r1").key("a")).await?);
    assert_eq!(
        files_below(&r1),
        [
            "compute_logs",
            "compute_logs/a.err.partial",
            "compute_logs/b.complete",
            "compute_logs/b.err",
            "compute_logs/b.out",
            "result",
        ]
    );
    // The last key of a directory leaves it; the prefix takes it away, and no other one.
    logs.delete_logs(LogsToDelete::Of(&of_run("r1").key("b"))).await?;
    assert_eq!(files_below(&r1), ["compute_logs", "compute_logs/a.err.partial", "result"]);
    logs.delete_logs(LogsToDelete::Below(&of_run("r1"))).await?;
    assert_eq!(files_below(&r1), ["result"]);
    assert_eq!(files_below(&directory.path().join("storage/r2/compute_logs")).len(), 6);
    // A prefix is a directory: neither a file nor what its name begins with.
    logs.delete_logs(LogsToDelete::Below(&prefix(&["r1", "result"]))).await?;
    logs.delete_logs(LogsToDelete::Below(&prefix(&["r"]))).await?;
    assert_eq!(files_below(&r1), ["result"]);
    Ok(())
}

#[tokio::test]
async fn a_capture_outlives_the_deletion_of_its_files() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path());
    let of_run = ComputeLogPrefix::of_run(&RunId::from("r1"));
    let capture = logs.capture_logs(&of_run.key("a")).await?;
    logs.delete_logs(LogsToDelete::Below(&of_run)).await?;
    capture.write(ComputeIoType::Stdout, b"lost").await?;
    capture.complete().await?;
    assert_eq!(stdout(&logs, &of_run.key("a")).await?, None);
    assert!(logs.is_capture_complete(&of_run.key("a")).await?);
    Ok(())
}

#[tokio::test]
async fn where_the_outputs_are_is_told_for_dagster_and_its_server() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path().join("storage"));
    let metadata = logs.get_log_metadata(&key(&["r1", "compute_logs", "a b"])).await?;
    let file = |name: &str| {
        let base = directory.path().canonicalize().unwrap();
        Some(base.join("storage/r1/compute_logs").join(name).display().to_string())
    };
    let expected = CapturedLogMetadata::new()
        .with_stdout_location(file("a b.out"))
        .with_stderr_location(file("a b.err"))
        .with_stdout_download_url("/logs/r1/compute_logs/a b/out".to_owned())
        .with_stderr_download_url("/logs/r1/compute_logs/a b/err".to_owned());
    assert_eq!(metadata, expected);
    assert_eq!(files_below(directory.path()), Vec::<String>::new());
    Ok(())
}

/// Checks that every method refuses a key.
async fn check_refused(logs: &LocalComputeLogManager, key: &ComputeLogKey) {
    let check = |what: &str, result: Result<(), StorageError>| {
        assert!(
            matches!(result, Err(StorageError::Unsupported { .. })),
            "{what} {key:?}: {result:?}"
        );
    };
    let start = ComputeLogCursor::START;
    check("capture", logs.capture_logs(key).await.map(drop));
    check("read", stdout(logs, key).await.map(drop));
    check("poll", logs.poll_log_data(key, start, 10).await.map(drop));
    check("complete", logs.is_capture_complete(key).await.map(drop));
    check("metadata", logs.get_log_metadata(key).await.map(drop));
    check("delete", logs.delete_logs(LogsToDelete::Of(key)).await);
}

/// Checks that a prefix is neither listed nor deleted.
async fn check_prefix_refused(logs: &LocalComputeLogManager, prefix: &ComputeLogPrefix) {
    let listed = logs.get_log_keys_for_log_key_prefix(prefix, ComputeIoType::Stdout).await;
    assert!(matches!(listed, Err(StorageError::Unsupported { .. })), "{prefix:?}: {listed:?}");
    let deleted = logs.delete_logs(LogsToDelete::Below(prefix)).await;
    assert!(matches!(deleted, Err(StorageError::Unsupported { .. })), "{prefix:?}: {deleted:?}");
}

#[tokio::test]
async fn keys_that_lead_out_of_the_directory_are_refused() -> TestResult {
    let directory = TempDir::new()?;
    std::fs::write(directory.path().join("secret.out"), "secret")?;
    let logs = LocalComputeLogManager::new(directory.path().join("storage"));
    let outside = directory.path().join("secret").display().to_string();
    let cases: &[&[&str]] = &[
        &["..", "secret"],
        &["../secret"],
        &["a", "..", "..", "secret"],
        &["a/../../secret"],
        &["a", "../../secret"],
        &[&outside],
        &["/", "secret"],
        &["/etc", "x"],
    ];
    check_refused(&logs, &key(&[])).await;
    for parts in cases {
        check_refused(&logs, &key(parts)).await;
        check_prefix_refused(&logs, &prefix(parts)).await;
    }
    for parts in [&[".."][..], &["a", ".."], &["/"]] {
        check_prefix_refused(&logs, &prefix(parts)).await;
    }
    assert_eq!(files_below(directory.path()), ["secret.out"]);
    Ok(())
}

#[tokio::test]
async fn everything_at_once_is_not_deleted() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path());
    captured(&logs, &key(&["k"]), "").await?;
    for parts in [&[][..], &[""], &["."], &["", "."]] {
        let deleted = logs.delete_logs(LogsToDelete::Below(&prefix(parts))).await;
        assert!(matches!(deleted, Err(StorageError::Unsupported { .. })), "{deleted:?}");
    }
    assert_eq!(files_below(directory.path()).len(), 3);
    Ok(())
}

#[tokio::test]
async fn symbolic_links_do_not_lead_out_of_the_directory() -> TestResult {
    let directory = TempDir::new()?;
    let base = directory.path().join("storage");
    let elsewhere = directory.path().join("elsewhere");
    std::fs::create_dir_all(elsewhere.join("deeper"))?;
    std::fs::create_dir_all(base.join("r1"))?;
    for file in ["x.out", "deeper/x.out"] {
        std::fs::write(elsewhere.join(file), "secret")?;
    }
    symlink(&elsewhere, base.join("link"))?;
    let logs = LocalComputeLogManager::new(&base);
    for parts in [&["link", "x"][..], &["link", "deeper", "x"], &["link", "new", "x"]] {
        check_refused(&logs, &key(parts)).await;
    }
    for parts in [&["link"][..], &["link", "deeper"], &["link/deeper"], &["link/"], &["link", ""]] {
        check_prefix_refused(&logs, &prefix(parts)).await;
    }
    // A file may be a link, too. The link is what is deleted.
    let link = base.join("r1/k.out");
    for target in [elsewhere.join("x.out"), elsewhere.join("not there"), base.join("not there")] {
        symlink(&target, &link)?;
        let read = stdout(&logs, &key(&["r1", "k"])).await;
        assert!(matches!(read, Err(StorageError::Unsupported { .. })), "{read:?}");
        let capture = logs.capture_logs(&key(&["r1", "k"])).await.map(drop);
        assert!(matches!(capture, Err(StorageError::Unsupported { .. })), "{capture:?}");
        logs.delete_logs(LogsToDelete::Of(&key(&["r1", "k"]))).await?;
        assert!(!link.is_symlink());
    }
    // Links within what is deleted go; what they lead to stays.
    symlink(&elsewhere, base.join("r1/to_elsewhere"))?;
    logs.delete_logs(LogsToDelete::Below(&prefix(&["r1"]))).await?;
    assert!(base.join("link").is_symlink() && !base.join("r1").exists());
    assert_eq!(files_below(&elsewhere), ["deeper", "deeper/x.out", "x.out"]);
    Ok(())
}

#[tokio::test]
async fn links_within_the_directory_and_to_it_are_followed() -> TestResult {
    let directory = TempDir::new()?;
    std::fs::create_dir(directory.path().join("disk"))?;
    symlink("disk", directory.path().join("storage"))?;
    let logs = LocalComputeLogManager::new(directory.path().join("storage"));
    captured(&logs, &key(&["r1", "k"]), "text").await?;
    symlink("r1", directory.path().join("disk/other"))?;
    assert_eq!(stdout(&logs, &key(&["other", "k"])).await?.unwrap(), b"text");
    // To delete through one could be a mistake, and Dagster refuses it as well.
    for parts in [&["other"][..], &["other", ""]] {
        let deleted = logs.delete_logs(LogsToDelete::Below(&prefix(parts))).await;
        assert!(matches!(deleted, Err(StorageError::Unsupported { .. })), "{deleted:?}");
    }
    assert_eq!(stdout(&logs, &key(&["r1", "k"])).await?.unwrap(), b"text");
    logs.delete_logs(LogsToDelete::Below(&prefix(&["r1"]))).await?;
    assert_eq!(files_below(&directory.path().join("disk")), ["other"]);
    Ok(())
}

#[tokio::test]
async fn a_failure_names_the_file() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path());
    std::fs::create_dir(directory.path().join("k.out"))?;
    std::fs::write(directory.path().join("file"), "")?;
    for (key, file) in [(key(&["k"]), "k.out"), (key(&["file", "k"]), "file")] {
        // Something else than a file reads as nothing, as it does for Dagster.
        assert_eq!(stdout(&logs, &key).await?, None);
        let error = logs.capture_logs(&key).await.map(drop).unwrap_err();
        let path = Path::new(&directory.path().canonicalize()?).join(file).display().to_string();
        assert_eq!(error.to_string(), format!("cannot create {path}"));
        assert!(std::error::Error::source(&error).is_some());
    }
    Ok(())
}

/// What the settings name and this version has not is an error of those who need it.
#[tokio::test]
async fn settings_name_the_store() -> TestResult {
    let directory = TempDir::new()?;
    let (log_key, below) = (key(&["r", "compute_logs", "k"]), prefix(&["r"]));
    // No store but the one in S3 asks for variables.
    let no_variable = |name: &str| panic!("{name}?");
    let local = compute_log_manager(&ComputeLogSettings::local(directory.path()), no_variable);
    let capture = local.capture_logs(&log_key).await?;
    capture.write(ComputeIoType::Stdout, b"x").await?;
    capture.complete().await?;
    assert!(directory.path().join("r/compute_logs/k.out").exists());

    let nowhere = compute_log_manager(&ComputeLogSettings::NoOp, no_variable);
    let capture = nowhere.capture_logs(&log_key).await?;
    capture.write(ComputeIoType::Stdout, b"x").await?;
    capture.complete().await?;
    assert!(nowhere.is_capture_complete(&log_key).await?);
    let read = nowhere.get_log_data_for_type(&log_key, ComputeIoType::Stdout, 0, 9).await?;
    assert_eq!(read, None);
    assert_eq!(nowhere.get_log_metadata(&log_key).await?, CapturedLogMetadata::new());
    let keys = nowhere.get_log_keys_for_log_key_prefix(&below, ComputeIoType::Stdout).await?;
    assert_eq!(keys, []);
    nowhere.delete_logs(LogsToDelete::Below(&below)).await?;

    let class = ClassSettings::new("dagster_gcp.gcs", "GCSComputeLogManager");
    // Without the feature, no bucket can be had. With it, this one cannot.
    let (bucket, part) = if cfg!(feature = "s3") {
        ("a/b", "\"a/b\"")
    } else {
        ("b", "s3://b/dagster, in which Dagster's S3ComputeLogManager keeps them; this build")
    };
    let problem = ConfigProblem::new("it is missing").with_key("compute_logs.config.base_dir");
    let problems = ConfigProblems::new("dagster.yaml", vec![problem]);
    for (settings, part) in [
        (ComputeLogSettings::Other(class), "dagster_gcp.gcs.GCSComputeLogManager"),
        (ComputeLogSettings::s3(S3ComputeLogSettings::new(bucket)), part),
        (ComputeLogSettings::Unusable(problems), "compute_logs.config.base_dir: it is missing"),
    ] {
        let absent = compute_log_manager(&settings, |_| None);
        let errors = [
            absent.capture_logs(&log_key).await.err(),
            absent.is_capture_complete(&log_key).await.err(),
            absent.get_log_data_for_type(&log_key, ComputeIoType::Stdout, 0, 9).await.err(),
            absent.get_log_metadata(&log_key).await.err(),
            absent.get_log_keys_for_log_key_prefix(&below, ComputeIoType::Stdout).await.err(),
            absent.delete_logs(LogsToDelete::Of(&log_key)).await.err(),
        ];
        for error in errors {
            let error = error.ok_or("no error")?.to_string();
            assert!(error.contains(part), "{error}");
        }
    }
    Ok(())
}
