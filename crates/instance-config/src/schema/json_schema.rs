//! The JSON Schemas of `dagster.yaml` and `workspace.yaml`, by which editors complete and check the files.
//!
//! It accepts what Dagster accepts, as far as JSON Schema can say it. Which section excludes which is not said.

use serde_json::{Map, Value, json};

use super::class_list::CLASSES;
use super::{Class, Field, INSTANCE, Need, Rule, Scalar, Slot, Type, WORKSPACE};

/// Returns the JSON Schema of `dagster.yaml`, as text.
///
/// Editors with support of YAML complete and check the file by it. It has Dagster's sections, and the configuration of
/// the classes that come with Dagster's own packages.
pub fn dagster_yaml_schema() -> String {
    let definitions = CLASSES.iter().map(|class| (definition_of(class), of_type(&class.config)));
    let mut schema = object(INSTANCE, false);
    schema["title"] = json!("dagster.yaml");
    schema["description"] =
        json!("The configuration of a Dagster instance, as Dagster 1.13.27 reads it.");
    schema["definitions"] = Value::Object(definitions.collect());
    text_of(schema)
}

/// Returns the JSON Schema of `workspace.yaml`, as text.
///
/// It accepts every kind of code location that open-source Dagster reads from the file.
pub fn workspace_yaml_schema() -> String {
    let mut schema = object(WORKSPACE, false);
    schema["title"] = json!("workspace.yaml");
    schema["description"] =
        json!("The code locations of a Dagster workspace, as Dagster 1.13.27 reads them.");
    text_of(schema)
}

fn text_of(mut schema: Value) -> String {
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    let mut text = format!("{schema:#}");
    text.push('\n');
    text
}

fn definition_of(class: &Class) -> String {
    class.name.to_owned()
}

fn of_type(kind: &Type) -> Value {
    match kind {
        Type::Scalar(scalar) => json!({ "type": name(*scalar) }),
        Type::Source(scalar) => json!({ "anyOf": [{ "type": name(*scalar) }, env()] }),
        Type::Nullable(inner) => json!({ "anyOf": [{ "type": "null" }, of_type(inner)] }),
        Type::List(inner) => json!({ "type": "array", "items": of_type(inner) }),
        Type::Map(inner) => json!({ "type": "object", "additionalProperties": of_type(inner) }),
        Type::Shape(fields) => object(fields, false),
        Type::Open(fields) => object(fields, true),
        Type::Choice(fields) => choice(fields),
        Type::Either(scalar, inner) => {
            json!({ "anyOf": [{ "type": name(*scalar) }, of_type(inner)] })
        }
        Type::Class(slot) => class_of(*slot),
    }
}

const fn name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Text => "string",
        Scalar::Integer => "integer",
        Scalar::Number => "number",
        Scalar::Boolean => "boolean",
    }
}

fn env() -> Value {
    json!({
        "type": "object",
        "description": "The value of an environment variable.",
        "properties": { "env": { "type": "string", "description": "The name of the variable." } },
        "required": ["env"],
        "additionalProperties": false,
    })
}

fn object(fields: &[Field], open: bool) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.insert("properties".to_owned(), properties(fields));
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.need == Need::Required)
        .map(|field| field.name)
        .collect();
    if !required.is_empty() {
        object.insert("required".to_owned(), json!(required));
    }
    if !open {
        object.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(object)
}

fn properties(fields: &[Field]) -> Value {
    Value::Object(fields.iter().map(|field| (field.name.to_owned(), property(field))).collect())
}

fn property(field: &Field) -> Value {
    let mut schema = of_type(&field.kind);
    let Some(members) = schema.as_object_mut() else { return schema };
    members.insert("description".to_owned(), json!(field.about));
    let default = field.default.map(|default| serde_json::from_str::<Value>(default.json()));
    if let Some(Ok(default)) = default {
        members.insert("default".to_owned(), default);
    }
    match field.rule {
        Some(Rule::OneOf(known)) => {
            members.insert("enum".to_owned(), json!(known));
        }
        Some(Rule::PoolLimit) => {
            members.insert("minimum".to_owned(), json!(0));
        }
        Some(Rule::RunLimit) => {
            members.insert("minimum".to_owned(), json!(-1));
        }
        None => {}
    }
    schema
}

fn choice(fields: &[Field]) -> Value {
    json!({
        "type": "object",
        "properties": properties(fields),
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
    })
}

/// A section that names a class. The configuration of a class of Dagster's is checked, that of another is not.
fn class_of(slot: Slot) -> Value {
    let classes: Vec<&Class> = CLASSES.iter().filter(|class| class.slot == slot).collect();
    let known: Vec<Value> = classes
        .iter()
        .map(|class| {
            let reference = format!("#/definitions/{}", definition_of(class));
            let mut then = json!({ "properties": { "config": { "$ref": reference } } });
            if has_required(&class.config) {
                then["required"] = json!(["config"]);
            }
            let modules = class.modules;
            json!({
                "if": { "properties": { "class": { "const": class.name }, "module": { "enum": modules } } },
                "then": then,
            })
        })
        .collect();
    let names: Vec<&str> = classes.iter().map(|class| class.name).collect();
    let mut schema = object(Field::OF_CLASS, false);
    if !known.is_empty() {
        schema["allOf"] = json!(known);
        schema["properties"]["class"]["examples"] = json!(names);
    }
    schema
}

fn has_required(kind: &Type) -> bool {
    match kind {
        Type::Shape(fields) | Type::Open(fields) => {
            fields.iter().any(|field| field.need == Need::Required)
        }
        Type::Choice(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{dagster_yaml_schema, workspace_yaml_schema};

    #[test]
    fn the_schema_has_sections_classes_and_their_keys() {
        let schema: Value = serde_json::from_str(&dagster_yaml_schema()).expect("JSON");
        assert_eq!(schema["properties"]["run_retries"]["properties"]["max_retries"]["default"], 0);
        assert_eq!(schema["additionalProperties"], false);
        let launcher = &schema["definitions"]["K8sRunLauncher"];
        assert_eq!(launcher["required"][0], "instance_config_map");
        let classes = &schema["properties"]["run_launcher"]["allOf"];
        assert!(classes.to_string().contains("#/definitions/K8sRunLauncher"), "{classes}");
    }

    #[test]
    fn the_schema_of_a_workspace_is_pinned() {
        insta::assert_snapshot!(workspace_yaml_schema());
    }
}
