//! The models of Kubernetes that a Job is made of: the names of their fields in both spellings, and what becomes of values.
//!
//! The table of the models is that of the Python client, which Dagster checks configurations by. Not here: which fields a
//! Job gets.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use instance_core::error::BoxError;
use instance_core::serdes::python_repr;
use serde_json::{Map, Value};

use super::python_text::python_str;

/// `tests/python/kubernetes_models.py` writes it, and says what a line means.
const TABLE: &str = include_str!("models.txt");

static MODELS: LazyLock<BTreeMap<&str, Model>> = LazyLock::new(|| read(TABLE));

/// A model, as far as its fields are known.
#[derive(Debug, Default)]
struct Model {
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    /// Its name in Python, in `snake_case`.
    name: &'static str,
    /// Its name in JSON, in `camelCase`.
    json: &'static str,
    kind: Kind,
    is_required: bool,
}

#[derive(Debug, PartialEq)]
enum Kind {
    List(Box<Kind>),
    Mapping(Box<Kind>),
    Model(&'static str),
    Text,
    Integer,
    Boolean,
    /// Anything, and points in time, which the API server reads.
    Anything,
}

fn read(table: &'static str) -> BTreeMap<&'static str, Model> {
    let mut models: BTreeMap<&str, Model> = BTreeMap::new();
    let mut current = "";
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let Some(field) = line.strip_prefix(' ') else {
            current = line;
            continue;
        };
        let mut words: Vec<&str> = field.split(' ').collect();
        let is_required = words.pop_if(|last| *last == "!").is_some();
        if let [name, kind, json @ ..] = &words[..] {
            let json = json.first().unwrap_or(name);
            let field = Field { name, json, kind: kind_of(kind), is_required };
            models.entry(current).or_default().fields.push(field);
        }
    }
    models
}

fn kind_of(word: &'static str) -> Kind {
    let inner = |prefix, end| word.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(end));
    if let Some(item) = inner("list[", ']') {
        return Kind::List(Box::new(kind_of(item)));
    }
    if let Some(value) = inner("dict(str,", ')') {
        return Kind::Mapping(Box::new(kind_of(value)));
    }
    match word {
        "str" => Kind::Text,
        "int" => Kind::Integer,
        "bool" => Kind::Boolean,
        "datetime" | "object" => Kind::Anything,
        model => Kind::Model(model),
    }
}

impl Model {
    fn find(name: &str) -> Result<&'static Self, BoxError> {
        MODELS.get(name).ok_or_else(|| format!("no model of Kubernetes is called {name}").into())
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    fn refuse_unknown<'a>(
        &self,
        model: &str,
        keys: impl Iterator<Item = &'a String>,
    ) -> Result<(), BoxError> {
        let unknown = keys.filter(|key| self.field(key).is_none());
        let unknown: Vec<_> = unknown.map(|key| python_repr(key)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(format!("Unexpected keys in model class {model}: {{{}}}", unknown.join(", ")).into())
    }
}

/// The same mapping with the names of its keys in `snake_case`; what is below them is as it was.
///
/// # Errors
///
/// A key that the model does not have, or one that is there in both spellings.
pub(super) fn snake_case_keys(
    model: &str,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, BoxError> {
    let known = Model::find(model)?;
    let mut found = Map::new();
    for (key, value) in given {
        let name = known.fields.iter().find(|field| field.json == key).map_or(&**key, |f| f.name);
        if name != key && given.contains_key(name) {
            return Err(
                format!("Model class {model} cannot contain both {key} and {name} keys").into()
            );
        }
        found.insert(name.to_owned(), value.clone());
    }
    known.refuse_unknown(model, found.keys())?;
    Ok(found)
}

/// The same mapping with the names of the keys of all models in `snake_case`, at every depth.
///
/// # Errors
///
/// As [`snake_case_keys`]; and a value that is no mapping or no list where the model has one.
pub(super) fn snake_case(
    model: &str,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, BoxError> {
    let known = Model::find(model)?;
    let mut found = snake_case_keys(model, given)?;
    for field in &known.fields {
        if let Some(value) = found.get_mut(field.name) {
            *value = snake_case_value(&field.kind, value, field.name)?;
        }
    }
    Ok(found)
}

fn snake_case_value(kind: &Kind, value: &Value, field: &str) -> Result<Value, BoxError> {
    Ok(match (kind, value) {
        (Kind::List(item), Value::Array(items)) => {
            let item = |value| snake_case_value(item, value, field);
            Value::Array(items.iter().map(item).collect::<Result<_, _>>()?)
        }
        (Kind::Mapping(of), Value::Object(map)) => {
            let entry = |(key, value): (&String, &Value)| {
                Ok::<_, BoxError>((key.clone(), snake_case_value(of, value, field)?))
            };
            Value::Object(map.iter().map(entry).collect::<Result<_, _>>()?)
        }
        (Kind::Model(model), Value::Object(map)) => Value::Object(snake_case(model, map)?),
        (Kind::List(_), other) => return Err(mismatch(field, "list", "a list", other)),
        (Kind::Mapping(_), other) => return Err(mismatch(field, "dict", "a dict", other)),
        (Kind::Model(model), other) => return Err(mismatch(field, model, "a dict", other)),
        (_, other) => other.clone(),
    })
}

fn mismatch(field: &str, kind: &str, wanted: &str, value: &Value) -> BoxError {
    let value = python_str(value);
    format!("Attribute {field} of type {kind} must be {wanted}, received {value} instead").into()
}

/// The JSON of a model, of a mapping whose keys are in `snake_case`. Values become those that the model has: a number where
/// it has a text becomes one. A null is left out.
///
/// # Errors
///
/// A key that the model does not have, or lacks one that it needs; or a value of which none of the model's can be made.
pub(super) fn to_json(model: &str, given: &Map<String, Value>) -> Result<Value, BoxError> {
    let known = Model::find(model)?;
    known.refuse_unknown(model, given.keys())?;
    let mut made = Map::new();
    for field in &known.fields {
        let value = given.get(field.name).map(|value| json_value(&field.kind, value, field.name));
        if let Some(value) = value.transpose()?.filter(|value| !value.is_null()) {
            made.insert(field.json.to_owned(), value);
        }
    }
    for field in &known.fields {
        if field.is_required && !made.contains_key(field.json) {
            return Err(format!("Invalid value for `{}`, must not be `None`", field.name).into());
        }
    }
    Ok(Value::Object(made))
}

fn json_value(kind: &Kind, value: &Value, field: &str) -> Result<Value, BoxError> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    Ok(match (kind, value) {
        (Kind::List(item), Value::Array(items)) => {
            let item = |value| json_value(item, value, field);
            Value::Array(items.iter().map(item).collect::<Result<_, _>>()?)
        }
        (Kind::Mapping(of), Value::Object(map)) => {
            let entry = |(key, value): (&String, &Value)| {
                Ok::<_, BoxError>((key.clone(), json_value(of, value, field)?))
            };
            Value::Object(map.iter().map(entry).collect::<Result<_, _>>()?)
        }
        (Kind::Model(model), Value::Object(map)) => to_json(model, map)?,
        (Kind::List(_), other) => return Err(mismatch(field, "list", "a list", other)),
        (Kind::Mapping(_), other) => return Err(mismatch(field, "dict", "a dict", other)),
        (Kind::Model(model), other) => return Err(mismatch(field, model, "a dict", other)),
        (Kind::Text, other) => Value::String(python_str(other)),
        (Kind::Integer, other) => integer(other, field)?,
        (Kind::Boolean, other) => Value::Bool(is_true(other)),
        (Kind::Anything, other) => other.clone(),
    })
}

/// Python's `int` of a value.
fn integer(value: &Value, field: &str) -> Result<Value, BoxError> {
    let number = match value {
        Value::Number(number) if !number.is_f64() => return Ok(value.clone()),
        #[expect(clippy::cast_possible_truncation, reason = "Python cuts it off, too")]
        Value::Number(number) => number.as_f64().map(|real| real as i64),
        Value::Bool(value) => Some(i64::from(*value)),
        Value::String(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    };
    let wrong = || mismatch(field, "int", "a whole number", value);
    number.map(Value::from).ok_or_else(wrong)
}

/// Python's `bool` of a value.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kind, MODELS, Model, snake_case, to_json};

    #[test]
    fn each_model_that_a_field_has_is_in_the_table() {
        fn check(kind: &Kind) {
            match kind {
                Kind::List(inner) | Kind::Mapping(inner) => check(inner),
                Kind::Model(name) => drop(Model::find(name).expect("a model")),
                _ => {}
            }
        }
        assert!(MODELS.len() > 100, "{}", MODELS.len());
        for model in MODELS.values() {
            model.fields.iter().for_each(|field| check(&field.kind));
        }
    }

    #[test]
    fn both_spellings_lead_to_the_same_json() {
        let given = [
            json!({"livenessProbe": {"httpGet": {"port": 80}}, "name": "c"}),
            json!({"liveness_probe": {"http_get": {"port": 80}}, "name": "c"}),
        ];
        for given in given {
            let snake = snake_case("V1Container", given.as_object().expect("a mapping"));
            let snake = snake.expect("a container");
            assert!(snake["liveness_probe"]["http_get"].is_object(), "{snake:?}");
            let json = to_json("V1Container", &snake).expect("JSON");
            assert_eq!(json, json!({"livenessProbe": {"httpGet": {"port": 80}}, "name": "c"}));
        }
    }

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (given, expect) in [
            (json!("30"), Some(30)),
            (json!(" 1_000 "), Some(1000)),
            (json!(5.7), Some(5)),
            (json!(true), Some(1)),
            (json!("x"), None),
            (json!([]), None),
        ] {
            let spec = json!({"containers": [], "termination_grace_period_seconds": given});
            let made = to_json("V1PodSpec", spec.as_object().expect("a mapping"));
            let seconds = made.ok().and_then(|spec| spec["terminationGracePeriodSeconds"].as_i64());
            assert_eq!(seconds, expect, "{given}");
        }
    }
}
