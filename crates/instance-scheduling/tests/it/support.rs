//! What the tests of this domain share.

use std::error::Error;

use instance_core::error::{ErrorKind, InstanceError};
use instance_core::run::{RegisteredCodeLocationOrigin, RemoteRepositoryOrigin};
use instance_core::scheduling::{
    InstigatorIds, InstigatorState, InstigatorStatus, InstigatorType, RemoteInstigatorOrigin,
    RemoteSchedule, RemoteSensor, TickData, TickStatus,
};
use instance_core::serdes::serialize_value;
use instance_core::storage::InstigatorFilter;
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{add_instigator_state, all_instigator_state};

pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// What the clock of a [`TestInstance`] shows, in seconds since 1970.
pub(crate) const NOW: f64 = 1_700_000_000.25;

pub(crate) fn origin_at(location: &str, name: &str) -> RemoteInstigatorOrigin {
    let location = RegisteredCodeLocationOrigin::new(location);
    RemoteInstigatorOrigin::new(RemoteRepositoryOrigin::new(location, "shop"), name)
}

pub(crate) fn origin(name: &str) -> RemoteInstigatorOrigin {
    origin_at("shop", name)
}

pub(crate) fn schedule(name: &str) -> RemoteSchedule {
    RemoteSchedule::new(origin(name), "0 2 * * *")
}

pub(crate) fn sensor(name: &str) -> RemoteSensor {
    RemoteSensor::new(origin(name))
}

/// Stores a state of a schedule or sensor; returns it.
pub(crate) async fn stored(
    instance: &TestInstance,
    state: InstigatorState,
    status: InstigatorStatus,
) -> Result<InstigatorState, InstanceError> {
    let state = state.with_status(status);
    add_instigator_state(instance, &state).await?;
    Ok(state)
}

/// All states that are stored.
pub(crate) async fn states(instance: &TestInstance) -> Result<Vec<InstigatorState>, InstanceError> {
    all_instigator_state(instance, &InstigatorFilter::new()).await
}

/// The data of a state, as they are stored.
pub(crate) fn data(state: &InstigatorState) -> String {
    serialize_value(&state.instigator_data)
}

/// A tick of the sensor `name`, so many seconds after the time of the clock.
pub(crate) fn tick(name: &str, status: TickStatus, seconds: f64) -> TickData {
    let ids = InstigatorIds::from(&origin(name));
    TickData::new(ids, name, InstigatorType::Sensor, status, NOW + seconds)
}

/// Fails unless it is an error of this kind whose text has all of these in it.
pub(crate) fn refused<T: std::fmt::Debug>(
    result: Result<T, InstanceError>,
    kind: ErrorKind,
    named: &[&str],
) {
    let error = result.expect_err("it has to be refused");
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    for name in named {
        assert!(text.contains(name), "{text:?} lacks {name:?}");
    }
}
