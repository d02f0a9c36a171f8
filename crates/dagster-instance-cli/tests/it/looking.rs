//! The commands that look at what is there, for people and as JSON.

use crate::home::{FAILED, Home, Run, SUCCEEDED};

#[tokio::test]
async fn what_the_commands_print() {
    let home = Home::filled().await;
    let check = |name: &str, line: &str| {
        let arguments: Vec<_> = line.split(' ').collect();
        insta::assert_snapshot!(name, home.run(&arguments));
    };
    check("run_list", "run list");
    check("run_list_json", "run list --json");
    check("run_list_filtered", "run list --status failure --status canceled --limit 1");
    check("run_list_of_tags", "run list --tag team=data --tag k=1 --tag k=1");
    check("run_list_of_nothing", "run list --job nothing");
    check("run_show", &format!("run show {SUCCEEDED}"));
    check("run_show_json", &format!("run show {SUCCEEDED} --json"));
    check("run_show_failed", &format!("run show {FAILED}"));
    check("run_events", &format!("run events {SUCCEEDED}"));
    check("run_events_json", &format!("run events {FAILED} --json"));
    check("run_events_limited", "run events 1a --limit 2");
    check("run_events_followed", "run events 2c --follow");
    check("asset_list", "asset list");
    check("asset_list_json", "asset list --json");
    check("asset_list_limited", "asset list --limit 1");
    check("info", "info");
    check("info_json", "info --json");
}

#[tokio::test]
async fn an_asset_is_named_as_it_is_printed() {
    let home = Home::filled().await;
    let listed = home.run(&["asset", "list"]).stdout;
    let key = listed
        .lines()
        .find_map(|line| line.split_whitespace().next().filter(|it| it.contains('\\')));
    let key = key.expect("a key with a backslash");
    let ended = home.run(&["exec", "--quiet", "--asset", key, "--", "true"]);
    // The output of an asset has its name, and Dagster's names have no such letters.
    assert!(ended.stderr.contains("asset key"), "{ended}");
    assert!(!ended.stderr.contains("is not an asset key"), "{ended}");
}

#[tokio::test]
async fn events_come_in_pages_and_each_once() {
    let home = Home::empty();
    let instance = home.instance().await;
    let run = Run::add(&instance, SUCCEEDED, "etl", &[]).await;
    for index in 0..100 {
        run.line(f64::from(index), &format!("line {index:02}")).await;
    }
    instance.dispose().await.expect("everything is stored");
    let check = |more: &[&str], expect: usize| {
        let ended = home.run(&[&["run", "events", SUCCEEDED], more].concat());
        let lines: Vec<_> = ended.stdout.lines().collect();
        assert_eq!(lines.len(), expect);
        for (index, line) in lines.iter().enumerate() {
            assert!(line.ends_with(&format!("line {index:02}")), "{index}: {line}");
        }
    };
    check(&[], 100);
    check(&["--limit", "0"], 0);
    check(&["--limit", "33"], 33);
    check(&["--limit", "64"], 64);
    check(&["--limit", "500"], 100);
    check(&["--limit", "33", "--follow"], 33);
}

#[tokio::test]
async fn failures_are_shown_up_to_a_bound() {
    let home = Home::empty();
    let instance = home.instance().await;
    let check = async |id: &str, failures: u32, shown: usize, more: bool| {
        let run = Run::add(&instance, id, "etl", &[]).await;
        for index in 0..failures {
            run.fails(0.0, &format!("step_{index:02}"), &format!("failure {index:02}\n"), None)
                .await;
        }
        let ended = home.run(&["run", "show", id]);
        assert_eq!(ended.stdout.matches(": failure ").count(), shown, "{ended}");
        let hint = format!("There are more failures: dagster-instance run events {id}");
        assert_eq!(ended.stdout.contains(&hint), more, "{ended}");
    };
    check("few", 20, 20, false).await;
    check("many", 40, 20, true).await;
}
