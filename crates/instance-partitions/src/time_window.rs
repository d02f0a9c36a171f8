//! Partitions that are time windows.

use instance_serdes::{Number, Opaque, serdes_class, serdes_union};

serdes_class! {
    /// A time in a zone.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TimestampWithTimezone = "TimestampWithTimezone" {
        /// Seconds since 1970.
        pub timestamp: Number = "timestamp",
        /// The name of the zone, such as `Europe/Berlin`.
        pub timezone: Option<String> = "timezone",
    }
}

serdes_class! {
    /// A time window, the end not included.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PersistedTimeWindow = "TimeWindow" {
        /// Where it ends.
        pub end: TimestampWithTimezone = "end",
        /// Where it begins.
        pub start: TimestampWithTimezone = "start",
    }
}

serdes_union! {
    /// What is left out of a sequence of windows: a cron schedule, as text, or a time.
    pub enum PartitionsExclusion {
        /// A time.
        Time(TimestampWithTimezone),
    }
}

serdes_class! {
    /// Windows of time that follow a cron schedule.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TimeWindowPartitionsDefinition = "TimeWindowPartitionsDefinition" {
        /// The schedule.
        pub cron_schedule: Option<String> = "cron_schedule",
        /// The day of an old kind of schedule.
        pub day_offset: Option<i64> = "day_offset" [skip],
        /// Where the last window ends.
        pub end: Option<TimestampWithTimezone> = "end",
        /// How many windows there are beyond the present one.
        pub end_offset: i64 = "end_offset",
        /// What is left out: schedules or times.
        pub exclusions: Option<Vec<PartitionsExclusion>> = "exclusions",
        /// How the keys are written, as for Python's `strftime`.
        pub fmt: String = "fmt",
        /// The hour of an old kind of schedule.
        pub hour_offset: Option<i64> = "hour_offset" [skip],
        /// The minute of an old kind of schedule.
        pub minute_offset: Option<i64> = "minute_offset" [skip],
        /// An old kind of schedule.
        pub schedule_type: Option<Opaque> = "schedule_type" [skip],
        /// Where the first window begins.
        pub start: TimestampWithTimezone = "start",
        /// The name of the zone.
        pub timezone: Option<String> = "timezone",
    }
}
