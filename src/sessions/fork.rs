//! A copy of a session under a new id, optionally only up to a message. Line by line: neither the session nor
//! its copy is ever in memory as a whole.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::json;
use uuid::Uuid;

use super::cut::{self, Cut};
use super::entry::{Entry, Id, Ids, Kind};
use super::files::{self, Regular};
use super::folders::{self, Found};
use super::glance::Pieces;
use super::info::Info;
use super::messages::{open, read};
use super::notes::Notes;
use super::options::{self, Options, check_id};
use super::time;
use super::transcript::Transcript;
use crate::error::Result;
use crate::protocol::pointer::Json;

/// What belongs to the original session but not to the copy.
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

/// Copies a session; returns `{"session_id": …}` of the copy.
pub fn fork(id: &str, options: &str) -> Result<String> {
    check_id(id, "session_id")?;
    let options = options::read(options, options::FORK)?;
    if let Some(message) = &options.up_to_message_id {
        check_id(message, "up_to_message_id")?;
    }
    let found = folders::find(id, &options)?;
    let file = open(&found.path)?.ok_or_else(|| folders::not_found(id, &options))?;
    let transcript = read(&file, &found.path)?;
    let cut = cut::cut(&transcript, id, options.up_to_message_id.as_deref())?;
    let new_id = Uuid::new_v4().to_string();
    let path = found.path.with_file_name(format!("{new_id}.jsonl"));
    let copy = Copy { transcript: &transcript, file: &file, source: &found, new_id: &new_id, cut };
    let written = copy.write(&path, &options);
    if written.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    written?;
    Ok(json!({"session_id": new_id}).to_string())
}

struct Copy<'a> {
    transcript: &'a Transcript,
    file: &'a Regular,
    source: &'a Found,
    new_id: &'a str,
    cut: Cut,
}

/// The new ids of messages by their old ones.
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
        let title = json!(self.title(options));
        let unread = |cause: std::io::Error| folders::failed("read", &self.source.path, &cause);
        let notes = Notes::read(self.file, &self.source.id).map_err(unread)?;
        let now = time::format(time::now_ms());
        let mut out = BufWriter::new(files::create(path).map_err(failed)?);
        notes
            .write_before(&mut out, self.new_id, &now)
            .and_then(|()| self.entries(&mut out, &now))
            .and_then(|()| notes.write_behind(&mut out, &self.source.id, self.new_id, &now))
            .and_then(|()| {
                let (id, uuid) = (self.new_id, Uuid::new_v4());
                writeln!(
                    out,
                    "{{\"type\":\"custom-title\",\"sessionId\":\"{id}\",\"customTitle\":{title},\
                     \"uuid\":\"{uuid}\",\"timestamp\":\"{now}\"}}"
                )
            })
            .and_then(|()| out.flush())
            .map_err(failed)
    }

    fn entries(&self, out: &mut impl Write, now: &str) -> std::io::Result<()> {
        let entries = &self.transcript.entries;
        let new = self.cut.entries.iter().map(|index| (entries[*index].uuid, Uuid::new_v4().to_string()));
        let renamed = Renamed { ids: &self.transcript.ids, new: new.collect() };
        let by_uuid: HashMap<Id, &Entry> =
            self.cut.entries.iter().map(|index| (entries[*index].uuid, &entries[*index])).collect();
        let written: Vec<&Entry> = self
            .cut
            .entries
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
            let now = (place + 1 == written.len()).then_some(now);
            let forked = Forked { copy: self, renamed: &renamed, parent: parent.map(String::as_str), now };
            writeln!(out, "{}", forked.line(json, entry))?;
        }
        Ok(())
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

/// The nearest entry before it that is copied.
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
    /// The time of the last entry, by which the CLI finds where to continue.
    now: Option<&'a str>,
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
                "compactMetadata" if entry.is_boundary => {
                    put(name, &self.compaction(value, self.copy.cut.is_bare(entry)));
                }
                "attachment" if entry.is_queued => put(name, &self.renamed_in(value, &["source_uuid"])),
                "attachment" if entry.kind == Kind::Attachment => put(name, &self.attachment(value)),
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

    fn compaction(&self, value: Json, is_bare: bool) -> String {
        self.object(value, |name, value| match name {
            "preservedMessages" | "preservedSegment" | "postTokens" if is_bare => None,
            "preservedMessages" | "preservedSegment" => Some(self.renamed_in(value, NAMES_MESSAGES)),
            "runningTurnSends" => None,
            _ => Some(value.text().to_owned()),
        })
    }

    /// A record of tools names the messages that announced them; a message that is not in the copy announces nothing there.
    fn attachment(&self, value: Json) -> String {
        let kind = value.under(&["type"]).and_then(Json::string);
        self.object(value, |name, value| {
            if kind.as_deref() != Some("deferred_tools_record")
                || name != "nameOnlyAnnouncements"
                || !value.is_array()
            {
                return Some(value.text().to_owned());
            }
            let new: Vec<String> =
                value.elements().filter_map(|json| self.renamed.of(json).map(quoted)).collect();
            Some(format!("[{}]", new.join(",")))
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
