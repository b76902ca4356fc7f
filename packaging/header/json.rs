//! JSON text that people can read and compare: what fits one line stands on one.

use serde_json::Value;

const WIDTH: usize = 160;

pub fn text(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, 0, &mut text);
    text.push('\n');
    text
}

/// `used` columns are taken on the line, beside the indentation.
fn write(value: &Value, depth: usize, used: usize, text: &mut String) {
    let short = value.to_string();
    let (open, close, count) = match value {
        Value::Array(items) => ('[', ']', items.len()),
        Value::Object(members) => ('{', '}', members.len()),
        _ => return text.push_str(&short),
    };
    if count == 0 || depth > 1 && depth + used + short.chars().count() <= WIDTH {
        return text.push_str(&short);
    }
    text.push(open);
    let mut first = true;
    let mut begin = |text: &mut String| {
        if !std::mem::take(&mut first) {
            text.push(',');
        }
        text.push('\n');
        text.push_str(&" ".repeat(depth + 1));
    };
    match value {
        Value::Array(items) => {
            for item in items {
                begin(text);
                write(item, depth + 1, 1, text);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                begin(text);
                let name = Value::from(name.as_str()).to_string();
                text.push_str(&name);
                text.push(':');
                write(member, depth + 1, name.chars().count() + 2, text);
            }
        }
        _ => {}
    }
    text.push('\n');
    text.push_str(&" ".repeat(depth));
    text.push(close);
}
