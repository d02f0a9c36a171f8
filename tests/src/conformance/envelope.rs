//! The envelope: the line of a request, and the line of an answer.

use chrono::{DateTime, Utc};
use instance_core::serdes::{Pack, Writer, serialize_value, text_to_json};
use serde_json::{Map, Value};

use super::decode::{Argument, parse_datetime};
use super::errors::WireError;

/// JSON as it is sent: entries keep their order, as Python's dictionaries do, and text that is in
/// Dagster's format already is not read again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wire {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Wire>),
    Object(Vec<(String, Wire)>),
    Raw(String),
}

impl Pack for Wire {
    fn pack(&self, writer: &mut Writer) {
        match self {
            Self::Null => writer.null(),
            Self::Bool(value) => writer.bool(*value),
            Self::Integer(value) => writer.integer(*value),
            Self::Float(value) => writer.float(*value),
            Self::Text(text) => writer.string(text),
            Self::List(items) => writer.list(items),
            Self::Object(entries) => {
                let mut object = writer.object();
                for (key, value) in entries {
                    object.entry(key, value);
                }
                object.end();
            }
            Self::Raw(text) => writer.raw(text),
        }
    }
}

impl Wire {
    /// The value as a line, with its end. The text is ASCII, and has no line break of its own.
    pub(crate) fn to_line(&self) -> String {
        let mut line = serialize_value(self);
        line.push('\n');
        line
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: i64,
    /// The handle; `None` for opening one.
    pub(crate) handle: Option<i64>,
    pub(crate) method: String,
    arguments: Map<String, Value>,
    /// The time for everything that the request does.
    pub(crate) now: DateTime<Utc>,
    /// Whether the caller wants to read what a migration prints.
    pub(crate) prints: bool,
}

impl Request {
    /// Reads a line. serde_json would refuse halves of surrogate pairs, which Python's strings may hold;
    /// our own reader of Dagster's format does not.
    pub(crate) fn parse(line: &str) -> Result<Self, WireError> {
        let envelope =
            text_to_json(line).map_err(|error| WireError::argument(error.to_string()))?;
        let part = |name: &str| {
            let value = envelope.get(name).unwrap_or(&Value::Null);
            Argument::new(value, format!("the {name:?} of a request"))
        };
        let arguments = match envelope.get("a") {
            Some(Value::Object(arguments)) => arguments.clone(),
            None | Some(Value::Null) => Map::new(),
            Some(_) => return Err(part("a").expected("an object")),
        };
        let now = part("now");
        Ok(Self {
            id: part("id").integer()?,
            handle: part("h").optional().map(|handle| handle.integer()).transpose()?,
            method: part("m").text()?.to_owned(),
            arguments,
            now: parse_datetime(now.text()?).ok_or_else(|| now.expected("a time"))?,
            prints: part("print").optional().map_or(Ok(false), |print| print.bool())?,
        })
    }

    /// A request for an answer of ours, which is asked without a line.
    pub(crate) fn of(method: &str, arguments: Map<String, Value>) -> Self {
        let (method, now) = (method.to_owned(), DateTime::UNIX_EPOCH);
        Self { id: 0, handle: None, method, arguments, now, prints: false }
    }

    /// An argument; it is an error if it was not sent.
    pub(crate) fn argument(&self, name: &str) -> Result<Argument<'_>, WireError> {
        let place = format!("{}: {name}", self.method);
        match self.arguments.get(name) {
            Some(value) => Ok(Argument::new(value, place)),
            None => Err(WireError::argument(format!("{place} was not sent"))),
        }
    }

    /// An argument that need not be sent; `None` if it was not.
    pub(crate) fn side_argument(&self, name: &str) -> Option<Argument<'_>> {
        let value = self.arguments.get(name)?;
        Some(Argument::new(value, format!("{}: {name}", self.method)))
    }
}

/// The line that answers a request.
pub(crate) fn answer(id: i64, result: Result<Wire, WireError>) -> String {
    let (key, value) = match result {
        Ok(value) => ("ok", value),
        Err(error) => ("err", error.to_wire()),
    };
    Wire::Object(vec![("id".to_owned(), id.into()), (key.to_owned(), value)]).to_line()
}

#[cfg(test)]
mod tests {
    use super::{Request, Wire, answer};
    use crate::conformance::errors::WireError;

    #[test]
    fn a_request_is_read_with_halves_of_surrogate_pairs() {
        let line = r#"{"id": 7, "h": null, "m": "run.x", "a": {"t": "\ud800 {\"a\": NaN}", "n": null},
            "now": "2026-11-21T21:41:48.245931+00:00", "print": true}"#;
        let request = Request::parse(line).unwrap();
        assert_eq!((request.id, request.handle, request.prints), (7, None, true));
        assert_eq!(request.now.to_string(), "2026-11-21 21:41:48.245931 UTC");
        let text = request.argument("t").unwrap().text().unwrap().to_owned();
        assert_eq!(Wire::Text(text).to_line(), "\"\\ud800 {\\\"a\\\": NaN}\"\n");
        assert!(request.argument("n").unwrap().optional().is_none());
        let error = request.argument("other").unwrap_err().to_wire();
        assert!(error.to_line().contains("run.x: other was not sent"));
    }

    #[test]
    fn an_answer_keeps_the_order_of_its_entries() {
        let object = Wire::Object(vec![
            ("b".to_owned(), Wire::Float(1.0)),
            ("a".to_owned(), Wire::Raw("{}".to_owned())),
        ]);
        assert_eq!(answer(3, Ok(object)), "{\"id\": 3, \"ok\": {\"b\": 1.0, \"a\": {}}}\n");
        let error = answer(4, Err(WireError::not_implemented("no")));
        assert_eq!(
            error,
            "{\"id\": 4, \"err\": {\"type\": \"builtins.NotImplementedError\", \"msg\": \"no\", \
             \"data\": {}, \"trace\": \"no\"}}\n"
        );
    }
}
