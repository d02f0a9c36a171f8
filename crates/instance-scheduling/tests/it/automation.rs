//! Evaluations of automation conditions.

use chrono::{DateTime, Utc};
use instance_core::AssetKey;
use instance_core::scheduling::{
    AutoMaterializeAssetEvaluationRecord, AutomationConditionEvaluation,
    AutomationConditionEvaluationWithRunIds, AutomationConditionNodeSnapshot, CandidateSubset,
    EntityKey, EntitySubsetValue, HistoricalAllPartitionsSubsetSentinel, SerializableEntitySubset,
};
use instance_core::serdes::{FrozenSet, UnknownFields, serialize_value};
use instance_core::storage::EvaluationsPage;
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{
    add_auto_materialize_asset_evaluations, get_auto_materialize_asset_evaluations,
    get_auto_materialize_evaluations_for_evaluation_id, purge_asset_evaluations,
    supports_auto_materialize_asset_evaluations, wipe_all_schedules,
};

use crate::support::TestResult;

fn key(name: &str) -> EntityKey {
    AssetKey::new([name]).into()
}

fn evaluation(name: &str, description: &str) -> AutomationConditionEvaluationWithRunIds {
    let unknown = UnknownFields::default;
    let candidates = HistoricalAllPartitionsSubsetSentinel { unknown: unknown() };
    AutomationConditionEvaluationWithRunIds {
        evaluation: AutomationConditionEvaluation {
            candidate_subset: CandidateSubset::All(candidates),
            child_evaluations: Vec::new(),
            condition_snapshot: AutomationConditionNodeSnapshot {
                class_name: "c".to_owned(),
                description: description.to_owned(),
                label: None,
                name: None,
                operator_type: None,
                unique_id: "u".to_owned(),
                unknown: unknown(),
            },
            end_timestamp: None,
            metadata: None,
            start_timestamp: None,
            subsets_with_metadata: Vec::new(),
            true_subset: SerializableEntitySubset {
                key: key(name),
                value: EntitySubsetValue::Whole(true),
                unknown: unknown(),
            },
            unknown: unknown(),
        },
        run_ids: FrozenSet::default(),
        unknown: unknown(),
    }
}

fn numbers(records: &[AutoMaterializeAssetEvaluationRecord]) -> Vec<i64> {
    records.iter().map(|record| record.evaluation_id).collect()
}

#[tokio::test]
async fn evaluations_are_found_by_their_key_and_their_number() -> TestResult {
    let instance = TestInstance::default();
    assert!(supports_auto_materialize_asset_evaluations(&instance).await?);
    add_auto_materialize_asset_evaluations(&instance, 1, &[]).await?;
    for number in [1, 2, 3] {
        let found = [evaluation("a", "first"), evaluation("b", "first")];
        add_auto_materialize_asset_evaluations(&instance, number, &found).await?;
    }
    let again = evaluation("a", "second");
    add_auto_materialize_asset_evaluations(&instance, 2, std::slice::from_ref(&again)).await?;

    for (page, expected) in [
        (EvaluationsPage::new(key("a"), 10), &[3, 2, 1][..]),
        (EvaluationsPage::new(key("a"), 1), &[3]),
        (EvaluationsPage::new(key("a"), 10).with_cursor(3), &[2, 1]),
        (EvaluationsPage::new(key("unknown"), 10), &[]),
    ] {
        let records = get_auto_materialize_asset_evaluations(&instance, &page).await?;
        assert_eq!(numbers(&records), expected, "{page:?}");
    }
    let of_two = get_auto_materialize_evaluations_for_evaluation_id(&instance, 2).await?;
    assert_eq!(numbers(&of_two), [2, 2]);
    let of_a = of_two.iter().find(|record| record.key == key("a")).ok_or("no record")?;
    assert_eq!(of_a.serialized_evaluation_body, serialize_value(&again));
    assert_eq!(get_auto_materialize_evaluations_for_evaluation_id(&instance, 9).await?, []);
    Ok(())
}

#[tokio::test]
async fn old_evaluations_are_deleted() -> TestResult {
    let instance = TestInstance::default();
    let found = [evaluation("a", "x"), evaluation("b", "x")];
    add_auto_materialize_asset_evaluations(&instance, 1, &found).await?;
    assert_eq!(purge_asset_evaluations(&instance, DateTime::<Utc>::UNIX_EPOCH).await?, 0);
    assert_eq!(purge_asset_evaluations(&instance, DateTime::<Utc>::MAX_UTC).await?, 2);
    assert_eq!(get_auto_materialize_evaluations_for_evaluation_id(&instance, 1).await?, []);

    add_auto_materialize_asset_evaluations(&instance, 1, &found).await?;
    wipe_all_schedules(&instance).await?;
    assert_eq!(get_auto_materialize_evaluations_for_evaluation_id(&instance, 1).await?, []);
    Ok(())
}
