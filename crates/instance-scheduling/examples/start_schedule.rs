//! Starts and stops a schedule and a sensor, over stores in memory, and says when the schedule ticks next.
//!
//! `cargo run --package instance-scheduling --example start_schedule`

use instance_scheduling::instance_core::clock::{Clock, SystemClock};
use instance_scheduling::instance_core::memory::MemoryStores;
use instance_scheduling::instance_core::ops::{
    ClockAccess, SchedulingOps, SettingsAccess, StoresAccess,
};
use instance_scheduling::instance_core::run::{
    RegisteredCodeLocationOrigin, RemoteRepositoryOrigin,
};
use instance_scheduling::instance_core::scheduling::{
    DefaultStatus, InstigatorState, InstigatorStatus, RemoteInstigatorOrigin, RemoteSchedule,
    RemoteSensor,
};
use instance_scheduling::instance_core::settings::InstanceSettings;
use instance_scheduling::instance_core::storage::{InstigatorFilter, Stores};
use instance_scheduling::{
    all_instigator_state, get_next_schedule_ticks, start_schedule, stop_sensor,
};

/// What the functions of this crate need of an instance, and no more.
struct Instance {
    stores: Stores,
    settings: InstanceSettings,
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

impl SettingsAccess for Instance {
    fn settings(&self) -> &InstanceSettings {
        &self.settings
    }
}

impl SchedulingOps for Instance {}

/// Where a schedule or sensor of the code location `shop` lives.
fn origin(name: &str) -> RemoteInstigatorOrigin {
    let location = RegisteredCodeLocationOrigin::new("shop");
    RemoteInstigatorOrigin::new(RemoteRepositoryOrigin::new(location, "shop"), name)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instance = Instance {
        stores: MemoryStores::default().stores(),
        settings: InstanceSettings::new("shop-home"),
    };

    let nightly = RemoteSchedule::new(origin("nightly"), "30 2 * * *")
        .with_execution_timezone("Europe/Berlin".to_owned());
    start_schedule(&instance, &nightly).await?;

    // The code location has this sensor run, and somebody stops it.
    let new_files =
        RemoteSensor::new(origin("new_files")).with_default_status(DefaultStatus::Running);
    stop_sensor(&instance, &new_files.ids(), Some(&new_files)).await?;

    let states = all_instigator_state(&instance, &InstigatorFilter::new()).await?;
    let is_on = |state: &&InstigatorState| state.status == InstigatorStatus::Running;
    let on: Vec<&str> = states.iter().filter(is_on).map(InstigatorState::name).collect();
    assert_eq!((states.len(), on), (2, vec!["nightly"]));

    let next = get_next_schedule_ticks(&instance, &nightly, 2)?;
    println!("nightly ticks next at {}, and then at {}", next[0], next[1]);
    assert!(next[0] < next[1]);
    Ok(())
}
