//! Metadata: labelled values on events, ops, assets and checks.

mod code_references;
mod table;
mod values;

pub use code_references::{
    CodeReference, CodeReferencesMetadataValue, LocalFileCodeReference, UrlCodeReference,
};
pub use table::{
    TableColumn, TableColumnConstraints, TableColumnDep, TableColumnLineage,
    TableColumnLineageMetadataValue, TableConstraints, TableMetadataValue, TableRecord,
    TableSchema, TableSchemaMetadataValue,
};
pub use values::{
    BoolMetadataValue, CodeLocationReconstructionMetadataValue, DagsterAssetMetadataValue,
    DagsterJobMetadataValue, DagsterRunMetadataValue, FloatMetadataValue, IntMetadataValue,
    JsonMetadataValue, MarkdownMetadataValue, NotebookMetadataValue, NullMetadataValue,
    ObjectMetadataValue, PathMetadataValue, PoolMetadataValue, PythonArtifactMetadataValue,
    TextMetadataValue, TimestampMetadataValue, UrlMetadataValue,
};

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
    /// A value with a label.
    pub fn new(label: impl Into<String>, value: impl Into<MetadataValue>) -> Self {
        Self {
            description: None,
            entry_data: value.into(),
            label: label.into(),
            unknown: UnknownFields::default(),
        }
    }

    /// A text with a label.
    pub fn text(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(label, TextMetadataValue::new(text))
    }
}

serdes_union! {
    /// A value of metadata.
    pub enum MetadataValue {
        /// A boolean.
        Bool(BoolMetadataValue),
        /// The state of a code location's definitions.
        CodeLocationReconstruction(CodeLocationReconstructionMetadataValue),
        /// Where something is defined.
        CodeReferences(CodeReferencesMetadataValue),
        /// An asset.
        DagsterAsset(DagsterAssetMetadataValue),
        /// A job.
        DagsterJob(DagsterJobMetadataValue),
        /// A run.
        DagsterRun(DagsterRunMetadataValue),
        /// A float.
        Float(FloatMetadataValue),
        /// An integer.
        Int(IntMetadataValue),
        /// Any JSON.
        Json(JsonMetadataValue),
        /// Markdown.
        Markdown(MarkdownMetadataValue),
        /// The path of a notebook.
        Notebook(NotebookMetadataValue),
        /// Nothing.
        Null(NullMetadataValue),
        /// An object of Python's.
        Object(ObjectMetadataValue),
        /// A path.
        Path(PathMetadataValue),
        /// A pool.
        Pool(PoolMetadataValue),
        /// A class or function of Python's.
        PythonArtifact(PythonArtifactMetadataValue),
        /// Which columns a table's columns were made from.
        TableColumnLineage(TableColumnLineageMetadataValue),
        /// A table.
        Table(TableMetadataValue),
        /// The columns of a table.
        TableSchema(TableSchemaMetadataValue),
        /// A text.
        Text(TextMetadataValue),
        /// A time.
        Timestamp(TimestampMetadataValue),
        /// A URL.
        Url(UrlMetadataValue),
    }
}
