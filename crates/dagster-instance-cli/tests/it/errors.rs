//! What goes wrong before anything is looked at, and what the user is told.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::home::Home;

#[tokio::test]
async fn what_the_user_is_told() {
    let home = Home::filled().await;
    let check = |name: &str, line: &str| {
        let arguments: Vec<_> = line.split(' ').collect();
        insta::assert_snapshot!(name, home.run(&arguments));
    };
    check("unknown_run", "run show nothing");
    check("unknown_run_to_wait_for", "run wait nothing");
    check("ambiguous_run", "run show 1");
    check("usage", "run list --status bogus");
    check("usage_of_tail", "run tail");
    check("usage_of_wait", "run wait x --timeout soon");
    check("tags_that_contradict", "run list --tag k=1 --tag k=2");
}

#[tokio::test]
async fn an_empty_id_is_that_of_no_run() {
    let home = Home::empty();
    let instance = home.instance().await;
    crate::home::Run::add(&instance, "only", "etl", &[]).await;
    instance.dispose().await.expect("everything is stored");
    for (command, code) in [("show", 1), ("events", 1), ("tail", 125), ("wait", 125)] {
        let ended = home.run(&["run", command, ""]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{command}");
        assert!(ended.stderr.contains("run id \"\": it is empty"), "{command}: {ended}");
    }
}

#[test]
fn looking_does_not_create() {
    let home = Home::empty();
    for (line, code) in [
        ("run list", 1),
        ("run show x", 1),
        ("run events x", 1),
        ("run tail x", 125),
        ("run wait x", 125),
        ("asset list", 1),
        ("asset show x", 1),
        ("asset checks x", 1),
        ("asset partitions x", 1),
        ("asset wipe x --yes", 1),
        ("partitions list x", 1),
        ("partitions add x y", 1),
        ("partitions delete x y --yes", 1),
        ("schedule list", 1),
        ("schedule start x", 1),
        ("sensor list", 1),
        ("sensor show x", 1),
        ("tick list x", 1),
        ("backfill list", 1),
        ("backfill show x", 1),
        ("migrate", 1),
        ("migrate --check", 1),
        ("reindex", 1),
        ("info", 1),
    ] {
        let arguments: Vec<_> = line.split(' ').collect();
        let ended = home.run(&arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{line}");
        assert!(ended.stderr.contains("[HOME]"), "{line}: {ended}");
        let left = std::fs::read_dir(home.path()).expect("the home").count();
        assert_eq!(left, 0, "{line} created something");
    }
    insta::assert_snapshot!("no_instance", home.run(&["run", "list"]));
}

#[test]
fn usage_is_code_2_where_the_code_is_no_answer() {
    let home = Home::empty();
    for line in ["run list --bogus", "run show", "run", "bogus", "asset", "info x"] {
        let arguments: Vec<_> = line.split(' ').collect();
        assert_eq!(home.run(&arguments).code, Some(2), "{line}");
    }
    let ended = home.run(&[OsStr::new("run"), OsStr::new("show"), OsStr::from_bytes(b"\xff")]);
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(ended.stderr.contains("not UTF-8: \"\\xff\""), "{ended}");
}
