//! The event loop: lines of the host come in, tasks (lists of actions) run, one action at a time.
//!
//! One turn runs at a time and further prompts queue, as in the real CLI; reactions to control requests run beside it.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant;

use claude_testkit::javascript;
use serde_json::{Value, json};

use crate::actions::Flow;
use crate::control;
use crate::frames;
use crate::output;
use crate::reader::{Event, read_lines};
use crate::record::Record;
use crate::script::{Action, Script};
use crate::session::{Prompt, Session};
use crate::sys;
use crate::task::{Cause, Task};

/// Lines that wait between the reader and the loop; past it the pipe fills, as with any busy CLI.
const READ_AHEAD: usize = 64;

pub struct Engine {
    pub script: Script,
    pub session: Session,
    pub record: Record,
    tasks: Vec<Task>,
    turns: VecDeque<Prompt>,
    /// Open requests to the host, oldest first.
    pub asked: Vec<String>,
    pub answers: HashMap<String, Value>,
    /// Control requests that `reverse_after` holds back.
    pub held: Vec<(String, Value)>,
    pub ignore_eof: bool,
    pub ballast: Vec<Vec<u8>>,
    at_eof: bool,
    /// Milliseconds that the reader pauses before its next read; `u64::MAX` = for ever.
    pub read_pause: Arc<AtomicU64>,
    sender: SyncSender<Event>,
    events: Receiver<Event>,
}

impl Engine {
    pub fn new(script: Script, session: Session, record: Record) -> Self {
        let (sender, events) = sync_channel(READ_AHEAD);
        Engine {
            script,
            session,
            record,
            tasks: Vec::new(),
            turns: VecDeque::new(),
            asked: Vec::new(),
            answers: HashMap::new(),
            held: Vec::new(),
            ignore_eof: false,
            ballast: Vec::new(),
            at_eof: false,
            read_pause: Arc::default(),
            sender,
            events,
        }
    }

    pub fn run(mut self) -> i32 {
        if self.script.on_term.is_some() {
            let sender = self.sender.clone();
            let watching = sys::on_term(move || drop(sender.send(Event::Term)));
            watching.unwrap_or_else(|error| sys::die(&format!("on_term: {error}")));
        }
        // Nothing is read before `on_start` has run, so that a script can stay deaf.
        if let Some(steps) = self.script.on_start.clone() {
            self.tasks.push(Task::new(Cause::Start, steps));
            while !self.tasks.is_empty() {
                self.turn_the_crank(false);
            }
        }
        let (sender, pause, record) =
            (self.sender.clone(), Arc::clone(&self.read_pause), self.record.clone());
        std::thread::spawn(move || read_lines(&sender, &pause, &record));
        loop {
            self.turn_the_crank(true);
        }
    }

    /// Takes what has arrived, runs one action of every task that can, and waits when there is nothing to do.
    fn turn_the_crank(&mut self, listening: bool) {
        while let Ok(event) = self.events.try_recv() {
            self.take(event);
        }
        self.start_turn();
        let mut progress = false;
        for at in 0..self.tasks.len() {
            progress |= self.step(at);
        }
        progress |= self.end_tasks();
        if progress {
            return;
        }
        self.exit_if_done();
        if self.tasks.is_empty() && !listening {
            return;
        }
        let event = match self.next_wake() {
            Some(wake) => self.events.recv_timeout(wake.saturating_duration_since(Instant::now())),
            None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        if let Ok(event) = event {
            self.take(event);
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        self.tasks.iter().filter_map(|task| task.wake_at).min()
    }

    /// Runs one action of a task; false when the task has to wait.
    fn step(&mut self, at: usize) -> bool {
        let now = Instant::now();
        let task = &mut self.tasks[at];
        let due = task.wake_at.is_some_and(|wake| wake <= now);
        if let Some(id) = task.waits_for.clone() {
            if due {
                self.give_up(at, &id);
            }
            return due;
        }
        if task.wake_at.is_some() && !due {
            return false;
        }
        task.wake_at = None;
        let Some(action) = task.next_action() else { return false };
        // Taken out for the time of the action, so that it can work on the engine as well.
        let idle = Task::new(Cause::Start, Rc::new([]));
        let mut task = std::mem::replace(&mut self.tasks[at], idle);
        let flow = self.perform(action, &mut task);
        match flow {
            Flow::Next => {}
            Flow::Sleep(time) => task.wake_at = Some(Instant::now() + time),
            Flow::Await { id, timeout } => {
                task.waits_for = Some(id);
                task.wake_at = timeout.map(|time| Instant::now() + time);
            }
        }
        self.tasks[at] = task;
        self.release_answered(at);
        if self.at_eof {
            self.fail_waiting();
        }
        true
    }

    /// A task may wait for something that has been answered already.
    fn release_answered(&mut self, at: usize) {
        let task = &self.tasks[at];
        let Some(id) = &task.waits_for else { return };
        let answered = if id == "*" { self.asked.is_empty() } else { self.answers.contains_key(id) };
        if answered {
            let answer = self.answers.get(id).cloned().unwrap_or_default();
            self.resume(at, answer);
        }
    }

    fn resume(&mut self, at: usize, answer: Value) {
        let task = &mut self.tasks[at];
        (task.waits_for, task.wake_at) = (None, None);
        let report = std::mem::take(&mut task.reports).then(|| answer.to_string());
        task.answer = answer;
        if let Some(text) = report {
            let prompt = task.prompt().cloned();
            self.emit_text(&text, prompt.as_ref());
        }
    }

    /// The host did not answer in time: withdraw the request.
    fn give_up(&mut self, at: usize, id: &str) {
        let open: Vec<String> = if id == "*" { self.asked.clone() } else { vec![id.to_owned()] };
        open.iter().for_each(|id| self.withdraw(id));
        self.resume(at, json!({"subtype": "timeout", "request_id": id}));
    }

    /// Sends `control_cancel_request` for a request to the host.
    pub fn withdraw(&mut self, id: &str) {
        self.asked.retain(|open| open != id);
        self.emit(&json!({"type": "control_cancel_request", "request_id": id}));
    }

    /// Takes out the tasks that have run to their end; a queued prompt may be next then.
    fn end_tasks(&mut self) -> bool {
        let (ended, open) = std::mem::take(&mut self.tasks).into_iter().partition(Task::is_done);
        self.tasks = open;
        let ended: Vec<Task> = ended;
        for prompt in ended.iter().filter_map(Task::prompt) {
            self.finish_turn(prompt);
        }
        !ended.is_empty()
    }

    fn finish_turn(&mut self, prompt: &Prompt) {
        self.session.partial_text.clear();
        self.lifecycle(prompt, "completed");
        if self.turns.is_empty() {
            self.emit_state("idle");
        }
    }

    fn turn_runs(&self) -> bool {
        self.tasks.iter().any(|task| task.prompt().is_some())
    }

    fn start_turn(&mut self) {
        if self.turns.is_empty() || self.turn_runs() {
            return;
        }
        let Some(prompt) = self.turns.pop_front() else { return };
        let steps =
            self.script.for_prompt(self.session.turns as usize).unwrap_or_else(|| Rc::new([Action::Default]));
        self.session.turns += 1;
        self.emit_state("running");
        self.lifecycle(&prompt, "started");
        self.tasks.push(Task::new(Cause::Turn(prompt), steps));
    }

    fn lifecycle(&mut self, prompt: &Prompt, state: &str) {
        if let (Some(uuid), false) = (&prompt.uuid, self.script.no_lifecycle) {
            let frame = frames::lifecycle(&mut self.session, uuid, state);
            self.emit(&frame);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Line(line) => self.take_line(&line),
            Event::Eof => {
                self.at_eof = true;
                self.fail_waiting();
                if let Some(steps) = self.script.on_eof.clone() {
                    self.tasks.push(Task::new(Cause::Eof, steps));
                }
            }
            Event::Term => {
                if let Some(steps) = self.script.on_term.clone() {
                    self.tasks.push(Task::new(Cause::Term, steps));
                }
            }
        }
    }

    /// After EOF no answer can come any more; the real CLI fails what still waits for one.
    fn fail_waiting(&mut self) {
        self.asked.clear();
        for at in 0..self.tasks.len() {
            if let Some(id) = self.tasks[at].waits_for.clone() {
                self.resume(at, json!({"subtype": "error", "request_id": id, "error": "stream closed"}));
            }
        }
    }

    fn take_line(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        let Ok(frame) = javascript::parse(line) else {
            return self
                .refuse(&format!("Error parsing streaming input line: {}", String::from_utf8_lossy(line)));
        };
        match frame["type"].as_str() {
            Some("user") => self.take_prompt(&frame),
            Some("control_request") => self.take_request(&frame),
            Some("control_response") => self.take_response(&frame["response"]),
            Some("control_cancel_request") => {
                let withdrawn = frame["request_id"].as_str().unwrap_or_default();
                self.tasks.retain(|t| !matches!(&t.cause, Cause::Control { id, .. } if id == withdrawn));
            }
            // The real CLI lets these pass without a word.
            _ => {}
        }
    }

    fn refuse(&mut self, text: &str) {
        sys::complain(&format!("{text}\n"));
        self.exit(1);
    }

    fn take_prompt(&mut self, frame: &Value) {
        let role = frame["message"]["role"].as_str().unwrap_or("undefined");
        if role != "user" {
            return self.refuse(&format!("Error: Expected message role 'user', got '{role}'"));
        }
        let prompt = Prompt::from_frame(frame);
        if let Some(uuid) = &prompt.uuid
            && !self.session.seen_prompts.insert(uuid.clone())
        {
            return;
        }
        self.lifecycle(&prompt, "queued");
        self.turns.push_back(prompt);
    }

    fn take_request(&mut self, frame: &Value) {
        if !frame["request"].is_object() {
            return self.refuse("Error: Missing request on control_request");
        }
        let id = frame["request_id"].as_str().unwrap_or_default().to_owned();
        let request = frame["request"].clone();
        match self.script.for_control(request["subtype"].as_str().unwrap_or_default()) {
            Some(steps) => self.tasks.push(Task::new(Cause::Control { id, request }, steps)),
            None => control::answer(self, &id, &request),
        }
    }

    fn take_response(&mut self, response: &Value) {
        let id = response["request_id"].as_str().unwrap_or_default();
        let expected = self.asked.iter().any(|open| open == id);
        self.asked.retain(|open| open != id);
        self.answers.insert(id.to_owned(), response.clone());
        let waits =
            |task: &Task| task.waits_for.as_deref().is_some_and(|wanted| wanted == id || wanted == "*");
        let waiting: Vec<usize> = (0..self.tasks.len()).filter(|at| waits(&self.tasks[*at])).collect();
        waiting.iter().for_each(|at| self.release_answered(*at));
        if let (true, Some(steps)) = (expected && waiting.is_empty(), self.script.on_response.clone()) {
            self.tasks.push(Task::new(Cause::Response(response.clone()), steps));
        }
    }

    /// Takes a prompt out of the queue.
    pub fn cancel_queued(&mut self, uuid: &str) -> bool {
        let before = self.turns.len();
        self.turns.retain(|prompt| prompt.uuid.as_deref() != Some(uuid));
        before != self.turns.len()
    }

    /// Ends the running turn the way an interrupted one ends.
    pub fn interrupt(&mut self, request_id: &str, cancel_queued: bool) {
        let queued: Vec<String> = self.turns.iter().filter_map(|prompt| prompt.uuid.clone()).collect();
        let payload = if cancel_queued {
            let cancelled: Vec<Prompt> = self.turns.drain(..).collect();
            cancelled.iter().for_each(|prompt| self.lifecycle(prompt, "cancelled"));
            json!({"still_queued": [], "cancelled": queued})
        } else {
            json!({"still_queued": queued})
        };
        self.emit(&frames::success(request_id, Some(payload)));
        let Some(at) = self.tasks.iter().position(|task| task.prompt().is_some()) else { return };
        // In its place stays one with nothing to do: whoever asks for this may be in the midst of the list.
        let idle = Task::new(Cause::Start, Rc::new([]));
        let task = std::mem::replace(&mut self.tasks[at], idle);
        let Cause::Turn(prompt) = task.cause else { return };
        let in_tool = !self.asked.is_empty();
        for id in self.asked.clone() {
            self.withdraw(&id);
        }
        self.emit_aborted(&prompt, in_tool);
        self.finish_turn(&prompt);
    }

    fn emit_aborted(&mut self, prompt: &Prompt, in_tool: bool) {
        let partial = std::mem::take(&mut self.session.partial_text);
        if !partial.is_empty() {
            let content = frames::text_block(&partial);
            let mut frame = frames::assistant(&mut self.session, content, Some(prompt));
            frame["aborted"] = json!(true);
            self.emit(&frame);
        }
        let (note, reason) = if in_tool {
            ("[Request interrupted by user for tool use]", "aborted_tools")
        } else {
            ("[Request interrupted by user]", "aborted_streaming")
        };
        let note = frames::user_note(&mut self.session, note);
        self.emit(&note);
        let error = "[ede_diagnostic] the turn was interrupted";
        let result = frames::error_result(&mut self.session, error, Some(reason), Some(prompt));
        self.emit(&result);
    }

    fn exit_if_done(&mut self) {
        let idle = self.tasks.is_empty() && self.turns.is_empty();
        if self.at_eof && idle && !self.ignore_eof {
            self.exit(i32::from(self.session.last_result_was_error));
        }
    }

    pub fn exit(&mut self, code: i32) {
        self.record.write("exit", json!({"code": code}));
        std::process::exit(code);
    }

    /// Writes one frame with one write, and keeps what later frames depend on.
    pub fn emit(&mut self, frame: &Value) {
        self.note(frame);
        let mut line = frame.to_string();
        line.push('\n');
        output::write(line.as_bytes());
    }

    /// Remembers how the last turn ended: the exit code depends on it.
    pub fn note(&mut self, frame: &Value) {
        if frame["type"] == "result" {
            self.session.last_result_was_error = frame["is_error"] == true;
        }
    }

    pub fn emit_text(&mut self, text: &str, prompt: Option<&Prompt>) {
        let frame = frames::assistant(&mut self.session, frames::text_block(text), prompt);
        self.emit(&frame);
    }

    pub fn emit_system(&mut self, subtype: &str, fields: &Value) {
        let frame = frames::system(&mut self.session, subtype, fields);
        self.emit(&frame);
    }

    fn emit_state(&mut self, state: &str) {
        if self.session.state_frames.is_some() {
            let frame = frames::state(&mut self.session, state);
            self.emit(&frame);
        }
    }
}
