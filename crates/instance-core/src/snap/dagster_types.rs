//! The types that inputs and outputs of a job may have.

use std::collections::BTreeMap;

use crate::event::MetadataEntry;
use crate::{serdes_class, serdes_enum};

serdes_class! {
    /// All types of a job's inputs and outputs.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DagsterTypeNamespaceSnapshot = "DagsterTypeNamespaceSnapshot" {
        /// The types by key.
        pub all_dagster_type_snaps_by_key: BTreeMap<String, DagsterTypeSnap> = "all_dagster_type_snaps_by_key",
    }
}

serdes_enum! {
    /// The kind of a type.
    pub enum DagsterTypeKind = "DagsterTypeKind" {
        /// Any value.
        Any = "ANY",
        /// A scalar.
        Scalar = "SCALAR",
        /// A list.
        List = "LIST",
        /// No value, only an order of execution.
        Nothing = "NOTHING",
        /// A value or nothing.
        Nullable = "NULLABLE",
        /// A type of the user's.
        Regular = "REGULAR",
    }
}

serdes_class! {
    /// A type.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DagsterTypeSnap = "DagsterTypeSnap" {
        /// The description.
        pub description: Option<String> = "description",
        /// The name that people see.
        pub display_name: String = "display_name",
        /// Whether Dagster itself has the type.
        pub is_builtin: bool = "is_builtin" [or_default],
        /// The key by which outputs and inputs refer to the type.
        pub key: String = "key",
        /// The kind.
        pub kind: DagsterTypeKind = "kind",
        /// The key of the type of configuration from which a value can be loaded.
        pub loader_schema_key: Option<String> = "loader_schema_key",
        /// The key of the type of configuration for storing a value, in old versions.
        pub materializer_schema_key: Option<String> = "materializer_schema_key",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries" [skip],
        /// The name, for types that have one.
        pub name: Option<String> = "name",
        /// The keys of the types that this one is made of.
        pub type_param_keys: Vec<String> = "type_param_keys",
    }
}
