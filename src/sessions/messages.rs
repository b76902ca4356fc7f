//! The messages of a session, one at a time. An item has the members that the official SDKs give it; what the
//! CLI wrote is copied unchanged.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use super::entry::{Entry, Kind, Local};
use super::files::Regular;
use super::folders;
use super::options::{self, Options, Page, check_id};
use super::transcript::{Transcript, conversation_and_waiting};
use crate::error::Result;
use crate::protocol::pointer::Json;

/// A message as the host gets it.
pub struct Item {
    pub kind: Kind,
    pub json: String,
}

/// Which calls a subagent's messages belong to, as JSON.
#[derive(Default)]
pub struct Parents {
    pub tool_use: Option<String>,
    pub agent: Option<String>,
}

/// Which part of an entry is reported.
#[derive(Clone, Copy)]
pub struct Shown {
    pub index: usize,
    pub is_queued: bool,
    pub is_local_command: bool,
}

/// Calls `each` with every wanted message, in order, until it returns `false`.
pub fn messages(id: &str, options: &str, each: impl FnMut(&Item) -> bool) -> Result<()> {
    check_id(id, "session_id")?;
    let options = options::read(options, options::MESSAGES)?;
    let found = folders::find(id, &options)?;
    let file = open(&found.path)?.ok_or_else(|| folders::not_found(id, &options))?;
    let transcript = read(&file, &found.path)?;
    let shown = shown(&transcript, &options);
    Reader { file: &file, path: &found.path, parents: Parents::default() }.deliver(
        &transcript,
        &shown,
        &options,
        each,
    )
}

pub fn open(path: &Path) -> Result<Option<Regular>> {
    Regular::open(path).map_err(|cause| folders::failed("read", path, &cause))
}

pub fn read(file: &Regular, path: &Path) -> Result<Transcript> {
    Transcript::read(file).map_err(|cause| folders::failed("read", path, &cause))
}

/// The page of a list, counted from its end if requested.
fn part<T>(all: &[T], page: Page, from_end: bool) -> &[T] {
    if from_end {
        let end = all.len().saturating_sub(page.offset);
        let start = page.limit.map_or(0, |limit| end.saturating_sub(limit));
        return &all[start..end];
    }
    &all[page.offset.min(all.len())..page.end().min(all.len())]
}

/// What a user sees of the conversation.
fn shown(transcript: &Transcript, options: &Options) -> Vec<Shown> {
    let entries = &transcript.entries;
    let (mut chain, waiting) = conversation_and_waiting(entries);
    let local = local_commands(entries, &chain);
    let mut delivered = delivered(entries, &chain, &local);
    delivered.resize(chain.len() + waiting.len(), true);
    chain.extend(waiting);
    let mut uuids: HashSet<_> = chain.iter().map(|index| entries[*index].uuid).collect();
    let mut shown = Vec::new();
    for (place, index) in chain.iter().copied().enumerate() {
        let entry = &entries[index];
        let is_queued = entry.is_queued
            && delivered[place]
            && entry.queued_as.is_none_or(|uuid| uuid == entry.uuid || uuids.insert(uuid));
        let is_kind = entry.is_said() || is_queued || (entry.kind == Kind::System && options.include_system);
        if is_kind && entry.is_shown() {
            shown.push(Shown { index, is_queued, is_local_command: local.contains(&place) });
        }
    }
    shown
}

/// The indices of what commands of the CLI itself wrote, after the note that announces them.
fn local_commands(entries: &[Entry], chain: &[usize]) -> HashSet<usize> {
    let mut places = HashSet::new();
    let mut announced: Option<bool> = None;
    for (place, entry) in chain.iter().map(|index| &entries[*index]).enumerate() {
        if entry.kind == Kind::User && entry.is_meta && entry.local == Some(Local::Caveat) {
            announced = Some(false);
        } else if entry.kind == Kind::Assistant {
            announced = None;
        } else if entry.kind == Kind::User && !entry.is_meta {
            match (announced, entry.local) {
                (Some(false), Some(Local::Record)) => announced = Some(true),
                (Some(true), Some(Local::Output)) => {}
                _ => announced = None,
            }
            if announced.is_some() {
                places.insert(place);
            }
        }
    }
    places
}

/// For each index, whether what follows is part of an answer: a prompt that waited there was delivered to the model.
fn delivered(entries: &[Entry], chain: &[usize], local: &HashSet<usize>) -> Vec<bool> {
    let mut answer_follows = false;
    let mut delivered = vec![false; chain.len()];
    for (place, entry) in chain.iter().map(|index| &entries[*index]).enumerate().rev() {
        delivered[place] = answer_follows;
        if entry.kind == Kind::Assistant || entry.is_answer() {
            answer_follows = true;
        } else if entry.kind == Kind::User && !entry.is_meta && !entry.is_summary && !local.contains(&place) {
            answer_follows = false;
        }
    }
    delivered
}

pub struct Reader<'a> {
    pub file: &'a Regular,
    pub path: &'a Path,
    pub parents: Parents,
}

impl Reader<'_> {
    pub fn deliver(
        &self,
        transcript: &Transcript,
        shown: &[Shown],
        options: &Options,
        mut each: impl FnMut(&Item) -> bool,
    ) -> Result<()> {
        let mut line = Vec::new();
        for shown in part(shown, options.page, options.from_end) {
            let entry = &transcript.entries[shown.index];
            line.resize(entry.length, 0);
            let read = self.file.read_at(&mut line, entry.offset);
            let length = read.map_err(|cause| folders::failed("read", self.path, &cause))?;
            let text = String::from_utf8_lossy(&line[..length]);
            // If the file was changed meanwhile, something else is there.
            let Some(json) = Json::parse(&text).filter(|json| json.is_object()) else { continue };
            let kind = if shown.is_queued { Kind::User } else { entry.kind };
            if !each(&Item { kind, json: self.item(json, *shown, kind) }) {
                break;
            }
        }
        Ok(())
    }

    fn item(&self, line: Json, shown: Shown, kind: Kind) -> String {
        let of = |name: &'static str| line.under(&[name]).map(Json::text);
        let is_true = |name: &'static str| of(name) == Some("true");
        let queued = |name: &'static str| line.under(&["attachment", name]).map(Json::text);
        let kind = match kind {
            Kind::Assistant => "\"assistant\"",
            Kind::System => "\"system\"",
            _ => "\"user\"",
        };
        let mut item = Members::begin(kind);
        let own_id = if shown.is_queued { queued("source_uuid").filter(|id| id.len() > 2) } else { None };
        item.put("uuid", own_id.or_else(|| of("uuid")));
        item.put("session_id", of("sessionId").or(Some("\"\"")));
        let content = queued("prompt").filter(|_| shown.is_queued);
        match content.map(|content| format!("{{\"role\":\"user\",\"content\":{content}}}")) {
            Some(message) => item.put("message", Some(&message)),
            None => item.put("message", of("message").or(Some("null"))),
        }
        item.put("parent_tool_use_id", self.parents.tool_use.as_deref().or(Some("null")));
        item.put("parent_agent_id", self.parents.agent.as_deref().or(Some("null")));
        item.put("timestamp", of("timestamp"));
        item.put("interruptedByShutdown", Some("true").filter(|_| is_true("interruptedByShutdown")));
        item.put("toolDenialUnanswered", of("toolDenialUnanswered"));
        item.put("tool_result_meta", denial(line).as_deref());
        item.put("isCompactSummary", Some("true").filter(|_| is_true("isCompactSummary")));
        let is_meta = ["isMeta", "isCompactSummary", "isVisibleInTranscriptOnly"].into_iter().any(is_true)
            || (shown.is_queued && queued("isMeta") == Some("true"));
        item.put("is_meta", Some("true").filter(|_| is_meta));
        item.put("isQueuedCommand", Some("true").filter(|_| shown.is_queued));
        item.put("isCompletedLocalCommand", Some("true").filter(|_| shown.is_local_command));
        item.put("origin", of("origin").or_else(|| queued("origin").filter(|_| shown.is_queued)));
        if kind == "\"system\"" {
            item.put("subtype", of("subtype"));
            item.put("content", of("content"));
        }
        item.end()
    }
}

/// Why a tool was not run, if the entry answers a single call.
fn denial(line: Json) -> Option<String> {
    let why = line.under(&["toolDenialKind"])?;
    let is_result =
        |block: &Json| block.under(&["type"]).and_then(Json::string).as_deref() == Some("tool_result");
    let content = line.under(&["message", "content"])?;
    let mut results = content.elements().filter(is_result);
    let id = results.next()?.under(&["tool_use_id"])?;
    let is_single = results.next().is_none() && why.string().is_some();
    is_single.then(|| format!("[{{\"id\":{},\"non_execution_kind\":{}}}]", id.text(), why.text()))
}

/// An object that is written member by member.
struct Members(String);

impl Members {
    fn begin(kind: &str) -> Members {
        Members(format!("{{\"type\":{kind}"))
    }

    /// `value` is JSON; a member that the entry does not have is omitted, and so is `null` unless it is the answer.
    fn put(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            let _ = write!(self.0, ",\"{name}\":{value}");
        }
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
