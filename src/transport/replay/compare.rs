//! Compares what the host sends with the record.

use serde_json::{Map, Value, json};

use crate::protocol::pointer::escaped;
use crate::protocol::tolerant;
use crate::transport::record::format::REDACTED;
use crate::transport::record::redact::Redactor;

/// The first place where two documents differ.
#[derive(Debug, PartialEq)]
pub struct Difference {
    /// RFC 6901; empty for the whole.
    pub pointer: String,
    /// None: there is nothing at this place.
    pub expected: Option<Value>,
    pub got: Option<Value>,
}

/// Longer values are truncated in messages.
const MAX_VALUE_LEN: usize = 200;

impl Difference {
    pub fn whole(expected: Option<Value>, got: Option<Value>) -> Difference {
        Difference { pointer: String::new(), expected, got }
    }

    /// With secrets removed.
    pub fn without_secrets(&self, redactor: &Redactor) -> Difference {
        let shown =
            |value: &Option<Value>| value.as_ref().map(|value| redacted(&self.pointer, value, redactor));
        Difference {
            pointer: redactor.text(&self.pointer).into_owned(),
            expected: shown(&self.expected),
            got: shown(&self.got),
        }
    }

    /// One line for display.
    pub fn text(&self) -> String {
        let place = if self.pointer.is_empty() { String::new() } else { format!("at {}: ", self.pointer) };
        let shown = |value: &Option<Value>, other: &Option<Value>| match value {
            Some(value) => excerpt(value, other.as_ref(), MAX_VALUE_LEN).unwrap_or_else(|| value.to_string()),
            None => "nothing".to_owned(),
        };
        format!(
            "{place}expected {}, got {}",
            shown(&self.expected, &self.got),
            shown(&self.got, &self.expected)
        )
    }

    /// What was expected and what came, each as a text of at most `longest` characters if it is longer.
    pub fn bounded(&self, longest: usize) -> [Option<Value>; 2] {
        let bounded = |value: &Option<Value>, other: &Option<Value>| {
            let value = value.as_ref()?;
            Some(excerpt(value, other.as_ref(), longest).map_or_else(|| value.clone(), Value::from))
        };
        [bounded(&self.expected, &self.got), bounded(&self.got, &self.expected)]
    }
}

/// The names above a value decide whether it is secret, so it is redacted below them.
fn redacted(pointer: &str, value: &Value, redactor: &Redactor) -> Value {
    let names: Vec<&str> = pointer.split('/').skip(1).collect();
    let whole = names.iter().rev().fold(value.clone(), |value, name| json!({*name: value}));
    let hidden = || Value::from(REDACTED);
    let text = redactor.note(&whole.to_string());
    let mut shown = text.and_then(|text| tolerant::value(&text).ok()).unwrap_or_else(hidden);
    for _ in names {
        shown = match shown {
            Value::Object(members) => members.into_iter().next().map_or_else(hidden, |(_, value)| value),
            // Removed together with what is above it.
            _ => return hidden(),
        };
    }
    shown
}

/// The part of a long value around its first difference from the other; `None` if it is short.
#[inline(never)]
fn excerpt(value: &Value, other: Option<&Value>, longest: usize) -> Option<String> {
    let text = value.to_string();
    if text.len() <= longest {
        return None;
    }
    let other = other.map(Value::to_string).unwrap_or_default();
    let same = text.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let at_character = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = at_character(same.saturating_sub(longest / 2).min(text.len() - longest));
    let end = at_character(start + longest);
    let mark = |cut: bool| if cut { "…" } else { "" };
    Some([mark(start > 0), &text[start..end], mark(end < text.len())].concat())
}

/// The first difference between two lines of the host, except for what is new in every run.
pub fn lines(expected: &Value, got: &Value) -> Option<Difference> {
    first("", &without_ids(expected), &without_ids(got))
}

/// Ids of our own are new in every run.
fn without_ids(frame: &Value) -> Value {
    let mut frame = frame.clone();
    match frame["type"].as_str() {
        Some("user") => drop(frame.as_object_mut().and_then(|members| members.shift_remove("uuid"))),
        Some("control_request") => frame["request_id"] = json!(""),
        _ => {}
    }
    frame
}

fn first(pointer: &str, expected: &Value, got: &Value) -> Option<Difference> {
    match (expected, got) {
        (Value::String(expected), _) if expected == REDACTED => None,
        (Value::String(expected), Value::String(got)) if fits(expected, got) => None,
        (Value::Object(expected), Value::Object(got)) => members(pointer, expected, got),
        (Value::Array(expected), Value::Array(got)) => items(pointer, expected, got),
        _ if expected == got => None,
        _ => Some(Difference {
            pointer: pointer.to_owned(),
            expected: Some(expected.clone()),
            got: Some(got.clone()),
        }),
    }
}

/// A null member is equivalent to a missing one.
fn members(pointer: &str, expected: &Map<String, Value>, got: &Map<String, Value>) -> Option<Difference> {
    // A name with a redacted secret cannot be looked up.
    let hidden = |name: &str| name.contains(REDACTED);
    let missing = expected.iter().filter(|(name, _)| !hidden(name)).find_map(|(name, value)| {
        let place = below(pointer, name);
        match got.get(name) {
            Some(got) => first(&place, value, got),
            None if value.is_null() => None,
            None => Some(Difference { pointer: place, expected: Some(value.clone()), got: None }),
        }
    });
    missing.or_else(|| {
        if expected.keys().any(|name| hidden(name)) {
            return None;
        }
        let mut more = got.iter().filter(|(name, value)| !value.is_null() && !expected.contains_key(*name));
        let (name, value) = more.next()?;
        Some(Difference { pointer: below(pointer, name), expected: None, got: Some(value.clone()) })
    })
}

fn items(pointer: &str, expected: &[Value], got: &[Value]) -> Option<Difference> {
    let place = |index: usize| below(pointer, &index.to_string());
    let both = expected.iter().zip(got).enumerate();
    let mut differences = both.filter_map(|(index, (expected, got))| first(&place(index), expected, got));
    differences.next().or_else(|| {
        let index = expected.len().min(got.len());
        (expected.len() != got.len()).then(|| Difference {
            pointer: place(index),
            expected: expected.get(index).cloned(),
            got: got.get(index).cloned(),
        })
    })
}

fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", escaped(name))
}

/// Equal, where a redacted secret in `expected` matches any text.
fn fits(expected: &str, got: &str) -> bool {
    let Some((start, rest)) = expected.split_once(REDACTED) else { return expected == got };
    let Some(mut got) = got.strip_prefix(start) else { return false };
    let mut parts = rest.split(REDACTED).peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return got.ends_with(part);
        }
        let Some(at) = got.find(part) else { return false };
        got = &got[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(expected: Value, got: Value) -> Option<String> {
        lines(&expected, &got).map(|difference| difference.pointer)
    }

    #[test]
    fn ids_of_ours_do_not_count() {
        let prompt = |uuid: &str| json!({"type": "user", "message": {"content": "x"}, "uuid": uuid});
        assert_eq!(pointer(prompt("a"), prompt("b")), None);
        let request = |id: &str| json!({"type": "control_request", "request_id": id, "request": {}});
        assert_eq!(pointer(request("a"), request("b")), None);
        let answer = |id: &str| json!({"type": "control_response", "response": {"request_id": id}});
        assert_eq!(pointer(answer("a"), answer("b")).as_deref(), Some("/response/request_id"));
    }

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(
            pointer(json!({"a": [1, {"b~/": 2}]}), json!({"a": [1, {"b~/": 3}]})).unwrap(),
            "/a/1/b~0~1"
        );
        assert_eq!(pointer(json!({"a": 1}), json!({})).unwrap(), "/a");
        assert_eq!(pointer(json!({}), json!({"a": 1})).unwrap(), "/a");
        assert_eq!(pointer(json!([1]), json!([1, 2])).unwrap(), "/1");
        let difference = lines(&json!({"a": "x"}), &json!({"a": 5})).unwrap();
        assert_eq!(difference.text(), r#"at /a: expected "x", got 5"#);
        assert_eq!(Difference::whole(None, Some(json!(1))).text(), "expected nothing, got 1");
    }

    #[test]
    fn null_is_as_good_as_nothing() {
        assert_eq!(pointer(json!({"a": null}), json!({"b": null})), None);
        assert_eq!(pointer(json!({"a": null}), json!({"a": 1})).unwrap(), "/a");
        assert_eq!(pointer(json!({}), json!({"a": [null]})).unwrap(), "/a");
        assert_eq!(pointer(json!([null]), json!([])).unwrap(), "/0");
    }

    #[test]
    fn what_was_taken_out_fits_anything() {
        assert_eq!(pointer(json!({"a": REDACTED, "b": 1}), json!({"a": {"any": [1]}, "b": 1})), None);
        let text = |text: &str| format!("key {REDACTED}, again {REDACTED}.{text}");
        assert!(fits(&text(""), "key abc, again abc."));
        assert!(!fits(&text(""), "key abc, again"));
        assert!(!fits(&text("x"), "key abc, again abc."));
        assert!(!fits("abc", "abd"));
    }
}
