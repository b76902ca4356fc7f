//! Hook registrations, as the CLI reads them: one that would never be called is refused on registration.

use super::events::{self, Event, Subject};
use super::pattern;
use crate::error::{Error, Result, Status};
use crate::names::{self, TOOLS};

/// Something that is allowed but probably not intended.
pub type Warning = String;

/// Refuses a hook that the CLI would never call. The warnings are for what only another version of it may know.
pub fn check(event: &str, matcher: Option<&str>) -> Result<Vec<Warning>> {
    let Some(known) = events::known(event) else {
        if let Some(meant) = names::meant(event, &events::names()) {
            return Err(wrong("event", format!("there is no event {event:?}"), format!("write \"{meant}\"")));
        }
        return Ok(vec![format!(
            "the hook {event:?} is called only by a CLI that knows this event: the tested one does not"
        )]);
    };
    let mut warnings = match matcher.unwrap_or_default() {
        "" | "*" => Vec::new(),
        matcher => checked(known, matcher)?,
    };
    warnings.extend(unasked(known, matcher));
    Ok(warnings)
}

/// A misspelt dialog kind would never be requested.
pub fn check_dialog(kind: &str) -> Result<()> {
    match names::meant(kind, names::DIALOGS) {
        Some(meant) => {
            Err(wrong("kind", format!("there is no dialog {kind:?}"), format!("write \"{meant}\"")))
        }
        None => Ok(()),
    }
}

fn wrong(argument: &str, message: String, remedy: String) -> Error {
    Error::new(Status::InvalidArgument, message).with("argument", argument).with("remedy", remedy)
}

fn useless(message: String, remedy: impl Into<String>) -> Error {
    wrong("matcher", message, remedy.into())
}

/// For some causes the CLI asks no host.
fn unasked(event: &Event, matcher: Option<&str>) -> Option<Warning> {
    let asked = event.asked?;
    let named: Vec<&str> = match matcher.map(|matcher| (matcher, listed(event, matcher))) {
        Some((matcher, Some(names))) if !matcher.is_empty() => names,
        _ => Vec::new(),
    };
    if !named.is_empty() && named.iter().all(|name| asked.contains(name)) {
        return None;
    }
    let when = match asked {
        [] => "at all".to_owned(),
        _ => format!("but for {}", asked.join(" and ")),
    };
    Some(format!("the CLI does not call the hook {} of a host {when}", event.name))
}

/// The names that the CLI finds in the matcher; `None` = it is a regular expression.
fn listed<'a>(event: &Event, matcher: &'a str) -> Option<Vec<&'a str>> {
    // Two events are not among those for which the CLI accepts lists.
    let bare = matches!(event.name, "StopFailure" | "FileChanged");
    let letter = |c: char| {
        c.is_ascii_alphanumeric() || c == '_' || c == '|' || (!bare && matches!(c, ',' | ' ' | '-'))
    };
    let names = matcher.split(['|', ',']).map(str::trim).filter(|name| !name.is_empty());
    matcher.chars().all(letter).then(|| names.collect())
}

fn checked(event: &Event, matcher: &str) -> Result<Vec<Warning>> {
    if event.subject == Subject::Nothing {
        return Ok(vec![format!(
            "the CLI does not look at the matcher of {}: the hook is always called",
            event.name
        )]);
    }
    let Some(names) = listed(event, matcher) else { return expression(event, matcher) };
    if names.is_empty() {
        let message = format!("the matcher {matcher:?} names nothing, and the hook would never be called");
        return Err(useless(message, "pass NULL for everything"));
    }
    let mut warnings = Vec::new();
    for name in names {
        warnings.extend(match event.subject {
            Subject::Tool => tool(name)?,
            Subject::Words(words) => word(event, name, words)?,
            Subject::Open | Subject::Nothing => None,
        });
    }
    Ok(warnings)
}

fn tool(name: &str) -> Result<Option<Warning>> {
    if TOOLS.contains(&name) {
        return Ok(None);
    }
    if let Some(rest) = name.strip_prefix("mcp__") {
        return match rest.split_once("__") {
            Some((server, tool)) if !server.is_empty() && !tool.is_empty() && !rest.contains(' ') => Ok(None),
            _ => {
                let message =
                    format!("{name} is no tool's name, and a matcher without * is compared as a whole");
                Err(useless(message, format!("write {}__.*", name.trim_end_matches('_'))))
            }
        };
    }
    if let Some(remedy) = names::mcp_meant(name) {
        return Err(useless(format!("no tool of an MCP server is called {name}"), remedy));
    }
    if name.contains(' ') {
        let message = format!("no tool is called {name:?}");
        return Err(useless(message, "separate names by | as in \"Bash|Write\""));
    }
    match names::meant(name, TOOLS) {
        Some(meant) => Err(useless(format!("there is no tool {name}"), format!("write {meant}"))),
        None => {
            Ok(Some(format!("a hook is for the tool {name}, which only another version of the CLI may have")))
        }
    }
}

fn word(event: &Event, name: &str, words: &[&'static str]) -> Result<Option<Warning>> {
    if words.contains(&name) {
        return Ok(None);
    }
    match names::meant(name, words) {
        Some(meant) => Err(useless(format!("{} has no {name}", event.name), format!("write {meant}"))),
        None => Ok(Some(format!(
            "a hook is for {name} of {}, which only another version of the CLI may have",
            event.name
        ))),
    }
}

/// The CLI searches for it anywhere in the name.
fn expression(event: &Event, matcher: &str) -> Result<Vec<Warning>> {
    if let Some(fault) = pattern::fault(matcher) {
        let message = format!("the CLI cannot read the matcher {matcher:?}: {fault}");
        return Err(useless(message, "write names separated by |, or a regular expression of JavaScript"));
    }
    let known = match event.subject {
        Subject::Tool => TOOLS,
        Subject::Words(words) => words,
        Subject::Open | Subject::Nothing => return Ok(Vec::new()),
    };
    if event.subject == Subject::Tool
        && let Some((tool, _)) = matcher.split_once('(')
        && TOOLS.contains(&tool)
        && matcher.ends_with(')')
    {
        let message = format!("{matcher} is a rule for permissions, which no tool's name looks like");
        return Err(useless(message, format!("write {tool}: the hook is told the input")));
    }
    let mut warnings = Vec::new();
    for part in pattern::alternatives(matcher) {
        warnings.extend(alternative(event, &part, known)?);
    }
    Ok(warnings)
}

/// An alternative that can never match guards nothing, whatever the others do.
fn alternative(event: &Event, part: &str, known: &[&'static str]) -> Result<Option<Warning>> {
    // Conditions around a name only narrow what matches: if the rest matches nothing, all of it matches nothing.
    let bare = pattern::without_conditions(part);
    if is_match(&bare, "").is_none() {
        return Ok(Some(format!(
            "the part {part:?} of a matcher was not checked: it may fit no name that the CLI has for {}",
            event.name
        )));
    }
    let matches = |pattern: &str| known.iter().copied().find(|name| is_match(pattern, name) == Some(true));
    if matches(&bare).is_some() || (event.subject == Subject::Tool && may_be_mcp(&bare)?) {
        return Ok(None);
    }
    let core = bare.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let whole = known.iter().copied().find(|name| *name == core);
    let meant = matches(&format!("(?i){bare}")).or(whole).or_else(|| names::meant(core, known));
    match meant {
        Some(meant) => {
            let message = format!("the matcher {part:?} fits no name that the CLI has for {}", event.name);
            Err(useless(message, format!("write {meant}")))
        }
        None => {
            Ok(Some(format!("the matcher {part:?} fits no name that the tested CLI has for {}", event.name)))
        }
    }
}

/// Whether it may match a tool of an MCP server. One that is meant to but cannot is refused.
fn may_be_mcp(part: &str) -> Result<bool> {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let inner = part.strip_prefix('^').unwrap_or(part);
    let end = inner.find(|c| !kept(c)).unwrap_or(inner.len());
    let (mut word, rest) = inner.split_at(end);
    // A quantifier: what precedes it may be missing.
    if rest.starts_with(['*', '?', '{']) {
        word = &word[..word.len().saturating_sub(1)];
    }
    if let Some(remedy) = names::mcp_meant(word) {
        let message =
            format!("the matcher {part:?} fits no tool of an MCP server: their names begin with mcp__");
        return Err(useless(message, remedy));
    }
    if rest == "$"
        && let Some(named) = word.strip_prefix("mcp__")
        && named.split_once("__").is_none_or(|(server, tool)| server.is_empty() || tool.is_empty())
    {
        let message = format!("{word} is no tool's name, and the matcher fits no longer one");
        return Err(useless(message, format!("write {}__.*", word.trim_end_matches('_'))));
    }
    Ok(part.contains("mcp"))
}

/// `None` = this engine cannot read it, though JavaScript may.
fn is_match(pattern: &str, name: &str) -> Option<bool> {
    regex_lite::Regex::new(pattern).ok().map(|regex| regex.is_match(name))
}
