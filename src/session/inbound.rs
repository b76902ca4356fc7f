//! Input from the CLI: messages go to the application, control frames to their owners.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use memchr::memmem;
use once_cell::sync::Lazy;
use serde_json::{Value, json};

use super::life::{Event, Launched, Life, Machine};
use super::{Client, drop_rest};
use crate::error::Error;
use crate::log;
use crate::protocol::control;
use crate::protocol::framing::{Block, Line, LineSink, Unparsed, why_not};
use crate::protocol::kind::{Kind, Route};
use crate::protocol::members::{top_level_string, top_level_value};
use crate::sync::lock;
use crate::transport::stderr_tail::readable;
use crate::transport::{Ends, ExitReport, Later, Sink};

/// How far the queue may exceed its bound while we wait for replies or are closing.
const EXTRA_ROOM: usize = 16 << 20;

/// How much of a line that is not a message goes into its event.
const SHOWN_OF_LINE: usize = 1024;

/// How much of the output before the first message is kept for error texts.
const KEPT_OUTPUT: usize = 4096;

/// Part of the answer to `initialize` from a CLI that outlived its last host.
static OPEN_REQUESTS: Lazy<memmem::Finder<'static>> =
    Lazy::new(|| memmem::Finder::new(b"\"pending_permission_requests\""));

/// Receives the input from the transport of one launch.
pub(super) struct Inbound {
    client: Arc<Client>,
    launched: Launched,
    /// The process has exited; anything that arrives now was left in the pipes.
    exited: AtomicBool,
}

impl Inbound {
    pub fn new(client: &Arc<Client>, launched: Launched) -> Arc<Inbound> {
        Arc::new(Inbound { client: client.clone(), launched, exited: AtomicBool::new(false) })
    }

    fn tell(&self, event: Event) {
        self.client.told_by(self.launched, event);
    }

    /// Records a part of the end, unless this launch has been replaced by another.
    fn note(&self, note: impl FnOnce(&mut Ends)) {
        if self.client.life.look(Machine::is_second) == self.launched.older {
            note(&mut lock(&self.client.state).ends);
        }
    }
}

impl Sink for Inbound {
    fn data(&self, buffer: &mut BytesMut) {
        self.client.data(buffer);
        if self.exited.load(Ordering::Relaxed) {
            self.tell(Event::Output);
        }
    }

    fn data_ended(&self, buffer: &mut BytesMut) {
        self.client.data_ended(buffer);
    }

    fn stdout_ended(&self) {
        if self.client.has_unstored() {
            let (client, launched) = (self.client.clone(), self.launched);
            let storing = async move {
                client.clone().store_rest(|| client.told_by(launched, Event::Output)).await;
                client.told_by(launched, Event::StdoutEnded);
            };
            if self.client.spawn(storing).is_ok() {
                return;
            }
        }
        self.tell(Event::StdoutEnded);
    }

    fn has_room(&self) -> bool {
        self.client.has_room()
    }

    fn wait_for_room(&self) -> Later<'_, ()> {
        let client = &self.client;
        match client.waits_for_store() {
            true => Box::pin(client.mirror.wait_for_room()),
            false => Box::pin(client.dispatcher.bound.wait_for_room()),
        }
    }

    fn reading_held(&self, held: bool) {
        self.tell(if held { Event::QueueFull } else { Event::QueueDrained });
    }

    fn handing_over(&self) {
        self.tell(Event::Output);
    }

    fn stderr_line(&self, line: &[u8]) {
        let mut text = readable(line).into_bytes();
        text.push(0);
        self.client.dispatcher.push_stderr(text.into());
    }

    fn stderr_ended(&self, tail: String) {
        let unknown_flag = self.client.knows_another_way(&tail);
        self.note(|ends| ends.stderr = Some(tail));
        self.tell(Event::StderrEnded { unknown_flag });
    }

    fn exited(&self, exit: ExitReport) {
        self.exited.store(true, Ordering::Relaxed);
        self.client.run.release();
        self.note(|ends| ends.report = Some(exit));
        self.tell(Event::Exited);
        // Closing a session whose process is gone does not wait for room.
        self.client.dispatcher.bound.tell_room();
    }

    fn unended(&self, why: Error) {
        self.client.lives_on(why);
        self.tell(Event::Unended);
    }
}

impl Client {
    fn data(&self, buffer: &mut BytesMut) {
        let mut framer = lock(&self.framer);
        self.stats.read(framer.new_bytes(buffer));
        framer.feed(buffer, &mut Router { client: self });
        drop(framer);
        self.note_unfinished(buffer);
    }

    fn data_ended(&self, buffer: &mut BytesMut) {
        let mut framer = lock(&self.framer);
        self.stats.read(framer.new_bytes(buffer));
        framer.finish(buffer, &mut Router { client: self });
        self.tell_held();
        drop(framer);
        drop_rest(buffer);
        self.note_unfinished(buffer);
    }

    /// Whether more may be read now.
    pub(super) fn has_room(&self) -> bool {
        if self.waits_for_store() {
            return false;
        }
        let bound = &self.dispatcher.bound;
        !bound.is_reached(0)
            || ((self.is_closing() || self.control.has_open()) && !bound.is_reached(EXTRA_ROOM))
            // There is little left to read, and closing must not wait for a slow receiver.
            || self.life.look(|machine| machine.life() == Life::Flushing)
    }

    /// Reading is suspended until the session's store has caught up.
    fn waits_for_store(&self) -> bool {
        let mirror = &self.mirror;
        mirror.is_given() && mirror.is_full(self.control.has_open()) && !self.is_closing()
    }

    /// Passes messages on to the application.
    pub(super) fn take_block(&self, block: Block) {
        self.note_last_frame(&block);
        self.follow_start_hooks(&block);
        self.follow_tools(&block);
        self.follow_run(block);
    }

    /// Sends the application an event that does not come from the CLI.
    pub(super) fn event(&self, kind: Kind, mut document: Value) {
        document["type"] = "claude_client".into();
        let mut text = document.to_string().into_bytes();
        text.push(0);
        self.dispatcher.push_event(kind, text.into());
    }

    /// Warns the application, and in the log, of a probable mistake. The document has a `text`.
    pub(super) fn warn(&self, document: Value) {
        log::warning(|| document["text"].as_str().unwrap_or_default().to_owned());
        self.event(Kind::Warning, document);
    }

    fn receive_request(&self, line: &[u8]) {
        let Ok(inbound) = control::parse_request(line) else {
            return self.unparsed(why_not(line), line);
        };
        self.stats.requests.fetch_add(1, Ordering::Relaxed);
        log::debug(|| format!("the CLI asks: {} {}", inbound.subtype, inbound.id));
        self.take_request(inbound);
    }

    /// Passes on a mirrored part of the session's file, if the host wants it.
    fn mirror(&self, line: &[u8]) {
        if self.options.is_true("session_mirror")
            && top_level_string(line, b"type") == Some(b"transcript_mirror")
        {
            let text = [line, b"\0"].concat();
            self.dispatcher.push_event(Kind::TranscriptMirror, text.into());
        }
    }

    fn unparsed(&self, reason: Unparsed, line: &[u8]) {
        self.stats.unparsed_lines.fetch_add(1, Ordering::Relaxed);
        log::debug(|| format!("a line of {} bytes is no message: {}", line.len(), reason.name()));
        self.keep_first_output(line);
        let shown = &line[..SHOWN_OF_LINE.min(line.len())];
        self.event(
            Kind::UnparsedLine,
            json!({
                "event": "unparsed_line",
                "reason": reason.name(),
                "length": line.len(),
                "text": String::from_utf8_lossy(shown),
            }),
        );
    }

    /// Output without a newline yet: a program that asks for something waits after it.
    fn note_unfinished(&self, buffer: &[u8]) {
        if self.is_heard() {
            return;
        }
        let mut state = lock(&self.state);
        if state.server_info.is_none() {
            state.unfinished_output = buffer[..KEPT_OUTPUT.min(buffer.len())].to_vec();
        }
    }

    fn is_heard(&self) -> bool {
        self.dispatcher.counters.messages.load(Ordering::Relaxed) > 0
    }

    fn keep_first_output(&self, line: &[u8]) {
        if self.is_heard() {
            return;
        }
        let mut state = lock(&self.state);
        let room = KEPT_OUTPUT.saturating_sub(state.first_output.len());
        state.first_output.extend_from_slice(&line[..room.min(line.len())]);
        if room > line.len() {
            state.first_output.push(b'\n');
        }
    }

    /// Remembers the last frame if it is a result that reports an error; a state change and the end of its prompt's life cycle
    /// after it do not count.
    fn note_last_frame(&self, block: &Block) {
        let last =
            block.lines.iter().rev().map(|line| (line.kind, text_of(block, *line))).find(|(kind, text)| {
                let is_state = *kind == Kind::System
                    && top_level_string(text, b"subtype") == Some(b"session_state_changed");
                !is_state && *kind != Kind::CommandLifecycle
            });
        let Some((kind, text)) = last else { return };
        let failed = kind == Kind::Result
            && top_level_value(text, b"is_error").is_some_and(|value| value.starts_with(b"true"));
        let mut state = lock(&self.state);
        if failed {
            state.error_result = Some(text.to_vec());
        } else if state.error_result.is_some() {
            state.error_result = None;
        }
    }
}

pub(super) fn text_of(block: &Block, line: Line) -> &[u8] {
    let text = block.text(line);
    &text[..text.len() - 1]
}

struct Router<'a> {
    client: &'a Client,
}

impl LineSink for Router<'_> {
    fn messages(&mut self, block: Block) {
        if let Some(block) = self.client.hold_for_store(block) {
            self.client.take_block(block);
        }
    }

    fn control(&mut self, route: Route, line: &[u8]) {
        let client = self.client;
        match route {
            Route::ControlRequest => client.receive_request(line),
            Route::ControlCancel => match control::parse_cancel(line) {
                Ok(id) => {
                    client.requests.withdraw(&id);
                    client.mcp.withdraw(&id);
                }
                Err(_) => client.unparsed(why_not(line), line),
            },
            _ => match control::parse_response(line) {
                Ok(response) => {
                    client.control_answered(&response.request_id, response.outcome);
                    if OPEN_REQUESTS.find(line).is_some() {
                        control::parse_open_requests(line)
                            .into_iter()
                            .for_each(|open| client.take_request(open));
                    }
                }
                Err(_) => client.unparsed(why_not(line), line),
            },
        }
    }

    fn internal(&mut self, line: &[u8]) {
        if top_level_string(line, b"type") == Some(b"keep_alive") {
            return self.client.stats.keep_alive(line.len());
        }
        self.client.follow_internal(line);
        self.client.mirror(line);
        self.client.mirror_to_store(line);
    }

    fn unparsed(&mut self, reason: Unparsed, line: &[u8]) {
        self.client.unparsed(reason, line);
    }

    fn too_long(&mut self, length: u64, start: &[u8]) {
        let client = self.client;
        client.stats.long_lines.fetch_add(1, Ordering::Relaxed);
        client.event(
            Kind::LineTooLong,
            json!({
                "event": "line_too_long",
                "length": length,
                "limit": client.options.max_message_bytes,
                "text": String::from_utf8_lossy(start),
                "remedy": "raise the option max_message_bytes",
            }),
        );
    }
}
