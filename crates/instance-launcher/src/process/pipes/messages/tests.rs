//! Lines as programs send them, and lines that are broken.

use instance_core::serdes::serialize_value;

use super::*;

fn line(method: &str, params: &str) -> String {
    format!(r#"{{"__dagster_pipes_version": "0.1", "method": "{method}", "params": {params}}}"#)
}

fn message(method: &str, params: &str) -> Message {
    let read = read_line(&line(method, params)).unwrap();
    assert_eq!(read.unknown_version, None);
    read.message
}

fn refused(method: &str, params: &str) -> String {
    read_line(&line(method, params)).map(drop).unwrap_err()
}

/// The stored texts of the metadata of a materialisation.
fn metadata_texts(metadata: &str) -> Vec<String> {
    let params = format!(r#"{{"asset_key": "a", "data_version": null, "metadata": {metadata}}}"#);
    match message("report_asset_materialization", &params) {
        Message::Materialization(report) => report
            .metadata
            .iter()
            .map(|entry| format!("{}: {}", entry.label, serialize_value(&entry.entry_data)))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_method_is_read() {
    assert_eq!(message("opened", r#"{"extras": {"a": 1}}"#), Message::Opened);
    assert_eq!(message("closed", "{}"), Message::Closed(None));
    assert_eq!(message("closed", "null"), Message::Closed(None));
    let expect = Message::Log { message: "hi".to_owned(), level: LogLevel::WARNING };
    assert_eq!(message("log", r#"{"message": "hi", "level": "Warning"}"#), expect);
    let expect = Message::Log { message: "hi".to_owned(), level: LogLevel::INFO };
    assert_eq!(message("log", r#"{"message": "hi"}"#), expect);
    let report = r#"{"asset_key": "a/b\\/c", "data_version": "v", "metadata": null}"#;
    let expect = || AssetReport {
        asset_key: AssetKey::new(["a", "b/c"]),
        data_version: Some("v".to_owned()),
        metadata: Vec::new(),
    };
    assert_eq!(message("report_asset_materialization", report), Message::Materialization(expect()));
    assert_eq!(message("report_asset_observation", report), Message::Observation(expect()));
    let expect = Message::ExternalStream { io_type: ComputeIoType::Stderr, text: "x\n".to_owned() };
    let stream = r#"{"stream": "stderr", "text": "x\n", "extras": {}}"#;
    assert_eq!(message("log_external_stream", stream), expect);
    let Message::Custom(payload) =
        message("report_custom_message", r#"{"payload": {"b": 1, "a": NaN}}"#)
    else {
        panic!("a custom message");
    };
    assert_eq!(payload.as_str(), r#"{"a": NaN, "b": 1}"#);
    let check = r#"{"asset_key": "a", "check_name": "c", "passed": false, "severity": "WARN",
        "metadata": {"n": {"type": "int", "raw_value": 1}}}"#;
    let Message::Check(check) = message("report_asset_check", check) else {
        panic!("a check");
    };
    assert_eq!(check.key, AssetCheckKey::new(AssetKey::new(["a"]), "c"));
    assert_eq!((check.passed, check.severity), (false, AssetCheckSeverity::Warn));
    assert_eq!(check.metadata.len(), 1);
}

#[test]
fn an_exception_has_its_causes() {
    let text = r#"{"exception": {"message": "ValueError: x\n", "stack": ["  File\n"], "name": "ValueError",
        "cause": {"message": "KeyError: 'k'\n", "stack": [], "name": "KeyError", "cause": null, "context": null},
        "context": null}}"#;
    let Message::Closed(Some(error)) = message("closed", text) else {
        panic!("an exception");
    };
    assert_eq!(error.cls_name.as_deref(), Some("ValueError"));
    assert_eq!(error.stack, ["  File\n"]);
    assert_eq!(error.cause.as_ref().map(|cause| cause.message.as_str()), Some("KeyError: 'k'\n"));
}

#[test]
fn every_type_of_metadata_is_stored_as_dagster_stores_it() {
    let inferred = metadata_texts(
        r#"{"t": {"type": "__infer__", "raw_value": "x"}, "i": {"type": "__infer__", "raw_value": 12345678901234567890123},
            "f": {"type": "__infer__", "raw_value": 1.5}, "e": {"type": "__infer__", "raw_value": 1e3},
            "b": {"type": "__infer__", "raw_value": true}, "n": {"type": "__infer__", "raw_value": null},
            "l": {"type": "__infer__", "raw_value": [1, 2]}, "m": {"type": "__infer__", "raw_value": {"b": 1, "a": [null]}},
            "nan": {"type": "__infer__", "raw_value": NaN}}"#,
    );
    insta::assert_snapshot!(inferred.join("\n"));
    let given = metadata_texts(
        r##"{"text": {"type": "text", "raw_value": "x"}, "url": {"type": "url", "raw_value": "http://x"},
            "path": {"type": "path", "raw_value": "/p"}, "nb": {"type": "notebook", "raw_value": "/n"},
            "json": {"type": "json", "raw_value": {"z": 1, "a": 2.0}}, "md": {"type": "md", "raw_value": "# h"},
            "float": {"type": "float", "raw_value": 2}, "int": {"type": "int", "raw_value": 3},
            "bool": {"type": "bool", "raw_value": false}, "run": {"type": "dagster_run", "raw_value": "r1"},
            "asset": {"type": "asset", "raw_value": "a/b"}, "null": {"type": "null", "raw_value": null},
            "ts": {"type": "timestamp", "raw_value": 1700000000},
            "table": {"type": "table", "raw_value": {"records": [{"c": 1, "b": "x"}], "schema": [
                {"name": "c", "type": "int", "description": "d", "tags": {"k": "v"},
                 "constraints": {"nullable": false, "unique": true, "other": ["o"]}}, {"name": "b", "type": "text"}]}},
            "schema": {"type": "table_schema", "raw_value": {"columns": [{"name": "c", "type": "int"}]}},
            "lineage": {"type": "table_column_lineage", "raw_value":
                {"deps_by_column": {"c": [{"asset_key": "up/x", "column_name": "d"}]}}}}"##,
    );
    insta::assert_snapshot!(given.join("\n"));
}

#[test]
fn what_is_not_understood_is_named() {
    for (text, expect) in [
        ("", "it is no JSON"),
        ("{", "it is no JSON"),
        ("[1]", "expected an object"),
        ("{}", "__dagster_pipes_version"),
        (r#"{"__dagster_pipes_version": 1}"#, "has to be a text, and is 1"),
    ] {
        let reason = read_line(text).map(drop).unwrap_err();
        assert!(reason.contains(expect), "{text}: {reason}");
    }
    for (method, params, expect) in [
        ("dance", "{}", "dance: there is no such method"),
        ("log", "{}", r#"log: it has no "message""#),
        ("log", r#"{"message": "x", "level": "loud"}"#, r#"there is no level "loud""#),
        ("log", r#"{"message": 5}"#, r#""message" has to be a text, and is 5"#),
        ("log", "[]", "params: expected an object"),
        (
            "report_asset_check",
            r#"{"asset_key": "a", "check_name": "c", "passed": 1}"#,
            "true or false",
        ),
        ("report_asset_materialization", r#"{"asset_key": "a//b"}"#, "is not an asset key"),
        (
            "report_asset_materialization",
            r#"{"asset_key": "a", "metadata": {"x": {"type": "blob", "raw_value": 1}}}"#,
            r#"metadata "x": there is no type "blob""#,
        ),
        (
            "report_asset_materialization",
            r#"{"asset_key": "a", "metadata": {"x": {"type": "int", "raw_value": 1.5}}}"#,
            "expected an integer, found 1.5",
        ),
        (
            "log_external_stream",
            r#"{"stream": "both", "text": ""}"#,
            r#"there is no stream "both""#,
        ),
    ] {
        let reason = refused(method, params);
        assert!(reason.contains(expect), "{method} {params}: {reason}");
    }
}

#[test]
fn another_version_is_read_and_named() {
    let text = r#"{"__dagster_pipes_version": "9.0", "method": "opened", "params": null}"#;
    let read = read_line(text).unwrap();
    assert_eq!((read.message, read.unknown_version.as_deref()), (Message::Opened, Some("9.0")));
}

#[test]
fn no_line_makes_the_reader_panic() {
    let whole = [
        line("log", r#"{"message": "h\u00e4 \ud83d", "level": "INFO"}"#),
        line(
            "closed",
            r#"{"exception": {"message": "m", "stack": ["a"], "name": null, "cause": null, "context": null}}"#,
        ),
        line(
            "report_asset_materialization",
            r#"{"asset_key": "a", "metadata": {"t": {"type": "table", "raw_value": {"records": [{"c": -1.5e3}], "schema": []}}}}"#,
        ),
    ];
    for text in &whole {
        for end in 0..text.len() {
            // Cut anywhere, and with each byte replaced by one that has a meaning in JSON.
            assert!(read_line(&text[..end]).is_err());
            for byte in ['{', '}', '[', ']', '"', '\\', ',', ':', '0', 'n', '\u{7f}'] {
                let changed = format!("{}{byte}{}", &text[..end], &text[end + 1..]);
                let _ = read_line(&changed);
            }
        }
    }
    let deep = format!(
        r#"{{"exception": {}1{}}}"#,
        r#"{"message": "m", "cause": "#.repeat(400),
        "}".repeat(400)
    );
    assert!(read_line(&line("closed", &deep)).is_err());
    let nested = "[".repeat(100_000);
    assert!(read_line(&nested).is_err());
}
