//! Texts that are not what they should be: never a panic, and errors that say where and why.

use instance_core::event::EventLogEntry;
use instance_core::run::DagsterRun;
use instance_core::serdes::{MAX_DEPTH, Opaque, Pack, Unpack, deserialize_value, serialize_value};
use instance_core::snap::JobSnap;

use crate::fixtures::FIXTURES;
use crate::support::fixture;

/// A linear congruential generator (Knuth's MMIX): the same numbers in every run of the test.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap_or_default() % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        // Half of the bytes are those that mean something in the format.
        const MEANINGFUL: &[u8] = br#"{}[]",:\u0019eE+-.ntfNI _"#;
        if self.next().is_multiple_of(2) {
            MEANINGFUL[self.below(MEANINGFUL.len())]
        } else {
            self.next().to_le_bytes()[0]
        }
    }

    /// Changes, inserts, removes or repeats some bytes.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            let end = (at + self.below(40)).min(bytes.len());
            match self.below(5) {
                0 => {
                    let byte = self.byte();
                    bytes.splice(at..(at + 1).min(bytes.len()), [byte]);
                }
                1 => {
                    let byte = self.byte();
                    bytes.insert(at, byte);
                }
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let part = bytes[at..end].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, part);
                }
                _ => bytes.truncate(at),
            }
        }
    }
}

/// Reads a text as every kind of value; what can be read is written and read again as the same text.
#[track_caller]
fn feed(bytes: &[u8]) {
    fn read<T: Unpack + Pack>(text: &str) {
        match deserialize_value::<T>(text) {
            Ok(value) => {
                let written = serialize_value(&value);
                let again = deserialize_value::<T>(&written).map(|again| serialize_value(&again));
                assert_eq!(again.as_ref(), Ok(&written), "{text}");
            }
            Err(error) => {
                assert!(error.offset() <= text.len(), "{error}: {text}");
                assert!(!error.to_string().is_empty());
            }
        }
    }

    let text = String::from_utf8_lossy(bytes);
    read::<EventLogEntry>(&text);
    read::<DagsterRun>(&text);
    read::<JobSnap>(&text);
    read::<Opaque>(&text);
}

#[test]
fn mutated_bodies_never_panic() {
    let mut random = Lcg(20_261_122);
    for (_, text, _) in FIXTURES {
        for _ in 0..400 {
            let mut bytes = text.as_bytes().to_vec();
            random.mutate(&mut bytes);
            feed(&bytes);
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Lcg(1);
    for _ in 0..5_000 {
        let bytes: Vec<u8> = (0..random.below(64)).map(|_| random.byte()).collect();
        feed(&bytes);
    }
}

#[test]
fn every_beginning_of_a_body_is_an_error() {
    let text = fixture!("event_run_failure");
    for end in 0..text.len() {
        let error = deserialize_value::<EventLogEntry>(&text[..end]).unwrap_err();
        assert!(error.offset() <= end, "{error}");
    }
}

fn nested(open: &str, inner: &str, close: &str, times: usize) -> String {
    format!("{}{inner}{}", open.repeat(times), close.repeat(times))
}

/// A text may nest as deep as the limit without exhausting the stack of a thread.
#[test]
fn deep_plain_values_are_read_or_refused() {
    for times in [MAX_DEPTH - 2, MAX_DEPTH, MAX_DEPTH * 100] {
        feed(nested("[", "", "]", times).as_bytes());
        feed(nested("{\"a\": ", "1", "}", times).as_bytes());
        feed("[".repeat(times).as_bytes());
        let config = format!("\"run_config\": {}", nested("[", "", "]", times));
        feed(fixture!("run_of_ops").replacen("\"run_config\": {}", &config, 1).as_bytes());
    }
}

#[test]
fn deep_handles_are_read_or_refused() {
    let handle = "{\"__class__\": \"SolidHandle\", \"name\": \"n\", \"parent\": ";
    for times in [MAX_DEPTH - 3, MAX_DEPTH * 100] {
        let handles = format!("\"solid_handle\": {}", nested(handle, "null", "}", times));
        feed(
            fixture!("event_run_start").replacen("\"solid_handle\": null", &handles, 1).as_bytes(),
        );
    }
}

#[test]
fn deep_causes_are_read_or_refused() {
    let cause = "{\"__class__\": \"SerializableErrorInfo\", \"message\": \"m\", \"cause\": ";
    for times in [MAX_DEPTH - 2, MAX_DEPTH * 100] {
        let causes = format!("\"error_info\": {}", nested(cause, "null", "}", times));
        feed(fixture!("event_run_start").replacen("\"error_info\": null", &causes, 1).as_bytes());
    }
}

#[test]
fn deep_failures_are_read_or_refused() {
    let failure = "{\"__class__\": \"PipelineFailureData\", \"error\": null, \
                   \"first_step_failure_event\": {\"__class__\": \"DagsterEvent\", \
                   \"event_type_value\": \"X\", \"pipeline_name\": \"j\", \"event_specific_data\": ";
    for times in [MAX_DEPTH / 2 - 2, MAX_DEPTH * 100] {
        let data = format!("\"event_specific_data\": {}", nested(failure, "null", "}}", times));
        feed(
            fixture!("event_run_start")
                .replacen("\"event_specific_data\": null", &data, 1)
                .as_bytes(),
        );
    }
}

#[test]
fn errors_name_class_field_and_offset() {
    #[track_caller]
    fn check<T: Unpack>(input: &str, expected_error: &str) {
        let error = deserialize_value::<T>(input).map(drop).unwrap_err();
        assert_eq!(error.to_string(), expected_error, "{input}");
    }

    let run = fixture!("run_of_ops");
    let entry = fixture!("event_step_start");
    for (input, expected) in [
        ("", r#"expected an object, found "" (at byte 0)"#),
        ("null", r#"expected an object, found "null" (at byte 0)"#),
        ("[]", r#"expected an object, found "[]" (at byte 0)"#),
        ("{}", "DagsterRun has no field pipeline_name (at byte 2)"),
        ("{\"__class__\": \"PipelineRun\"}", "DagsterRun has no field pipeline_name (at byte 28)"),
        (
            "{\"__class__\": \"EventLogEntry\"}",
            "expected the class PipelineRun, found EventLogEntry (at byte 29)",
        ),
        ("{\"__class__\": 1}", r#"expected a string, found "1}" (at byte 14)"#),
        ("{\"a\" 1}", r#"expected ":", found "1}" (at byte 5)"#),
        ("{\"a\": tru}", r#"expected "true", found "tru}" (at byte 6)"#),
        ("{\"a\": 01}", r#"not a number: "01" (at byte 6)"#),
        ("{\"a\": \"\\x\"}", "an unknown escape in a string (at byte 7)"),
        ("{\"a\": \"\\u00g0\"}", r"a \u escape without four hexadecimal digits (at byte 7)"),
        ("{\"a\": \"tab\there\"}", "DagsterRun has no field pipeline_name (at byte 17)"),
        ("{\"a\": \"no end", "a string without an end (at byte 6)"),
        ("{\"a\": é}", r#"expected a value, found "é}" (at byte 6)"#),
    ] {
        check::<DagsterRun>(input, expected);
    }
    check::<DagsterRun>(
        &run.replacen("\"tags\": {\"empty\": \"\"", "\"tags\": {\"empty\": null", 1),
        r#"DagsterRun.tags: expected a string, found "null, \"odd\": \"na\\u00" (at byte 738)"#,
    );
    check::<DagsterRun>(
        &run.replacen("\"has_repository_load_data\": false", "\"has_repository_load_data\": 0", 1),
        r#"DagsterRun.has_repository_load_data: expected "false", found "0, \"mode\": null, \"pa" (at byte 238)"#,
    );
    check::<DagsterRun>(
        &run.replacen("{\"__frozenset__\": []}", "{\"__bag__\": []}", 1),
        r#"DagsterRun.asset_selection: expected a set, found the key "__bag__" (at byte 90)"#,
    );
    check::<DagsterRun>(&format!("{run}!"), "text after the end of the value (at byte 963)");
    check::<EventLogEntry>(
        &entry.replacen("\"timestamp\": 1795308952.8370924", "\"timestamp\": \"now\"", 1),
        r#"EventLogEntry.timestamp: expected a number, found "\"now\", \"user_message" (at byte 835)"#,
    );
    check::<EventLogEntry>(
        &entry.replacen("\"level\": 10", "\"level\": 1.5", 1),
        "EventLogEntry.level: not a 64-bit integer: 1.5 (at byte 705)",
    );
    check::<EventLogEntry>(
        &entry.replacen(
            "\"parent\": null}, \"step_handle\"",
            "\"parent\": {\"__class__\": \"StepHandle\"}}, \"step_handle\"",
            1,
        ),
        "EventLogEntry.dagster_event > DagsterEvent.node_handle > NodeHandle.parent: expected the class SolidHandle, found StepHandle (at byte 510)",
    );
    check::<EventLogEntry>(
        &entry.replacen("\"pid\": 1549", "\"pid\": 99999999999999999999", 1),
        "EventLogEntry.dagster_event > DagsterEvent.pid: not a 64-bit integer: 99999999999999999999 (at byte 379)",
    );
    let deep = "{\"cause\": ".repeat(MAX_DEPTH + 1);
    let text = deserialize_value::<instance_core::error_info::SerializableErrorInfo>(&deep)
        .unwrap_err()
        .to_string();
    assert!(text.ends_with("nested deeper than 128 levels (at byte 1280)"), "{text}");
}
