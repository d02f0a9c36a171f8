//! The health of assets with and without a source of it, and what an instance says it can do.

use std::collections::BTreeMap;

use async_trait::async_trait;
use instance_assets::{
    AssetCheckInstanceSupport, can_read_asset_failure_events, can_read_asset_status_cache,
    can_read_failure_events_for_asset, dagster_asset_health_queries_supported,
    get_asset_check_health_state_for_assets, get_asset_check_support,
    get_asset_freshness_health_state_for_assets, get_asset_materialization_health_state_for_assets,
    get_minimal_asset_materialization_health_state_for_assets, internal_asset_freshness_enabled,
    streamline_read_asset_health_required, streamline_read_asset_health_supported,
    supports_wipe_on_delete_for_multipartitioned_assets,
};
use instance_core::assets::{
    AssetCheckHealthState, AssetEntry, AssetFreshnessHealthState, AssetHealthPart,
    AssetHealthSource, AssetMaterializationHealthState, AssetRecord, FreshnessState,
    MinimalAssetMaterializationHealthState,
};
use instance_core::clock::Clock;
use instance_core::error::InstanceError;
use instance_core::event::NewEvent;
use instance_core::ids::StorageId;
use instance_core::ops::{AssetOps, ClockAccess, EventReporter, StoresAccess};
use instance_core::storage::{GuardedEvents, GuardedOutcome, Stores};
use instance_core::testing::instance::TestInstance;
use instance_core::{AssetCheckKey, AssetKey};

use crate::samples::{TestResult, key};

/// An instance with a source that knows the health of the asset `a`, and refuses to speak of materialisations.
struct WithSource(TestInstance, Source);

#[derive(Debug)]
struct Source;

impl StoresAccess for WithSource {
    fn stores(&self) -> &Stores {
        self.0.stores()
    }
}

impl ClockAccess for WithSource {
    fn clock(&self) -> &dyn Clock {
        self.0.clock()
    }
}

#[async_trait]
impl EventReporter for WithSource {
    async fn handle_new_event(&self, event: NewEvent) -> Result<(), InstanceError> {
        self.0.handle_new_event(event).await
    }

    async fn handle_events_if(
        &self,
        change: GuardedEvents,
    ) -> Result<GuardedOutcome, InstanceError> {
        self.0.handle_events_if(change).await
    }
}

impl AssetOps for WithSource {
    fn asset_health_source(&self) -> Option<&dyn AssetHealthSource> {
        Some(&self.1)
    }
}

fn checks() -> AssetCheckHealthState {
    let check = AssetCheckKey::new(key("a"), "full");
    AssetCheckHealthState {
        all_checks: [check.clone()].into(),
        passing_checks: [check].into(),
        ..AssetCheckHealthState::default()
    }
}

fn fresh() -> AssetFreshnessHealthState {
    AssetFreshnessHealthState {
        freshness_state: FreshnessState::Pass,
        updated_timestamp: Some(1.5),
    }
}

fn counts() -> MinimalAssetMaterializationHealthState {
    MinimalAssetMaterializationHealthState {
        latest_materialization_timestamp: Some(2.5),
        latest_terminal_run_id: Some("r1".into()),
        num_failed_partitions: 1,
        num_currently_materialized_partitions: 2,
        partitions_snap: None,
        latest_failed_to_materialize_timestamp: None,
        latest_failed_to_materialize_run_id: None,
        num_up_for_retry_partitions: 0,
    }
}

fn refused() -> InstanceError {
    InstanceError::invalid("source", "materialisations", "it does not know them")
}

/// What is known of those of the assets that are asked for.
fn known<T>(asset_keys: &[AssetKey], of_a: T) -> BTreeMap<AssetKey, T> {
    let a = asset_keys.iter().find(|asked| **asked == key("a")).cloned();
    a.map(|a| (a, of_a)).into_iter().collect()
}

#[async_trait]
impl AssetHealthSource for Source {
    fn keeps(&self, part: AssetHealthPart) -> bool {
        part != AssetHealthPart::Materialization
    }

    fn is_required(&self, part: AssetHealthPart) -> bool {
        part == AssetHealthPart::Checks
    }

    async fn asset_check_health(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, AssetCheckHealthState>, InstanceError> {
        Ok(known(asset_keys, checks()))
    }

    async fn asset_freshness_health(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, AssetFreshnessHealthState>, InstanceError> {
        Ok(known(asset_keys, fresh()))
    }

    async fn asset_materialization_health(
        &self,
        _: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, AssetMaterializationHealthState>, InstanceError> {
        Err(refused())
    }

    async fn minimal_asset_materialization_health(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, MinimalAssetMaterializationHealthState>, InstanceError> {
        Ok(known(asset_keys, counts()))
    }
}

/// Whether two assets were asked for, and nothing is known of them.
fn nothing<T>(found: &BTreeMap<AssetKey, Option<T>>) -> bool {
    found.len() == 2 && found.values().all(Option::is_none)
}

#[tokio::test]
async fn without_a_source_nothing_is_known_of_any_asset() -> TestResult {
    let instance = TestInstance::default();
    let asked = ["a", "b"].map(key);
    assert!(nothing(&get_asset_check_health_state_for_assets(&instance, &asked).await?));
    assert!(nothing(&get_asset_freshness_health_state_for_assets(&instance, &asked).await?));
    assert!(nothing(&get_asset_materialization_health_state_for_assets(&instance, &asked).await?));
    let counts = get_minimal_asset_materialization_health_state_for_assets(&instance, &asked);
    assert!(nothing(&counts.await?));
    assert!(!dagster_asset_health_queries_supported(&instance));
    for part in
        [AssetHealthPart::Materialization, AssetHealthPart::Checks, AssetHealthPart::Freshness]
    {
        assert!(!streamline_read_asset_health_supported(&instance, part), "{}", part.as_str());
        assert!(!streamline_read_asset_health_required(&instance, part), "{}", part.as_str());
    }
    Ok(())
}

#[tokio::test]
async fn a_source_is_asked_and_its_errors_are_passed_on() -> TestResult {
    let instance = WithSource(TestInstance::default(), Source);
    let asked = ["b", "a"].map(key);
    let found = get_asset_check_health_state_for_assets(&instance, &asked).await?;
    assert_eq!(found, BTreeMap::from([(key("a"), Some(checks())), (key("b"), None)]));
    let found = get_asset_freshness_health_state_for_assets(&instance, &asked).await?;
    assert_eq!(found, BTreeMap::from([(key("a"), Some(fresh())), (key("b"), None)]));
    let found =
        get_minimal_asset_materialization_health_state_for_assets(&instance, &asked).await?;
    assert_eq!(found, BTreeMap::from([(key("a"), Some(counts())), (key("b"), None)]));
    let error = get_asset_materialization_health_state_for_assets(&instance, &asked).await;
    assert_eq!(error.err().map(|error| error.to_string()), Some(refused().to_string()));

    assert!(dagster_asset_health_queries_supported(&instance));
    let (checks, made) = (AssetHealthPart::Checks, AssetHealthPart::Materialization);
    assert!(streamline_read_asset_health_supported(&instance, checks));
    assert!(!streamline_read_asset_health_supported(&instance, made));
    assert!(streamline_read_asset_health_required(&instance, checks));
    assert!(!streamline_read_asset_health_required(&instance, AssetHealthPart::Freshness));
    Ok(())
}

#[tokio::test]
async fn an_instance_says_what_dagsters_open_source_says() {
    let mut instance = TestInstance::default();
    assert_eq!(
        get_asset_check_support(&instance).await.unwrap(),
        AssetCheckInstanceSupport::Supported
    );
    assert!(can_read_asset_status_cache(&instance).await.unwrap());
    assert!(!can_read_asset_failure_events());
    let record = AssetRecord::new(StorageId(1), AssetEntry::new(key("a")));
    assert!(!can_read_failure_events_for_asset(&record));
    assert!(!supports_wipe_on_delete_for_multipartitioned_assets());
    assert!(internal_asset_freshness_enabled(&instance));
    instance.settings.asset_freshness_enabled = false;
    assert!(!internal_asset_freshness_enabled(&instance));
}
