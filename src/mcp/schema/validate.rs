//! Validates a value against a schema.
//!
//! The first pass only decides whether it fits: it stops at the first error, and caches the result for each part of the value,
//! since the branches of a union ask about the same parts again and again. Error messages are written only for values that do
//! not fit, and among alternatives only for the nearest, so that the size of the value and the schema bounds the cost of both
//! passes.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::compile::whole;
use super::{MAX_ERRORS, Schema};
use crate::protocol::pointer::escaped;

/// Maximum depth of nested schemas. Arguments have at most 128 levels themselves; a reference cycle ends here.
const DEPTH: usize = 512;

/// Maximum number of schema applications; a large value needs some ten thousand. The check must not hold up others.
const STEPS: usize = 500_000;

const TOO_COMPLEX: &str = "the arguments are too complex to check";

/// Lists the errors of a value, each with its place. The text is written for the model.
pub fn check(schema: &Schema, value: &Value) -> Result<(), String> {
    let validator = Validator {
        schema,
        depth: Cell::new(0),
        steps: Cell::new(0),
        gave_up: Cell::new(false),
        known: RefCell::default(),
    };
    let fits = validator.fits(&schema.root, value);
    if validator.gave_up.get() {
        return Err(TOO_COMPLEX.to_owned());
    }
    if fits {
        return Ok(());
    }
    validator.steps.set(0);
    let mut errors = Errors::new(Mode::Words);
    validator.schema(&schema.root, value, "", &mut errors);
    if errors.words.is_empty() {
        return Err(TOO_COMPLEX.to_owned());
    }
    Err(errors.words.join("; "))
}

struct Validator<'a> {
    schema: &'a Schema,
    depth: Cell<usize>,
    steps: Cell<usize>,
    /// A limit was exceeded: the result is unknown.
    gave_up: Cell<bool>,
    /// Cached results for an object or a list and a schema, by their addresses.
    known: RefCell<HashMap<(usize, usize), bool>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Stop at the first one.
    First,
    /// Count them: one for each member or item that does not fit.
    Count,
    /// Collect their messages.
    Words,
}

struct Errors {
    mode: Mode,
    count: usize,
    words: Vec<String>,
}

impl Errors {
    fn new(mode: Mode) -> Errors {
        Errors { mode, count: 0, words: Vec::new() }
    }

    fn add(&mut self, place: &str, message: &dyn Fn() -> String) {
        self.count += 1;
        if self.mode == Mode::Words && self.words.len() < MAX_ERRORS {
            self.words.push(if place.is_empty() { message() } else { format!("{} (at {place})", message()) });
        }
    }

    fn is_enough(&self) -> bool {
        match self.mode {
            Mode::First => self.count > 0,
            Mode::Count => false,
            Mode::Words => self.words.len() >= MAX_ERRORS,
        }
    }

    /// The path of a member or an item, built only for messages.
    fn below(&self, place: &str, name: &str) -> String {
        match self.mode {
            Mode::Words => format!("{place}/{}", escaped(name)),
            _ => String::new(),
        }
    }
}

impl Validator<'_> {
    fn schema(&self, schema: &Value, value: &Value, place: &str, errors: &mut Errors) {
        self.spend(1);
        if self.gave_up.get() {
            return;
        }
        self.depth.set(self.depth.get() + 1);
        match schema {
            Value::Bool(false) => errors.add(place, &|| "nothing is allowed here".to_owned()),
            Value::Object(keywords) => {
                let alone = self.schema.lone_references && keywords.contains_key("$ref");
                for (keyword, argument) in keywords.iter().filter(|(name, _)| !alone || *name == "$ref") {
                    if errors.is_enough() {
                        break;
                    }
                    self.keyword(keywords, (keyword, argument), value, place, errors);
                }
            }
            _ => {}
        }
        self.depth.set(self.depth.get() - 1);
    }

    fn spend(&self, steps: usize) {
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() > STEPS || self.depth.get() >= DEPTH {
            self.gave_up.set(true);
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        // Strings may be temporaries, whose addresses are reused.
        let lasting = value.is_object() || value.is_array();
        let key = (std::ptr::from_ref(schema).addr(), std::ptr::from_ref(value).addr());
        if let (true, Some(known)) = (lasting, self.known.borrow().get(&key)) {
            return *known;
        }
        let fits = self.count(Mode::First, schema, value) == 0;
        if lasting {
            self.known.borrow_mut().insert(key, fits);
        }
        fits
    }

    fn count(&self, mode: Mode, schema: &Value, value: &Value) -> usize {
        let mut errors = Errors::new(mode);
        self.schema(schema, value, "", &mut errors);
        errors.count
    }

    /// Applies another schema to the same value.
    fn also(&self, schema: &Value, value: &Value, place: &str, errors: &mut Errors) {
        if errors.mode != Mode::First {
            self.schema(schema, value, place, errors);
        } else if !self.fits(schema, value) {
            errors.count += 1;
        }
    }

    /// Applies a schema to a member or an item.
    fn part(&self, schema: &Value, value: &Value, (place, name): (&str, &str), errors: &mut Errors) {
        if errors.is_enough() || self.fits(schema, value) {
            return;
        }
        if errors.mode == Mode::Words {
            self.schema(schema, value, &errors.below(place, name), errors);
        } else {
            errors.count += 1;
        }
    }

    fn keyword(
        &self,
        keywords: &Map<String, Value>,
        (keyword, argument): (&str, &Value),
        value: &Value,
        place: &str,
        errors: &mut Errors,
    ) {
        match keyword {
            "type" if !is_of_type(value, argument) => {
                errors.add(place, &|| format!("{} is not of type {}", brief(value), types(argument)));
            }
            "enum" if !list(argument).iter().any(|one| same(one, value)) => {
                errors.add(place, &|| format!("{} is not one of {}", brief(value), shortened(argument, 200)));
            }
            "const" if !same(argument, value) => {
                errors.add(place, &|| format!("{} is not {}", brief(value), shortened(argument, 200)));
            }
            "$ref" => match argument.as_str().and_then(|reference| self.schema.resolve(reference)) {
                Some(target) => self.also(target, value, place, errors),
                None => errors.add(place, &|| format!("the schema's reference {argument} leads nowhere")),
            },
            "allOf" => {
                for schema in list(argument) {
                    self.also(schema, value, place, errors);
                }
            }
            "anyOf" | "oneOf" => {
                let fitting = list(argument).iter().filter(|schema| self.fits(schema, value));
                match fitting.take(if keyword == "anyOf" { 1 } else { 2 }).count() {
                    0 => self.no_alternative(list(argument), value, place, errors),
                    1 => {}
                    _ => errors.add(place, &|| format!("{} fits more than one alternative", brief(value))),
                }
            }
            "not" if self.fits(argument, value) => {
                errors.add(place, &|| format!("{} is not allowed here", brief(value)));
            }
            "if" => {
                let branch = if self.fits(argument, value) { "then" } else { "else" };
                if let Some(schema) = keywords.get(branch) {
                    self.also(schema, value, place, errors);
                }
            }
            _ => match value {
                Value::Number(_) => number(keyword, argument, value, place, errors),
                Value::String(text) => self.text(keyword, argument, text, place, errors),
                Value::Array(items) => self.array(keywords, (keyword, argument), items, place, errors),
                Value::Object(members) => {
                    self.object(keywords, (keyword, argument), (value, members), place, errors);
                }
                _ => {}
            },
        }
    }

    /// The errors of the nearest alternative help the model most.
    fn no_alternative(&self, schemas: &[Value], value: &Value, place: &str, errors: &mut Errors) {
        errors.add(place, &|| format!("{} fits none of the alternatives", brief(value)));
        if errors.mode == Mode::Words {
            let nearest = schemas.iter().min_by_key(|schema| self.count(Mode::Count, schema, value));
            self.schema(nearest.unwrap_or(&Value::Null), value, place, errors);
        }
    }

    fn text(&self, keyword: &str, argument: &Value, text: &str, place: &str, errors: &mut Errors) {
        match keyword {
            "minLength" | "maxLength" => {
                size(keyword, argument, text.chars().count(), ["text", "characters"], place, errors);
            }
            "pattern" if !self.matches(argument.as_str().unwrap_or_default(), text) => {
                errors.add(place, &|| format!("{} does not match {argument}", brief(&Value::from(text))));
            }
            _ => {}
        }
    }

    fn matches(&self, pattern: &str, text: &str) -> bool {
        self.schema.patterns.get(pattern).is_some_and(|regex| regex.is_match(text))
    }

    fn array(
        &self,
        keywords: &Map<String, Value>,
        (keyword, argument): (&str, &Value),
        items: &[Value],
        place: &str,
        errors: &mut Errors,
    ) {
        match keyword {
            "minItems" | "maxItems" => {
                size(keyword, argument, items.len(), ["list", "items"], place, errors);
            }
            "uniqueItems" if argument == true => {
                // All pairs are compared.
                self.spend(items.len().saturating_mul(items.len()) / 64);
                let twice = !self.gave_up.get()
                    && (1..items.len()).any(|n| items[..n].iter().any(|other| same(&items[n], other)));
                if twice {
                    errors.add(place, &|| "the list has an item twice".to_owned());
                }
            }
            "prefixItems" => self.items(list(argument), items, place, errors),
            // Draft 7 wrote the first items' schemas as a list.
            "items" if argument.is_array() => self.items(list(argument), items, place, errors),
            "items" => {
                let first = keywords.get("prefixItems").map_or(0, |prefix| list(prefix).len());
                self.rest(argument, items, first, place, errors);
            }
            "additionalItems" => {
                if let Some(Value::Array(prefix)) = keywords.get("items") {
                    self.rest(argument, items, prefix.len(), place, errors);
                }
            }
            "contains" => {
                let count = items.iter().filter(|item| self.fits(argument, item)).count() as u64;
                let least = keywords.get("minContains").and_then(whole).unwrap_or(1);
                let most = keywords.get("maxContains").and_then(whole).unwrap_or(u64::MAX);
                if count < least || count > most {
                    errors.add(place, &|| format!("the list has {count} fitting items"));
                }
            }
            _ => {}
        }
    }

    fn items(&self, schemas: &[Value], items: &[Value], place: &str, errors: &mut Errors) {
        for (index, (schema, item)) in schemas.iter().zip(items).enumerate() {
            self.part(schema, item, (place, &index.to_string()), errors);
        }
    }

    fn rest(&self, schema: &Value, items: &[Value], first: usize, place: &str, errors: &mut Errors) {
        for (index, item) in items.iter().enumerate().skip(first) {
            self.part(schema, item, (place, &index.to_string()), errors);
        }
    }

    fn object(
        &self,
        keywords: &Map<String, Value>,
        (keyword, argument): (&str, &Value),
        (value, members): (&Value, &Map<String, Value>),
        place: &str,
        errors: &mut Errors,
    ) {
        match keyword {
            "minProperties" | "maxProperties" => {
                size(keyword, argument, members.len(), ["object", "members"], place, errors);
            }
            "required" => missing(argument, members, place, errors),
            "properties" => {
                for (name, schema) in map(argument) {
                    if let Some(member) = members.get(name) {
                        self.part(schema, member, (place, name), errors);
                    }
                }
            }
            "patternProperties" => {
                for (pattern, schema) in map(argument) {
                    for (name, member) in members.iter().filter(|(name, _)| self.matches(pattern, name)) {
                        self.part(schema, member, (place, name), errors);
                    }
                }
            }
            "additionalProperties" => {
                for (name, member) in members.iter().filter(|(name, _)| self.is_additional(keywords, name)) {
                    if argument == false {
                        errors.add(place, &|| format!("'{name}' is not an allowed property"));
                    } else {
                        self.part(argument, member, (place, name), errors);
                    }
                }
            }
            "propertyNames" => {
                for name in members.keys() {
                    self.part(argument, &Value::from(name.as_str()), (place, name), errors);
                }
            }
            "dependentRequired" | "dependentSchemas" | "dependencies" => {
                for (_, needed) in map(argument).filter(|(name, _)| members.contains_key(*name)) {
                    match needed {
                        Value::Array(_) => missing(needed, members, place, errors),
                        schema => self.also(schema, value, place, errors),
                    }
                }
            }
            _ => {}
        }
    }

    fn is_additional(&self, keywords: &Map<String, Value>, name: &str) -> bool {
        let named = keywords.get("properties").is_some_and(|properties| properties.get(name).is_some());
        let patterns = keywords.get("patternProperties").and_then(Value::as_object);
        !named && !patterns.is_some_and(|patterns| patterns.keys().any(|pattern| self.matches(pattern, name)))
    }
}

/// The keywords that begin with `min` and `max`.
fn size(
    keyword: &str,
    limit: &Value,
    size: usize,
    [whole_thing, parts]: [&str; 2],
    place: &str,
    errors: &mut Errors,
) {
    let order = (size as u64).cmp(&whole(limit).unwrap_or_default());
    let (wrong, how) = match keyword.starts_with("min") {
        true => (order.is_lt(), "fewer"),
        false => (order.is_gt(), "more"),
    };
    if wrong {
        errors.add(place, &|| format!("the {whole_thing} has {how} than {limit} {parts}"));
    }
}

fn number(keyword: &str, argument: &Value, value: &Value, place: &str, errors: &mut Errors) {
    let Some(order) = compare(value, argument) else { return };
    let what = match keyword {
        "minimum" if order.is_lt() => "less than",
        "maximum" if order.is_gt() => "more than",
        "exclusiveMinimum" if order.is_le() => "not more than",
        "exclusiveMaximum" if order.is_ge() => "not less than",
        "multipleOf" if !is_multiple(value, argument) => "not a multiple of",
        _ => return,
    };
    errors.add(place, &|| format!("{value} is {what} {argument}"));
}

/// A number without a fraction, which can be compared exactly.
fn integer(value: &Value) -> Option<i128> {
    let plain = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    let written_otherwise = |number: &f64| number.fract() == 0.0 && number.abs() < 1e38;
    plain.or_else(|| value.as_f64().filter(written_otherwise).map(|number| number as i128))
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// 0.3 is a multiple of 0.1, although binary fractions say otherwise.
fn is_multiple(value: &Value, of: &Value) -> bool {
    if let (Some(value), Some(of)) = (integer(value), integer(of)) {
        return of != 0 && value % of == 0;
    }
    let times = value.as_f64().unwrap_or_default() / of.as_f64().unwrap_or(1.0);
    (times - times.round()).abs() <= 4.0 * f64::EPSILON * times.abs().max(1.0)
}

fn missing(names: &Value, members: &Map<String, Value>, place: &str, errors: &mut Errors) {
    for name in list(names).iter().filter_map(Value::as_str).filter(|name| !members.contains_key(*name)) {
        errors.add(place, &|| format!("'{name}' is a required property"));
    }
}

fn is_of_type(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap_or_default() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    };
    match types {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    }
}

/// Equal as JSON Schema sees it: 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => compare(a, b) == Some(Ordering::Equal),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, x)| y.get(name).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn map(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn types(value: &Value) -> String {
    match value {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        name => format!("'{}'", name.as_str().unwrap_or_default()),
    }
}

/// A value for a message, shortened so as not to bury it.
fn brief(value: &Value) -> String {
    shortened(value, 80)
}

fn shortened(value: &Value, length: usize) -> String {
    let text = value.to_string();
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
