//! Prints any JSON text as Python would print it again. Ids are computed from this form, and texts are compared in
//! it.

use super::surrogates::in_python_order;
use super::{Kind, Reader, SerdesError, Writer};

/// The text as `json.dumps(json.loads(text), sort_keys=True)` prints it.
///
/// It works on the text alone, so integers of any size, `NaN` and halves of surrogate pairs pass through. If a key
/// occurs twice, the last value counts, as in Python.
///
/// # Errors
///
/// The text is not one JSON value, as Python reads it.
pub fn canonical_text(text: &str) -> Result<String, SerdesError> {
    let mut reader = Reader::new(text);
    let mut writer = Writer::new();
    copy(&mut reader, &mut writer)?;
    reader.end()?;
    Ok(writer.finish())
}

fn copy(reader: &mut Reader<'_>, writer: &mut Writer) -> Result<(), SerdesError> {
    match reader.kind()? {
        Kind::Null | Kind::Bool => writer.raw(reader.raw_value()?),
        Kind::Number => copy_number(reader, writer)?,
        Kind::String => writer.string(&reader.string()?),
        Kind::List => {
            writer.raw("[");
            let mut list = reader.begin_list()?;
            let mut separator = "";
            while reader.next_item(&mut list)? {
                writer.raw(separator);
                separator = ", ";
                copy(reader, writer)?;
            }
            writer.raw("]");
        }
        Kind::Object => copy_object(reader, writer)?,
    }
    Ok(())
}

fn copy_number(reader: &mut Reader<'_>, writer: &mut Writer) -> Result<(), SerdesError> {
    let number = reader.number()?;
    if number == "-0" {
        writer.raw("0");
    } else if number.contains(['.', 'e', 'E']) {
        // The grammar was checked; what is too great becomes infinite, as in Python.
        writer.float(number.parse().unwrap_or(f64::NAN));
    } else {
        writer.raw(number);
    }
    Ok(())
}

fn copy_object(reader: &mut Reader<'_>, writer: &mut Writer) -> Result<(), SerdesError> {
    let mut entries = Vec::new();
    let mut object = reader.begin_object()?;
    while let Some(key) = reader.next_key(&mut object)? {
        let mut value = Writer::new();
        copy(reader, &mut value)?;
        entries.push((key, value.finish()));
    }
    // The sort is stable, so the last of equal keys is the last that was read.
    let entries = in_python_order(entries.into_iter());
    let mut object = writer.object();
    for (place, (key, value)) in entries.iter().enumerate() {
        if entries.get(place + 1).is_none_or(|(next, _)| next != key) {
            object.raw_entry(key, value);
        }
    }
    object.end();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::canonical_text;

    #[test]
    fn any_text_becomes_the_one_that_python_prints() {
        let cases = [
            (r#"{"b":1,"a":[ 1.0,2E5 ,-0]}"#, r#"{"a": [1.0, 200000.0, 0], "b": 1}"#),
            (r#"{"a": 1, "a": 2}"#, r#"{"a": 2}"#),
            ("[1e400, -1e400, NaN, 1e-400]", "[Infinity, -Infinity, NaN, 0.0]"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("\"é\u{10ffff}🚀/\"", r#""\u00e9\udbff\udfff\ud83d\ude80/""#),
            // U+D83D comes before U+E000 among code points, and before U+1F680, too.
            (
                r#"{"\ue000": 1, "\ud83d": 2, "\ud83d\ude80": 3}"#,
                r#"{"\ud83d": 2, "\ue000": 1, "\ud83d\ude80": 3}"#,
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical_text(text).as_deref(), Ok(expected));
        }
    }
}
