//! Reading JSON as the CLI does, which is a JavaScript program: it takes halves of surrogate pairs, numbers of any size, bytes
//! that are not UTF-8 and any depth, all of which a careful parser refuses.

use serde_json::Value;

/// What is nested deeper stands in the value as its own text.
const DEEPEST: usize = 500;

/// The value of the whole text. As in JavaScript, what is not UTF-8 becomes U+FFFD; so does half of a surrogate pair here, and
/// a number that is too large is null, which is what JavaScript writes for it.
///
/// # Errors
/// When JavaScript would not take it either.
pub fn parse(text: &[u8]) -> serde_json::Result<Value> {
    let text = String::from_utf8_lossy(text);
    // Nearly everything is read at the first try.
    serde_json::from_str(&text).or_else(|_| {
        let usual = Plain { text: &text, out: String::with_capacity(text.len()), depth: 0 }.rewritten();
        let mut deserializer = serde_json::Deserializer::from_str(&usual);
        deserializer.disable_recursion_limit();
        let value = serde::Deserialize::deserialize(&mut deserializer)?;
        deserializer.end().map(|()| value)
    })
}

/// The text on its way to one that any parser takes.
struct Plain<'a> {
    text: &'a str,
    out: String,
    depth: usize,
}

impl Plain<'_> {
    fn rewritten(mut self) -> String {
        let mut at = 0;
        while let Some(byte) = self.text.as_bytes().get(at) {
            let end = match byte {
                b'"' => at + string_length(&self.text[at..]),
                b'-' | b'0'..=b'9' => at + number_length(&self.text[at..]),
                b'{' | b'[' if self.depth == DEEPEST => at + value_length(&self.text[at..]),
                _ => at + self.text[at..].chars().next().map_or(1, char::len_utf8),
            };
            let part = &self.text[at..end];
            match byte {
                b'"' => without_halves(part, &mut self.out),
                b'-' | b'0'..=b'9' if part.parse().is_ok_and(f64::is_infinite) => self.out.push_str("null"),
                b'{' | b'[' if self.depth == DEEPEST => self.out.push_str(&Value::from(part).to_string()),
                b'{' | b'[' => {
                    self.depth += 1;
                    self.out.push_str(part);
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.out.push_str(part);
                }
                _ => self.out.push_str(part),
            }
            at = end;
        }
        self.out
    }
}

/// With its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

fn number_length(text: &str) -> usize {
    let other = |byte: u8| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    text.bytes().position(other).unwrap_or(text.len())
}

/// Of an object or an array, with all that is in it.
fn value_length(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while let Some(byte) = text.as_bytes().get(at) {
        at += if *byte == b'"' { string_length(&text[at..]) } else { 1 };
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn without_halves(string: &str, out: &mut String) {
    const ESCAPE: usize = r"\uXXXX".len();
    let unit = |at: usize| {
        let digits = string.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut at = 0;
    while let Some(letter) = string[at..].chars().next() {
        let (length, half) = match (unit(at), unit(at + ESCAPE)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (2 * ESCAPE, false),
            (Some(0xD800..=0xDFFF), _) => (ESCAPE, true),
            _ if letter == '\\' => (1 + string[at + 1..].chars().next().map_or(0, char::len_utf8), false),
            _ => (letter.len_utf8(), false),
        };
        out.push_str(if half { "\u{FFFD}" } else { &string[at..at + length] });
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_javascript_takes_is_taken() {
        for (text, expected) in [
            (&br#"{"a":"cut \ud83d"}"#[..], json!({"a": "cut \u{FFFD}"})),
            (br#"["\udc00x","\\ud83d\ud83d\ude00","\""]"#, json!(["\u{FFFD}x", "\\ud83d\u{1F600}", "\""])),
            (
                br#"{"\ud800":[1e999,-1e999,1.5e3,-0,12]}"#,
                json!({"\u{FFFD}": [null, null, 1500.0, -0.0, 12]}),
            ),
            (b"{\"a\":\"\xff\"}", json!({"a": "\u{FFFD}"})),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{}", String::from_utf8_lossy(text));
        }
        for text in ["{", "{]", "{\"a\":1,}", "{} x", "\"\\ud8\"", "[1e999,]"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn any_depth_is_taken() {
        for depth in [127, 128, 400, 100_000] {
            let text = format!("{{\"deep\":{}1{},\"x\":\"\\ud800\"}}", "[".repeat(depth), "]".repeat(depth));
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(value["x"], "\u{FFFD}", "{depth}");
            let mut at = &value["deep"];
            let mut seen = 0;
            while let Some(next) = at.get(0) {
                (at, seen) = (next, seen + 1);
            }
            assert_eq!(seen, depth.min(DEEPEST - 1), "{depth}");
        }
    }
}
