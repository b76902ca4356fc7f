//! Checks whether a text is one JSON value, of any depth. Nothing is built and nothing recurses, so nesting
//! needs no stack. Strings are read sixteen bytes at a time, and the most likely token is tried first. General
//! parsers do more for the same answer: see `docs/performance.md`.

use wide::u8x16;

const CHUNK: usize = 16;

/// How many readable bytes after a text are worth having: it is then read in chunks up to its last byte.
pub const AHEAD: usize = CHUNK;

/// Whether the first `length` bytes are one JSON value. What follows them does not matter.
pub fn is_json(text: &[u8], length: usize) -> bool {
    // A value that continues past the text ends too late.
    value_length(text).and_then(|end| text.get(end..length)).is_some_and(|rest| token(rest).is_none())
}

/// Length of the value that the text starts with; `None` when it is not valid.
pub fn value_length(text: &[u8]) -> Option<usize> {
    let mut open = Inner(1);
    let behind = match value(text, &mut open) {
        None if open.is_full() => deep_value(text),
        behind => behind,
    };
    Some(text.len() - behind?.len())
}

// Each of these takes a text and returns the rest of it.

/// The next byte that is not white space.
#[inline(always)]
fn token(text: &[u8]) -> Option<(u8, &[u8])> {
    match text.split_first() {
        Some((byte, rest)) if *byte > b' ' => Some((*byte, rest)),
        _ => token_behind_space(text),
    }
}

#[inline(never)]
fn token_behind_space(text: &[u8]) -> Option<(u8, &[u8])> {
    let at = text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))?;
    Some((text[at], &text[at + 1..]))
}

/// A value that may have more levels than fit into an [`Inner`].
#[cold]
#[inline(never)]
fn deep_value(text: &[u8]) -> Option<&[u8]> {
    value(text, &mut Deep { inner: Inner(1), outer: Vec::new() })
}

/// A whole value, without recursion.
#[inline(always)]
fn value<'a>(mut text: &'a [u8], open: &mut impl Brackets) -> Option<&'a [u8]> {
    'values: loop {
        let (first, rest) = token(text)?;
        text = match first {
            b'"' => string(rest)?,
            b'{' | b'[' => {
                let (next, behind) = token(rest)?;
                // In ASCII each closing bracket is its opening one plus two.
                if next == first + 2 {
                    behind
                } else {
                    open.push(first == b'{')?;
                    if first == b'[' {
                        text = rest;
                        continue;
                    }
                    match members(rest)? {
                        Stopped::BehindValue(rest) => rest,
                        Stopped::BeforeValue(rest) => {
                            text = rest;
                            continue;
                        }
                    }
                }
            }
            b't' => rest.strip_prefix(b"rue")?,
            b'f' => rest.strip_prefix(b"alse")?,
            b'n' => rest.strip_prefix(b"ull")?,
            b'-' | b'0'..=b'9' => number(first, rest)?,
            _ => return None,
        };
        // Brackets close, or the next member follows.
        while open.any() {
            let (next, rest) = token(text)?;
            text = rest;
            match next {
                b',' if open.in_object() => match members(rest)? {
                    Stopped::BehindValue(rest) => text = rest,
                    Stopped::BeforeValue(rest) => {
                        text = rest;
                        continue 'values;
                    }
                },
                b',' => continue 'values,
                b'}' if open.in_object() => open.pop(),
                b']' if !open.in_object() => open.pop(),
                _ => return None,
            }
        }
        return Some(text);
    }
}

/// Where [`members`] stopped.
enum Stopped<'a> {
    BeforeValue(&'a [u8]),
    BehindValue(&'a [u8]),
}

/// The next key, and whole members as long as their values are strings and there is no white space between.
#[inline(always)]
fn members(text: &[u8]) -> Option<Stopped<'_>> {
    let (quote, mut text) = token(text)?;
    if quote != b'"' {
        return None;
    }
    loop {
        text = string(text)?;
        let Some(rest) = text.strip_prefix(b":\"") else {
            let (colon, rest) = token(text)?;
            return (colon == b':').then_some(Stopped::BeforeValue(rest));
        };
        text = string(rest)?;
        match text.strip_prefix(b",\"") {
            Some(rest) => text = rest,
            None => return Some(Stopped::BehindValue(text)),
        }
    }
}

/// A string, starting after its opening quote.
#[inline(always)]
fn string(text: &[u8]) -> Option<&[u8]> {
    // Most strings are names and ids.
    let rest = &text[text.first_chunk().map_or(0, ordinary)..];
    match rest.split_first() {
        Some((b'"', rest)) => Some(rest),
        _ => long_string(rest),
    }
}

#[inline(never)]
fn long_string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        while let Some([first, second]) = text.first_chunk::<{ 2 * CHUNK }>().map(halves) {
            if (special(first) | special(second)).any() {
                break;
            }
            text = &text[2 * CHUNK..];
        }
        let ordinary = match text.first_chunk() {
            Some(chunk) => ordinary(chunk),
            None => text.iter().position(is_special)?,
        };
        text = match text[ordinary..].split_first()? {
            (b'"', rest) => return Some(rest),
            (b'\\', rest) => escape(rest)?,
            (0..b' ', _) => return None,
            _ => &text[ordinary..],
        };
    }
}

fn halves(chunk: &[u8; 2 * CHUNK]) -> [&[u8; CHUNK]; 2] {
    let (halves, _) = chunk.as_chunks();
    [&halves[0], &halves[1]]
}

/// How many bytes of a string precede one that ends it, starts an escape, or is not allowed.
#[inline(always)]
pub fn ordinary(chunk: &[u8; CHUNK]) -> usize {
    (special(chunk).to_bitmask() | 1 << CHUNK).trailing_zeros() as usize
}

/// Quotes, backslashes and control characters.
#[inline(always)]
fn special(chunk: &[u8; CHUNK]) -> u8x16 {
    let bytes = u8x16::new(*chunk);
    // With this bit flipped, a quote is next to the control characters and the space is not: one comparison for both.
    let turned = bytes ^ u8x16::splat(2);
    let quotes_and_controls = turned.min(u8x16::splat(b' ')).simd_eq(turned);
    quotes_and_controls | bytes.simd_eq(u8x16::splat(b'\\'))
}

fn is_special(byte: &u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..b' ')
}

/// What follows a backslash.
fn escape(text: &[u8]) -> Option<&[u8]> {
    match text.split_first()? {
        (b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest) => Some(rest),
        (b'u', rest) => {
            let (digits, rest) = rest.split_first_chunk::<4>()?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(rest)
        }
        _ => None,
    }
}

/// A number, starting after its first byte.
#[inline(never)]
fn number(first: u8, rest: &[u8]) -> Option<&[u8]> {
    let (first, rest) = if first == b'-' { rest.split_first()? } else { (&first, rest) };
    let rest = match first {
        b'0' => rest,
        b'1'..=b'9' => behind_digits(rest),
        _ => return None,
    };
    let rest = match rest.strip_prefix(b".") {
        Some(rest) => digits(rest)?,
        None => rest,
    };
    match rest.split_first() {
        Some((b'e' | b'E', rest)) => match rest.split_first()? {
            (b'+' | b'-', rest) => digits(rest),
            _ => digits(rest),
        },
        _ => Some(rest),
    }
}

/// One or more.
fn digits(text: &[u8]) -> Option<&[u8]> {
    text.first()?.is_ascii_digit().then(|| behind_digits(text))
}

fn behind_digits(text: &[u8]) -> &[u8] {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &text[count..]
}

/// The open brackets, one bit each, set for an object.
trait Brackets {
    /// Called after each [`Brackets::pop`].
    fn any(&mut self) -> bool;

    /// Whether the innermost one is an object.
    fn in_object(&self) -> bool;

    /// `None` when there is no room for more.
    fn push(&mut self, object: bool) -> Option<()>;

    fn pop(&mut self);
}

/// As many brackets as usual texts have, below a leading 1.
struct Inner(u128);

impl Inner {
    fn is_full(&self) -> bool {
        self.0.leading_zeros() == 0
    }
}

impl Brackets for Inner {
    #[inline(always)]
    fn any(&mut self) -> bool {
        self.0 != 1
    }

    #[inline(always)]
    fn in_object(&self) -> bool {
        self.0 & 1 == 1
    }

    #[inline(always)]
    fn push(&mut self, object: bool) -> Option<()> {
        if self.is_full() {
            return None;
        }
        self.0 = self.0 << 1 | u128::from(object);
        Some(())
    }

    #[inline(always)]
    fn pop(&mut self) {
        self.0 >>= 1;
    }
}

/// Any number of brackets.
struct Deep {
    inner: Inner,
    /// Those around the inner ones, all of them full.
    outer: Vec<Inner>,
}

impl Brackets for Deep {
    fn any(&mut self) -> bool {
        if self.inner.any() {
            return true;
        }
        let around = self.outer.pop();
        let any = around.is_some();
        self.inner = around.unwrap_or(Inner(1));
        any
    }

    fn in_object(&self) -> bool {
        self.inner.in_object()
    }

    fn push(&mut self, object: bool) -> Option<()> {
        if self.inner.is_full() {
            self.outer.push(std::mem::replace(&mut self.inner, Inner(1)));
        }
        self.inner.push(object)
    }

    fn pop(&mut self) {
        self.inner.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a text with bytes after it, as a line in a buffer may have them, and without.
    fn judged(text: &[u8]) -> bool {
        let verdict = is_json(text, text.len());
        for behind in ["\n", "\n{\"type\":\"user\"}\n", "\",\"\"}]}1,2,3\"\""] {
            let more = [text, behind.as_bytes()].concat();
            if behind.starts_with('\n') || verdict {
                assert_eq!(is_json(&more, text.len()), verdict, "{}", String::from_utf8_lossy(&more));
            }
        }
        verdict
    }

    fn serde_says(text: &[u8]) -> bool {
        std::str::from_utf8(text).is_ok() && serde_json::from_slice::<serde_json::Value>(text).is_ok()
    }

    #[test]
    fn good_and_bad_texts_are_told_apart() {
        for good in [
            "{}",
            "[]",
            "0",
            "-0",
            "10",
            "-1.5e+10",
            "1E5",
            "2e-7",
            "true",
            "false",
            "null",
            "\"\"",
            " [ 1 , { } ] \r\n",
            r#"{"a":1,"b":[true,false,null,{"c":"d"}],"e":{"f":{}}}"#,
            "\"a long string, longer than two words\"",
            r#""\" \\ \/ \b \f \n \r \t \u00e9 \ud83d\ude00""#,
            "{\"tab\"\t:\n\"x\"}",
            "[[[[]]]]",
            "\"日本語\"",
        ] {
            assert!(serde_says(good.as_bytes()) && judged(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            " ",
            "{",
            "}",
            "[",
            "]",
            "{]",
            "[}",
            "[1,]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "-",
            "+1",
            "1e",
            "1e+",
            "tru",
            "nul",
            "truefalse",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "\"a\tb\"",
            "\"a long string with a\u{1} in it\"",
            "1 2",
            "{}{}",
            "[1 2]",
            "{\"a\" \"b\"}",
            "[1]]",
            "\"a\"b",
            "[\"a\":1]",
            "{\"a\",1}",
            "\0",
            "{}\0",
            "[\0]",
            "\u{a0}1",
            "{\"a\":1}x",
            "nulll",
            // White space elsewhere, but not in JSON.
            "1\x0c",
            "\x0c{}",
            "{}\x0c\n",
            "[1,\x0c2]",
            "{}\x0b",
        ] {
            assert!(!serde_says(bad.as_bytes()) && !judged(bad.as_bytes()), "{bad}");
        }
    }

    /// Every small corruption of a message gets the same answer as from serde.
    #[test]
    fn damaged_messages_are_judged_as_by_a_parser() {
        const MESSAGE: &str = r#"{"type":"assistant","n":[-1.5e3,0,{"k":null}],"text":"a \"quoted\" word, \u00e9 and more of it"}"#;
        let (mut refused, mut all) = (0, 0);
        for at in 0..MESSAGE.len() {
            for byte in b"\"\\{}[]:,0a-.eE \t\x01\x00" {
                let mut text = MESSAGE.as_bytes().to_vec();
                let replaced = std::mem::replace(&mut text[at], *byte);
                let mut longer = text.clone();
                longer.insert(at, replaced);
                for text in [&text, &longer, &text[..at].to_vec()] {
                    all += 1;
                    refused += u32::from(!judged(text));
                    assert_eq!(judged(text), serde_says(text), "{}", String::from_utf8_lossy(text));
                }
            }
        }
        assert!(refused > all / 2);
    }

    fn serde_passes_over(text: &[u8]) -> bool {
        serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
    }

    /// Lists and objects alternately, or in runs, so that the stored bits are not all the same.
    fn nested(depth: usize, is_object: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut text = Vec::new();
        (0..depth).for_each(|at| text.extend_from_slice(if is_object(at) { b"{\"a\":" } else { b"[" }));
        text.push(b'1');
        (0..depth).rev().for_each(|at| text.push(if is_object(at) { b'}' } else { b']' }));
        text
    }

    #[test]
    fn a_text_of_any_depth_is_read() {
        for depth in [0, 1, 126, 127, 128, 129, 254, 255, 256, 1000, 1_000_000] {
            let patterns: [fn(usize) -> bool; 4] =
                [|at| at % 3 == 0, |_| false, |_| true, |at| at / 127 % 2 == 0];
            for is_object in patterns.into_iter().take(if depth > 1000 { 1 } else { 4 }) {
                let text = nested(depth, is_object);
                assert!(judged(&text), "{depth}");
                assert!(!judged(&text[..text.len() - usize::from(depth > 0)]) || depth == 0, "{depth}");
                assert!(!judged(&[&text[..], b"]"].concat()), "{depth}");
            }
        }
    }

    #[test]
    fn a_wrong_bracket_is_found_at_any_depth() {
        let text = nested(300, |at| at % 3 == 0);
        for at in 0..text.len() {
            for byte in b"[]{},:\"1" {
                let mut damaged = text.clone();
                damaged[at] = *byte;
                assert_eq!(judged(&damaged), serde_passes_over(&damaged), "{at} {byte}");
            }
        }
    }

    #[test]
    fn brackets_may_close_and_open_where_their_bits_are_put_aside() {
        let inner = "[[1],[{\"a\":[2]}],{}]";
        for depth in 120..140 {
            let text = format!("{}{inner},{inner}{}", "[".repeat(depth), "]".repeat(depth));
            assert!(judged(text.as_bytes()), "{depth}");
            assert!(!judged(text.replace("[2]}", "[2}]").as_bytes()), "{depth}");
        }
    }
}
