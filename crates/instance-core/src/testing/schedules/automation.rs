//! Cases about evaluations of automation conditions.

use crate::scheduling::{
    AssetJobKey, AutoMaterializeAssetEvaluationRecord, AutomationConditionEvaluationWithRunIds,
    EntityKey,
};
use crate::serdes::{UnknownFields, serialize_value};
use crate::storage::{AutomationStore, EvaluationsPage};
use crate::testing::samples::{
    AWKWARD, FAR, asset, at, check_key, evaluation, numbered, time, with_unknown_field,
};

fn of_asset(name: &str, description: &str) -> AutomationConditionEvaluationWithRunIds {
    evaluation(asset(name).into(), description)
}

async fn of_key(
    storage: &dyn AutomationStore,
    key: impl Into<EntityKey>,
) -> Vec<AutoMaterializeAssetEvaluationRecord> {
    let page = EvaluationsPage { key: key.into(), cursor: None, limit: 1_000 };
    storage.get_auto_materialize_asset_evaluations(&page).await.unwrap()
}

fn ids(records: &[AutoMaterializeAssetEvaluationRecord]) -> Vec<i64> {
    records.iter().map(|record| record.evaluation_id).collect()
}

/// What was found for several keys comes back as its text, by key and by evaluation.
pub async fn evaluations_are_read_as_they_were_stored(storage: &dyn AutomationStore) {
    let found = [
        with_unknown_field(&of_asset("a", "it's 🦀\u{0}")),
        evaluation(check_key("a", "c").into(), "x"),
    ];
    storage.add_auto_materialize_asset_evaluations(7, &found).await.unwrap();
    storage.add_auto_materialize_asset_evaluations(8, &[]).await.unwrap();
    for evaluation in &found {
        let records = of_key(storage, evaluation.key().clone()).await;
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].serialized_evaluation_body, serialize_value(evaluation));
        assert_eq!((records[0].evaluation_id, &records[0].key), (7, evaluation.key()));
    }
    let records = storage.get_auto_materialize_evaluations_for_evaluation_id(7).await.unwrap();
    assert_eq!(records.len(), 2);
    let records = storage.get_auto_materialize_evaluations_for_evaluation_id(8).await.unwrap();
    assert_eq!(records, []);
}

/// Storing what an evaluation found for a key again replaces it, and nothing else.
pub async fn a_second_result_of_an_evaluation_takes_the_place_of_the_first(
    storage: &dyn AutomationStore,
) {
    let first = [of_asset("a", "first"), of_asset("b", "first")];
    storage.add_auto_materialize_asset_evaluations(1, &first).await.unwrap();
    let second = of_asset("a", "second");
    let again = std::slice::from_ref(&second);
    storage.add_auto_materialize_asset_evaluations(1, again).await.unwrap();
    let records = of_key(storage, asset("a")).await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].serialized_evaluation_body, serialize_value(&second));
    let records = of_key(storage, asset("b")).await;
    assert_eq!(records[0].serialized_evaluation_body, serialize_value(&first[1]));
}

/// Evaluations of a key come by their ids, newest first, behind the cursor and up to the limit.
pub async fn evaluations_of_a_key_come_newest_first(storage: &dyn AutomationStore) {
    for id in [2, 10, 1, 9] {
        let found = [of_asset("a", "x"), of_asset("b", "x")];
        storage.add_auto_materialize_asset_evaluations(id, &found).await.unwrap();
    }
    let page = async |cursor, limit| {
        let page = EvaluationsPage { key: asset("a").into(), cursor, limit };
        ids(&storage.get_auto_materialize_asset_evaluations(&page).await.unwrap())
    };
    assert_eq!(page(None, 10).await, [10, 9, 2, 1]);
    assert_eq!(page(None, 2).await, [10, 9]);
    assert_eq!(page(Some(9), 2).await, [2, 1]);
    assert_eq!(page(Some(1), 2).await, [0_i64; 0]);
    assert_eq!(page(None, 0).await, [0_i64; 0]);
    assert_eq!(page(Some(FAR), u64::MAX).await, [10, 9, 2, 1]);
}

/// Keys of assets, checks and jobs that differ in any way, also in kind, are different.
pub async fn keys_of_evaluations_are_told_apart(storage: &dyn AutomationStore) {
    let job =
        |name: &str| AssetJobKey { job_name: name.to_owned(), unknown: UnknownFields::default() };
    let mut keys: Vec<EntityKey> = Vec::new();
    for text in AWKWARD {
        keys.extend([asset(text).into(), check_key("a", text).into(), job(text).into()]);
    }
    let found: Vec<_> = keys.iter().map(|key| evaluation(key.clone(), "x")).collect();
    storage.add_auto_materialize_asset_evaluations(1, &found).await.unwrap();
    for key in &keys {
        let records = of_key(storage, key.clone()).await;
        assert_eq!(records.len(), 1, "{key:?}");
        assert_eq!(&records[0].key, key);
    }
    assert_eq!(of_key(storage, asset("none")).await, []);
}

/// Ids of evaluations need more than 32 bits some day, and are compared as numbers.
pub async fn ids_of_evaluations_may_be_of_any_size(storage: &dyn AutomationStore) {
    let all = [FAR - 1, 3, FAR, i64::MAX, 1 << 32, 0];
    for id in all {
        let found = [of_asset("a", "x")];
        storage.add_auto_materialize_asset_evaluations(id, &found).await.unwrap();
    }
    let mut expected = all;
    expected.sort_by_key(|id| std::cmp::Reverse(*id));
    assert_eq!(ids(&of_key(storage, asset("a")).await), expected);
    let records = storage.get_auto_materialize_evaluations_for_evaluation_id(FAR).await.unwrap();
    assert_eq!(ids(&records), [FAR]);
}

/// A purge says how many rows it deleted: those that were stored before a time, and all keys alike.
pub async fn evaluations_are_purged_by_time(storage: &dyn AutomationStore) {
    let found = [of_asset("a", "x"), of_asset("b", "x")];
    storage.add_auto_materialize_asset_evaluations(1, &found).await.unwrap();
    let stored = of_key(storage, asset("a")).await;
    let a_second_before = stored[0].timestamp - chrono::TimeDelta::seconds(1);
    for early in [time("1969-12-31 23:59:59.5"), a_second_before] {
        assert_eq!(storage.purge_asset_evaluations(early).await.unwrap(), 0);
    }
    assert_eq!(of_key(storage, asset("a")).await, stored);
    let late = time("9999-12-31 23:59:59");
    assert_eq!(storage.purge_asset_evaluations(late).await.unwrap(), 2);
    assert_eq!(of_key(storage, asset("a")).await, []);
    assert_eq!(storage.purge_asset_evaluations(late).await.unwrap(), 0);
    assert!(stored[0].timestamp > at(0));
}

/// A key that cannot be stored takes all that the evaluation found with it, or is stored like the others.
pub async fn evaluations_are_stored_all_or_none(storage: &dyn AutomationStore) {
    let unknown: EntityKey =
        crate::serdes::deserialize_value(r#"{"__class__": "KeyOfTomorrow"}"#).unwrap();
    let found = [of_asset("a", "x"), evaluation(unknown, "x"), of_asset("b", "x")];
    let is_stored = storage.add_auto_materialize_asset_evaluations(1, &found).await.is_ok();
    let expected = usize::from(is_stored);
    assert_eq!(of_key(storage, asset("a")).await.len(), expected);
    assert_eq!(of_key(storage, asset("b")).await.len(), expected);
}

/// An evaluation finds something for thousands of keys.
pub async fn any_number_of_evaluations_may_be_stored(storage: &dyn AutomationStore) {
    let found: Vec<_> =
        numbered("a", 2_000).iter().map(|name| of_asset(name, &"é".repeat(100))).collect();
    storage.add_auto_materialize_asset_evaluations(1, &found).await.unwrap();
    let records = storage.get_auto_materialize_evaluations_for_evaluation_id(1).await.unwrap();
    assert_eq!(records.len(), 2_000);
}
