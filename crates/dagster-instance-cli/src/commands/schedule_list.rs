//! `schedule list`: the schedules that have a state, with their next ticks.

use std::io::{BufWriter, Write};

use dagster_instance::scheduling::InstigatorType;

use super::instigators::{cron_schedule, next_ticks, repository, require_zone, states};
use crate::args::ScheduleList;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &ScheduleList) -> Result<()> {
    let zone = args.zone.timezone.as_deref();
    require_zone(zone)?;
    let instance = open::existing(place).await?;
    let states = states(&instance, Some(InstigatorType::Schedule)).await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        for state in &states {
            let ticks = next_ticks(&instance, state, zone, 1);
            writeln!(out, "{}", json::instigator(state, &ticks))?;
        }
    } else {
        let mut rows = Vec::new();
        for state in &states {
            let cron = cron_schedule(state).map(|cron| text::value(&cron.to_string()));
            rows.push(vec![
                text::value(state.name()),
                state.status.to_string(),
                cron.unwrap_or_else(|| "-".to_owned()),
                print::time(next_ticks(&instance, state, zone, 1).first().copied()),
                text::value(&repository(state)),
            ]);
        }
        print::Table::new(&["SCHEDULE", "STATUS", "CRON", "NEXT TICK (UTC)", "REPOSITORY"])
            .rows(&mut out, &rows)?;
    }
    out.flush()?;
    Ok(())
}
