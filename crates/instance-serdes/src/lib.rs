//! Dagster's serdes format: the JSON text that Dagster stores, written and read byte for byte.
//!
//! Here: the text itself, and how Rust types map onto it. Not here: any type of a domain. Such a type declares its
//! mapping beside its definition, with [`serdes_class!`](crate::serdes_class) and its siblings.
//!
//! The text is what Python's `json.dumps(value, sort_keys=True)` prints. Objects have `"__class__"`, enums are
//! `{"__enum__": "Class.MEMBER"}`, sets are `{"__frozenset__": [..]}`. Ids of snapshots are hashes of the text, so
//! a type's fields are declared in the order of their stored names. The compiler refuses any other order.
//!
#![doc = include_str!("../README.md")]

mod canonical;
mod error;
mod float;
mod impls;
mod json;
mod macros;
mod number;
mod opaque;
mod pairs;
mod plain;
mod python;
mod reader;
mod sets;
mod surrogates;
mod unknown;
mod writer;

pub use canonical::canonical_text;
pub use error::SerdesError;
pub use json::{json_to_text, text_to_json};
pub use number::Number;
pub use opaque::Opaque;
pub use pairs::PairMap;
pub use python::python_repr;
pub use reader::{Kind, MAX_DEPTH, Object, Reader};
pub use sets::{FrozenSet, SetOrder};
pub use surrogates::code_points;
pub use unknown::UnknownFields;
pub use writer::{ObjectWriter, Writer};

#[doc(hidden)]
pub use macros::{keys_ascend, read_field, read_variant};

/// A type with a text in Dagster's serdes format.
pub trait Pack {
    /// Appends the text of `self`.
    fn pack(&self, writer: &mut Writer);

    /// Whether this value is empty, so that a field with it is left out where Dagster leaves out empty fields.
    fn is_absent(&self) -> bool {
        false
    }
}

/// A type that is read from Dagster's serdes format.
pub trait Unpack: Sized {
    /// Reads one value at the position of the reader, which then stands after it.
    ///
    /// # Errors
    ///
    /// There is no value of this type at the position.
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError>;

    /// The value of a field that is missing in the text; `None` if the field is required.
    fn absent() -> Option<Self> {
        None
    }
}

/// A class of Dagster that is stored as an object with `"__class__"`.
pub trait SerdesClass: Pack + Unpack {
    /// The name that stands in `"__class__"`. It is often older than the name of the class.
    const STORAGE_NAME: &'static str;

    /// Names under which old versions stored the class, and which are read as well.
    const OLD_STORAGE_NAMES: &'static [&'static str];

    /// Whether an object of this class name is one of this class.
    fn has_storage_name(name: &str) -> bool {
        name == Self::STORAGE_NAME || Self::OLD_STORAGE_NAMES.contains(&name)
    }
}

/// The text of a value, as Dagster's `serialize_value` returns it.
pub fn serialize_value<T: Pack + ?Sized>(value: &T) -> String {
    let mut writer = Writer::new();
    value.pack(&mut writer);
    writer.finish()
}

/// Reads a whole text, as Dagster's `deserialize_value` does.
///
/// An error names the offset, and the class and field where reading stopped. Input is never trusted: [`MAX_DEPTH`]
/// bounds the depth, and the length of the text bounds the memory.
///
/// # Errors
///
/// The text is not one JSON value, or not a value of this type.
pub fn deserialize_value<T: Unpack>(text: &str) -> Result<T, SerdesError> {
    let mut reader = Reader::new(text);
    let value = T::unpack(&mut reader)?;
    reader.end()?;
    Ok(value)
}
