//! Reads which sensors are on, over stores in memory.
//!
//! `cargo run --package instance-scheduling --example list_sensors`

use instance_scheduling::all_instigator_state;
use instance_scheduling::instance_core::clock::{Clock, SystemClock};
use instance_scheduling::instance_core::memory::MemoryStores;
use instance_scheduling::instance_core::ops::{InstigatorStoreAccess, SchedulingOps, StoresAccess};
use instance_scheduling::instance_core::scheduling::{
    InstigatorState, InstigatorStatus, InstigatorType,
};
use instance_scheduling::instance_core::serdes::deserialize_value;
use instance_scheduling::instance_core::storage::Stores;

/// What the functions of this crate need of an instance, and no more.
struct Instance {
    stores: Stores,
}

impl StoresAccess for Instance {
    fn stores(&self) -> &Stores {
        &self.stores
    }
}

impl SchedulingOps for Instance {}

/// The state of a sensor or schedule, as Dagster's web server stores it when somebody turns the switch.
fn state(
    kind: &str,
    name: &str,
    status: &str,
) -> Result<InstigatorState, Box<dyn std::error::Error>> {
    let text = format!(
        r#"{{"__class__": "InstigatorState", "job_specific_data": null,
            "job_type": {{"__enum__": "InstigatorType.{kind}"}},
            "origin": {{"__class__": "ExternalJobOrigin", "job_name": "{name}",
                "external_repository_origin": {{"__class__": "ExternalRepositoryOrigin",
                    "repository_location_origin": {{"__class__": "GrpcServerRepositoryLocationOrigin",
                        "host": "localhost", "location_name": "shop", "port": 4000, "socket": null,
                        "use_ssl": null}},
                    "repository_name": "shop"}}}},
            "status": {{"__enum__": "InstigatorStatus.{status}"}}}}"#
    );
    Ok(deserialize_value(&text)?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instance = Instance { stores: MemoryStores::default().stores() };
    for (kind, name, status) in [
        ("SENSOR", "new_files", "RUNNING"),
        ("SENSOR", "new_orders", "STOPPED"),
        ("SCHEDULE", "nightly", "RUNNING"),
    ] {
        let state = state(kind, name, status)?;
        instance.instigator_store().add_instigator_state(&state, SystemClock.now()).await?;
    }

    let sensors = all_instigator_state(&instance, Some(InstigatorType::Sensor)).await?;
    let on = |state: &&InstigatorState| state.status == InstigatorStatus::Running;
    let running: Vec<&str> = sensors.iter().filter(on).map(InstigatorState::name).collect();
    println!("{} sensors, of which are on: {}", sensors.len(), running.join(", "));
    assert_eq!((sensors.len(), running), (2, vec!["new_files"]));
    assert_eq!(all_instigator_state(&instance, None).await?.len(), 3);
    Ok(())
}
