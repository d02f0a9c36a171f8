//! `start`, `stop` and `reset` of schedules and sensors.

use std::io::Write;

use dagster_instance::DagsterInstance;
use dagster_instance::scheduling::{InstigatorState, InstigatorType, RemoteSchedule, RemoteSensor};

use super::instigators::{cron_schedule, find, word};
use super::sensor_list;
use crate::args::Named;
use crate::open::InstancePlace;
use crate::{Result, json, open, text};

/// What is done to a schedule or sensor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Switch {
    Start,
    Stop,
    Reset,
}

pub(crate) async fn run(
    place: &InstancePlace,
    instigator_type: InstigatorType,
    switch: Switch,
    args: &Named,
) -> Result<()> {
    let instance = open::existing(place).await?;
    let before = find(&instance, Some(instigator_type), &args.name).await?;
    let after = if instigator_type == InstigatorType::Schedule {
        switch_schedule(&instance, switch, &before).await?
    } else {
        switch_sensor(&instance, switch, &before).await?
    };
    let mut out = std::io::stdout().lock();
    if args.output.json {
        writeln!(out, "{}", json::instigator(&after, &[]))?;
        return Ok(());
    }
    let (word, name) = (word(instigator_type), text::value(after.name()));
    if before.status == after.status {
        writeln!(out, "{word} {name} is {} already", after.status)?;
    } else {
        writeln!(out, "{word} {name} is {}; it was {}", after.status, before.status)?;
    }
    Ok(())
}

/// What the code says of a schedule is not at hand; its last state has all that starting needs.
async fn switch_schedule(
    instance: &DagsterInstance,
    switch: Switch,
    state: &InstigatorState,
) -> Result<InstigatorState> {
    if let Switch::Stop = switch {
        return Ok(instance.stop_schedule(&state.ids(), None).await?);
    }
    let cron = cron_schedule(state).ok_or_else(|| {
        format!(
            "the state of schedule {:?} does not say when it ticks, so nothing was changed; start it in Dagster, where \
             its code is loaded",
            state.name()
        )
    })?;
    let schedule = RemoteSchedule::new(state.origin.clone(), cron);
    Ok(match switch {
        Switch::Start => instance.start_schedule(&schedule).await?,
        Switch::Stop | Switch::Reset => instance.reset_schedule(&schedule).await?,
    })
}

async fn switch_sensor(
    instance: &DagsterInstance,
    switch: Switch,
    state: &InstigatorState,
) -> Result<InstigatorState> {
    let data = sensor_list::data(state);
    let interval = data.and_then(|data| data.min_interval.as_ref()?.as_i64());
    let sensor = RemoteSensor::new(state.origin.clone())
        .with_min_interval_seconds(interval)
        .with_sensor_type(data.and_then(|data| data.sensor_type));
    Ok(match switch {
        Switch::Start => instance.start_sensor(&sensor).await?,
        Switch::Stop => instance.stop_sensor(&state.ids(), None).await?,
        Switch::Reset => instance.reset_sensor(&sensor).await?,
    })
}
