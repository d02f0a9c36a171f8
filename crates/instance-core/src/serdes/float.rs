//! Python's text of a float: `repr(x)`, and `NaN`/`Infinity` as its `json` module writes them.

use std::fmt::Write;

/// Appends `value` as Python's `json.dumps` prints it.
///
/// Both languages print the shortest digits that read back as the same float; they differ in the
/// layout. Python uses an exponent below 1e-4 and from 1e16 on, and always shows a fraction or an
/// exponent.
pub(super) fn push_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
        return;
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
        let start = out.len();
        // Writing to a String cannot fail.
        let _ = write!(out, "{value}");
        if !out[start..].contains('.') {
            out.push_str(".0");
        }
        return;
    }
    let start = out.len();
    let _ = write!(out, "{value:e}");
    let Some(exponent_at) = out[start..].find('e').map(|at| start + at + 1) else {
        return;
    };
    // Python writes a sign and at least two digits: 1e-05, 1e+16.
    let exponent = out.split_off(exponent_at);
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent.as_str()),
    };
    out.push(sign);
    if digits.len() < 2 {
        out.push('0');
    }
    out.push_str(digits);
}

#[cfg(test)]
mod tests {
    use super::push_float;

    #[test]
    fn prints_as_python_does() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.234_567_8e22, "1.2345678e+22"),
            (1e300, "1e+300"),
            (5e-324, "5e-324"),
            (-1e-5, "-1e-05"),
            (1_795_305_541.063_141_8, "1795305541.0631418"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in cases {
            let mut text = String::new();
            push_float(&mut text, value);
            assert_eq!(text, expected);
        }
    }
}
