//! Values that are carried and not interpreted.

use super::{Pack, Reader, SerdesError, Unpack, canonical_text, text_to_json};

/// A value that is kept as the text it was read from, so that it is stored again byte for byte.
///
/// In this way, objects survive that this version does not know, whoever wrote them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Opaque(Box<str>);

impl Opaque {
    /// An object without fields.
    pub fn empty_object() -> Self {
        Self("{}".into())
    }

    /// A value as JSON writes it, in any layout. If an object names a key twice, the last one counts. Integers may
    /// have any size.
    ///
    /// # Errors
    ///
    /// The text is not one JSON value.
    pub fn from_json_text(text: &str) -> Result<Self, SerdesError> {
        Ok(Self(canonical_text(text)?.into()))
    }

    /// A value that the codec has a type for.
    pub fn of(value: &impl Pack) -> Self {
        Self(super::serialize_value(value).into())
    }

    /// The value as serdes text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The storage name of its class, if it is an object of a class.
    pub fn class(&self) -> Option<String> {
        Reader::new(&self.0).class().ok().flatten().map(std::borrow::Cow::into_owned)
    }

    /// The value as a JSON tree. Integers beyond 64 bits and `NaN` are errors.
    ///
    /// # Errors
    ///
    /// The value has a number that the tree cannot hold.
    pub fn to_json(&self) -> Result<serde_json::Value, SerdesError> {
        text_to_json(&self.0)
    }
}

impl std::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opaque({})", self.0)
    }
}

impl From<&serde_json::Value> for Opaque {
    fn from(value: &serde_json::Value) -> Self {
        Self(super::json_to_text(value).into())
    }
}

impl Pack for Opaque {
    fn pack(&self, writer: &mut super::Writer) {
        writer.raw(&self.0);
    }
}

impl Unpack for Opaque {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        let text = reader.raw_value()?;
        reader.note_carried(text);
        Ok(Self(text.into()))
    }
}
