//! The state of a replay: what the host has sent so far, and what may be played next.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::compare::{self, Difference};
use super::script::{Entry, Kind, Script, Sent, What};
use crate::error::{Error, Result, Status};
use crate::process::Exit;
use crate::protocol::members::{top_level_string, top_level_value};
use crate::protocol::{control, tolerant};
use crate::transport::record::redact::Redactor;
use crate::transport::{End, ExitReport};

/// Maximum bytes of lines played in one go.
const BATCH: usize = 64 << 10;

/// Longer values are truncated in events and errors.
const MAX_VALUE_LEN: usize = 4096;

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// The host sends something other than the record has.
    Mismatch(Value),
    /// The session cannot go on.
    Fail(Error),
    /// Whole lines of the CLI, `pause_us` after what came before.
    Data {
        bytes: Vec<u8>,
        pause_us: u64,
    },
    Stderr {
        line: Vec<u8>,
        pause_us: u64,
    },
    /// For the host to send something.
    Wait,
    End(End),
}

pub struct State {
    script: Script,
    strict: bool,
    /// Removes secrets from reports of what the host sends.
    redactor: Redactor,
    /// The next entry to play. The entries before it are done.
    at: usize,
    clock_us: u64,
    /// Recorded ids of our requests, and the current ones.
    ids: HashMap<String, String>,
    /// Recorded ids of prompts, and the current ones.
    uuids: Vec<(String, String)>,
    /// Requests of the CLI that it cancels later.
    withdrawn: HashSet<String>,
    mismatches: Vec<Value>,
    /// Answers to requests that are not in the record.
    replies: Vec<String>,
    failure: Option<Error>,
    told: bool,
    /// A prompt that nothing will ever answer: the error to end with, once everything else has been played.
    dead_end: Option<Error>,
    input_ended: bool,
    closing: bool,
    killed: bool,
}

impl State {
    pub fn new(script: Script, strict: bool, redactor: Redactor) -> State {
        let withdrawn = script.entries.iter().filter_map(|entry| match &entry.what {
            What::In(line) if top_level_string(line, b"type") == Some(b"control_cancel_request") => {
                control::parse_cancel(line).ok()
            }
            _ => None,
        });
        State {
            withdrawn: withdrawn.collect(),
            script,
            strict,
            redactor,
            at: 0,
            clock_us: 0,
            ids: HashMap::new(),
            uuids: Vec::new(),
            mismatches: Vec::new(),
            replies: Vec::new(),
            failure: None,
            told: false,
            dead_end: None,
            input_ended: false,
            closing: false,
            killed: false,
        }
    }

    pub fn end_input(&mut self) {
        self.input_ended = true;
    }

    pub fn close(&mut self) {
        self.closing = true;
    }

    pub fn kill(&mut self) {
        self.closing = true;
        self.killed = true;
    }

    pub fn is_closing(&self) -> bool {
        self.closing
    }

    // What the host sends.

    /// Takes a line from the host.
    pub fn sent(&mut self, line: &str) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.closing || self.input_ended {
            return Err(Error::new(Status::Closed, "the input of the session has ended"));
        }
        let got = tolerant::line(line.as_bytes());
        match Kind::of(&got) {
            Kind::Answer { id } => self.answered(&id, &got),
            kind => self.initiated(&kind, &got),
        }
    }

    /// The answer to a request of the CLI may come at any time.
    fn answered(&mut self, id: &str, got: &Value) -> Result<()> {
        let recorded = self
            .open_entries(0)
            .find(|(_, sent)| matches!(&sent.kind, Kind::Answer { id: recorded } if recorded.as_str() == id));
        match recorded.map(|(at, _)| at) {
            Some(at) => {
                let difference = self.difference(at, got);
                self.accept(at, &Kind::Other);
                difference.map_or(Ok(()), |difference| self.mismatch(self.line(at), &difference))
            }
            // The answer and the cancellation crossed, this time in the other order.
            None if self.withdrawn.contains(id) => Ok(()),
            None => {
                let difference = Difference::whole(None, Some(brief(got)));
                self.mismatch(self.next_line(), &difference)
            }
        }
    }

    /// A prompt or a request: these follow the order of the record, except those between which the CLI sent nothing.
    fn initiated(&mut self, kind: &Kind, got: &Value) -> Result<()> {
        let open: Vec<usize> = self.open_initiated().map(|(at, _)| at).collect();
        let Some(&first) = open.first() else { return self.surplus(kind, got) };
        let together = open.iter().take_while(|at| !self.is_heard_between(first, **at));
        if let Some(&at) = together.clone().find(|at| self.difference(**at, got).is_none()) {
            self.accept(at, kind);
            return Ok(());
        }
        if let Some(&at) = together.clone().find(|at| self.is_like(**at, kind)) {
            let difference = self.difference(at, got);
            self.accept(at, kind);
            let difference = difference.unwrap_or_else(|| Difference::whole(None, None));
            return self.mismatch(self.line(at), &difference);
        }
        let difference = Difference::whole(self.frame(first).map(|frame| brief(&frame)), Some(brief(got)));
        let line = self.line(first);
        let equal = open.iter().copied().find(|at| self.difference(*at, got).is_none());
        let found = equal.or_else(|| open.iter().copied().find(|at| self.is_like(*at, kind)));
        match found {
            Some(found) => {
                open.iter().take_while(|at| **at < found).for_each(|at| self.mark(*at));
                self.accept(found, kind);
            }
            None => self.reply_to(kind),
        }
        self.mismatch(line, &difference)
    }

    /// The record has nothing more from the host.
    fn surplus(&mut self, kind: &Kind, got: &Value) -> Result<()> {
        self.mismatch(self.next_line(), &Difference::whole(None, Some(brief(got))))?;
        self.reply_to(kind);
        if !matches!(kind, Kind::Request { .. }) {
            let name = &self.script.name;
            let error = Error::new(
                Status::InvalidArgument,
                format!("{name} ends here: it has no answer to what the host has sent"),
            );
            self.dead_end = Some(error.with("phase", "replay").with("line", self.script.last_line()));
        }
        Ok(())
    }

    fn reply_to(&mut self, kind: &Kind) {
        if let Kind::Request { id, subtype } = kind {
            let why = format!("the record has no answer to the request {subtype}");
            self.replies.push(control::error_line(id, &why, Some("not_recorded")));
        }
    }

    fn accept(&mut self, at: usize, kind: &Kind) {
        let What::Out(sent) = &mut self.script.entries[at].what else { return };
        sent.done = true;
        match (&sent.kind, kind) {
            (Kind::Prompt { uuid: Some(recorded) }, Kind::Prompt { uuid: Some(today) })
                if recorded != today =>
            {
                self.uuids.push((recorded.clone(), today.clone()));
            }
            (Kind::Request { id: recorded, .. }, Kind::Request { id: today, .. }) => {
                self.ids.insert(recorded.clone(), today.clone());
            }
            _ => {}
        }
    }

    fn mark(&mut self, at: usize) {
        if let What::Out(sent) = &mut self.script.entries[at].what {
            sent.done = true;
        }
    }

    fn mismatch(&mut self, line: usize, difference: &Difference) -> Result<()> {
        let difference = &difference.without_secrets(&self.redactor);
        let text = format!("{}, line {line}: {}", self.script.name, difference.text());
        let [expected, got] = difference.bounded(MAX_VALUE_LEN);
        self.mismatches.push(json!({
            "event": "replay_mismatch",
            "line": line,
            "pointer": difference.pointer,
            "expected": expected,
            "got": got,
            "text": text,
        }));
        if !self.strict {
            return Ok(());
        }
        let error = Error::new(Status::InvalidArgument, format!("the host differs from the record: {text}"))
            .with("phase", "replay")
            .with("line", line)
            .with("pointer", difference.pointer.clone())
            .with_opt("expected", expected)
            .with_opt("got", got)
            .with("remedy", "record the conversation again, or set strict to false in the option replay");
        self.failure = Some(error.clone());
        Err(error)
    }

    fn open_entries(&self, from: usize) -> impl Iterator<Item = (usize, &Sent)> {
        let entries = self.script.entries.iter().enumerate().skip(from);
        entries.filter_map(|(at, entry)| match &entry.what {
            What::Out(sent) if !sent.done => Some((at, sent)),
            _ => None,
        })
    }

    /// What the host has not sent yet, other than answers.
    fn open_initiated(&self) -> impl Iterator<Item = (usize, &Sent)> {
        self.open_entries(self.at).filter(|(_, sent)| !matches!(sent.kind, Kind::Answer { .. }))
    }

    fn is_heard_between(&self, from: usize, to: usize) -> bool {
        self.script.entries[from..to].iter().any(|entry| matches!(entry.what, What::In(_)))
    }

    fn is_like(&self, at: usize, kind: &Kind) -> bool {
        matches!(&self.script.entries[at].what, What::Out(sent) if sent.kind.is_like(kind))
    }

    /// A recorded line of the host, with the current ids of prompts.
    fn frame(&self, at: usize) -> Option<Value> {
        let What::Out(sent) = &self.script.entries[at].what else { return None };
        let mut text = sent.text.clone();
        for (recorded, today) in &self.uuids {
            text = text.replace(recorded.as_str(), today);
        }
        tolerant::value(&text).ok()
    }

    fn difference(&self, at: usize, got: &Value) -> Option<Difference> {
        let expected = self.frame(at).unwrap_or_default();
        let difference = compare::lines(&expected, got)?;
        // Other versions of the library may send more or less when they connect.
        let is_greeting =
            got["request"]["subtype"] == "initialize" && expected["request"]["subtype"] == "initialize";
        let same_version = self.script.library_version == env!("CARGO_PKG_VERSION");
        (same_version || !is_greeting).then_some(difference)
    }

    fn line(&self, at: usize) -> usize {
        self.script.entries[at].line
    }

    /// Where the record continues: the next line that the host initiates, or the last one.
    fn next_line(&self) -> usize {
        self.open_initiated().next().map_or(self.script.last_line(), |(at, _)| self.line(at))
    }

    // What is played.

    /// The next step. `batch`: without pauses, so that lines can be combined.
    pub fn next(&mut self, batch: bool) -> Step {
        if !self.mismatches.is_empty() {
            return Step::Mismatch(self.mismatches.remove(0));
        }
        if self.killed {
            return end(Exit::Signal(9));
        }
        if let Some(failure) = &self.failure {
            return match std::mem::replace(&mut self.told, true) {
                false => Step::Fail(failure.clone()),
                true if self.closing => end(Exit::Code(0)),
                true => Step::Wait,
            };
        }
        if !self.replies.is_empty() {
            let bytes = self.replies.drain(..).flat_map(|line| (line + "\n").into_bytes()).collect();
            return Step::Data { bytes, pause_us: 0 };
        }
        self.play(batch)
    }

    fn play(&mut self, batch: bool) -> Step {
        let over = self.closing || self.input_ended;
        loop {
            let Some(entry) = self.script.entries.get(self.at) else { return self.end_or_wait(over) };
            match &entry.what {
                What::Out(sent) if sent.done => self.pass(),
                What::EndInput | What::Close if over => self.pass(),
                What::Out(_) if over => return self.end_early(),
                What::Out(_) => return Step::Wait,
                What::EndInput | What::Close => return self.end_or_wait(over),
                What::Ended(end) => return Step::End(end.clone()),
                What::Stderr(line) => {
                    let line = line.clone();
                    return Step::Stderr { line, pause_us: self.pause() };
                }
                What::In(_) => {
                    let pause_us = self.pause_until_here();
                    let bytes = self.take_lines(batch);
                    if !bytes.is_empty() {
                        return Step::Data { bytes, pause_us };
                    }
                }
            }
        }
    }

    fn end_or_wait(&mut self, over: bool) -> Step {
        if over {
            return end(Exit::Code(0));
        }
        match self.dead_end.take() {
            Some(error) => {
                self.failure = Some(error);
                self.next(true)
            }
            None => Step::Wait,
        }
    }

    /// The host leaves before the record ends.
    fn end_early(&mut self) -> Step {
        let Some((at, _)) = self.open_initiated().next() else { return end(Exit::Code(0)) };
        let difference = Difference::whole(self.frame(at).map(|frame| brief(&frame)), None);
        let strict = std::mem::replace(&mut self.strict, false);
        let _ = self.mismatch(self.line(at), &difference);
        self.strict = strict;
        self.script.entries.truncate(self.at);
        self.next(true)
    }

    fn pass(&mut self) {
        self.clock_us = self.script.entries[self.at].at_us.max(self.clock_us);
        self.at += 1;
    }

    fn pause_until_here(&self) -> u64 {
        self.script.entries[self.at].at_us.saturating_sub(self.clock_us)
    }

    fn pause(&mut self) -> u64 {
        let pause_us = self.pause_until_here();
        self.pass();
        pause_us
    }

    fn take_lines(&mut self, batch: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(Entry { what: What::In(line), .. }) = self.script.entries.get(self.at) {
            if let Some(line) = self.todays(line) {
                bytes.extend_from_slice(&line);
                bytes.push(b'\n');
            }
            self.pass();
            if !batch || bytes.len() >= BATCH {
                break;
            }
        }
        bytes
    }

    /// A line of the CLI with the current ids; `None` if the host has not asked for it.
    fn todays(&self, line: &[u8]) -> Option<Vec<u8>> {
        let mut line = line.to_vec();
        for (recorded, today) in &self.uuids {
            line = replaced(&line, recorded.as_bytes(), today.as_bytes());
        }
        let (body, is_answer) = match top_level_string(&line, b"type") {
            Some(b"control_response") => (top_level_value(&line, b"response"), true),
            Some(b"system") => (Some(line.as_slice()), false),
            _ => (None, false),
        };
        let id = body.and_then(|body| top_level_string(body, b"request_id"));
        let today = id.and_then(|id| self.ids.get(std::str::from_utf8(id).ok()?));
        match (body.zip(id), today) {
            (Some((body, id)), Some(today)) => {
                let value = top_level_value(body, b"request_id")?;
                let start = line.len() - value.len() + 1;
                let end = start + id.len();
                Some([&line[..start], today.as_bytes(), &line[end..]].concat())
            }
            _ if is_answer => None,
            _ => Some(line),
        }
    }
}

/// An end that is not in the record.
fn end(exit: Exit) -> Step {
    Step::End(End { report: ExitReport::new(exit), stderr: String::new() })
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for at in memchr::memmem::find_iter(text, from) {
        out.extend_from_slice(&text[done..at]);
        out.extend_from_slice(to);
        done = at + from.len();
    }
    out.extend_from_slice(&text[done..]);
    out
}

/// The part of a line that people need to see.
fn brief(frame: &Value) -> Value {
    match frame["type"].as_str() {
        Some("user") => json!({"prompt": frame["message"]["content"]}),
        Some("control_request") => json!({"request": frame["request"]}),
        Some("control_response") => json!({"answer": frame["response"]}),
        _ => frame.clone(),
    }
}
