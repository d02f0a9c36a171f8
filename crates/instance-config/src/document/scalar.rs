//! What the text of a scalar means: the rules of YAML 1.1 for numbers, booleans and nothing, as PyYAML has them.

use super::{Integer, Kind};

/// The digits of a decimal number that Python reads at most.
const PYTHON_DIGITS: usize = 4300;

/// What a plain text means by itself; `None` if it is one of the two texts that mean something only as a key, or a
/// number that Python cannot read.
pub(super) fn implicit(text: &str) -> Option<Kind> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Kind::Null),
        "<<" | "=" => return None,
        _ => {}
    }
    if is_boolean(text) {
        return boolean(text).map(Kind::Boolean);
    }
    if is_float(text) {
        return float(text).map(Kind::Float);
    }
    if is_integer(text) {
        return integer(text).map(Kind::Integer);
    }
    Some(Kind::Text(text.to_owned()))
}

/// Whether a plain text is a boolean by itself: three spellings of each word, and no single letters.
fn is_boolean(text: &str) -> bool {
    ["yes", "no", "true", "false", "on", "off"].iter().any(|word| {
        let capital = format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..]);
        text == *word || text == capital || text == word.to_ascii_uppercase()
    })
}

/// The boolean of a text in letters of either case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match &*text.to_lowercase() {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// Whether a plain text is a number with a point by itself. An exponent needs a sign, as in `1.5e+3`.
fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some((whole, fraction)) = unsigned.split_once('.') else { return false };
    if whole.is_empty() {
        // Without digits before the point there is no sign, either.
        return text.starts_with('.')
            && fraction.starts_with(|first: char| first.is_ascii_digit())
            && is_fraction(fraction);
    }
    if let Some((first, parts)) = whole.split_once(':') {
        return is_grouped(first)
            && are_sixtieths(parts)
            && fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    }
    is_grouped(whole) && is_fraction(fraction)
}

/// Digits and `_`, perhaps with an exponent behind them.
fn is_fraction(text: &str) -> bool {
    let digits = match text.find(['e', 'E']) {
        None => text,
        Some(index) => {
            let exponent = text[index + 1..].strip_prefix(['-', '+']);
            let is_number = |digits: &str| {
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            };
            if !exponent.is_some_and(is_number) {
                return false;
            }
            &text[..index]
        }
    };
    digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

/// A digit, and then digits and `_`.
fn is_grouped(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

/// Numbers below 60 with a colon between two of them, as in the minutes and seconds of a time.
fn are_sixtieths(text: &str) -> bool {
    text.split(':').all(|part| match part.as_bytes() {
        [digit] | [b'0'..=b'5', digit] => digit.is_ascii_digit(),
        _ => false,
    })
}

/// Whether a plain text is a whole number by itself: decimal, octal with a leading zero, `0b..`, `0x..`, or in base 60
/// with colons.
fn is_integer(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |digits: &str, allowed: fn(u8) -> bool| {
        !digits.is_empty() && digits.bytes().all(|byte| byte == b'_' || allowed(byte))
    };
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return all(digits, |byte| matches!(byte, b'0' | b'1'));
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return all(digits, |byte| byte.is_ascii_hexdigit());
    }
    if let Some(digits) = unsigned.strip_prefix('0') {
        return digits.is_empty() || all(digits, |byte| matches!(byte, b'0'..=b'7'));
    }
    match unsigned.split_once(':') {
        Some((first, parts)) => is_grouped(first) && are_sixtieths(parts),
        None => is_grouped(unsigned),
    }
}

/// The whole number of a text; `None` where Python fails.
pub(super) fn integer(text: &str) -> Option<Integer> {
    let text = text.replace('_', "");
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let magnitude = if digits == "0" {
        0
    } else if let Some(binary) = digits.strip_prefix("0b") {
        python_integer(binary, 2)?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        python_integer(hexadecimal, 16)?
    } else if digits.starts_with('0') {
        python_integer(digits, 8)?
    } else if digits.contains(':') {
        digits.split(':').try_fold(0_i128, |number, part| {
            Some(number.saturating_mul(60).saturating_add(python_integer(part, 10)?))
        })?
    } else {
        python_integer(digits, 10)?
    };
    let number = if negative { magnitude.saturating_neg() } else { magnitude };
    Some(match i64::try_from(number) {
        Ok(number) => Integer::Small(number),
        Err(_) if number > 0 => Integer::Great,
        Err(_) => Integer::Least,
    })
}

/// What Python's `int` makes of a text without `_`, or the nearest number of 128 bits.
fn python_integer(text: &str, base: u32) -> Option<i128> {
    let text = text.trim();
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let prefixes: &[&str] = match base {
        2 => &["0b", "0B"],
        8 => &["0o", "0O"],
        16 => &["0x", "0X"],
        _ => &[],
    };
    let digits = prefixes.iter().find_map(|prefix| digits.strip_prefix(prefix)).unwrap_or(digits);
    if digits.is_empty() || (base == 10 && digits.len() > PYTHON_DIGITS) {
        return None;
    }
    let number = digits.chars().try_fold(0_i128, |number, digit| {
        let digit = digit.to_digit(base)?;
        Some(number.saturating_mul(base.into()).saturating_add(digit.into()))
    })?;
    Some(if negative { -number } else { number })
}

/// The number with a point of a text; `None` where Python fails.
pub(super) fn float(text: &str) -> Option<f64> {
    let text = text.replace('_', "").to_lowercase();
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let magnitude = match digits {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if digits.contains(':') => digits
            .split(':')
            .try_fold(0.0, |number, part| Some(number * 60.0 + part.trim().parse::<f64>().ok()?))?,
        _ => digits.trim().parse().ok()?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::implicit;
    use crate::document::{Integer, Kind};

    /// What a text means, in a short form.
    fn meaning(text: &str) -> String {
        match implicit(text) {
            None => "refused".to_owned(),
            Some(Kind::Null) => "null".to_owned(),
            Some(Kind::Boolean(value)) => value.to_string(),
            Some(Kind::Integer(Integer::Small(number))) => number.to_string(),
            Some(Kind::Integer(other)) => format!("{other:?}"),
            Some(Kind::Float(number)) => format!("{number:?}"),
            Some(Kind::Text(text)) => format!("'{text}'"),
            Some(_) => "something else".to_owned(),
        }
    }

    /// The right column is what PyYAML's safe loader says without dates.
    #[test]
    fn texts_mean_what_they_mean_to_pyyaml() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("nULL", "'nULL'"),
            ("yes", "true"),
            ("No", "false"),
            ("ON", "true"),
            ("oFF", "'oFF'"),
            ("y", "'y'"),
            ("0", "0"),
            ("-0", "0"),
            ("010", "8"),
            ("08", "'08'"),
            ("0o10", "'0o10'"),
            ("0b101", "5"),
            ("0b_", "refused"),
            ("0x1F", "31"),
            ("-0x1f", "-31"),
            ("0x", "'0x'"),
            ("1_000", "1000"),
            ("_1", "'_1'"),
            ("0_", "0"),
            ("1:30", "90"),
            ("-1:30:00", "-5400"),
            ("1:60", "'1:60'"),
            ("0:30", "'0:30'"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "Great"),
            ("-99999999999999999999999999999999999999999999", "Least"),
            ("1.5", "1.5"),
            ("1.", "1.0"),
            (".5", "0.5"),
            ("-.5", "'-.5'"),
            ("1e3", "'1e3'"),
            ("1.0e3", "'1.0e3'"),
            ("1.0e+3", "1000.0"),
            ("1.e-1", "0.1"),
            ("1_0.5_0", "10.5"),
            ("1:30.5", "90.5"),
            ("0:30.5", "30.5"),
            (".inf", "inf"),
            ("-.INF", "-inf"),
            (".nan", "NaN"),
            ("-.nan", "'-.nan'"),
            ("2024-01-01", "'2024-01-01'"),
            ("<<", "refused"),
            ("=", "refused"),
            ("+", "'+'"),
            (".", "'.'"),
        ] {
            assert_eq!(meaning(text), expected, "{text}");
        }
    }
}
