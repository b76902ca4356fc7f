//! An entry of a conversation, in a few words of memory: where its line is, and how it is linked to others.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::time;
use crate::protocol::pointer::Json;

/// Stands for a text of the file. Texts may be of any length and number, so they are not stored.
pub type Id = u32;

/// The texts seen so far, by two hashes with keys that are unknown outside this process.
#[derive(Default)]
pub struct Ids {
    known: HashMap<(u64, u64), Id>,
    keys: (RandomState, RandomState),
}

impl Ids {
    pub fn of(&mut self, text: &str) -> Id {
        let next = Id::try_from(self.known.len()).unwrap_or(Id::MAX);
        *self.known.entry((self.keys.0.hash_one(text), self.keys.1.hash_one(text))).or_insert(next)
    }

    /// The number of a text that was seen before.
    pub fn known(&self, text: &str) -> Option<Id> {
        self.known.get(&(self.keys.0.hash_one(text), self.keys.1.hash_one(text))).copied()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    User,
    Assistant,
    System,
    Attachment,
    Progress,
}

impl Kind {
    /// `None` for a type that is not part of a conversation.
    pub fn of(name: &[u8]) -> Option<Kind> {
        Some(match name {
            b"user" => Kind::User,
            b"assistant" => Kind::Assistant,
            b"system" => Kind::System,
            b"attachment" => Kind::Attachment,
            b"progress" => Kind::Progress,
            _ => return None,
        })
    }
}

#[derive(Clone)]
pub struct Entry {
    pub offset: u64,
    pub length: usize,
    pub kind: Kind,
    pub uuid: Id,
    pub parent: Option<Id>,
    /// The response that this is a block of.
    pub message: Option<Id>,
    pub agent: Option<Id>,
    /// The entry that made the call it answers.
    pub source: Option<Id>,
    /// The tool calls it makes, and those it answers.
    pub calls: Box<[Id]>,
    pub answers: Box<[Id]>,
    pub time_ms: Option<i64>,
    pub is_sidechain: bool,
    pub is_team: bool,
    pub is_meta: bool,
    /// Written by someone whom the user sees.
    pub has_author: bool,
    pub is_boundary: bool,
    pub is_summary: bool,
    pub is_briefing: bool,
    /// The model had nothing to say in a turn that is not shown.
    pub is_quiet: bool,
    pub local: Option<Local>,
    /// A prompt that waited for a running turn, and the id it was sent with.
    pub is_queued: bool,
    pub queued_as: Option<Id>,
    pub kept: Option<Box<Kept>>,
}

/// A part of a command that the CLI ran itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local {
    Caveat,
    Record,
    Output,
}

const LOCAL: &[(&str, Local)] = &[
    ("<command-name>", Local::Record),
    ("<local-command-stdout>", Local::Output),
    ("<local-command-stderr>", Local::Output),
    ("<local-command-caveat>", Local::Caveat),
];

/// What a compaction kept: these messages follow the anchor.
#[derive(Clone, Default)]
pub struct Kept {
    pub anchor: Option<Id>,
    pub uuids: Vec<Id>,
    pub is_segment: bool,
    /// It took no time: nothing was summarised.
    pub is_instant: bool,
    /// `logicalParentUuid`: one of `uuids`, or a message from before the compaction.
    pub logical_parent: Option<Id>,
}

/// Senders whose messages, though written by the CLI, are shown to the user.
const AUTHORS: &[&str] = &["channel", "observer", "observer-activity", "slack-ping", "voice-call", "peer"];

impl Entry {
    /// `None` for what is not an entry of a conversation.
    pub fn parse(line: Json, offset: u64, length: usize, ids: &mut Ids) -> Option<Entry> {
        let mut entry = Entry::new(offset, length);
        let (mut kind, mut uuid, mut message, mut attachment) = (None, None, None, None);
        let mut subtype = None;
        let mut compact = None;
        let mut logical_parent = None;
        let (mut closes_quiet_turn, mut has_source) = (false, false);
        for (name, value) in line.members() {
            let id = |ids: &mut Ids| value.string().filter(|text| !text.is_empty()).map(|text| ids.of(&text));
            match name.text().trim_matches('"') {
                "parentUuid" => entry.parent = id(ids),
                "agentId" => entry.agent = id(ids),
                "sourceToolAssistantUUID" => entry.source = id(ids),
                "logicalParentUuid" => logical_parent = id(ids),
                "timestamp" => entry.time_ms = value.string().and_then(|text| time::parse(&text)),
                "isSidechain" => entry.is_sidechain = value.text() == "true",
                "isMeta" => entry.is_meta = value.text() == "true",
                "isCompactSummary" => entry.is_summary = value.text() == "true",
                "teamName" => entry.is_team = value.string().is_some_and(|text| !text.is_empty()),
                "origin" => entry.has_author = is_author(value),
                "closesQuietTurn" => closes_quiet_turn = value.text() == "true",
                "promptSource" => has_source = true,
                "subtype" => subtype = value.string(),
                "compactMetadata" => compact = Some(value),
                "type" => kind = value.string().and_then(|kind| Kind::of(kind.as_bytes())),
                "uuid" => uuid = value.string().map(|uuid| ids.of(&uuid)),
                "message" => message = Some(value),
                "attachment" => attachment = Some(value),
                _ => {}
            }
        }
        (entry.kind, entry.uuid) = (kind?, uuid?);
        if let Some(message) = message {
            entry.read_message(message, ids);
        }
        if let Some(attachment) = attachment.filter(|_| entry.kind == Kind::Attachment) {
            entry.read_attachment(attachment, ids);
        }
        entry.is_quiet &= closes_quiet_turn;
        entry.local = entry.local.filter(|_| !has_source);
        if entry.kind == Kind::System && subtype.as_deref() == Some("compact_boundary") {
            entry.is_boundary = true;
            let kept = compact.and_then(|compact| Kept::of(compact, ids));
            entry.kept = kept.map(|kept| Box::new(Kept { logical_parent, ..kept }));
            if entry.kept.is_none() && logical_parent.is_some() {
                let none = Kept { logical_parent, ..Kept::default() };
                entry.kept = Some(Box::new(none));
            }
        }
        Some(entry)
    }

    fn new(offset: u64, length: usize) -> Entry {
        Entry {
            offset,
            length,
            kind: Kind::Progress,
            uuid: 0,
            parent: None,
            message: None,
            agent: None,
            source: None,
            calls: Box::default(),
            answers: Box::default(),
            time_ms: None,
            is_sidechain: false,
            is_team: false,
            is_meta: false,
            has_author: false,
            is_boundary: false,
            is_summary: false,
            is_briefing: false,
            is_quiet: false,
            local: None,
            is_queued: false,
            queued_as: None,
            kept: None,
        }
    }

    fn read_message(&mut self, message: Json, ids: &mut Ids) {
        let id = message.under(&["id"]).and_then(Json::string);
        if self.kind == Kind::Assistant {
            self.message = id.map(|id| ids.of(&id));
        }
        let Some(content) = message.under(&["content"]) else { return };
        match self.kind {
            Kind::Assistant => {
                self.calls = named(content, "tool_use", "id", ids);
                self.is_quiet = only_text(content).is_some_and(|text| QUIET.contains(&&*text));
            }
            Kind::User => {
                self.answers = named(content, "tool_result", "tool_use_id", ids);
                self.local = last_text(content).and_then(|text| {
                    LOCAL.iter().find(|(tag, _)| text.starts_with(tag)).map(|(_, local)| *local)
                });
            }
            _ => {}
        }
    }

    fn read_attachment(&mut self, attachment: Json, ids: &mut Ids) {
        let kind = attachment.under(&["type"]).and_then(Json::string);
        self.is_briefing = kind.as_deref() == Some("fork_briefing");
        self.is_queued = kind.as_deref() == Some("queued_command")
            && attachment.under(&["prompt"]).is_some_and(|prompt| !prompt.is_object());
        if self.is_queued {
            let text = |name: &'static str| attachment.under(&[name]).and_then(Json::string);
            self.queued_as = text("source_uuid").filter(|id| !id.is_empty()).map(|id| ids.of(&id));
            self.is_meta = attachment.under(&["isMeta"]).is_some_and(|value| value.text() == "true");
            self.has_author = attachment.under(&["origin"]).is_some_and(is_author);
        }
    }

    /// Whether it is part of the conversation itself.
    pub fn is_main(&self) -> bool {
        !self.is_sidechain && !self.is_team && self.kind != Kind::Progress && !self.is_briefing
    }

    pub fn is_said(&self) -> bool {
        matches!(self.kind, Kind::User | Kind::Assistant)
    }

    pub fn is_answer(&self) -> bool {
        self.kind == Kind::User && self.parent.is_some() && !self.answers.is_empty()
    }

    /// Whether a user sees it in the conversation.
    pub fn is_shown(&self) -> bool {
        !self.is_sidechain && !self.is_team && !self.is_quiet && (!self.is_meta || self.has_author)
    }

    pub fn has_same_writer(&self, other: &Entry) -> bool {
        self.is_sidechain == other.is_sidechain && self.agent == other.agent
    }
}

fn is_author(origin: Json) -> bool {
    origin.under(&["kind"]).and_then(Json::string).is_some_and(|kind| AUTHORS.contains(&&*kind))
}

/// Replies that say nothing.
const QUIET: &[&str] = &["", "No response requested."];

fn text_of(block: Json<'_>) -> Option<Cow<'_, str>> {
    let is_text = block.under(&["type"]).and_then(Json::string).as_deref() == Some("text");
    is_text.then(|| block.under(&["text"])?.string()).flatten()
}

/// The text of a reply that consists of nothing else.
fn only_text(content: Json<'_>) -> Option<Cow<'_, str>> {
    let mut blocks = content.elements();
    content.string().or_else(|| text_of(blocks.next()?).filter(|_| blocks.next().is_none()))
}

fn last_text(content: Json<'_>) -> Option<Cow<'_, str>> {
    content.string().or_else(|| content.elements().filter_map(text_of).last())
}

/// A member of every content block of a type.
fn named(content: Json, kind: &str, member: &'static str, ids: &mut Ids) -> Box<[Id]> {
    let blocks = content
        .elements()
        .filter(|block| block.under(&["type"]).and_then(Json::string).as_deref() == Some(kind));
    blocks.filter_map(|block| block.under(&[member])?.string().map(|id| ids.of(&id))).collect()
}

impl Kept {
    fn of(compact: Json, ids: &mut Ids) -> Option<Kept> {
        let is_instant = compact.under(&["durationMs"]).is_some_and(|took| took.text() == "0");
        let mut id = |json: Option<Json>| json.and_then(Json::string).map(|text| ids.of(&text));
        if let Some(kept) = compact.under(&["preservedMessages"]).filter(|kept| kept.is_object()) {
            let anchor = id(kept.under(&["anchorUuid"]));
            let uuids = kept.under(&["uuids"])?.elements().filter_map(|uuid| id(Some(uuid))).collect();
            return Some(Kept { anchor, uuids, is_instant, ..Kept::default() });
        }
        let kept = compact.under(&["preservedSegment"]).filter(|kept| kept.is_object())?;
        let anchor = id(kept.under(&["anchorUuid"]));
        let uuids = vec![id(kept.under(&["headUuid"]))?, id(kept.under(&["tailUuid"]))?];
        Some(Kept { anchor, uuids, is_instant, is_segment: true, logical_parent: None })
    }
}
