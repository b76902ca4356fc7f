//! Reads a C header, cbindgen's or the one that is kept, as a list of declarations with their documentation.

use super::Result;
use super::doc::Doc;

/// A chapter of the header, its introduction first.
#[derive(Debug, Clone, PartialEq)]
pub struct Chapter {
    pub id: String,
    pub title: String,
    pub intro: Doc,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub name: String,
    pub doc: Doc,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `parameters` with their parentheses, where it has some.
    Macro {
        parameters: String,
        value: String,
    },
    Enum(Vec<Value>),
    Handle,
    Callback {
        returns: String,
        parameters: Vec<Parameter>,
    },
    Struct(Vec<Member>),
    Function {
        returns: String,
        parameters: Vec<Parameter>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    pub name: String,
    pub value: String,
    pub doc: Doc,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub name: String,
    /// As C has it, the stars right behind the name: `const char*`.
    pub ty: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub parameter: Parameter,
    pub doc: Doc,
}

/// Macros that are tools of the header itself.
const TOOLS: &[&str] = &["CLAUDE_CLIENT_H", "CLAUDE_ENUM", "CLAUDE_ENUM_END"];

/// The declarations of a text without chapters.
pub fn items(text: &str) -> Result<Vec<Item>> {
    let chapters = chapters(text)?;
    Ok(chapters.into_iter().flat_map(|chapter| chapter.items).collect())
}

/// The chapters of a header. What stands before the first one is in a chapter without a name.
pub fn chapters(text: &str) -> Result<Vec<Chapter>> {
    let text = unconditional(text);
    let mut reader = Reader { chapters: Vec::new(), doc: None };
    reader.start(String::new(), String::new(), Doc::default());
    let mut rest = text.as_str();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let length = reader.step(rest)?;
        rest = &rest[length..];
    }
    reader.chapters.retain(|chapter| !chapter.id.is_empty() || !chapter.items.is_empty());
    Ok(reader.chapters)
}

/// The text without what stands under a condition, but for the include guard.
fn unconditional(text: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::new();
    for line in text.lines() {
        let word = line.trim_start();
        if word.starts_with("#if") && !word.starts_with("#ifndef CLAUDE_CLIENT_H") {
            depth += 1;
        } else if word.starts_with("#endif") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && !word.starts_with("#include") && !word.starts_with("#ifndef") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

struct Reader {
    chapters: Vec<Chapter>,
    /// The comment that belongs to the next declaration.
    doc: Option<Doc>,
}

impl Reader {
    fn start(&mut self, id: String, title: String, intro: Doc) {
        self.chapters.push(Chapter { id, title, intro, items: Vec::new() });
    }

    fn items(&mut self) -> Option<&mut Vec<Item>> {
        self.chapters.last_mut().map(|chapter| &mut chapter.items)
    }

    fn add(&mut self, name: &str, kind: Kind) {
        let doc = self.doc.take().unwrap_or_default();
        if let Some(items) = self.items() {
            items.push(Item { name: name.to_owned(), doc, kind });
        }
    }

    /// Takes one comment, directive or declaration from the start of a text; how long it is.
    fn step(&mut self, text: &str) -> Result<usize> {
        if text.starts_with("/*") {
            let length = text.find("*/").ok_or("a comment without an end")? + 2;
            self.comment(&text[..length]);
            return Ok(length);
        }
        let line = text.lines().next().unwrap_or_default();
        if line.starts_with("//") || line.starts_with('#') {
            self.directive(line);
            return Ok(line.len());
        }
        let length =
            declaration_length(text).ok_or_else(|| format!("a declaration without an end: {line}"))?;
        self.declaration(text[..length].trim_end_matches(';'))?;
        Ok(length)
    }

    fn comment(&mut self, comment: &str) {
        if let Some(rest) = comment.split_once("@defgroup ").map(|(_, rest)| rest) {
            let (line, intro) = rest.split_once('\n').unwrap_or((rest, ""));
            let (id, title) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            self.start(id.to_owned(), title.to_owned(), Doc::parse(intro.split("@{").next().unwrap_or("")));
        } else if comment.starts_with("/**<") {
            if let Some(item) = self.items().and_then(|items| items.last_mut()) {
                item.doc = Doc::parse(comment);
            }
        } else if comment.starts_with("/**") && !comment.contains("@}") && !comment.contains("@file") {
            self.doc = Some(Doc::parse(comment));
        }
    }

    fn directive(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("#define ") else { return };
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        if TOOLS.contains(&name) {
            return;
        }
        let parameters = rest.starts_with('(').then(|| rest.find(')')).flatten().map_or(0, |at| at + 1);
        let (parameters, value) = rest.split_at(parameters);
        self.add(name, Kind::Macro { parameters: parameters.to_owned(), value: value.trim().to_owned() });
    }

    fn declaration(&mut self, text: &str) -> Result<()> {
        if let Some((head, body, tail)) = braces(text) {
            let name = if head.starts_with("typedef struct") { tail } else { head };
            let name = last_word(name.trim().trim_end_matches(')'));
            let members = members(body);
            let kind = if head.starts_with("typedef struct") {
                Kind::Struct(
                    members
                        .into_iter()
                        .map(|(text, doc)| Member { parameter: parameter(&text), doc })
                        .collect(),
                )
            } else {
                Kind::Enum(members.into_iter().map(value).collect::<Result<_>>()?)
            };
            self.add(name, kind);
            return Ok(());
        }
        let text = squashed(text);
        match text.strip_prefix("typedef ") {
            Some(rest) if rest.starts_with("struct ") => self.add(last_word(rest), Kind::Handle),
            Some(rest) if rest.contains("(*") => {
                let (returns, rest) = rest.split_once("(*").ok_or("a typedef")?;
                let (name, list) = rest.split_once(")(").ok_or_else(|| format!("not understood: {text}"))?;
                let kind = Kind::Callback { returns: ty(returns), parameters: parameters(list) };
                self.add(name, kind);
            }
            Some(_) => return Err(format!("not understood: {text}")),
            None => {
                let (head, list) = text.split_once('(').ok_or_else(|| format!("not understood: {text}"))?;
                let Parameter { name, ty } = parameter(head);
                self.add(&name, Kind::Function { returns: ty, parameters: parameters(list) });
            }
        }
        Ok(())
    }
}

/// Up to and with the semicolon that is in no braces and no comment.
fn declaration_length(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            at += rest.find("*/")? + 2;
            continue;
        }
        match rest.chars().next()? {
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            ';' if depth == 0 => return Some(at + 1),
            _ => {}
        }
        at += rest.chars().next()?.len_utf8();
    }
    None
}

/// What is before, in and after the braces.
fn braces(text: &str) -> Option<(&str, &str, &str)> {
    let (head, rest) = text.split_once('{')?;
    let (body, tail) = rest.rsplit_once('}')?;
    Some((head, body, tail))
}

/// The parts of an enumeration or a struct, each with the comment before or behind it.
fn members(body: &str) -> Vec<(String, Doc)> {
    let mut members: Vec<(String, Doc)> = Vec::new();
    let (mut text, mut doc) = (String::new(), Doc::default());
    let mut rest = body;
    while let Some(next) = rest.chars().next() {
        if let Some(end) = rest.starts_with("/*").then(|| rest.find("*/")).flatten() {
            let comment = &rest[..end + 2];
            if comment.starts_with("/**<") {
                finish(&mut members, &mut text, &mut doc);
                if let Some(last) = members.last_mut() {
                    last.1 = Doc::parse(comment);
                }
            } else if comment.starts_with("/**") {
                doc = Doc::parse(comment);
            }
            rest = &rest[end + 2..];
            continue;
        }
        match next {
            ',' | ';' => finish(&mut members, &mut text, &mut doc),
            other => text.push(other),
        }
        rest = &rest[next.len_utf8()..];
    }
    finish(&mut members, &mut text, &mut doc);
    members
}

fn finish(members: &mut Vec<(String, Doc)>, text: &mut String, doc: &mut Doc) {
    let squashed = squashed(text);
    text.clear();
    if !squashed.is_empty() {
        members.push((squashed, std::mem::take(doc)));
    }
}

fn value((text, doc): (String, Doc)) -> Result<Value> {
    let (name, value) =
        text.split_once(" = ").ok_or_else(|| format!("an enumeration's constant without a value: {text}"))?;
    Ok(Value { name: name.to_owned(), value: value.to_owned(), doc })
}

fn parameters(list: &str) -> Vec<Parameter> {
    let list = list.trim().trim_end_matches(')').trim();
    if list.is_empty() || list == "void" { Vec::new() } else { list.split(',').map(parameter).collect() }
}

/// A type and a name.
fn parameter(text: &str) -> Parameter {
    let text = text.trim();
    let name = last_word(text);
    Parameter { name: name.to_owned(), ty: ty(&text[..text.len() - name.len()]) }
}

fn ty(text: &str) -> String {
    squashed(text).replace(" *", "*").replace("ptrdiff_t", "intptr_t")
}

fn last_word(text: &str) -> &str {
    let start = text.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    &text[start..]
}

fn squashed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
