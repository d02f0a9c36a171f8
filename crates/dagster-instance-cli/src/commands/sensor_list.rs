//! `sensor list`: the sensors that have a state.

use std::io::{BufWriter, Write};

use dagster_instance::scheduling::{
    InstigatorData, InstigatorState, InstigatorType, SensorInstigatorData,
};
use dagster_instance::serdes::Number;

use super::instigators::{repository, states};
use crate::args::Output;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &Output) -> Result<()> {
    let instance = open::existing(place).await?;
    let states = states(&instance, Some(InstigatorType::Sensor)).await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.json {
        for state in &states {
            writeln!(out, "{}", json::instigator(state, &[]))?;
        }
    } else {
        let rows: Vec<_> = states.iter().map(row).collect();
        print::Table::new(&["SENSOR", "STATUS", "TYPE", "LAST TICK (UTC)", "REPOSITORY"])
            .rows(&mut out, &rows)?;
    }
    out.flush()?;
    Ok(())
}

/// What a sensor remembers.
pub(crate) fn data(state: &InstigatorState) -> Option<&SensorInstigatorData> {
    match state.instigator_data.as_ref()? {
        InstigatorData::Sensor(data) => Some(data),
        _ => None,
    }
}

fn row(state: &InstigatorState) -> Vec<String> {
    let data = data(state);
    let kind = data.and_then(|data| data.sensor_type);
    let last = data.and_then(|data| data.last_tick_timestamp.as_ref());
    vec![
        text::value(state.name()),
        state.status.to_string(),
        kind.map_or_else(|| "-".to_owned(), |kind| kind.to_string()),
        print::time(last.map(Number::as_f64)),
        text::value(&repository(state)),
    ]
}
