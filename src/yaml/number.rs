//! Numbers as JSON has them. What text is a number is known in [`super::scalar`].

/// A number's text as JSON: an integer where it fits 64 bits, else the nearest float, else (`.inf`, `.nan`) its text.
pub(super) fn to_json(text: &str) -> serde_json::Value {
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
