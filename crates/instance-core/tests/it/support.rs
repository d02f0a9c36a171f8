//! What several test files need: the check of a round trip, and the files that real Dagster wrote.

use std::fmt::Debug;

use instance_core::serdes::{
    Pack, SerdesError, UnknownFields, Unpack, deserialize_value, json_to_text, serialize_value,
};

/// The text of a value, after checking that it reads back as the same value and text.
#[track_caller]
pub(crate) fn round_trip<T: Pack + Unpack + PartialEq + Debug>(value: &T) -> String {
    let text = serialize_value(value);
    let again = deserialize_value::<T>(&text);
    assert_eq!(again.as_ref(), Ok(value), "read back from {text}");
    assert_eq!(again.map(|again| serialize_value(&again)), Ok(text.clone()));
    text
}

/// The texts of all members of an enum, a line each, after checking that each reads back.
#[track_caller]
pub(crate) fn round_trips<T: Pack + Unpack + PartialEq + Debug>(values: &[T]) -> String {
    values.iter().map(round_trip).collect::<Vec<_>>().join("\n")
}

/// The value that a plain JSON tree stands for, for values that are easier to write down so.
#[track_caller]
pub(crate) fn read<T: Unpack + Debug>(tree: &serde_json::Value) -> T {
    match deserialize_value(&json_to_text(tree)) {
        Ok(value) => value,
        Err(error) => unreadable(&error),
    }
}

#[expect(clippy::panic, reason = "a tree that is no such value is a mistake of the test")]
#[track_caller]
fn unreadable(error: &SerdesError) -> ! {
    panic!("{error}")
}

/// No unknown fields, as in every value that is built and not read.
pub(crate) fn none() -> UnknownFields {
    UnknownFields::default()
}

/// The text in a file that real Dagster wrote, without the line break at its end.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("fixtures/", $name, ".json")).trim_ascii_end()
    };
}
pub(crate) use fixture;
