//! Cases about the store of what processes print.

use crate::error::StorageError;
use crate::ids::RunId;
use crate::storage::{
    CapturedLogData, ComputeIoType, ComputeLogCursor, ComputeLogKey, ComputeLogManager,
    ComputeLogManagerExt, ComputeLogPrefix, LogsToDelete, PolledLogs,
};

/// Runs every case about the store of what processes print on those that an async function makes; what it returns
/// gives the store by [`AsRef`]. See [`testing`](crate::testing).
#[macro_export]
macro_rules! compute_log_manager_tests {
    ($make:expr) => {
        mod compute_log_manager {
            #[allow(unused_imports, reason = "the function may be named by its whole path")]
            use super::*;
            $crate::compute_log_manager_tests! { @cases $make,
                what_is_written_is_read_in_parts
                both_outputs_are_read_from_one_cursor
                who_follows_a_capture_misses_nothing_and_learns_of_its_end
                a_part_that_ends_where_the_capture_does_is_not_the_last
                nothing_captured_is_empty
                a_capture_that_is_dropped_has_no_mark
                a_second_capture_of_a_key_adds_to_the_first
                keys_directly_below_a_prefix_are_listed_in_order
                deleted_outputs_are_gone_and_nothing_else
                a_capture_outlives_the_deletion_of_its_output
                everything_at_once_is_not_deleted
                the_empty_key_is_refused
            }
        }
    };
    (@cases $make:expr, $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() {
                let made = $make().await;
                let logs: &dyn $crate::storage::ComputeLogManager =
                    ::core::convert::AsRef::as_ref(&made);
                $crate::testing::compute_logs::$case(logs).await;
            }
        )*
    };
}

fn key(parts: &[&str]) -> ComputeLogKey {
    ComputeLogKey(parts.iter().map(|part| (*part).to_owned()).collect())
}

fn prefix(parts: &[&str]) -> ComputeLogPrefix {
    ComputeLogPrefix(key(parts).0)
}

fn of_run(run_id: &str) -> ComputeLogPrefix {
    ComputeLogPrefix::of_run(&RunId::from(run_id))
}

/// A complete capture of a text.
async fn captured(logs: &dyn ComputeLogManager, key: &ComputeLogKey, text: &str) {
    let capture = logs.capture_logs(key).await.unwrap();
    capture.write(ComputeIoType::Stdout, text.as_bytes()).await.unwrap();
    capture.complete().await.unwrap();
}

/// All of a key's standard output.
async fn stdout(logs: &dyn ComputeLogManager, key: &ComputeLogKey) -> Option<String> {
    let bytes = logs.get_log_data_for_type(key, ComputeIoType::Stdout, 0, 1_000_000).await.unwrap();
    bytes.map(|bytes| String::from_utf8(bytes).unwrap())
}

async fn is_complete(logs: &dyn ComputeLogManager, key: &ComputeLogKey) -> bool {
    logs.is_capture_complete(key).await.unwrap()
}

async fn poll(
    logs: &dyn ComputeLogManager,
    key: &ComputeLogKey,
    cursor: ComputeLogCursor,
    max_bytes: usize,
) -> PolledLogs {
    logs.poll_log_data(key, cursor, max_bytes).await.unwrap()
}

/// Bytes are there for readers as soon as they are written, from any offset on and up to any limit.
pub async fn what_is_written_is_read_in_parts(logs: &dyn ComputeLogManager) {
    let key = ComputeLogKey::for_run(&RunId::from("r1"), "abcdefgh");
    let capture = logs.capture_logs(&key).await.unwrap();
    let read = async |io_type, offset, max_bytes| {
        logs.get_log_data_for_type(&key, io_type, offset, max_bytes).await.unwrap().unwrap()
    };
    let out = async |offset, max_bytes| read(ComputeIoType::Stdout, offset, max_bytes).await;
    assert_eq!(out(0, 100).await, b"");
    capture.write(ComputeIoType::Stdout, b"hello ").await.unwrap();
    capture.write(ComputeIoType::Stderr, b"\xff\x00").await.unwrap();
    assert_eq!(out(0, 100).await, b"hello ");
    capture.write(ComputeIoType::Stdout, b"w\xc3\xb6rld").await.unwrap();
    assert_eq!(out(0, 100).await, "hello wörld".as_bytes());
    for (offset, max_bytes, expected) in [
        (6, 3, &b"w\xc3\xb6"[..]),
        (6, 0, b""),
        (12, 10, b""),
        (1_000, 10, b""),
        (u64::MAX, usize::MAX, b""),
    ] {
        assert_eq!(out(offset, max_bytes).await, expected, "{offset}, {max_bytes}");
    }
    assert_eq!(read(ComputeIoType::Stderr, 1, 9).await, b"\x00");
}

/// Either output goes on where it has stopped, whichever of them is longer.
pub async fn both_outputs_are_read_from_one_cursor(logs: &dyn ComputeLogManager) {
    let key = key(&["k"]);
    let capture = logs.capture_logs(&key).await.unwrap();
    capture.write(ComputeIoType::Stdout, b"0123456789").await.unwrap();
    capture.write(ComputeIoType::Stderr, b"abc").await.unwrap();
    let (mut cursor, mut stdout, mut stderr) = (ComputeLogCursor::START, Vec::new(), Vec::new());
    for at in ["0:0", "4:3", "8:3", "10:3", "10:3"] {
        assert_eq!(cursor.to_string(), at);
        let data = logs.get_log_data(&key, cursor, 4).await.unwrap();
        stdout.extend(data.stdout.unwrap());
        stderr.extend(data.stderr.unwrap());
        cursor = data.cursor;
    }
    assert_eq!((&*stdout, &*stderr), (&b"0123456789"[..], &b"abc"[..]));
}

/// Whoever follows a capture from before its beginning, by parts that cut characters, has each byte once and learns
/// of the end.
pub async fn who_follows_a_capture_misses_nothing_and_learns_of_its_end(
    logs: &dyn ComputeLogManager,
) {
    let key = key(&["r1", "compute_logs", "k"]);
    let text = "Größe 10 €, 🦀🦀\n".repeat(20);
    let (mut seen, mut cursor) = (String::new(), ComputeLogCursor::START);
    let mut follow = async || {
        let polled = poll(logs, &key, cursor, 5).await;
        let is_finished = polled.is_finished;
        let data = if is_finished { polled.data } else { polled.data.without_cut_characters() };
        cursor = data.cursor;
        seen += std::str::from_utf8(&data.stdout.unwrap_or_default()).unwrap();
        is_finished
    };
    assert!(!follow().await);
    let capture = logs.capture_logs(&key).await.unwrap();
    for part in text.as_bytes().chunks(7) {
        assert!(!follow().await);
        capture.write(ComputeIoType::Stdout, part).await.unwrap();
    }
    capture.complete().await.unwrap();
    let mut polls = 0;
    while !follow().await {
        polls += 1;
        assert!(polls < 1_000, "the capture does not end");
    }
    assert_eq!(seen, text);
    // A limit of none is one.
    let first = poll(logs, &key, ComputeLogCursor::START, 0).await;
    assert_eq!((first.data.stdout.as_deref(), first.is_finished), (Some(&b"G"[..]), false));
    let whole = poll(logs, &key, ComputeLogCursor::START, 1 << 20).await;
    assert_eq!((whole.data.stdout.as_deref(), whole.is_finished), (Some(text.as_bytes()), true));
}

/// A part that is as long as the limit may be followed by another one; the next one tells.
pub async fn a_part_that_ends_where_the_capture_does_is_not_the_last(logs: &dyn ComputeLogManager) {
    let key = key(&["k"]);
    captured(logs, &key, "12345678").await;
    let first = poll(logs, &key, ComputeLogCursor::START, 8).await;
    assert!(!first.is_finished);
    let second = poll(logs, &key, first.data.cursor, 8).await;
    assert_eq!((second.data.stdout.as_deref(), second.is_finished), (Some(&b""[..]), true));
}

/// What was never captured reads as nothing, is not complete, and is no error to delete.
pub async fn nothing_captured_is_empty(logs: &dyn ComputeLogManager) {
    let (of_run, past) = (of_run("r1"), ComputeLogCursor { stdout: 3, stderr: 5 });
    let key = of_run.key("x");
    for _ in 0..2 {
        assert_eq!(stdout(logs, &key).await, None);
        assert!(!is_complete(logs, &key).await);
        for cursor in [ComputeLogCursor::START, past] {
            let nothing = CapturedLogData { cursor, ..CapturedLogData::default() };
            let polled = poll(logs, &key, cursor, 10).await;
            assert_eq!((polled.data, polled.is_finished), (nothing, false));
        }
        let listed = logs.get_log_keys_for_log_key_prefix(&of_run, ComputeIoType::Stdout).await;
        assert_eq!(listed.unwrap(), []);
        logs.get_log_metadata(&key).await.unwrap();
        logs.delete_logs(LogsToDelete::Of(&key)).await.unwrap();
        logs.delete_logs(LogsToDelete::Below(&of_run)).await.unwrap();
    }
}

/// A capture that nobody has ended has what was written, and never finishes.
pub async fn a_capture_that_is_dropped_has_no_mark(logs: &dyn ComputeLogManager) {
    let key = key(&["k"]);
    let capture = logs.capture_logs(&key).await.unwrap();
    assert!(!is_complete(logs, &key).await);
    capture.write(ComputeIoType::Stdout, b"until it died").await.unwrap();
    drop(capture);
    assert!(!is_complete(logs, &key).await);
    let polled = poll(logs, &key, ComputeLogCursor::START, 100).await;
    assert_eq!(polled.data.stdout.as_deref(), Some(&b"until it died"[..]));
    assert!(!polled.is_finished);
}

/// While a second capture goes on, the key is not complete; then it has the bytes of both.
pub async fn a_second_capture_of_a_key_adds_to_the_first(logs: &dyn ComputeLogManager) {
    let key = key(&["x"]);
    captured(logs, &key, "one ").await;
    assert!(is_complete(logs, &key).await);
    let capture = logs.capture_logs(&key).await.unwrap();
    assert!(!is_complete(logs, &key).await);
    capture.write(ComputeIoType::Stdout, b"two").await.unwrap();
    capture.complete().await.unwrap();
    assert_eq!(stdout(logs, &key).await.as_deref(), Some("one two"));
    assert!(is_complete(logs, &key).await);
}

/// Of the keys below a prefix those of one more part are listed, by their names, and no others.
pub async fn keys_directly_below_a_prefix_are_listed_in_order(logs: &dyn ComputeLogManager) {
    for name in ["b", "a", "with.dots.out", "white space", "ü"] {
        captured(logs, &key(&["backfill", "x", name]), name).await;
    }
    for other in [&["backfill", "x", "deeper", "d"][..], &["backfill", "xy", "e"], &["backfill"]] {
        captured(logs, &key(other), "").await;
    }
    let x = prefix(&["backfill", "x"]);
    let expected = ["a", "b", "white space", "with.dots.out", "ü"].map(|name| x.key(name));
    for io_type in ComputeIoType::ALL {
        let found = logs.get_log_keys_for_log_key_prefix(&x, io_type).await.unwrap();
        assert_eq!(found, expected, "{io_type:?}");
    }
}

/// A key and a prefix each take what is theirs away, with the mark; what only begins alike stays.
pub async fn deleted_outputs_are_gone_and_nothing_else(logs: &dyn ComputeLogManager) {
    for run in ["r1", "r11"] {
        for name in ["a", "b", "c"] {
            captured(logs, &of_run(run).key(name), name).await;
        }
    }
    let left = async || {
        let mut left = Vec::new();
        for run in ["r1", "r11"] {
            let of_run = of_run(run);
            let io_type = ComputeIoType::Stdout;
            let keys = logs.get_log_keys_for_log_key_prefix(&of_run, io_type).await.unwrap();
            for key in keys {
                assert!(is_complete(logs, &key).await);
                left.push(format!("{run} {}", stdout(logs, &key).await.unwrap()));
            }
        }
        left
    };
    for _ in 0..2 {
        logs.delete_logs(LogsToDelete::Of(&of_run("r1").key("b"))).await.unwrap();
        assert_eq!(left().await, ["r1 a", "r1 c", "r11 a", "r11 b", "r11 c"]);
        assert!(!is_complete(logs, &of_run("r1").key("b")).await);
    }
    logs.delete_logs(LogsToDelete::Below(&prefix(&["r"]))).await.unwrap();
    logs.delete_logs(LogsToDelete::Below(&of_run("r1"))).await.unwrap();
    assert_eq!(left().await, ["r11 a", "r11 b", "r11 c"]);
}

/// A capture whose output is deleted goes on without an error, and what it writes then is lost.
pub async fn a_capture_outlives_the_deletion_of_its_output(logs: &dyn ComputeLogManager) {
    let key = of_run("r1").key("a");
    let capture = logs.capture_logs(&key).await.unwrap();
    logs.delete_logs(LogsToDelete::Below(&of_run("r1"))).await.unwrap();
    capture.write(ComputeIoType::Stdout, b"lost").await.unwrap();
    capture.complete().await.unwrap();
    assert_eq!(stdout(logs, &key).await, None);
}

/// The empty prefix is refused, and takes nothing away.
pub async fn everything_at_once_is_not_deleted(logs: &dyn ComputeLogManager) {
    let key = key(&["k"]);
    captured(logs, &key, "x").await;
    let deleted = logs.delete_logs(LogsToDelete::Below(&prefix(&[]))).await;
    assert!(matches!(deleted, Err(StorageError::Unsupported { .. })), "{deleted:?}");
    assert_eq!(stdout(logs, &key).await.as_deref(), Some("x"));
}

/// A key without a part names nothing, in any method.
pub async fn the_empty_key_is_refused(logs: &dyn ComputeLogManager) {
    let key = key(&[]);
    let outcomes = [
        logs.capture_logs(&key).await.map(drop),
        logs.is_capture_complete(&key).await.map(drop),
        logs.get_log_data_for_type(&key, ComputeIoType::Stdout, 0, 1).await.map(drop),
        logs.get_log_metadata(&key).await.map(drop),
        logs.delete_logs(LogsToDelete::Of(&key)).await,
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Err(StorageError::Unsupported { .. })), "{outcome:?}");
    }
}
