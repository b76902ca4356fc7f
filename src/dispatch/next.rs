//! PULL: events are handed out, and nobody runs callbacks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::pump::all_received;
use super::queue::{Entry, Lanes, Lines, Queue, Urgent};
use super::{Dispatcher, Mode};
use crate::error::{Error, Result, Status};
use crate::mcp::{Call, Task};
use crate::protocol::kind::Kind;
use crate::requests::Request;
use crate::sync::lock;

/// What an event is.
pub enum EventKind {
    Message(Kind),
    Request(Arc<Request>),
    RequestCancelled(Arc<Request>),
    ToolCall(Arc<Call>),
    ToolCallCancelled(Arc<Call>),
    /// An operation ended: its status, and the host's `user_data`.
    Done(Status, usize),
    Stderr,
    Closed(Status),
}

/// One event, owned by the host.
pub struct Event {
    pub kind: EventKind,
    /// With a NUL at the end.
    pub text: Bytes,
}

impl Event {
    fn new(kind: EventKind, text: &str) -> Event {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        Event { kind, text: bytes.into() }
    }

    fn from_urgent(urgent: Urgent) -> Event {
        match urgent {
            Urgent::Request(request) => {
                let text = Bytes::copy_from_slice(request.text());
                Event { kind: EventKind::Request(request), text }
            }
            Urgent::Withdrawn(request) => {
                let text = Bytes::copy_from_slice(request.text());
                Event { kind: EventKind::RequestCancelled(request), text }
            }
            Urgent::Done(done) => {
                let token = done.token().unwrap_or_default();
                match done.outcome() {
                    Ok(reply) => Event::new(EventKind::Done(Status::Ok, token), reply),
                    Err(error) => Event::new(EventKind::Done(error.status, token), &error.to_json()),
                }
            }
        }
    }
}

impl Event {
    fn from_tool(task: Task) -> Event {
        let (kind, text) = match task {
            Task::Run(call) => {
                let text = call.describe();
                (EventKind::ToolCall(call), text)
            }
            Task::Cancelled(call, _) => {
                let text = call.describe();
                (EventKind::ToolCallCancelled(call), text)
            }
        };
        Event::new(kind, &text)
    }
}

impl Dispatcher {
    /// The next event of these lanes; waits for it up to `wait` (`None` = for ever). [`Status::Closed`] = they are complete: only
    /// what the host does itself from now on, such as another disconnect, can bring an event.
    pub fn next(&self, lanes: Lanes, wait: Option<Duration>) -> Result<Event> {
        self.require(Mode::Pull)?;
        self.check_may_wait()?;
        let (mut queue, woken) = self.wait_readable(lock(&self.queue), lanes, wait);
        if woken {
            queue.update_ready();
            return Err(Error::new(Status::Cancelled, "claude_client_wake was called"));
        }
        let (event, freed) = self.take_event(&mut queue, lanes);
        queue.update_ready();
        let over = event.is_none() && queue.is_over(lanes);
        drop(queue);
        if freed > 0 {
            self.release(freed);
        }
        event.ok_or_else(|| {
            if over { all_received() } else { Error::new(Status::Timeout, "no event came in time") }
        })
    }

    /// The event and how many queued bytes went with it.
    fn take_event(&self, queue: &mut Queue, lanes: Lanes) -> (Option<Event>, usize) {
        if lanes.has(Lanes::REQUESTS) {
            let urgent = queue.urgent.pop().map(Event::from_urgent);
            let event = urgent.or_else(|| queue.tools.pop().map(Event::from_tool));
            if event.is_some() {
                return (event, 0);
            }
        }
        if lanes.has(Lanes::MESSAGES) { self.take_message(queue) } else { (None, 0) }
    }

    fn take_message(&self, queue: &mut Queue) -> (Option<Event>, usize) {
        // In its place, since most entries hold many lines.
        if let Some(Entry::Lines(lines)) = queue.messages.front_mut() {
            let before = lines.count();
            let event = self.take_line(lines);
            let after = lines.count();
            queue.settle_count(before, after);
            if matches!(&event, Some(event) if matches!(event.kind, EventKind::Message(Kind::Result))) {
                queue.results.deliver();
            }
            let ended = if after == 0 { queue.messages.pop() } else { None };
            return (event, ended.map_or(0, |entry| entry.cost()));
        }
        let Some(entry) = queue.messages.pop() else { return (None, 0) };
        queue.settle_count(1, 0);
        let cost = entry.cost();
        let event = match entry {
            Entry::Lines(_) => return (None, cost),
            Entry::Event(kind, text) => Event { kind: EventKind::Message(kind), text },
            Entry::Stderr(text) => Event { kind: EventKind::Stderr, text },
            Entry::Closed(cause) => {
                queue.ended = true;
                let status = cause.as_deref().map_or(Status::Ok, |error| error.status);
                let text = cause.map_or(String::new(), |error| error.to_json());
                Event::new(EventKind::Closed(status), &text)
            }
        };
        (Some(event), cost)
    }

    fn take_line(&self, lines: &mut Lines) -> Option<Event> {
        if let Some(text) = lines.delta.take() {
            return Some(Event { kind: EventKind::Message(Kind::TextDelta), text });
        }
        let line = lines.advance()?;
        let start = line.start as usize;
        let text = lines.block.data.slice(start..start + line.len as usize + 1);
        lines.delta = self.delta_of(line.kind, &text);
        Some(Event { kind: EventKind::Message(line.kind), text })
    }
}
