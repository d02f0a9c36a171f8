//! How Python shows values to people, where Dagster makes ids or an order of it.

use std::fmt::Write;

/// Python's `repr` of a string.
pub fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut repr = String::from(quote);
    for character in text.chars() {
        let code = u32::from(character);
        match character {
            '\\' => repr.push_str("\\\\"),
            '\n' => repr.push_str("\\n"),
            '\r' => repr.push_str("\\r"),
            '\t' => repr.push_str("\\t"),
            _ if character == quote => repr.extend(['\\', quote]),
            _ if is_printable(character) => repr.push(character),
            // Writing to a String cannot fail.
            _ if code < 0x100 => drop(write!(repr, "\\x{code:02x}")),
            _ if code < 0x1_0000 => drop(write!(repr, "\\u{code:04x}")),
            _ => drop(write!(repr, "\\U{code:08x}")),
        }
    }
    repr.push(quote);
    repr
}

/// Whether Python prints a character as it is. Rust's `Debug` has the same table, and beside it escapes
/// marks that combine with the character before, unless there is one.
fn is_printable(character: char) -> bool {
    !['a', character].iter().collect::<String>().escape_debug().any(|escaped| escaped == '\\')
        || matches!(character, '"' | '\'' | '\\')
}
