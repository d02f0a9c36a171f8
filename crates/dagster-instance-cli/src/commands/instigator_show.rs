//! `schedule show` and `sensor show`: one schedule or sensor, with its ticks.

use std::io::{BufWriter, Write};

use dagster_instance::scheduling::{
    InstigatorData, InstigatorState, InstigatorType, ScheduleInstigatorData, SensorInstigatorData,
};
use dagster_instance::serdes::Number;
use dagster_instance::storage::TicksQuery;

use super::instigators::{cron_schedule, find, next_ticks, repository, require_zone, word};
use super::tick_list;
use crate::args::{Named, ScheduleShow};
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

/// How many ticks are shown; `tick list` shows more.
const TICKS_SHOWN: u64 = 10;

/// How many of the next ticks of a schedule are shown.
const NEXT_SHOWN: usize = 5;

pub(crate) async fn schedule(place: &InstancePlace, args: &ScheduleShow) -> Result<()> {
    let zone = args.zone.timezone.as_deref();
    require_zone(zone)?;
    show(place, InstigatorType::Schedule, &args.named, zone).await
}

pub(crate) async fn sensor(place: &InstancePlace, args: &Named) -> Result<()> {
    show(place, InstigatorType::Sensor, args, None).await
}

async fn show(
    place: &InstancePlace,
    instigator_type: InstigatorType,
    args: &Named,
    zone: Option<&str>,
) -> Result<()> {
    let instance = open::existing(place).await?;
    let state = find(&instance, Some(instigator_type), &args.name).await?;
    let ids = state.ids();
    let query = TicksQuery::new(&ids.origin_id, &ids.selector_id).with_limit(TICKS_SHOWN);
    let ticks = instance.get_ticks(&query).await?;
    let next = next_ticks(&instance, &state, zone, NEXT_SHOWN);
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        writeln!(out, "{}", json::instigator_in_full(&state, &next, &ticks))?;
    } else {
        print_state(&mut out, &state, &next)?;
        if !ticks.is_empty() {
            writeln!(out)?;
            tick_list::table().rows(&mut out, &tick_list::rows(&ticks))?;
        }
    }
    out.flush()?;
    Ok(())
}

fn print_state(out: &mut impl Write, state: &InstigatorState, next: &[f64]) -> std::io::Result<()> {
    writeln!(out, "{:<12}{}", word(state.instigator_type), text::value(state.name()))?;
    writeln!(out, "Status      {}", state.status)?;
    writeln!(out, "Repository  {}", text::value(&repository(state)))?;
    writeln!(out, "Selector    {}", state.selector_id())?;
    match &state.instigator_data {
        Some(InstigatorData::Schedule(data)) => print_schedule(out, state, data, next),
        Some(InstigatorData::Sensor(data)) => print_sensor(out, data),
        // Data that this version does not interpret.
        _ => Ok(()),
    }
}

fn print_schedule(
    out: &mut impl Write,
    state: &InstigatorState,
    data: &ScheduleInstigatorData,
    next: &[f64],
) -> std::io::Result<()> {
    if let Some(cron) = cron_schedule(state) {
        writeln!(out, "Cron        {}", text::value(&cron.to_string()))?;
    }
    let time = |time: &Option<Number>| print::time(time.as_ref().map(Number::as_f64));
    writeln!(out, "Started     {}", time(&data.start_timestamp))?;
    writeln!(out, "Last tick   {}", time(&data.last_iteration_timestamp))?;
    for (index, tick) in next.iter().enumerate() {
        let heading = if index == 0 { "Next ticks  " } else { "            " };
        writeln!(out, "{heading}{}", print::time(Some(*tick)))?;
    }
    Ok(())
}

fn print_sensor(out: &mut impl Write, data: &SensorInstigatorData) -> std::io::Result<()> {
    let time = |time: &Option<Number>| print::time(time.as_ref().map(Number::as_f64));
    if let Some(kind) = data.sensor_type {
        writeln!(out, "Type        {kind}")?;
    }
    if let Some(interval) = &data.min_interval {
        writeln!(out, "Interval    {}s", interval.as_f64())?;
    }
    writeln!(out, "Started     {}", time(&data.last_sensor_start_timestamp))?;
    writeln!(out, "Last tick   {}", time(&data.last_tick_timestamp))?;
    writeln!(out, "Succeeded   {}", time(&data.last_tick_success_timestamp))?;
    if let Some(key) = &data.last_run_key {
        writeln!(out, "Run key     {}", text::value(key))?;
    }
    if let Some(cursor) = &data.cursor {
        // A message and no value: it is text of code, and often JSON.
        writeln!(out, "Cursor      {}", text::message(cursor))?;
    }
    Ok(())
}
