//! Whole numbers that the CLI rounds: it holds every number as a double, in which all whole numbers are exact only below 2^53.

use crate::protocol::members::string;

/// The first whole number from 2^53 on: it may be the result of rounding a neighbour.
pub fn doubtful(json: &str) -> Option<&str> {
    whole_numbers(json)
        .find(|number| number.parse::<i128>().map_or(true, |value| value.unsigned_abs() >= 1 << 53))
}

/// The first whole number that does not survive as a double.
pub fn inexact(json: &str) -> Option<&str> {
    // Beyond i128, the comparison itself would need more digits; hardly any such number is exact.
    whole_numbers(json)
        .find(|number| number.parse::<i128>().map_or(true, |value| (value as f64) as i128 != value))
}

/// Number literals without a fraction or an exponent.
fn whole_numbers(json: &str) -> impl Iterator<Item = &str> {
    let is_of_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    let bytes = json.as_bytes();
    let mut at = 0;
    let numbers = std::iter::from_fn(move || {
        loop {
            match *bytes.get(at)? {
                b'"' => at += string(&bytes[at..])?.len() + 2,
                byte if byte == b'-' || byte.is_ascii_digit() => {
                    let length = bytes[at..].iter().take_while(|byte| is_of_number(**byte)).count();
                    at += length;
                    return Some(&json[at - length..at]);
                }
                _ => at += 1,
            }
        }
    });
    numbers.filter(|number| !number.contains(['.', 'e', 'E']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_that_a_double_cannot_hold_are_found() {
        for (json, expected) in [
            (r#"{"a":9007199254740993}"#, Some("9007199254740993")),
            (r#"{"a":[1,{"b":-9007199254740993}]}"#, Some("-9007199254740993")),
            (r#"{"a":18446744073709551617}"#, Some("18446744073709551617")),
            (r#"{"a":9007199254740992,"b":1e300,"c":0.5,"d":-1}"#, None),
            (r#"{"a":"9007199254740993 \" 9007199254740993"}"#, None),
            (r#"{"9007199254740993":9007199254740994}"#, None),
        ] {
            assert_eq!(inexact(json), expected, "{json}");
        }
        assert_eq!(doubtful(r#"{"a":9007199254740991,"b":9007199254740992}"#), Some("9007199254740992"));
        assert_eq!(doubtful(r#"{"a":9007199254740991}"#), None);
    }
}
