//! Storing, changing and deleting runs that are already made.

use std::collections::BTreeMap;

use chrono::DateTime;
use instance_core::event::{DagsterEvent, DagsterEventType};
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::testing::instance::TestInstance;
use instance_runs::{
    CreateRun, add_run, add_run_tags, create_run, delete_run, get_run_size_limit_bytes,
    handle_run_event, has_run,
};

use crate::support::TestResult;

#[tokio::test]
async fn what_has_no_time_has_that_of_the_clock() -> TestResult {
    let (fake, id) = (TestInstance::default(), RunId::from("r"));
    add_run(&fake, DagsterRun::new(id.clone(), "j")).await?;
    let event = DagsterEvent::new(DagsterEventType::RunStart, "j");
    handle_run_event(&fake, &id, &event, None).await?;
    handle_run_event(&fake, &id, &event, Some(DateTime::UNIX_EPOCH)).await?;
    add_run_tags(&fake, &id, &BTreeMap::from([("k".to_owned(), "v".to_owned())])).await?;
    assert!(has_run(&fake, &id).await?);
    delete_run(&fake, &id).await?;
    assert!(!has_run(&fake, &id).await?);
    assert_eq!(
        fake.effects(),
        [
            "add_run r",
            "change r PIPELINE_START at 2023-11-14 22:13:20.250 UTC",
            "change r PIPELINE_START at 1970-01-01 00:00:00 UTC",
            r#"tag r {"k": "v"} at 2023-11-14 22:13:20.250 UTC"#,
            "delete_run r",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_too_large_is_refused() -> TestResult {
    let fake = TestInstance { run_size_limit_bytes: Some(1_000), ..TestInstance::default() };
    assert_eq!(get_run_size_limit_bytes(&fake), Some(1_000));
    assert_eq!(get_run_size_limit_bytes(&TestInstance::default()), None);
    create_run(&fake, CreateRun::new("small")).await?;
    let mut large = CreateRun::new("large");
    large.tags.insert("k".to_owned(), "v".repeat(1_000));
    let error = create_run(&fake, large.clone()).await.unwrap_err().to_string();
    assert!(error.contains("the limit of this instance is 1000"), "{error}");
    assert_eq!(fake.all_runs().len(), 1);
    create_run(&TestInstance::default(), large).await?;
    Ok(())
}
