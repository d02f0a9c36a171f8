//! Finding runs again.

use instance_core::ids::RunId;
use instance_core::run::RunsFilter;
use instance_core::storage::RunsPage;
use instance_core::testing::instance::TestInstance;
use instance_runs::{
    find_run, get_run_by_id, get_run_record_by_id, get_runs, get_runs_count, has_run,
};

use crate::support::TestResult;

#[tokio::test]
async fn a_run_is_found_by_its_id_or_the_beginning_of_it() -> TestResult {
    async fn check(text: &str, expected: Result<&str, &str>) {
        let fake = TestInstance::default().with_runs(&["aa", "aab", "abc", "b1", "b2", "b3", "b4"]);
        let found = find_run(&fake, text).await;
        let found = found
            .map(|record| record.dagster_run.run_id.to_string())
            .map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text:?}");
    }

    check("abc", Ok("abc")).await;
    check("ab", Ok("abc")).await;
    check("aab", Ok("aab")).await;
    // The whole id of one run, though others begin with it.
    check("aa", Ok("aa")).await;
    check("x", Err("there is no run x")).await;
    // Every id begins with nothing, that of the only run, too.
    check("", Err("run id \"\": it is empty; give the id of a run, or its beginning")).await;
    check("abcd", Err("there is no run abcd")).await;
    check("A", Err("there is no run A")).await;
    check("a", Err("run id \"a\": several runs begin with it (abc, aab, aa); give more of the id"))
        .await;
    // Not all of many are listed.
    check("b", Err("run id \"b\": several runs begin with it (b4, b3, b2); give more of the id"))
        .await;
    Ok(())
}

#[tokio::test]
async fn a_run_is_read_by_its_whole_id() -> TestResult {
    let fake = TestInstance::default().with_runs(&["aa", "aab"]);
    let (there, missing) = (RunId::from("aa"), RunId::from("a"));
    assert_eq!(get_run_by_id(&fake, &there).await?.map(|run| run.run_id), Some(there.clone()));
    assert_eq!(get_run_by_id(&fake, &missing).await?, None);
    assert_eq!(get_run_record_by_id(&fake, &missing).await?, None);
    assert!(has_run(&fake, &there).await?);
    assert!(!has_run(&fake, &missing).await?);
    Ok(())
}

#[tokio::test]
async fn runs_are_listed_newest_first() -> TestResult {
    let fake = TestInstance::default().with_runs(&["aa", "b", "ab"]);
    let filter = RunsFilter::new().with_run_id_prefix("a".to_owned());
    let runs = get_runs(&fake, &filter, &RunsPage::default()).await?;
    let ids: Vec<_> = runs.iter().map(|run| run.run_id.as_str()).collect();
    assert_eq!(ids, ["ab", "aa"]);
    assert_eq!(get_runs_count(&fake, &RunsFilter::default()).await?, 3);
    Ok(())
}
