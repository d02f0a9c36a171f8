//! Finding schedules and sensors by name, and what is said of them in several commands.

use dagster_instance::error::{chain, shown};
use dagster_instance::partitions::ExecutionTimes;
use dagster_instance::scheduling::{
    CronSchedule, InstigatorData, InstigatorState, InstigatorType, RemoteSchedule,
};
use dagster_instance::storage::InstigatorFilter;
use dagster_instance::{DagsterInstance, clock};

use crate::{Result, report, text};

/// The states of schedules or sensors, by name.
pub(crate) async fn states(
    instance: &DagsterInstance,
    instigator_type: Option<InstigatorType>,
) -> Result<Vec<InstigatorState>> {
    let filter = InstigatorFilter::new().with_instigator_type(instigator_type);
    let mut states = instance.all_instigator_state(&filter).await?;
    states.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(states)
}

/// The state of the schedule or sensor with a name or a selector id.
///
/// # Errors
///
/// There is none, or several have the name.
pub(crate) async fn find(
    instance: &DagsterInstance,
    instigator_type: Option<InstigatorType>,
    named: &str,
) -> Result<InstigatorState> {
    let states = states(instance, instigator_type).await?;
    let is_named = |state: &&InstigatorState| state.name() == named;
    let has_id = |state: &&InstigatorState| state.selector_id() == named;
    let mut found: Vec<_> = states.iter().filter(is_named).collect();
    if found.is_empty() {
        found = states.iter().filter(has_id).collect();
    }
    match found.as_slice() {
        [] => Err(unknown(instigator_type, named)),
        [state] => Ok((*state).clone()),
        several => {
            let id = |state: &&InstigatorState| {
                format!("{} of {}", state.selector_id(), repository(state))
            };
            let ids: Vec<_> = several.iter().map(id).collect();
            let what = "several schedules or sensors have the name";
            let (named, ids) = (shown(named), ids.join(", "));
            Err(format!("{what} {named:?}; give one of their selector ids: {ids}").into())
        }
    }
}

fn unknown(instigator_type: Option<InstigatorType>, named: &str) -> Box<dyn std::error::Error> {
    let (what, commands) = match instigator_type {
        Some(InstigatorType::Schedule) => {
            ("schedule", "`dagster-instance schedule list` lists those")
        }
        Some(_) => ("sensor", "`dagster-instance sensor list` lists those"),
        None => {
            let both =
                "`dagster-instance schedule list` and `dagster-instance sensor list` list those";
            ("schedule or sensor", both)
        }
    };
    let named = shown(named);
    format!(
        "{what} {named:?} has no state in this instance: nobody has started or stopped it here, and it has not ticked. \
         What it is, its code alone knows, so start it once in Dagster, where its code is loaded. {commands} that have \
         a state"
    )
    .into()
}

/// `SCHEDULE` as people say it.
pub(crate) fn word(instigator_type: InstigatorType) -> &'static str {
    if instigator_type == InstigatorType::Schedule { "Schedule" } else { "Sensor" }
}

/// The repository and its code location, as Dagster writes them.
pub(crate) fn repository(state: &InstigatorState) -> String {
    let origin = &state.origin.repository_origin;
    match origin.location_name() {
        Some(location) => format!("{}@{location}", origin.repository_name),
        None => origin.repository_name.clone(),
    }
}

/// When a schedule ticks, as its state has it; `None` if it does not say it.
pub(crate) fn cron_schedule(state: &InstigatorState) -> Option<CronSchedule> {
    match state.instigator_data.as_ref()? {
        InstigatorData::Schedule(data) => data.cron_schedule(),
        _ => None,
    }
}

/// Refuses a time zone that does not exist.
pub(crate) fn require_zone(timezone: Option<&str>) -> Result<()> {
    ExecutionTimes::new(["@daily"], timezone)?;
    Ok(())
}

/// The next ticks of a schedule that runs, in seconds since 1970. There are none if it is stopped. If its cron schedule
/// cannot be understood, there are none, and the user is told so.
pub(crate) fn next_ticks(
    instance: &DagsterInstance,
    state: &InstigatorState,
    timezone: Option<&str>,
    count: usize,
) -> Vec<f64> {
    let Some(cron) = cron_schedule(state).filter(|_| state.is_running()) else { return Vec::new() };
    let schedule = RemoteSchedule::new(state.origin.clone(), cron)
        .with_execution_timezone(timezone.map(str::to_owned));
    match instance.get_next_schedule_ticks(&schedule, count) {
        Ok(ticks) => ticks.into_iter().map(clock::timestamp_of).collect(),
        Err(error) => {
            let reason = chain(&error);
            report::say(&text::lines(&format!("Schedule {}: {reason}", text::value(state.name()))));
            Vec::new()
        }
    }
}
