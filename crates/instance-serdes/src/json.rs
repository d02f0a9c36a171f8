//! Conversion between JSON trees and serdes text. Run configuration and metadata enter this way.

use serde_json::{Map, Number, Value};

use super::surrogates::in_python_order;
use super::{Kind, Pack, Reader, SerdesError, Writer};

/// The text of a JSON tree as Python prints it: sorted keys, Python's escapes and floats.
pub fn json_to_text(value: &Value) -> String {
    super::serialize_value(value)
}

/// Reads serdes text as a plain JSON tree.
///
/// Integers beyond 64 bits, `NaN` and infinities have no place in the tree and are errors.
///
/// # Errors
///
/// The text is not one JSON value, or has a number that the tree cannot hold.
pub fn text_to_json(text: &str) -> Result<Value, SerdesError> {
    let mut reader = Reader::new(text);
    let value = read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

fn read(reader: &mut Reader<'_>) -> Result<Value, SerdesError> {
    Ok(match reader.kind()? {
        Kind::Null => {
            reader.null()?;
            Value::Null
        }
        Kind::Bool => Value::Bool(reader.bool()?),
        Kind::Number => Value::Number(read_number(reader)?),
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

fn read_number(reader: &mut Reader<'_>) -> Result<Number, SerdesError> {
    let text = reader.number()?;
    if let Ok(integer) = text.parse::<i64>() {
        return Ok(integer.into());
    }
    if let Ok(integer) = text.parse::<u64>() {
        return Ok(integer.into());
    }
    text.contains(['.', 'e', 'E'])
        .then(|| text.parse().ok().and_then(Number::from_f64))
        .flatten()
        .ok_or_else(|| reader.error(format!("{text} does not fit a JSON number of 64 bits")))
}

impl Pack for Value {
    fn pack(&self, writer: &mut Writer) {
        match self {
            Value::Null => writer.null(),
            Value::Bool(value) => writer.bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => writer.integer(integer),
                (None, Some(float)) if number.is_f64() => writer.float(float),
                // What is left is an integer beyond i64, which Rust and Python print alike.
                _ => writer.raw(&number.to_string()),
            },
            Value::String(text) => writer.string(text),
            Value::Array(items) => writer.list(items),
            Value::Object(map) => {
                let mut object = writer.object();
                for (key, value) in in_python_order(map.iter()) {
                    object.entry(key, value);
                }
                object.end();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{json_to_text, text_to_json};

    #[test]
    fn keys_are_sorted_and_numbers_keep_their_kind() {
        let value = json!({"b": [1, 1.0, true, null], "a": {"ü": "x"}, "B": 18_446_744_073_709_551_615_u64});
        let text = json_to_text(&value);
        assert_eq!(
            text,
            r#"{"B": 18446744073709551615, "a": {"\u00fc": "x"}, "b": [1, 1.0, true, null]}"#
        );
        assert_eq!(text_to_json(&text), Ok(value));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(text_to_json("NaN").is_err());
        assert!(text_to_json("123456789012345678901234567890").is_err());
    }
}
