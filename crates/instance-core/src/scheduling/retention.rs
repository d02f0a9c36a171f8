//! How long ticks are kept.
//!
//! Not here: deleting them, which the scheduling domain does.

use chrono::{DateTime, TimeDelta, Utc};

use crate::scheduling::{InstigatorType, TickStatus};

/// For how many days the ticks of each status are kept. Zero and less mean for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickRetention {
    /// Ticks that are being evaluated.
    pub started: i64,
    /// Ticks that asked for nothing.
    pub skipped: i64,
    /// Ticks that asked for something.
    pub success: i64,
    /// Ticks that failed.
    pub failure: i64,
}

impl TickRetention {
    /// All ticks are kept for so many days.
    pub const fn of_all(days: i64) -> Self {
        Self { started: days, skipped: days, success: days, failure: days }
    }

    /// What Dagster does unless a deployment says otherwise: skipped ticks of all but schedules are kept for a week,
    /// and all others for ever.
    pub const fn default_of(instigator_type: InstigatorType) -> Self {
        let for_ever = Self::of_all(-1);
        match instigator_type {
            InstigatorType::Schedule => for_ever,
            InstigatorType::Sensor | InstigatorType::AutoMaterialize => {
                Self { skipped: 7, ..for_ever }
            }
        }
    }

    /// For how many days ticks of a status are kept.
    pub const fn days(&self, status: TickStatus) -> i64 {
        match status {
            TickStatus::Started => self.started,
            TickStatus::Skipped => self.skipped,
            TickStatus::Success => self.success,
            TickStatus::Failure => self.failure,
        }
    }

    /// Before which time ticks of a status are not kept; `None` if all are.
    pub fn kept_since(&self, status: TickStatus, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let days = Some(self.days(status)).filter(|days| *days > 0)?;
        now.checked_sub_signed(TimeDelta::try_days(days)?)
    }
}

/// How long the ticks of each type are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickRetentionSettings {
    /// Those of schedules.
    pub schedule: TickRetention,
    /// Those of sensors.
    pub sensor: TickRetention,
    /// Those of automation conditions.
    pub auto_materialize: TickRetention,
}

impl TickRetentionSettings {
    /// How long the ticks of a type are kept.
    pub const fn of(&self, instigator_type: InstigatorType) -> TickRetention {
        match instigator_type {
            InstigatorType::Schedule => self.schedule,
            InstigatorType::Sensor => self.sensor,
            InstigatorType::AutoMaterialize => self.auto_materialize,
        }
    }
}

impl Default for TickRetentionSettings {
    fn default() -> Self {
        Self {
            schedule: TickRetention::default_of(InstigatorType::Schedule),
            sensor: TickRetention::default_of(InstigatorType::Sensor),
            auto_materialize: TickRetention::default_of(InstigatorType::AutoMaterialize),
        }
    }
}
