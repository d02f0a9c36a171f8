//! Captured logs in files.

use instance_core::storage::{ComputeIoType, ComputeLogKey, ComputeLogManager};
use instance_core::{RunId, StorageError};
use instance_storage::LocalComputeLogManager;
use tempfile::TempDir;

use crate::support::{TestResult, files_below};

fn key(parts: &[&str]) -> ComputeLogKey {
    ComputeLogKey(parts.iter().map(|part| (*part).to_owned()).collect())
}

#[tokio::test]
async fn what_is_written_is_read_in_parts() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path());
    let key = ComputeLogKey::for_run(&RunId::from("r1"), "abcdefgh");
    let capture = logs.capture_logs(&key).await?;
    capture.write(ComputeIoType::Stdout, b"hello ").await?;
    capture.write(ComputeIoType::Stderr, b"\xff\x00").await?;
    // Readers see each part as soon as it was written.
    let out = async |offset, max| logs.get_log_data(&key, ComputeIoType::Stdout, offset, max).await;
    assert_eq!(out(0, 100).await?, b"hello ");
    capture.write(ComputeIoType::Stdout, b"w\xc3\xb6rld").await?;
    assert_eq!(out(0, 100).await?, "hello wörld".as_bytes());
    assert_eq!(out(6, 3).await?, b"w\xc3\xb6");
    assert_eq!(out(6, 0).await?, b"");
    assert_eq!(out(12, 10).await?, b"");
    assert_eq!(out(1_000, 10).await?, b"");
    assert_eq!(logs.get_log_data(&key, ComputeIoType::Stderr, 1, 9).await?, b"\x00");
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
    let logs = LocalComputeLogManager::new(directory.path().join("storage"));
    let data =
        logs.get_log_data(&key(&["r1", "compute_logs", "x"]), ComputeIoType::Stdout, 0, 10).await?;
    assert_eq!(data, b"");
    assert_eq!(files_below(directory.path()), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_second_capture_of_a_key_adds_to_the_first() -> TestResult {
    let directory = TempDir::new()?;
    let logs = LocalComputeLogManager::new(directory.path());
    let key = key(&["x"]);
    for text in ["one ", "two"] {
        let capture = logs.capture_logs(&key).await?;
        capture.write(ComputeIoType::Stdout, text.as_bytes()).await?;
    }
    assert_eq!(logs.get_log_data(&key, ComputeIoType::Stdout, 0, 100).await?, b"one two");
    Ok(())
}

#[tokio::test]
async fn keys_that_lead_out_of_the_directory_are_refused() -> TestResult {
    let directory = TempDir::new()?;
    std::fs::write(directory.path().join("secret.out"), "secret")?;
    let logs = LocalComputeLogManager::new(directory.path().join("storage"));
    let outside = directory.path().join("secret").display().to_string();
    let long = "x".repeat(300);
    let cases: &[&[&str]] = &[
        &[],
        &["..", "secret"],
        &["../secret"],
        &["a", "..", "..", "secret"],
        &["a/../../secret"],
        &["a", "../../secret"],
        &[&outside],
        &["/", "secret"],
        &["/etc", "x"],
        &["a", &long],
    ];
    for parts in cases {
        let key = key(parts);
        let read = logs.get_log_data(&key, ComputeIoType::Stdout, 0, 100).await;
        assert!(matches!(read, Err(StorageError::Unsupported { .. })), "{parts:?}: {read:?}");
        let capture = logs.capture_logs(&key).await.map(drop);
        assert!(matches!(capture, Err(StorageError::Unsupported { .. })), "{parts:?}: {capture:?}");
        let complete = logs.is_capture_complete(&key).await;
        assert!(
            matches!(complete, Err(StorageError::Unsupported { .. })),
            "{parts:?}: {complete:?}"
        );
    }
    assert_eq!(files_below(directory.path()), ["secret.out"]);
    Ok(())
}
