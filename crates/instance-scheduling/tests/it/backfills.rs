//! Backfills.

use std::collections::BTreeMap;

use instance_core::AssetKey;
use instance_core::clock::datetime_of;
use instance_core::error::ErrorKind;
use instance_core::run::TagFilter;
use instance_core::scheduling::{
    BulkActionStatus, BulkActionsFilter, PartitionBackfill, RemotePartitionSetOrigin,
};
use instance_core::serdes::serialize_value;
use instance_core::storage::{BackfillsPage, Only};
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{
    add_backfill, get_backfill, get_backfills, get_backfills_count, update_backfill,
    wipe_all_schedules,
};

use crate::support::{NOW, TestResult, origin, refused};

fn backfill(id: &str, status: BulkActionStatus, seconds: f64) -> PartitionBackfill {
    PartitionBackfill::new(id, status, NOW + seconds)
}

fn of_job(job_name: &str, backfill: PartitionBackfill) -> PartitionBackfill {
    let repository = origin("").repository_origin;
    backfill.with_partition_set_origin(RemotePartitionSetOrigin::of_job(repository, job_name))
}

fn tagged(tags: &[(&str, &str)], backfill: PartitionBackfill) -> PartitionBackfill {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    backfill.with_tags(tags.collect::<BTreeMap<_, _>>())
}

/// Backfills `a`, `b` and `c`, a minute apart.
async fn several(instance: &TestInstance) -> TestResult {
    let assets = backfill("a", BulkActionStatus::Requested, 0.0)
        .with_asset_selection(vec![AssetKey::new(["x"])]);
    let daily = of_job("daily", backfill("b", BulkActionStatus::CompletedSuccess, 60.0));
    let weekly = of_job("weekly", backfill("c", BulkActionStatus::Failed, 120.0));
    for backfill in [
        assets,
        tagged(&[("team", "sales")], daily),
        tagged(&[("team", "buying"), ("by", "hand")], weekly),
    ] {
        add_backfill(instance, &backfill).await?;
    }
    Ok(())
}

async fn ids(
    instance: &TestInstance,
    filter: &BulkActionsFilter,
    page: &BackfillsPage,
) -> Result<String, Box<dyn std::error::Error>> {
    let found = get_backfills(instance, filter, page).await?;
    Ok(found.into_iter().map(|backfill| backfill.backfill_id).collect())
}

#[tokio::test]
async fn a_fresh_backfill_is_what_dagster_makes() {
    // serialize_value(PartitionBackfill("b", BulkActionStatus.REQUESTED, False, {}, 1.5))
    assert_eq!(
        serialize_value(&PartitionBackfill::new("b", BulkActionStatus::Requested, 1.5)),
        r#"{"__class__": "PartitionBackfill", "asset_backfill_data": null, "asset_selection": null, "backfill_end_timestamp": null, "backfill_id": "b", "backfill_timestamp": 1.5, "description": null, "error": null, "failure_count": 0, "from_failure": false, "last_submitted_partition_name": null, "partition_names": null, "partition_set_origin": null, "reexecution_steps": null, "reserved_run_ids": [], "run_config": {}, "serialized_asset_backfill_data": null, "status": {"__enum__": "BulkActionStatus.REQUESTED"}, "submitting_run_requests": [], "tags": {}, "title": null}"#
    );
}

#[tokio::test]
async fn backfills_are_those_that_a_filter_lets_through() -> TestResult {
    let instance = TestInstance::default();
    let all = BulkActionsFilter::new();
    assert_eq!(ids(&instance, &all, &BackfillsPage::new()).await?, "");
    several(&instance).await?;
    let tags = |key: &str, value: TagFilter| BTreeMap::from([(key.to_owned(), value)]);
    let one = |text: &str| TagFilter::Is(text.to_owned());
    let selector = of_job("daily", backfill("", BulkActionStatus::Requested, 0.0)).selector_id();
    for (filter, expected) in [
        (all.clone(), "cba"),
        (all.clone().with_statuses(Only::one(BulkActionStatus::Failed)), "c"),
        (
            all.clone().with_statuses(Only::these([
                BulkActionStatus::Failed,
                BulkActionStatus::Requested,
            ])),
            "ca",
        ),
        (all.clone().with_statuses(Only::These(Vec::new())), ""),
        (all.clone().with_created_before(datetime_of(NOW + 60.0)), "a"),
        (all.clone().with_created_after(datetime_of(NOW + 60.0)), "c"),
        (all.clone().with_tags(tags("team", one("sales"))), "b"),
        (all.clone().with_tags(tags("team", one("other"))), ""),
        (all.clone().with_job_name("daily".to_owned()), "b"),
        (all.clone().with_job_name("unknown".to_owned()), ""),
        (all.clone().with_backfill_ids(Only::these(["c", "a", "unknown"])), "ca"),
        (all.clone().with_backfill_ids(Only::These(Vec::new())), ""),
        (all.clone().with_selector_id(selector), "b"),
        (all.clone().with_job_name("weekly".to_owned()).with_tags(tags("by", one("hand"))), "c"),
        (all.clone().with_job_name("daily".to_owned()).with_tags(tags("by", one("hand"))), ""),
    ] {
        assert_eq!(ids(&instance, &filter, &BackfillsPage::new()).await?, expected, "{filter:?}");
        let count = get_backfills_count(&instance, &filter).await?;
        assert_eq!(count, expected.len() as u64, "{filter:?}");
    }
    for (cursor, limit, expected) in [
        (Some("c"), None, "ba"),
        (Some("b"), Some(1), "a"),
        (None, Some(2), "cb"),
        (None, Some(0), ""),
        (Some("unknown"), None, ""),
    ] {
        let page = BackfillsPage::new().with_cursor(cursor.map(str::to_owned)).with_limit(limit);
        assert_eq!(ids(&instance, &all, &page).await?, expected, "{page:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_backfill_is_replaced_and_found_as_before() -> TestResult {
    let instance = TestInstance::default();
    several(&instance).await?;
    let stored = get_backfill(&instance, "b").await?.ok_or("no backfill")?;
    let changed = PartitionBackfill {
        status: BulkActionStatus::Canceled,
        tags: Some(BTreeMap::new()),
        backfill_end_timestamp: Some((NOW + 90.0).into()),
        ..stored
    };
    update_backfill(&instance, &changed).await?;
    assert_eq!(get_backfill(&instance, "b").await?, Some(changed));
    let tags = BTreeMap::from([("team".to_owned(), TagFilter::Is("sales".to_owned()))]);
    let filter = BulkActionsFilter::new().with_tags(tags);
    assert_eq!(ids(&instance, &filter, &BackfillsPage::new()).await?, "b");
    // Schedules are something else.
    wipe_all_schedules(&instance).await?;
    assert_eq!(get_backfills_count(&instance, &BulkActionsFilter::new()).await?, 3);
    Ok(())
}

#[tokio::test]
async fn unknown_and_known_ids_are_told_apart() -> TestResult {
    let instance = TestInstance::default();
    several(&instance).await?;
    assert_eq!(get_backfill(&instance, "unknown").await?, None);
    let unknown = backfill("unknown", BulkActionStatus::Failed, 0.0);
    let result = update_backfill(&instance, &unknown).await;
    refused(result, ErrorKind::NotFound, &["backfill unknown", "not stored"]);
    let again = backfill("a", BulkActionStatus::Failed, 0.0);
    let result = add_backfill(&instance, &again).await;
    refused(result, ErrorKind::AlreadyExists, &["backfill a", "stored already"]);
    assert_eq!(ids(&instance, &BulkActionsFilter::new(), &BackfillsPage::new()).await?, "cba");
    let kept = get_backfill(&instance, "a").await?.ok_or("no backfill")?;
    assert_eq!(kept.status, BulkActionStatus::Requested);
    Ok(())
}

#[tokio::test]
async fn backfills_that_dagster_cannot_read_are_refused() -> TestResult {
    let instance = TestInstance::default();
    several(&instance).await?;
    let of = || backfill("a", BulkActionStatus::Requested, 0.0);
    let titled = |title: &str| of().with_title(title.to_owned());
    let both = of()
        .with_asset_selection(vec![AssetKey::new(["x"])])
        .with_reexecution_steps(vec!["s".to_owned()]);
    let of_both = of_job("daily", of()).with_serialized_asset_backfill_data("{}".to_owned());
    for (backfill, named) in [
        (both, "assets and steps"),
        (of_both, "of assets and of a job"),
        (titled(&"é".repeat(101)), "100 characters"),
        (titled("100% of it"), "% * \""),
    ] {
        for result in
            [add_backfill(&instance, &backfill).await, update_backfill(&instance, &backfill).await]
        {
            refused(result, ErrorKind::Invalid, &["\"a\"", named]);
        }
    }
    let never = PartitionBackfill { backfill_timestamp: f64::INFINITY.into(), ..of() };
    let never = PartitionBackfill { backfill_id: "d".to_owned(), ..never };
    refused(add_backfill(&instance, &never).await, ErrorKind::Invalid, &["inf"]);
    assert_eq!(ids(&instance, &BulkActionsFilter::new(), &BackfillsPage::new()).await?, "cba");
    update_backfill(&instance, &titled(&"é".repeat(100))).await?;
    Ok(())
}
