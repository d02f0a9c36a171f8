//! The values of metadata that describe tables.

use std::collections::BTreeMap;

use crate::asset_key::AssetKey;
use crate::serdes::Opaque;
use crate::serdes_class;

serdes_class! {
    /// A table with its rows.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableMetadataValue = "TableMetadataEntryData" {
        /// The rows.
        pub records: Vec<TableRecord> = "records",
        /// The columns.
        pub schema: TableSchema = "schema",
    }
}

serdes_class! {
    /// The columns of a table.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableSchemaMetadataValue = "TableSchemaMetadataEntryData" {
        /// The columns.
        pub schema: TableSchema = "schema",
    }
}

serdes_class! {
    /// A row.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableRecord = "TableRecord" {
        /// The values by column: texts, numbers, booleans or nothing.
        pub data: BTreeMap<String, Opaque> = "data",
    }
}

serdes_class! {
    /// The columns of a table.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableSchema = "TableSchema" {
        /// The columns, in their order.
        pub columns: Vec<TableColumn> = "columns",
        /// What holds for the table as a whole.
        pub constraints: TableConstraints = "constraints",
    }
}

serdes_class! {
    /// What holds for a table as a whole.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableConstraints = "TableConstraints" {
        /// Constraints in words.
        pub other: Vec<String> = "other",
    }
}

serdes_class! {
    /// A column.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableColumn = "TableColumn" {
        /// What holds for its values.
        pub constraints: TableColumnConstraints = "constraints",
        /// The description.
        pub description: Option<String> = "description",
        /// The name.
        pub name: String = "name",
        /// The tags.
        pub tags: BTreeMap<String, String> = "tags" [skip],
        /// The type, in the words of the database.
        pub r#type: String = "type",
    }
}

serdes_class! {
    /// What holds for the values of a column.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableColumnConstraints = "TableColumnConstraints" {
        /// Whether there may be none.
        pub nullable: bool = "nullable" [or_default],
        /// Constraints in words.
        pub other: Vec<String> = "other",
        /// Whether each occurs once.
        pub unique: bool = "unique" [or_default],
    }
}

serdes_class! {
    /// Which columns a table's columns were made from.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableColumnLineageMetadataValue = "TableColumnLineageMetadataValue" {
        /// The lineage.
        pub column_lineage: TableColumnLineage = "column_lineage",
    }
}

serdes_class! {
    /// Which columns a table's columns were made from.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableColumnLineage = "TableColumnLineage" {
        /// The columns by column.
        pub deps_by_column: BTreeMap<String, Vec<TableColumnDep>> = "deps_by_column",
    }
}

serdes_class! {
    /// A column of another asset.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TableColumnDep = "TableColumnDep" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// The column.
        pub column_name: String = "column_name",
    }
}
