//! Builds values from JSON text. A tree is walked, copied and dropped recursively, so its depth is bounded: it
//! is checked while the text is read, and reading does not recurse. Code that only looks something up uses
//! [`super::pointer`], which handles any depth.

use std::fmt;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::members::string_length;
use super::{pointer, scan, tolerant};
use crate::error::{Error, Status};

/// How deep a tree may be. Cloning one takes 350 bytes of stack per level; comparing, writing or dropping one
/// takes less; so a thread with 64 KiB can do it, with some to spare.
pub const DEEPEST: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    NotJson,
    TooDeep,
    Twice,
}

/// Why a text did not become a tree, and where.
#[derive(Debug)]
pub struct Fault {
    what: String,
    kind: Kind,
    /// Of the first unusable byte.
    pub offset: usize,
    /// Counted from 1, as in editors.
    pub line: usize,
    pub column: usize,
    /// The value that is nested too deep, or the duplicate name; `None` if the text is not JSON.
    pub pointer: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    fn new(what: &str, text: &str, offset: usize) -> Fault {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        let what = format!("{what} at line {line} column {column}");
        Fault { what, kind: Kind::NotJson, offset, line, column, pointer: None }
    }

    /// The general parser's error for a text that is not JSON.
    fn syntax(text: &str) -> Fault {
        let Err(cause) = serde_json::from_str::<IgnoredAny>(text) else {
            return Fault::new("not JSON", text, 0);
        };
        // The parser counts lines and columns from 1.
        let lines = text.split_inclusive('\n').take(cause.line().saturating_sub(1));
        let end = lines.map(str::len).sum::<usize>() + cause.column();
        let whole = cause.to_string();
        if cause.is_eof() {
            let (line, column) = (cause.line(), cause.column());
            return Fault { what: whole, kind: Kind::NotJson, offset: end, line, column, pointer: None };
        }
        let what = whole.rsplit_once(" at line ").map_or(&*whole, |(what, _)| what);
        // The parser has not consumed this one yet.
        let untaken = what.starts_with("control character");
        Fault::new(what, text, if untaken { end } else { end.saturating_sub(1) })
    }

    /// What is wrong with the text called `name`.
    pub fn of(&self, name: &str) -> String {
        match self.kind {
            Kind::NotJson => format!("{name} is not JSON: {self}"),
            Kind::TooDeep => format!("{name} is {self}"),
            Kind::Twice => format!("a name stands twice in {name}, {self}"),
        }
    }

    /// What to do about it, if that is something other than writing valid JSON.
    pub fn remedy(&self) -> Option<String> {
        match self.kind {
            Kind::NotJson => None,
            Kind::TooDeep => Some(format!("nest it at most {DEEPEST} levels deep")),
            Kind::Twice => Some("keep one of the two".to_owned()),
        }
    }

    /// Whether the fault is a duplicate name in an object.
    pub fn is_twice(&self) -> bool {
        self.kind == Kind::Twice
    }

    /// The error for an argument. `otherwise` is the remedy for a text that is not JSON.
    pub fn refusal(&self, argument: &str, otherwise: &str) -> Error {
        let remedy = self.remedy().unwrap_or_else(|| otherwise.to_owned());
        Error::new(Status::InvalidArgument, self.of(argument))
            .with("argument", argument)
            .with("offset", self.offset)
            .with_opt("pointer", self.pointer.clone())
            .with("remedy", remedy)
    }
}

/// The value of a JSON text.
pub fn parse(text: &str) -> Result<Value, Fault> {
    build(text, Rules { deepest: DEEPEST, unique: false, string: exact })
}

/// As [`parse`], for a document that the host wrote: a duplicate name in one object is an error, at any depth,
/// rather than "the last one wins". Nobody means that, and one of the two may be a refusal.
pub fn parse_unique(text: &str) -> Result<Value, Fault> {
    build(text, Rules { deepest: DEEPEST, unique: true, string: exact })
}

fn exact(string: &str) -> Option<String> {
    serde_json::from_str(string).ok()
}

/// Whether a text is JSON, of any depth.
pub fn check(text: &str) -> Result<(), Fault> {
    if scan::is_json(text.as_bytes(), text.len()) { Ok(()) } else { Err(Fault::syntax(text)) }
}

/// As [`parse`], with U+FFFD for every lone surrogate.
pub(super) fn parse_tolerant(text: &str) -> Result<Value, Fault> {
    build(text, Rules { deepest: DEEPEST, unique: false, string: tolerant::string })
}

/// A copy, made with a third of the stack that a clone needs.
pub fn copy(value: &Value) -> Value {
    build(&value.to_string(), Rules { deepest: usize::MAX, unique: false, string: tolerant::string })
        .unwrap_or_else(|_| value.clone())
}

/// As [`copy`], for the members of an object.
pub fn copy_of(members: &Map<String, Value>) -> Map<String, Value> {
    members.iter().map(|(name, value)| (name.clone(), copy(value))).collect()
}

#[derive(Clone, Copy)]
struct Rules {
    deepest: usize,
    /// Duplicate names in an object are rejected.
    unique: bool,
    /// The text of a string with its quotes.
    string: fn(&str) -> Option<String>,
}

fn build(text: &str, rules: Rules) -> Result<Value, Fault> {
    check(text)?;
    let mut builder = Builder { text, at: 0, rules, open: Vec::new() };
    loop {
        if let Some(value) = builder.begin()?
            && let Some(whole) = builder.put(value)?
        {
            return Ok(whole);
        }
    }
}

/// A container that is being filled.
enum Open {
    List(Vec<Value>),
    /// With the name of the member whose value comes next.
    Object(Map<String, Value>, String),
}

/// Builds a tree from a text that is JSON.
struct Builder<'a> {
    text: &'a str,
    at: usize,
    rules: Rules,
    open: Vec<Open>,
}

impl Builder<'_> {
    /// Reads a value, or only its opening bracket.
    fn begin(&mut self) -> Result<Option<Value>, Fault> {
        match self.next() {
            Some(b'"') => self.string().map(|text| Some(text.into())),
            Some(bracket @ (b'{' | b'[')) => {
                if self.open.len() == self.rules.deepest {
                    return Err(self.too_deep());
                }
                self.at += 1;
                let is_empty = matches!(self.next(), Some(b'}' | b']'));
                let begun = match (bracket, is_empty) {
                    (b'[', _) => Open::List(Vec::new()),
                    (_, true) => Open::Object(Map::new(), String::new()),
                    (_, false) => Open::Object(Map::new(), self.name()?),
                };
                if is_empty {
                    self.at += 1;
                    return Ok(Some(done(begun)));
                }
                self.open.push(begun);
                Ok(None)
            }
            _ => self.word().map(Some),
        }
    }

    /// Puts a value where it belongs, and closes what ends after it. Returns the whole document at its end.
    fn put(&mut self, mut value: Value) -> Result<Option<Value>, Fault> {
        loop {
            let Some(mut innermost) = self.open.pop() else { return Ok(Some(value)) };
            match &mut innermost {
                Open::List(items) => items.push(value),
                Open::Object(members, name) => drop(members.insert(std::mem::take(name), value)),
            }
            let goes_on = self.next() == Some(b',');
            self.at += 1;
            if goes_on {
                self.next();
                let at = self.at;
                if let Open::Object(_, name) = &mut innermost {
                    *name = self.name()?;
                }
                self.open.push(innermost);
                self.check_name(at)?;
                return Ok(None);
            }
            value = done(innermost);
        }
    }

    /// The next byte that is not white space.
    fn next(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.text.as_bytes().get(self.at).copied()
    }

    /// A member's name and its colon.
    fn name(&mut self) -> Result<String, Fault> {
        self.next();
        let name = self.string()?;
        self.next();
        self.at += 1;
        Ok(name)
    }

    /// Checks that the name at `at`, which belongs to the next member, is not a duplicate.
    fn check_name(&self, at: usize) -> Result<(), Fault> {
        match self.open.last() {
            Some(Open::Object(members, name)) if self.rules.unique && members.contains_key(name) => {
                let fault = Fault::new("given twice", self.text, at);
                Err(Fault { kind: Kind::Twice, pointer: Some(self.pointer()), ..fault })
            }
            _ => Ok(()),
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let length = string_length(rest.as_bytes()).unwrap_or(rest.len());
        let inner = &rest[..length];
        let whole = self.text.get(self.at..self.at + length + 2).unwrap_or_default();
        let text = if inner.contains('\\') { (self.rules.string)(whole) } else { Some(inner.to_owned()) };
        let text = text.ok_or_else(|| self.fault("half of a surrogate pair in a string"))?;
        self.at += whole.len();
        Ok(text)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Value, Fault> {
        let rest = &self.text[self.at..];
        let length = rest.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(rest.len());
        let value = serde_json::from_str(&rest[..length]).map_err(|_| self.fault("number out of range"))?;
        self.at += length;
        Ok(value)
    }

    fn fault(&self, what: &str) -> Fault {
        Fault { pointer: Some(self.pointer()), ..Fault::new(what, self.text, self.at) }
    }

    fn too_deep(&self) -> Fault {
        let what = format!("nested deeper than {DEEPEST} levels");
        Fault { kind: Kind::TooDeep, ..self.fault(&what) }
    }

    /// The pointer to the next value.
    fn pointer(&self) -> String {
        let name = |open: &Open| match open {
            Open::List(items) => format!("/{}", items.len()),
            Open::Object(_, name) => format!("/{}", pointer::escaped(name)),
        };
        self.open.iter().map(name).collect()
    }
}

fn done(open: Open) -> Value {
    match open {
        Open::List(items) => items.into(),
        Open::Object(members, _) => members.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn a_tree_is_what_a_parser_makes_of_the_text() {
        for text in [
            " { \"a\" : [ 1 , -2.5e3 , { } , [ ] , \"x\\n\\u00e9\\ud83d\\ude00\" ] , \"b\" : { \"c\" : null } , \"a\" : true } ",
            "[[],[[]],{},{\"\":{\"\":[{}]}}]",
            "12345678901234567890123",
            "\"日本\"",
            "false",
            "{\"z\":1,\"y\":2,\"z\":3}",
            &nested(DEEPEST),
        ] {
            assert_eq!(parse(text).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn a_copy_is_equal() {
        let value = serde_json::json!({"a": [1, -2.5e-300, 1e23, u64::MAX, i64::MIN, 0.1], "b": {"\u{0}\u{2028}": null, "": []}});
        assert_eq!(copy(&value), value);
        let deep = (0..300).fold(value, |inner, _| Value::Array(vec![inner]));
        assert_eq!(copy(&deep), deep);
    }

    #[test]
    fn what_is_no_json_is_refused_where_a_parser_refuses_it() {
        for text in
            ["", "{", "[1,]", "{\"a\":\n x}", "[1 2]", "\"a", "{}\n }", "nul", "[\"\u{1}\"]", "{\"a\" 1}"]
        {
            let fault = parse(text).unwrap_err();
            let theirs = serde_json::from_str::<Value>(text).unwrap_err();
            assert_eq!((fault.line, fault.column), (theirs.line(), theirs.column()), "{text}: {fault}");
            assert_eq!(fault.pointer, None);
        }
        for (text, offset, pointer) in [("[1, 1e999]", 4, "/1"), (r#"{"a/": "\ud83d"}"#, 7, "/a~1")] {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.offset, fault.pointer.as_deref()), (offset, Some(pointer)), "{fault}");
            assert!(serde_json::from_str::<Value>(text).is_err());
        }
        assert_eq!(parse_tolerant(r#"{"a\ud83d": "\ud83d"}"#).unwrap()["a\u{FFFD}"], "\u{FFFD}");
    }

    #[test]
    fn a_name_that_stands_twice_is_found_anywhere() {
        for (text, pointer, offset) in [
            (r#"{"a":1,"a":1}"#, "/a", 7),
            (r#"{"a":{"b/~":1,"c":2, "b/~":3}}"#, "/a/b~1~0", 21),
            (r#"[0,{"x":[{"":1,"":2}]}]"#, "/1/x/0/", 15),
            (r#"{"\u0061":1,"a":2}"#, "/a", 12),
        ] {
            let fault = parse_unique(text).unwrap_err();
            assert!(fault.is_twice() && fault.remedy().is_some());
            assert_eq!((fault.pointer.as_deref(), fault.offset), (Some(pointer), offset), "{text}");
            assert!(parse(text).is_ok());
        }
        assert!(parse_unique(r#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }

    #[test]
    fn what_is_too_deep_for_a_tree_is_refused_with_its_place() {
        for depth in [DEEPEST, 127, 128, 10_000, 1_000_000] {
            let text = format!("{{\"x\":\n{}}}", nested(depth));
            let fault = parse(&text).unwrap_err();
            assert_eq!((fault.offset, fault.line, fault.column), (6 + 99, 2, 100));
            assert_eq!(fault.pointer.as_deref(), Some(&*format!("/x{}", "/0".repeat(99))));
            let refusal = fault.refusal("options", "");
            assert_eq!(refusal.message, "options is nested deeper than 100 levels at line 2 column 100");
            assert_eq!(refusal.detail("remedy"), Some(&"nest it at most 100 levels deep".into()));
        }
    }
}
