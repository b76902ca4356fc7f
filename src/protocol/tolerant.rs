//! Reads JSON written by JavaScript, which may cut a text in the middle of a character and write the remaining
//! half as an escape that no text can hold: a parser would reject the whole document for it; here it becomes
//! U+FFFD.

use std::borrow::Cow;

use memchr::memchr;
use serde_json::Value;

use super::members::{self, top_level_value};
use super::tree::{self, Fault};

/// The document, with U+FFFD for every lone surrogate.
pub fn value(text: &str) -> Result<Value, Fault> {
    tree::parse_tolerant(text)
}

/// As [`value`], for a line of the CLI; null when it cannot be parsed.
pub fn line(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).ok().and_then(|text| value(text).ok()).unwrap_or_default()
}

/// A string with its quotes; `None` when it is not one.
pub fn string(text: &str) -> Option<String> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&without_halves(text))).ok()
}

/// One member of an object inside an object, and so on. Its neighbours do not matter, even if nested deeper
/// than a parser accepts.
pub fn member(object: &str, path: &[&str]) -> Option<Value> {
    let mut at = object.as_bytes().trim_ascii_start();
    for name in path {
        at = top_level_value(at, name.as_bytes())?;
    }
    value(std::str::from_utf8(members::value(at)?).ok()?).ok()
}

/// In JSON a backslash occurs only inside strings.
fn without_halves(text: &str) -> Cow<'_, str> {
    const ESCAPE: usize = r"\uXXXX".len();
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(next) = memchr(b'\\', text.as_bytes().get(at..).unwrap_or_default()) {
        at += next;
        match (unit(text, at), unit(text, at + ESCAPE)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at += 2 * ESCAPE,
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str(&text[copied..at]);
                out.push('\u{FFFD}');
                at += ESCAPE;
                copied = at;
            }
            _ => at += 2,
        }
    }
    if copied == 0 {
        return text.into();
    }
    out.push_str(&text[copied..]);
    out.into()
}

/// The number in the `\uXXXX` at `at`.
fn unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_beside_whatever_there_is() {
        let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        let text =
            format!(r#" {{"deep":{deep},"half":"\ud83d","a":{{"deep":{deep},"b":"x\ny\udc00"}},"n":7}}"#);
        assert!(value(&text).is_err());
        assert_eq!(member(&text, &["a", "b"]), Some("x\ny\u{FFFD}".into()));
        assert_eq!(member(&text, &["n"]), Some(7.into()));
        for nowhere in [&["b"][..], &["a", "n"], &["n", "a"], &["deep"]] {
            assert_eq!(member(&text, nowhere), None);
        }
    }

    #[test]
    fn halves_of_a_pair_are_replaced_and_everything_else_stays() {
        for (text, expected) in [
            (r#"{"a":"cut \ud83d"}"#, Some("cut \u{FFFD}")),
            (r#"{"a":"\uDE00 cut"}"#, Some("\u{FFFD} cut")),
            (r#"{"a":"\ud83d\ud83d\ude00\ude00"}"#, Some("\u{FFFD}\u{1F600}\u{FFFD}")),
            (r#"{"a":"\ud83dx\u00e9\n日"}"#, Some("\u{FFFD}xé\n日")),
            (r#"{"a":"\\ud83d \ud83d\\"}"#, Some("\\ud83d \u{FFFD}\\")),
            (r#"{"a":"\ud83d\ude00"}"#, Some("\u{1F600}")),
            (r#"{"a":"\ud83d"#, None),
            (r#"{"a":"\ud8"#, None),
            (r#"{"a":"\ud83d\"#, None),
            ("\\日", None),
        ] {
            let read = value(text).ok();
            assert_eq!(read.as_ref().map(|value| value["a"].as_str().unwrap()), expected, "{text}");
        }
    }
}
