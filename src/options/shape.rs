//! What a value may look like: checked when the options are read, and printed in the reference and the JSON schema
//! (`reference.rs`).

use serde_json::Value;

use super::document::{at, child, invalid};
use crate::error::{Error, quotable};
use crate::names::nearest;

/// The form of one value. Everything that is written here is enforced, documented and exported as JSON schema.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Bool,
    /// Any text, the empty one included.
    Text,
    /// Text with at least one character.
    Name,
    /// A UUID in its usual spelling.
    Uuid,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number in this range.
    Int(u64, u64),
    /// A number above zero.
    Positive,
    /// Any JSON object; its members are not checked.
    Object,
    List(&'static Shape),
    /// An object whose member names are free.
    Map(&'static Shape),
    /// As the shape, or null, where null has a meaning of its own.
    OrNull(&'static Shape),
    /// An object with exactly these members.
    Closed(&'static [Field]),
    /// An object whose member `type` selects the other members.
    Tagged(&'static [(&'static str, &'static [Field])]),
    /// The first shape that takes values of this JSON type.
    Either(&'static [Shape]),
    /// A shape with a rule that the type alone cannot express. The rule leaves wrong nested types to the shape.
    Ruled(&'static Shape, fn(&Value, &str) -> Result<(), Error>),
}

#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub shape: Shape,
    pub required: bool,
}

pub const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

pub const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

impl Shape {
    /// Checks a value and reports where the first error is. `other` says what to do about a word that is not on
    /// a list of words.
    pub fn check(&self, value: &Value, pointer: &str, other: &str) -> Result<(), Error> {
        if !self.takes(value) {
            return Err(at(pointer, format!("expected {}, found {}", self.describe(), found(value))));
        }
        match self {
            Shape::Name if value.as_str() == Some("") => {
                Err(at(pointer, "expected text that is not empty".to_owned()))
            }
            Shape::Uuid => check_uuid(value, pointer),
            Shape::Word(words) => check_word(words, value, pointer, other),
            Shape::Int(low, high) => check_int(*low, *high, value, pointer),
            Shape::Positive => check_positive(value, pointer),
            Shape::List(item) => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(i, v)| item.check(v, &child(pointer, &i.to_string()), other))
            }
            Shape::Map(item) => {
                let mut members = value.as_object().into_iter().flatten();
                members.try_for_each(|(k, v)| item.check(v, &child(pointer, k), other))
            }
            Shape::OrNull(shape) if !value.is_null() => shape.check(value, pointer, other),
            Shape::Closed(fields) => check_fields(fields, None, value, pointer, other),
            Shape::Tagged(variants) => check_tagged(variants, value, pointer, other),
            Shape::Either(shapes) => match shapes.iter().find(|shape| shape.takes(value)) {
                Some(shape) => shape.check(value, pointer, other),
                None => Ok(()),
            },
            Shape::Ruled(shape, rule) => {
                // The rule goes first: it knows better than the type what was probably meant.
                rule(value, pointer)?;
                shape.check(value, pointer, other)
            }
            _ => Ok(()),
        }
    }

    /// Rewrites whole numbers as integers: some languages only have floating point, and print 5000 as 5000.0.
    pub fn tidy(&self, value: &mut Value) {
        let members = |fields: &[Field], value: &mut Value| {
            for field in fields {
                value.get_mut(field.name).into_iter().for_each(|member| field.shape.tidy(member));
            }
        };
        match self {
            Shape::Int(..) => {
                let number = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=MAX_EXACT).contains(n));
                if let Some(number) = number.filter(|_| value.is_f64()) {
                    *value = (number as u64).into();
                }
            }
            Shape::Closed(fields) => members(fields, value),
            Shape::Tagged(variants) => variants.iter().for_each(|(_, fields)| members(fields, value)),
            _ => {}
        }
    }

    /// Whether the JSON type fits, before any look inside.
    fn takes(&self, value: &Value) -> bool {
        match self {
            Shape::Bool => value.is_boolean(),
            Shape::Text | Shape::Name | Shape::Uuid | Shape::Word(_) => value.is_string(),
            Shape::Int(..) | Shape::Positive => value.is_number(),
            Shape::Object | Shape::Map(_) | Shape::Closed(_) | Shape::Tagged(_) => value.is_object(),
            Shape::List(_) => value.is_array(),
            Shape::OrNull(shape) => value.is_null() || shape.takes(value),
            Shape::Either(shapes) => shapes.iter().any(|shape| shape.takes(value)),
            Shape::Ruled(shape, _) => shape.takes(value),
        }
    }

    /// The shape in words, for messages and the reference.
    pub fn describe(&self) -> String {
        match self {
            Shape::Bool => "true or false".into(),
            Shape::Text => "text".into(),
            Shape::Name => "non-empty text".into(),
            Shape::Uuid => "a UUID".into(),
            Shape::Word(words) => one_of(words),
            Shape::Int(low, u64::MAX) => format!("a whole number of at least {low}"),
            Shape::Int(low, high) => format!("a whole number from {low} to {high}"),
            Shape::Positive => "a number above 0".into(),
            Shape::Object => "an object".into(),
            Shape::List(item) => format!("a list of {}", plural(item)),
            Shape::Map(item) => format!("an object of {}", plural(item)),
            Shape::OrNull(shape) => format!("{} or null", shape.describe()),
            Shape::Closed(fields) => format!("an object {}", members(fields)),
            Shape::Tagged(variants) => {
                let each = variants.iter().map(|(tag, fields)| {
                    if fields.is_empty() {
                        format!("{{type: \"{tag}\"}}")
                    } else {
                        format!("{{type: \"{tag}\", {}", &members(fields)[1..])
                    }
                });
                format!("an object {}", each.collect::<Vec<_>>().join(" or "))
            }
            Shape::Either(shapes) => {
                let mut words: Vec<String> = shapes.iter().map(Shape::describe).collect();
                let last = words.pop().unwrap_or_default();
                format!("{}, or {last}", words.join(", "))
            }
            Shape::Ruled(shape, _) => shape.describe(),
        }
    }
}

/// Above this, floating-point numbers cannot represent every integer.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The type of a value, without its contents, which may be secret.
fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn plural(shape: &Shape) -> String {
    match shape {
        Shape::Text => "texts".into(),
        Shape::Name => "non-empty texts".into(),
        Shape::Object => "objects".into(),
        Shape::Ruled(shape, _) => plural(shape),
        Shape::OrNull(shape) => format!("{} or nulls", plural(shape)),
        other => format!("({})", other.describe()),
    }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [only] => only.clone(),
        _ => format!("one of {}", quoted.join(", ")),
    }
}

fn members(fields: &[Field]) -> String {
    let each = fields.iter().map(|field| {
        let mark = if field.required { "" } else { "?" };
        format!("{}{mark}: {}", field.name, field.shape.describe())
    });
    format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
}

fn check_uuid(value: &Value, pointer: &str) -> Result<(), Error> {
    let text = value.as_str().unwrap_or_default();
    // The crate accepts other spellings too (no hyphens, braces, urn:), which the CLI refuses.
    if text.len() == 36 && uuid::Uuid::try_parse(text).is_ok() {
        return Ok(());
    }
    Err(at(pointer, "expected a UUID such as 123e4567-e89b-12d3-a456-426614174000".to_owned()))
}

fn check_word(words: &[&str], value: &Value, pointer: &str, other: &str) -> Result<(), Error> {
    let text = value.as_str().unwrap_or_default();
    if words.contains(&text) {
        return Ok(());
    }
    let remedy = match nearest(text, words.iter().copied()) {
        Some(word) => format!("did you mean \"{word}\"?"),
        None => other.to_owned(),
    };
    Err(invalid(pointer, format!("expected {}, found \"{}\"", one_of(words), quotable(text)), &remedy))
}

fn check_int(low: u64, high: u64, value: &Value, pointer: &str) -> Result<(), Error> {
    match value.as_u64() {
        Some(number) if (low..=high).contains(&number) => Ok(()),
        _ => Err(at(pointer, format!("expected {}, found {value}", Shape::Int(low, high).describe()))),
    }
}

fn check_positive(value: &Value, pointer: &str) -> Result<(), Error> {
    match value.as_f64() {
        Some(number) if number > 0.0 => Ok(()),
        _ => Err(at(pointer, format!("expected a number above 0, found {value}"))),
    }
}

fn check_fields(
    fields: &[Field],
    tag: Option<&str>,
    value: &Value,
    pointer: &str,
    other: &str,
) -> Result<(), Error> {
    let Some(object) = value.as_object() else { return Ok(()) };
    for (name, member) in object.iter().filter(|(name, _)| Some(name.as_str()) != tag) {
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(unknown_member(fields, name, pointer));
        };
        if !member.is_null() || matches!(field.shape, Shape::OrNull(_)) {
            field.shape.check(member, &child(pointer, name), other)?;
        }
    }
    let missing = fields.iter().find(|f| f.required && object.get(f.name).is_none_or(Value::is_null));
    match missing {
        Some(field) => {
            Err(at(pointer, format!("the member \"{}\" ({}) is missing", field.name, field.shape.describe())))
        }
        None => Ok(()),
    }
}

fn unknown_member(fields: &[Field], name: &str, pointer: &str) -> Error {
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    let remedy = match nearest(name, names.iter().copied()) {
        Some(known) => format!("did you mean \"{known}\"?"),
        None => format!("known members: {}", names.join(", ")),
    };
    invalid(&child(pointer, name), format!("unknown member \"{}\"", quotable(name)), &remedy)
}

fn check_tagged(
    variants: &[(&str, &[Field])],
    value: &Value,
    pointer: &str,
    other: &str,
) -> Result<(), Error> {
    let tags: Vec<&str> = variants.iter().map(|(tag, _)| *tag).collect();
    let Some(tag) = value.get("type").filter(|tag| !tag.is_null()) else {
        return Err(at(pointer, format!("the member \"type\" ({}) is missing", one_of(&tags))));
    };
    if !tag.is_string() {
        return Err(at(&child(pointer, "type"), format!("expected {}, found {}", one_of(&tags), found(tag))));
    }
    let Some((_, fields)) = variants.iter().find(|(name, _)| tag == name) else {
        return check_word(&tags, tag, &child(pointer, "type"), other);
    };
    check_fields(fields, Some("type"), value, pointer, other)
}
