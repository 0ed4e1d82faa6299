//! Numbers as they are written, compared without rounding: `1e400`, integers beyond 64 bits, fractions of any length.
//!
//! Only what comparing takes is here. What text is a number is known in [`crate::yaml`].

use std::cmp::Ordering;

use num_bigint::BigUint;

/// A decimal number: its digits times a power of ten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// From a number as YAML and JSON write it; `None` for what is no finite number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let radix = |prefix: &str, radix: u32| {
            let whole = BigUint::parse_bytes(rest.strip_prefix(prefix)?.as_bytes(), radix)?;
            Some(Self::of(negative, &whole.to_string(), 0))
        };
        if rest.starts_with("0x") || rest.starts_with("0o") {
            return radix("0x", 16).or_else(|| radix("0o", 8));
        }
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let digits = [whole, fraction].concat();
        if digits.bytes().all(|byte| byte == b'0') {
            return Some(Self::of(negative, "", 0));
        }
        // An exponent beyond 64 bits is larger than any other, and all that can be told apart is its sign.
        let exponent = match exponent.parse::<i64>() {
            Ok(exponent) => exponent,
            Err(_) if plain(exponent.trim_start_matches(['-', '+'])) && exponent.len() > 2 => {
                if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 }
            }
            Err(_) => return None,
        };
        let places = i64::try_from(fraction.len()).ok()?;
        Some(Self::of(negative, &digits, exponent.clamp(i64::MIN / 4, i64::MAX / 4) - places))
    }

    fn of(negative: bool, digits: &str, exponent: i64) -> Self {
        let leading = digits.trim_start_matches('0');
        let bare = leading.trim_end_matches('0');
        if bare.is_empty() {
            return Decimal { negative: false, digits: String::new(), exponent: 0 };
        }
        let dropped = i64::try_from(leading.len() - bare.len()).unwrap_or(i64::MAX / 4);
        Decimal { negative, digits: bare.to_owned(), exponent: exponent.saturating_add(dropped) }
    }

    pub(super) fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// The integer that this is, where it fits 64 bits.
    pub(super) fn to_i128(&self) -> Option<i128> {
        let zeros = usize::try_from(self.exponent).ok().filter(|zeros| zeros + self.digits.len() < 38)?;
        let digits = format!("0{}{}", self.digits, "0".repeat(zeros));
        let whole: i128 = digits.parse().ok()?;
        Some(if self.negative { -whole } else { whole })
    }

    /// Equal numbers have the same text, and no others.
    pub(super) fn canonical(&self) -> String {
        format!("{}{}e{}", if self.negative { "-" } else { "" }, self.digits, self.exponent)
    }

    pub(super) fn is_multiple_of(&self, other: &Self) -> bool {
        if self.digits.is_empty() {
            return true;
        }
        // Digits end in no zero, so that a smaller power of ten divides nothing.
        let shift = self.exponent.saturating_sub(other.exponent);
        if other.digits.is_empty() || shift < 0 {
            return false;
        }
        let number = |digits: &str| BigUint::parse_bytes(digits.as_bytes(), 10).unwrap_or_default();
        let modulus = number(&other.digits);
        let mut rest = BigUint::default();
        // A piece at a time: the digits of an instance may be many, those of a schema are few.
        for piece in self.digits.as_bytes().chunks(18) {
            let piece = std::str::from_utf8(piece).unwrap_or_default();
            let scale = 10_u64.pow(u32::try_from(piece.len()).unwrap_or_default());
            rest = (rest * scale + piece.parse::<u64>().unwrap_or_default()) % &modulus;
        }
        let power = BigUint::from(10_u8).modpow(&BigUint::from(shift.unsigned_abs()), &modulus);
        rest * power % &modulus == BigUint::default()
    }

    /// The place of the first digit.
    fn magnitude(&self) -> i64 {
        self.exponent.saturating_add(i64::try_from(self.digits.len()).unwrap_or(i64::MAX / 4))
    }

    fn by_size(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Digits at equal places: the shorter one is followed by zeros.
            (false, false) => {
                self.magnitude().cmp(&other.magnitude()).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.by_size(other),
            (true, true) => other.by_size(self),
            (negative, _) => {
                if negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_compared_as_they_are_written() {
        for (small, large) in [
            ("5", "1e999"),
            ("-1e999", "-5"),
            ("12345678901234567890", "12345678901234567891"),
            ("0.1", "0.10000000000000000001"),
            ("9007199254740993", "9007199254740993.5"),
            ("1e999", "1e1000"),
            ("-1", "0"),
            ("0", "1e-999"),
            ("1e99999999999999999998", "2e99999999999999999998"),
        ] {
            assert_eq!(of(small).cmp(&of(large)), Ordering::Less, "{small} {large}");
            assert_eq!(of(large).cmp(&of(small)), Ordering::Greater, "{small} {large}");
        }
        for (one, other) in
            [("1", "1.0"), ("1e3", "1000"), ("-0", "0.00"), ("0x10", "+16"), ("0o17", "15"), (".5", "5e-1")]
        {
            assert_eq!(of(one), of(other), "{one} {other}");
        }
        for text in [".inf", "-.inf", ".nan", "", "-", "1e", "a", "0xg", "."] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_multiple_is_one_without_rounding() {
        for (number, of_what, expected) in [
            ("0.3", "0.1", true),
            ("0.35", "0.1", false),
            ("1e400", "7", false),
            ("7e400", "7", true),
            ("12345678901234567891", "2", false),
            ("12345678901234567892", "2", true),
            ("1e308", "0.123456789", false),
            ("1", "1e-999", true),
            ("0", "3", true),
            ("3", "0", false),
            ("4.5", "1.5", true),
        ] {
            assert_eq!(of(number).is_multiple_of(&of(of_what)), expected, "{number} {of_what}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_agree_with_the_machines(a: i64, b: i64) {
            let (x, y) = (of(&a.to_string()), of(&b.to_string()));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x.to_i128(), Some(i128::from(a)));
            if b != 0 {
                prop_assert_eq!(x.is_multiple_of(&y), i128::from(a) % i128::from(b) == 0);
            }
        }
    }
}
