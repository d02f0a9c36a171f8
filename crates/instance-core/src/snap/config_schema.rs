//! Building the types of a job's configuration, with the keys that Dagster computes for them.

use std::collections::BTreeMap;

use crate::ids::sha1_hex;
use crate::serdes::{UnknownFields, json_to_text};
use crate::snap::{
    ConfigFieldSnap, ConfigScalarKind, ConfigSchemaSnapshot, ConfigTypeKind, ConfigTypeSnap,
};

/// The key of a type that a [`ConfigSchemaBuilder`] holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigType(String);

impl ConfigType {
    /// The key.
    pub fn key(&self) -> &str {
        &self.0
    }
}

/// A field of a shape or selector that is being built.
#[derive(Debug, Clone)]
pub struct ConfigField {
    snap: ConfigFieldSnap,
}

impl ConfigField {
    /// A field for which a value must be given.
    pub fn required(name: &str, type_: &ConfigType) -> Self {
        Self::new(name, type_, true, None)
    }

    /// A field that may be missing.
    pub fn optional(name: &str, type_: &ConfigType) -> Self {
        Self::new(name, type_, false, None)
    }

    /// A field that has a default.
    pub fn with_default(name: &str, type_: &ConfigType, default: &serde_json::Value) -> Self {
        Self::new(name, type_, false, Some(json_to_text(default)))
    }

    /// The same field with a description.
    #[must_use]
    pub fn described(mut self, description: &str) -> Self {
        self.snap.description = Some(description.to_owned());
        self
    }

    /// The field as it is stored.
    pub fn snap(&self) -> ConfigFieldSnap {
        self.snap.clone()
    }

    fn new(name: &str, type_: &ConfigType, is_required: bool, default: Option<String>) -> Self {
        Self {
            snap: ConfigFieldSnap {
                default_provided: default.is_some(),
                default_value_as_json_str: default,
                description: None,
                is_required,
                is_secret: None,
                name: Some(name.to_owned()),
                type_key: type_.0.clone(),
                unknown: UnknownFields::default(),
            },
        }
    }

    fn name(&self) -> &str {
        self.snap.name.as_deref().unwrap_or_default()
    }
}

/// Collects the types of a job's configuration.
#[derive(Debug, Default)]
pub struct ConfigSchemaBuilder {
    types: BTreeMap<String, ConfigTypeSnap>,
}

impl ConfigSchemaBuilder {
    /// A builder without types.
    pub fn new() -> Self {
        Self::default()
    }

    /// The type of any value.
    pub fn any(&mut self) -> ConfigType {
        self.add(ConfigTypeSnap {
            given_name: Some("Any".to_owned()),
            ..blank("Any", ConfigTypeKind::Any)
        })
    }

    /// A scalar.
    pub fn scalar(&mut self, kind: ConfigScalarKind) -> ConfigType {
        let name = match kind {
            ConfigScalarKind::Int => "Int",
            ConfigScalarKind::String => "String",
            ConfigScalarKind::Float => "Float",
            ConfigScalarKind::Bool => "Bool",
        };
        self.add(ConfigTypeSnap {
            given_name: Some(name.to_owned()),
            description: Some(String::new()),
            scalar_kind: Some(kind),
            ..blank(name, ConfigTypeKind::Scalar)
        })
    }

    /// A list.
    pub fn array(&mut self, item: &ConfigType) -> ConfigType {
        self.add(ConfigTypeSnap {
            description: Some(format!("List of Array.{}", item.0)),
            type_param_keys: Some(vec![item.0.clone()]),
            ..blank(&format!("Array.{}", item.0), ConfigTypeKind::Array)
        })
    }

    /// Named fields and no others.
    pub fn shape(&mut self, fields: Vec<ConfigField>) -> ConfigType {
        self.add_fields("Shape", ConfigTypeKind::StrictShape, fields)
    }

    /// Exactly one of several fields.
    pub fn selector(&mut self, fields: Vec<ConfigField>) -> ConfigType {
        self.add_fields("Selector", ConfigTypeKind::Selector, fields)
    }

    /// A scalar or an object.
    pub fn scalar_union(&mut self, scalar: &ConfigType, other: &ConfigType) -> ConfigType {
        self.add(ConfigTypeSnap {
            type_param_keys: Some(vec![scalar.0.clone(), other.0.clone()]),
            ..blank(&format!("ScalarUnion.{}-{}", scalar.0, other.0), ConfigTypeKind::ScalarUnion)
        })
    }

    /// All types that were built.
    pub fn finish(self) -> ConfigSchemaSnapshot {
        ConfigSchemaSnapshot {
            all_config_snaps_by_key: self.types,
            unknown: UnknownFields::default(),
        }
    }

    fn add_fields(
        &mut self,
        prefix: &str,
        kind: ConfigTypeKind,
        mut fields: Vec<ConfigField>,
    ) -> ConfigType {
        fields.sort_by(|left, right| left.name().cmp(right.name()));
        let key = format!("{prefix}.{}", fields_hash(&fields));
        let fields = fields.into_iter().map(|field| field.snap).collect();
        self.add(ConfigTypeSnap { fields: Some(fields), ..blank(&key, kind) })
    }

    fn add(&mut self, snap: ConfigTypeSnap) -> ConfigType {
        let key = snap.key.clone();
        self.types.insert(key.clone(), snap);
        ConfigType(key)
    }
}

fn blank(key: &str, kind: ConfigTypeKind) -> ConfigTypeSnap {
    ConfigTypeSnap {
        description: None,
        enum_values: None,
        field_aliases: None,
        fields: None,
        given_name: None,
        key: key.to_owned(),
        kind,
        scalar_kind: None,
        type_param_keys: None,
        unknown: UnknownFields::default(),
    }
}

/// The hash that makes the key of a shape or selector from its fields, which are sorted by name.
fn fields_hash(fields: &[ConfigField]) -> String {
    let mut parts = Vec::new();
    for field in fields {
        let snap = &field.snap;
        parts.extend([":fieldname:", field.name()]);
        if let Some(default) = &snap.default_value_as_json_str {
            parts.extend([":default_value: ", default]);
        }
        parts.extend([":is_required: ", if snap.is_required { "True" } else { "False" }]);
        parts.extend([":type_key: ", &snap.type_key]);
        if let Some(description) = snap.description.as_deref().filter(|text| !text.is_empty()) {
            parts.extend([":description: ", description]);
        }
    }
    sha1_hex(&parts)
}
