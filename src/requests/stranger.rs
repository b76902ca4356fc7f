//! Members of an answer that the CLI ignores: the host's decision must not be in one of them. One that decides
//! nothing may be of a later version.

use super::events::{COMMON, EVENTS, Event, Shape};
use super::shape::{Object, quoted, text, wrong};
use crate::error::Result;
use crate::names::misspelt;
use crate::protocol::pointer::Json;

/// The words in which an answer decides.
const VERDICTS: &[&str] = &[
    "allow",
    "allowed",
    "deny",
    "denied",
    "block",
    "blocked",
    "approve",
    "approved",
    "ask",
    "defer",
    "accept",
    "accepted",
    "decline",
    "declined",
    "cancel",
    "cancelled",
    "reject",
    "rejected",
    "refuse",
    "refused",
    "stop",
    "forbid",
    "forbidden",
    "permit",
    "permitted",
    "halt",
    "abort",
];

/// Prefixes of flags.
const PREFIXES: &[&str] = &["is", "not", "should", "must", "do", "dont", "to", "was"];

/// Names up to this length resemble too many others to count as a misspelt known one in the wrong place.
const SHORT: usize = 7;

/// How many levels of wrapping are searched.
const LEVELS: usize = 4;

/// More names that mean something in their place, and nothing elsewhere.
const ELSEWHERE: &[&str] = &["behavior", "interrupt", "updatedPermissions", "message", "hookEventName"];

/// The names whose value decides, in answers of any kind.
const DECIDING: &[&str] = &[
    "decision",
    "permissionDecision",
    "hookSpecificOutput",
    "behavior",
    "continue",
    "interrupt",
    "action",
    "updatedInput",
    "updatedPermissions",
];

/// Members that replace values of the CLI, and the ends of names under which a host may have meant them.
const REPLACED: &[(&str, &[&str], &[&str])] = &[
    ("updatedInput", &["input"], &["inputs", "args", "arguments", "params", "parameters", "inputjson"]),
    ("updatedToolOutput", &["output", "toolresponse", "toolresult"], &["response", "result", "outputs"]),
];

/// The names that mean something to the CLI, though not where these members are.
pub struct Strangers<'a> {
    /// Whose answer it is, for the error.
    asked: &'a str,
    /// What decides instead, for the error.
    see: &'a str,
    beside: Vec<&'static str>,
    inside: Vec<&'static str>,
    replaced: Vec<&'static str>,
}

impl<'a> Strangers<'a> {
    /// For members besides `own` in an answer to a hook.
    pub fn of_hook(own: &[&str], asked: &'a str, event: Option<&Event>) -> Strangers<'a> {
        let outputs = EVENTS.iter().filter_map(|event| event.output).flatten();
        let all =
            || COMMON.iter().chain(outputs.clone()).map(|(name, _)| *name).chain(ELSEWHERE.iter().copied());
        Strangers {
            asked,
            see: "decision and hookSpecificOutput",
            beside: all().filter(|name| !own.contains(name)).collect(),
            // A mere reason decides nothing, and many objects have one.
            inside: all().filter(|name| *name != "reason").collect(),
            replaced: replaced_by(event),
        }
    }

    /// For members besides `own` in another answer, where `see` decides.
    pub fn of_answer(own: &[&str], asked: &'a str, see: &'a str) -> Strangers<'a> {
        let replaced = REPLACED.iter().map(|(name, ..)| *name).filter(|name| own.contains(name));
        Strangers {
            asked,
            see,
            beside: DECIDING.iter().copied().filter(|name| !own.contains(name)).collect(),
            inside: DECIDING.to_vec(),
            replaced: replaced.collect(),
        }
    }

    /// [`Strangers::judge`] for each member that is not in `own`.
    pub fn all(&self, object: &Object, own: &[&str]) -> Result<()> {
        let mut strangers = object.members().filter(|(name, _)| !own.contains(name));
        strangers.try_for_each(|(name, value)| self.judge(object, name, value))
    }

    /// Refuses a member that the CLI ignores if a decision would be lost with it.
    pub fn judge(&self, object: &Object, name: &str, value: &str) -> Result<()> {
        if let Some(meant) = self.replaced.iter().find(|meant| is_meant_for(meant, name, value)) {
            let message = format!("\"{}\" changes nothing: the CLI reads \"{meant}\" alone", quoted(name));
            let remedy = format!("write \"{meant}\"; the request is still open");
            return Err(wrong(message, &object.pointer(name)).with("remedy", remedy));
        }
        if !means_something(name, value, &self.beside) && !self.holds_something(value) {
            return Ok(());
        }
        let message = format!(
            "\"{}\" decides nothing here: the CLI reads no such member of an answer to {}; see {}",
            quoted(name),
            self.asked,
            self.see
        );
        Err(wrong(message, &object.pointer(name)))
    }

    /// Whether the value wraps an answer, or a part of one.
    fn holds_something(&self, value: &str) -> bool {
        Json::parse(value).is_some_and(|value| self.is_found_in(value, LEVELS))
    }

    fn is_found_in(&self, value: Json, levels: usize) -> bool {
        let Some(levels) = levels.checked_sub(1) else { return false };
        if value.is_object() {
            return value.members().any(|(name, inner)| {
                let name = name.string().unwrap_or_default();
                means_something(&name, inner.text(), &self.inside) || self.is_found_in(inner, levels)
            });
        }
        if value.is_array() {
            let decides = |inner: Json| is_verdict(inner.text()) || self.is_found_in(inner, levels);
            return value.elements().any(decides);
        }
        // A text that is itself a document.
        let inner = value.string().filter(|inner| inner.trim_start().starts_with(['{', '[']));
        inner.is_some_and(|inner| Json::parse(&inner).is_some_and(|inner| self.is_found_in(inner, levels)))
    }
}

fn means_something(name: &str, value: &str, known: &[&str]) -> bool {
    let is_known = known.contains(&name) || misspelt(name, known).is_some_and(|near| near.len() > SHORT);
    is_known || decides(name) || is_verdict(value)
}

/// A word of a verdict, however it is spelled: `Block`, `is_blocked`, `NOT ALLOWED`.
fn decides(word: &str) -> bool {
    let plain = letters(word);
    let bare = PREFIXES.iter().find_map(|prefix| plain.strip_prefix(prefix)).unwrap_or(&plain);
    VERDICTS.contains(&plain.as_str()) || VERDICTS.contains(&bare)
}

/// In lower case, without word separators.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

fn is_verdict(value: &str) -> bool {
    text(value).is_some_and(|word| decides(&word))
}

/// What an answer to this event can replace; for an unknown event, everything.
fn replaced_by(event: Option<&Event>) -> Vec<&'static str> {
    let Some(event) = event else { return REPLACED.iter().map(|(name, ..)| *name).collect() };
    let output = event.output.unwrap_or_default();
    let takes = |wanted: &str| {
        output
            .iter()
            .any(|(name, shape)| *name == wanted || (*shape == Shape::Permission && wanted == "updatedInput"))
    };
    REPLACED.iter().map(|(name, ..)| *name).filter(|name| takes(name)).collect()
}

/// Whether the member was meant as the known one, under a name that does not resemble it.
fn is_meant_for(known: &str, name: &str, value: &str) -> bool {
    let Some((_, ends, ends_of_objects)) = REPLACED.iter().find(|(wanted, ..)| *wanted == known) else {
        return false;
    };
    let plain = letters(name);
    let ends_so = |ends: &[&str]| ends.iter().any(|end| plain.ends_with(end));
    let is_object = || value.starts_with('{') || text(value).is_some_and(|text| text.trim().starts_with('{'));
    let is_flag = matches!(value, "true" | "false");
    name != "hookSpecificOutput" && ((ends_so(ends) && !is_flag) || (ends_so(ends_of_objects) && is_object()))
}
