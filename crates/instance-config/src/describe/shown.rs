//! What of a value may be shown: no secret, no password of a URL, and nothing under a key that names a secret.

use serde_json::{Map, Value};

use crate::document::{Entry, Kind, Node};
use crate::environment::Environment;
use crate::schema::source::named;
use crate::schema::{Field, Secrecy, Type};
use crate::shown::{MASK, name, names_secret, url, without_password};

/// A value as it may be shown.
pub(super) struct Shown {
    /// The value.
    pub(super) value: Value,
    /// Whether something of it is left out.
    pub(super) is_masked: bool,
}

impl Shown {
    /// A value without parts.
    pub(super) fn of_json(value: Value, secrecy: Secrecy) -> Self {
        match (secrecy, value) {
            (Secrecy::Secret, value) if is_nothing(&value) => Self { value, is_masked: false },
            (Secrecy::Secret, _) => masked(),
            (Secrecy::Url, Value::String(text)) => Self::of_text(&text, &url(&text)),
            (_, Value::String(text)) => Self::of_text(&text, &without_password(&text)),
            (_, value) => Self { value, is_masked: false },
        }
    }

    fn of_text(text: &str, shown: &str) -> Self {
        Self { value: Value::from(shown), is_masked: shown != text }
    }
}

fn masked() -> Shown {
    Shown { value: Value::from(MASK), is_masked: true }
}

/// Whether there is nothing to be kept secret.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What of a value of a type may be shown. A value of another type may be a secret in the wrong place.
pub(super) fn shown(
    kind: &Type,
    node: &Node,
    secrecy: Secrecy,
    environment: &dyn Environment,
) -> Shown {
    if secrecy == Secrecy::Secret {
        return Shown::of_json(node.to_json(), secrecy);
    }
    let inner = |kind: &Type, node: &Node| shown(kind, node, secrecy, environment);
    match (kind, &node.kind) {
        (Type::Nullable(kind), _) | (Type::Either(_, kind), Kind::List(_) | Kind::Mapping(_)) => {
            inner(kind, node)
        }
        (Type::List(kind), Kind::List(items)) => list(items, |item| inner(kind, item)),
        (Type::Map(kind), Kind::Mapping(entries)) => {
            mapping(entries, |entry| inner(kind, &entry.value))
        }
        (Type::Shape(fields), Kind::Mapping(entries)) => {
            mapping(entries, |entry| match known(fields, entry) {
                Some(field) => of_field(field, entry, environment),
                None => masked(),
            })
        }
        (Type::Open(fields) | Type::Choice(fields), Kind::Mapping(entries)) => {
            mapping(entries, |entry| match known(fields, entry) {
                Some(field) => of_field(field, entry, environment),
                None => untyped(entry.key.shown(), &entry.value),
            })
        }
        (Type::Source(_), Kind::Mapping(_)) => match named(&node.to_json()) {
            Some(variable) => match environment.get(&variable) {
                Some(text) => Shown::of_json(Value::from(text), secrecy),
                None => Shown { value: node.to_json(), is_masked: false },
            },
            None => masked(),
        },
        (Type::Scalar(_) | Type::Source(_), Kind::List(_) | Kind::Mapping(_)) => masked(),
        (_, Kind::Null) => Shown::of_json(Value::Null, secrecy),
        _ if kind.holds_secret() => masked(),
        _ => Shown::of_json(node.to_json(), secrecy),
    }
}

fn known<'f>(fields: &'f [Field], entry: &Entry) -> Option<&'f Field> {
    fields.iter().find(|field| Some(field.name) == entry.key.text())
}

fn of_field(field: &Field, entry: &Entry, environment: &dyn Environment) -> Shown {
    shown(&field.kind, &entry.value, field.secrecy, environment)
}

/// A value of which no type says whether it is secret. Its key tells it, or nothing does.
fn untyped(key: &str, node: &Node) -> Shown {
    if names_secret(key) {
        return Shown::of_json(node.to_json(), Secrecy::Secret);
    }
    match &node.kind {
        Kind::List(items) => list(items, |item| untyped(key, item)),
        // `{name: PASSWORD, value: ..}` is a variable of a container, which may be a secret.
        Kind::Mapping(entries) => {
            let is_secret = |entry: &Entry| entry.value.text().is_some_and(names_secret);
            let names = entries.iter().any(is_secret);
            mapping(entries, |entry| {
                if names && entry.key.text() == Some("value") {
                    Shown::of_json(entry.value.to_json(), Secrecy::Secret)
                } else {
                    untyped(entry.key.shown(), &entry.value)
                }
            })
        }
        _ => Shown::of_json(node.to_json(), Secrecy::Open),
    }
}

fn list(items: &[Node], mut show: impl FnMut(&Node) -> Shown) -> Shown {
    let mut is_masked = false;
    let values = items.iter().map(|item| {
        let item = show(item);
        is_masked |= item.is_masked;
        item.value
    });
    let value = values.collect();
    Shown { value, is_masked }
}

fn mapping(entries: &[Entry], mut show: impl FnMut(&Entry) -> Shown) -> Shown {
    let mut is_masked = false;
    let mut map = Map::new();
    for entry in entries {
        let value = show(entry);
        is_masked |= value.is_masked;
        map.insert(name(entry.key.shown()), value.value);
    }
    Shown { value: Value::Object(map), is_masked }
}
