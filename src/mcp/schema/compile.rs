//! Checks that a schema can be used: its keywords are well-formed, and its references resolve.

use std::collections::{HashMap, VecDeque};

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::resolve;

/// Validation keywords that are not supported here.
pub const REFUSED: &[&str] =
    &["unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "extends", "disallow"];

const TYPES: &[&str] = &["null", "boolean", "object", "array", "number", "integer", "string"];

struct Walk<'a> {
    root: &'a Value,
    patterns: HashMap<String, Regex>,
    /// The targets of references, which may lie where no schema is expected.
    references: Vec<&'a str>,
    /// Schemas not yet visited.
    waiting: VecDeque<(&'a Value, String)>,
}

type Checked = Result<(), String>;

/// Checks the schema and returns its compiled patterns.
pub fn check(root: &Value) -> Result<HashMap<String, Regex>, String> {
    let mut walk = Walk { root, patterns: HashMap::new(), references: vec!["#"], waiting: VecDeque::new() };
    walk.schema(root, "")?;
    for (name, member) in root.as_object().into_iter().flatten() {
        if matches!(name.as_str(), "$defs" | "definitions") {
            walk.map(member, &format!("/{name}"))?;
        }
    }
    while let Some((schema, place)) = walk.waiting.pop_front() {
        walk.schema(schema, &place)?;
    }
    Ok(walk.patterns)
}

impl<'a> Walk<'a> {
    fn schema(&mut self, schema: &'a Value, place: &str) -> Checked {
        match schema {
            Value::Bool(_) => Ok(()),
            Value::Object(keywords) => self.keywords(keywords, place),
            _ => Err(format!("{} is not a schema", shown(place))),
        }
    }

    /// Queues a nested schema, so that depth costs no stack.
    fn later(&mut self, schema: &'a Value, place: &str) -> Checked {
        self.waiting.push_back((schema, place.to_owned()));
        Ok(())
    }

    fn keywords(&mut self, keywords: &'a Map<String, Value>, place: &str) -> Checked {
        for (keyword, value) in keywords {
            let at = format!("{place}/{keyword}");
            self.keyword(keyword, value, &at)?;
        }
        Ok(())
    }

    fn keyword(&mut self, keyword: &str, value: &'a Value, at: &str) -> Checked {
        let must = |holds: bool, what: &str| {
            if holds { Ok(()) } else { Err(format!("{at} is not {what}")) }
        };
        match keyword {
            "type" => must(is_type(value), "the name of a type, or a list of them"),
            // No value would fit.
            "anyOf" | "oneOf" if value.as_array().is_some_and(Vec::is_empty) => {
                must(false, "a list with a schema in it")
            }
            "enum" => must(value.is_array(), "a list"),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                must(value.is_number(), "a number")
            }
            "multipleOf" => must(value.as_f64().is_some_and(|number| number > 0.0), "a number above 0"),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
            | "minContains" | "maxContains" => must(whole(value).is_some(), "a whole number from 0"),
            "uniqueItems" => must(value.is_boolean(), "true or false"),
            "required" => must(is_names(value), "a list of names"),
            "dependentRequired" => must(
                value.as_object().is_some_and(|map| map.values().all(is_names)),
                "an object of lists of names",
            ),
            "pattern" => self.pattern(value.as_str(), at),
            "$ref" => self.reference(value, at),
            "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "additionalProperties"
            | "additionalItems" => self.later(value, at),
            "items" if value.is_array() => self.list(value, at),
            "items" => self.later(value, at),
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => self.list(value, at),
            "properties" | "dependentSchemas" => self.map(value, at),
            "patternProperties" => {
                for pattern in value.as_object().into_iter().flat_map(Map::keys) {
                    self.pattern(Some(pattern), at)?;
                }
                self.map(value, at)
            }
            "dependencies" => self.dependencies(value, at),
            // Within the root document, references are resolved from the root.
            "$id" => must(at == "/$id", "at the top of the schema, where alone it is understood"),
            refused if REFUSED.contains(&refused) => Err(format!("{at} is a keyword that is not supported")),
            "$schema" if at == "/$schema" => must(
                value.as_str().is_some_and(is_dialect),
                "a draft of JSON Schema that is known: leave it out, or name draft 2020-12 or draft 7",
            ),
            // Titles, defaults, formats and the like validate nothing.
            _ => Ok(()),
        }
    }

    fn list(&mut self, value: &'a Value, at: &str) -> Checked {
        let Some(schemas) = value.as_array() else { return Err(format!("{at} is not a list of schemas")) };
        for (index, schema) in schemas.iter().enumerate() {
            self.later(schema, &format!("{at}/{index}"))?;
        }
        Ok(())
    }

    fn map(&mut self, value: &'a Value, at: &str) -> Checked {
        let Some(schemas) = value.as_object() else {
            return Err(format!("{at} is not an object of schemas"));
        };
        for (name, schema) in schemas {
            self.later(schema, &format!("{at}/{name}"))?;
        }
        Ok(())
    }

    /// Draft 7: each is a list of names or a schema.
    fn dependencies(&mut self, value: &'a Value, at: &str) -> Checked {
        let Some(members) = value.as_object() else { return Err(format!("{at} is not an object")) };
        for (name, member) in members {
            if !is_names(member) {
                self.later(member, &format!("{at}/{name}"))?;
            }
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: Option<&str>, at: &str) -> Checked {
        let Some(pattern) = pattern else { return Err(format!("{at} is not a text")) };
        if !self.patterns.contains_key(pattern) {
            let regex =
                Regex::new(pattern).map_err(|fault| format!("{at} cannot be used as a pattern: {fault}"))?;
            self.patterns.insert(pattern.to_owned(), regex);
        }
        Ok(())
    }

    fn reference(&mut self, value: &'a Value, at: &str) -> Checked {
        let Some(reference) = value.as_str() else { return Err(format!("{at} is not a text")) };
        match resolve(self.root, reference) {
            None => Err(format!("{at} leads nowhere within the schema: {reference}")),
            Some(target) if !target.is_object() && !target.is_boolean() => {
                Err(format!("{at} does not lead to a schema"))
            }
            Some(target) => {
                if !self.references.contains(&reference) {
                    self.references.push(reference);
                    let place = reference.strip_prefix("#/").map_or(at.to_owned(), |path| format!("/{path}"));
                    self.later(target, &place)?;
                }
                Ok(())
            }
        }
    }
}

/// Whether a schema's `$schema` names a supported dialect. Another one may give keywords another meaning, or none.
fn is_dialect(uri: &str) -> bool {
    const NEW: &[&str] = &["draft/2020-12/schema", "draft/2019-09/schema", "schema"];
    draft(uri).is_some_and(|draft| NEW.contains(&draft) || is_old(draft))
}

/// Whether it uses a draft that ignores the siblings of a `$ref`.
pub fn is_old_dialect(schema: &Value) -> bool {
    schema["$schema"].as_str().and_then(draft).is_some_and(is_old)
}

fn is_old(draft: &str) -> bool {
    matches!(draft, "draft-04/schema" | "draft-06/schema" | "draft-07/schema")
}

/// The part of the URI that names the draft.
fn draft(uri: &str) -> Option<&str> {
    let uri = uri.strip_suffix('#').unwrap_or(uri);
    ["https://json-schema.org/", "http://json-schema.org/"].iter().find_map(|host| uri.strip_prefix(host))
}

fn is_type(value: &Value) -> bool {
    let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Value::Array(names) => !names.is_empty() && names.iter().all(known),
        value => known(value),
    }
}

fn is_names(value: &Value) -> bool {
    value.as_array().is_some_and(|names| names.iter().all(Value::is_string))
}

/// A whole number, even if it is written as 3.0.
pub fn whole(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_f64().filter(|number| *number >= 0.0 && number.fract() == 0.0).map(|n| n as u64))
}

fn shown(place: &str) -> &str {
    if place.is_empty() { "it" } else { place }
}
