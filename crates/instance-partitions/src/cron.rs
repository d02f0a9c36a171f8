//! Cron schedules as Dagster reads them.
//!
//! Not here: the times at which they fire in a zone (`ticks.rs`).

use std::cmp::Ordering;

use chrono::{Datelike, NaiveDate, NaiveTime};

use crate::PartitionsError;

/// A schedule: the days it fires on, and the times of such a day.
#[derive(Debug, Clone)]
pub(super) struct CronSchedule {
    minutes: Values,
    hours: Values,
    days: Values,
    last_day: bool,
    months: Values,
    weekdays: Values,
    /// Weekdays counted within the month; they take the place of `weekdays`.
    counted: Vec<(u32, Count)>,
    /// Whether the text is a schedule of the 29th of February alone, which Dagster treats in its own way.
    pub(super) is_leap_day: bool,
}

/// Which of the days of one weekday in a month.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Count {
    Nth(u32),
    Last,
}

impl Count {
    /// Whether it can be the day of a month.
    fn can_be(self, day: u32) -> bool {
        match self {
            Self::Nth(nth) => (day - 1) / 7 + 1 == nth,
            Self::Last => day > 21,
        }
    }
}

/// The values of a field, ascending.
#[derive(Debug, Clone)]
struct Values {
    all: bool,
    list: Vec<u32>,
    /// Whether a star stands beside others in a list. It means any value, but Dagster takes other ways with it.
    has_star_in_list: bool,
}

impl Values {
    fn has(&self, value: u32) -> bool {
        self.all || self.list.contains(&value)
    }

    fn is_one(&self) -> bool {
        !self.all && self.list.len() == 1
    }

    /// Whether any value will do, and nothing else is said.
    fn is_star(&self) -> bool {
        self.all && !self.has_star_in_list
    }

    /// The same, with a list that is full as a star, if it may be one. `others` are in the list, and no values.
    fn settled(self, field: &Field, others: usize, may_be_star: bool) -> Self {
        let entries = self.list.len() + others + usize::from(self.has_star_in_list);
        let size = field.last - field.first + 1;
        if may_be_star && u32::try_from(entries) == Ok(size) {
            return Self { all: true, has_star_in_list: false, ..self };
        }
        self
    }

    /// Refuses weekdays beside those that are counted within a month. Dagster takes those that are also counted, and a
    /// list in which none is missing; they say nothing then.
    fn require_counted_alone(&mut self, counted: &[(u32, Count)]) -> Result<(), String> {
        if counted.is_empty() {
            return Ok(());
        }
        let is_counted = |weekday: &u32| counted.iter().any(|(counted, _)| counted == weekday);
        let has_others = self.list.iter().any(|weekday| !is_counted(weekday));
        self.list.extend(counted.iter().map(|(weekday, _)| *weekday));
        self.list.sort_unstable();
        self.list.dedup();
        if has_others && self.list.len() + usize::from(self.has_star_in_list) != 7 {
            return Err(
                "it mixes weekdays with weekdays that are counted within a month".to_owned()
            );
        }
        Ok(())
    }
}

struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", first: 0, last: 59, names: &[] };
const HOUR: Field = Field { name: "hour", first: 0, last: 23, names: &[] };
const DAY: Field = Field { name: "day", first: 1, last: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    first: 1,
    last: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Field = Field {
    name: "weekday",
    first: 0,
    last: 6,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl CronSchedule {
    /// Reads a schedule of five fields, or a nickname such as `@daily`.
    pub(super) fn parse(schedule: &str) -> Result<Self, PartitionsError> {
        parse(schedule).map_err(|reason| PartitionsError::InvalidSchedule {
            schedule: schedule.to_owned(),
            reason,
        })
    }

    /// Whether it fires in each hour of a day on which it fires.
    pub(super) fn is_every_hour(&self) -> bool {
        self.hours.is_star()
    }

    /// Whether it fires at given minutes of each hour of each day.
    pub(super) fn is_plain_hourly(&self) -> bool {
        !self.minutes.all
            && self.hours.is_star()
            && self.is_every_month()
            && self.weekdays.is_star()
    }

    /// The minutes at which it fires, if it fires at these minutes of each hour of each day.
    pub(super) fn hourly_minutes(&self) -> Option<&[u32]> {
        self.is_plain_hourly().then_some(self.minutes.list.as_slice())
    }

    /// Whether it fires at one time on each day, on weekdays, or on a day that each month has.
    pub(super) fn is_plain_daily(&self) -> bool {
        if !self.minutes.is_one()
            || !self.hours.is_one()
            || !self.months.is_star()
            || self.last_day
            || !self.counted.is_empty()
        {
            return false;
        }
        let on_weekdays = self.days.is_star() && !self.weekdays.has_star_in_list;
        let monthly = self.days.is_one() && self.days.list.iter().all(|day| *day <= 28);
        on_weekdays || (monthly && self.weekdays.is_star())
    }

    fn is_every_month(&self) -> bool {
        self.days.is_star() && !self.last_day && self.months.is_star() && self.counted.is_empty()
    }

    /// Whether it fires on the day.
    pub(super) fn is_on(&self, date: NaiveDate) -> bool {
        if !self.months.has(date.month()) {
            return false;
        }
        let weekday = date.weekday().num_days_from_sunday();
        let on_day = self.days.has(date.day()) || (self.last_day && is_last(date, 1));
        if !self.counted.is_empty() {
            let on_counted = self.counted.iter().any(|(counted, count)| {
                *counted == weekday
                    && match count {
                        Count::Nth(nth) => date.day0() / 7 + 1 == *nth,
                        Count::Last => is_last(date, 7),
                    }
            });
            // Dagster asks for these on each of its ways to a day, so that days beside them add nothing. Only
            // a star beside them has it take one way.
            return on_counted && (on_day || !self.weekdays.all);
        }
        let on_weekday = self.weekdays.has(weekday);
        // Where both are restricted, either is enough, as cron has it.
        if self.days.all || self.weekdays.all { on_day && on_weekday } else { on_day || on_weekday }
    }

    /// The times of a day on which it fires, ascending.
    pub(super) fn times(&self) -> impl Iterator<Item = NaiveTime> + '_ {
        let minutes = move || (0..60).filter(|minute| self.minutes.has(*minute));
        (0..24)
            .filter(|hour| self.hours.has(*hour))
            .flat_map(move |hour| minutes().map(move |minute| (hour, minute)))
            .filter_map(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0))
    }
}

/// Whether the month ends within so many days.
fn is_last(date: NaiveDate, days: u64) -> bool {
    date.checked_add_days(chrono::Days::new(days)).is_none_or(|later| later.month() != date.month())
}

fn parse(schedule: &str) -> Result<CronSchedule, String> {
    let lower = schedule.to_lowercase();
    let text = match lower.as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    };
    // The text is looked at as it was given: a nickname or other spaces make it an ordinary schedule.
    let is_leap_day = schedule.ends_with(" 29 2 *");
    let fields: Vec<&str> = text.split_whitespace().collect();
    let &[minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(format!("it has {} fields; it must have five", fields.len()));
    };
    let mut last_day = false;
    let mut counted = Vec::new();
    let star_for = |field| if field == "?" { "*" } else { field };
    let mut none = |_: &str| Ok(false);
    let minutes = values(&MINUTE, minute, &mut none)?.settled(&MINUTE, 0, true);
    let hours = values(&HOUR, hour, &mut none)?.settled(&HOUR, 0, true);
    let days = values(&DAY, star_for(day), &mut |item| {
        last_day |= item == "l";
        Ok(item == "l")
    })?;
    // A list of all days restricts nothing, but counts as a restriction beside one of the other kind.
    let days = days.settled(&DAY, usize::from(last_day), weekday.contains('*'));
    let months = values(&MONTH, month, &mut none)?.settled(&MONTH, 0, true);
    let mut weekdays =
        values(&WEEKDAY, star_for(weekday), &mut |item| counted_weekdays(item, &mut counted))?;
    weekdays.require_counted_alone(&counted)?;
    let weekdays = weekdays.settled(&WEEKDAY, 0, day.contains('*'));
    last_day &= !days.all;
    if !days.all && !counted.is_empty() {
        let falls_on = |day: &u32| counted.iter().any(|(_, count)| count.can_be(*day));
        let last_days = last_day.then_some(28..=31).into_iter().flatten();
        if !days.list.iter().copied().chain(last_days).any(|day| falls_on(&day)) {
            return Err("its days are never those of its weekdays within a month".to_owned());
        }
    }
    let is_february = months.is_one() && months.has(2);
    if is_february && !last_day && days.is_one() && (days.has(30) || days.has(31)) {
        return Err("February has no such day".to_owned());
    }
    Ok(CronSchedule { minutes, hours, days, last_day, months, weekdays, counted, is_leap_day })
}

/// The values of a field; `special` takes the items that are not values, and says so.
fn values(
    field: &Field,
    text: &str,
    special: &mut dyn FnMut(&str) -> Result<bool, String>,
) -> Result<Values, String> {
    if text == "*" {
        return Ok(Values { all: true, list: Vec::new(), has_star_in_list: false });
    }
    let mut list = Vec::new();
    let mut has_star_in_list = false;
    for item in text.split(',') {
        if item == "*" {
            has_star_in_list = true;
        } else if !special(item)? {
            list.extend(item_values(field, item)?);
        }
    }
    list.sort_unstable();
    list.dedup();
    Ok(Values { all: has_star_in_list, list, has_star_in_list })
}

fn item_values(field: &Field, item: &str) -> Result<Vec<u32>, String> {
    let (range, step) = match item.split_once('/') {
        None => (item, None),
        Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0))),
    };
    let step = match step {
        Some(None) => return Err(format!("the step of {item:?} is no number above zero")),
        Some(Some(step)) => Some(step),
        None => None,
    };
    let (low, high) = match range.split_once('-') {
        _ if range == "*" => (field.first, field.last),
        Some((low, high)) => {
            let high = if field.name == DAY.name && high == "l" { "31" } else { high };
            (value(field, low)?, value(field, high)?)
        }
        None if step.is_some() => (value(field, range)?, field.last),
        None => return Ok(vec![value(field, range)?]),
    };
    // Beyond the size of any field, a step is as good as any other.
    let step = step.unwrap_or(1).min(1000);
    let by_step = |low: u32, high: u32| (low..=high).step_by(usize::try_from(step).unwrap_or(1));
    Ok(match low.cmp(&high) {
        Ordering::Less => by_step(low, high).collect(),
        // From a value to itself goes once around.
        Ordering::Equal => by_step(field.first, field.last).collect(),
        Ordering::Greater => {
            let mut around: Vec<u32> = by_step(low, field.last).collect();
            let last = around.last().copied().unwrap_or(low);
            let (left, next) = (field.last - last, last - field.first + step);
            let goes_over = next > field.last - field.first + 1 && left < step;
            let skip = if goes_over { step - left } else { 0 };
            around.extend(by_step(field.first + skip, high));
            around
        }
    })
}

fn value(field: &Field, text: &str) -> Result<u32, String> {
    let named = || field.names.iter().zip(field.first..).find(|(name, _)| **name == text);
    let value = number(text).or_else(|| named().map(|(_, value)| value));
    match value {
        Some(7) if field.name == WEEKDAY.name => Ok(0),
        Some(value) if (field.first..=field.last).contains(&value) => Ok(value),
        _ => Err(format!("{text:?} is no {}", field.name)),
    }
}

fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Takes `2#3`, the third Tuesday, and `l5`, the last Friday.
fn counted_weekdays(item: &str, counted: &mut Vec<(u32, Count)>) -> Result<bool, String> {
    let (days, count) = if let Some((days, nth)) = item.split_once('#') {
        // A range of these is written by names.
        let is_range = |(first, last)| number(first).is_none() && number(last).is_none();
        if days.contains(['*', '/']) || !days.split_once('-').is_none_or(is_range) {
            return Ok(false);
        }
        let nth = number(nth).filter(|nth| (1..=5).contains(nth));
        (days, Count::Nth(nth.ok_or_else(|| format!("{item:?} counts beyond a month"))?))
    } else if let Some(day) = item.strip_prefix('l').filter(|day| number(day).is_some()) {
        (day, Count::Last)
    } else {
        return Ok(false);
    };
    counted.extend(item_values(&WEEKDAY, days)?.into_iter().map(|day| (day, count)));
    Ok(true)
}
