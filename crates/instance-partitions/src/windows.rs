//! An evaluated definition of time windows: its windows, its keys, and how to find one by the other.
//!
//! Not here: which windows a run is for.

use std::iter::Peekable;

use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use instance_serdes::{Number, deserialize_value};

use crate::cron::CronSchedule;
use crate::key_format::written;
use crate::key_reader::time_of_key;
use crate::ticks::{Direction, Tick, Ticks};
use crate::time::datetime_of;
use crate::{PartitionsError, PartitionsExclusion, TimeWindowPartitionsDefinition};

/// If so many windows in a row are excluded, the definition is taken to have no others.
const MAX_EXCLUDED: usize = 1_000_000;

/// Windows that the end of a definition may be moved by.
const MAX_OFFSET: usize = 10_000_000;

/// A definition that was understood.
#[derive(Debug)]
pub(super) struct Windows<'a> {
    definition: &'a TimeWindowPartitionsDefinition,
    schedule: &'a str,
    cron: CronSchedule,
    zone: Tz,
    excluded_schedules: Vec<CronSchedule>,
    excluded_times: Vec<DateTime<Utc>>,
    start: DateTime<Utc>,
    end: Option<DateTime<Utc>>,
}

/// The time from one tick to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub(super) start: Tick,
    pub(super) end: Tick,
}

/// A time between two others, as it is stored.
pub(super) type Span = (DateTime<Utc>, DateTime<Utc>);

/// The time of seconds since 1970, if Python's calendar has it.
pub(super) fn stored_time(timestamp: &Number) -> Result<DateTime<Utc>, PartitionsError> {
    datetime_of(timestamp.as_f64())
        .filter(|time| (1..=9999).contains(&time.year()))
        .ok_or_else(|| PartitionsError::InvalidTime { timestamp: timestamp.as_f64().to_string() })
}

/// The zone of a definition, in which no name means UTC.
pub(super) fn zone_of(timezone: Option<&str>) -> Result<Tz, PartitionsError> {
    match timezone.unwrap_or_default() {
        "" | "UTC" | "utc" => Ok(Tz::UTC),
        name => {
            name.parse().map_err(|_| PartitionsError::UnknownTimezone { timezone: name.to_owned() })
        }
    }
}

impl<'a> Windows<'a> {
    /// Reads a definition: its schedule, its zone, its exclusions, its beginning and its end.
    pub(super) fn of(
        definition: &'a TimeWindowPartitionsDefinition,
    ) -> Result<Self, PartitionsError> {
        let schedule = definition
            .cron_schedule
            .as_deref()
            .ok_or_else(|| PartitionsError::NoSchedule { fmt: definition.fmt.clone() })?;
        let end = definition.end.as_ref().map(|end| stored_time(&end.timestamp)).transpose()?;
        let mut windows = Self {
            definition,
            schedule,
            cron: CronSchedule::parse(schedule)?,
            zone: zone_of(definition.timezone.as_deref())?,
            excluded_schedules: Vec::new(),
            excluded_times: Vec::new(),
            start: stored_time(&definition.start.timestamp)?,
            end,
        };
        for exclusion in definition.exclusions.iter().flatten() {
            match exclusion {
                PartitionsExclusion::Time(time) => {
                    windows.excluded_times.push(stored_time(&time.timestamp)?);
                }
                PartitionsExclusion::Opaque(other) => {
                    let schedule: String = deserialize_value(other.as_str()).map_err(|_| {
                        PartitionsError::InvalidExclusion { exclusion: other.as_str().to_owned() }
                    })?;
                    windows.excluded_schedules.push(CronSchedule::parse(&schedule)?);
                }
            }
        }
        windows.refuse_partial_hours()?;
        Ok(windows)
    }

    /// Refuses hours in zones whose clocks were set by part of an hour. Dagster counts on from one tick to the
    /// next, so its windows would depend on where it began to count.
    fn refuse_partial_hours(&self) -> Result<(), PartitionsError> {
        if !self.cron.is_plain_hourly() || self.zone == Tz::UTC {
            return Ok(());
        }
        let minutes = |time: DateTime<Utc>| {
            let local = time.with_timezone(&self.zone).naive_local();
            (local - time.naive_utc()).num_seconds().rem_euclid(3600)
        };
        let of_the_start = minutes(self.start);
        let years = self.start.year()..=self.start.year().max(2040);
        let mut halves = years
            .flat_map(|year| [(year, 1), (year, 7)])
            .filter_map(|(year, month)| Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).single());
        if halves.all(|time| time < self.start || minutes(time) == of_the_start) {
            return Ok(());
        }
        Err(PartitionsError::PartialHourShift {
            schedule: self.schedule.to_owned(),
            timezone: self.zone.name().to_owned(),
        })
    }

    /// Where the definition begins.
    pub(super) const fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// Where the definition ends; `None` if it does not.
    pub(super) const fn end(&self) -> Option<DateTime<Utc>> {
        self.end
    }

    /// The error of a definition that has no partitions.
    pub(super) fn no_partitions(&self) -> PartitionsError {
        PartitionsError::NoPartitions { schedule: self.schedule.to_owned() }
    }

    /// The windows that begin at a time or later. Descending, those that end at it or earlier.
    pub(super) fn from(
        &self,
        time: DateTime<Utc>,
        direction: Direction,
    ) -> impl Iterator<Item = Window> + '_ {
        let ticks = |cron| Ticks::new(cron, self.zone, time, direction);
        let mut excluded: Vec<Peekable<Ticks<'_>>> =
            self.excluded_schedules.iter().map(|cron| ticks(cron).peekable()).collect();
        let is_beyond = move |tick: &Tick| match direction {
            Direction::Ascending => tick.instant < time,
            Direction::Descending => tick.instant > time,
        };
        let mut ticks = ticks(&self.cron).skip_while(is_beyond);
        let mut current = ticks.next();
        std::iter::from_fn(move || {
            for _ in 0..MAX_EXCLUDED {
                let (before, after) = (current?, ticks.next()?);
                current = Some(after);
                let window = match direction {
                    Direction::Ascending => Window { start: before, end: after },
                    Direction::Descending => Window { start: after, end: before },
                };
                if !self.is_excluded(&window, direction, &mut excluded)? {
                    return Some(window);
                }
            }
            None
        })
    }

    /// Whether a window is excluded. `None` if that is not certain, because the exclusions cannot be listed so far.
    fn is_excluded(
        &self,
        window: &Window,
        direction: Direction,
        schedules: &mut [Peekable<Ticks<'_>>],
    ) -> Option<bool> {
        let start = window.start.instant;
        let mut is_excluded = self.excluded_times.contains(&start);
        for ticks in schedules {
            let is_passed = |tick: &Tick| match direction {
                Direction::Ascending => tick.instant < start,
                Direction::Descending => tick.instant > start,
            };
            while ticks.next_if(is_passed).is_some() {}
            is_excluded |= ticks.peek()?.instant == start;
        }
        Some(is_excluded)
    }

    fn nth_from(
        &self,
        time: DateTime<Utc>,
        direction: Direction,
        index: u64,
    ) -> Result<Window, PartitionsError> {
        usize::try_from(index)
            .ok()
            .filter(|index| *index <= MAX_OFFSET)
            .and_then(|index| self.from(time, direction).nth(index))
            .ok_or_else(|| self.no_window())
    }

    fn no_window(&self) -> PartitionsError {
        PartitionsError::NoWindow { schedule: self.schedule.to_owned() }
    }

    /// The window of a key: the first one that begins at the key's time or later.
    pub(super) fn window_of_key(&self, key: &str) -> Result<Window, PartitionsError> {
        self.nth_from(self.time_of_key(key)?, Direction::Ascending, 0)
    }

    /// The windows of keys, one for each key, in the order of the keys' times.
    pub(super) fn windows_of_keys<'k>(
        &self,
        keys: &'k [String],
    ) -> Result<Vec<Window>, PartitionsError> {
        let timed = |key: &'k String| Ok((self.time_of_key(key)?, key));
        let mut timed: Vec<(DateTime<Utc>, &String)> =
            keys.iter().map(timed).collect::<Result<_, _>>()?;
        timed.sort_unstable();
        timed.dedup();
        let mut found = Vec::with_capacity(timed.len());
        let mut later = None;
        for (time, key) in timed {
            // Keys mostly follow one another, and so do their windows. This is also the only way to find the window
            // of a key that stands for the second of two equal times and does not say so.
            let follows: Option<Window> = later.as_mut().and_then(Iterator::next);
            if let Some(window) = follows
                && self.key(&window.start)? == *key
            {
                found.push(window);
                continue;
            }
            let mut windows = self.from(time, Direction::Ascending);
            found.push(windows.next().ok_or_else(|| self.no_window())?);
            later = Some(windows);
        }
        Ok(found)
    }

    /// Where the window of a key begins.
    pub(super) fn start_of_key(&self, key: &str) -> Result<DateTime<Utc>, PartitionsError> {
        if self.takes_keys_at_their_word() {
            return self.time_of_key(key);
        }
        Ok(self.window_of_key(key)?.start.instant)
    }

    /// Whether Dagster takes the time of a key for the start of a window, whether or not one begins there.
    pub(super) fn takes_keys_at_their_word(&self) -> bool {
        !self.has_exclusions() && ["0 * * * *", "0 0 * * *"].contains(&self.schedule)
    }

    /// A time as if a window began there.
    pub(super) fn at(&self, time: DateTime<Utc>) -> Tick {
        let local = time.with_timezone(&self.zone).naive_local();
        Tick { instant: time, local, is_second: false }
    }

    pub(super) fn time_of_key(&self, key: &str) -> Result<DateTime<Utc>, PartitionsError> {
        time_of_key(key, self.zone, &self.definition.fmt)
    }

    fn has_exclusions(&self) -> bool {
        !self.excluded_schedules.is_empty() || !self.excluded_times.is_empty()
    }

    pub(super) fn key(&self, start: &Tick) -> Result<String, PartitionsError> {
        let fmt = &self.definition.fmt;
        if self.cron.is_every_hour() && start.is_second && !fmt.contains("%z") {
            return written(start, self.zone, &format!("{fmt}%z"));
        }
        written(start, self.zone, fmt)
    }

    /// The keys of the windows that begin within a span, ascending.
    pub(super) fn keys_within(&self, (start, end): Span) -> Result<Vec<String>, PartitionsError> {
        if start >= end {
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        let mut windows = self.from(start, Direction::Ascending);
        loop {
            let window = windows.next().ok_or_else(|| self.no_window())?;
            if window.start.instant >= end {
                return Ok(keys);
            }
            keys.push(self.key(&window.start)?);
        }
    }

    /// Whether nothing lies between a window that ends and one that begins: no time, or what is excluded.
    pub(super) fn are_neighbours(
        &self,
        end: DateTime<Utc>,
        start: DateTime<Utc>,
    ) -> Result<bool, PartitionsError> {
        if end >= start || !self.has_exclusions() {
            return Ok(end == start);
        }
        Ok(self.nth_from(end, Direction::Ascending, 0)?.start.instant >= start)
    }

    /// How many windows Dagster counts within a span.
    pub(super) fn count_within(&self, (start, end): Span) -> Result<i64, PartitionsError> {
        if start >= end {
            return Ok(0);
        }
        if !self.has_exclusions() {
            // Dagster calculates this. Going from window to window would find something else.
            if self.schedule == "0 0 * * *" {
                let date = |time: DateTime<Utc>| time.with_timezone(&self.zone).date_naive();
                return Ok((date(end) - date(start)).num_days());
            }
            if let Some(minutes) = fixed_interval(self.schedule) {
                let interval = TimeDelta::minutes(minutes).num_microseconds();
                let length = (end - start).num_microseconds();
                return Ok(length.zip(interval).map_or(0, |(length, interval)| length / interval));
            }
        }
        Ok(i64::try_from(self.keys_within((start, end))?.len()).unwrap_or(i64::MAX))
    }

    /// The first window that has ended, moved by the offset of the end; `None` if there is none.
    pub(super) fn first(&self, now: DateTime<Utc>) -> Result<Option<Window>, PartitionsError> {
        let first = self.nth_from(self.start, Direction::Ascending, 0)?;
        if self.end.is_some_and(|end| end <= self.start) {
            return Ok(None);
        }
        let offset = self.definition.end_offset;
        let limit = match offset.signum() {
            1 => self.nth_from(now, Direction::Ascending, offset.unsigned_abs())?.start.instant,
            -1 => {
                self.nth_from(now, Direction::Descending, offset.unsigned_abs() - 1)?.start.instant
            }
            _ => now,
        };
        Ok((first.end.instant <= limit).then_some(first))
    }

    /// The last window that has ended, moved by the offset of the end; `None` if there is none.
    pub(super) fn last(&self, now: DateTime<Utc>) -> Result<Option<Window>, PartitionsError> {
        let Some(first) = self.first(now)? else {
            return Ok(None);
        };
        let before = |time| self.nth_from(time, Direction::Descending, 0);
        let offset = self.definition.end_offset;
        let by_now = match offset.signum() {
            1 => {
                let present = before(now)?.end.instant;
                self.nth_from(present, Direction::Ascending, offset.unsigned_abs() - 1)?
            }
            -1 => self.nth_from(now, Direction::Descending, offset.unsigned_abs())?,
            _ => return before(self.end.map_or(now, |end| end.min(now))).map(Some),
        };
        if let Some(end) = self.end {
            let by_end = before(end)?;
            if by_end.start.instant <= by_now.start.instant {
                return Ok(Some(by_end));
            }
        }
        Ok(Some(if by_now.start.instant < first.start.instant { first } else { by_now }))
    }
}

/// The minutes between ticks of a schedule that fires evenly in each hour.
fn fixed_interval(schedule: &str) -> Option<i64> {
    match schedule {
        "0 * * * *" => return Some(60),
        "* * * * *" => return Some(1),
        _ => {}
    }
    let mut fields = schedule.split_whitespace();
    let minutes = fields.next()?;
    if !fields.all(|field| field == "*") {
        return None;
    }
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse::<i64>().ok() } else { None }
    };
    if let Some(step) = minutes.strip_prefix("*/") {
        return number(step).filter(|step| (1..60).contains(step) && 60 % step == 0);
    }
    let mut minutes: Vec<i64> = minutes.split(',').map(number).collect::<Option<_>>()?;
    minutes.sort_unstable();
    let (first, last) = (*minutes.first()?, *minutes.last()?);
    let around = 60 - last + first;
    let is_even =
        minutes.windows(2).all(|pair| matches!(pair, [one, next] if next - one == around));
    (minutes.len() > 1 && last <= 59 && is_even).then_some(around)
}
