//! A copy of a session under an id of its own, up to a message if that is wanted. Line by line: neither the session nor its copy
//! is ever in memory.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::json;
use uuid::Uuid;

use super::entry::{Entry, Id, Ids, Kind};
use super::files::{self, Regular};
use super::folders::{self, Found};
use super::glance::Pieces;
use super::info::Info;
use super::lines::Lines;
use super::messages::{open, read};
use super::options::{self, Options, check_id};
use super::time;
use super::transcript::Transcript;
use crate::error::{Error, Result, Status};
use crate::protocol::pointer::Json;

/// What belongs to the session that is copied and not to the copy.
const DROPPED: &[&str] = &[
    "agentName",
    "droppedPromptUuids",
    "rowsAheadOfPutBack",
    "sentAsUuid",
    "sessionKind",
    "slug",
    "sourceToolAssistantUUID",
    "summarizedTurnPromptUuids",
    "teamName",
    "turnAttributionKey",
];

/// Members of `compactMetadata` that name messages.
const NAMES_MESSAGES: &[&str] = &["anchorUuid", "allUuids", "headUuid", "tailUuid", "uuids"];

/// Copies a session; `{"session_id": …}` of the copy.
pub fn fork(id: &str, options: &str) -> Result<String> {
    check_id(id, "session_id")?;
    let options = options::read(options, options::FORK)?;
    if let Some(message) = &options.up_to_message_id {
        check_id(message, "up_to_message_id")?;
    }
    let found = folders::find(id, &options)?;
    let file = open(&found.path)?.ok_or_else(|| folders::not_found(id, &options))?;
    let transcript = read(&file, &found.path)?;
    let copied = copied(&transcript, id, &options)?;
    let new_id = Uuid::new_v4().to_string();
    let path = found.path.with_file_name(format!("{new_id}.jsonl"));
    let copy = Copy { transcript: &transcript, file: &file, source: &found, new_id: &new_id, copied };
    let written = copy.write(&path, &options);
    if written.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    written?;
    Ok(json!({"session_id": new_id}).to_string())
}

/// The entries that are copied: places in the transcript.
fn copied(transcript: &Transcript, id: &str, options: &Options) -> Result<Vec<usize>> {
    let entries = &transcript.entries;
    let mut copied: Vec<usize> = (0..entries.len()).filter(|index| !entries[*index].is_sidechain).collect();
    if let Some(message) = &options.up_to_message_id {
        let last = transcript.ids.known(message).and_then(|uuid| end(entries, &copied, uuid));
        let last = last.ok_or_else(|| unknown_message(message, id))?;
        copied.truncate(last + 1);
        before_compaction(entries, &mut copied);
    }
    if copied.iter().any(|index| entries[*index].kind != Kind::Progress) {
        return Ok(copied);
    }
    Err(Error::new(Status::SessionNotFound, format!("session {id} has no messages to copy"))
        .with("session_id", id)
        .with("remedy", "fork a session that has begun"))
}

fn end(entries: &[Entry], copied: &[usize], uuid: Id) -> Option<usize> {
    let is_it = |index: &usize| entries[*index].uuid == uuid;
    let was_queued = |index: &usize| entries[*index].queued_as == Some(uuid);
    copied.iter().position(is_it).or_else(|| copied.iter().position(was_queued))
}

/// A copy that would end with a compaction ends before it: what it summarises is still there.
fn before_compaction(entries: &[Entry], copied: &mut Vec<usize>) {
    let last_said = copied.iter().rposition(|index| entries[*index].is_said());
    let behind = last_said.map_or(0, |last| last + 1);
    let Some(boundary) = (behind..copied.len()).find(|place| entries[copied[*place]].is_boundary) else {
        return;
    };
    let kept = entries[copied[boundary]].kept.as_deref();
    let named: HashSet<Id> =
        kept.into_iter().flat_map(|kept| kept.uuids.iter().copied().chain(kept.logical_parent)).collect();
    let before = &copied[..boundary];
    let end = before
        .iter()
        .rposition(|index| named.contains(&entries[*index].uuid))
        .map_or(boundary, |last| last + 1);
    if before[..end].iter().any(|index| entries[*index].kind != Kind::Progress) {
        copied.truncate(end);
    }
}

fn unknown_message(message: &str, id: &str) -> Error {
    Error::new(Status::NotFound, format!("session {id} has no message {message}"))
        .with("session_id", id)
        .with("remedy", "pass the uuid of a message of claude_session_messages")
}

struct Copy<'a> {
    transcript: &'a Transcript,
    file: &'a Regular,
    source: &'a Found,
    new_id: &'a str,
    copied: Vec<usize>,
}

/// The new ids of messages, each by its old one.
struct Renamed<'a> {
    ids: &'a Ids,
    new: HashMap<Id, String>,
}

impl Renamed<'_> {
    fn of(&self, json: Json) -> Option<&str> {
        self.new.get(&self.ids.known(&json.string()?)?).map(String::as_str)
    }
}

impl Copy<'_> {
    fn write(&self, path: &Path, options: &Options) -> Result<()> {
        let failed = |cause: std::io::Error| folders::failed("write", path, &cause);
        let title = self.title(options);
        let mut out = BufWriter::new(files::create(path).map_err(failed)?);
        self.entries(&mut out)
            .and_then(|()| self.notes(&mut out, &title))
            .and_then(|()| out.flush())
            .map_err(failed)
    }

    fn entries(&self, out: &mut impl Write) -> std::io::Result<()> {
        let entries = &self.transcript.entries;
        let new = self.copied.iter().map(|index| (entries[*index].uuid, Uuid::new_v4().to_string()));
        let renamed = Renamed { ids: &self.transcript.ids, new: new.collect() };
        let by_uuid: HashMap<Id, &Entry> =
            self.copied.iter().map(|index| (entries[*index].uuid, &entries[*index])).collect();
        let written: Vec<&Entry> = self
            .copied
            .iter()
            .map(|index| &entries[*index])
            .filter(|entry| entry.kind != Kind::Progress)
            .collect();
        let mut line = Vec::new();
        for (place, entry) in written.iter().enumerate() {
            line.resize(entry.length, 0);
            let length = self.file.read_at(&mut line, entry.offset)?;
            let text = String::from_utf8_lossy(&line[..length]);
            let Some(json) = Json::parse(&text).filter(|json| json.is_object()) else { continue };
            let parent = parent(entry, &by_uuid).and_then(|parent| renamed.new.get(&parent));
            let now = (place + 1 == written.len()).then(|| time::format(time::now_ms()));
            let forked = Forked { copy: self, renamed: &renamed, parent: parent.map(String::as_str), now };
            writeln!(out, "{}", forked.line(json, entry))?;
        }
        Ok(())
    }

    /// What the CLI keeps of a session beside its messages.
    fn notes(&self, out: &mut impl Write, title: &str) -> std::io::Result<()> {
        let mut notes = Notes::default();
        let mut lines = Lines::of(self.file);
        while let Some((_, line)) = lines.next()? {
            notes.look_at(line, &self.source.id);
        }
        let now = time::format(time::now_ms());
        if !notes.replacements.is_empty() {
            let replacements = notes.replacements.join(",");
            let (id, uuid) = (self.new_id, Uuid::new_v4());
            writeln!(
                out,
                "{{\"type\":\"content-replacement\",\"sessionId\":\"{id}\",\"replacements\":[{replacements}],\
                 \"uuid\":\"{uuid}\",\"timestamp\":\"{now}\"}}"
            )?;
        }
        for (kind, name, value) in notes.carried() {
            writeln!(out, "{{\"type\":\"{kind}\",\"sessionId\":\"{}\",\"{name}\":{value}}}", self.new_id)?;
        }
        let title = json!({
            "type": "custom-title", "sessionId": self.new_id, "customTitle": title,
            "uuid": Uuid::new_v4().to_string(), "timestamp": now,
        });
        writeln!(out, "{title}")
    }

    fn title(&self, options: &Options) -> String {
        let given = options.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
        if let Some(title) = given {
            return title.to_owned();
        }
        let info = Info::of(self.source, &mut Pieces::default());
        let derived = info.as_ref().and_then(Info::name).unwrap_or("Forked session");
        format!("{derived} (fork)")
    }
}

/// The nearest one before it that is copied.
fn parent(entry: &Entry, by_uuid: &HashMap<Id, &Entry>) -> Option<Id> {
    let mut seen = HashSet::new();
    let mut at = entry.parent;
    while let Some(parent) = at.filter(|parent| seen.insert(*parent)) {
        let above = by_uuid.get(&parent)?;
        if above.kind != Kind::Progress {
            return Some(parent);
        }
        at = above.parent;
    }
    None
}

struct Forked<'a> {
    copy: &'a Copy<'a>,
    renamed: &'a Renamed<'a>,
    parent: Option<&'a str>,
    /// The time of the last entry, by which the CLI finds where to go on.
    now: Option<String>,
}

impl Forked<'_> {
    fn line(&self, line: Json, entry: &Entry) -> String {
        let mut out = String::with_capacity(line.text().len() + 256);
        let kind = line.under(&["type"]).map_or("\"user\"", Json::text);
        let _ = write!(out, "{{\"type\":{kind}");
        let text = |name: &'static str| line.under(&[name]);
        let mut put = |name: &str, value: &str| {
            let _ = write!(out, ",\"{name}\":{value}");
        };
        for (name, value) in line.members() {
            let name = name.text().trim_matches('"');
            match name {
                "type" | "uuid" | "parentUuid" | "sessionId" | "isSidechain" | "forkedFrom"
                | "requestSessionId" => {}
                "timestamp" if self.now.is_some() => {}
                "logicalParentUuid" => put(name, &self.link(value)),
                "compactMetadata" if entry.is_boundary => put(name, &self.compaction(value)),
                "attachment" if entry.is_queued => put(name, &self.renamed_in(value, &["source_uuid"])),
                _ if DROPPED.contains(&name) => {}
                _ => put(name, value.text()),
            }
        }
        let uuid = text("uuid");
        let new = uuid.and_then(|uuid| self.renamed.of(uuid)).unwrap_or_default();
        put("uuid", &quoted(new));
        put("parentUuid", &self.parent.map_or("null".to_owned(), quoted));
        put("sessionId", &quoted(self.copy.new_id));
        if let Some(now) = &self.now {
            put("timestamp", &quoted(now));
        }
        put("isSidechain", "false");
        if entry.kind == Kind::Assistant {
            let asked_by = text("requestSessionId").or_else(|| line.under(&["forkedFrom", "sessionId"]));
            if let Some(id) = asked_by.or_else(|| text("sessionId")).filter(|id| id.string().is_some()) {
                put("requestSessionId", id.text());
            }
        }
        if line.under(&["subtype"]).and_then(Json::string).as_deref() == Some("model_refusal_fallback") {
            put("neutralizedByFork", "true");
        }
        let from = format!(
            "{{\"sessionId\":\"{}\",\"messageUuid\":{}}}",
            self.copy.source.id,
            uuid.map_or("null", Json::text)
        );
        put("forkedFrom", &from);
        out.push('}');
        out
    }

    fn link(&self, value: Json) -> String {
        self.renamed.of(value).map_or("null".to_owned(), quoted)
    }

    fn compaction(&self, value: Json) -> String {
        self.object(value, |name, value| match name {
            "preservedMessages" | "preservedSegment" => Some(self.renamed_in(value, NAMES_MESSAGES)),
            "runningTurnSends" => None,
            _ => Some(value.text().to_owned()),
        })
    }

    /// An object with new ids in some of its members.
    fn renamed_in(&self, value: Json, names: &[&str]) -> String {
        self.object(value, |name, value| {
            let new = |json: Json| self.renamed.of(json).map_or_else(|| json.text().to_owned(), quoted);
            Some(match names.contains(&name) {
                false => value.text().to_owned(),
                true if value.is_array() => {
                    format!("[{}]", value.elements().map(new).collect::<Vec<_>>().join(","))
                }
                true => new(value),
            })
        })
    }

    fn object(&self, value: Json, member: impl Fn(&str, Json) -> Option<String>) -> String {
        if !value.is_object() {
            return value.text().to_owned();
        }
        let members = value.members().filter_map(|(name, value)| {
            Some(format!("{}:{}", name.text(), member(name.text().trim_matches('"'), value)?))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// Notes of the CLI that go with a session.
#[derive(Default)]
struct Notes {
    replacements: Vec<String>,
    latch: Option<String>,
    tools: Option<String>,
    relocated: Option<String>,
}

impl Notes {
    fn look_at(&mut self, line: &[u8], id: &str) {
        const WANTED: &[&[u8]] = &[b"content-replacement", b"atis-latch", b"tools-used", b"relocated"];
        let kind = crate::protocol::members::top_level_string(line, b"type");
        if !kind.is_some_and(|kind| WANTED.contains(&kind)) {
            return;
        }
        let text = String::from_utf8_lossy(line);
        let Some(json) = Json::parse(&text).filter(|json| json.is_object()) else { return };
        if json.under(&["sessionId"]).and_then(Json::string).as_deref() != Some(id) {
            return;
        }
        let text = |name: &'static str| json.under(&[name]).filter(|value| value.string().is_some());
        let owned = |value: Option<Json>| value.map(|value| value.text().to_owned());
        match kind {
            Some(b"content-replacement") => {
                let all = json
                    .under(&["replacements"])
                    .into_iter()
                    .flat_map(|all| all.elements().collect::<Vec<_>>());
                self.replacements.extend(all.filter(|one| one.is_object()).map(|one| one.text().to_owned()));
            }
            Some(b"atis-latch") => self.latch = owned(text("atis")).or(self.latch.take()),
            Some(b"tools-used") => {
                self.tools =
                    owned(json.under(&["tools"]).filter(|tools| tools.is_array())).or(self.tools.take());
            }
            _ => self.relocated = owned(text("relocatedCwd")).or(self.relocated.take()),
        }
    }

    fn carried(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        let all = [
            ("atis-latch", "atis", self.latch.as_deref()),
            ("tools-used", "tools", self.tools.as_deref()),
            ("relocated", "relocatedCwd", self.relocated.as_deref()),
        ];
        all.into_iter().filter_map(|(kind, name, value)| Some((kind, name, value?)))
    }
}
