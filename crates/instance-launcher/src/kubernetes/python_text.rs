//! How Python writes a value of JSON as text: what becomes of a value where a model of Kubernetes has a text.

use instance_core::serdes::{python_repr, serialize_value};
use serde_json::Value;

/// Python's `str` of a value.
pub(super) fn python_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => python_repr_of(other),
    }
}

/// Python's `repr` of a value.
fn python_repr_of(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(real) => serialize_value(&real),
            None => number.to_string(),
        },
        Value::String(text) => python_repr(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(python_repr_of).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| format!("{}: {}", python_repr(key), python_repr_of(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::python_str;

    #[test]
    fn values_are_written_as_python_writes_them() {
        for (value, expect) in [
            (json!("it's"), "it's"),
            (json!(["it's", 1, 1.5, 1e22, null, true]), "[\"it's\", 1, 1.5, 1e+22, None, True]"),
            (json!({"a": {"b": []}}), "{'a': {'b': []}}"),
            (json!(1.0), "1.0"),
            (json!(-7), "-7"),
        ] {
            assert_eq!(python_str(&value), expect);
        }
    }
}
