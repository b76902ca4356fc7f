//! PULL: the host fetches events, and no callbacks run.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::lanes::{Ended, Lanes};
use super::pump::all_received;
use super::queue::{Entry, Lines, Queue, Urgent};
use super::{Dispatcher, Mode};
use crate::error::{Error, Result, Status};
use crate::mcp::{Call, Task};
use crate::protocol::framing::{Block, Line};
use crate::protocol::kind::Kind;
use crate::requests::Request;

/// The kind of an event.
pub enum EventKind {
    Message(Kind),
    Request(Arc<Request>),
    RequestCancelled(Arc<Request>),
    ToolCall(Arc<Call>),
    ToolCallCancelled(Arc<Call>),
    /// An operation completed: its status, and the host's `user_data`.
    Done(Status, usize),
    Stderr,
    Closed(Status),
}

/// The text of an event, NUL-terminated.
pub enum EventText {
    Own(Bytes),
    /// A line of a block that several events share.
    Line(Arc<Block>, Line),
}

impl EventText {
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            EventText::Own(text) => text,
            EventText::Line(block, line) => block.text(*line),
        }
    }
}

/// One event, owned by the host.
pub struct Event {
    pub kind: EventKind,
    pub text: EventText,
}

impl Event {
    fn new(kind: EventKind, text: &str) -> Event {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        Event { kind, text: EventText::Own(bytes.into()) }
    }

    fn from_urgent(urgent: Urgent) -> Event {
        match urgent {
            Urgent::Request(request) => {
                let text = EventText::Own(Bytes::copy_from_slice(request.text()));
                Event { kind: EventKind::Request(request), text }
            }
            Urgent::Withdrawn(request) => {
                let text = EventText::Own(Bytes::copy_from_slice(request.text()));
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
    /// The next event of these lanes, converted by `give`; waits for it up to `wait` (`None` = for ever). [`Status::Closed`] =
    /// the lanes are complete: only what the host itself does from now on, such as another disconnect, can produce an event.
    #[inline]
    pub fn next<R>(
        &self,
        lanes: Lanes,
        wait: Option<Duration>,
        give: impl FnOnce(Event) -> Result<R>,
    ) -> Result<R> {
        self.require(Mode::Pull)?;
        let (mut queue, ended) = self.wait_for(lanes, wait);
        if ended == Ended::Woken {
            queue.update_ready();
            return Err(woken_up());
        }
        let mut freed = 0;
        let event = self.take_event(&mut queue, lanes, &mut freed);
        queue.update_ready();
        let over = event.is_none() && queue.is_over(lanes);
        drop(queue);
        if freed > 0 {
            self.release(freed);
        }
        match event {
            Some(event) => give(event),
            None if over => Err(all_received()),
            None => Err(nothing_in_time()),
        }
    }

    /// The event; `freed` receives the number of queued bytes it releases.
    #[inline]
    fn take_event(&self, queue: &mut Queue, lanes: Lanes, freed: &mut usize) -> Option<Event> {
        if lanes.has(Lanes::REQUESTS) && !(queue.urgent.is_empty() && queue.tools.is_empty()) {
            let urgent = queue.urgent.pop().map(Event::from_urgent);
            return urgent.or_else(|| queue.tools.pop().map(Event::from_tool));
        }
        if !lanes.has(Lanes::MESSAGES) {
            return None;
        }
        // In place, since most entries hold many lines.
        let Some(Entry::Lines(lines)) = queue.messages.front_mut() else {
            return take_single(queue, freed);
        };
        let event = self.take_line(lines);
        let ended = lines.is_empty();
        // A line may have produced a separate event for its text.
        let more = usize::from(lines.delta.is_some());
        queue.settle_count(1, more);
        if matches!(&event, Some(event) if matches!(event.kind, EventKind::Message(Kind::Result))) {
            queue.results.deliver();
        }
        if ended {
            *freed = queue.messages.pop().map_or(0, |entry| entry.cost());
        }
        event
    }

    #[inline]
    fn take_line(&self, lines: &mut Lines) -> Option<Event> {
        if let Some(text) = lines.delta.take() {
            return Some(Event { kind: EventKind::Message(Kind::TextDelta), text: EventText::Own(text) });
        }
        let line = lines.advance()?;
        if self.text_deltas {
            lines.delta = self.delta_of(line.kind, lines.block.text(line));
        }
        let text = EventText::Line(lines.block.share(), line);
        Some(Event { kind: EventKind::Message(line.kind), text })
    }
}

/// The next entry of the message lane, which is not a block of lines.
fn take_single(queue: &mut Queue, freed: &mut usize) -> Option<Event> {
    let entry = queue.messages.pop()?;
    queue.settle_count(1, 0);
    *freed = entry.cost();
    Some(match entry {
        Entry::Lines(_) => return None,
        Entry::Event(kind, text) => Event { kind: EventKind::Message(kind), text: EventText::Own(text) },
        Entry::Stderr(text) => Event { kind: EventKind::Stderr, text: EventText::Own(text) },
        Entry::Closed(cause) => {
            queue.ended = true;
            let status = cause.as_deref().map_or(Status::Ok, |error| error.status);
            let text = cause.map_or(String::new(), |error| error.to_json());
            Event::new(EventKind::Closed(status), &text)
        }
    })
}

#[cold]
fn woken_up() -> Error {
    Error::new(Status::Cancelled, "claude_client_wake was called")
}

#[cold]
fn nothing_in_time() -> Error {
    Error::new(Status::Timeout, "no event came in time")
}
