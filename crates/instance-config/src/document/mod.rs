//! A YAML document as Dagster reads it, with the place of every key and value.
//!
//! Dagster reads `dagster.yaml` with PyYAML: YAML 1.1, without dates. The parser beneath this module knows the syntax of
//! YAML 1.2, and says where everything is. What a text means is decided here, by the rules of YAML 1.1 as PyYAML has
//! them.
//!
//! The steps, in this order: `characters` (bytes become a text), `compose` (events become nodes with tags and
//! anchors; `source` and `dialect` level the
//! differences between the parser and PyYAML), `construct` (nodes become values: `scalar` has the rules for numbers and booleans).
//!
//! `toml` makes the same values of a document of TOML.

mod characters;
mod compose;
mod construct;
mod dialect;
mod json;
mod key;
mod scalar;
mod source;
mod toml;

use instance_core::config_problems::Position;

pub(crate) use json::NOWHERE;
pub(crate) use key::Key;

/// Why a text is no document of ours. It holds nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Where it is; `None` if it is about the whole.
    pub(crate) position: Option<Position>,
    /// What is wrong.
    pub(crate) reason: String,
}

impl Unreadable {
    fn at(position: Position, reason: impl Into<String>) -> Self {
        Self { position: Some(position), reason: reason.into() }
    }
}

/// A value of a document, and where it is.
#[derive(Clone)]
pub(crate) struct Node {
    /// Where it begins; of an alias, where the value begins that it stands for.
    pub(crate) position: Position,
    /// What it is.
    pub(crate) kind: Kind,
    /// The text of a scalar, as far as it is not the value itself: `0x1F`, `yes`.
    pub(crate) source: Option<Box<str>>,
}

/// What a value is.
#[derive(Clone)]
pub(crate) enum Kind {
    /// Nothing: `null`, `~` or no text at all.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(Integer),
    /// A number with a point, infinity or no number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping. Its keys are in Python's order, and no two are equal.
    Mapping(Vec<Entry>),
    /// A value that only an explicit tag makes: a date, bytes, a set or a list of pairs. Here is its name.
    Other(&'static str),
}

/// A whole number of any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Integer {
    /// One that has a place in 64 bits.
    Small(i64),
    /// A greater one.
    Great,
    /// A lesser one.
    Least,
}

/// A key of a mapping with its value.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: Key,
    /// Where the key is.
    pub(crate) position: Position,
    /// The value.
    pub(crate) value: Node,
}

impl Node {
    /// The document in a file's bytes. A file without a document is null.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = characters::text(bytes)?;
        construct::document(compose::document(&text)?)
    }

    /// The keys and values of a mapping; `None` if it is none.
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry under a key of a mapping.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key.text() == Some(key))
    }

    /// The value under a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value under a path of keys; the parts of a list are `0`, `1` and so on.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| match &node.kind {
            Kind::List(items) => items.get(key.parse::<usize>().ok()?),
            _ => node.get(key),
        })
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is null.
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// Whether Python takes it for false: nothing, zero, or empty.
    pub(crate) fn is_falsy(&self) -> bool {
        match &self.kind {
            Kind::Null | Kind::Boolean(false) | Kind::Integer(Integer::Small(0)) => true,
            Kind::Float(number) => *number == 0.0,
            Kind::Text(text) => text.is_empty(),
            Kind::List(items) => items.is_empty(),
            Kind::Mapping(entries) => entries.is_empty(),
            _ => false,
        }
    }

    /// What it is, in words.
    pub(crate) const fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Boolean(_) => "a boolean",
            Kind::Integer(_) => "a whole number",
            Kind::Float(_) => "a number with a point",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Mapping(_) => "a mapping",
            Kind::Other(name) => name,
        }
    }
}
