//! Numbers that are written again as they were read, whatever their size and kind.

use super::{Pack, Reader, SerdesError, Unpack, Writer};

/// A Python number: an integer of any size, or a float.
///
/// Where Python expects a float, it also takes an integer, and writes it as an integer.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// An integer of up to 64 bits.
    Integer(i64),
    /// An integer of more than 64 bits, as its digits.
    BigInteger(Box<str>),
    /// A float.
    Float(f64),
}

impl Number {
    /// The number as a float, rounded where it has to be.
    pub fn as_f64(&self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the caller wants a float")]
            Self::Integer(value) => *value as f64,
            Self::BigInteger(digits) => digits.parse().unwrap_or(f64::NAN),
            Self::Float(value) => *value,
        }
    }

    /// The number as an integer; `None` for a float or what is beyond 64 bits.
    pub const fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::BigInteger(_) | Self::Float(_) => None,
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl Pack for Number {
    fn pack(&self, writer: &mut Writer) {
        match self {
            Self::Integer(value) => writer.integer(*value),
            Self::BigInteger(digits) => writer.raw(digits),
            Self::Float(value) => writer.float(*value),
        }
    }
}

impl Unpack for Number {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        let text = reader.number()?;
        Ok(match text {
            "NaN" => Self::Float(f64::NAN),
            "Infinity" => Self::Float(f64::INFINITY),
            "-Infinity" => Self::Float(f64::NEG_INFINITY),
            _ if text.contains(['.', 'e', 'E']) => Self::Float(text.parse().unwrap_or(f64::NAN)),
            _ => match text.parse() {
                Ok(value) => Self::Integer(value),
                Err(_) => Self::BigInteger(text.into()),
            },
        })
    }
}
