//! What is stored of events beside their own rows, before the events have ids.

use chrono::{DateTime, NaiveDateTime, Utc};

/// What is stored after events. A *place* is the position of an event among them, from 0.
#[derive(Debug, Default)]
pub(crate) struct Following {
    pub(crate) tags: Vec<TagAt>,
    /// Assets that get a row if they have none, ascending, each once.
    pub(crate) mentioned: Vec<String>,
    /// Assets whose rows are made or changed, ascending, each once.
    pub(crate) changed: Vec<AssetAt>,
}

/// A tag of an asset event.
#[derive(Debug)]
pub(crate) struct TagAt {
    pub(crate) place: usize,
    pub(crate) asset_key: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) timestamp: NaiveDateTime,
}

/// What events change of an asset's row. What is `None` stays as it is.
#[derive(Debug)]
pub(crate) struct AssetAt {
    pub(crate) asset_key: String,
    /// The place of its last materialisation.
    pub(crate) materialized: Option<usize>,
    pub(crate) run_id: Option<String>,
    pub(crate) timestamp: DateTime<Utc>,
}

/// The record of an event, around the texts of the event and of its id.
pub(crate) const RECORD: [&str; 3] =
    [r#"{"__class__": "EventLogRecord", "event_log_entry": "#, r#", "storage_id": "#, "}"];
