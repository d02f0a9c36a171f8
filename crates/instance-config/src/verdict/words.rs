//! How problems name values and what values should be.

use crate::document::{Kind, Node};
use crate::schema::{Field, Scalar, Type};
use crate::shown::{cut, shown_text};

pub(super) use crate::shown::name;

/// A value as the file has it, if it has no parts.
pub(super) fn shown(node: &Node) -> Option<String> {
    match (&node.kind, &node.source) {
        (Kind::Text(text), _) => Some(shown_text(text)),
        (Kind::Null | Kind::List(_) | Kind::Mapping(_), _) => None,
        (_, source) => source.as_deref().map(cut),
    }
}

/// A value and what it is, for the end of a sentence. A hidden value is only said to be what it is.
pub(super) fn found(node: &Node, hidden: bool) -> String {
    let what = node.kind_name();
    match shown(node) {
        Some(text) if !hidden && matches!(node.kind, Kind::Text(_)) => format!("the text '{text}'"),
        Some(text) if !hidden => format!("`{text}`, which is {what}"),
        _ => what.to_owned(),
    }
}

/// What a value of a type is, for the middle of a sentence.
pub(super) fn expected(kind: &Type) -> String {
    match kind {
        Type::Scalar(scalar) => scalar_name(*scalar).to_owned(),
        Type::Source(scalar) => format!("{} or `env: NAME`", scalar_name(*scalar)),
        Type::Nullable(inner) => format!("{}, or null", expected(inner)),
        Type::List(_) => "a list".to_owned(),
        Type::Map(_) | Type::Open([]) => "a mapping".to_owned(),
        Type::Open(fields) => format!("a mapping with keys such as {}", keys(fields, "and")),
        Type::Shape([]) => "a mapping without keys".to_owned(),
        Type::Shape(fields) => format!("a mapping with the keys {}", keys(fields, "and")),
        Type::Choice(fields) => format!("a mapping with one of the keys {}", keys(fields, "and")),
        Type::Either(scalar, inner) => format!("{}, or {}", scalar_name(*scalar), expected(inner)),
        Type::Class(_) => "a mapping with the keys `module`, `class` and `config`".to_owned(),
    }
}

const fn scalar_name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Text => "a text",
        Scalar::Integer => "a whole number",
        Scalar::Number => "a number",
        Scalar::Boolean => "true or false",
    }
}

/// The keys of a mapping in a sentence. Of very many, the first are named.
pub(super) fn keys(fields: &[Field], conjunction: &str) -> String {
    const NAMED: usize = 12;
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    if names.len() > NAMED {
        return format!("{} and others", list(&names[..NAMED], ","));
    }
    list(&names, conjunction)
}

/// Names in a sentence: `a`, `b` and `c`.
pub(super) fn list(names: &[&str], conjunction: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) if conjunction == "," => format!("{}, {last}", others.join(", ")),
        Some((last, others)) => format!("{} {conjunction} {last}", others.join(", ")),
    }
}
