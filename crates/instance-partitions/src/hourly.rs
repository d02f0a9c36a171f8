//! The ticks of a schedule that fires at given minutes of each hour.
//!
//! Dagster goes on from one of these ticks to the next. So where clocks are set by part of an hour, the ticks depend
//! on where it begins. Not here: schedules that leave out hours or days (`ticks.rs`).

use chrono::{DateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::ticks::{Direction, Tick};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

/// The ticks from a time on, that time included.
#[derive(Debug)]
pub(super) struct HourlyTicks<'a> {
    minutes: &'a [u32],
    zone: Tz,
    direction: Direction,
    /// Whether minutes are those that the clocks of the zone show, and not those of UTC.
    by_clocks: bool,
    last: DateTime<Utc>,
}

impl<'a> HourlyTicks<'a> {
    /// `now` decides whose minutes count: those of the zone, if its clocks are off by part of an hour now.
    pub(super) fn new(
        minutes: &'a [u32],
        zone: Tz,
        bound: DateTime<Utc>,
        direction: Direction,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let by_clocks = offset_of(zone, now) % HOUR != 0;
        let mut ticks = Self { minutes, zone, direction, by_clocks, last: bound };
        // The last tick before the bound, from which the first one follows.
        ticks.last = if ticks.is_at_its_minute(bound) {
            bound.checked_sub_signed(direction.signed(TimeDelta::hours(1)))?
        } else {
            ticks.beside(bound, direction.reversed())?
        };
        Some(ticks)
    }

    /// Whether there is one minute, and the clocks show it.
    fn is_at_its_minute(&self, time: DateTime<Utc>) -> bool {
        let local = time.with_timezone(&self.zone);
        self.minutes == [local.minute()] && local.second() == 0 && local.nanosecond() == 0
    }

    /// The nearest time at one of the minutes, the given time left out.
    fn beside(&self, time: DateTime<Utc>, direction: Direction) -> Option<DateTime<Utc>> {
        let past = i64::from(time.timestamp_subsec_nanos() > 0);
        let whole = match direction {
            Direction::Ascending => (time.timestamp() + past + MINUTE - 1).div_euclid(MINUTE),
            Direction::Descending => time.timestamp().div_euclid(MINUTE),
        } * MINUTE;
        let offset = if self.by_clocks {
            offset_of(self.zone, DateTime::from_timestamp(whole, 0)?)
        } else {
            0
        };
        let minute = ((whole + offset) / MINUTE).rem_euclid(60);
        let distances = self.minutes.iter().map(|wanted| {
            let distance = match direction {
                Direction::Ascending => (i64::from(*wanted) - minute).rem_euclid(60),
                Direction::Descending => (minute - i64::from(*wanted)).rem_euclid(60),
            };
            let is_the_time_itself = distance == 0 && whole == time.timestamp() && past == 0;
            distance * MINUTE + if is_the_time_itself { HOUR } else { 0 }
        });
        let distance = TimeDelta::seconds(distances.min()?);
        DateTime::from_timestamp(whole, 0)?.checked_add_signed(direction.signed(distance))
    }
}

impl Iterator for HourlyTicks<'_> {
    type Item = Tick;

    fn next(&mut self) -> Option<Tick> {
        self.last = match self.minutes {
            [_] => self.last.checked_add_signed(self.direction.signed(TimeDelta::hours(1)))?,
            _ => self.beside(self.last, self.direction)?,
        };
        let (instant, zone) = (self.last, self.zone);
        let local = instant.with_timezone(&zone).naive_local();
        let first = zone.from_local_datetime(&local).earliest();
        Some(Tick { instant, local, is_second: first.is_some_and(|first| first < instant) })
    }
}

/// By how many seconds the clocks of a zone differ from UTC.
fn offset_of(zone: Tz, time: DateTime<Utc>) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc())
}
