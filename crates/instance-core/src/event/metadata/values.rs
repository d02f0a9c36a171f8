//! The values of metadata that are one thing.

use crate::asset_key::AssetKey;
use crate::ids::RunId;
use crate::serdes::{Number, Opaque, UnknownFields};
use crate::serdes_class;

/// Declares a value of metadata with one field, and its constructor.
macro_rules! one_field {
    ($(#[$meta:meta])* $name:ident = $class:literal, $(#[$field_meta:meta])* $field:ident: $type:ty = $key:literal) => {
        serdes_class! {
            $(#[$meta])*
            #[derive(Debug, Clone, PartialEq)]
            pub struct $name = $class {
                $(#[$field_meta])*
                pub $field: $type = $key,
            }
        }
    };
}

one_field!(
    /// A boolean.
    BoolMetadataValue = "BoolMetadataEntryData",
    /// The value.
    value: Option<bool> = "value"
);
one_field!(
    /// The state of a code location's definitions.
    CodeLocationReconstructionMetadataValue = "CodeLocationReconstructionMetadataValue",
    /// The state, as text.
    data: String = "data"
);
one_field!(
    /// An asset.
    DagsterAssetMetadataValue = "DagsterAssetMetadataEntryData",
    /// The asset.
    asset_key: AssetKey = "asset_key"
);
one_field!(
    /// A run.
    DagsterRunMetadataValue = "DagsterPipelineRunMetadataEntryData",
    /// The run.
    run_id: RunId = "run_id"
);
one_field!(
    /// A float.
    FloatMetadataValue = "FloatMetadataEntryData",
    /// The value; Python also takes an integer.
    value: Option<Number> = "value"
);
one_field!(
    /// An integer of any size.
    IntMetadataValue = "IntMetadataEntryData",
    /// The value.
    value: Option<Number> = "value"
);
one_field!(
    /// Any JSON.
    JsonMetadataValue = "JsonMetadataEntryData",
    /// The value.
    data: Opaque = "data"
);
one_field!(
    /// Markdown.
    MarkdownMetadataValue = "MarkdownMetadataEntryData",
    /// The text.
    md_str: Option<String> = "md_str"
);
one_field!(
    /// The path of a notebook.
    NotebookMetadataValue = "NotebookMetadataEntryData",
    /// The path.
    path: Option<String> = "path"
);
one_field!(
    /// A path.
    PathMetadataValue = "PathMetadataEntryData",
    /// The path.
    path: Option<String> = "path"
);
one_field!(
    /// A pool.
    PoolMetadataValue = "PoolMetadataValue",
    /// The name of the pool.
    pool: String = "pool"
);
one_field!(
    /// A text.
    TextMetadataValue = "TextMetadataEntryData",
    /// The text.
    text: Option<String> = "text"
);
one_field!(
    /// A time.
    TimestampMetadataValue = "TimestampMetadataValue",
    /// Seconds since 1970.
    value: Number = "value"
);
one_field!(
    /// A URL.
    UrlMetadataValue = "UrlMetadataEntryData",
    /// The URL.
    url: Option<String> = "url"
);

serdes_class! {
    /// Nothing.
    #[derive(Debug, Clone, PartialEq)]
    pub struct NullMetadataValue = "NullMetadataEntryData" {}
}

serdes_class! {
    /// A job.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DagsterJobMetadataValue = "DagsterJobMetadataValue" {
        /// The job.
        pub job_name: String = "job_name",
        /// Its code location.
        pub location_name: String = "location_name",
        /// Its repository.
        pub repository_name: Option<String> = "repository_name",
    }
}

serdes_class! {
    /// A Python object. Only the name of its class is stored.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ObjectMetadataValue = "ObjectMetadataValue" {
        /// The name of the class.
        pub class_name: Option<String> = "inst",
        /// The object itself, which is not stored.
        pub instance: Option<Opaque> = "instance" [skip],
    }
}

serdes_class! {
    /// A class or function of Python's.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PythonArtifactMetadataValue = "PythonArtifactMetadataEntryData" {
        /// The module.
        pub module: String = "module",
        /// The name within the module.
        pub name: String = "name",
    }
}

impl TextMetadataValue {
    /// A text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), unknown: UnknownFields::default() }
    }
}

impl IntMetadataValue {
    /// An integer.
    pub fn new(value: i64) -> Self {
        Self { value: Some(value.into()), unknown: UnknownFields::default() }
    }
}

impl FloatMetadataValue {
    /// A float.
    pub fn new(value: f64) -> Self {
        Self { value: Some(value.into()), unknown: UnknownFields::default() }
    }
}
