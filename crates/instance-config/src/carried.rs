//! The settings within a reference as JSON. Python writes numbers that JSON does not have.

use instance_core::serdes::{Kind, Opaque, Reader, SerdesError};
use serde_json::{Map, Number, Value};

/// The tree of a value. A whole number that has no place in 64 bits is the nearest one that has; `NaN` and infinities are
/// texts.
pub(crate) fn json_of(value: &Opaque) -> Result<Value, SerdesError> {
    read(&mut Reader::new(value.as_str()))
}

fn read(reader: &mut Reader<'_>) -> Result<Value, SerdesError> {
    Ok(match reader.kind()? {
        Kind::Null => {
            reader.null()?;
            Value::Null
        }
        Kind::Bool => Value::Bool(reader.bool()?),
        Kind::Number => number(reader.number()?),
        Kind::String => Value::String(reader.string()?.into_owned()),
        Kind::List => {
            let mut items = Vec::new();
            let mut list = reader.begin_list()?;
            while reader.next_item(&mut list)? {
                items.push(read(reader)?);
            }
            Value::Array(items)
        }
        Kind::Object => {
            let mut map = Map::new();
            let mut object = reader.begin_object()?;
            while let Some(key) = reader.next_key(&mut object)? {
                map.insert(key.into_owned(), read(reader)?);
            }
            Value::Object(map)
        }
    })
}

fn number(text: &str) -> Value {
    if let Ok(integer) = text.parse::<i64>() {
        return integer.into();
    }
    let is_integer = text.trim_start_matches('-').chars().all(|c| c.is_ascii_digit());
    if is_integer {
        return Value::from(if text.starts_with('-') { i64::MIN } else { i64::MAX });
    }
    let float = text.parse().ok().and_then(Number::from_f64);
    float.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

#[cfg(test)]
mod tests {
    use instance_core::serdes::{Opaque, deserialize_value};
    use serde_json::json;

    use super::json_of;

    #[test]
    fn numbers_that_json_lacks_have_the_nearest_form() {
        let text = r#"{"a": [1, -2.5, null, true, "x"], "b": 1000000000000000000000, "c": NaN, "d": -99999999999999999999, "e": -Infinity}"#;
        let value: Opaque = deserialize_value(text).unwrap();
        let expected = json!({
            "a": [1, -2.5, null, true, "x"],
            "b": i64::MAX,
            "c": "NaN",
            "d": i64::MIN,
            "e": "-Infinity",
        });
        assert_eq!(json_of(&value), Ok(expected));
    }
}
