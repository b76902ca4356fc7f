//! The conversations of a session's subagents: one file each, and one next to it that says who asked for it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::entry::Entry;
use super::files;
use super::folders::{self, Found};
use super::messages::{Item, Parents, Reader, Shown, open, read};
use super::options::{self, Options, check_id};
use super::transcript::subagent;
use crate::error::{Error, Result, Status, quotable};
use crate::protocol::tolerant;

/// Folders may be nested; a tree that never ends is not the CLI's.
const DEEPEST: usize = 8;

struct Agent {
    id: String,
    path: PathBuf,
}

/// The subagents as a JSON array, sorted by path.
pub fn list(id: &str, options: &str) -> Result<String> {
    let options = options::read(options, options::FIND)?;
    let agents = agents(&found(id, &options)?);
    Ok(Value::Array(agents.iter().map(Agent::to_json).collect()).to_string())
}

/// Calls `each` with every message of one subagent, until it returns `false`.
pub fn messages(id: &str, agent: &str, options: &str, each: impl FnMut(&Item) -> bool) -> Result<()> {
    let options = options::read(options, options::MESSAGES)?;
    let agents = agents(&found(id, &options)?);
    let not_there = || unknown(id, agent);
    let agent = agents.iter().find(|known| known.id == agent).ok_or_else(not_there)?;
    let file = open(&agent.path)?.ok_or_else(not_there)?;
    let transcript = read(&file, &agent.path)?;
    let entries = &transcript.entries;
    let said = |index: &usize| Entry::is_said(&entries[*index]);
    let shown = |index| Shown { index, is_queued: false, is_local_command: false };
    let shown: Vec<Shown> = subagent(entries).into_iter().filter(said).map(shown).collect();
    let about = agent.about();
    let parent = |name: &str| about.get(name).filter(|value| value.is_string()).map(Value::to_string);
    let parents = Parents { tool_use: parent("toolUseId"), agent: parent("parentAgentId") };
    Reader { file: &file, path: &agent.path, parents }.deliver(&transcript, &shown, &options, each)
}

fn found(id: &str, options: &Options) -> Result<Found> {
    check_id(id, "session_id")?;
    folders::find(id, options)
}

fn unknown(id: &str, agent: &str) -> Error {
    Error::new(Status::SessionNotFound, format!("session {id} has no subagent {}", quotable(agent)))
        .with("session_id", id)
        .with("remedy", "pass an agent_id that claude_session_subagents has")
}

/// The files of a session's subagents, sorted by path.
pub fn files_of(session: &Found) -> Vec<PathBuf> {
    agents(session).into_iter().map(|agent| agent.path).collect()
}

fn agents(session: &Found) -> Vec<Agent> {
    let mut agents = Vec::new();
    look_into(&session.side().join("subagents"), DEEPEST, &mut agents);
    agents
}

fn look_into(folder: &Path, depth: usize, agents: &mut Vec<Agent>) {
    if depth == 0 || !files::is_folder(folder) {
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        match path.file_name().and_then(|name| name.to_str()).and_then(agent_id) {
            Some(id) if is_file => agents.push(Agent { id: id.to_owned(), path: path.clone() }),
            _ => look_into(&path, depth - 1, agents),
        }
    }
}

fn agent_id(name: &str) -> Option<&str> {
    name.strip_prefix("agent-")?.strip_suffix(".jsonl")
}

impl Agent {
    /// The contents of the file next to it; empty if that is missing or damaged.
    fn about(&self) -> Value {
        let bytes = files::document(&self.path.with_extension("meta.json"));
        bytes.map(|bytes| tolerant::line(&bytes)).unwrap_or_default()
    }

    fn to_json(&self) -> Value {
        let about = self.about();
        let mut agent = Map::new();
        agent.insert("agent_id".to_owned(), self.id.clone().into());
        for (name, theirs) in [
            ("agent_type", "agentType"),
            ("description", "description"),
            ("tool_use_id", "toolUseId"),
            ("parent_agent_id", "parentAgentId"),
            ("finished", "finished"),
        ] {
            agent.insert(name.to_owned(), about.get(theirs).cloned().unwrap_or_default());
        }
        agent.insert("path".to_owned(), self.path.display().to_string().into());
        agent.into()
    }
}
