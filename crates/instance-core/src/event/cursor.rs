//! Positions in the event log of a run, as Dagster hands them to callers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ids::StorageId;

/// A position in the event log of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventLogCursor {
    /// Behind the row of this id.
    StorageId(StorageId),
    /// Behind this many entries; what old versions handed out.
    Offset(u64),
}

/// Text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an event log cursor; pass one that a page of events came with")]
pub struct EventLogCursorError {
    /// The text as given.
    pub text: String,
}

impl EventLogCursor {
    /// The position before the first entry.
    pub const START: Self = Self::Offset(0);

    /// The text by which Dagster passes the cursor on: base64 of a small JSON object.
    pub fn to_text(self) -> String {
        let raw = match self {
            Self::StorageId(id) => format!(r#"{{"type": "STORAGE_ID", "value": {id}}}"#),
            Self::Offset(offset) => format!(r#"{{"type": "OFFSET", "value": {offset}}}"#),
        };
        STANDARD.encode(raw)
    }

    /// Reads the text of a cursor.
    ///
    /// # Errors
    ///
    /// The text is not one that [`to_text`](Self::to_text) or Dagster writes.
    pub fn parse(text: &str) -> Result<Self, EventLogCursorError> {
        Self::read(text).ok_or_else(|| EventLogCursorError { text: text.to_owned() })
    }

    fn read(text: &str) -> Option<Self> {
        let raw = STANDARD.decode(text).ok()?;
        let raw: serde_json::Value = serde_json::from_slice(&raw).ok()?;
        let value = raw.get("value")?.as_i64()?;
        match raw.get("type")?.as_str()? {
            "STORAGE_ID" => Some(Self::StorageId(StorageId(value))),
            "OFFSET" => Some(Self::Offset(value.try_into().unwrap_or(0))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EventLogCursor;
    use crate::ids::StorageId;

    #[test]
    fn texts_are_those_of_python() {
        let cases = [
            (
                EventLogCursor::StorageId(StorageId(15)),
                "eyJ0eXBlIjogIlNUT1JBR0VfSUQiLCAidmFsdWUiOiAxNX0=",
            ),
            (
                EventLogCursor::StorageId(StorageId(1)),
                "eyJ0eXBlIjogIlNUT1JBR0VfSUQiLCAidmFsdWUiOiAxfQ==",
            ),
            (EventLogCursor::Offset(7), "eyJ0eXBlIjogIk9GRlNFVCIsICJ2YWx1ZSI6IDd9"),
        ];
        for (cursor, text) in cases {
            assert_eq!(cursor.to_text(), text);
            assert_eq!(EventLogCursor::parse(text), Ok(cursor));
        }
        for text in ["", "é", "eyJ9", "!!!!"] {
            assert!(EventLogCursor::parse(text).is_err());
        }
    }
}
