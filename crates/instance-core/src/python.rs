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

/// The number that Python's `float` makes of a text, such as the value of the tag `dagster/max_runtime`: white space
/// around it does not count, and single `_` may stand between digits. `inf` and `nan` are numbers, in any case of letters.
/// Only the digits 0 to 9 are taken. `None` if the text is no number.
pub fn float(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let is_between_digits =
        |place: usize| is_digit(bytes.get(place.wrapping_sub(1))) && is_digit(bytes.get(place + 1));
    let mut places = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_');
    if !places.all(|(place, _)| is_between_digits(place)) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// Whether Python strips a character from the text of a number.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::{float, integer};

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

    #[test]
    fn numbers_with_a_fraction_are_those_of_python() {
        for (text, expected) in [
            ("500", Some(500.0)),
            (" 1.5\n", Some(1.5)),
            ("-1", Some(-1.0)),
            ("+.5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1_0.2_5", Some(10.25)),
            ("1e3", Some(1000.0)),
            ("1E-1", Some(0.1)),
            ("Infinity", Some(f64::INFINITY)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("1_.0", None),
            ("i_nf", None),
            ("", None),
            (".", None),
            ("1,5", None),
            ("0x1", None),
            ("1 0", None),
        ] {
            assert_eq!(float(text), expected, "{text:?}");
        }
        assert!(float("NaN").is_some_and(f64::is_nan));
    }
}
