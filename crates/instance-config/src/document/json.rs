//! A value of a document as JSON, for the parts of this program that need no places.

use instance_core::config_problems::Position;
use serde_json::{Map, Number, Value};

use super::{Entry, Integer, Key, Kind, Node};

impl Node {
    /// The value as JSON.
    ///
    /// What JSON cannot hold becomes something that it can: a whole number that has no place in 64 bits is the nearest
    /// one that has; infinity and "no number" are the texts `.inf`, `-.inf` and `.nan`, as YAML writes them; keys that
    /// are no texts, dates and bytes are the texts that the file has for them.
    pub(crate) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Boolean(value) => Value::Bool(*value),
            Kind::Integer(number) => Value::from(number.nearest()),
            Kind::Float(number) => match Number::from_f64(*number) {
                Some(number) => Value::Number(number),
                None if number.is_nan() => Value::from(".nan"),
                None if *number > 0.0 => Value::from(".inf"),
                None => Value::from("-.inf"),
            },
            Kind::Text(text) => Value::from(&**text),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Mapping(_) => Value::Object(self.to_map()),
            Kind::Other(name) => Value::from(self.source.as_deref().unwrap_or(name)),
        }
    }

    /// The keys and values of a mapping as JSON; nothing if it is none.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        let entries = self.entries().unwrap_or_default();
        entries.iter().map(|entry| (entry.key.shown().to_owned(), entry.value.to_json())).collect()
    }
}

/// Where values are that no file has.
pub(crate) const NOWHERE: Position = Position { line: 0, column: 0 };

impl Node {
    /// A value that no file has.
    fn from_json(value: &Value) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Boolean(*value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => Kind::Integer(Integer::Small(number)),
                (None, _) if number.is_u64() => Kind::Integer(Integer::Great),
                (None, number) => Kind::Float(number.unwrap_or(f64::NAN)),
            },
            Value::String(text) => Kind::Text(text.clone()),
            Value::Array(items) => Kind::List(items.iter().map(Self::from_json).collect()),
            Value::Object(map) => {
                let of =
                    |(key, value): (&String, _)| Entry::new(key, NOWHERE, Self::from_json(value));
                Kind::Mapping(map.iter().map(of).collect())
            }
        };
        let source = matches!(value, Value::Bool(_) | Value::Number(_));
        let source = source.then(|| value.to_string().into_boxed_str());
        Self { position: NOWHERE, kind, source }
    }

    /// The mapping with these values in the place of its own. A value that is the same stays where it is.
    pub(crate) fn with_values(self, values: &Map<String, Value>) -> Self {
        let Kind::Mapping(mut entries) = self.kind else { return self };
        entries.retain(|entry| entry.key.text().is_none_or(|key| values.contains_key(key)));
        for (key, value) in values {
            match entries.iter_mut().find(|entry| entry.key.shown() == key) {
                Some(entry) if entry.value.to_json() == *value => {}
                Some(entry) => *entry = Entry::new(key, NOWHERE, Self::from_json(value)),
                None => entries.push(Entry::new(key, NOWHERE, Self::from_json(value))),
            }
        }
        Self { kind: Kind::Mapping(entries), ..self }
    }
}

impl Entry {
    fn new(key: &str, position: Position, value: Node) -> Self {
        Self { key: Key::of_text(key), position, value }
    }
}

impl Integer {
    /// The number, or the nearest one that has a place in 64 bits.
    pub(crate) const fn nearest(self) -> i64 {
        match self {
            Self::Small(number) => number,
            Self::Great => i64::MAX,
            Self::Least => i64::MIN,
        }
    }
}
