//! Which keys are partitions of a definition now, and the id by which Dagster tells whether a definition has changed.

use std::collections::BTreeSet;
use std::fmt::Write;

use chrono::{DateTime, Utc};
use instance_serdes::{Number, deserialize_value, python_repr, serialize_value};

use crate::resolve::{DELIMITER, each_once};
use crate::ticks::{Direction, Tick};
use crate::windows::{Window, Windows};
use crate::{
    DynamicPartitionKeys, MultiPartitionsSnap, PartitionsError, PartitionsExclusion,
    PartitionsSnap, TimeWindowPartitionsDefinition,
};

impl PartitionsSnap {
    /// The id of what the definition says now: Dagster's `get_serializable_unique_identifier`. It follows from the keys
    /// of static and dynamic partitions, and from the schedule of time windows.
    ///
    /// `dynamic` has the keys of each set that [`dynamic_sets`](Self::dynamic_sets) names.
    ///
    /// # Errors
    ///
    /// The definition is not understood or not allowed, or the keys of a dynamic set are missing.
    pub fn unique_id(&self, dynamic: &DynamicPartitionKeys) -> Result<String, PartitionsError> {
        self.validate()?;
        let text = match self {
            Self::Static(snap) => serialize_value(&each_once(&snap.partition_keys)),
            Self::Dynamic(snap) => serialize_value(&snap.keys(dynamic)?.to_vec()),
            Self::TimeWindow(snap) => shown(&snap.to_definition()?)?,
            Self::Multi(snap) => {
                let mut ids = Vec::new();
                for (name, partitions) in snap.dimensions() {
                    ids.push(format!(
                        "{}: '{}'",
                        python_repr(name),
                        partitions.unique_id(dynamic)?
                    ));
                }
                format!("{{{}}}", ids.join(", "))
            }
            Self::Opaque(_) => return Err(self.unknown()),
        };
        Ok(sha1_hex(&text))
    }

    /// Those of the keys that are partitions at a time.
    ///
    /// `dynamic` has the keys of each set that [`dynamic_sets`](Self::dynamic_sets) names.
    ///
    /// # Errors
    ///
    /// The definition is not understood or not allowed, or the keys of a dynamic set are missing. A key that is not
    /// written as the definition writes keys is no error.
    pub fn existing_keys(
        &self,
        keys: &BTreeSet<String>,
        dynamic: &DynamicPartitionKeys,
        now: DateTime<Utc>,
    ) -> Result<BTreeSet<String>, PartitionsError> {
        self.validate()?;
        if keys.is_empty() {
            return Ok(BTreeSet::new());
        }
        let among =
            |known: &[String]| known.iter().filter(|key| keys.contains(*key)).cloned().collect();
        match self {
            Self::Static(snap) => Ok(among(&snap.partition_keys)),
            Self::Dynamic(snap) => Ok(among(snap.keys(dynamic)?)),
            Self::TimeWindow(snap) => Windows::of(&snap.to_definition()?)?.existing(keys, now),
            Self::Multi(snap) => snap.existing_keys(keys, dynamic, now),
            Self::Opaque(_) => Err(self.unknown()),
        }
    }
}

impl MultiPartitionsSnap {
    fn existing_keys(
        &self,
        keys: &BTreeSet<String>,
        dynamic: &DynamicPartitionKeys,
        now: DateTime<Utc>,
    ) -> Result<BTreeSet<String>, PartitionsError> {
        let dimensions = self.dimensions();
        let parts =
            |key: &String| -> Vec<String> { key.split(DELIMITER).map(str::to_owned).collect() };
        let mut left: Vec<(&String, Vec<String>)> =
            keys.iter().map(|key| (key, parts(key))).collect();
        left.retain(|(_, parts)| parts.len() == dimensions.len());
        for (index, partitions) in dimensions.values().enumerate() {
            let asked = left.iter().filter_map(|(_, parts)| parts.get(index).cloned()).collect();
            let existing = partitions.existing_keys(&asked, dynamic, now)?;
            left.retain(|(_, parts)| parts.get(index).is_some_and(|part| existing.contains(part)));
        }
        Ok(left.into_iter().map(|(key, _)| key.clone()).collect())
    }
}

/// Where the window of a key begins: the first one at the key's time or later.
pub(super) struct KeyWindow<'k> {
    pub(super) key: &'k str,
    time: DateTime<Utc>,
    pub(super) start: Tick,
}

impl Windows<'_> {
    /// Those of the keys that are partitions at a time.
    fn existing(
        &self,
        keys: &BTreeSet<String>,
        now: DateTime<Utc>,
    ) -> Result<BTreeSet<String>, PartitionsError> {
        let (Some(first), Some(last)) = (self.first(now)?, self.last(now)?) else {
            return Ok(BTreeSet::new());
        };
        let (first, last) = (first.start.instant, last.start.instant);
        let keys = keys.iter().map(String::as_str);
        let mut found = BTreeSet::new();
        for KeyWindow { key, time, mut start } in self.starts_of_keys(keys, last)? {
            if start.instant != time && self.takes_keys_at_their_word() {
                start = self.at(time);
            }
            if (first..=last).contains(&start.instant) && self.key(&start)? == key {
                found.insert(key.to_owned());
            }
        }
        Ok(found)
    }

    /// Where the windows of keys begin, in the order of the keys' times. Left out are keys that are not written as the
    /// definition writes keys, those of a time behind `until`, and those of a time at which no window is certain.
    pub(super) fn starts_of_keys<'k>(
        &self,
        keys: impl Iterator<Item = &'k str>,
        until: DateTime<Utc>,
    ) -> Result<Vec<KeyWindow<'k>>, PartitionsError> {
        let mut timed = Vec::new();
        for key in keys {
            match self.time_of_key(key) {
                Ok(time) if time <= until => timed.push((time, key)),
                Ok(_) | Err(PartitionsError::UnreadableKey { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        timed.sort_unstable();
        let mut found: Vec<KeyWindow<'k>> = Vec::with_capacity(timed.len());
        let mut later = None;
        for (time, key) in timed {
            // Keys mostly follow one another, and so do their windows.
            if let Some(last) = found.last().filter(|last| last.start.instant >= time) {
                found.push(KeyWindow { key, time, start: last.start });
                continue;
            }
            let follows: Option<Window> = later.as_mut().and_then(Iterator::next);
            let follows = follows.filter(|window| window.start.instant >= time);
            let start = if let Some(window) = follows {
                window.start
            } else {
                let mut windows = self.from(time, Direction::Ascending);
                let first = windows.next();
                later = first.is_some().then_some(windows);
                let Some(window) = first else { continue };
                window.start
            };
            found.push(KeyWindow { key, time, start });
        }
        Ok(found)
    }
}

/// A definition as Python shows it, of which Dagster takes the hash.
fn shown(definition: &TimeWindowPartitionsDefinition) -> Result<String, PartitionsError> {
    let zone = definition.timezone.as_deref().unwrap_or("UTC");
    let end = definition.end.as_ref().map_or("None".to_owned(), |end| number(&end.timestamp));
    let mut text = format!(
        "TimeWindowPartitionsDefinition(start={}, end={end}, timezone='{zone}', fmt='{}', end_offset={}, \
         cron_schedule='{}')",
        number(&definition.start.timestamp),
        definition.fmt,
        definition.end_offset,
        definition.cron_schedule.as_deref().unwrap_or("None"),
    );
    let exclusions = definition.exclusions.iter().flatten();
    let exclusions: Vec<_> = exclusions.map(shown_exclusion).collect::<Result<_, _>>()?;
    if !exclusions.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, ", exclusions=[{}]", exclusions.join(", "));
    }
    Ok(text)
}

fn shown_exclusion(exclusion: &PartitionsExclusion) -> Result<String, PartitionsError> {
    match exclusion {
        PartitionsExclusion::Time(time) => Ok(format!(
            "TimestampWithTimezone(timestamp={}, timezone={})",
            number(&time.timestamp),
            time.timezone.as_deref().map_or("None".to_owned(), python_repr),
        )),
        PartitionsExclusion::Opaque(stored) => {
            let schedule: String = deserialize_value(stored.as_str()).map_err(|_| {
                PartitionsError::InvalidExclusion { exclusion: stored.as_str().to_owned() }
            })?;
            Ok(python_repr(&schedule))
        }
    }
}

fn number(number: &Number) -> String {
    serialize_value(number)
}

/// The SHA-1 of a text, in hexadecimal.
fn sha1_hex(text: &str) -> String {
    use sha1::Digest;

    let mut hex = String::with_capacity(40);
    for byte in sha1::Sha1::digest(text.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
