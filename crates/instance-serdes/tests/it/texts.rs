//! Texts of no class: how deep they may nest, and that no cut or changed text is taken for another.

use instance_serdes::{
    MAX_DEPTH, Opaque, canonical_text, deserialize_value, json_to_text, serialize_value,
    text_to_json,
};

use crate::classes::{Hanging, LAMP};

#[test]
fn every_beginning_of_a_text_is_an_error() {
    for end in 0..LAMP.len() {
        let error = deserialize_value::<Hanging>(&LAMP[..end]).unwrap_err();
        assert!(error.offset() <= end, "{error}");
        assert!(deserialize_value::<Opaque>(&LAMP[..end]).is_err(), "{end}");
        assert!(canonical_text(&LAMP[..end]).is_err(), "{end}");
    }
}

/// Any changed text is read or refused; what was read is written as a text that says the same.
#[test]
fn no_changed_byte_makes_the_codec_panic() {
    for place in 0..LAMP.len() {
        for byte in 0..0x80 {
            let mut bytes = LAMP.as_bytes().to_vec();
            bytes[place] = byte;
            let text = String::from_utf8(bytes).unwrap();
            let value = deserialize_value::<Hanging>(&text);
            let Ok(value) = value else { continue };
            let written = serialize_value(&value);
            assert_eq!(deserialize_value(&written), Ok(value), "{text}");
        }
    }
}

#[test]
fn values_that_are_carried_may_nest_deeper_than_values_that_are_read() {
    let nested = |times: usize| format!("{}{}", "[".repeat(times), "]".repeat(times));
    let deep = nested(MAX_DEPTH * 100);
    assert_eq!(
        deserialize_value::<Opaque>(&deep).map(|value| value.as_str().len()),
        Ok(deep.len())
    );
    assert!(text_to_json(&deep).is_err());
    let allowed = nested(MAX_DEPTH);
    assert_eq!(text_to_json(&allowed).map(|tree| json_to_text(&tree)), Ok(allowed));
}
