//! `reindex`.

use crate::home::{Home, Run};

#[tokio::test]
async fn indexes_are_built_once_and_again_if_forced() {
    let home = Home::filled().await;
    let check = |name: &str, line: &str| {
        let arguments: Vec<_> = line.split(' ').collect();
        insta::assert_snapshot!(name, home.run(&arguments));
    };
    check("fresh", "reindex");
    check("forced", "reindex --force");
    check("one_json", "reindex --force --index run_start_end_overwritten --json");
    // Nothing that was known is lost.
    let shown = home.run(&["run", "list"]);
    assert_eq!(shown.stdout.lines().count(), 5, "{shown}");
    assert_eq!(home.run(&["asset", "list"]).stdout.lines().count(), 3);
    check("usage", "reindex --index bogus");
    check("usage_of_resume", "reindex --resume asset_key_table");
    check("resume_of_nothing", "reindex --resume run_start_end_overwritten:nobody");
}

#[tokio::test]
async fn building_goes_on_where_it_was() {
    let home = Home::empty();
    let instance = home.instance().await;
    for number in 0..250 {
        Run::add(&instance, &format!("run-{number:03}"), "etl", &[]).await;
    }
    instance.dispose().await.expect("everything is stored");
    // Newest first: behind run-100 there are a hundred.
    let resume = "run_start_end_overwritten:run-100";
    let arguments =
        ["reindex", "--index", "run_start_end_overwritten", "--resume", resume, "--json"];
    let ended = home.run(&arguments);
    let expect = "{\"index\":\"run_start_end_overwritten\",\"rows\":100,\"was_built\":false}\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), expect), "{ended}");
}
