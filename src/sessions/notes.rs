//! What the CLI records about a session besides its messages, as it is in a copy.

use std::collections::HashSet;
use std::io::{Result, Write};

use memchr::memmem;
use serde_json::json;
use uuid::Uuid;

use super::files::Regular;
use super::lines::Lines;
use super::options::is_uuid;
use crate::protocol::members::top_level_string;
use crate::protocol::pointer::Json;

const WANTED: &[&[u8]] = &[
    b"atis-latch",
    b"content-replacement",
    b"data-flow-incomplete",
    b"data-flow-records",
    b"derived-from",
    b"history-suppression",
    b"hybrid-organization",
    b"relocated",
    b"tools-used",
];

/// How a session can derive from another.
const WAYS: &[&str] = &[
    "clear",
    "fork",
    "branch",
    "background",
    "cloud",
    "teleport",
    "teammate",
    "launch",
    "subprocess",
    "resume",
    "import",
    "compact",
];

/// What the CLI writes when its knowledge of the data flow has gaps: not all entries were examined; a line was damaged.
const NOT_ALL: u8 = 11;
const DAMAGED: u8 = 12;

#[derive(Default)]
pub struct Notes {
    is_suppressed: bool,
    organizations: Once,
    replacements: Vec<String>,
    latch: Option<String>,
    tools: Option<String>,
    relocated: Option<String>,
    /// Lines, each by its type and its members.
    flow: Vec<(&'static str, String)>,
    derived: Option<Once>,
    is_damaged: bool,
    forked_from: Once,
}

/// Distinct texts in the order in which they arrived.
#[derive(Default)]
struct Once {
    known: HashSet<String>,
    order: Vec<String>,
}

impl Once {
    fn add(&mut self, text: String) {
        if self.known.insert(text.clone()) {
            self.order.push(text);
        }
    }
}

impl Notes {
    pub fn read(file: &Regular, id: &str) -> Result<Notes> {
        let mut notes = Notes::default();
        let mut lines = Lines::of(file);
        while let Some((_, line)) = lines.next()? {
            notes.look_at(line, id);
        }
        Ok(notes)
    }

    fn look_at(&mut self, line: &[u8], id: &str) {
        let Some(kind) = top_level_string(line.trim_ascii_start(), b"type") else { return };
        let is_wanted = WANTED.contains(&kind);
        if !is_wanted && memmem::find(line, b"\"forkedFrom\"").is_none() {
            return;
        }
        let text = String::from_utf8_lossy(line);
        let Some(json) = Json::parse(&text).filter(|json| json.is_object()) else { return };
        let string = |name: &'static str| json.under(&[name]).and_then(Json::string);
        let is_own = string("sessionId").as_deref() == Some(id);
        let value = |name: &'static str| json.under(&[name]).filter(|value| value.string().is_some());
        let owned = |value: Option<Json>| value.map(|value| value.text().to_owned());
        match kind {
            b"history-suppression" => self.is_suppressed = true,
            b"hybrid-organization" => {
                let id = string("organizationUuid").filter(|id| is_uuid(id));
                self.organizations.add(id.map_or("mixed".to_owned(), |id| id.to_lowercase()));
            }
            b"data-flow-records" => self.flow_at("data-flow-records", json),
            b"data-flow-incomplete" => self.flow_at("data-flow-incomplete", json),
            b"content-replacement" if is_own => {
                let all = json.under(&["replacements"]);
                let all = all.iter().flat_map(|all| all.elements()).filter(|one| one.is_object());
                self.replacements.extend(all.map(|one| one.text().to_owned()));
            }
            b"atis-latch" if is_own => self.latch = owned(value("atis")).or(self.latch.take()),
            b"tools-used" if is_own => self.tools = tools(json).or(self.tools.take()),
            b"relocated" if is_own => {
                let moved = value("relocatedCwd").filter(|folder| folder.text() != "\"\"");
                self.relocated = owned(moved).or(self.relocated.take());
            }
            b"derived-from" if is_own => self.derived_at(json),
            _ if is_wanted => {}
            _ => {
                let from = json.under(&["forkedFrom", "sessionId"]).and_then(Json::string);
                from.into_iter().for_each(|from| self.forked_from.add(derived(&from)));
            }
        }
    }

    /// The notes of a subagent stay with it.
    fn flow_at(&mut self, kind: &'static str, line: Json) {
        if line.under(&["agentId"]).is_none() {
            let is_kept = |name: &str| !["\"sessionId\"", "\"type\""].contains(&name);
            let members = line.members().filter(|(name, _)| is_kept(name.text()));
            let members: Vec<String> =
                members.map(|(name, value)| format!("{}:{}", name.text(), value.text())).collect();
            self.flow.push((kind, members.join(",")));
        }
    }

    fn derived_at(&mut self, line: Json) {
        let sessions = line.under(&["sessions"]).filter(|sessions| sessions.is_array());
        let mut known = Once::default();
        let mut is_damaged =
            sessions.is_none() || line.under(&["v"]).is_none_or(|version| version.text() != "1");
        for session in sessions.iter().flat_map(|sessions| sessions.elements()) {
            match origin(session) {
                Some(origin) => known.add(origin),
                None => is_damaged = true,
            }
        }
        if is_damaged {
            self.is_damaged = true;
            let before = self.derived.take().unwrap_or_default().order;
            let mut all = Once::default();
            before.into_iter().chain(known.order).for_each(|one| all.add(one));
            known = all;
        }
        self.derived = Some(known);
    }

    /// Writes what precedes the messages.
    pub fn write_before(&self, out: &mut impl Write, new_id: &str, now: &str) -> Result<()> {
        if self.is_suppressed {
            let note = json!({"type": "history-suppression", "sessionId": new_id, "cause": "fork_inherit", "ts": now});
            writeln!(out, "{note}")?;
        }
        for id in &self.organizations.order {
            let note = json!({"type": "hybrid-organization", "sessionId": new_id, "organizationUuid": id});
            writeln!(out, "{note}")?;
        }
        Ok(())
    }

    /// Writes what follows them.
    pub fn write_behind(&self, out: &mut impl Write, id: &str, new_id: &str, now: &str) -> Result<()> {
        let mut put = |kind: &str, members: &str| {
            writeln!(out, "{{\"type\":\"{kind}\",\"sessionId\":\"{new_id}\",{members}}}")
        };
        if !self.replacements.is_empty() {
            let (all, uuid) = (self.replacements.join(","), Uuid::new_v4());
            let more = format!("\"replacements\":[{all}],\"uuid\":\"{uuid}\",\"timestamp\":\"{now}\"");
            put("content-replacement", &more)?;
        }
        for (kind, name, value) in [("atis-latch", "atis", &self.latch), ("tools-used", "tools", &self.tools)]
        {
            value.iter().try_for_each(|value| put(kind, &format!("\"{name}\":{value}")))?;
        }
        // The copy does not record for each entry whether its flow was examined.
        let gaps = [(NOT_ALL, !self.flow.is_empty()), (DAMAGED, self.is_damaged)];
        for (code, _) in gaps.iter().filter(|(_, is_there)| *is_there) {
            put("data-flow-incomplete", &format!("\"v\":1,\"codes\":[{code}]"))?;
        }
        self.flow.iter().try_for_each(|(kind, members)| put(kind, members))?;
        if !self.flow.is_empty() || self.derived.is_some() {
            let mut all = Once::default();
            let before = self.derived.iter().flat_map(|derived| &derived.order);
            before.chain(&self.forked_from.order).for_each(|one| all.add(one.clone()));
            all.add(derived(id));
            put("derived-from", &format!("\"v\":1,\"sessions\":[{}]", all.order.join(",")))?;
        }
        self.relocated.iter().try_for_each(|folder| put("relocated", &format!("\"relocatedCwd\":{folder}")))
    }
}

/// The names of the tools.
fn tools(line: Json) -> Option<String> {
    let tools = line.under(&["tools"]).filter(|tools| tools.is_array())?;
    let names = tools.elements().filter(|tool| tool.string().is_some_and(|name| !name.is_empty()));
    Some(format!("[{}]", names.map(Json::text).collect::<Vec<_>>().join(",")))
}

fn derived(id: &str) -> String {
    json!({"type": "claude_code_session", "id": id, "via": "fork"}).to_string()
}

/// A session that another derives from; `None` if the CLI would not read it.
fn origin(session: Json) -> Option<String> {
    let text = |name: &'static str| session.under(&[name]).and_then(Json::string);
    let (kind, via) = (text("type")?, text("via")?);
    let id = session.under(&["id"]);
    let id_fits = match &*kind {
        "claude_code_session" => id.is_some_and(|id| id.string().is_some()),
        "unknown" => true,
        _ => false,
    };
    if !id_fits || !WAYS.contains(&&*via) {
        return None;
    }
    let mut origin = json!({"type": kind, "id": id.and_then(Json::string), "via": via});
    if let Some(started) = text("started") {
        origin["started"] = started.into();
    }
    Some(origin.to_string())
}
