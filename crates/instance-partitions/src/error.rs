//! Why partitions cannot be evaluated.
//!
//! Not here: the errors of stores.

/// Why a definition of partitions, or keys of it, cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartitionsError {
    /// The definition is of a kind that this version does not know.
    #[error(
        "definitions of partitions of the class {class} are not evaluated by this version; upgrade it, or use static, time-window, dynamic or multi partitions"
    )]
    UnknownDefinition {
        /// The class that is stored.
        class: String,
    },
    /// The definition says neither a cron schedule nor an old kind of schedule that is known.
    #[error("time-window partitions of the format {fmt:?} have no cron schedule; give them one")]
    NoSchedule {
        /// How the keys of the definition are written.
        fmt: String,
    },
    /// A cron schedule is wrong, or says something that has no fixed meaning.
    #[error("the cron schedule {schedule:?} cannot be used: {reason}")]
    InvalidSchedule {
        /// The schedule.
        schedule: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What is excluded is neither a cron schedule nor a time.
    #[error(
        "the exclusion {exclusion} is neither a cron schedule nor a time; correct it in the definition"
    )]
    InvalidExclusion {
        /// What is stored.
        exclusion: String,
    },
    /// There is no such zone.
    #[error(
        "there is no time zone {timezone:?}; use a name of the IANA database, such as Europe/Berlin"
    )]
    UnknownTimezone {
        /// The name.
        timezone: String,
    },
    /// The clocks of a zone were set by part of an hour, where windows are to follow each hour.
    #[error(
        "clocks in {timezone} were set by part of an hour, so the hourly schedule {schedule:?} has no certain windows there; use UTC"
    )]
    PartialHourShift {
        /// The schedule.
        schedule: String,
        /// The zone.
        timezone: String,
    },
    /// A time is outside of the calendar.
    #[error("the time {timestamp} of a definition of partitions is outside of the calendar")]
    InvalidTime {
        /// Seconds since 1970, as they are stored.
        timestamp: String,
    },
    /// The format of keys has a directive that cannot be written or read.
    #[error(
        "the format {fmt:?} of partition keys has {directive:?}, which cannot be used; use directives that Python's strptime reads, each once"
    )]
    UnknownDirective {
        /// The format.
        fmt: String,
        /// The directive.
        directive: String,
    },
    /// No further time window was found. The schedule without its exclusions has none in the time that is searched,
    /// or none that is certain: the zone leaves out a whole day, or it is not known when its clocks will be set.
    #[error(
        "the cron schedule {schedule:?} has no further window that is certain and not excluded; check its days, its exclusions, whether its zone leaves out a day, and that the time is before 2100"
    )]
    NoWindow {
        /// The schedule.
        schedule: String,
    },
    /// The definition has no partition yet, or none at all.
    #[error(
        "the time-window partitions of {schedule:?} have no partition at present; wait for the first one to end, or move the start"
    )]
    NoPartitions {
        /// The schedule.
        schedule: String,
    },
    /// A key is not written as its definition writes keys.
    #[error("the partition key {key:?} is not of the format {fmt:?}")]
    UnreadableKey {
        /// The key.
        key: String,
        /// The format.
        fmt: String,
    },
    /// Ends of a range are no keys of the definition.
    #[error(
        "the range {start:?} to {end:?} has ends that do not exist: {}; add the partitions, or choose a range of those that exist",
        keys.join(", ")
    )]
    NonexistentKeys {
        /// The first key of the range.
        start: String,
        /// The last key of the range.
        end: String,
        /// Those of them that do not exist.
        keys: Vec<String>,
    },
    /// A range begins before its definition does.
    #[error(
        "a range begins with the partition {key:?}, before its definition begins at {start}; choose a later one"
    )]
    RangeStartsTooEarly {
        /// The first key of the range.
        key: String,
        /// Where the definition begins.
        start: String,
    },
    /// A range ends after its definition does.
    #[error(
        "a range ends with the partition {key:?}, after its definition ends at {end}; choose an earlier one"
    )]
    RangeEndsTooLate {
        /// The last key of the range.
        key: String,
        /// Where the definition ends.
        end: String,
    },
    /// A key does not have one part for each dimension.
    #[error(
        "the partition key {key:?} has {found} parts, where its definition has {expected} dimensions; join one key of each with '|'"
    )]
    WrongDimensions {
        /// The key.
        key: String,
        /// How many dimensions there are.
        expected: usize,
        /// How many parts the key has.
        found: usize,
    },
    /// A multi-partitions definition does not have two dimensions.
    #[error("a multi-partitions definition has {found} dimensions; it must have two")]
    DimensionCount {
        /// How many it has, those of one name counted once.
        found: usize,
    },
    /// A dimension is itself of several dimensions.
    #[error("the dimension {dimension:?} cannot have dimensions of its own")]
    NestedDimensions {
        /// Its name.
        dimension: String,
    },
    /// A static definition has a key that keys cannot be.
    #[error("the static partition key {key:?} has {found:?}, which keys cannot have; rename it")]
    InvalidKey {
        /// The key.
        key: String,
        /// What it has.
        found: String,
    },
    /// The text of a cached subset is not one that this version reads.
    #[error("the cached subset {text:?} cannot be read; delete the cached status of its asset")]
    UnreadableSubset {
        /// The text.
        text: String,
    },
    /// The keys of a dynamic set were not handed in.
    #[error(
        "the keys of the dynamic partitions {name:?} are needed; fetch every set that `dynamic_sets` names"
    )]
    MissingDynamicKeys {
        /// The name of the set.
        name: String,
    },
}
