//! `partitions list`, `partitions add` and `partitions delete`.

use std::fmt::Write;
use std::path::PathBuf;

use crate::home::Home;

fn file(home: &Home, keys: impl Iterator<Item = String>) -> PathBuf {
    let path = home.path().join("keys.txt");
    let mut text = String::new();
    for key in keys {
        writeln!(text, "{key}").expect("text grows");
    }
    std::fs::write(&path, text).expect("a file");
    path
}

fn lines(home: &Home, name: &str) -> Vec<String> {
    let ended = home.run(&["partitions", "list", name]);
    assert_eq!(ended.code, Some(0), "{ended}");
    ended.stdout.lines().skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn keys_come_and_go() {
    let home = Home::empty();
    home.instance().await.dispose().await.expect("an instance");
    let check = |name: &str, line: &str| {
        let arguments: Vec<_> = line.split(' ').collect();
        insta::assert_snapshot!(name, home.run(&arguments));
    };
    check("list_of_nothing", "partitions list customers");
    check("add", "partitions add customers zoe adam mia");
    check("add_again", "partitions add customers eve adam --json");
    check("list", "partitions list customers");
    check("list_json", "partitions list customers --json --limit 2");
    check("delete_refused", "partitions delete customers adam zoe");
    check("delete_dry_run", "partitions delete customers adam nobody --dry-run");
    check("list_limited", "partitions list customers --limit 3");
    check("delete", "partitions delete customers adam nobody --yes");
    check("delete_json", "partitions delete customers mia --yes --json");
    check("list_at_last", "partitions list customers");
}

#[tokio::test]
async fn very_many_keys_are_added_from_a_file_and_an_interruption_loses_nothing() {
    let home = Home::empty();
    home.instance().await.dispose().await.expect("an instance");
    let key = |number: u32| format!("key {number:06}");
    // The beginning is there, as if somebody had interrupted the command.
    let first = file(&home, (0..5_000).map(key));
    let ended = home.run(&["partitions", "add", "many", "--file", &first.to_string_lossy()]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended}");
    let all = file(&home, (0..20_000).map(key));
    let all = all.to_string_lossy();
    insta::assert_snapshot!("add_many", home.run(&["partitions", "add", "many", "--file", &all]));
    let listed = lines(&home, "many");
    assert_eq!(listed.len(), 20_000);
    assert!(listed.iter().zip(0..).all(|(line, number)| *line == key(number)));
    // Most of them are deleted, and the file has one that is not there.
    let some = file(&home, (100..6_000).chain([99_999]).map(key));
    let some = some.to_string_lossy();
    let arguments = ["partitions", "delete", "many", "--yes", "--file", &some];
    insta::assert_snapshot!("delete_many", home.run(&arguments));
    assert_eq!(lines(&home, "many").len(), 20_000 - 5_900);
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    let home = Home::empty();
    home.instance().await.dispose().await.expect("an instance");
    home.run(&["partitions", "add", "customers", "zoe"]);
    let check = |name: &str, arguments: &[&str]| {
        insta::assert_snapshot!(name, home.run(arguments));
    };
    check("no_keys", &["partitions", "add", "customers"]);
    check("empty_key", &["partitions", "add", "customers", ""]);
    check("empty_name", &["partitions", "add", "", "a"]);
    check("key_with_a_range", &["partitions", "add", "customers", "fine", "a...b"]);
    check("key_with_a_line_break", &["partitions", "add", "customers", "fine", "a\nb"]);
    let huge = "x".repeat(100_000);
    check("huge_key", &["partitions", "add", "customers", "fine", &huge]);
    check("delete_unknown", &["partitions", "delete", "customers", "nobody", "--yes"]);
    check("delete_of_unknown_name", &["partitions", "delete", "nobody", "zoe", "--yes"]);
    let missing = home.path().join("missing.txt");
    check("no_file", &["partitions", "add", "customers", "--file", &missing.to_string_lossy()]);
    let bad = file(&home, ["fine", "a...b"].into_iter().map(str::to_owned));
    check(
        "file_with_a_bad_key",
        &["partitions", "add", "customers", "--file", &bad.to_string_lossy()],
    );
    std::fs::write(&bad, b"fine\n\xff\n").expect("a file");
    check(
        "file_that_is_no_text",
        &["partitions", "add", "customers", "--file", &bad.to_string_lossy()],
    );
    let long = file(&home, ["fine".to_owned(), "x".repeat(2 << 20)].into_iter());
    check(
        "file_with_a_huge_key",
        &["partitions", "add", "customers", "--file", &long.to_string_lossy()],
    );
    check("delete_of_a_huge_name", &["partitions", "delete", &huge, "zoe", "--yes"]);
    assert_eq!(lines(&home, "customers"), ["zoe"]);
    // A file without keys is no error, as a list without keys is none.
    std::fs::write(&long, "\n\n").expect("a file");
    check("file_without_keys", &["partitions", "add", "new", "--file", &long.to_string_lossy()]);
    check("list_of_no_keys", &["partitions", "list", "new"]);
}
