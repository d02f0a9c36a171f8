//! `doctor`, on homes with nothing wrong, an older revision, and a damaged log. What is missing is found in the tests
//! across all crates, which can damage tables.

use std::fs;

use crate::home::{FAILED, Home};

#[tokio::test]
async fn a_whole_home_has_no_findings() {
    let home = Home::filled().await;
    insta::assert_snapshot!("doctor", home.run(&["doctor", "--schema"]));
    insta::assert_snapshot!("doctor_json", home.run(&["doctor", "--schema", "--json"]));
}

#[tokio::test]
async fn a_damaged_log_is_an_error_and_the_others_are_looked_at() {
    let home = Home::filled().await;
    let log = home.path().join("history/runs").join(format!("{FAILED}.db"));
    fs::write(&log, vec![b'x'; 8192]).expect("damage");
    insta::assert_snapshot!("doctor_damaged", home.run(&["doctor", "--schema"]));
    insta::assert_snapshot!("doctor_damaged_json", home.run(&["doctor", "--schema", "--json"]));
}

#[tokio::test]
async fn its_own_failure_is_no_finding() {
    let home = Home::empty();
    assert_eq!(home.run(&["doctor"]).code, Some(125));
    assert_eq!(home.run(&["doctor", "--schema"]).code, Some(125));
    assert_eq!(fs::read_dir(home.path()).expect("the home").count(), 0);
}
