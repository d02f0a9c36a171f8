//! Python's text of a float: `repr(x)`, and `NaN`/`Infinity` as its `json` module writes them.

use std::fmt::Write;

/// Appends `value` as Python's `json.dumps` prints it.
///
/// The digits are the shortest that are read back as the same float. If two are equally near, the even one counts.
/// Python and `ryu` do this; Rust's own formatting does not. The layout is Python's: an exponent below 1e-4 and
/// from 1e16 on, and always a fraction or an exponent.
pub(super) fn push_float(out: &mut String, value: f64) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    if value.is_infinite() {
        return out.push_str("Infinity");
    }
    let mut buffer = ryu::Buffer::new();
    let number = Decimal::of(buffer.format_finite(value.abs()));
    number.push(out);
}

/// A positive decimal: its digits, and the place of the point.
struct Decimal {
    /// The digits, without zeros at either end; none for zero.
    digits: [u8; 20],
    len: usize,
    /// How many digits stand before the point; beyond the digits there are zeros.
    point: i32,
}

impl Decimal {
    /// Reads what `ryu` prints: digits, a point, an exponent, of which any may be missing.
    fn of(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut number = Self { digits: [0; 20], len: 0, point: exponent.parse().unwrap_or(0) };
        for digit in whole.bytes() {
            number.point += i32::from(number.take(digit) || digit != b'0');
        }
        for digit in fraction.bytes() {
            if !number.take(digit) {
                number.point -= 1;
            }
        }
        while number.digits().ends_with('0') {
            number.len -= 1;
        }
        number
    }

    /// Adds a digit; `false` for a leading zero, which is left out.
    fn take(&mut self, digit: u8) -> bool {
        let counts = self.len > 0 || digit != b'0';
        if let Some(place) = self.digits.get_mut(self.len).filter(|_| counts) {
            *place = digit;
            self.len += 1;
        }
        counts
    }

    fn digits(&self) -> &str {
        self.digits
            .get(..self.len)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .unwrap_or_default()
    }

    fn push(&self, out: &mut String) {
        let digits = self.digits();
        // Exponents of Python's count from behind the first digit.
        match self.point - 1 {
            _ if digits.is_empty() => out.push_str("0.0"),
            exponent @ (16.. | ..-4) => {
                let (first, rest) = digits.split_at(1);
                out.push_str(first);
                if !rest.is_empty() {
                    out.push('.');
                    out.push_str(rest);
                }
                let sign = if exponent < 0 { '-' } else { '+' };
                // Writing to a String cannot fail.
                let _ = write!(out, "e{sign}{:02}", exponent.abs());
            }
            ..0 => {
                out.push_str("0.");
                push_zeros(out, -self.point);
                out.push_str(digits);
            }
            0.. => {
                let before = usize::try_from(self.point).unwrap_or(0);
                let (whole, fraction) = digits.split_at(before.min(digits.len()));
                out.push_str(whole);
                push_zeros(out, self.point - i32::try_from(whole.len()).unwrap_or(0));
                out.push('.');
                out.push_str(if fraction.is_empty() { "0" } else { fraction });
            }
        }
    }
}

fn push_zeros(out: &mut String, count: i32) {
    out.extend((0..count).map(|_| '0'));
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
            (100.0, "100.0"),
            (120.5, "120.5"),
            (0.001_5, "0.0015"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
            (1_556_533_174_128_709.0 + 0.25, "1556533174128709.2"),
            (-21_326_918_031_655.5 - 0.062_5, "-21326918031655.562"),
            (f64::MAX, "1.7976931348623157e+308"),
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
