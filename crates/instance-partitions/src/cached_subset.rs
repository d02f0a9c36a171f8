//! Subsets of partitions as the cached status of an asset has them: in a text of their own, and growing.
//!
//! Not here: subsets as events have them, which are other texts.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use instance_serdes::{Number, serialize_value, text_to_json};

use crate::existing::KeyWindow;
use crate::time::timestamp_of;
use crate::windows::{Span, Window, Windows, stored_time};
use crate::{PartitionsError, PartitionsSnap, TimeWindowPartitionsDefinition};

/// The version of the texts that Dagster reads and writes.
const VERSION: i64 = 1;

/// Some partitions of a definition, as the cached status of an asset has them.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedSubset {
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Keys(BTreeSet<String>),
    Windows {
        definition: Box<TimeWindowPartitionsDefinition>,
        /// Ascending, none touching another.
        spans: Vec<Span>,
        /// How many partitions are in them; it is counted when it is written if it is not known.
        count: Option<i64>,
    },
}

impl CachedSubset {
    /// No partition of a definition.
    ///
    /// # Errors
    ///
    /// The definition is not understood or not allowed.
    pub fn empty(partitions: &PartitionsSnap) -> Result<Self, PartitionsError> {
        partitions.validate()?;
        let kind = match partitions {
            PartitionsSnap::TimeWindow(snap) => Kind::Windows {
                definition: Box::new(snap.to_definition()?),
                spans: Vec::new(),
                count: Some(0),
            },
            PartitionsSnap::Static(_) | PartitionsSnap::Dynamic(_) | PartitionsSnap::Multi(_) => {
                Kind::Keys(BTreeSet::new())
            }
            PartitionsSnap::Opaque(_) => return Err(partitions.unknown()),
        };
        Ok(Self { kind })
    }

    /// Reads the text of a subset, also one of an old form.
    ///
    /// # Errors
    ///
    /// The definition is not understood or not allowed, or the text is not that of a subset of it.
    pub fn from_text(partitions: &PartitionsSnap, text: &str) -> Result<Self, PartitionsError> {
        let mut subset = Self::empty(partitions)?;
        let unreadable = || PartitionsError::UnreadableSubset { text: text.to_owned() };
        let stored = Stored::read(text).ok_or_else(unreadable)?;
        match &mut subset.kind {
            Kind::Keys(keys) => *keys = stored.keys().ok_or_else(unreadable)?,
            Kind::Windows { spans, count, .. } => {
                (*spans, *count) = stored.windows().ok_or_else(unreadable)?;
            }
        }
        Ok(subset)
    }

    /// The text that Dagster reads.
    ///
    /// # Errors
    ///
    /// The partitions have to be counted, and the definition has windows that are not certain.
    pub fn to_text(&self) -> Result<String, PartitionsError> {
        match &self.kind {
            Kind::Keys(keys) => {
                let keys: Vec<_> = keys.iter().cloned().collect();
                Ok(format!("{{\"version\": {VERSION}, \"subset\": {}}}", serialize_value(&keys)))
            }
            Kind::Windows { spans, .. } => {
                let time = |time| serialize_value(&Number::Float(timestamp_of(time)));
                let windows =
                    spans.iter().map(|(start, end)| format!("[{}, {}]", time(*start), time(*end)));
                let windows = windows.collect::<Vec<_>>().join(", ");
                Ok(format!(
                    "{{\"version\": {VERSION}, \"time_windows\": [{windows}], \"num_partitions\": {}}}",
                    self.count()?
                ))
            }
        }
    }

    fn count(&self) -> Result<i64, PartitionsError> {
        match &self.kind {
            Kind::Keys(keys) => Ok(i64::try_from(keys.len()).unwrap_or(i64::MAX)),
            Kind::Windows { count: Some(count), .. } => Ok(*count),
            Kind::Windows { definition, spans, count: None } => {
                let windows = Windows::of(definition)?;
                spans.iter().map(|span| windows.count_within(*span)).sum()
            }
        }
    }

    /// The subset with these keys, which are partitions at that time; see
    /// [`PartitionsSnap::existing_keys`].
    ///
    /// # Errors
    ///
    /// A key is not written as the definition writes keys.
    pub fn with_keys(
        self,
        added: &BTreeSet<String>,
        now: DateTime<Utc>,
    ) -> Result<Self, PartitionsError> {
        if added.is_empty() {
            return Ok(self);
        }
        let count = self.count()?;
        let kind = match self.kind {
            Kind::Keys(mut keys) => {
                keys.extend(added.iter().cloned());
                Kind::Keys(keys)
            }
            Kind::Windows { definition, mut spans, .. } => {
                let added: Vec<_> = added.iter().cloned().collect();
                let added = Windows::of(&definition)?.add(&mut spans, &added, now)?;
                Kind::Windows { definition, spans, count: Some(count + added) }
            }
        };
        Ok(Self { kind })
    }

    /// The subset without the partitions of another one of the same definition.
    ///
    /// # Errors
    ///
    /// The definition has windows that are not certain.
    pub fn without(self, other: &Self) -> Result<Self, PartitionsError> {
        let kind = match (self.kind, &other.kind) {
            (Kind::Keys(mut keys), Kind::Keys(others)) => {
                keys.retain(|key| !others.contains(key));
                Kind::Keys(keys)
            }
            (Kind::Windows { definition, spans, .. }, Kind::Windows { spans: others, .. }) => {
                let windows = Windows::of(&definition)?;
                let mut left = Vec::new();
                for span in subtracted(&spans, others) {
                    if !windows.are_neighbours(span.0, span.1)? {
                        left.push(span);
                    }
                }
                Kind::Windows { definition, spans: left, count: None }
            }
            // Subsets of other definitions have nothing in common.
            (kind, _) => kind,
        };
        Ok(Self { kind })
    }

    /// Those of the keys that are in the subset.
    ///
    /// # Errors
    ///
    /// The definition has windows that are not certain. A key that is not written as the definition writes keys is in no
    /// subset, and is no error.
    pub fn among<'k>(&self, asked: &'k [String]) -> Result<BTreeSet<&'k str>, PartitionsError> {
        let asked = asked.iter().map(String::as_str);
        match &self.kind {
            Kind::Keys(keys) => Ok(asked.filter(|key| keys.contains(*key)).collect()),
            Kind::Windows { definition, spans, .. } => {
                // What comes later is in no span, and need not be looked for.
                let Some((_, until)) = spans.last() else { return Ok(BTreeSet::new()) };
                let windows = Windows::of(definition)?;
                let mut found = BTreeSet::new();
                for KeyWindow { key, start, .. } in windows.starts_of_keys(asked, *until)? {
                    if spans.iter().any(|span| span.0 <= start.instant && start.instant < span.1) {
                        found.insert(key);
                    }
                }
                Ok(found)
            }
        }
    }
}

/// What is left of spans without others; all ascend.
fn subtracted(spans: &[Span], others: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    for (start, end) in spans {
        let mut start = *start;
        for (from, until) in others {
            if from >= end || *until <= start {
                continue;
            }
            if *from > start {
                left.push((start, *from));
            }
            start = start.max(*until);
        }
        if start < *end {
            left.push((start, *end));
        }
    }
    left
}

impl Windows<'_> {
    /// Adds the windows of keys that are partitions at a time. Returns how many were not there.
    fn add(
        &self,
        spans: &mut Vec<Span>,
        keys: &[String],
        now: DateTime<Utc>,
    ) -> Result<i64, PartitionsError> {
        let (Some(first), Some(last)) = (self.first(now)?, self.last(now)?) else {
            return Err(self.no_partitions());
        };
        let mut added = 0;
        for Window { start, end } in self.windows_of_keys(keys)? {
            let (start, end) = (start.instant, end.instant);
            if start < first.start.instant || end > last.end.instant {
                continue;
            }
            let place = spans.partition_point(|span| span.0 <= start);
            let before = place.checked_sub(1).and_then(|index| spans.get(index)).copied();
            let after = spans.get(place).copied();
            if before.is_some_and(|span| start < span.1) {
                continue;
            }
            let joins = |before: Option<DateTime<Utc>>, after: Option<DateTime<Utc>>| {
                before.zip(after).map_or(Ok(false), |(end, start)| self.are_neighbours(end, start))
            };
            let joins_before = joins(before.map(|span| span.1), Some(start))?;
            // Before all others, Dagster looks at the times alone.
            let joins_after = match before {
                Some(_) => joins(Some(end), after.map(|span| span.0))?,
                None => after.is_some_and(|span| span.0 == end),
            };
            let from = before.filter(|_| joins_before).map_or(start, |span| span.0);
            let until = after.filter(|_| joins_after).map_or(end, |span| span.1);
            let replaced = place - usize::from(joins_before)..place + usize::from(joins_after);
            spans.splice(replaced, [(from, until)]);
            added += 1;
        }
        Ok(added)
    }
}

/// A stored text that was read as JSON.
struct Stored(serde_json::Value);

impl Stored {
    fn read(text: &str) -> Option<Self> {
        text_to_json(text).ok().map(Self)
    }

    /// The list of this name. Old forms are the list alone. `None` for another version.
    fn list(&self, name: &str, needs_version: bool) -> Option<&Vec<serde_json::Value>> {
        if let Some(list) = self.0.as_array() {
            return Some(list);
        }
        let version = self.0.get("version");
        let is_known = version.map_or(!needs_version, |version| version.as_i64() == Some(VERSION));
        self.0.get(name).filter(|_| is_known)?.as_array()
    }

    fn keys(&self) -> Option<BTreeSet<String>> {
        let keys = self.list("subset", true)?.iter();
        keys.map(|key| key.as_str().map(str::to_owned)).collect()
    }

    /// The spans, and how many partitions are in them if the text says it.
    fn windows(&self) -> Option<(Vec<Span>, Option<i64>)> {
        let time = |value: &serde_json::Value| stored_time(&Number::Float(value.as_f64()?)).ok();
        let span = |value: &serde_json::Value| Some((time(value.get(0)?)?, time(value.get(1)?)?));
        let spans = self.list("time_windows", false)?.iter().map(span).collect::<Option<_>>()?;
        let count = self.0.get("num_partitions").and_then(serde_json::Value::as_i64);
        Some((spans, count))
    }
}
