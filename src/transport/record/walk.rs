//! Replaces in a JSON text the values that a [`Redactor`] removes, and keeps every other byte.

use std::borrow::Cow;

use super::format::REDACTED;
use super::redact::Redactor;
use crate::protocol::members::{string_length, value_length};

/// Members whose text is a credential wherever they occur; compared without case, `-` and `_`.
const CREDENTIALS: &[&str] = &[
    "authorization",
    "proxyauthorization",
    "xapikey",
    "apikey",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "clientsecret",
    "password",
    "cookie",
    "setcookie",
];

/// Members whose own members are passed to programs and servers, where credentials are passed.
const CARRIERS: &[&str] = &["env", "headers"];

/// Copies a validated JSON text, with replacements. It may be nested to any depth.
pub struct Walk<'a> {
    text: &'a str,
    at: usize,
    out: String,
    /// The path of the current value.
    path: Vec<String>,
    open: Vec<Open>,
    /// The host's pointers apply here.
    named: bool,
    by: &'a Redactor,
}

/// A bracket that is open.
struct Open {
    /// How many elements of a list have begun; `None` in an object.
    begun: Option<usize>,
    /// Its members are members of one of the [`CARRIERS`], at any depth.
    carried: bool,
}

impl<'a> Walk<'a> {
    pub fn new(text: &'a str, path: Vec<String>, named: bool, by: &'a Redactor) -> Walk<'a> {
        Walk { text, at: 0, out: String::with_capacity(text.len()), path, open: Vec::new(), named, by }
    }

    pub fn redacted(mut self) -> String {
        self.space();
        self.value(false);
        while let Some(open) = self.open.last_mut() {
            match (self.text.as_bytes().get(self.at), &mut open.begun) {
                (Some(b'}' | b']'), _) => {
                    self.copy_to(self.at + 1);
                    self.open.pop();
                    self.leave();
                }
                (Some(b','), _) => self.copy_to(self.at + 1),
                (Some(_), None) => self.member(),
                (Some(_), Some(begun)) => {
                    let segment = begun.to_string();
                    *begun += 1;
                    let carried = open.carried;
                    self.path.push(segment);
                    self.value(carried);
                }
                // Only after a text that is not JSON.
                (None, _) => break,
            }
            self.space();
        }
        self.copy_to(self.text.len());
        self.out
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn copy_to(&mut self, end: usize) {
        self.out.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.copy_to(self.at + rest.len() - rest.trim_ascii_start().len());
    }

    /// After a value that is inside another one.
    fn leave(&mut self) {
        if !self.open.is_empty() {
            self.path.pop();
        }
    }

    /// `carried`: see [`Open`].
    fn value(&mut self, carried: bool) {
        if self.named && self.by.is_named(&self.path) {
            self.replace_value();
            return self.leave();
        }
        match self.rest().as_bytes().first() {
            Some(b'"') if carried => self.replace_value(),
            Some(b'"') => self.string(),
            Some(bracket @ (b'{' | b'[')) => {
                self.copy_to(self.at + 1);
                return self.open.push(Open { begun: (*bracket == b'[').then_some(0), carried });
            }
            _ => self.scalar(),
        }
        self.leave();
    }

    fn value_end(&self) -> usize {
        self.at + self.rest()[..value_length(self.rest().as_bytes())].trim_ascii_end().len()
    }

    fn scalar(&mut self) {
        let end = self.value_end();
        match self.by.is_secret(&self.text[self.at..end]) {
            true => self.replace_value(),
            false => self.copy_to(end),
        }
    }

    fn replace_value(&mut self) {
        self.out.push('"');
        self.out.push_str(REDACTED);
        self.out.push('"');
        self.at = self.value_end();
    }

    /// The string that begins here, with its quotes.
    fn token(&self) -> &'a str {
        let rest = self.rest();
        let length = rest.as_bytes().get(1..).and_then(string_length);
        &rest[..length.map_or(rest.len(), |length| length + 2)]
    }

    fn string(&mut self) {
        let token = self.token();
        let decoded = decoded(token);
        let redacted = match self.document(&decoded) {
            Some(document) => Some(self.by.text(&document).into_owned()),
            None => match self.by.text(&decoded) {
                Cow::Borrowed(_) => None,
                Cow::Owned(redacted) => Some(redacted),
            },
        };
        match redacted {
            None => self.copy_to(self.at + token.len()),
            Some(redacted) => {
                self.out.push_str(&serde_json::Value::from(redacted).to_string());
                self.at += token.len();
            }
        }
    }

    /// A text that is a JSON document (settings, MCP configurations), if there is something to remove from it. Each level of
    /// nested texts doubles the backslashes before a quote, so that there are never many levels.
    fn document(&self, text: &str) -> Option<String> {
        if !text.trim_ascii_start().starts_with('{') {
            return None;
        }
        self.by.walk(text, self.path.clone(), self.named).filter(|redacted| redacted != text)
    }

    fn member(&mut self) {
        let name = decoded(self.token()).into_owned();
        self.string();
        self.space();
        self.copy_to(self.at + 1); // the colon
        self.space();
        let holds_credentials = is_credential(&name) && self.rest().starts_with('"');
        let is_carrier = CARRIERS.iter().any(|known| known.eq_ignore_ascii_case(&name))
            && self.rest().starts_with(['{', '[']);
        let carried = self.open.last().is_some_and(|open| open.carried) || is_carrier;
        self.path.push(name);
        if holds_credentials {
            self.replace_value();
            self.leave();
        } else {
            self.value(carried);
        }
    }
}

fn decoded(token: &str) -> Cow<'_, str> {
    let inner = token.get(1..token.len() - 1).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    // A lone surrogate is JSON that no string can hold; it is searched in its escaped form.
    serde_json::from_str(token).map_or(Cow::Borrowed(inner), Cow::Owned)
}

fn is_credential(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|c| *c != '-' && *c != '_').map(|c| c.to_ascii_lowercase()).collect();
    CREDENTIALS.contains(&plain.as_str())
}
