//! The times at which a cron schedule fires in a zone.
//!
//! Not here: the time windows between them.

use std::vec::IntoIter;

use chrono::{
    DateTime, Datelike, Days, MappedLocalTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone,
    Timelike, Utc,
};
use chrono_tz::{OffsetComponents, Tz};

use crate::cron::CronSchedule;

/// After so many days without a tick, a schedule is taken to have no more. Dagster gives up at fifty years.
const SEARCHED_DAYS: u32 = 50 * 366;

/// The last year for which the built-in zones know when clocks are set.
const LAST_YEAR_OF_ZONES: i32 = 2099;

/// The hours in which Dagster takes clocks to be set.
const HOURS_OF_CHANGES: std::ops::RangeInclusive<u32> = 1..=3;

/// A time at which a schedule fires.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tick {
    pub(super) instant: DateTime<Utc>,
    /// The time that Dagster takes the clocks to show. The clocks may skip it.
    pub(super) local: NaiveDateTime,
    /// Whether the clocks show it for the second time.
    pub(super) is_second: bool,
}

/// Which way ticks are listed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    pub(super) const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    /// A distance in this direction.
    pub(super) fn signed(self, distance: TimeDelta) -> TimeDelta {
        match self {
            Self::Ascending => distance,
            Self::Descending => -distance,
        }
    }
}

/// The ticks from a time on, that time included.
#[derive(Debug)]
pub(super) struct Ticks<'a> {
    cron: &'a CronSchedule,
    zone: Tz,
    direction: Direction,
    bound: DateTime<Utc>,
    date: Option<NaiveDate>,
    of_the_day: IntoIter<Tick>,
    last: Option<DateTime<Utc>>,
}

impl<'a> Ticks<'a> {
    pub(super) fn new(
        cron: &'a CronSchedule,
        zone: Tz,
        bound: DateTime<Utc>,
        direction: Direction,
    ) -> Self {
        let date = bound.with_timezone(&zone).date_naive();
        // When clocks are set, a tick can move to the day before or after its date.
        let beside = Days::new(1);
        let date = match direction {
            Direction::Ascending => date.checked_sub_days(beside),
            Direction::Descending => date.checked_add_days(beside),
        };
        let of_the_day = Vec::new().into_iter();
        Self { cron, zone, direction, bound, date, of_the_day, last: None }
    }

    fn is_within(&self, tick: &Tick) -> bool {
        match self.direction {
            Direction::Ascending => tick.instant >= self.bound,
            Direction::Descending => tick.instant <= self.bound,
        }
    }

    /// Whether a tick goes on from the last one. Where clocks are set, several times of a schedule can become one.
    fn goes_on(&self, tick: &Tick) -> bool {
        self.last.is_none_or(|last| match self.direction {
            Direction::Ascending => tick.instant > last,
            Direction::Descending => tick.instant < last,
        })
    }

    /// The next day on which the schedule fires.
    fn next_date(&mut self) -> Option<NaiveDate> {
        for _ in 0..SEARCHED_DAYS {
            let date = self.date?;
            self.date = match self.direction {
                Direction::Ascending => date.succ_opt(),
                Direction::Descending => date.pred_opt(),
            };
            if fires_on(self.cron, date) {
                return Some(date);
            }
        }
        None
    }
}

impl Iterator for Ticks<'_> {
    type Item = Tick;

    fn next(&mut self) -> Option<Tick> {
        loop {
            while let Some(tick) = self.of_the_day.next() {
                if !self.goes_on(&tick) {
                    continue;
                }
                self.last = Some(tick.instant);
                if self.is_within(&tick) {
                    return Some(if self.cron.is_leap_day {
                        day_after(tick, self.zone)
                    } else {
                        tick
                    });
                }
            }
            let date = self.next_date()?;
            let mut ticks = ticks_of(self.cron, self.zone, date)?;
            if self.direction == Direction::Descending {
                ticks.reverse();
            }
            self.of_the_day = ticks.into_iter();
        }
    }
}

/// Dagster finds the 29th of February from the day before, so it looks for that day.
fn fires_on(cron: &CronSchedule, date: NaiveDate) -> bool {
    if !cron.is_leap_day {
        return cron.is_on(date);
    }
    let next = date.succ_opt();
    next.is_some_and(|next| cron.is_on(next))
}

fn day_after(tick: Tick, zone: Tz) -> Tick {
    let local = tick.local + TimeDelta::days(1);
    Tick { instant: instant_of(local, zone), local, is_second: false }
}

/// The ticks of a day, in the order in which Dagster looks at them. `None` for a day that the clocks skip, where Dagster's windows depend on where it starts to
/// look. `None` also for a day for which it is not known when the clocks of the zone are set.
fn ticks_of(cron: &CronSchedule, zone: Tz, date: NaiveDate) -> Option<Vec<Tick>> {
    let last_year = if zone == Tz::UTC { 9999 } else { LAST_YEAR_OF_ZONES };
    if !(1..=last_year).contains(&date.year()) {
        return None;
    }
    zone.from_local_datetime(&date.and_hms_opt(12, 0, 0)?).latest()?;
    let mut ticks = Vec::new();
    for time in cron.times() {
        push_ticks(cron, zone, date.and_time(time), &mut ticks);
    }
    if cron.is_every_hour() {
        ticks.sort_by_key(|tick| tick.instant);
    }
    Some(ticks)
}

fn push_ticks(cron: &CronSchedule, zone: Tz, local: NaiveDateTime, ticks: &mut Vec<Tick>) {
    let is_hour_of_changes = HOURS_OF_CHANGES.contains(&local.hour());
    let tick =
        |instant: DateTime<Tz>, is_second| Tick { instant: instant.to_utc(), local, is_second };
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(instant) => ticks.push(tick(instant, false)),
        MappedLocalTime::Ambiguous(first, second) if cron.is_every_hour() => {
            ticks.extend([tick(first, false), tick(second, true)]);
        }
        MappedLocalTime::Ambiguous(first, second) => {
            let is_second = !cron.is_plain_daily() || is_hour_of_changes;
            ticks.push(if is_second { tick(second, true) } else { tick(first, false) });
        }
        MappedLocalTime::None if cron.is_every_hour() => {}
        MappedLocalTime::None => {
            let local = if is_hour_of_changes { after_gap(local, zone) } else { local };
            // Where Dagster's way out of the gap leads nowhere, it takes the clocks as they are set then.
            let instant = if cron.is_plain_daily() && is_hour_of_changes {
                instant_after_change(local, zone)
            } else {
                instant_of(local, zone)
            };
            ticks.push(Tick { instant, local, is_second: false });
        }
    }
}

/// The time that takes the place of one that the clocks skip.
fn after_gap(local: NaiveDateTime, zone: Tz) -> NaiveDateTime {
    let hour = local - TimeDelta::minutes(i64::from(local.minute()));
    hour + summer_time(local + TimeDelta::hours(1), zone)
}

/// By how much the clocks of a zone are set for the summer when they show a time. If they skip it, they are not yet set.
fn summer_time(local: NaiveDateTime, zone: Tz) -> TimeDelta {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(instant) | MappedLocalTime::Ambiguous(instant, _) => {
            instant.offset().dst_offset()
        }
        MappedLocalTime::None => zone.offset_from_utc_datetime(&(local - CHANGE)).dst_offset(),
    }
}

/// When the clocks of a zone show a time. If they show it twice, the first time counts. If they skip it, it is when
/// they would have shown it, had they not been set.
pub(super) fn instant_of(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(instant) | MappedLocalTime::Ambiguous(instant, _) => {
            instant.to_utc()
        }
        MappedLocalTime::None => by_offset_at(local, local - CHANGE, zone),
    }
}

/// The same. If the clocks skip the time, it is when they would have shown it, had they been set before.
fn instant_after_change(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::None => by_offset_at(local, local + CHANGE, zone),
        _ => instant_of(local, zone),
    }
}

/// Longer than clocks have ever been set by. So clocks never skip a time that is farther from a skipped one.
const CHANGE: TimeDelta = TimeDelta::hours(25);

fn by_offset_at(local: NaiveDateTime, other: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let offset = zone.offset_from_utc_datetime(&other);
    (local - (offset.base_utc_offset() + offset.dst_offset())).and_utc()
}
