//! Definitions of partitions, as a code location tells them.

use instance_serdes::{Number, Opaque, serdes_class, serdes_union};

use crate::PartitionsExclusion;

serdes_union! {
    /// A definition of partitions.
    pub enum PartitionsSnap {
        /// Keys that are added and deleted while the deployment runs.
        Dynamic(DynamicPartitionsSnap),
        /// Several dimensions.
        Multi(MultiPartitionsSnap),
        /// Keys that the code names.
        Static(StaticPartitionsSnap),
        /// Windows of time.
        TimeWindow(TimeWindowPartitionsSnap),
    }
}

serdes_class! {
    /// Keys that are added and deleted while the deployment runs.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DynamicPartitionsSnap = "ExternalDynamicPartitionsDefinitionData" {
        /// The name of the set of keys.
        pub name: String = "name",
    }
}

serdes_class! {
    /// Keys that the code names.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StaticPartitionsSnap = "ExternalStaticPartitionsDefinitionData" {
        /// The keys.
        pub partition_keys: Vec<String> = "partition_keys",
    }
}

serdes_class! {
    /// Several dimensions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct MultiPartitionsSnap = "ExternalMultiPartitionsDefinitionData" {
        /// The dimensions.
        pub partition_dimensions: Vec<PartitionDimensionSnap> = "external_partition_dimension_definitions",
    }
}

serdes_class! {
    /// A dimension.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PartitionDimensionSnap = "ExternalPartitionDimensionDefinition" {
        /// Its partitions.
        pub partitions: PartitionsSnap = "external_partitions_def_data",
        /// The name.
        pub name: String = "name",
    }
}

serdes_class! {
    /// Windows of time that follow a cron schedule.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TimeWindowPartitionsSnap = "ExternalTimeWindowPartitionsDefinitionData" {
        /// The schedule.
        pub cron_schedule: Option<String> = "cron_schedule",
        /// The day of an old kind of schedule.
        pub day_offset: Option<i64> = "day_offset",
        /// Where the last window ends, in seconds since 1970.
        pub end: Option<Number> = "end",
        /// How many windows there are beyond the present one.
        pub end_offset: i64 = "end_offset",
        /// What is left out: schedules or times.
        pub exclusions: Option<Vec<PartitionsExclusion>> = "exclusions",
        /// How the keys are written, as for Python's `strftime`.
        pub fmt: String = "fmt",
        /// The hour of an old kind of schedule.
        pub hour_offset: Option<i64> = "hour_offset",
        /// The minute of an old kind of schedule.
        pub minute_offset: Option<i64> = "minute_offset",
        /// An old kind of schedule.
        pub schedule_type: Option<Opaque> = "schedule_type",
        /// Where the first window begins, in seconds since 1970.
        pub start: Number = "start",
        /// The name of the zone.
        pub timezone: Option<String> = "timezone",
    }
}
