//! Servers that fail: what is told, what is kept, and that no secret is told.

use instance_core::StorageError;
use instance_core::storage::{ComputeIoType, ComputeLogManager, LogsToDelete};

use super::server::{Answer, Request};
use super::{Made, captured, key, manager, prefix, read, told};
use crate::support::{TestResult, files_below};

/// Denies uploads of names with this ending.
fn denied(ending: &'static str) -> impl Fn(&Request) -> Option<Answer> + Send + Sync {
    move |request| {
        let is_upload = matches!(request.method.as_str(), "PUT" | "POST");
        let answer = || Answer::error("403 Forbidden", "AccessDenied", "<Token-0>HIDDEN</Token-0>");
        (is_upload && request.path.ends_with(ending)).then(answer)
    }
}

#[tokio::test]
async fn an_upload_that_fails_half_way_keeps_the_files_and_says_so() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    let key = key(&["r", "k"]);
    made.server.answer(denied(".err"));
    let error = captured(&made.logs, &key, b"out", b"err").await.unwrap_err();
    let text = told(&error);
    let file = made.local("r/k.err").canonicalize()?;
    let expected = format!("cannot upload {} to s3://logs/dagster/storage/r/k.err", file.display());
    assert!(text.starts_with(&expected), "{text}");
    assert!(text.contains("403 Forbidden, AccessDenied: why AccessDenied"), "{text}");
    assert!(text.contains("the file stays") && !text.contains("HIDDEN"), "{text}");
    assert_eq!(made.server.names(), ["dagster/storage/r/k.out"]);
    let files = ["r", "r/k.complete", "r/k.err", "r/k.out"];
    assert_eq!(files_below(made.directory.path()), files);
    // On this machine, it is complete and can be read.
    made.server.requests();
    assert!(made.logs.is_capture_complete(&key).await?);
    assert_eq!(read(&made.logs, &key, ComputeIoType::Stderr).await?.as_deref(), Some("err"));
    assert!(made.server.requests().is_empty());
    // On others it is not.
    let (elsewhere, _directory) = made.elsewhere(|settings| settings)?;
    assert!(!elsewhere.is_capture_complete(&key).await?);
    // The next capture of the key uploads both, once.
    made.server.heal();
    captured(&made.logs, &key, b" again", b"").await?;
    let objects = made.server.objects();
    assert_eq!(objects["dagster/storage/r/k.out"], "out again");
    assert_eq!(objects["dagster/storage/r/k.err"], "err");
    assert_eq!(files_below(made.directory.path()), ["r"]);
    Ok(())
}

#[tokio::test]
async fn a_large_upload_that_fails_leaves_no_parts() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    let key = key(&["k"]);
    made.server.answer(|request| {
        let is_second = request.query.get("partNumber").is_some_and(|number| number == "2");
        is_second.then(|| Answer::error("400 Bad Request", "EntityTooLarge", ""))
    });
    let error = captured(&made.logs, &key, &vec![b'x'; 20_000_000], b"").await.unwrap_err();
    assert!(told(&error).contains("400 Bad Request, EntityTooLarge"), "{}", told(&error));
    assert_eq!(made.server.names(), [""; 0]);
    let last = made.server.requests().pop().unwrap_or_default();
    assert_eq!(last.line(), "DELETE /logs/dagster/storage/k.out uploadId");
    assert_eq!(std::fs::metadata(made.local("k.out"))?.len(), 20_000_000);
    Ok(())
}

#[tokio::test]
async fn what_fails_for_a_moment_is_tried_again() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    let left = std::sync::atomic::AtomicUsize::new(2);
    made.server.answer(move |request| {
        let order = std::sync::atomic::Ordering::SeqCst;
        let take = |left: usize| left.checked_sub(1);
        let fails = request.method == "PUT" && left.fetch_update(order, order, take).is_ok();
        fails.then(|| Answer::error("503 Slow Down", "SlowDown", ""))
    });
    captured(&made.logs, &key(&["k"]), b"x", b"").await?;
    assert_eq!(made.server.objects()["dagster/storage/k.out"], "x");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    let absent = manager(&made.server, made.directory.path(), |settings| {
        settings.with_endpoint_url("http://127.0.0.1:1".to_owned())
    })?;
    // The capture begins all the same, and what it writes is kept.
    let error = captured(&absent, &key(&["k"]), b"kept", b"").await.unwrap_err();
    let text = told(&error);
    assert!(text.contains("127.0.0.1:1") && text.contains("refused"), "{text}");
    assert_eq!(std::fs::read_to_string(made.local("k.out"))?, "kept");
    Ok(())
}

#[tokio::test]
async fn no_bucket_is_an_error_of_whoever_writes_lists_or_deletes() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    made.server.answer(|_| Some(Answer::error("404 Not Found", "NoSuchBucket", "")));
    let key = key(&["r", "k"]);
    let errors = [
        captured(&made.logs, &key, b"", b"").await.unwrap_err(),
        made.logs
            .get_log_keys_for_log_key_prefix(&prefix(&["r"]), ComputeIoType::Stdout)
            .await
            .unwrap_err(),
        made.logs.delete_logs(LogsToDelete::Of(&key)).await.unwrap_err(),
        made.logs.delete_logs(LogsToDelete::Below(&prefix(&["r"]))).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StorageError::Io { .. }), "{error:?}");
        assert!(told(&error).contains("NoSuchBucket"), "{}", told(&error));
    }
    Ok(())
}

/// Answers as S3 does to whoever may not list the bucket, and asks for what is not there.
fn secretive(request: &Request) -> Option<Answer> {
    let absent = matches!(request.method.as_str(), "GET" | "HEAD");
    absent.then(|| Answer::error("403 Forbidden", "AccessDenied", ""))
}

#[tokio::test]
async fn what_may_not_be_seen_counts_as_absent() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    made.server.answer(secretive);
    let key = key(&["k"]);
    assert_eq!(read(&made.logs, &key, ComputeIoType::Stdout).await?, None);
    assert!(!made.logs.is_capture_complete(&key).await?);
    // Whoever may only write can capture.
    captured(&made.logs, &key, b"x", b"").await?;
    assert_eq!(made.server.objects()["dagster/storage/k.out"], "x");
    Ok(())
}

#[tokio::test]
async fn wrong_credentials_are_an_error_and_not_absence() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    for (code, more) in [
        ("InvalidAccessKeyId", "<AWSAccessKeyId>HIDDEN</AWSAccessKeyId>"),
        (
            "SignatureDoesNotMatch",
            "<CanonicalRequest>x-amz-security-token:HIDDEN</CanonicalRequest>",
        ),
        ("ExpiredToken", "<Token-0>HIDDEN</Token-0>"),
    ] {
        made.server.answer(move |_| Some(Answer::error("403 Forbidden", code, more)));
        let key = key(&["r", "k"]);
        let errors = [
            read(&made.logs, &key, ComputeIoType::Stdout).await.map(drop).unwrap_err(),
            made.logs.is_capture_complete(&key).await.map(drop).unwrap_err(),
            captured(&made.logs, &key, b"x", b"").await.unwrap_err(),
            made.logs.delete_logs(LogsToDelete::Below(&prefix(&["r"]))).await.unwrap_err(),
        ];
        for error in errors {
            let text = format!("{} {error:?}", told(&error));
            assert!(text.contains(code), "{text}");
            assert!(!text.contains("HIDDEN") && !text.contains("OURSECRET"), "{text}");
        }
        // What was captured waits for better credentials. It is deleted for the next round.
        std::fs::remove_dir_all(made.directory.path().join("r")).or_else(|error| {
            (error.kind() == std::io::ErrorKind::NotFound).then_some(()).ok_or(error)
        })?;
    }
    Ok(())
}

#[tokio::test]
async fn no_secret_is_printed_with_the_store() -> TestResult {
    let made = Made::new(|settings| {
        let arguments = serde_json::json!({"SSECustomerKey": "HIDDEN"});
        settings.with_upload_extra_args(arguments.as_object().cloned().unwrap_or_default())
    })
    .await?;
    captured(&made.logs, &key(&["k"]), b"x", b"").await?;
    let printed = format!("{:?}", made.logs);
    assert!(!printed.contains("HIDDEN") && !printed.contains("OURSECRET"), "{printed}");
    // Such an object can be read by us: each request about it has the key.
    read(&made.logs, &key(&["k"]), ComputeIoType::Stdout).await?;
    let requests = made.server.requests();
    let name = "x-amz-server-side-encryption-customer-key";
    assert!(requests.iter().all(|request| request.header(name).is_some()), "{requests:?}");
    Ok(())
}
