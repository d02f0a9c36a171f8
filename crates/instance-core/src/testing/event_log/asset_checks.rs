//! Cases about executions of asset checks.

use crate::asset_key::AssetCheckKey;
use crate::error::StorageError;
use crate::event::{DagsterEventType, EventLogEntry};
use crate::ids::{RunId, StorageId};
use crate::storage::EventStoreExt;
use crate::storage::{
    AssetCheckExecutionRecord, AssetCheckExecutionRecordStatus, AssetCheckStore,
    CheckExecutionsPage, EventLogStorage, EventRecordsFilter, Only, Order, PartitionKeyFilter,
};
use crate::testing::event_log::events::all_messages;
use crate::testing::samples::{
    AWKWARD, Evaluated, FAR, asset, check_evaluated, check_key, check_planned, materialized,
    message, numbered,
};

use AssetCheckExecutionRecordStatus::{Failed, Planned, Succeeded};

fn page(check_key: &AssetCheckKey) -> CheckExecutionsPage {
    CheckExecutionsPage {
        check_key: check_key.clone(),
        limit: 100,
        cursor: None,
        statuses: Only::Any,
        partition_filter: None,
    }
}

async fn history(
    storage: &dyn AssetCheckStore,
    page: &CheckExecutionsPage,
) -> Vec<AssetCheckExecutionRecord> {
    storage.get_asset_check_execution_history(page).await.unwrap()
}

/// The runs and statuses of executions.
fn outcomes(records: &[AssetCheckExecutionRecord]) -> Vec<(&str, AssetCheckExecutionRecordStatus)> {
    records.iter().map(|record| (record.run_id.as_str(), record.status)).collect()
}

async fn store(storage: &dyn EventLogStorage, entries: &[EventLogEntry]) {
    for entry in entries {
        storage.store_event(entry).await.unwrap();
    }
}

fn evaluated(run_id: &str, key: &AssetCheckKey, passed: bool, second: u32) -> EventLogEntry {
    let evaluated = Evaluated { failed: !passed, ..Evaluated::default() };
    check_evaluated(run_id, key, evaluated, second)
}

/// A planned execution is ended by the evaluation of its run; an evaluation that nobody planned stands by
/// itself, and so does each that has no run.
pub async fn an_evaluation_ends_what_was_planned(storage: &dyn EventLogStorage) {
    let key = check_key("a", "c");
    store(storage, &[check_planned("r1", &key, 1), check_planned("r2", &key, 2)]).await;
    let planned = history(storage, &page(&key)).await;
    assert_eq!(outcomes(&planned), [("r2", Planned), ("r1", Planned)]);
    assert_eq!(planned[1].event.as_ref(), Some(&check_planned("r1", &key, 1)));

    let (ended, unplanned) = (evaluated("r1", &key, true, 3), evaluated("r3", &key, false, 4));
    store(storage, &[ended.clone(), unplanned.clone()]).await;
    store(storage, &[evaluated("", &key, true, 5), evaluated("", &key, false, 6)]).await;
    let found = history(storage, &page(&key)).await;
    let expected =
        [("", Failed), ("", Succeeded), ("r3", Failed), ("r2", Planned), ("r1", Succeeded)];
    assert_eq!(outcomes(&found), expected);
    assert_eq!(found[4].id, planned[1].id, "it ends in the row in which it was planned");
    assert_eq!(found[4].event.as_ref(), Some(&ended));
    assert_eq!(found[2].event.as_ref(), Some(&unplanned));
    assert!(found.iter().all(|record| record.key == key && record.partition.is_none()));
}

/// Executions of another check, another asset or another partition are others.
pub async fn executions_are_told_apart(storage: &dyn EventLogStorage) {
    let key = check_key("a", "c");
    store(storage, &[check_planned("r1", &key, 1)]).await;
    for other in [check_key("a", "C"), check_key("A", "c"), check_key("a", "c ")] {
        store(storage, &[evaluated("r1", &other, true, 2)]).await;
        assert_eq!(outcomes(&history(storage, &page(&other)).await), [("r1", Succeeded)]);
    }
    let of_partition = Evaluated { partition: Some("p"), ..Evaluated::default() };
    store(storage, &[check_evaluated("r1", &key, of_partition, 3)]).await;
    let found = history(storage, &page(&key)).await;
    assert_eq!(outcomes(&found), [("r1", Succeeded), ("r1", Planned)]);
    assert_eq!(found[0].partition.as_deref(), Some("p"));
    for text in AWKWARD {
        let key = check_key(text, text);
        store(storage, &[check_planned("r1", &key, 1), evaluated("r1", &key, true, 2)]).await;
    }
    for text in AWKWARD {
        let found = history(storage, &page(&check_key(text, text))).await;
        assert_eq!(outcomes(&found), [("r1", Succeeded)], "{text:?}");
    }
}

/// Page by page, every execution comes once, newest first, of the statuses and partition asked for.
pub async fn pages_of_executions_follow_one_another(storage: &dyn EventLogStorage) {
    let key = check_key("a", "c");
    for (run, passed, partition) in [
        ("r1", true, None),
        ("r2", false, Some("p")),
        ("r3", true, Some("p")),
        ("r4", false, None),
        ("r5", true, Some("P")),
    ] {
        let evaluated = Evaluated { failed: !passed, partition, target: None };
        store(storage, &[check_evaluated(run, &key, evaluated, 1)]).await;
    }
    store(storage, &[check_planned("r6", &key, 2)]).await;
    let runs = async |page: CheckExecutionsPage| {
        let found = history(storage, &page).await;
        found.into_iter().map(|record| record.run_id.to_string()).collect::<Vec<_>>()
    };
    let of = |name: Option<&str>| Some(PartitionKeyFilter { key: name.map(str::to_owned) });
    let all = page(&key);
    for (page, expected) in [
        (all.clone(), &["r6", "r5", "r4", "r3", "r2", "r1"][..]),
        (CheckExecutionsPage { statuses: Only::one(Failed), ..all.clone() }, &["r4", "r2"]),
        (
            CheckExecutionsPage { statuses: Only::these([Planned, Failed]), ..all.clone() },
            &["r6", "r4", "r2"],
        ),
        (CheckExecutionsPage { partition_filter: of(Some("p")), ..all.clone() }, &["r3", "r2"]),
        (CheckExecutionsPage { partition_filter: of(None), ..all.clone() }, &["r6", "r4", "r1"]),
        (CheckExecutionsPage { partition_filter: of(Some("none")), ..all.clone() }, &[]),
        (
            CheckExecutionsPage {
                partition_filter: of(None),
                statuses: Only::one(Succeeded),
                ..all.clone()
            },
            &["r1"],
        ),
        (CheckExecutionsPage { limit: 0, ..all.clone() }, &[]),
        (
            CheckExecutionsPage { limit: u64::MAX, cursor: Some(StorageId(FAR)), ..all.clone() },
            &["r6", "r5", "r4", "r3", "r2", "r1"],
        ),
    ] {
        assert_eq!(runs(page.clone()).await, expected, "{page:?}");
    }
    for limit in 1..=6 {
        let mut page = CheckExecutionsPage { limit, ..all.clone() };
        let mut seen = Vec::new();
        loop {
            let found = history(storage, &page).await;
            assert!(found.len() as u64 <= limit);
            let Some(last) = found.last() else { break };
            page.cursor = Some(last.id);
            seen.extend(found.iter().map(|record| record.run_id.to_string()));
            assert!(seen.len() < 1_000, "pages do not end");
        }
        assert_eq!(seen, ["r6", "r5", "r4", "r3", "r2", "r1"], "{limit} at once");
    }
}

/// The last execution of each check is found, of any partition, of one, or of none.
pub async fn the_last_execution_of_each_check_is_found(storage: &dyn EventLogStorage) {
    let (one, other, none) = (check_key("a", "1"), check_key("a", "2"), check_key("b", "1"));
    let of_partition = Evaluated { partition: Some("p"), ..Evaluated::default() };
    store(
        storage,
        &[
            evaluated("r1", &one, true, 1),
            check_evaluated("r2", &one, of_partition, 1),
            check_planned("r3", &other, 1),
        ],
    )
    .await;
    let asked = [none, other, one.clone(), one];
    let found = async |filter: Option<Option<&str>>| {
        let filter = filter.map(|key| PartitionKeyFilter { key: key.map(str::to_owned) });
        let found =
            storage.get_latest_asset_check_execution_by_key(&asked, filter.as_ref()).await.unwrap();
        let mut found: Vec<_> = found.iter().map(|record| record.run_id.to_string()).collect();
        found.sort();
        found
    };
    assert_eq!(found(None).await, ["r2", "r3"]);
    assert_eq!(found(Some(None)).await, ["r1", "r3"]);
    assert_eq!(found(Some(Some("p"))).await, ["r2"]);
    assert_eq!(found(Some(Some("P"))).await, Vec::<String>::new());
    let nothing = storage.get_latest_asset_check_execution_by_key(&[], None).await.unwrap();
    assert_eq!(nothing, []);
}

/// Summaries come in the order of the keys, with the last execution and the last that has ended.
pub async fn summaries_of_checks_are_found(storage: &dyn EventLogStorage) {
    let keys = ["running", "done", "planned", "none"].map(|name| check_key("a", name));
    store(
        storage,
        &[
            evaluated("r1", &keys[0], true, 1),
            evaluated("r2", &keys[0], false, 2),
            check_planned("r3", &keys[0], 3),
            evaluated("r4", &keys[1], true, 4),
            check_planned("r5", &keys[2], 5),
        ],
    )
    .await;
    store(storage, &[evaluated("r6", &check_key("b", "other"), true, 6)]).await;
    let names = async |asset_key: &str| -> Vec<String> {
        let keys = storage.get_executed_asset_check_keys(&asset(asset_key)).await.unwrap();
        keys.into_iter().map(|key| key.name).collect()
    };
    assert_eq!(names("a").await, ["done", "planned", "running"]);
    assert_eq!(names("b").await, ["other"]);
    assert!(names("c").await.is_empty());
    let found = storage.get_asset_check_summary_records(&keys).await.unwrap();
    let of = |record: &Option<AssetCheckExecutionRecord>| {
        record.as_ref().map(|record| record.run_id.to_string())
    };
    let found: Vec<_> = found
        .iter()
        .map(|summary| {
            let last = of(&summary.last_check_execution_record);
            let completed = of(&summary.last_completed_check_execution_record);
            (summary.asset_check_key.name.as_str(), last, completed)
        })
        .collect();
    let run = |id: &str| Some(id.to_owned());
    let expected = [
        ("running", run("r3"), run("r2")),
        ("done", run("r4"), run("r4")),
        ("planned", run("r5"), None),
        ("none", None, None),
    ];
    assert_eq!(found, expected);
}

/// A partition of a check stands against the materialisations of its asset, with ids of any size.
pub async fn partitions_of_checks_are_found(storage: &dyn EventLogStorage) {
    let key = check_key("a", "c");
    store(storage, &[materialized("r1", "a", Some("p"), 1), materialized("r1", "a", Some("q"), 1)])
        .await;
    let filter =
        EventRecordsFilter::new(DagsterEventType::AssetMaterialization).with_asset_key(asset("a"));
    let found = storage.get_event_records(&filter, None, Order::Ascending).await.unwrap();
    let ids: Vec<_> = found.iter().map(|record| record.storage_id).collect();
    for (run, partition, target) in
        [("r2", "p", ids[0]), ("r3", "q", StorageId(FAR)), ("r4", "p", ids[0])]
    {
        let evaluated =
            Evaluated { failed: true, partition: Some(partition), target: Some(target) };
        store(storage, &[check_evaluated(run, &key, evaluated, 2)]).await;
    }
    let info = async |after, partitions: Only<String>| {
        let keys = std::slice::from_ref(&key);
        let mut found =
            storage.get_asset_check_partition_info(keys, after, &partitions).await.unwrap();
        found.sort_by(|one, other| one.partition_key.cmp(&other.partition_key));
        found
    };
    let all = info(None, Only::Any).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].partition_key.as_deref(), Some("p"));
    assert_eq!(all[0].latest_execution_status, Failed);
    assert_eq!(all[0].latest_planned_run_id, RunId::from("r4"));
    assert_eq!(all[0].latest_materialization_storage_id, Some(ids[0]));
    assert_eq!(all[0].latest_target_materialization_storage_id, Some(ids[0]));
    assert_eq!(all[1].latest_target_materialization_storage_id, Some(StorageId(FAR)));
    assert_eq!(info(None, Only::these(["q", "P"])).await, all[1..]);
    assert_eq!(info(None, Only::These(Vec::new())).await, []);
    assert_eq!(info(Some(all[1].latest_check_event_storage_id), Only::Any).await, all[..1]);
    assert_eq!(info(Some(StorageId(FAR)), Only::Any).await, []);
}

/// An evaluation that would end two planned executions is refused, with its batch.
pub async fn an_evaluation_of_two_planned_executions_is_refused(storage: &dyn EventLogStorage) {
    let key = check_key("a", "c");
    store(storage, &[check_planned("r1", &key, 1), check_planned("r1", &key, 2)]).await;
    let batch = [message("", "x"), evaluated("r1", &key, true, 3)];
    for batch in [&batch[..], &batch[1..]] {
        let error = storage.store_event_batch(batch).await.unwrap_err();
        assert!(matches!(error, StorageError::Duplicate { rows: 2, .. }), "{error:?}");
        let found = history(storage, &page(&key)).await;
        assert_eq!(outcomes(&found), [("r1", Planned), ("r1", Planned)]);
    }
    store(storage, &[message("r2", "next")]).await;
    assert_eq!(all_messages(storage, "r2").await, ["next"]);
}

/// More checks than one statement may name are asked for.
pub async fn any_number_of_checks_may_be_asked_for(storage: &dyn EventLogStorage) {
    let key = check_key("a", "c");
    store(storage, &[evaluated("r1", &key, true, 1)]).await;
    let mut asked: Vec<_> =
        numbered("none", 5_000).iter().map(|name| check_key("a", name)).collect();
    asked.push(key);
    let found = storage.get_latest_asset_check_execution_by_key(&asked, None).await.unwrap();
    assert_eq!(outcomes(&found), [("r1", Succeeded)]);
}
