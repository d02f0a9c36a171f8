//! Keys of mappings, and which of them Python takes for the same.

use super::{Integer, Kind, Node};

/// A key of a mapping.
#[derive(Clone)]
pub(crate) struct Key {
    /// The key as a text.
    shown: String,
    /// What it is, if it is no text.
    other: Option<&'static str>,
    /// Equal keys have the same; `None` if the key equals no other.
    identity: Option<String>,
}

impl Key {
    /// The key that a scalar is; `None` if it cannot be one.
    pub(super) fn new(node: &Node) -> Option<Self> {
        let shown = match (&node.kind, &node.source) {
            (Kind::Text(text), _) => text.clone(),
            (_, Some(source)) => source.to_string(),
            (Kind::Null, None) => String::new(),
            (_, None) => node.kind_name().to_owned(),
        };
        let other = (!matches!(node.kind, Kind::Text(_))).then(|| node.kind_name());
        // In Python, `1`, `1.0` and `true` are one key.
        let identity = match &node.kind {
            Kind::Null => Some("null".to_owned()),
            Kind::Boolean(value) => Some(format!("number {}", i64::from(*value))),
            Kind::Integer(Integer::Small(number)) => Some(format!("number {number}")),
            Kind::Integer(_) | Kind::Other(_) => Some(format!("other {shown}")),
            Kind::Float(number) if number.is_nan() => None,
            Kind::Float(number) => Some(format!("number {number}")),
            Kind::Text(text) => Some(format!("text {text}")),
            Kind::List(_) | Kind::Mapping(_) => return None,
        };
        Some(Self { shown, other, identity })
    }

    /// A text as a key.
    pub(super) fn of_text(text: &str) -> Self {
        Self { shown: text.to_owned(), other: None, identity: Some(format!("text {text}")) }
    }

    /// The key, if it is a text.
    pub(crate) fn text(&self) -> Option<&str> {
        self.other.is_none().then_some(&*self.shown)
    }

    /// The key as a text, whatever it is.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// What it is, in words; `None` if it is a text.
    pub(crate) const fn other(&self) -> Option<&'static str> {
        self.other
    }

    /// What equal keys have in common; `None` if the key equals no other.
    pub(super) fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }
}
