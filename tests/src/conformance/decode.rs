//! From the wire: arguments and the fields of records, each with the place that an error names.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use instance_core::clock::datetime_of;
use instance_core::event::{DagsterEventType, EventLogCursor};
use instance_core::ids::StorageId;
use instance_core::serdes::{Reader, Unpack, deserialize_value};
use instance_core::storage::{Only, Order};
use serde_json::Value;

use super::errors::WireError;

type Decoded<T> = Result<T, WireError>;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Argument<'v> {
    value: &'v Value,
    place: String,
}

impl<'v> Argument<'v> {
    pub(crate) const fn new(value: &'v Value, place: String) -> Self {
        Self { value, place }
    }

    /// The value as it was sent.
    pub(crate) const fn value(&self) -> &'v Value {
        self.value
    }

    /// The error of a value that is another than expected.
    pub(crate) fn expected(&self, expected: &str) -> WireError {
        WireError::argument(format!("{}: expected {expected}, found {}", self.place, self.value))
    }

    /// `None` for null.
    pub(crate) fn optional(self) -> Option<Self> {
        (!self.value.is_null()).then_some(self)
    }

    pub(crate) fn text(&self) -> Decoded<&'v str> {
        self.value.as_str().ok_or_else(|| self.expected("text"))
    }

    pub(crate) fn bool(&self) -> Decoded<bool> {
        self.value.as_bool().ok_or_else(|| self.expected("a boolean"))
    }

    pub(crate) fn integer(&self) -> Decoded<i64> {
        self.value.as_i64().ok_or_else(|| self.expected("an integer"))
    }

    /// A float; Python takes an integer for one as well.
    pub(crate) fn float(&self) -> Decoded<f64> {
        self.value.as_f64().ok_or_else(|| self.expected("a float"))
    }

    /// The items of a list. A set is sent as one, in a union as `{"__set__": [..]}`.
    pub(crate) fn items(&self) -> Decoded<Vec<Self>> {
        let items = self.value.as_array().or_else(|| self.value.get("__set__")?.as_array());
        let items = items.ok_or_else(|| self.expected("a list"))?;
        let item = |(index, value)| Self::new(value, format!("{}[{index}]", self.place));
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The entries of a mapping.
    pub(crate) fn entries(&self) -> Decoded<Vec<(&'v str, Self)>> {
        let entries = self.value.as_object().ok_or_else(|| self.expected("a mapping"))?;
        let entry = |(key, value): (&'v String, _)| {
            (key.as_str(), Self::new(value, format!("{}[{key:?}]", self.place)))
        };
        Ok(entries.iter().map(entry).collect())
    }

    /// A field of a record; one that was not sent is null.
    pub(crate) fn field(&self, name: &str) -> Self {
        static NULL: Value = Value::Null;
        let value = self.value.get(name).unwrap_or(&NULL);
        Self::new(value, format!("{}.{name}", self.place))
    }

    /// An error unless this is a record of this class.
    pub(crate) fn record(&self, class: &str) -> Decoded<()> {
        if self.field("__rec__").value.as_str() == Some(class) {
            return Ok(());
        }
        Err(self.expected(&format!("a record {class}")))
    }

    /// A member of an enum, by its value.
    pub(crate) fn member<T>(&self, named: impl FnOnce(&str) -> Option<T>) -> Decoded<T> {
        named(self.text()?).ok_or_else(|| self.expected("the value of a member of an enum"))
    }

    /// The text of a body.
    pub(crate) fn body_text(&self) -> Decoded<&'v str> {
        let text = self.value.get("__s__").and_then(Value::as_str);
        text.ok_or_else(|| self.expected("a body, as {\"__s__\": text}"))
    }

    /// A value of one of Dagster's serdes classes.
    pub(crate) fn body<T: Unpack>(&self) -> Decoded<T> {
        let text = self.body_text()?;
        deserialize_value(text).map_err(|error| self.unreadable(&error))
    }

    /// The error of a body that cannot be read.
    pub(crate) fn unreadable(&self, error: &instance_core::serdes::SerdesError) -> WireError {
        WireError::body(format!("{}: {error}", self.place))
    }

    /// The storage name of the class of a body.
    pub(crate) fn body_class(&self) -> Decoded<String> {
        let class = Reader::new(self.body_text()?).class();
        let class = class.map_err(|error| self.unreadable(&error))?;
        class.map(Into::into).ok_or_else(|| self.expected("the body of a class"))
    }

    pub(crate) fn bodies<T: Unpack>(&self) -> Decoded<Vec<T>> {
        self.items()?.iter().map(Self::body).collect()
    }

    pub(crate) fn string(&self) -> Decoded<String> {
        self.text().map(str::to_owned)
    }

    pub(crate) fn strings<C: FromIterator<String>>(&self) -> Decoded<C> {
        self.items()?.iter().map(Self::string).collect()
    }

    pub(crate) fn string_map(&self) -> Decoded<BTreeMap<String, String>> {
        self.entries()?
            .into_iter()
            .map(|(key, value)| Ok((key.to_owned(), value.string()?)))
            .collect()
    }

    /// The members of an enum that are asked for; null and none of them mean any, as they do for Python.
    pub(crate) fn members<T>(&self, named: impl Fn(&str) -> Option<T>) -> Decoded<Only<T>> {
        let Some(list) = self.clone().optional() else { return Ok(Only::Any) };
        let members: Decoded<_> = list.items()?.iter().map(|item| item.member(&named)).collect();
        Ok(Only::any_if_empty(members?))
    }

    /// The texts that are asked for; null and none of them mean any, as they do for Python.
    pub(crate) fn only_strings<T: From<String>>(&self) -> Decoded<Only<T>> {
        let Some(list) = self.clone().optional() else { return Ok(Only::Any) };
        let strings: Vec<String> = list.strings()?;
        Ok(Only::any_if_empty(strings.into_iter().map(T::from).collect()))
    }

    /// The rows that are asked for; null and none of them mean any, as they do for Python.
    pub(crate) fn only_storage_ids(&self) -> Decoded<Only<StorageId>> {
        let Some(list) = self.clone().optional() else { return Ok(Only::Any) };
        Ok(Only::any_if_empty(list.storage_ids()?))
    }

    /// Types of events: null, one, or a set.
    pub(crate) fn event_types(&self) -> Decoded<Only<DagsterEventType>> {
        if self.value.is_string() {
            return Ok(Only::one(self.event_type()?));
        }
        self.members(DagsterEventType::from_value)
    }

    pub(crate) fn event_type(&self) -> Decoded<DagsterEventType> {
        self.member(DagsterEventType::from_value)
    }

    /// A limit. For Python zero is as good as null, and SQLite takes a negative one for none.
    pub(crate) fn limit(&self) -> Decoded<Option<u64>> {
        let limit = self.clone().optional().map(|limit| limit.integer()).transpose()?;
        Ok(limit.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0))
    }

    /// A number of rows that has to be given.
    pub(crate) fn count(&self) -> Decoded<u64> {
        self.integer()?.try_into().map_err(|_| self.expected("an integer that is not negative"))
    }

    pub(crate) fn integers(&self) -> Decoded<Vec<i64>> {
        self.items()?.iter().map(Self::integer).collect()
    }

    pub(crate) fn storage_id(&self) -> Decoded<StorageId> {
        self.integer().map(StorageId)
    }

    pub(crate) fn storage_ids(&self) -> Decoded<Vec<StorageId>> {
        self.items()?.iter().map(Self::storage_id).collect()
    }

    /// The order that `ascending` means.
    pub(crate) fn order(&self) -> Decoded<Order> {
        Ok(if self.bool()? { Order::Ascending } else { Order::Descending })
    }

    pub(crate) fn datetime(&self) -> Decoded<DateTime<Utc>> {
        parse_datetime(self.text()?).ok_or_else(|| self.expected("a time"))
    }

    /// Seconds since 1970.
    pub(crate) fn timestamp(&self) -> Decoded<DateTime<Utc>> {
        datetime_of(self.float()?).ok_or_else(|| self.expected("a time"))
    }

    /// Seconds since 1970. For Python zero is as good as null.
    pub(crate) fn optional_timestamp(self) -> Decoded<Option<DateTime<Utc>>> {
        match self.optional() {
            Some(seconds) if seconds.float()? != 0.0 => seconds.timestamp().map(Some),
            _ => Ok(None),
        }
    }

    /// The cursor of an event log; null and empty text are `None`.
    pub(crate) fn event_log_cursor(self) -> Decoded<Option<EventLogCursor>> {
        let cursor = self.optional().filter(|cursor| cursor.value.as_str() != Some(""));
        let Some(cursor) = cursor else { return Ok(None) };
        let parsed = EventLogCursor::parse(cursor.text()?);
        parsed.map(Some).map_err(|error| WireError::check(format!("{}: {error}", cursor.place)))
    }
}

/// Reads an ISO text with an offset, or without one for UTC.
pub(crate) fn parse_datetime(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::{Argument, parse_datetime};
    use dagster_instance::event::DagsterEventType;
    use dagster_instance::storage::Only;
    use serde_json::json;

    #[test]
    fn times_are_read_with_and_without_an_offset() {
        for text in ["2026-11-21T21:41:48.245931", "2026-11-21T23:41:48.245931+02:00"] {
            let time = parse_datetime(text).map(|time| time.to_string());
            assert_eq!(time.as_deref(), Some("2026-11-21 21:41:48.245931 UTC"));
        }
        assert_eq!(parse_datetime("yesterday"), None);
    }

    #[test]
    fn errors_name_the_place() {
        let value = json!({"__rec__": "R", "ids": ["a", 2]});
        let record = Argument::new(&value, "run.x: filters".to_owned());
        assert!(record.record("R").is_ok() && record.record("Q").is_err());
        assert!(record.field("other").optional().is_none());
        let error = record.field("ids").strings::<Vec<_>>().unwrap_err().to_wire().to_line();
        assert!(error.contains("run.x: filters.ids[1]: expected text, found 2"), "{error}");
    }

    #[test]
    fn sets_types_and_limits() {
        let types = |value| Argument::new(&value, String::new()).event_types().unwrap();
        assert_eq!(types(json!(null)), Only::Any);
        assert_eq!(types(json!({"__set__": []})), Only::Any);
        let both = Only::these([DagsterEventType::StepStart, DagsterEventType::RunStart]);
        assert_eq!(types(json!("PIPELINE_START")), Only::one(DagsterEventType::RunStart));
        assert_eq!(types(json!({"__set__": ["STEP_START", "PIPELINE_START"]})), both);
        let limit = |value| Argument::new(&value, String::new()).limit().unwrap();
        assert_eq!((limit(json!(null)), limit(json!(0)), limit(json!(3))), (None, None, Some(3)));
    }
}
