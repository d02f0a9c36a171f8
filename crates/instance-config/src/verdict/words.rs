//! How problems name values and what values should be.

use crate::document::{Kind, Node};
use crate::schema::{Field, Scalar, Type};

/// How many characters of a text are shown.
const SHOWN: usize = 60;

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

/// A text in one line, not too long, and without the password of a URL.
pub(crate) fn shown_text(text: &str) -> String {
    cut(&without_password(text))
}

/// A text of the file that may be no more than a key or the name of something: without what may be a value behind it.
pub(super) fn name(text: &str) -> String {
    let end = text.find([':', '=', ' ', '\n', '@']).unwrap_or(text.len());
    if end == text.len() { cut(text) } else { format!("{}..", cut(&text[..end])) }
}

fn cut(text: &str) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == SHOWN {
            shown.push_str("..");
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A URL without its password and its parameters; any other text as it is.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let Some((login, place)) = rest.rsplit_once('@') else {
        return format!("{scheme}://{}", without_parameters(rest));
    };
    let place = without_parameters(place);
    match login.split_once(':') {
        // It may be a password with a question mark, or a parameter with an `@`.
        _ if login.contains('?') => format!("{scheme}://***"),
        Some((user, _)) => format!("{scheme}://{user}:***@{place}"),
        None if scheme.starts_with("http") => format!("{scheme}://***@{place}"),
        None => format!("{scheme}://{login}@{place}"),
    }
}

fn without_parameters(place: &str) -> String {
    match place.split_once('?') {
        Some((place, _)) => format!("{place}?***"),
        None => place.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::{name, shown_text};

    #[test]
    fn no_password_of_a_url_is_shown() {
        for (text, expected) in [
            ("postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"),
            ("postgresql://u:se/c@re:t@h/d?sslpassword=secret", "postgresql://u:***@h/d?***"),
            ("amqp://h/d", "amqp://h/d"),
            ("https://token@h/", "https://***@h/"),
            ("postgresql://u@h/d", "postgresql://u@h/d"),
            ("postgresql://u:secret?@h/d", "postgresql://***"),
            ("postgresql://h/d?password=se@cret", "postgresql://***"),
            ("h/d?password=secret", "h/d?password=secret"),
            ("a\nb", "a\\nb"),
        ] {
            assert_eq!(shown_text(text), expected, "{text}");
        }
        assert_eq!(shown_text(&"a".repeat(61)), format!("{}..", "a".repeat(60)));
    }

    #[test]
    fn a_key_that_swallowed_its_value_is_cut() {
        for (text, expected) in [
            ("port", "port"),
            ("password:secret", "password.."),
            ("password secret", "password.."),
            ("password=secret", "password.."),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
    }
}
