//! Removes secrets from what is written to the record, and keeps every other byte.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;

use super::format::REDACTED;
use super::secrets::SHORTEST;
use super::shapes::{finder, without_credentials};
use super::walk::Walk;
use crate::protocol::pointer::Json;

/// The encodings of shorter secrets would match innocent text.
const SHORTEST_ENCODED: usize = 12;

/// Removes known secrets, what has the form of one, and what the host has named.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Longest first, so that none remains as a part of another.
    secrets: Vec<Finder<'static>>,
    /// The segments of the host's pointers.
    pointers: Vec<Vec<String>>,
}

impl Redactor {
    pub fn new(secrets: Vec<String>, pointers: &[String]) -> Redactor {
        let mut all: Vec<String> = secrets.iter().flat_map(|secret| spellings(secret)).collect();
        all.sort_by_key(|secret| (std::cmp::Reverse(secret.len()), secret.clone()));
        all.dedup();
        let secrets = all.iter().filter(|secret| secret.len() >= SHORTEST);
        let secrets = secrets.map(|secret| finder(secret)).collect();
        Redactor { secrets, pointers: pointers.iter().map(|pointer| segments(pointer)).collect() }
    }

    /// A JSON document; `None` if it is not JSON.
    pub fn json(&self, text: &str) -> Option<String> {
        self.walk(text, Vec::new(), !self.pointers.is_empty())
    }

    /// A JSON document of our own, to which the host's pointers do not apply.
    pub fn note(&self, text: &str) -> Option<String> {
        self.walk(text, Vec::new(), false)
    }

    /// As [`Redactor::json`], for the value at `path` in a document.
    pub(super) fn walk(&self, text: &str, path: Vec<String>, named: bool) -> Option<String> {
        // Validated text can be walked without checking for errors.
        Json::parse(text).map(|_| Walk::new(text, path, named, self).redacted())
    }

    /// Text of any other kind.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        // Most strings are short names and numbers.
        if text.len() < SHORTEST {
            return Cow::Borrowed(text);
        }
        let mut text = Cow::Borrowed(text);
        for secret in &self.secrets {
            if secret.find(text.as_bytes()).is_some() {
                let secret = String::from_utf8_lossy(secret.needle());
                text = Cow::Owned(text.replace(&*secret, REDACTED));
            }
        }
        if let Some(end) = without_credentials(&text) {
            text = Cow::Owned(end);
        }
        text
    }

    /// Whether a number is one of the secrets.
    pub(super) fn is_secret(&self, number: &str) -> bool {
        number.len() >= SHORTEST && self.secrets.iter().any(|secret| secret.needle() == number.as_bytes())
    }

    pub(super) fn is_named(&self, path: &[String]) -> bool {
        self.pointers.iter().any(|pointer| {
            pointer.len() == path.len()
                && pointer.iter().zip(path).all(|(wanted, segment)| wanted == "*" || wanted == segment)
        })
    }
}

/// The secret itself, escaped as inside a JSON document that is itself the text of a member, and encoded.
fn spellings(secret: &str) -> Vec<String> {
    let escaped = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let once = escaped(secret);
    let twice = escaped(&once);
    let mut all = vec![secret.to_owned(), once, twice, percent_encoded(secret)];
    if secret.len() >= SHORTEST_ENCODED {
        for before in 0..3 {
            all.push(in_base64(&STANDARD_NO_PAD, secret, before));
            all.push(in_base64(&URL_SAFE_NO_PAD, secret, before));
        }
    }
    all
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The part common to every encoding of a text in which the secret follows `before` bytes (plus any multiple of three).
fn in_base64(engine: &impl Engine, secret: &str, before: usize) -> String {
    let bytes = [&[0; 2][..before], secret.as_bytes()].concat();
    let whole = bytes.len() / 3 * 3;
    let text = engine.encode(&bytes[..whole]);
    text[if before > 0 { 4 } else { 0 }..].to_owned()
}

fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(pointers: &[&str]) -> Redactor {
        let pointers: Vec<String> = pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
        Redactor::new(vec!["s3cret\"\\\n".into(), "s3cret-longer".into(), "hunter2".into()], &pointers)
    }

    fn json(text: &str) -> String {
        redactor(&[]).json(text).unwrap()
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        for text in [
            r#"{"a" : [1.50, -2e9 ,null,true , {"b":"\u00e9\/ü"}], "c":{} ,"d":[ ]} "#,
            r#""\ud800 lone""#,
            "12",
            r#"{"input_tokens":5,"tokenSource":"ANTHROPIC_API_KEY","text":"bearer of news"}"#,
        ] {
            assert_eq!(json(text), text);
        }
    }

    #[test]
    fn known_secrets_go_wherever_they_stand() {
        assert_eq!(json(r#"{"hunter2":["x hunter2 y"]}"#), r#"{"«redacted»":["x «redacted» y"]}"#);
        assert_eq!(json(r#"["s3cret-longer","\u0068unter2"]"#), r#"["«redacted»","«redacted»"]"#);
    }

    #[test]
    fn a_secret_that_needs_escapes_is_found_at_every_depth() {
        let secret = "s3cret\"\\\n";
        let inner = serde_json::json!({"a": secret}).to_string();
        let middle = serde_json::json!({"b": inner}).to_string();
        let outer = serde_json::json!({"c": middle}).to_string();
        for text in [inner, middle, outer] {
            let redacted = json(&text);
            assert!(!redacted.contains("s3cret") && redacted.contains(REDACTED), "{redacted}");
        }
    }

    #[test]
    fn credentials_are_known_by_their_form() {
        let plain = |text: &str| redactor(&[]).text(text).into_owned();
        assert_eq!(plain("key sk-ant-api03-Ab_1-x!"), "key «redacted»!");
        assert_eq!(
            plain("-H 'Authorization: Bearer abc.def' -H"),
            "-H 'Authorization: Bearer «redacted»' -H"
        );
        assert_eq!(plain(r#"{"X-Api-Key": "12345"}"#), r#"{"X-Api-Key": "«redacted»"}"#);
        assert_eq!(plain("x-api-key=12345\nnext"), "x-api-key=«redacted»\nnext");
        assert_eq!(plain("postgres://me:pass@host/db"), "postgres://me:«redacted»@host/db");
        assert_eq!(
            plain("the authorization of the api-key holder"),
            "the authorization of the api-key holder"
        );
    }

    #[test]
    fn members_that_carry_credentials_lose_their_values() {
        assert_eq!(
            json(r#"{"env":{"A":"b","n":1},"x":{"headers":{"Accept":"y"}},"apiKey":"z","api_key":5}"#),
            r#"{"env":{"A":"«redacted»","n":1},"x":{"headers":{"Accept":"«redacted»"}},"apiKey":"«redacted»","api_key":5}"#
        );
    }

    #[test]
    fn documents_inside_texts_are_walked_too() {
        let settings = serde_json::json!({"settings": r#"{"env": {"A": "b"}}"#}).to_string();
        assert_eq!(json(&settings), r#"{"settings":"{\"env\": {\"A\": \"«redacted»\"}}"}"#);
    }

    #[test]
    fn pointers_name_values_of_any_kind() {
        let by = redactor(&["/a/*/b", "/c", "/d~1e/0"]);
        assert_eq!(
            by.json(r#"{"a":[{"b":{"x":[1,"}"]},"k":1},{"b":"t"}],"c":12,"d/e":[null,2],"b":3}"#).unwrap(),
            r#"{"a":[{"b":"«redacted»","k":1},{"b":"«redacted»"}],"c":"«redacted»","d/e":["«redacted»",2],"b":3}"#
        );
        assert_eq!(redactor(&["/*"]).json(r#"{"a":1}"#).unwrap(), r#"{"a":"«redacted»"}"#);
        assert_eq!(redactor(&[""]).json(r#"{"a":1}"#).unwrap(), r#""«redacted»""#);
    }

    #[test]
    fn numbers_go_when_they_are_secrets() {
        let by = Redactor::new(vec!["4815162342".into()], &[]);
        let text = r#"[4815162342,48151623425,{"a":4815162342}]"#;
        assert_eq!(by.json(text).unwrap(), r#"["«redacted»",48151623425,{"a":"«redacted»"}]"#);
    }

    #[test]
    fn a_secret_is_found_at_any_depth_and_what_stands_beside_it_stays() {
        for depth in [0, 100, 128, 129, 100_000] {
            let deep =
                |value: &str| format!("{}{value}{}", r#"{"a":[1,"]", "#.repeat(depth), "]}".repeat(depth));
            assert_eq!(json(&deep(r#"{"b" : "hunter2" }"#)), deep(r#"{"b" : "«redacted»" }"#));
            assert_eq!(
                json(&deep(r#"{"headers":[{"x":["y",0]}, "z"]}"#)),
                deep(r#"{"headers":[{"x":["«redacted»",0]}, "«redacted»"]}"#)
            );
            assert_eq!(
                json(&deep(r#"{"env":{"A":[["b"]],"n":{}}}"#)),
                deep(r#"{"env":{"A":[["«redacted»"]],"n":{}}}"#)
            );
        }
        let pointer = "/a/2".repeat(1000);
        let deep = |value: &str| format!("{}{value}{}", r#"{"a":[1,"]", "#.repeat(1000), "]}".repeat(1000));
        assert_eq!(redactor(&[&pointer]).json(&deep(r#"[{"x":"]"}] "#)).unwrap(), deep(r#""«redacted»" "#));
    }

    #[test]
    fn what_is_no_json_is_not_walked() {
        for text in ["", "{", "{\"a\":}", "hello"] {
            assert!(redactor(&[]).json(text).is_none(), "{text}");
        }
    }
}
