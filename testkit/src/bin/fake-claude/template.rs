//! Placeholders: `{{name}}` or `{{name.path.to.member}}` in any string of a frame.

use serde_json::Value;

/// Fills a whole value. A string that is nothing but one placeholder takes the type of its value.
pub fn fill(value: &Value, look_up: &mut dyn FnMut(&str) -> Option<Value>) -> Value {
    match value {
        Value::String(text) if text.contains("{{") => fill_string(text, look_up),
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, look_up)).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), fill(member, look_up))).collect())
        }
        other => other.clone(),
    }
}

fn fill_string(text: &str, look_up: &mut dyn FnMut(&str) -> Option<Value>) -> Value {
    let only = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    if let Some(name) = only.filter(|name| !name.contains("{{")) {
        return look_up(name).unwrap_or_else(|| Value::String(text.to_owned()));
    }
    Value::String(fill_text(text, look_up))
}

/// Fills text; values that are not strings appear as JSON. What is no known placeholder stays as it is.
pub fn fill_text(text: &str, look_up: &mut dyn FnMut(&str) -> Option<Value>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else { break };
        let name = &rest[start + 2..start + length];
        filled.push_str(&rest[..start]);
        match look_up(name) {
            Some(Value::String(value)) => filled.push_str(&value),
            Some(value) => filled.push_str(&value.to_string()),
            None => filled.push_str(&rest[start..start + length + 2]),
        }
        rest = &rest[start + length + 2..];
    }
    filled.push_str(rest);
    filled
}

/// Follows `a.b.0.c` into a value.
pub fn member<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })
}
