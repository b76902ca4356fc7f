//! Answers as text: checks the members of an object and their types, without building a tree of what is below.
//! Nothing is too deep to be checked, and what is not checked is sent as written.

use serde_json::Value;

use super::events::{Member, Shape};
use super::stranger::Strangers;
use super::updates;
use crate::error::{Error, Result, Status};
use crate::names::misspelt;
use crate::protocol::members::{self, Members};
use crate::protocol::pointer::escaped;
use crate::protocol::tolerant;

/// How much of a value an error quotes.
const QUOTED: usize = 60;

/// The error for a mistake in an answer; the request stays open.
pub fn wrong(message: String, pointer: &str) -> Error {
    let error = Error::new(Status::InvalidArgument, message)
        .with("argument", "json")
        .with("remedy", "the request is still open: answer again");
    if pointer.is_empty() { error } else { error.with("pointer", pointer) }
}

/// The members of one object, in order.
pub struct Object<'a> {
    place: String,
    members: Vec<(String, &'a str)>,
}

impl<'a> Object<'a> {
    /// Reads an object. A duplicate name is refused: the CLI would read only the last one.
    pub fn read(text: &'a str, place: &str) -> Result<Object<'a>> {
        let mut object = Object { place: place.to_owned(), members: Vec::new() };
        for (name, rest) in Members::of(text.trim().as_bytes()) {
            let value = members::value(rest).unwrap_or(b"null");
            let (Some(name), Ok(value)) = (decoded(name), std::str::from_utf8(value)) else {
                return Err(wrong("a member of the answer cannot be read".into(), place));
            };
            if object.get(&name).is_some() {
                let message = format!("\"{name}\" stands there twice");
                return Err(wrong(message, &object.pointer(&name)));
            }
            object.members.push((name, value));
        }
        Ok(object)
    }

    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    pub fn members(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.members.iter().map(|(name, value)| (name.as_str(), *value))
    }

    pub fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.place, escaped(name))
    }

    /// Renames a member. `false` = there is none.
    pub fn rename(&mut self, old: &str, new: &str) -> Result<bool> {
        if self.get(old).is_none() {
            return Ok(false);
        }
        if self.get(new).is_some() {
            return Err(wrong(format!("\"{old}\" and \"{new}\" are the same"), &self.pointer(old)));
        }
        for (name, _) in self.members.iter_mut().filter(|(name, _)| name == old) {
            new.clone_into(name);
        }
        Ok(true)
    }

    /// The CLI ignores names it does not know, which would turn a misspelt refusal into a "go ahead", and run a
    /// tool with the input that was to be changed. Names that resemble none of the `known` ones pass: later
    /// CLIs may know them.
    pub fn spelled(&self, known: &[&str]) -> Result<()> {
        for (name, _) in self.members() {
            if let Some(known) = misspelt(name, known) {
                let message = format!("\"{name}\" is unknown; write \"{known}\"");
                return Err(wrong(message, &self.pointer(name)));
            }
        }
        Ok(())
    }

    /// The object as text.
    pub fn text(&self) -> String {
        let parts: Vec<String> = self.members.iter().map(|(name, value)| member(name, value)).collect();
        format!("{{{}}}", parts.join(","))
    }

    /// Checks that the member `name` has this type, or is absent.
    pub fn check(&self, name: &str, shape: Shape) -> Result<()> {
        match self.get(name) {
            None => Ok(()),
            Some(value) => self.fits(name, value, shape),
        }
    }

    fn fits(&self, name: &str, value: &str, shape: Shape) -> Result<()> {
        let pointer = self.pointer(name);
        let (fits, wanted) = match shape {
            Shape::Any => (true, ""),
            Shape::Text => (value.starts_with('"'), "a text"),
            Shape::Bool => (matches!(value, "true" | "false"), "true or false"),
            Shape::Number => (value.starts_with(|c: char| c == '-' || c.is_ascii_digit()), "a number"),
            Shape::Object => (value.starts_with('{'), "an object"),
            Shape::Texts => (is_list_of_texts(value), "a list of texts"),
            Shape::Unread(why) => {
                return Err(wrong(format!("\"{name}\" decides nothing here: {why}"), &pointer));
            }
            Shape::Word(words) => {
                let wanted = format!("one of {}", words.join(", "));
                let fits = text(value).is_some_and(|word| words.contains(&word.as_str()));
                return if fits {
                    Ok(())
                } else {
                    Err(unfit(name, value, &quoted(value), &wanted, &pointer))
                };
            }
            Shape::Permission => return permission(value, name, &pointer),
            Shape::Updates => {
                let fault = match value.starts_with('[') {
                    true => updates::fault(value),
                    false => Some("it is not a list".to_owned()),
                };
                return match fault {
                    None => Ok(()),
                    Some(fault) => {
                        let message = format!("\"{name}\" is malformed, and the CLI would drop it: {fault}");
                        Err(wrong(message, &pointer))
                    }
                };
            }
        };
        if fits { Ok(()) } else { Err(unfit(name, value, sort(value), wanted, &pointer)) }
    }

    /// As [`Object::check`], but the member must be present.
    pub fn require(&self, name: &str, shape: Shape) -> Result<()> {
        match (self.get(name), shape) {
            (Some(value), shape) => self.fits(name, value, shape),
            (None, Shape::Word(words)) => {
                let message = format!("\"{name}\" is missing; it must be one of {}", words.join(", "));
                Err(wrong(message, &self.pointer(name)))
            }
            (None, _) => Err(wrong(format!("\"{name}\" is missing"), &self.pointer(name))),
        }
    }
}

fn unfit(name: &str, value: &str, said: &str, wanted: &str, pointer: &str) -> Error {
    let omit = if value == "null" { ", or be left out" } else { "" };
    wrong(format!("\"{name}\" is {said}; it must be {wanted}{omit}"), pointer)
}

/// The type of a value, without its contents (unless they are one of a few words): they may be secret.
fn sort(value: &str) -> &str {
    match value.as_bytes().first() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'-' | b'0'..=b'9') => "a number",
        _ => value,
    }
}

fn member(name: &str, value: &str) -> String {
    format!("{}:{value}", Value::from(name))
}

/// The name between its quotes, decoded.
fn decoded(name: &[u8]) -> Option<String> {
    text(&format!("\"{}\"", std::str::from_utf8(name).ok()?))
}

/// The contents of a JSON string.
pub fn text(value: &str) -> Option<String> {
    match tolerant::value(value) {
        Ok(Value::String(text)) if value.starts_with('"') => Some(text),
        _ => None,
    }
}

/// A value for an error, shortened if it is long.
pub fn quoted(value: &str) -> String {
    match value.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

fn is_list_of_texts(value: &str) -> bool {
    matches!(tolerant::value(value), Ok(Value::Array(list)) if list.iter().all(Value::is_string))
}

/// The members common to all answers to a permission request.
const PERMISSION: &[Member] = &[
    ("behavior", Shape::Word(&["allow", "deny"])),
    ("updatedInput", Shape::Object),
    ("updatedPermissions", Shape::Updates),
    ("message", Shape::Text),
    ("interrupt", Shape::Bool),
];

fn permission(value: &str, name: &str, pointer: &str) -> Result<()> {
    if !value.starts_with('{') {
        return Err(unfit(name, value, sort(value), "an object with \"behavior\"", pointer));
    }
    decided(&Object::read(value, pointer)?, &[])
}

/// Checks the answer to a permission request itself.
pub fn permission_answer(payload: &str) -> Result<()> {
    const OWN: &[Member] = &[("toolUseID", Shape::Text), ("decisionClassification", Shape::Text)];
    let answer = Object::read(payload, "")?;
    decided(&answer, OWN)?;
    match answer.get("behavior").and_then(text).as_deref() {
        Some("deny") if answer.get("message").is_none() => {
            Err(wrong("a refusal has no \"message\" text".into(), "/message"))
        }
        _ => Ok(()),
    }
}

/// Checks that the member that decides is present, and that nothing beside it decides otherwise.
fn decided(answer: &Object, more: &[Member]) -> Result<()> {
    let members = || PERMISSION.iter().chain(more);
    let names: Vec<&str> = members().map(|(name, _)| *name).collect();
    answer.spelled(&names)?;
    answer.require("behavior", PERMISSION[0].1)?;
    members().try_for_each(|(name, shape)| answer.check(name, *shape))?;
    Strangers::of_answer(&names, "a permission request", "behavior").all(answer, &names)?;
    let allows = answer.get("behavior").and_then(text).is_some_and(|word| word == "allow");
    if allows && answer.get("interrupt") == Some("true") {
        let message = "the CLI does not heed \"interrupt\" where the tool may run".to_owned();
        return Err(wrong(message, &answer.pointer("interrupt")));
    }
    Ok(())
}
