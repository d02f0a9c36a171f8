//! The times at which a schedule executes: those of a cron schedule in a zone, or of several cron schedules together.
//!
//! Not here: the time windows of partitions (`windows.rs`).

use chrono::{DateTime, Timelike, Utc};
use chrono_tz::Tz;

use crate::PartitionsError;
use crate::cron::CronSchedule;
use crate::hourly::HourlyTicks;
use crate::ticks::{Direction, Tick, Ticks};
use crate::windows::zone_of;

/// The times at which a schedule executes, as Dagster's daemon finds them.
///
/// ```
/// use instance_partitions::ExecutionTimes;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let times = ExecutionTimes::new(["30 2 * * *"], Some("Europe/Berlin"))?;
/// let now = "2026-03-28T12:00:00Z".parse()?;
/// // On the night of the 29th of March, the clocks go from 2:00 to 3:00.
/// let next: Vec<_> = times.ascending(now, now).take(2).map(|time| time.to_rfc3339()).collect();
/// assert_eq!(next, ["2026-03-29T01:00:00+00:00", "2026-03-30T00:30:00+00:00"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ExecutionTimes {
    schedules: Vec<Schedule>,
    zone: Tz,
}

#[derive(Debug, Clone)]
struct Schedule {
    cron: CronSchedule,
    is_midnight: bool,
}

impl ExecutionTimes {
    /// Reads one cron schedule or several, and the name of a time zone. No name means UTC.
    ///
    /// A cron schedule has five fields, or is a nickname such as `@daily`.
    ///
    /// # Errors
    ///
    /// [`PartitionsError::InvalidSchedule`] if there is no schedule, if one cannot be read, or if it never fires or
    /// fires at random; [`PartitionsError::UnknownTimezone`].
    pub fn new<'s>(
        cron_schedules: impl IntoIterator<Item = &'s str>,
        timezone: Option<&str>,
    ) -> Result<Self, PartitionsError> {
        let read = |text: &'s str| {
            let cron = CronSchedule::parse(text)?;
            Ok(Schedule { cron, is_midnight: text == "0 0 * * *" })
        };
        let schedules: Vec<Schedule> =
            cron_schedules.into_iter().map(read).collect::<Result<_, _>>()?;
        if schedules.is_empty() {
            return Err(PartitionsError::InvalidSchedule {
                schedule: "[]".to_owned(),
                reason: "it is a list of no cron schedules; give it one".to_owned(),
            });
        }
        Ok(Self { schedules, zone: zone_of(timezone)? })
    }

    /// The times from `start` on, that time included, ascending.
    ///
    /// `now` is needed for schedules of every hour. Their minutes are those of the zone if its clocks are off by part
    /// of an hour now, and those of UTC otherwise. The list ends where it is not known when the clocks of the zone
    /// will be set, after the year 2099.
    ///
    /// Where clocks are set, several schedules together can give times that go back, or one time twice, as Dagster's
    /// do: it compares what the clocks show.
    pub fn ascending(
        &self,
        start: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        self.ticks(start, now, Direction::Ascending)
    }

    /// The times until `end`, that time included, descending. For `now`, see [`ExecutionTimes::ascending`].
    pub fn descending(
        &self,
        end: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        self.ticks(end, now, Direction::Descending)
    }

    fn ticks(
        &self,
        bound: DateTime<Utc>,
        now: DateTime<Utc>,
        direction: Direction,
    ) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        let mut each: Vec<Box<dyn Iterator<Item = Tick> + '_>> =
            self.schedules.iter().map(|one| one.ticks(self.zone, bound, now, direction)).collect();
        let mut next: Vec<Option<Tick>> = each.iter_mut().map(Iterator::next).collect();
        std::iter::from_fn(move || {
            let first = |one: Tick, other: Tick| match direction {
                Direction::Ascending => one.local <= other.local,
                Direction::Descending => one.local >= other.local,
            };
            // A schedule whose times are not known any more ends the list: what comes next is not certain.
            let known: Option<Vec<Tick>> = next.iter().copied().collect();
            let chosen = known?
                .into_iter()
                .reduce(|one, other| if first(one, other) { one } else { other })?;
            for (ticks, next) in each.iter_mut().zip(&mut next) {
                if next.is_some_and(|tick| tick.local == chosen.local) {
                    *next = ticks.next();
                }
            }
            Some(chosen.instant)
        })
    }
}

impl Schedule {
    fn ticks(
        &self,
        zone: Tz,
        bound: DateTime<Utc>,
        now: DateTime<Utc>,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = Tick> + '_> {
        if let Some(minutes) = self.cron.hourly_minutes() {
            return Box::new(
                HourlyTicks::new(minutes, zone, bound, direction, now).into_iter().flatten(),
            );
        }
        let ticks = Ticks::new(&self.cron, zone, bound, direction);
        // Dagster takes a midnight at its word, the second of two as well.
        let local = bound.with_timezone(&zone).naive_local();
        let is_midnight = local.num_seconds_from_midnight() == 0 && local.nanosecond() == 0;
        if self.is_midnight && is_midnight {
            let first = Tick { instant: bound, local, is_second: false };
            return Box::new(
                std::iter::once(first).chain(ticks.skip_while(move |tick| tick.local == local)),
            );
        }
        Box::new(ticks)
    }
}
