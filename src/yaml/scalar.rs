//! Plain scalars by the core schema of YAML 1.2, and numbers as JSON. Quoted text never comes here.

use super::tree::Kind;

/// What a plain scalar means: `no`, dates, `1_000` and `190:20:30` are text, as YAML 1.2 has it.
pub(super) fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ if is_integer(text) || is_float(text) => Kind::Number(text.into()),
        _ => Kind::Text(text.into()),
    }
}

pub(super) fn is_integer(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let digits = unsigned(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let rest = unsigned(text);
    if matches!(rest, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|text| !unsigned(text).is_empty() && digits(unsigned(text)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent_fits && digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

/// A number's text as JSON: an integer where it fits 64 bits, else the nearest float, else (`.inf`, `.nan`) its text.
pub(super) fn number_to_json(text: &str) -> serde_json::Value {
    let radix = match text.get(..2) {
        Some("0o") => 8,
        Some("0x") => 16,
        _ => 10,
    };
    let digits = if radix == 10 { text } else { &text[2..] };
    if let Ok(whole) = i64::from_str_radix(digits, radix) {
        return whole.into();
    }
    if let Ok(whole) = u64::from_str_radix(digits, radix) {
        return whole.into();
    }
    let float = if radix == 10 { text.parse::<f64>().ok() } else { Some(large(digits, radix)) };
    match float {
        Some(float) if float.is_finite() => float.into(),
        _ => text.into(),
    }
}

fn large(digits: &str, radix: u32) -> f64 {
    digits
        .chars()
        .filter_map(|digit| digit.to_digit(radix))
        .fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit))
}
