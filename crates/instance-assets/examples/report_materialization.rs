//! Reports that something outside of any run has made partitions of an asset, over stores in memory. Reads what is known of
//! them, and wipes one.
//!
//! `cargo run --package instance-assets --example report_materialization`

use async_trait::async_trait;
use instance_assets::instance_core::clock::{Clock, SystemClock};
use instance_assets::instance_core::event::{AssetMaterialization, NewEvent};
use instance_assets::instance_core::memory::MemoryStores;
use instance_assets::instance_core::ops::{AssetOps, ClockAccess, EventReporter, StoresAccess};
use instance_assets::instance_core::partitions::PartitionsSnap;
use instance_assets::instance_core::serdes::deserialize_value;
use instance_assets::instance_core::storage::{GuardedEvents, GuardedOutcome, Only, Stores};
use instance_assets::instance_core::{AssetKey, InstanceError};
use instance_assets::{
    AssetPartitionStatus, get_asset_records, get_status_by_partition, has_asset_key,
    report_runless_asset_event, wipe_asset_partitions,
};

/// Daily partitions from 2024-01-01 on, until 2024-02-01.
const DAYS: &str = r#"{"__class__": "ExternalTimeWindowPartitionsDefinitionData", "cron_schedule": "0 0 * * *", "end": 1706745600.0, "end_offset": 0, "exclusions": null, "fmt": "%Y-%m-%d", "start": 1704067200.0, "timezone": "UTC"}"#;

/// What the functions of this crate need of an instance, and no more.
struct Instance {
    stores: Stores,
}

impl StoresAccess for Instance {
    fn stores(&self) -> &Stores {
        &self.stores
    }
}

impl ClockAccess for Instance {
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }
}

/// Nobody listens here, and no run changes by events of assets: an event is stored, and that is all.
#[async_trait]
impl EventReporter for Instance {
    async fn handle_new_event(&self, event: NewEvent) -> Result<(), InstanceError> {
        self.stores.run_event_store.store_run_events(&[event.entry]).await?;
        Ok(())
    }

    async fn handle_events_if(
        &self,
        change: GuardedEvents,
    ) -> Result<GuardedOutcome, InstanceError> {
        Ok(self.stores.run_event_store.store_run_events_if(&change).await?)
    }
}

impl AssetOps for Instance {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instance = Instance { stores: MemoryStores::default().stores() };
    let key = AssetKey::new(["lake", "orders"]);
    assert!(!has_asset_key(&instance, &key).await?);

    for partition in ["2024-01-01", "2024-01-02"] {
        let made = AssetMaterialization::new(key.clone(), Some(partition.to_owned()));
        report_runless_asset_event(&instance, made).await?;
    }

    let records = get_asset_records(&instance, &Only::one(key.clone())).await?;
    let entry = &records.first().ok_or("the asset has no record")?.asset_entry;
    let last = entry.last_materialization_record.as_ref().ok_or("it was not materialised")?;
    let event = last.event_log_entry.dagster_event.as_deref().ok_or("that is no event")?;
    println!("{} was last made for {:?}", entry.asset_key, event.partition());
    assert_eq!(event.partition(), Some("2024-01-02"));

    // A code location tells the definition of the partitions as this text.
    let partitions: PartitionsSnap = deserialize_value(DAYS)?;
    let days = ["2024-01-01", "2024-01-02", "2024-01-03"].map(str::to_owned);
    wipe_asset_partitions(&instance, &key, &days[1..2]).await?;
    let status = get_status_by_partition(&instance, &key, &days, &partitions).await?;
    let status = status.ok_or("the asset has no status")?;
    println!("its partitions now stand so: {status:?}");
    assert_eq!(status[&days[0]], Some(AssetPartitionStatus::Materialized));
    assert_eq!((status[&days[1]], status[&days[2]]), (None, None));
    Ok(())
}
