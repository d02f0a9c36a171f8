//! The text of a change: the method of a store that was called, when, and with what.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use instance_core::asset_key::AssetKey;
use instance_core::assets::AssetStatusCacheValue;
use instance_core::daemon::DaemonHeartbeat;
use instance_core::event::{DagsterEvent, EventLogEntry};
use instance_core::run::{DagsterRun, DagsterRunStatus, RemoteJobOrigin};
use instance_core::scheduling::{
    AutomationConditionEvaluationWithRunIds, InstigatorState, InstigatorTick, PartitionBackfill,
    TickData, TickStatus,
};
use instance_core::serdes::{deserialize_value, serialize_value};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};
use instance_core::storage::{Fence, GuardedChange, GuardedEvents, NewRun, Note, Only, RunTimes};
use instance_core::{RunId, StorageError};

/// A change as it stands in the journal: a list of texts, of which the first two are the name and the time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) arguments: Vec<String>,
}

impl Call {
    pub(crate) fn to_line(&self) -> String {
        let mut texts = vec![self.name.clone(), self.at.to_text()];
        texts.extend_from_slice(&self.arguments);
        serde_json::Value::from(texts).to_string()
    }

    pub(crate) fn of_line(line: &str) -> Result<Self, StorageError> {
        let mut texts: Vec<String> = list_of_texts(line)?;
        if texts.len() < 2 {
            return Err(unreadable(line, "it has no name or no time"));
        }
        let arguments = texts.split_off(2);
        Ok(Self { name: texts[0].clone(), at: DateTime::of_text(&texts[1])?, arguments })
    }

    /// An error if there are arguments that were not taken.
    pub(crate) fn end<'a>(
        &'a self,
        mut left: impl Iterator<Item = &'a String>,
    ) -> Result<(), StorageError> {
        left.next()
            .map_or(Ok(()), |text| Err(unreadable(text, format!("{} does not take it", self.name))))
    }

    /// The next argument.
    pub(crate) fn next<'a, 'b, T: Argument<'b>>(
        &'a self,
        left: &mut impl Iterator<Item = &'a String>,
    ) -> Result<T::Owned, StorageError> {
        let text = left.next().ok_or_else(|| unreadable(&self.name, "it is too short"))?;
        T::Owned::of_text(text)
    }
}

fn unreadable(text: &str, reason: impl Into<String>) -> StorageError {
    StorageError::Invalid {
        what: "line of the journal",
        value: text.to_owned(),
        reason: reason.into(),
    }
}

fn list_of_texts(text: &str) -> Result<Vec<String>, StorageError> {
    let not_a_list = || unreadable(text, "it is no list of texts");
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| unreadable(text, error.to_string()))?;
    let items = value.as_array().ok_or_else(not_a_list)?.iter();
    items.map(|item| item.as_str().map(str::to_owned).ok_or_else(not_a_list)).collect()
}

/// A value that is written to the journal and read from it.
pub(crate) trait Text: Sized {
    fn to_text(&self) -> String;
    fn of_text(text: &str) -> Result<Self, StorageError>;
}

/// An argument as the traits of the core take it, which is often a reference to a value.
pub(crate) trait Argument<'a> {
    type Owned: Text;
    fn write(&self) -> String;
    fn of(owned: &'a Self::Owned) -> Self;
}

impl<'a, T: Text> Argument<'a> for &'a T {
    type Owned = T;

    fn write(&self) -> String {
        T::to_text(self)
    }

    fn of(owned: &'a T) -> Self {
        owned
    }
}

impl<'a, T: Text + Clone> Argument<'a> for &'a [T] {
    type Owned = Vec<T>;

    fn write(&self) -> String {
        self.to_vec().to_text()
    }

    fn of(owned: &'a Vec<T>) -> Self {
        owned
    }
}

impl<'a> Argument<'a> for &'a str {
    type Owned = String;

    fn write(&self) -> String {
        (*self).to_owned()
    }

    fn of(owned: &'a String) -> Self {
        owned
    }
}

impl<'a> Argument<'a> for Option<&'a str> {
    type Owned = Option<String>;

    fn write(&self) -> String {
        self.map(str::to_owned).to_text()
    }

    fn of(owned: &'a Option<String>) -> Self {
        owned.as_deref()
    }
}

impl<'a> Argument<'a> for Option<&'a SnapshotBody> {
    type Owned = Option<SnapshotBody>;

    fn write(&self) -> String {
        self.cloned().to_text()
    }

    fn of(owned: &'a Option<SnapshotBody>) -> Self {
        owned.as_ref()
    }
}

macro_rules! by_value {
    ($($type:ty),*) => {
        $(
            impl<'a> Argument<'a> for $type {
                type Owned = $type;

                fn write(&self) -> String {
                    Text::to_text(self)
                }

                fn of(owned: &'a $type) -> Self {
                    owned.clone()
                }
            }
        )*
    };
}

by_value!(DateTime<Utc>, i64, Option<i64>, NewRun);

macro_rules! text_of_class {
    ($($class:ty),* $(,)?) => {
        $(
            impl Text for $class {
                fn to_text(&self) -> String {
                    serialize_value(self)
                }

                fn of_text(text: &str) -> Result<Self, StorageError> {
                    deserialize_value(text).map_err(|error| unreadable(text, error.to_string()))
                }
            }
        )*
    };
}

// What Dagster stores has a text already, and so has what the codec knows of Rust.
text_of_class! {
    AssetKey, AssetStatusCacheValue, AutomationConditionEvaluationWithRunIds, BTreeMap<String, String>, DaemonHeartbeat,
    DagsterEvent, DagsterRun, EventLogEntry, ExecutionPlanSnapshot, InstigatorState, InstigatorTick, JobSnap,
    PartitionBackfill, RemoteJobOrigin, TickData, TickStatus, i64,
}

impl Text for String {
    fn to_text(&self) -> String {
        self.clone()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        Ok(text.to_owned())
    }
}

impl Text for RunId {
    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        Ok(Self::from(text))
    }
}

impl Text for SnapshotBody {
    fn to_text(&self) -> String {
        self.text().to_owned()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        Ok(Self::of_text(text))
    }
}

impl Text for DateTime<Utc> {
    fn to_text(&self) -> String {
        format!("{} {}", self.timestamp(), self.timestamp_subsec_nanos())
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        let of = |(seconds, nanos): (&str, &str)| {
            DateTime::from_timestamp(seconds.parse().ok()?, nanos.parse().ok()?)
        };
        text.split_once(' ').and_then(of).ok_or_else(|| unreadable(text, "it is no time"))
    }
}

impl<T: Text> Text for Vec<T> {
    fn to_text(&self) -> String {
        serde_json::Value::from(self.iter().map(T::to_text).collect::<Vec<_>>()).to_string()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        list_of_texts(text)?.iter().map(|text| T::of_text(text)).collect()
    }
}

impl<T: Text> Text for Option<T> {
    fn to_text(&self) -> String {
        serde_json::Value::from(self.iter().map(T::to_text).collect::<Vec<_>>()).to_string()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        list_of_texts(text)?.first().map(|text| T::of_text(text)).transpose()
    }
}

impl<T: Text + Clone> Text for Only<T> {
    fn to_text(&self) -> String {
        self.as_slice().map(<[T]>::to_vec).to_text()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        Ok(Option::of_text(text)?.map_or(Self::Any, Self::These))
    }
}

impl Text for RunTimes {
    fn to_text(&self) -> String {
        let time = |time: Option<f64>| time.map(|time| time.to_bits().to_string()).to_text();
        let (run_id, status) = (self.run_id.to_text(), self.status.as_str().to_owned());
        vec![run_id, status, time(self.start_time), time(self.end_time)].to_text()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        let parts = list_of_texts(text)?;
        let [run_id, status, start_time, end_time] = &parts[..] else {
            return Err(unreadable(text, "it is no times of a run"));
        };
        let time = |text: &str| {
            let bits =
                Option::<String>::of_text(text)?.map(|bits| bits.parse().map(f64::from_bits));
            bits.transpose().map_err(|_| unreadable(text, "it is no time"))
        };
        let run_id = RunId::of_text(run_id)?;
        let status = DagsterRunStatus::from_name(status)
            .ok_or_else(|| unreadable(text, "it is no status of a run"))?;
        Ok(Self { run_id, status, start_time: time(start_time)?, end_time: time(end_time)? })
    }
}

impl Text for Fence {
    fn to_text(&self) -> String {
        vec![self.key.clone(), self.value.clone()].to_text()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        match &list_of_texts(text)?[..] {
            [key, value] => Ok(Self { key: key.clone(), value: value.clone() }),
            _ => Err(unreadable(text, "it is no fence")),
        }
    }
}

impl Text for Note {
    fn to_text(&self) -> String {
        let words = match self {
            Self::Put { key, value } => vec!["put".to_owned(), key.clone(), value.clone()],
            Self::PutNew { key, value } => vec!["new".to_owned(), key.clone(), value.clone()],
            Self::Delete { key } => vec!["delete".to_owned(), key.clone()],
        };
        words.to_text()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        let words = list_of_texts(text)?;
        match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["put", key, value] => {
                Ok(Self::Put { key: (*key).to_owned(), value: (*value).to_owned() })
            }
            ["new", key, value] => {
                Ok(Self::PutNew { key: (*key).to_owned(), value: (*value).to_owned() })
            }
            ["delete", key] => Ok(Self::Delete { key: (*key).to_owned() }),
            _ => Err(unreadable(text, "it is no note")),
        }
    }
}

impl Text for DagsterRunStatus {
    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        Self::from_name(text).ok_or_else(|| unreadable(text, "it is no status of a run"))
    }
}

/// An event with its time.
impl Text for (DagsterEvent, DateTime<Utc>) {
    fn to_text(&self) -> String {
        vec![self.0.to_text(), self.1.to_text()].to_text()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        match &list_of_texts(text)?[..] {
            [event, at] => Ok((Text::of_text(event)?, Text::of_text(at)?)),
            _ => Err(unreadable(text, "it is no event with its time")),
        }
    }
}

impl Text for GuardedEvents {
    fn to_text(&self) -> String {
        let from: Vec<_> = self.from.iter().copied().collect();
        vec![
            self.run_id.to_text(),
            from.to_text(),
            self.entries.to_text(),
            self.fence.to_text(),
            self.notes.to_text(),
        ]
        .to_text()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        let parts = list_of_texts(text)?;
        let [run_id, from, entries, fence, notes] = &parts[..] else {
            return Err(unreadable(text, "it is no change on conditions"));
        };
        let from: Vec<DagsterRunStatus> = Text::of_text(from)?;
        let change = Self::new(Text::of_text(run_id)?, from, Text::of_text(entries)?);
        let fence: Option<Fence> = Text::of_text(fence)?;
        Ok(change.with_fence(fence).with_notes(Text::of_text(notes)?))
    }
}

impl Text for GuardedChange {
    fn to_text(&self) -> String {
        let from: Vec<_> = self.from.iter().copied().collect();
        vec![
            self.run_id.to_text(),
            from.to_text(),
            self.events.to_text(),
            self.fence.to_text(),
            self.notes.to_text(),
        ]
        .to_text()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        let parts = list_of_texts(text)?;
        let [run_id, from, events, fence, notes] = &parts[..] else {
            return Err(unreadable(text, "it is no change of a run on conditions"));
        };
        let from: Vec<DagsterRunStatus> = Text::of_text(from)?;
        let change = Self::new(Text::of_text(run_id)?, from, Text::of_text(events)?);
        let fence: Option<Fence> = Text::of_text(fence)?;
        Ok(change.with_fence(fence).with_notes(Text::of_text(notes)?))
    }
}

impl Text for NewRun {
    fn to_text(&self) -> String {
        vec![
            self.run.to_text(),
            self.created_at.to_text(),
            self.job_snapshots.to_text(),
            self.execution_plan_snapshot.to_text(),
            self.events.to_text(),
        ]
        .to_text()
    }

    fn of_text(text: &str) -> Result<Self, StorageError> {
        let parts = list_of_texts(text)?;
        let [run, created_at, job_snapshots, execution_plan_snapshot, events] = &parts[..] else {
            return Err(unreadable(text, "it is no new run"));
        };
        let mut new_run = Self::new(Text::of_text(run)?, Text::of_text(created_at)?);
        new_run.job_snapshots = Text::of_text(job_snapshots)?;
        new_run.execution_plan_snapshot = Text::of_text(execution_plan_snapshot)?;
        new_run.events = Text::of_text(events)?;
        Ok(new_run)
    }
}
