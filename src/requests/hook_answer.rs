//! The answer to a hook. What the CLI cannot read, or reads only at another event, counts as no opinion: the tool runs.

use std::borrow::Cow;

use super::events::{self, COMMON, EVENTS, Event, Member, Shape, Silence};
use super::shape::{Object, quoted, text, wrong};
use super::stranger::Strangers;
use crate::error::Result;

const OUTPUT: &str = "hookSpecificOutput";
const NAME: &str = "hookEventName";

/// The answer as it is sent, if the CLI will read in it what the host wrote. `event` is the hook's event.
pub fn checked<'a>(event: Option<&str>, payload: &'a str) -> Result<Cow<'a, str>> {
    let mut answer = Object::read(payload, "")?;
    // Python keywords, which its callers write with a trailing underscore.
    let mut renamed = answer.rename("continue_", "continue")?;
    renamed |= answer.rename("async_", "async")?;
    let known = event.and_then(events::known);
    let asked = event.unwrap_or("this event");
    members(&answer, COMMON, asked, known)?;
    asynchronous(&answer)?;
    if let Some(event) = known {
        heard(&answer, event)?;
    }
    if let Some(output) = answer.get(OUTPUT) {
        own_output(&Object::read(output, &answer.pointer(OUTPUT))?, event, known)?;
    }
    agreed(&answer)?;
    Ok(if renamed { answer.text().into() } else { payload.into() })
}

/// Checks that every member has its type, and that none is a known one misspelt or misplaced.
fn members(object: &Object, own: &[Member], asked: &str, event: Option<&Event>) -> Result<()> {
    let names: Vec<&str> = own.iter().map(|(name, _)| *name).collect();
    let strangers = Strangers::of_hook(&names, asked, event);
    object.spelled(&names)?;
    for (name, value) in object.members() {
        match own.iter().find(|(known, _)| *known == name) {
            Some((_, shape)) => object.check(name, *shape)?,
            None => strangers.judge(object, name, value)?,
        }
    }
    Ok(())
}

/// The CLI reads nothing of an asynchronous answer now, so nothing in it decides.
fn asynchronous(answer: &Object) -> Result<()> {
    if answer.get("async") != Some("true") {
        return Ok(());
    }
    let read = |name: &str| matches!(name, "async" | "asyncTimeout");
    let beside =
        answer.members().find(|(name, _)| !read(name) && COMMON.iter().any(|(known, _)| known == name));
    match beside {
        None => Ok(()),
        Some((name, _)) => {
            let message =
                format!("beside \"async\" the CLI does not read \"{name}\": leave one of the two out");
            Err(wrong(message, &answer.pointer(name)))
        }
    }
}

/// Checks that the CLI reads what the answer decides.
fn heard(answer: &Object, event: &Event) -> Result<()> {
    let instead = match event.silence {
        Silence::DeniesPermission => ": write hookSpecificOutput.decision.behavior",
        Silence::Blocks | Silence::Denies => ": write \"decision\": \"block\"",
        Silence::Continues => ", which guards nothing",
    };
    let unheard = |name: &str| {
        let message = format!("the CLI does not heed \"{name}\" at {}{instead}", event.name);
        Err(wrong(message, &answer.pointer(name)))
    };
    if answer.get("decision").is_some() && !event.decides {
        return unheard("decision");
    }
    if answer.get("continue") == Some("false") && !event.stops {
        return unheard("continue");
    }
    Ok(())
}

/// Checks that several decisions agree: the CLI takes the one that it looks at last, even if it is the milder one.
fn agreed(answer: &Object) -> Result<()> {
    let output = inner(answer, OUTPUT)?;
    let own = inner(&output, "decision")?;
    let places = [(answer, "decision"), (&output, "permissionDecision"), (&own, "behavior")];
    let decisions: Vec<(String, String)> = places
        .iter()
        .filter_map(|(object, name)| Some((object.pointer(name), object.get(name).and_then(text)?)))
        .collect();
    for pair in decisions.windows(2) {
        let [(one, word), (other, against)] = pair else { continue };
        if meaning(word) != meaning(against) {
            let message =
                format!("\"{against}\" contradicts \"{word}\" at {one}, and the CLI takes only one of them");
            return Err(wrong(message, other).with("remedy", "decide once; the request is still open"));
        }
    }
    Ok(())
}

fn inner<'a>(object: &Object<'a>, name: &str) -> Result<Object<'a>> {
    Object::read(object.get(name).unwrap_or_default(), &object.pointer(name))
}

fn meaning(word: &str) -> &str {
    match word {
        "block" => "deny",
        "approve" => "allow",
        word => word,
    }
}

/// Checks the members that only answers to this event have.
fn own_output(output: &Object, event: Option<&str>, known: Option<&Event>) -> Result<()> {
    named(output, event)?;
    let mut own = match known {
        None => any_output(),
        Some(Event { output: Some(own), .. }) => own.to_vec(),
        Some(event) => {
            let message = format!("the CLI drops an answer to {} that has {OUTPUT}", event.name);
            return Err(wrong(message, &format!("/{OUTPUT}")));
        }
    };
    own.push((NAME, Shape::Text));
    members(output, &own, event.unwrap_or("this event"), known)?;
    match known.map(|event| event.name) {
        Some("PermissionRequest") => output.require("decision", Shape::Permission),
        Some("WorktreeCreate") => output.require("worktreePath", Shape::Text),
        _ => Ok(()),
    }
}

/// `hookEventName` must be the event's own: with another one the CLI ignores everything beside it.
fn named(output: &Object, event: Option<&str>) -> Result<()> {
    // A misspelt one gets its own error.
    output.spelled(&[NAME])?;
    output.require(NAME, Shape::Text)?;
    let named = output.get(NAME).unwrap_or_default();
    match event {
        Some(event) if text(named).as_deref() != Some(event) => {
            let message = format!("{NAME} is {}, and the hook was asked about \"{event}\"", quoted(named));
            Err(wrong(message, &output.pointer(NAME)))
        }
        _ => Ok(()),
    }
}

/// For an event of another version of the CLI: what any event may say.
fn any_output() -> Vec<Member> {
    let mut all: Vec<Member> = Vec::new();
    for member in EVENTS.iter().filter_map(|event| event.output).flatten() {
        if !matches!(member.1, Shape::Unread(_)) && !all.iter().any(|(name, _)| *name == member.0) {
            all.push(*member);
        }
    }
    all
}
