//! Looks up members of a JSON object without parsing it: messages are passed on as they are, and only what the
//! library itself needs is read.

use memchr::memchr2;

use super::scan::ordinary;

/// The members of an object, in order: each key (escapes untouched) with the text starting at its value.
pub struct Members<'a> {
    /// Starts at the next key, or at the last value.
    rest: &'a [u8],
    in_value: bool,
}

impl<'a> Members<'a> {
    /// `text` starts with the object; what follows the object does not matter.
    pub fn of(text: &'a [u8]) -> Members<'a> {
        Members { rest: text.strip_prefix(b"{").unwrap_or_default(), in_value: false }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        if self.in_value {
            self.rest = self.rest[value_length(self.rest)..].strip_prefix(b",").unwrap_or_default();
        }
        let text = self.rest.trim_ascii_start().strip_prefix(b"\"")?;
        let length = string_length(text)?;
        let value = text[length + 1..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        (self.rest, self.in_value) = (value, true);
        Some((&text[..length], value))
    }
}

/// The text starting at the value of the top-level member `key`.
pub fn top_level_value<'a>(object: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    Members::of(object).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// The contents of the top-level string member `key`, as written (escapes untouched).
pub fn top_level_string<'a>(object: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    string(top_level_value(object, key)?)
}

/// The contents of the string that `text` starts with.
pub fn string(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"\"")?;
    Some(&text[..string_length(text)?])
}

/// Only the value that `text` starts with; `None` for `null`.
pub fn value(text: &[u8]) -> Option<&[u8]> {
    let value = text[..value_length(text)].trim_ascii_end();
    (value != b"null").then_some(value)
}

/// The strings of the array that `text` starts with.
pub fn strings(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text.strip_prefix(b"[").unwrap_or_default();
    std::iter::from_fn(move || {
        let text = rest.trim_ascii_start().strip_prefix(b"\"")?;
        let length = string_length(text)?;
        let behind = text[length + 1..].trim_ascii_start();
        rest = behind.strip_prefix(b",").unwrap_or_default();
        Some(&text[..length])
    })
}

/// Length of the value that `text` starts with, up to the comma or the bracket after it.
pub fn value_length(text: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => match string_length(&text[at + 1..]) {
                Some(length) => at += length + 1,
                None => return text.len(),
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Length of the string whose opening quote is just before `text`.
#[inline(always)]
pub fn string_length(text: &[u8]) -> Option<usize> {
    // Most strings are names and numbers.
    match text.first_chunk().map(ordinary) {
        Some(at) if text.get(at) == Some(&b'"') => Some(at),
        _ => long_string_length(text),
    }
}

#[inline(never)]
fn long_string_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &[u8] =
        br#"{ "a":"x\"},{" , "b" : [1,{"c":"]"}, "s"],"a\"":null,"n":-1.5e3 ,"o":{"a":1,"z":[]}, "l":["p","q\\"]} tail"#;

    #[test]
    fn members_come_in_order_with_their_values() {
        let seen: Vec<_> = Members::of(OBJECT).map(|(key, text)| (key, value(text))).collect();
        let wanted: [(&[u8], Option<&[u8]>); 6] = [
            (b"a", Some(br#""x\"},{""#)),
            (b"b", Some(br#"[1,{"c":"]"}, "s"]"#)),
            (br#"a\""#, None),
            (b"n", Some(b"-1.5e3")),
            (b"o", Some(br#"{"a":1,"z":[]}"#)),
            (b"l", Some(br#"["p","q\\"]"#)),
        ];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn only_the_top_level_is_looked_at() {
        assert_eq!(top_level_string(OBJECT, b"a"), Some(&br#"x\"},{"#[..]));
        assert_eq!(top_level_value(OBJECT, b"z"), None);
        assert_eq!(top_level_string(OBJECT, b"n"), None);
        let inner = top_level_value(OBJECT, b"o").unwrap();
        assert_eq!(top_level_value(inner, b"a").and_then(value), Some(&b"1"[..]));
        assert_eq!(top_level_value(inner, b"l"), None, "what follows the object is not part of it");
    }

    #[test]
    fn strings_of_a_list() {
        let list = top_level_value(OBJECT, b"l").unwrap();
        assert_eq!(strings(list).collect::<Vec<_>>(), [&b"p"[..], br"q\\"]);
        assert_eq!(strings(b"[]").count() + strings(b"5").count() + strings(b"[1]").count(), 0);
    }

    #[test]
    fn broken_text_never_panics() {
        for end in 0..OBJECT.len() {
            for text in [&OBJECT[..end], &OBJECT[end..]] {
                assert!(Members::of(text).all(|(_, text)| value(text) != Some(b"null")));
                assert!(strings(text).count() <= 2);
            }
        }
    }
}
