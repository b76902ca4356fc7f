//! Periodically checks a session that owes something, and reports silence to the host. It never ends anything.
//!
//! Messages cost nothing: a check compares the number of bytes read with that of the previous check. A session that owes
//! nothing is not checked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::Client;
use super::cli_tools::CliTools;
use super::stalls::{Fact, Report, Seen, Silence, Stalls};
use crate::log;
use crate::protocol::framing::Block;
use crate::protocol::kind::Kind;
use crate::protocol::tolerant;
use crate::requests::{Request, RequestKind};
use crate::sync::gate::Slot;
use crate::sync::task::TaskSlot;
use crate::sync::{lock, ranked};
use crate::transport::look;

const REMEDY: &str =
    "nothing was done about it: wait, interrupt the turn, or disconnect and continue by the option resume";

#[derive(Default)]
pub struct StallWatch {
    /// A task is checking.
    armed: AtomicBool,
    task: TaskSlot,
    stalls: Mutex<Option<Stalls>>,
    input_ended: Mutex<Option<Instant>>,
    pub(super) tools: CliTools,
}

ranked!(Option<Stalls>: Turns);

/// One thing that is being waited for.
struct Awaited {
    what: &'static str,
    /// A description for people.
    words: String,
    since: Option<Instant>,
    /// Additional members.
    more: Value,
}

impl Awaited {
    fn document(&self) -> Value {
        let mut document = json!({"what": self.what});
        document["since_ms"] = self.since.map(|since| millis(since.elapsed())).into();
        if let (Some(document), Value::Object(more)) = (document.as_object_mut(), &self.more) {
            document.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        document
    }
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

impl Client {
    fn stall_times(&self) -> (Duration, Duration) {
        (self.options.stalled_after, self.options.long_turn_after)
    }

    fn stalls_are_told(&self) -> bool {
        // A record is replayed at its own speed.
        self.stall_times() != (Duration::ZERO, Duration::ZERO) && self.options.replay.is_none()
    }

    pub(super) fn follow_tools(&self, block: &Block) {
        if self.stalls_are_told() {
            self.stall_watch.tools.follow(block);
        }
    }

    /// The session has begun to owe something: it is checked from now on until it owes nothing.
    pub(super) fn watch_stalls(&self) {
        let watch = &self.stall_watch;
        if !self.stalls_are_told() || watch.armed.swap(true, Ordering::SeqCst) {
            return;
        }
        let (after, turn_after) = self.stall_times();
        *lock(&watch.stalls) = Some(Stalls::new(after, turn_after, Instant::now(), self.seen()));
        let me = self.me.clone();
        let looking = self.spawn(async move {
            loop {
                sleep(Stalls::interval(after, turn_after)).await;
                // Read what has arrived before checking.
                look().await;
                let Some(client) = me.upgrade() else { return };
                let Some(_pass) = client.dispatcher.gate.enter(Slot::Completion) else { return };
                if !client.look_for_stalls() {
                    return;
                }
            }
        });
        match looking {
            Ok(task) => watch.task.put(task),
            Err(_) => watch.armed.store(false, Ordering::SeqCst),
        }
    }

    pub(super) fn note_input_ended(&self) {
        *lock(&self.stall_watch.input_ended) = Some(Instant::now());
    }

    /// The host has ended the input, or the end of the run has.
    pub(super) fn input_ended(&self) -> bool {
        lock(&self.stall_watch.input_ended).is_some()
    }

    /// The session is over.
    pub(super) fn end_stall_watch(&self) {
        self.stall_watch.task.end();
    }

    /// Checks once. `false` if there is nothing to wait for any more.
    fn look_for_stalls(&self) -> bool {
        if self.is_closing() {
            return false;
        }
        let seen = self.seen();
        let facts = lock(&self.stall_watch.stalls).as_mut().map(|stalls| stalls.look(Instant::now(), seen));
        for fact in facts.into_iter().flatten() {
            self.tell(fact);
        }
        if seen.owed {
            return true;
        }
        self.stall_watch.armed.store(false, Ordering::SeqCst);
        // If something became owed in the meantime, the check was still armed, so no new one was started.
        self.seen().owed && !self.stall_watch.armed.swap(true, Ordering::SeqCst)
    }

    fn seen(&self) -> Seen {
        let tools = self.stall_watch.tools.list();
        let turn = self.owed_turn().map(|turn| turn.number);
        let (bytes, message_bytes) = self.stats.bytes_read();
        let calls = self.requests.list().iter().any(|request| stops_the_clock(request));
        Seen {
            bytes,
            message_bytes,
            owed: turn.is_some() || self.control.has_open() || self.owes_exit().is_some(),
            host_is_awaited: calls || !self.has_room(),
            tool_runs: tools.iter().any(|tool| tool.may_be_silent()),
            turn,
        }
    }

    /// The input has ended and no work is left: the process should exit.
    fn owes_exit(&self) -> Option<Instant> {
        let since = *lock(&self.stall_watch.input_ended);
        since.filter(|_| !self.is_at_work())
    }

    /// What is being waited for, on either side.
    fn awaited(&self) -> Vec<Awaited> {
        let mut list = Vec::new();
        if let Some(turn) = self.owed_turn() {
            let prompts: Vec<&str> = turn.prompts.iter().map(|uuid| &**uuid).collect();
            let words = if prompts.is_empty() { "the end of its own turn" } else { "the result of a prompt" };
            let more = json!({"prompts": prompts});
            list.push(Awaited { what: "turn", words: words.to_owned(), since: turn.since, more });
        }
        for (request, since) in self.control.waiting() {
            let what = if request == "initialize" { "initialize" } else { "control" };
            let words = format!("the answer to {request}");
            list.push(Awaited { what, words, since: Some(since), more: json!({"request": request}) });
        }
        if let Some(since) = self.owes_exit() {
            let words = "its exit after the end of the input".to_owned();
            list.push(Awaited { what: "exit", words, since: Some(since), more: json!({}) });
        }
        for tool in self.stall_watch.tools.list() {
            let more = json!({"tool": tool.name, "tool_use_id": tool.id, "server": tool.server()});
            let words = format!("the tool {} in the CLI", tool.name);
            list.push(Awaited { what: "tool", words, since: Some(tool.since), more });
        }
        list.extend(self.requests.list().iter().map(|request| asked(request)));
        list
    }

    /// The member `waiting_for` of the statistics.
    pub(super) fn waiting_for(&self) -> Vec<Value> {
        self.awaited().iter().map(Awaited::document).collect()
    }

    /// The current count of the silence clock, if there is one.
    pub(super) fn silent_ms(&self) -> Option<u64> {
        let watch = &self.stall_watch;
        let stalls = lock(&watch.stalls);
        stalls.as_ref().filter(|_| watch.armed.load(Ordering::SeqCst)).map(|stalls| millis(stalls.silent()))
    }

    fn tell(&self, fact: Fact) {
        let document = match fact {
            Fact::Stalled(report, silence) => {
                let (reason, what) = match silence {
                    Silence::Complete => ("silent", "nothing"),
                    Silence::OnlyKeepAlives => ("only_keep_alives", "nothing but keep-alives"),
                };
                let text = format!("{what} has come from the CLI for {} ms", millis(report.counted));
                let mut document = self.report("stalled", &text, report);
                document["reason"] = reason.into();
                document["silent_ms"] = millis(report.counted).into();
                document
            }
            Fact::LongTurn(report) => {
                let text = format!("a turn has not ended after {} ms", millis(report.counted));
                let mut document = self.report("long_turn", &text, report);
                document["turn_ms"] = millis(report.counted).into();
                document
            }
            Fact::StallEnded(silent) => {
                let text = format!("the CLI has spoken again after {} ms", millis(silent));
                json!({"event": "stall_ended", "text": text, "silent_ms": millis(silent)})
            }
        };
        let text = document["text"].as_str().unwrap_or_default().to_owned();
        match fact {
            Fact::StallEnded(_) => log::info(|| text),
            _ => log::warning(|| text),
        }
        self.event(Kind::Stalled, document);
    }

    fn report(&self, event: &str, text: &str, report: Report) -> Value {
        let awaited = self.awaited();
        let words: Vec<&str> = awaited.iter().map(|awaited| &*awaited.words).collect();
        let (last_byte, last_message) = match &*lock(&self.stall_watch.stalls) {
            Some(stalls) => (millis(stalls.last_byte.elapsed()), millis(stalls.last_message.elapsed())),
            None => (0, 0),
        };
        json!({
            "event": event,
            "text": format!("{text}; it is waited for: {}", words.join(", ")),
            "number": report.number,
            "next_ms": millis(report.next),
            "last_byte_ms": last_byte,
            "last_message_ms": last_message,
            "pid": Some(self.pid()).filter(|pid| *pid > 0),
            "queued_input_bytes": self.transport().map_or(0, |transport| transport.queued_input()),
            "waiting_for": awaited.iter().map(Awaited::document).collect::<Vec<_>>(),
            "remedy": REMEDY,
        })
    }
}

/// People and host tools may take as long as they like. A working server answers any other message at once.
fn stops_the_clock(request: &Request) -> bool {
    request.kind() != RequestKind::Mcp || mcp_method(request).as_deref() == Some("tools/call")
}

fn mcp_method(request: &Request) -> Option<String> {
    word(request, &["message", "method"])
}

fn word(request: &Request, path: &[&str]) -> Option<String> {
    tolerant::member(request.json(), path)?.as_str().map(str::to_owned)
}

/// A request of the CLI that the host has not answered.
fn asked(request: &Request) -> Awaited {
    let kind = request.kind().name();
    let mut more = json!({"kind": kind, "id": request.number()});
    let tool = match request.kind() {
        RequestKind::Mcp => {
            more["server"] = request.server_name().into();
            more["method"] = mcp_method(request).into();
            word(request, &["message", "params", "name"])
        }
        RequestKind::Hook => {
            more["hook_event"] = request.hook_event().into();
            word(request, &["input", "tool_name"])
        }
        _ => word(request, &["tool_name"]),
    };
    let words = match (request.kind(), &tool) {
        (RequestKind::Mcp, None) => format!("the host's server {}", request.server_name()),
        (RequestKind::Mcp, Some(tool)) => format!("the host's tool {tool}"),
        _ => format!("the host's answer to a request of the kind {kind}"),
    };
    more["tool"] = tool.into();
    Awaited { what: "request", words, since: Some(request.since()), more }
}
