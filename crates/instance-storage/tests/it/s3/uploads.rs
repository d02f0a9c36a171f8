//! What is in the bucket after captures, and what is sent for that.

use std::time::Duration;

use instance_core::storage::{
    CapturedLogMetadata, ComputeIoType, ComputeLogCursor, ComputeLogManager, ComputeLogManagerExt,
    LogsToDelete,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Made, captured, key, keys, manager, prefix, read};
use crate::support::{TestResult, files_below};
use instance_core::settings::S3ComputeLogSettings;
use instance_storage::S3ComputeLogManager;

const OUT: &str = "dagster/storage/r/compute_logs/k.out";
const ERR: &str = "dagster/storage/r/compute_logs/k.err";

fn of_run() -> instance_core::storage::ComputeLogKey {
    key(&["r", "compute_logs", "k"])
}

#[tokio::test]
async fn a_capture_is_two_objects_and_no_file() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    let capture = made.logs.capture_logs(&of_run()).await?;
    capture.write(ComputeIoType::Stdout, "wörld".as_bytes()).await?;
    assert_eq!(made.server.names(), [""; 0]);
    assert_eq!(read(&made.logs, &of_run(), ComputeIoType::Stdout).await?.unwrap(), "wörld");
    assert!(made.server.requests().is_empty(), "a file was read");
    capture.complete().await?;
    let objects = made.server.objects();
    assert_eq!(objects.get(OUT).map(String::as_str), Some("wörld"));
    assert_eq!((objects.len(), objects[ERR].as_str()), (2, ""));
    assert_eq!(files_below(made.directory.path()), ["r", "r/compute_logs"]);
    let lines: Vec<_> = made.server.requests().iter().map(super::server::Request::line).collect();
    assert_eq!(
        lines,
        [
            format!("HEAD /logs/{OUT}"),
            format!("PUT /logs/{OUT}"),
            format!("HEAD /logs/{ERR}"),
            format!("PUT /logs/{ERR}"),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn uploads_have_the_arguments_and_other_requests_have_not() -> TestResult {
    let made = Made::new(|settings| {
        let arguments = json!({
            "ACL": "bucket-owner-full-control", "ServerSideEncryption": "AES256",
            "Metadata": {"team": "a b"}, "RequestPayer": "requester", "ContentType": "text/x-log",
        });
        settings.with_upload_extra_args(arguments.as_object().cloned().unwrap_or_default())
    })
    .await?;
    captured(&made.logs, &of_run(), b"o", b"e").await?;
    let requests = made.server.requests();
    for request in &requests {
        let is_upload = request.method == "PUT";
        let expect = |name, value| {
            assert_eq!(request.header(name), Some(value).filter(|_| is_upload), "{request:?}");
        };
        expect("x-amz-acl", "bucket-owner-full-control");
        expect("x-amz-server-side-encryption", "AES256");
        expect("x-amz-meta-team", "a b");
        expect("content-type", "text/x-log");
        assert_eq!(request.header("x-amz-request-payer"), Some("requester"));
        // S3 refuses a header of its own that is not signed.
        let signed = request.header("authorization").unwrap_or_default().to_owned();
        for name in request.headers.keys().filter(|name| name.starts_with("x-amz-")) {
            assert!(signed.contains(name.as_str()), "{name}: {signed}");
        }
    }
    assert_eq!(requests.iter().filter(|request| request.method == "PUT").count(), 2);
    made.logs.delete_logs(LogsToDelete::Of(&of_run())).await?;
    let [deletion] = &made.server.requests()[..] else { panic!("one request") };
    assert_eq!(deletion.header("x-amz-acl"), None);
    Ok(())
}

#[tokio::test]
async fn arguments_that_no_upload_has_stop_a_capture_and_no_reading() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    captured(&made.logs, &of_run(), b"o", b"").await?;
    let (wrong, _directory) = made.elsewhere(|settings| {
        let arguments = json!({"Acl": "private"});
        settings.with_upload_extra_args(arguments.as_object().cloned().unwrap_or_default())
    })?;
    let refused = wrong.capture_logs(&of_run()).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("Acl"), "{refused}");
    assert_eq!(read(&wrong, &of_run(), ComputeIoType::Stdout).await?.as_deref(), Some("o"));
    Ok(())
}

#[tokio::test]
async fn empty_outputs_are_skipped_but_for_the_mark() -> TestResult {
    let made = Made::new(|settings| settings.with_skip_empty_files(true)).await?;
    captured(&made.logs, &of_run(), b"", b"").await?;
    assert_eq!(made.server.names(), [ERR]);
    assert!(made.logs.is_capture_complete(&of_run()).await?);
    assert_eq!(read(&made.logs, &of_run(), ComputeIoType::Stdout).await?, None);
    assert_eq!(read(&made.logs, &of_run(), ComputeIoType::Stderr).await?.as_deref(), Some(""));
    Ok(())
}

#[tokio::test]
async fn a_large_output_goes_in_parts_without_the_headers_of_the_whole() -> TestResult {
    let made = Made::new(|settings| {
        let arguments = json!({"ACL": "private", "ExpectedBucketOwner": "12"});
        settings.with_upload_extra_args(arguments.as_object().cloned().unwrap_or_default())
    })
    .await?;
    let text = "0123456789abcdef".repeat(1_200_000);
    captured(&made.logs, &of_run(), text.as_bytes(), b"").await?;
    assert!(made.server.objects()[OUT] == text, "the parts make the whole");
    let requests = made.server.requests();
    let of_out = requests.iter().filter(|request| request.path.ends_with(OUT));
    let (lines, acls): (Vec<_>, Vec<_>) = of_out
        .map(|request| {
            assert_eq!(request.header("x-amz-expected-bucket-owner"), Some("12"));
            (request.line(), request.header("x-amz-acl").is_some())
        })
        .unzip();
    let object = format!("/logs/{OUT}");
    assert_eq!(
        lines,
        [
            format!("HEAD {object}"),
            format!("POST {object} uploads"),
            format!("PUT {object} partNumber&uploadId"),
            format!("PUT {object} partNumber&uploadId"),
            format!("PUT {object} partNumber&uploadId"),
            format!("POST {object} uploadId"),
        ]
    );
    assert_eq!(acls, [false, true, false, false, false, false]);
    Ok(())
}

#[tokio::test]
async fn of_a_long_output_the_beginning_is_uploaded() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    let limited = |limit: &'static str| {
        let settings = S3ComputeLogSettings::new("logs")
            .with_endpoint_url(made.server.url.clone())
            .with_local_dir(made.directory.path());
        S3ComputeLogManager::new(settings, move |variable| match variable {
            "DAGSTER_TRUNCATE_COMPUTE_LOGS_UPLOAD_BYTES" => Some(limit.to_owned()),
            _ => keys(variable),
        })
    };
    captured(&limited("4")?, &of_run(), b"0123456789", b"e").await?;
    assert_eq!(made.server.objects()[OUT], "0123");
    // A later capture adds to what is there, up to the same limit.
    captured(&limited("6")?, &of_run(), b"abcdef", b"").await?;
    assert_eq!(made.server.objects()[OUT], "0123ab");
    captured(&limited("0")?, &of_run(), b"ghi", b"").await?;
    assert_eq!(made.server.objects()[OUT], "0123abghi");
    let refused = limited("50MB")?.capture_logs(&of_run()).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("50MB"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn what_there_is_so_far_is_uploaded_and_read_elsewhere() -> TestResult {
    let interval: super::Change =
        |settings| settings.with_upload_interval(Duration::from_millis(5));
    let made = Made::new(interval).await?;
    let (elsewhere, _directory) = made.elsewhere(|settings| settings)?;
    let partial = format!("{OUT}.partial");
    let has = |text: &'static str| {
        let partial = partial.clone();
        move |objects: &std::collections::BTreeMap<String, String>| {
            objects.get(&partial).is_some_and(|found| found == text)
        }
    };
    let capture = made.logs.capture_logs(&of_run()).await?;
    capture.write(ComputeIoType::Stdout, b"one ").await?;
    made.server.until(has("one ")).await;
    let first = elsewhere.poll_log_data(&of_run(), ComputeLogCursor::START, 100).await?;
    assert_eq!(first.data.stdout.as_deref(), Some(&b"one "[..]));
    assert!(!first.is_finished);
    assert_eq!(
        elsewhere
            .get_log_keys_for_log_key_prefix(&prefix(&["r", "compute_logs"]), ComputeIoType::Stdout)
            .await?,
        [of_run()]
    );
    capture.write(ComputeIoType::Stdout, b"two").await?;
    made.server.until(has("one two")).await;
    let second = elsewhere.poll_log_data(&of_run(), first.data.cursor, 100).await?;
    assert_eq!(second.data.stdout.as_deref(), Some(&b"two"[..]));
    // Nothing printed yet: nothing uploaded.
    assert_eq!(made.server.names(), std::slice::from_ref(&partial));
    capture.write(ComputeIoType::Stdout, b" three").await?;
    capture.complete().await?;
    let last = elsewhere.poll_log_data(&of_run(), second.data.cursor, 100).await?;
    assert_eq!((last.data.stdout.as_deref(), last.is_finished), (Some(&b" three"[..]), true));
    // The partial object stays, as Dagster leaves it, and goes with the others.
    assert!(made.server.names().contains(&partial));
    elsewhere.delete_logs(LogsToDelete::Of(&of_run())).await?;
    assert_eq!(made.server.names(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn without_news_nothing_is_uploaded_again() -> TestResult {
    let interval: super::Change =
        |settings| settings.with_upload_interval(Duration::from_millis(1));
    let made = Made::new(interval).await?;
    let capture = made.logs.capture_logs(&of_run()).await?;
    capture.write(ComputeIoType::Stdout, b"once").await?;
    made.server.until(|objects| objects.len() == 1).await;
    // The other output's first bytes come after several rounds without news of this one.
    for round in 0..5 {
        capture.write(ComputeIoType::Stderr, b"more").await?;
        let expected = "more".repeat(round + 1);
        let partial = format!("{ERR}.partial");
        made.server.until(|objects| objects.get(&partial) == Some(&expected)).await;
    }
    drop(capture);
    let puts = made.server.requests();
    let puts = puts.iter().filter(|request| request.path.ends_with(".out.partial"));
    assert_eq!(puts.count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_prefix_takes_all_pages_and_no_neighbour() -> TestResult {
    for change in [
        |settings: S3ComputeLogSettings| settings,
        |settings: S3ComputeLogSettings| settings.with_prefix("/"),
    ] {
        let made = Made::new(change).await?;
        for name in ["a", "b", "c", "d", "e"] {
            captured(&made.logs, &key(&["r", name]), name.as_bytes(), b"").await?;
            captured(&made.logs, &key(&["r", "deeper", name]), b"", b"").await?;
            captured(&made.logs, &key(&["rr", name]), b"", b"").await?;
        }
        let listed = made
            .logs
            .get_log_keys_for_log_key_prefix(&prefix(&["r"]), ComputeIoType::Stderr)
            .await?;
        assert_eq!(listed, ["a", "b", "c", "d", "e"].map(|name| key(&["r", name])));
        made.logs.delete_logs(LogsToDelete::Below(&prefix(&["r"]))).await?;
        let names = made.server.names();
        assert_eq!(names.len(), 10, "{names:?}");
        assert!(names.iter().all(|name| name.contains("storage/rr/")), "{names:?}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_prefix_names_begin_with_a_slash() -> TestResult {
    let made = Made::new(|settings| settings.with_prefix("//")).await?;
    captured(&made.logs, &of_run(), b"o", b"e").await?;
    let names = ["/storage/r/compute_logs/k.err", "/storage/r/compute_logs/k.out"];
    assert_eq!(made.server.names(), names);
    made.server.put("storage/r/compute_logs/k.out", "somebody else's");
    assert_eq!(read(&made.logs, &of_run(), ComputeIoType::Stdout).await?.as_deref(), Some("o"));
    made.logs.delete_logs(LogsToDelete::Of(&of_run())).await?;
    assert_eq!(made.server.names(), ["storage/r/compute_logs/k.out"]);
    Ok(())
}

#[tokio::test]
async fn where_outputs_are_is_told_when_they_are_there() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    let key = key(&["r", "a b"]);
    let capture = made.logs.capture_logs(&key).await?;
    assert_eq!(capture.context(), instance_core::storage::CapturedLogContext::new());
    assert_eq!(made.logs.get_log_metadata(&key).await?, CapturedLogMetadata::new());
    capture.write(ComputeIoType::Stdout, b"what it printed").await?;
    capture.complete().await?;
    let metadata = made.logs.get_log_metadata(&key).await?;
    let place = "s3://logs/dagster/storage/r/a b.out";
    assert_eq!(metadata.stdout_location.as_deref(), Some(place));
    let url = metadata.stdout_download_url.unwrap_or_default();
    assert!(url.contains("X-Amz-Expires=3600") && !url.contains("OURSECRET"), "{url}");
    assert!(get(&url).await?.ends_with("\r\n\r\nwhat it printed"));
    Ok(())
}

/// What a server answers to whoever has no credentials.
async fn get(url: &str) -> Result<String, std::io::Error> {
    let (host, target) = url.trim_start_matches("http://").split_once('/').unwrap_or_default();
    let mut stream = tokio::net::TcpStream::connect(host).await?;
    let request = format!("GET /{target} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn the_console_of_aws_is_named_if_that_is_to_be_shown() -> TestResult {
    let made = Made::new(|settings| settings.with_show_url_only(true)).await?;
    let context = made.logs.capture_logs(&of_run()).await?.context();
    let url = "https://s3.console.aws.amazon.com/s3/object/logs?region=us-east-1&prefix=";
    assert_eq!(context.external_stdout_url, Some(format!("{url}{OUT}")));
    assert_eq!(context.external_stderr_url, Some(format!("{url}{ERR}")));
    let (elsewhere, _directory) = made.elsewhere(|settings| {
        settings.with_show_url_only(true).with_region("eu-west-1".to_owned())
    })?;
    let context = elsewhere.capture_logs(&of_run()).await?.context();
    assert!(context.external_stderr_url.unwrap_or_default().contains("region=eu-west-1"));
    Ok(())
}

#[tokio::test]
async fn a_capture_that_died_is_read_on_its_machine_and_a_later_one_goes_on() -> TestResult {
    let made = Made::new(|settings| settings).await?;
    let capture = made.logs.capture_logs(&of_run()).await?;
    capture.write(ComputeIoType::Stdout, b"until it died, ").await?;
    drop(capture);
    let again = manager(&made.server, made.directory.path(), |settings| settings)?;
    assert!(!again.is_capture_complete(&of_run()).await?);
    assert_eq!(read(&again, &of_run(), ComputeIoType::Stdout).await?.unwrap(), "until it died, ");
    captured(&again, &of_run(), b"and then", b"").await?;
    assert_eq!(made.server.objects()[OUT], "until it died, and then");
    Ok(())
}
