//! Subsets of time windows: which windows belong to keys, and which keys belong to windows.
//!
//! Not here: how a schedule makes the windows.

use chrono::{DateTime, Utc};
use instance_serdes::{Number, UnknownFields};

use crate::time::timestamp_of;
use crate::windows::{Span, Window, Windows, stored_time};
use crate::{
    PartitionKeyRange, PartitionsError, PersistedTimeWindow, TimeWindowPartitionsDefinition,
    TimeWindowPartitionsSubset, TimestampWithTimezone,
};

impl TimeWindowPartitionsDefinition {
    /// The subset that a run over a range of keys is stored with: all from the beginning of the first window to the
    /// end of the last. It can lie outside of the definition. If the range runs backwards, the subset is empty but
    /// has its window all the same, as in Dagster.
    ///
    /// # Errors
    ///
    /// The definition is not understood, or a key does not have its format.
    pub fn subset_of_key_range(
        &self,
        range: &PartitionKeyRange,
    ) -> Result<TimeWindowPartitionsSubset, PartitionsError> {
        let windows = Windows::of(self)?;
        let start = windows.window_of_key(&range.start)?.start.instant;
        let end = windows.window_of_key(&range.end)?.end.instant;
        let num_partitions = windows.count_within((start, end))?;
        Ok(self.subset(&[(start, end)], num_partitions))
    }

    /// The subset of keys, with neighbours joined. A key that is no partition now, because it lies before the first
    /// one or has not ended yet, is left out without an error, as in Dagster.
    ///
    /// # Errors
    ///
    /// The definition is not understood, a key does not have its format, or there are keys but no partitions.
    pub fn subset_of_keys(
        &self,
        keys: &[String],
        now: DateTime<Utc>,
    ) -> Result<TimeWindowPartitionsSubset, PartitionsError> {
        let windows = Windows::of(self)?;
        let mut chosen = windows.windows_of_keys(keys)?;
        if chosen.is_empty() {
            return Ok(self.subset(&[], 0));
        }
        let (Some(first), Some(last)) = (windows.first(now)?, windows.last(now)?) else {
            return Err(windows.no_partitions());
        };
        chosen.retain(|window| {
            window.start.instant >= first.start.instant && window.end.instant <= last.end.instant
        });
        let mut spans: Vec<Span> = Vec::new();
        let mut num_partitions = 0;
        for Window { start, end } in chosen {
            let (start, end) = (start.instant, end.instant);
            match spans.last_mut() {
                Some((_, last)) if start < *last => continue,
                Some((_, last)) if windows.are_neighbours(*last, start)? => *last = end,
                _ => spans.push((start, end)),
            }
            num_partitions += 1;
        }
        Ok(self.subset(&spans, num_partitions))
    }

    /// The keys of a range, both ends included. There are none if the range runs backwards. Windows that have not
    /// ended count, too.
    ///
    /// # Errors
    ///
    /// The definition is not understood, a key does not have its format, or the range lies before the start of the
    /// definition or after its end.
    pub fn keys_in_range(&self, range: &PartitionKeyRange) -> Result<Vec<String>, PartitionsError> {
        let windows = Windows::of(self)?;
        let start = windows.start_of_key(&range.start)?;
        if start < windows.start() {
            return Err(PartitionsError::RangeStartsTooEarly {
                key: range.start.clone(),
                start: windows.start().to_string(),
            });
        }
        let end = windows.window_of_key(&range.end)?.end.instant;
        if let Some(limit) = windows.end().filter(|limit| end > *limit) {
            return Err(PartitionsError::RangeEndsTooLate {
                key: range.end.clone(),
                end: limit.to_string(),
            });
        }
        windows.keys_within((start, end))
    }

    fn subset(&self, spans: &[Span], num_partitions: i64) -> TimeWindowPartitionsSubset {
        let time = |time| TimestampWithTimezone {
            timestamp: Number::Float(timestamp_of(time)),
            timezone: self.timezone.clone(),
            unknown: UnknownFields::default(),
        };
        let window = |(start, end): &Span| PersistedTimeWindow {
            end: time(*end),
            start: time(*start),
            unknown: UnknownFields::default(),
        };
        TimeWindowPartitionsSubset {
            included_time_windows: spans.iter().map(window).collect(),
            num_partitions: Some(num_partitions),
            partitions_def: self.clone(),
            unknown: UnknownFields::default(),
        }
    }
}

impl TimeWindowPartitionsSubset {
    /// The keys of the partitions within the windows, in the order of the windows.
    ///
    /// # Errors
    ///
    /// The definition is not understood.
    pub fn partition_keys(&self) -> Result<Vec<String>, PartitionsError> {
        let windows = Windows::of(&self.partitions_def)?;
        let mut keys = Vec::new();
        for span in self.spans() {
            keys.append(&mut windows.keys_within(span?)?);
        }
        Ok(keys)
    }

    /// How many partitions there are. They are counted if the number was not stored.
    ///
    /// # Errors
    ///
    /// The partitions have to be counted, and the definition is not understood.
    pub fn count(&self) -> Result<i64, PartitionsError> {
        // Old versions stored wrong numbers, which are below zero.
        if let Some(stored) = self.num_partitions.filter(|stored| *stored >= 0) {
            return Ok(stored);
        }
        let windows = Windows::of(&self.partitions_def)?;
        self.spans().map(|span| windows.count_within(span?)).sum()
    }

    fn spans(&self) -> impl Iterator<Item = Result<Span, PartitionsError>> + '_ {
        self.included_time_windows.iter().map(|window| {
            Ok((stored_time(&window.start.timestamp)?, stored_time(&window.end.timestamp)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::TimeWindowPartitionsSubset;
    use instance_serdes::deserialize_value;

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
        subset.partition_keys().ok()
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
