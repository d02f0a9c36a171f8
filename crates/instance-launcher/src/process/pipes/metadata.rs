//! Values of metadata as messages have them: a type and a raw value.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::event::metadata::{
    BoolMetadataValue, DagsterAssetMetadataValue, DagsterRunMetadataValue, FloatMetadataValue,
    IntMetadataValue, JsonMetadataValue, MarkdownMetadataValue, NotebookMetadataValue,
    NullMetadataValue, PathMetadataValue, TableColumn, TableColumnConstraints, TableColumnDep,
    TableColumnLineage, TableColumnLineageMetadataValue, TableConstraints, TableMetadataValue,
    TableRecord, TableSchema, TableSchemaMetadataValue, TextMetadataValue, TimestampMetadataValue,
    UrlMetadataValue,
};
use instance_core::event::{MetadataEntry, MetadataValue};
use instance_core::ids::RunId;
use instance_core::serdes::{
    Kind, Number, Opaque, Reader, UnknownFields, Unpack, deserialize_value,
};

use super::fields::{Fields, read_list, read_map};

/// A reason why a message cannot be understood, for people.
pub(super) type Reason = String;

/// The entries of a message, in its order. Null means none.
pub(super) fn metadata(raw: &str) -> Result<Vec<MetadataEntry>, Reason> {
    if raw == "null" {
        return Ok(Vec::new());
    }
    let mut entries: Vec<MetadataEntry> = Vec::new();
    for (label, value) in read_map(raw).map_err(|reason| format!("metadata: {reason}"))? {
        let of_label = |reason| format!("metadata {label:?}: {reason}");
        let fields = Fields::read(value).map_err(of_label)?;
        let kind = fields.text("type").map_err(of_label)?;
        let value = fields.get("raw_value").map_err(of_label)?;
        let value = metadata_value(&kind, value).map_err(of_label)?;
        // As in Python, the last of two values with one label counts, at the place of the first.
        match entries.iter_mut().find(|entry| entry.label == label) {
            Some(entry) => entry.entry_data = value,
            None => entries.push(MetadataEntry::new(label, value)),
        }
    }
    Ok(entries)
}

/// Declares the values that have one field.
macro_rules! value {
    ($class:ident, $field:ident: $value:expr) => {
        MetadataValue::from($class { $field: $value, unknown: UnknownFields::default() })
    };
}

fn metadata_value(kind: &str, raw: &str) -> Result<MetadataValue, Reason> {
    Ok(match kind {
        "__infer__" => inferred(raw)?,
        "text" => value!(TextMetadataValue, text: read(raw, "a text")?),
        "url" => value!(UrlMetadataValue, url: read(raw, "a text")?),
        "path" => value!(PathMetadataValue, path: read(raw, "a text")?),
        "notebook" => value!(NotebookMetadataValue, path: read(raw, "a text")?),
        "md" => value!(MarkdownMetadataValue, md_str: read(raw, "a text")?),
        "json" => json(raw)?,
        "int" => value!(IntMetadataValue, value: integer(raw)?),
        "float" => value!(FloatMetadataValue, value: float(raw)?),
        "bool" => value!(BoolMetadataValue, value: read(raw, "true or false")?),
        "dagster_run" => {
            value!(DagsterRunMetadataValue, run_id: RunId::from(read::<String>(raw, "a run id")?))
        }
        "asset" => {
            let text: String = read(raw, "a key of an asset")?;
            value!(DagsterAssetMetadataValue, asset_key: AssetKey::new(text.split('/')))
        }
        "timestamp" => {
            let seconds = float(raw)?.ok_or("expected seconds since 1970, found null")?;
            value!(TimestampMetadataValue, value: seconds)
        }
        "null" => null(),
        "table" => {
            let fields = Fields::read(raw)?;
            let records = read_list(fields.get("records")?)?;
            let records = records.into_iter().map(record).collect::<Result<_, _>>()?;
            TableMetadataValue {
                records,
                schema: schema(fields.get("schema")?)?,
                unknown: UnknownFields::default(),
            }
            .into()
        }
        "table_schema" => {
            value!(TableSchemaMetadataValue, schema: schema(Fields::read(raw)?.get("columns")?)?)
        }
        "table_column_lineage" => lineage(raw)?,
        other => return Err(format!("there is no type {other:?}")),
    })
}

fn read<T: Unpack>(raw: &str, expected: &str) -> Result<T, Reason> {
    deserialize_value(raw).map_err(|_| format!("expected {expected}, found {}", short(raw)))
}

/// What a message has in place of something else, as far as people want to see it.
pub(super) fn short(raw: &str) -> String {
    const SHOWN: usize = 60;
    match raw.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", raw.get(..end).unwrap_or_default()),
        None => raw.to_owned(),
    }
}

fn null() -> MetadataValue {
    NullMetadataValue { unknown: UnknownFields::default() }.into()
}

fn json(raw: &str) -> Result<MetadataValue, Reason> {
    let data = Opaque::from_json_text(raw).map_err(|error| error.to_string())?;
    Ok(value!(JsonMetadataValue, data: data))
}

fn inferred(raw: &str) -> Result<MetadataValue, Reason> {
    let kind = Reader::new(raw).kind().map_err(|error| error.to_string())?;
    Ok(match kind {
        Kind::Null => null(),
        Kind::Bool => value!(BoolMetadataValue, value: read(raw, "true or false")?),
        Kind::String => value!(TextMetadataValue, text: read(raw, "a text")?),
        Kind::Number if is_integer(raw) => value!(IntMetadataValue, value: integer(raw)?),
        Kind::Number => value!(FloatMetadataValue, value: float(raw)?),
        Kind::List | Kind::Object => json(raw)?,
    })
}

fn is_integer(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// An integer of any size; `None` for null.
fn integer(raw: &str) -> Result<Option<Number>, Reason> {
    if raw != "null" && !is_integer(raw) {
        return Err(format!("expected an integer, found {}", short(raw)));
    }
    read(raw, "an integer")
}

/// A float; `None` for null. Languages that do not tell 2.0 from 2 write the latter.
fn float(raw: &str) -> Result<Option<Number>, Reason> {
    let number: Option<Number> = read(raw, "a number")?;
    Ok(number.map(|number| Number::from(number.as_f64())))
}

fn record(raw: &str) -> Result<TableRecord, Reason> {
    let mut data = BTreeMap::new();
    for (column, value) in read_map(raw)? {
        match Reader::new(value).kind() {
            Ok(Kind::List | Kind::Object) | Err(_) => {
                let value = short(value);
                return Err(format!("column {column:?} has {value}, which is no cell of a table"));
            }
            Ok(_) => {}
        }
        let value = Opaque::from_json_text(value).map_err(|error| error.to_string())?;
        data.insert(column, value);
    }
    Ok(TableRecord { data, unknown: UnknownFields::default() })
}

fn schema(raw: &str) -> Result<TableSchema, Reason> {
    let columns = read_list(raw)?.into_iter().map(column).collect::<Result<_, _>>()?;
    let constraints = TableConstraints { other: Vec::new(), unknown: UnknownFields::default() };
    Ok(TableSchema { columns, constraints, unknown: UnknownFields::default() })
}

fn column(raw: &str) -> Result<TableColumn, Reason> {
    let fields = Fields::read(raw)?;
    let or_nothing = |name| fields.optional(name).filter(|raw| *raw != "null");
    let mut tags = BTreeMap::new();
    for (key, value) in or_nothing("tags").map(read_map).transpose()?.unwrap_or_default() {
        tags.insert(key, read(value, "a text")?);
    }
    let mut constraints = TableColumnConstraints {
        nullable: true,
        other: Vec::new(),
        unique: false,
        unknown: UnknownFields::default(),
    };
    if let Some(raw) = or_nothing("constraints") {
        let given = Fields::read(raw)?;
        let flag = |name, default| {
            given.optional(name).map_or(Ok(default), |raw| read::<bool>(raw, "true or false"))
        };
        constraints.nullable = flag("nullable", true)?;
        constraints.unique = flag("unique", false)?;
        if let Some(raw) = given.optional("other").filter(|raw| *raw != "null") {
            constraints.other = read(raw, "a list of texts")?;
        }
    }
    Ok(TableColumn {
        constraints,
        description: or_nothing("description").map(|raw| read(raw, "a text")).transpose()?,
        name: fields.text("name")?,
        tags,
        r#type: fields.text("type")?,
        unknown: UnknownFields::default(),
    })
}

fn lineage(raw: &str) -> Result<MetadataValue, Reason> {
    let mut deps_by_column = BTreeMap::new();
    for (column, deps) in read_map(Fields::read(raw)?.get("deps_by_column")?)? {
        let deps = read_list(deps)?.into_iter().map(dep).collect::<Result<_, _>>()?;
        deps_by_column.insert(column, deps);
    }
    let lineage = TableColumnLineage { deps_by_column, unknown: UnknownFields::default() };
    Ok(value!(TableColumnLineageMetadataValue, column_lineage: lineage))
}

fn dep(raw: &str) -> Result<TableColumnDep, Reason> {
    let fields = Fields::read(raw)?;
    // As in Dagster, a text is the one part of a key.
    let asset_key = fields.get("asset_key")?;
    let asset_key = match deserialize_value::<String>(asset_key) {
        Ok(part) => AssetKey::new([part]),
        Err(_) => AssetKey::new(read::<Vec<String>>(asset_key, "a key of an asset")?),
    };
    let column_name = fields.text("column_name")?;
    Ok(TableColumnDep { asset_key, column_name, unknown: UnknownFields::default() })
}
