//! Metadata: labelled values on events. What is not text is carried as it is.

use crate::serdes::UnknownFields;
use crate::{serdes_class, serdes_union};

serdes_class! {
    /// A labelled value.
    #[derive(Debug, Clone, PartialEq)]
    pub struct MetadataEntry = "EventMetadataEntry" {
        /// A description, which Dagster no longer shows.
        pub description: Option<String> = "description",
        /// The value.
        pub entry_data: MetadataValue = "entry_data",
        /// The label.
        pub label: String = "label",
    }
}

impl MetadataEntry {
    /// A text with a label.
    pub fn text(label: impl Into<String>, text: impl Into<String>) -> Self {
        let value =
            TextMetadataValue { text: Some(text.into()), unknown: UnknownFields::default() };
        Self {
            description: None,
            entry_data: value.into(),
            label: label.into(),
            unknown: UnknownFields::default(),
        }
    }
}

serdes_union! {
    /// A value of metadata.
    pub enum MetadataValue {
        /// A text.
        Text(TextMetadataValue),
    }
}

serdes_class! {
    /// A text.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TextMetadataValue = "TextMetadataEntryData" {
        /// The text.
        pub text: Option<String> = "text",
    }
}
