//! Text from the database as a terminal may see it. Every such text passes through this module.
//!
//! Not here: what is printed, and the JSON, which has its own escapes.

use std::ffi::OsStr;
use std::fmt::Write;

use dagster_instance::serdes::code_points;

/// A value, such as a key or a name. It is shown as it is if nothing in it can mislead, else in quotes with
/// escapes.
///
/// Two different values never look alike. So quotes are also put around an empty value, one with blanks at an end
/// and one that begins with a quote.
pub(crate) fn value(text: &str) -> String {
    let misleads = text.is_empty()
        || text.starts_with('"')
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
        || code_points(text).any(|point| plain(point).is_none());
    if !misleads {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for point in code_points(text) {
        match plain(point) {
            Some(character @ ('"' | '\\')) => quoted.extend(['\\', character]),
            Some(character) => quoted.push(character),
            None => push_escape(&mut quoted, point),
        }
    }
    quoted.push('"');
    quoted
}

/// A message on one line: without blanks at its end, and line breaks as escapes.
pub(crate) fn message(text: &str) -> String {
    let text = text.trim_end();
    let mut line = String::with_capacity(text.len());
    for point in code_points(text) {
        match plain(point) {
            Some(character) => line.push(character),
            None => push_escape(&mut line, point),
        }
    }
    line
}

/// A message that keeps its lines; each after the first is indented, so that none looks like another message.
pub(crate) fn lines(text: &str) -> String {
    text.trim_end().lines().map(message).collect::<Vec<_>>().join("\n    ")
}

/// Bytes that need not be UTF-8: those that are not are escapes.
pub(crate) fn bytes(text: &OsStr) -> String {
    format!("\"{}\"", text.as_encoded_bytes().escape_ascii())
}

/// The character of a code point, if the character shows itself and changes nothing about others.
///
/// These do not: control characters (C0 and C1), formats such as the marks of writing direction, separators of
/// lines, blanks other than the space, unassigned and private code points, and halves of surrogate pairs.
fn plain(point: u32) -> Option<char> {
    let character = char::from_u32(point)?;
    if character.is_ascii() {
        return (character == ' ' || character.is_ascii_graphic()).then_some(character);
    }
    // The standard library knows what can be printed. A mark that combines with the character before it can be
    // printed, but is escaped if there is no character before it.
    let mut bytes = [b'a', 0, 0, 0, 0];
    let length = 1 + character.encode_utf8(&mut bytes[1..]).len();
    let pair = std::str::from_utf8(bytes.get(..length)?).ok()?;
    (pair.escape_debug().nth(1) == Some(character)).then_some(character)
}

fn push_escape(out: &mut String, point: u32) {
    match char::from_u32(point) {
        Some(character) => out.extend(character.escape_default()),
        // Writing to a String cannot fail.
        None => drop(write!(out, "\\u{{{point:x}}}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{lines, message, value};

    #[test]
    fn plain_values_stay_as_they_are() {
        for text in ["a", "demo/hello", "C:\\x", "it's \"so\"", "naïve", "e\u{301}", "日本", "👍🏽"]
        {
            assert_eq!(value(text), text);
        }
    }

    #[test]
    fn what_misleads_is_quoted() {
        for (text, expect) in [
            ("", r#""""#),
            (" a ", r#"" a ""#),
            ("a\n", r#""a\n""#),
            ("\"a\"", r#""\"a\"""#),
            ("a\u{1b}[31m\\", r#""a\u{1b}[31m\\""#),
            ("a\u{9b}2J", r#""a\u{9b}2J""#),
            ("a\u{7f}", r#""a\u{7f}""#),
            ("a\u{202e}b", r#""a\u{202e}b""#),
            ("a\u{2066}b", r#""a\u{2066}b""#),
            ("a\u{200b}", r#""a\u{200b}""#),
            ("a\u{2028}b", r#""a\u{2028}b""#),
            ("a\u{a0}b", r#""a\u{a0}b""#),
            ("a\u{feff}", r#""a\u{feff}""#),
            // A half of a surrogate pair, as the codec keeps it.
            ("a\u{10ffff}\u{10f4ff}", r#""a\u{dcff}""#),
        ] {
            assert_eq!(value(text), expect);
        }
    }

    #[test]
    fn different_values_look_different() {
        let parts = ["", "a", " ", "\n", "\\n", "\\", "\"", "\u{1b}", "\\u{1b}", "\u{202e}", "n"];
        let mut seen = std::collections::BTreeMap::new();
        for first in parts {
            for second in parts {
                for third in parts {
                    let text = [first, second, third].concat();
                    let shown = value(&text);
                    assert!(shown.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{shown:?}");
                    let other = seen.entry(shown).or_insert_with(|| text.clone());
                    assert_eq!(*other, text);
                }
            }
        }
    }

    #[test]
    fn messages_keep_their_backslashes_and_lose_what_terminals_act_upon() {
        assert_eq!(message("C:\\x \"y\"\u{1b}[2J\r\nnext \n"), "C:\\x \"y\"\\u{1b}[2J\\r\\nnext");
        assert_eq!(
            lines("one\r\n  two\u{1b}c\n\nthree\n"),
            "one\n      two\\u{1b}c\n    \n    three"
        );
    }
}
