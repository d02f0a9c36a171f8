//! Which runs are found, in which order, and how many they are.

use std::collections::BTreeMap;

use instance_core::event::{DagsterEvent, DagsterEventType};
use instance_core::run::{DagsterRunStatus, RunsFilter, TagFilter};
use instance_core::storage::{Order, RunsPage};
use instance_core::{RunId, SnapshotId};

use crate::support::{Home, TestResult, execute, later, run};

/// Five runs: `aa1`, `aa2`, `ab1` of job `x`, `b%1`, `é1` of job `y`, created at seconds 1 to 5.
async fn filled() -> Result<Home, Box<dyn std::error::Error>> {
    let home = Home::new().await?;
    let runs = [
        run("aa1", "x", &[("team", "data"), ("tier", "gold")]),
        run("aa2", "x", &[("team", "data"), ("tier", "silver")]),
        run("ab1", "x", &[("team", "ops")]),
        run("b%1", "y", &[("team", "data"), ("note", "it's")]),
        run("é1", "y", &[]),
    ];
    for (second, run) in (1..).zip(&runs) {
        home.runs().add_run(run, later(second)).await?;
    }
    let started = DagsterEvent::new(DagsterEventType::RunStart, "x");
    let failed = DagsterEvent::new(DagsterEventType::RunFailure, "x");
    home.runs().handle_run_event(&RunId::from("aa2"), &started, later(10)).await?;
    home.runs().handle_run_event(&RunId::from("b%1"), &failed, later(20)).await?;
    execute(&home.runs_db(), "UPDATE runs SET snapshot_id = 'snap' WHERE run_id = 'ab1'").await?;
    execute(
        &home.runs_db(),
        "UPDATE runs SET update_timestamp = '2020-01-01 00:00:00' WHERE update_timestamp > '2023-12'",
    )
    .await?;
    Ok(home)
}

async fn ids(
    home: &Home,
    filter: &RunsFilter,
    page: &RunsPage,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let records = home.runs().get_run_records(filter, page).await?;
    Ok(records.into_iter().map(|record| record.dagster_run.run_id.to_string()).collect())
}

fn tags(tags: &[(&str, TagFilter)]) -> BTreeMap<String, TagFilter> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn is(value: &str) -> TagFilter {
    TagFilter::Is(value.to_owned())
}

#[tokio::test]
async fn filters_find_the_runs_that_match_newest_first() -> TestResult {
    let home = filled().await?;
    let all = RunsFilter::default;
    let cases: Vec<(RunsFilter, &[&str])> = vec![
        (all(), &["é1", "b%1", "ab1", "aa2", "aa1"]),
        (
            RunsFilter {
                run_ids: vec![RunId::from("aa1"), RunId::from("é1"), RunId::from("none")],
                ..all()
            },
            &["é1", "aa1"],
        ),
        (RunsFilter { run_id_prefix: Some("aa".to_owned()), ..all() }, &["aa2", "aa1"]),
        (RunsFilter { run_id_prefix: Some("a".to_owned()), ..all() }, &["ab1", "aa2", "aa1"]),
        (RunsFilter { run_id_prefix: Some("A".to_owned()), ..all() }, &[]),
        (RunsFilter { run_id_prefix: Some("b%".to_owned()), ..all() }, &["b%1"]),
        (RunsFilter { run_id_prefix: Some("%".to_owned()), ..all() }, &[]),
        (RunsFilter { run_id_prefix: Some("é".to_owned()), ..all() }, &["é1"]),
        (RunsFilter { run_id_prefix: Some("aa1".to_owned()), ..all() }, &["aa1"]),
        (
            RunsFilter { run_id_prefix: Some(String::new()), ..all() },
            &["é1", "b%1", "ab1", "aa2", "aa1"],
        ),
        (RunsFilter { job_name: Some("y".to_owned()), ..all() }, &["é1", "b%1"]),
        (RunsFilter { job_name: Some("z".to_owned()), ..all() }, &[]),
        (RunsFilter { statuses: vec![DagsterRunStatus::Started], ..all() }, &["aa2"]),
        (
            RunsFilter {
                statuses: vec![DagsterRunStatus::Started, DagsterRunStatus::Failure],
                ..all()
            },
            &["b%1", "aa2"],
        ),
        (RunsFilter { tags: tags(&[("team", is("data"))]), ..all() }, &["b%1", "aa2", "aa1"]),
        (
            RunsFilter { tags: tags(&[("team", is("data")), ("tier", is("gold"))]), ..all() },
            &["aa1"],
        ),
        (
            RunsFilter {
                tags: tags(&[(
                    "tier",
                    TagFilter::In(vec!["gold".to_owned(), "silver".to_owned()]),
                )]),
                ..all()
            },
            &["aa2", "aa1"],
        ),
        (RunsFilter { tags: tags(&[("tier", TagFilter::In(Vec::new()))]), ..all() }, &[]),
        (RunsFilter { tags: tags(&[("note", is("it's"))]), ..all() }, &["b%1"]),
        (RunsFilter { snapshot_id: Some(SnapshotId::from("snap")), ..all() }, &["ab1"]),
        (RunsFilter { created_after: Some(later(3)), ..all() }, &["é1", "b%1"]),
        (RunsFilter { created_before: Some(later(3)), ..all() }, &["aa2", "aa1"]),
        (
            RunsFilter { created_after: Some(later(1)), created_before: Some(later(4)), ..all() },
            &["ab1", "aa2"],
        ),
        (RunsFilter { updated_after: Some(later(10)), ..all() }, &["b%1"]),
        (RunsFilter { updated_after: Some(later(9)), ..all() }, &["b%1", "aa2"]),
        (RunsFilter { updated_before: Some(later(20)), ..all() }, &["é1", "ab1", "aa2", "aa1"]),
        (
            RunsFilter {
                job_name: Some("x".to_owned()),
                statuses: vec![DagsterRunStatus::NotStarted],
                tags: tags(&[("team", is("data"))]),
                ..all()
            },
            &["aa1"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(&home, &filter, &RunsPage::default()).await?, expected, "{filter:?}");
        assert_eq!(home.runs().get_runs_count(&filter).await?, expected.len() as u64, "{filter:?}");
    }
    Ok(())
}

#[tokio::test]
async fn pages_follow_one_another_in_both_orders() -> TestResult {
    let home = filled().await?;
    for (order, expected) in [
        (Order::Ascending, [vec!["aa1", "aa2"], vec!["ab1", "b%1"], vec!["é1"], vec![]]),
        (Order::Descending, [vec!["é1", "b%1"], vec!["ab1", "aa2"], vec!["aa1"], vec![]]),
    ] {
        let mut page = RunsPage { cursor: None, limit: Some(2), order, ..RunsPage::default() };
        for expected in expected {
            let found = ids(&home, &RunsFilter::default(), &page).await?;
            assert_eq!(found, expected, "{page:?}");
            if let Some(last) = found.last() {
                page.cursor = Some(RunId::from(last.as_str()));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_page_begins_behind_a_run_that_does_not_match() -> TestResult {
    let home = filled().await?;
    let filter = RunsFilter { job_name: Some("x".to_owned()), ..RunsFilter::default() };
    let page = RunsPage {
        cursor: Some(RunId::from("b%1")),
        limit: Some(1),
        order: Order::Descending,
        ..RunsPage::default()
    };
    assert_eq!(ids(&home, &filter, &page).await?, ["ab1"]);
    let page = RunsPage {
        cursor: Some(RunId::from("b%1")),
        limit: None,
        order: Order::Ascending,
        ..RunsPage::default()
    };
    assert_eq!(ids(&home, &filter, &page).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_page_behind_an_unknown_run_and_a_page_of_none_are_empty() -> TestResult {
    let home = filled().await?;
    for order in [Order::Ascending, Order::Descending] {
        let page = RunsPage {
            cursor: Some(RunId::from("unknown")),
            limit: None,
            order,
            ..RunsPage::default()
        };
        assert_eq!(ids(&home, &RunsFilter::default(), &page).await?, Vec::<String>::new());
    }
    let page = RunsPage { limit: Some(0), ..RunsPage::default() };
    assert_eq!(ids(&home, &RunsFilter::default(), &page).await?, Vec::<String>::new());
    Ok(())
}

/// Numbers that a caller may pass and no database counts to.
#[tokio::test]
async fn a_limit_may_be_of_any_size() -> TestResult {
    let home = filled().await?;
    let page = RunsPage { limit: Some(u64::MAX), ..RunsPage::default() };
    assert_eq!(ids(&home, &RunsFilter::default(), &page).await?.len(), 5);
    Ok(())
}
