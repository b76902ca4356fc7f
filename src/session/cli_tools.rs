//! The tools that run in the CLI: silence during a call is the tool's, not the CLI's.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use memchr::memmem;
use once_cell::sync::Lazy;
use serde_json::Value;
use smallvec::SmallVec;

use super::inbound::text_of;
use crate::protocol::framing::Block;
use crate::protocol::kind::Kind;
use crate::protocol::members::top_level_string;
use crate::protocol::tolerant;
use crate::sync::{lock, ranked};

const FOLLOWED: u32 = Kind::Assistant.bit() | Kind::User.bit();

/// How many messages of one block are inspected, starting from the last: a call followed by more messages is not being waited
/// for.
const LOOKED_AT: usize = 16;

/// The CLI writes one content block per message, and its type near the start.
const FRONT: usize = 512;

/// How many calls are tracked at once.
const MOST: usize = 64;

static TOOL_USE: Lazy<memmem::Finder<'static>> = Lazy::new(|| memmem::Finder::new(b"\"type\":\"tool_use\""));
static ANSWERED: Lazy<memmem::Finder<'static>> = Lazy::new(|| memmem::Finder::new(b"\"tool_use_id\":\""));

/// A call that has no result yet.
#[derive(Debug, Clone)]
pub struct Tool {
    pub id: String,
    pub name: String,
    pub since: Instant,
}

impl Tool {
    /// The MCP server that the tool belongs to: whether it finishes is not up to the CLI.
    pub fn server(&self) -> Option<&str> {
        self.name.strip_prefix("mcp__")?.split("__").next()
    }

    /// Whether the tool may be silent without it being a stall. A server may hang, and a subagent waits for the API like any
    /// turn.
    pub fn may_be_silent(&self) -> bool {
        self.server().is_none() && !matches!(&*self.name, "Agent" | "Task" | "Workflow")
    }
}

#[derive(Debug, Default)]
pub struct CliTools {
    open: Mutex<Vec<Tool>>,
    any: AtomicBool,
}

ranked!(Vec<Tool>: Leaf);

impl CliTools {
    pub fn list(&self) -> Vec<Tool> {
        lock(&self.open).clone()
    }

    pub fn clear(&self) {
        if self.any.swap(false, Ordering::Relaxed) {
            lock(&self.open).clear();
        }
    }

    /// Tracks the tool calls of the model and their results.
    pub fn follow(&self, block: &Block) {
        if !block.has(FOLLOWED) {
            return;
        }
        let followed = block.lines.iter().rev().filter(|line| line.kind.bit() & FOLLOWED != 0);
        let last: SmallVec<[_; LOOKED_AT]> = followed.take(LOOKED_AT).collect();
        for line in last.into_iter().rev() {
            let text = text_of(block, *line);
            if line.kind == Kind::Assistant {
                if TOOL_USE.find(&text[..text.len().min(FRONT)]).is_some() {
                    self.called(text);
                }
            } else if self.any.load(Ordering::Relaxed) {
                self.answered(text);
            }
        }
    }

    fn called(&self, line: &[u8]) {
        let parent = top_level_string(line, b"parent_tool_use_id");
        let frame = tolerant::line(line);
        let blocks = frame["message"]["content"].as_array().into_iter().flatten();
        let text = |block: &Value, name: &str| block[name].as_str().map(str::to_owned);
        let mut open = lock(&self.open);
        // A background subagent's calls hold up no turn.
        if parent.is_some_and(|parent| !open.iter().any(|tool| tool.id.as_bytes() == parent)) {
            return;
        }
        for block in blocks.filter(|block| block["type"] == "tool_use") {
            if let (Some(id), Some(name)) = (text(block, "id"), text(block, "name"))
                && open.len() < MOST
            {
                open.push(Tool { id, name, since: Instant::now() });
                self.any.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Quotes inside a text are escaped, which distinguishes a member from text that mentions one.
    fn answered(&self, line: &[u8]) {
        let mut open = lock(&self.open);
        for at in ANSWERED.find_iter(line) {
            let id = &line[at + ANSWERED.needle().len()..];
            open.retain(|tool| {
                !id.strip_prefix(tool.id.as_bytes()).is_some_and(|rest| rest.starts_with(b"\""))
            });
        }
        self.any.store(!open.is_empty(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::framing::Line;

    fn block(lines: &[(Kind, &str)]) -> Block {
        let mut data = Vec::new();
        let lines = lines.iter().map(|(kind, text)| {
            let start = data.len() as u32;
            data.extend_from_slice(text.as_bytes());
            data.push(0);
            Line { start, len: text.len() as u32, kind: *kind }
        });
        let lines = lines.collect();
        Block::new(data.into(), lines)
    }

    fn call(id: &str, name: &str, parent: &str) -> String {
        format!(
            r#"{{"type":"assistant","message":{{"content":[{{"type":"tool_use","id":"{id}","name":"{name}","input":{{}}}}]}},"parent_tool_use_id":{parent}}}"#
        )
    }

    fn names(tools: &CliTools) -> Vec<String> {
        tools.list().into_iter().map(|tool| tool.name).collect()
    }

    #[test]
    fn a6_a_call_is_open_until_its_own_result() {
        let tools = CliTools::default();
        tools.follow(&block(&[
            (Kind::Assistant, &call("t1", "Bash", "null")),
            (Kind::Assistant, &call("t10", "mcp__files__read", "null")),
        ]));
        assert_eq!(names(&tools), ["Bash", "mcp__files__read"]);
        // A text that only mentions a result is not one, nor is the result of a call whose id has this one as a prefix.
        let words = r#"{"type":"user","message":{"content":"say \"tool_use_id\":\"t1\""}}"#;
        let result = r#"{"type":"user","message":{"content":[{"tool_use_id":"t10","type":"tool_result","content":""}]}}"#;
        tools.follow(&block(&[(Kind::User, words), (Kind::User, result)]));
        assert_eq!(names(&tools), ["Bash"]);
        tools.clear();
        assert_eq!(names(&tools), [""; 0]);
    }

    #[test]
    fn a6_what_a_subagent_does_counts_as_long_as_its_call_is_open() {
        let tools = CliTools::default();
        tools.follow(&block(&[(Kind::Assistant, &call("b1", "Bash", r#""background""#))]));
        assert_eq!(names(&tools), [""; 0]);
        tools.follow(&block(&[
            (Kind::Assistant, &call("a1", "Agent", "null")),
            (Kind::Assistant, &call("b2", "Bash", r#""a1""#)),
        ]));
        assert_eq!(names(&tools), ["Agent", "Bash"]);
    }

    #[test]
    fn a6_servers_and_subagents_do_not_excuse_silence() {
        let tool = |name: &str| Tool { id: String::new(), name: name.into(), since: Instant::now() };
        for (name, server, may) in
            [("Bash", None, true), ("mcp__my_files__read", Some("my_files"), false), ("Agent", None, false)]
        {
            assert_eq!((tool(name).server(), tool(name).may_be_silent()), (server, may), "{name}");
        }
    }

    #[test]
    fn a6_a_flood_is_looked_at_from_its_end() {
        let tools = CliTools::default();
        let text = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"x"}]}}"#;
        let (call, many) = (call("t1", "Bash", "null"), vec![(Kind::StreamEvent, "{}"); 500]);
        let mut lines = vec![(Kind::Assistant, text); 500];
        lines.push((Kind::Assistant, &call));
        lines.extend(many);
        tools.follow(&block(&lines));
        assert_eq!(names(&tools), ["Bash"]);
    }
}
