//! What each action of the script language does.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use crate::control;
use crate::engine::Engine;
use crate::frames::{self, merged};
use crate::output;
use crate::script::{Action, Ask, Steps};
use crate::session::Prompt;
use crate::task::{Cause, Task};
use crate::{sys, template};

/// How a task goes on after an action.
pub enum Flow {
    Next,
    Sleep(Duration),
    Await { id: String, timeout: Option<Duration> },
}

impl Engine {
    pub fn perform(&mut self, action: Action, task: &mut Task) -> Flow {
        match action {
            Action::Await(_) | Action::Ask(Ask { wait: true, .. }) if matches!(task.cause, Cause::Start) => {
                sys::die("on_start cannot wait for an answer: nothing is read yet; use \"wait\": false");
            }
            Action::Sleep(time) => return Flow::Sleep(time),
            Action::Ask(ask) => return self.ask(ask, task),
            Action::Await(id) => {
                let id = if id == "all" { "*".to_owned() } else { self.fill_text(&id, task) };
                return Flow::Await { id, timeout: None };
            }
            Action::Repeat { times, steps } => task.push(steps, times),
            Action::Stream { text, deltas, delay } => {
                let text = self.fill_text(&text, task);
                task.push(stream_steps(&text, deltas.max(1), delay), 1);
            }
            Action::Turn { text, overrides } => {
                let steps =
                    [Action::Init(Value::Null), Action::Text(text.clone()), turn_result(text, overrides)];
                task.push(steps.into(), 1);
            }
            Action::Default => self.default_reaction(task),
            Action::Respond(_) | Action::RespondError { .. } | Action::ReverseAfter(_) => {
                self.respond(action, task)
            }
            Action::Init(_)
            | Action::Text(_)
            | Action::Delta(_)
            | Action::Whole(_)
            | Action::Result(_)
            | Action::State(_)
            | Action::System { .. }
            | Action::KeepAlive
            | Action::Mirror { .. }
            | Action::Cancel(_)
            | Action::FailResume(_) => self.frame_action(action, task),
            other => self.raw_action(other, task),
        }
        Flow::Next
    }

    /// Actions that write a frame of their own.
    fn frame_action(&mut self, action: Action, task: &Task) {
        let prompt = task.prompt();
        let version = self.script.version_number();
        let frame = match action {
            Action::Init(overrides) => {
                let overrides = self.fill(&overrides, task);
                merged(frames::init(&mut self.session, &version), &overrides)
            }
            Action::Text(text) => {
                let text = self.fill_text(&text, task);
                frames::assistant(&mut self.session, frames::text_block(&text), prompt)
            }
            Action::Delta(text) => return self.delta(&text, prompt),
            Action::Whole(text) => frames::assistant(&mut self.session, frames::text_block(&text), prompt),
            Action::Result(overrides) => {
                let overrides = self.fill(&overrides, task);
                let text = prompt.map(Prompt::text).unwrap_or_default();
                merged(frames::result(&mut self.session, &text, prompt), &overrides)
            }
            Action::State(state) => frames::state(&mut self.session, &state),
            Action::System { subtype, fields } => {
                let fields = self.fill(&fields, task);
                frames::system(&mut self.session, &subtype, &fields)
            }
            Action::KeepAlive => json!({"type": "keep_alive"}),
            Action::Mirror { entries } => self.mirror(entries),
            Action::Cancel(id) => {
                let id = id.map(|id| self.fill_text(&id, task)).or(self.asked.last().cloned());
                return self.withdraw(&id.unwrap_or_else(|| sys::die("cancel: nothing was asked")));
            }
            Action::FailResume(place) => return self.fail_resume(&place),
            _ => return,
        };
        self.emit(&frame);
    }

    /// Actions below the level of frames: bytes, the process, the operating system.
    fn raw_action(&mut self, action: Action, task: &Task) {
        match action {
            Action::Send { frames, pace } => {
                for frame in &frames {
                    let frame = self.fill(frame, task);
                    self.note(&frame);
                    output::write_paced(format!("{frame}\n").as_bytes(), pace);
                }
            }
            Action::Write { bytes, pace } => output::write_paced(&bytes, pace),
            Action::WriteText { text, pace } => {
                output::write_paced(self.fill_text(&text, task).as_bytes(), pace)
            }
            Action::Cut { frame, at } => {
                let line = self.fill(&frame, task).to_string();
                output::write(&line.as_bytes()[..at.min(line.len())]);
            }
            Action::Line { bytes } => self.line_of(bytes),
            Action::Flood { count, bytes, batch } => self.flood(count, bytes, batch),
            Action::Stderr(text) => sys::complain(&self.fill_text(&text, task)),
            Action::StderrBytes(count) => stderr_bytes(count),
            Action::Exit(code) => self.exit(code),
            Action::Signal(name) => {
                self.record.write("signal", json!({"name": name}));
                sys::raise(&name).unwrap_or_else(|error| sys::die(&error));
            }
            Action::IgnoreEof => self.ignore_eof = true,
            Action::IgnoreTerm => sys::ignore_term(),
            Action::CloseStdout => {
                sys::close_stdout().unwrap_or_else(|e| sys::die(&format!("close_stdout: {e}")))
            }
            Action::CloseStderr => {
                sys::close_stderr().unwrap_or_else(|e| sys::die(&format!("close_stderr: {e}")))
            }
            Action::CloseStdin => {
                sys::close_stdin().unwrap_or_else(|e| sys::die(&format!("close_stdin: {e}")))
            }
            Action::StopReading { resume } => {
                let pause = resume.map_or(u64::MAX, |time| time.as_millis() as u64);
                self.read_pause.store(pause, Ordering::SeqCst);
            }
            Action::Spawn(grandchild) => match grandchild.spawn() {
                Ok(pid) => self.record.write("spawned", json!({"pid": pid})),
                Err(error) => sys::die(&format!("spawn: {error}")),
            },
            // Written, not only reserved: the pages have to be there.
            Action::Allocate { megabytes } => self.ballast.push(vec![1; megabytes << 20]),
            _ => {}
        }
    }

    /// What happens to the task's cause without a script.
    fn default_reaction(&mut self, task: &mut Task) {
        match task.cause.clone() {
            Cause::Turn(prompt) => self.default_turn(&prompt, task),
            Cause::Control { id, request } => control::answer(self, &id, &request),
            Cause::Eof => {
                let code = i32::from(self.session.last_result_was_error);
                self.exit(code);
            }
            Cause::Term => self.exit(143),
            Cause::Start | Cause::Response(_) => {}
        }
    }

    fn default_turn(&mut self, prompt: &Prompt, task: &mut Task) {
        if !prompt.should_query {
            let frame = frames::result(&mut self.session, "", Some(prompt));
            return self.emit(&merged(frame, &json!({"num_turns": 0})));
        }
        let version = self.script.version_number();
        let frame = frames::init(&mut self.session, &version);
        self.emit(&frame);
        if self.session.replay {
            let frame = frames::replay(&mut self.session, prompt);
            self.emit(&frame);
        }
        let text = prompt.text();
        if self.session.partial_messages {
            let mut steps = stream_steps(&text, 2, Duration::ZERO).to_vec();
            steps.push(Action::Result(Value::Null));
            return task.push(steps.into(), 1);
        }
        self.emit_text(&text, Some(prompt));
        let frame = frames::result(&mut self.session, &text, Some(prompt));
        self.emit(&frame);
    }

    fn respond(&mut self, action: Action, task: &Task) {
        let Cause::Control { id, request } = &task.cause else {
            sys::die("respond, respond_error and reverse_after belong into on_control or on_initialize");
        };
        match action {
            Action::Respond(payload) => {
                let payload = payload.map(|payload| self.fill(&payload, task));
                self.emit(&frames::success(id, payload));
            }
            Action::RespondError { text, code } => {
                let text = self.fill_text(&text, task);
                self.emit(&frames::failure(id, &text, code.as_deref()));
            }
            Action::ReverseAfter(count) => {
                self.held.push((id.clone(), request.clone()));
                if self.held.len() >= count {
                    for (id, request) in std::mem::take(&mut self.held).iter().rev() {
                        control::answer(self, id, request);
                    }
                }
            }
            _ => {}
        }
    }

    fn ask(&mut self, ask: Ask, task: &mut Task) -> Flow {
        let request = self.fill(&ask.request, task);
        let id = match &ask.id {
            Some(id) => self.fill_text(id, task),
            None => self.session.new_uuid(),
        };
        self.asked.push(id.clone());
        self.answers.remove(&id);
        self.emit(&json!({"type": "control_request", "request_id": id, "request": request}));
        if !ask.wait {
            return Flow::Next;
        }
        task.reports = ask.report;
        Flow::Await { id, timeout: ask.timeout }
    }

    fn delta(&mut self, text: &str, prompt: Option<&Prompt>) {
        self.session.partial_text.push_str(text);
        if self.session.partial_messages {
            let delta = json!({"type": "text_delta", "text": text});
            let event = json!({"type": "content_block_delta", "index": 0, "delta": delta});
            let frame = frames::stream_event(&mut self.session, event, prompt);
            self.emit(&frame);
        }
    }

    fn mirror(&mut self, entries: usize) -> Value {
        let path = format!("{}/projects/fake/{}.jsonl", self.session.cwd, self.session.id);
        let entry =
            |session: &mut crate::session::Session| json!({"type": "user", "uuid": session.new_uuid()});
        let entries: Vec<Value> = (0..entries).map(|_| entry(&mut self.session)).collect();
        json!({"type": "transcript_mirror", "filePath": path, "entries": entries})
    }

    fn fail_resume(&mut self, place: &str) {
        let wanted = self.session.argument("--resume").unwrap_or("unknown").to_owned();
        let text = format!("No conversation found with session ID: {wanted}");
        if place != "stderr" {
            let frame = frames::error_result(&mut self.session, &text, None, None);
            self.emit(&frame);
        }
        if place != "result" {
            sys::complain(&format!("{text}\n"));
        }
        self.exit(1);
    }

    /// One valid frame whose line has exactly that many bytes, without its newline.
    fn line_of(&mut self, bytes: usize) {
        let mut line = self.padded_frame(bytes, 0);
        line.push('\n');
        output::write(line.as_bytes());
    }

    /// Numbered frames of `bytes` bytes each, newline included.
    fn flood(&mut self, count: usize, bytes: usize, batch: usize) {
        let mut waiting = Vec::with_capacity(batch + bytes);
        for number in 0..count {
            waiting.extend_from_slice(self.padded_frame(bytes.saturating_sub(1), number).as_bytes());
            waiting.push(b'\n');
            if waiting.len() >= batch {
                output::write(&waiting);
                waiting.clear();
            }
        }
        output::write(&waiting);
    }

    fn padded_frame(&self, bytes: usize, number: usize) -> String {
        let head = format!(
            r#"{{"type":"assistant","seq":{number},"session_id":"{}","parent_tool_use_id":null,"message":{{"role":"assistant","content":[{{"type":"text","text":""#,
            self.session.id
        );
        const TAIL: &str = r#""}]}}"#;
        let filler = bytes.saturating_sub(head.len() + TAIL.len());
        let mut frame = String::with_capacity(bytes);
        frame.push_str(&head);
        frame.extend(std::iter::repeat_n('x', filler));
        frame.push_str(TAIL);
        frame
    }

    fn fill(&mut self, value: &Value, task: &Task) -> Value {
        template::fill(value, &mut |name| self.placeholder(name, task))
    }

    fn fill_text(&mut self, text: &str, task: &Task) -> String {
        template::fill_text(text, &mut |name| self.placeholder(name, task))
    }

    fn placeholder(&mut self, name: &str, task: &Task) -> Option<Value> {
        let (head, path) = name.split_once('.').map_or((name, None), |(head, path)| (head, Some(path)));
        let value = match head {
            "prompt" => json!(task.prompt()?.text()),
            "content" => task.prompt()?.content.clone(),
            "uuid" => json!(task.prompt()?.uuid),
            "new_uuid" => json!(self.session.new_uuid()),
            "session_id" => json!(self.session.id),
            "model" => json!(self.session.model),
            "permission_mode" => json!(self.session.permission_mode),
            "cwd" => json!(self.session.cwd),
            "pid" => json!(std::process::id()),
            "argv" => json!(self.session.argv),
            "n" => json!(self.session.turns),
            "i" => json!(task.round()),
            "answer" => task.answer.clone(),
            "answers" => json!(self.answers),
            "env" => return std::env::var(path?).ok().map(Value::String),
            "request_id" | "request" => {
                let Cause::Control { id, request } = &task.cause else { return None };
                if head == "request" { request.clone() } else { json!(id) }
            }
            _ => return None,
        };
        match path {
            Some(path) => template::member(&value, path).cloned(),
            None => Some(value),
        }
    }
}

fn turn_result(text: String, overrides: Value) -> Action {
    Action::Result(merged(json!({"result": text}), &overrides))
}

/// Text that arrives in pieces: stream events if the host wants them, then the whole.
fn stream_steps(text: &str, deltas: usize, delay: Duration) -> Steps {
    let chars: Vec<char> = text.chars().collect();
    let cut = |piece: usize| chars.len() * piece / deltas;
    let mut steps = Vec::with_capacity(2 * deltas + 1);
    for piece in 0..deltas {
        if !delay.is_zero() {
            steps.push(Action::Sleep(delay));
        }
        steps.push(Action::Delta(chars[cut(piece)..cut(piece + 1)].iter().collect()));
    }
    steps.push(Action::Whole(text.to_owned()));
    steps.into()
}

fn stderr_bytes(count: usize) {
    let line = [b"e".repeat(99), b"\n".to_vec()].concat();
    let mut stderr = std::io::stderr().lock();
    let mut left = count;
    while left > 0 {
        let now = left.min(line.len());
        // A host that closed stderr is what some scripts are about.
        if stderr.write_all(&line[line.len() - now..]).is_err() {
            return;
        }
        left -= now;
    }
}
