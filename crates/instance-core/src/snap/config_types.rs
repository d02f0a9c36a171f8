//! The types that the configuration of a job may have, as they are stored.

use std::collections::BTreeMap;

use crate::{serdes_class, serdes_enum};

serdes_class! {
    /// All types of a job's configuration.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ConfigSchemaSnapshot = "ConfigSchemaSnapshot" {
        /// The types by key.
        pub all_config_snaps_by_key: BTreeMap<String, ConfigTypeSnap> = "all_config_snaps_by_key",
    }
}

serdes_enum! {
    /// The kind of a type of configuration.
    pub enum ConfigTypeKind = "ConfigTypeKind" {
        /// Any value.
        Any = "ANY",
        /// A scalar.
        Scalar = "SCALAR",
        /// One of named values.
        Enum = "ENUM",
        /// Exactly one of several fields.
        Selector = "SELECTOR",
        /// Named fields and no others.
        StrictShape = "STRICT_SHAPE",
        /// Named fields and any others.
        PermissiveShape = "PERMISSIVE_SHAPE",
        /// A scalar or an object.
        ScalarUnion = "SCALAR_UNION",
        /// A mapping.
        Map = "MAP",
        /// A list.
        Array = "ARRAY",
        /// A value or nothing.
        Noneable = "NONEABLE",
    }
}

serdes_enum! {
    /// The kind of a scalar of configuration.
    pub enum ConfigScalarKind = "ConfigScalarKind" {
        /// An integer.
        Int = "INT",
        /// A string.
        String = "STRING",
        /// A float.
        Float = "FLOAT",
        /// A boolean.
        Bool = "BOOL",
    }
}

serdes_class! {
    /// A type of configuration.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ConfigTypeSnap = "ConfigTypeSnap" {
        /// The description.
        pub description: Option<String> = "description",
        /// The values of an enum.
        pub enum_values: Option<Vec<ConfigEnumValueSnap>> = "enum_values",
        /// Other names of fields, by field.
        pub field_aliases: Option<BTreeMap<String, String>> = "field_aliases" [skip],
        /// The fields of a shape or a selector.
        pub fields: Option<Vec<ConfigFieldSnap>> = "fields",
        /// The name, for types that have one.
        pub given_name: Option<String> = "given_name",
        /// The key by which other types refer to this one.
        pub key: String = "key",
        /// The kind.
        pub kind: ConfigTypeKind = "kind",
        /// The kind of a scalar.
        pub scalar_kind: Option<ConfigScalarKind> = "scalar_kind",
        /// The keys of the types that this one is made of.
        pub type_param_keys: Option<Vec<String>> = "type_param_keys",
    }
}

serdes_class! {
    /// A field of a shape or a selector.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ConfigFieldSnap = "ConfigFieldSnap" {
        /// Whether there is a default.
        pub default_provided: bool = "default_provided" [or_default],
        /// The default, as JSON text.
        pub default_value_as_json_str: Option<String> = "default_value_as_json_str",
        /// The description.
        pub description: Option<String> = "description",
        /// Whether a value must be given.
        pub is_required: bool = "is_required" [or_default],
        /// Whether the value is to be hidden.
        pub is_secret: Option<bool> = "is_secret" [skip],
        /// The name; `None` for a field that stands alone.
        pub name: Option<String> = "name",
        /// The key of the field's type.
        pub type_key: String = "type_key",
    }
}

serdes_class! {
    /// A value of an enum.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ConfigEnumValueSnap = "ConfigEnumValueSnap" {
        /// The description.
        pub description: Option<String> = "description",
        /// The value.
        pub value: String = "value",
    }
}
