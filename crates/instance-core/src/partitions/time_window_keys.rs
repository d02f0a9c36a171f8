//! The keys of partitions that are windows of time: the starts of the windows, as their definition writes
//! them.

use std::fmt::Write;
use std::str::FromStr;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, MappedLocalTime, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::clock::datetime_of;
use crate::partitions::{
    PartitionsExclusion, TimeWindowPartitionsDefinition, TimeWindowPartitionsSubset,
};
use crate::serdes::deserialize_value;

impl TimeWindowPartitionsSubset {
    /// The keys of the partitions within the windows, ascending; `None` if the definition is of an old
    /// kind, or says something that this version does not understand.
    pub fn partition_keys(&self) -> Option<Vec<String>> {
        let definition = Definition::of(&self.partitions_def)?;
        let mut keys = Vec::new();
        for window in &self.included_time_windows {
            let start = datetime_of(window.start.timestamp.as_f64())?;
            let end = datetime_of(window.end.timestamp.as_f64())?;
            definition.push_keys(start, end, &mut keys)?;
        }
        Some(keys)
    }
}

/// A definition that was understood.
struct Definition<'a> {
    cron: Cron,
    timezone: Tz,
    fmt: &'a str,
    /// Whether windows follow each other within an hour that a clock shows twice.
    is_hourly: bool,
    excluded_schedules: Vec<Cron>,
    excluded_times: Vec<DateTime<Utc>>,
}

impl<'a> Definition<'a> {
    fn of(definition: &'a TimeWindowPartitionsDefinition) -> Option<Self> {
        let schedule = definition.cron_schedule.as_deref()?;
        let timezone = definition.timezone.as_deref().unwrap_or("UTC");
        let mut understood = Self {
            cron: Cron::from_str(schedule).ok()?,
            timezone: timezone.parse().ok()?,
            fmt: &definition.fmt,
            is_hourly: schedule.split_whitespace().nth(1) == Some("*"),
            excluded_schedules: Vec::new(),
            excluded_times: Vec::new(),
        };
        for exclusion in definition.exclusions.iter().flatten() {
            match exclusion {
                PartitionsExclusion::Time(time) => {
                    understood.excluded_times.push(datetime_of(time.timestamp.as_f64())?);
                }
                PartitionsExclusion::Opaque(other) => {
                    let schedule: String = deserialize_value(other.as_str()).ok()?;
                    understood.excluded_schedules.push(Cron::from_str(&schedule).ok()?);
                }
            }
        }
        Some(understood)
    }

    fn push_keys(
        &self,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        keys: &mut Vec<String>,
    ) -> Option<()> {
        let mut next = start.with_timezone(&self.timezone);
        let mut inclusive = true;
        loop {
            next = self.cron.find_next_occurrence(&next, inclusive).ok()?;
            if next >= end {
                return Some(());
            }
            if !self.is_excluded(&next) {
                keys.push(self.key(&next)?);
            }
            inclusive = false;
        }
    }

    fn is_excluded(&self, start: &DateTime<Tz>) -> bool {
        self.excluded_times.iter().any(|time| time == start)
            || self
                .excluded_schedules
                .iter()
                .any(|schedule| schedule.is_time_matching(start).unwrap_or(false))
    }

    fn key(&self, start: &DateTime<Tz>) -> Option<String> {
        // Python's microseconds have the letter that chrono has for nanoseconds.
        let mut fmt = self.fmt.replace("%f", "%6f");
        let is_second = matches!(
            self.timezone.from_local_datetime(&start.naive_local()),
            MappedLocalTime::Ambiguous(_, second) if second == *start
        );
        if self.is_hourly && is_second && !fmt.contains("%z") {
            fmt.push_str("%z");
        }
        let items: Vec<_> = StrftimeItems::new(&fmt).collect();
        if items.contains(&Item::Error) {
            return None;
        }
        let mut key = String::new();
        write!(key, "{}", start.format_with_items(items.iter())).ok()?;
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use crate::partitions::TimeWindowPartitionsSubset;
    use crate::serdes::deserialize_value;

    fn keys(
        schedule: &str,
        zone: &str,
        fmt: &str,
        window: [i64; 2],
        excluded: &str,
    ) -> Option<Vec<String>> {
        let time = |seconds| {
            format!(
                r#"{{"__class__": "TimestampWithTimezone", "timestamp": {seconds}, "timezone": "{zone}"}}"#
            )
        };
        let [start, end] = window.map(time);
        let text = format!(
            r#"{{"__class__": "TimeWindowPartitionsSubset", "included_time_windows": [{{"__class__": "TimeWindow", "end": {end}, "start": {start}}}], "num_partitions": null, "partitions_def": {{"__class__": "TimeWindowPartitionsDefinition", "cron_schedule": "{schedule}", "end": null, "end_offset": 0, "exclusions": {excluded}, "fmt": "{fmt}", "start": {start}, "timezone": "{zone}"}}}}"#
        );
        let subset: TimeWindowPartitionsSubset = deserialize_value(&text).ok()?;
        subset.partition_keys()
    }

    #[test]
    fn keys_are_the_starts_of_the_windows() {
        // 2024-01-01 to 2024-01-04, in UTC.
        let days = keys("0 0 * * *", "UTC", "%Y-%m-%d", [1_704_067_200, 1_704_326_400], "null");
        assert_eq!(days.unwrap_or_default(), ["2024-01-01", "2024-01-02", "2024-01-03"]);
        let without = keys(
            "0 0 * * *",
            "UTC",
            "%Y-%m-%d",
            [1_704_067_200, 1_704_326_400],
            r#"["0 0 2 * *"]"#,
        );
        assert_eq!(without.unwrap_or_default(), ["2024-01-01", "2024-01-03"]);
    }

    #[test]
    fn an_hour_that_comes_twice_has_two_keys() {
        // 2024-11-03 in New York, from 00:00 to 04:00: clocks go back at 02:00.
        let fmt = "%Y-%m-%d-%H:%M";
        let hours =
            keys("0 * * * *", "America/New_York", fmt, [1_730_606_400, 1_730_624_400], "null");
        assert_eq!(
            hours.unwrap_or_default(),
            [
                "2024-11-03-00:00",
                "2024-11-03-01:00",
                "2024-11-03-01:00-0500",
                "2024-11-03-02:00",
                "2024-11-03-03:00"
            ]
        );
        // 2024-03-10 in New York, from 00:00 to 05:00: there is no 02:00.
        let hours =
            keys("0 * * * *", "America/New_York", fmt, [1_710_046_800, 1_710_061_200], "null");
        assert_eq!(
            hours.unwrap_or_default(),
            ["2024-03-10-00:00", "2024-03-10-01:00", "2024-03-10-03:00", "2024-03-10-04:00"]
        );
    }

    #[test]
    fn what_is_not_understood_has_no_keys() {
        let window = [0, 86_400];
        assert_eq!(keys("0 0 * * *", "Nowhere/Land", "%Y", window, "null"), None);
        assert_eq!(keys("every day", "UTC", "%Y", window, "null"), None);
        assert_eq!(keys("0 0 * * *", "UTC", "%Q", window, "null"), None);
    }
}
