//! Makes the definition that is stored with subsets of time windows from what a code location says about them.
//!
//! Not here: what follows from the definition.

use instance_serdes::{Number, Opaque, UnknownFields};

use crate::time::timestamp_of;
use crate::windows::{Windows, stored_time, zone_of};
use crate::{
    PartitionsError, TimeWindowPartitionsDefinition, TimeWindowPartitionsSnap,
    TimestampWithTimezone,
};

impl TimeWindowPartitionsSnap {
    /// The definition, as Dagster makes it from what a code location says. It always has a zone. Its times are
    /// floats, and an old kind of schedule becomes a cron schedule.
    ///
    /// # Errors
    ///
    /// The schedule, the zone, an exclusion or a time is not understood.
    pub fn to_definition(&self) -> Result<TimeWindowPartitionsDefinition, PartitionsError> {
        zone_of(self.timezone.as_deref())?;
        let timezone = self.timezone.as_deref().filter(|name| !name.is_empty()).unwrap_or("UTC");
        let time = |timestamp: &Number| {
            let timestamp = Number::Float(timestamp_of(stored_time(timestamp)?));
            Ok(TimestampWithTimezone {
                timestamp,
                timezone: Some(timezone.to_owned()),
                unknown: UnknownFields::default(),
            })
        };
        // An end of zero is as good as none to Python.
        let end = self.end.as_ref().filter(|end| end.as_f64() != 0.0).map(time).transpose()?;
        let definition = TimeWindowPartitionsDefinition {
            cron_schedule: Some(self.schedule()?),
            day_offset: None,
            end,
            end_offset: self.end_offset,
            exclusions: self.exclusions.clone().filter(|exclusions| !exclusions.is_empty()),
            fmt: self.fmt.clone(),
            hour_offset: None,
            minute_offset: None,
            schedule_type: None,
            start: time(&self.start)?,
            timezone: Some(timezone.to_owned()),
            unknown: UnknownFields::default(),
        };
        Windows::of(&definition)?;
        Ok(definition)
    }

    fn schedule(&self) -> Result<String, PartitionsError> {
        if let Some(schedule) = &self.cron_schedule {
            return Ok(schedule.clone());
        }
        let minute = self.minute_offset.unwrap_or(0);
        let hour = self.hour_offset.unwrap_or(0);
        let day = self.day_offset.filter(|day| *day != 0);
        let kind = self.schedule_type.as_ref().and_then(member);
        Ok(match kind.as_deref() {
            Some("ScheduleType.HOURLY") => format!("{minute} * * * *"),
            Some("ScheduleType.DAILY") => format!("{minute} {hour} * * *"),
            Some("ScheduleType.WEEKLY") => format!("{minute} {hour} * * {}", day.unwrap_or(0)),
            Some("ScheduleType.MONTHLY") => format!("{minute} {hour} {} * *", day.unwrap_or(1)),
            _ => return Err(PartitionsError::NoSchedule { fmt: self.fmt.clone() }),
        })
    }
}

/// The member of an enum that is stored.
fn member(stored: &Opaque) -> Option<String> {
    Some(stored.to_json().ok()?.get("__enum__")?.as_str()?.to_owned())
}
