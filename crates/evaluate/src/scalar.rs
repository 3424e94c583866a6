use std::cmp::Ordering;

use serde_json::Value;

/// A number or a boolean.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Real(f64),
}

impl Scalar {
    /// What an event's value is: a JSON number or boolean, or a text in the hexadecimal spelling of Windows' logs.
    ///
    /// Decimal digits in a text stay text, so that the version `1.10` is not `1.1`.
    pub(crate) fn of(json: &Value) -> Option<Self> {
        match json {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Number(number) => number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from))
                .map(Self::Integer)
                .or_else(|| number.as_f64().map(Self::Real)),
            Value::String(text) => hexadecimal(text).map(Self::Integer),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// What a text spells: `true`, `false` in any case, or a number.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            return Some(Self::Bool(text.len() == 4));
        }
        Self::read_number(text)
    }

    /// The number a text spells: decimal, with fraction and exponent, or hexadecimal behind `0x`.
    #[must_use]
    pub fn read_number(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_decimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        if is_decimal {
            let integer = text.parse().ok().map(Self::Integer);
            return integer.or_else(|| text.parse().ok().map(Self::Real));
        }
        hexadecimal(text).map(Self::Integer)
    }
}

/// A number or boolean as a key: what is equal has the same key, and few others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ScalarKey {
    Bool(bool),
    Number(u64),
}

impl Scalar {
    pub(crate) fn key(self) -> ScalarKey {
        match self {
            Self::Bool(value) => ScalarKey::Bool(value),
            // Both zeros are one.
            other => ScalarKey::Number((other.as_real() + 0.0).to_bits()),
        }
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (*self, *other) {
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(&right)),
            (Self::Bool(_), _) | (_, Self::Bool(_)) => None,
            (Self::Integer(left), Self::Integer(right)) => Some(left.cmp(&right)),
            (left, right) => left.as_real().partial_cmp(&right.as_real()),
        }
    }
}

impl Scalar {
    #[allow(clippy::cast_precision_loss)]
    fn as_real(self) -> f64 {
        match self {
            Self::Bool(value) => f64::from(u8::from(value)),
            Self::Integer(value) => value as f64,
            Self::Real(value) => value,
        }
    }
}

fn hexadecimal(text: &str) -> Option<i128> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(digits, 16).ok()
}
