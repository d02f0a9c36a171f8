//! What Python makes of a text, where Dagster leaves the meaning of a text to Python.

/// The number that Python's `int` makes of a text, such as the value of the tag `dagster/priority`: white space around
/// it does not count, a sign may stand before it, and single `_` may stand between its digits. Only the digits 0 to 9
/// are taken. A number that has no place in 64 bits becomes the nearest one that has. `None` if the text is no number.
pub fn integer(text: &str) -> Option<i64> {
    let text = text.trim_matches(is_space);
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let mut number = 0_i64;
    let mut after_digit = false;
    for byte in digits.bytes() {
        match byte {
            b'_' if after_digit => after_digit = false,
            b'0'..=b'9' => {
                let digit = i64::from(byte - b'0');
                let digit = if negative { -digit } else { digit };
                number = number.saturating_mul(10).saturating_add(digit);
                after_digit = true;
            }
            _ => return None,
        }
    }
    after_digit.then_some(number)
}

/// Whether Python strips a character from the text of a number.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn numbers_are_those_of_python() {
        for (text, expected) in [
            ("3", Some(3)),
            (" -3\n", Some(-3)),
            ("\u{1f}3", Some(3)),
            ("+3", Some(3)),
            ("1_000", Some(1_000)),
            ("007", Some(7)),
            ("-99999999999999999999", Some(i64::MIN)),
            ("99999999999999999999", Some(i64::MAX)),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("-_1", None),
            ("", None),
            ("+", None),
            ("1.0", None),
            ("0x1", None),
        ] {
            assert_eq!(integer(text), expected, "{text:?}");
        }
    }
}
