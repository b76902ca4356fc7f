//! One call of a tool: answered once, by any thread, now or later.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

use super::server::Tool;
use super::{Host, Task, content, rounding};
use crate::error::{Error, Result, Status};
use crate::log;
use crate::protocol::tree;
use crate::sync::{MutexGuard, lock, ranked};

/// Sends the result to the CLI.
pub type Reply = Box<dyn FnOnce(&Value) -> Result<()> + Send>;

/// Called when the answer is no longer wanted, with the call's number.
pub type OnCancel = Box<dyn FnOnce(u64) + Send>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Answered,
    /// Cancelled by the CLI.
    Cancelled,
    /// The session has ended.
    Closed,
}

struct State {
    phase: Phase,
    content: Vec<Value>,
    structured: Option<Value>,
    meta: Option<Value>,
    on_cancel: Option<OnCancel>,
    reply: Option<Reply>,
    /// Whether the call holds one of the tool's slots for open calls.
    has_slot: bool,
}

ranked!(State: ToolCall);

impl State {
    fn result(&mut self, text: Option<&str>, is_error: bool) -> Value {
        let mut content = std::mem::take(&mut self.content);
        content.extend(text.map(content::text));
        let structured = self.structured.take();
        if let (true, Some(structured)) = (content.is_empty(), &structured) {
            content.push(content::text(&structured.to_string()));
        }
        let mut result = json!({"content": content, "isError": is_error});
        if let Some(structured) = structured {
            result["structuredContent"] = structured;
        }
        if let Some(meta) = self.meta.take() {
            result["_meta"] = meta;
        }
        result
    }
}

/// What a call is created from.
pub struct Start {
    pub tool: Arc<Tool>,
    pub server: String,
    /// The arguments as the CLI wrote them.
    pub arguments: String,
    /// The call's `_meta` as JSON.
    pub meta: Value,
    pub host: Arc<dyn Host>,
    pub reply: Reply,
}

pub struct Call {
    number: u64,
    tool: Arc<Tool>,
    token: usize,
    server: String,
    // NUL-terminated strings.
    name: Box<[u8]>,
    arguments: Box<[u8]>,
    meta: String,
    /// The whole document, built on first use.
    json: OnceLock<Box<[u8]>>,
    progress_token: Option<Value>,
    host: Arc<dyn Host>,
    state: Mutex<State>,
}

fn with_nul(text: String) -> Box<[u8]> {
    let mut bytes = text.into_bytes();
    bytes.push(0);
    bytes.into_boxed_slice()
}

impl Call {
    pub fn new(start: Start) -> Arc<Call> {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let state = State {
            phase: Phase::Open,
            content: Vec::new(),
            structured: None,
            meta: None,
            on_cancel: None,
            reply: Some(start.reply),
            has_slot: false,
        };
        Arc::new(Call {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            token: start.tool.function().map_or(0, |function| function.token()),
            name: with_nul(start.tool.name.clone()),
            server: start.server,
            arguments: with_nul(start.arguments),
            progress_token: start.meta.get("progressToken").cloned(),
            meta: match start.meta {
                Value::Null => "{}".to_owned(),
                meta => meta.to_string(),
            },
            json: OnceLock::new(),
            tool: start.tool,
            host: start.host,
            state: Mutex::new(state),
        })
    }

    /// A slot is free: the call goes to the host, unless it has ended while it waited.
    pub(super) fn deliver(self: Arc<Self>) {
        let is_open = {
            let mut state = lock(&self.state);
            state.has_slot = true;
            state.phase == Phase::Open
        };
        if is_open {
            self.warn_of(
                || rounding::doubtful(&String::from_utf8_lossy(&self.arguments)).map(str::to_owned),
                "arguments",
            );
        }
        if is_open { self.host.clone().deliver(Task::Run(self)) } else { self.release() }
    }

    /// Unique within the process.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The `user_data` of the tool.
    pub fn token(&self) -> usize {
        self.token
    }

    pub fn name(&self) -> &[u8] {
        &self.name
    }

    pub fn arguments(&self) -> &[u8] {
        &self.arguments
    }

    /// The document of `claude_tool_call_json`, with its NUL.
    pub fn json(&self) -> &[u8] {
        self.json.get_or_init(|| with_nul(self.describe()))
    }

    /// The call as the text of an event.
    pub fn describe(&self) -> String {
        let text = |text: &[u8]| String::from_utf8_lossy(&text[..text.len() - 1]).into_owned();
        format!(
            r#"{{"id":{},"server":{},"name":{},"arguments":{},"meta":{}}}"#,
            self.number,
            Value::from(self.server.as_str()),
            Value::from(text(&self.name)),
            text(&self.arguments),
            self.meta
        )
    }

    /// Calls the tool's function.
    pub(super) fn run(self: Arc<Self>) {
        if lock(&self.state).phase != Phase::Open {
            return self.release();
        }
        match self.tool.function() {
            Some(function) if function.is_callable() => function.call(self),
            Some(_) => self.refuse("The host has no function for this tool."),
            None => self.refuse_removed(),
        }
    }

    pub fn is_cancelled(&self) -> bool {
        matches!(lock(&self.state).phase, Phase::Cancelled | Phase::Closed)
    }

    /// Registers a callback for when the answer is no longer wanted; called at once if that is already so.
    pub fn on_cancel(&self, call: OnCancel) -> Result<()> {
        if !self.host.has_callbacks() {
            return Err(Error::new(Status::Unsupported, "in PULL mode nobody runs callbacks")
                .with("remedy", "wait for CLAUDE_EVENT_TOOL_CALL_CANCELLED with this call's id"));
        }
        let mut state = lock(&self.state);
        match state.phase {
            Phase::Open => {
                let old = state.on_cancel.replace(call);
                drop(state);
                drop(old);
            }
            Phase::Answered => {}
            Phase::Cancelled | Phase::Closed => {
                drop(state);
                call(self.number);
            }
        }
        Ok(())
    }

    pub fn add_text(&self, text: &str) -> Result<()> {
        self.add(content::text(text))
    }

    pub fn add_image(&self, bytes: &[u8], mime_type: &str) -> Result<()> {
        self.add(content::image(bytes, mime_type)?)
    }

    pub fn add_block(&self, block: &str) -> Result<()> {
        self.add(content::block(block)?)
    }

    fn add(&self, block: Value) -> Result<()> {
        self.open_state()?.content.push(block);
        Ok(())
    }

    pub fn set_structured(&self, json: &str) -> Result<()> {
        let value = parse_object(json)?;
        self.open_state()?.structured = Some(value);
        self.warn_of(|| rounding::inexact(json).map(str::to_owned), "structured content");
        Ok(())
    }

    /// Warns, once for each tool, of a whole number that the CLI has rounded or will round.
    fn warn_of(&self, number: impl FnOnce() -> Option<String>, place: &str) {
        if self.tool.warned_of_rounding.load(Ordering::Relaxed) {
            return;
        }
        let Some(number) = number() else { return };
        if self.tool.warned_of_rounding.swap(true, Ordering::Relaxed) {
            return;
        }
        let name = String::from_utf8_lossy(&self.name[..self.name.len() - 1]);
        let text =
            format!("the CLI rounds whole numbers from 2^53 on: {number} in the {place} of the tool {name}");
        let remedy =
            "pass such numbers as texts; claude_tool_call_add_text hands them to the model as they are";
        self.host.warn(
            json!({"event": "number_rounded", "text": text, "tool": name, "number": number, "place": place,
            "remedy": remedy}),
        );
    }

    pub fn set_meta(&self, json: &str) -> Result<()> {
        let value = parse_object(json)?;
        self.open_state()?.meta = Some(value);
        Ok(())
    }

    /// Reports progress to the CLI. Does nothing if the CLI did not ask for it.
    pub fn progress(&self, progress: f64, total: f64, message: Option<&str>) -> Result<()> {
        if !progress.is_finite() || !total.is_finite() {
            return Err(Error::new(Status::InvalidArgument, "progress and total must be finite numbers")
                .with("argument", "progress"));
        }
        // Held while writing, so that no progress follows the answer.
        let _state = self.open_state()?;
        let Some(token) = &self.progress_token else { return Ok(()) };
        let mut params = json!({"progressToken": token, "progress": progress});
        if total > 0.0 {
            params["total"] = total.into();
        }
        if let Some(message) = message {
            params["message"] = message.into();
        }
        self.host.notify(
            &self.server,
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}),
        )
    }

    /// Answers with the blocks added so far, and with this text.
    pub fn finish(&self, text: Option<&str>) -> Result<()> {
        self.answer(|state| state.result(text, false))
    }

    /// Answers that the tool failed, with the blocks added so far.
    pub fn fail(&self, message: &str) -> Result<()> {
        self.answer(|state| state.result(Some(message), true))
    }

    fn refuse(&self, message: &str) {
        let _ = self.fail(message);
    }

    pub fn refuse_removed(&self) {
        self.refuse("The tool was removed.");
    }

    /// The host has released the call: whatever its state, its slot is freed. An open call fails.
    pub fn release(&self) {
        self.refuse("The host did not answer.");
    }

    fn answer(&self, result: impl FnOnce(&mut State) -> Value) -> Result<()> {
        let mut state = lock(&self.state);
        // Also after a cancellation: the function was running until now.
        let had_slot = std::mem::take(&mut state.has_slot);
        let mut on_cancel = None;
        let mut outcome = check_open(state.phase);
        if outcome.is_ok() {
            state.phase = Phase::Answered;
            on_cancel = state.on_cancel.take();
            let result = result(&mut state);
            outcome = state.reply.take().map_or(Ok(()), |reply| reply(&result));
            // The cancellation or the end came first, and was about to reach this call.
            if let Err(error) = &outcome {
                state.phase = if error.status == Status::Stale { Phase::Cancelled } else { Phase::Closed };
            }
        }
        drop(state);
        drop(on_cancel);
        if had_slot {
            self.tool.leave();
        }
        outcome
    }

    /// The CLI no longer wants the answer.
    pub(super) fn cancel(self: &Arc<Self>) {
        self.end(Phase::Cancelled);
    }

    /// The session ends.
    pub(super) fn close(self: &Arc<Self>) {
        self.end(Phase::Closed);
    }

    fn end(self: &Arc<Self>, phase: Phase) {
        let (on_cancel, has_slot) = {
            let mut state = lock(&self.state);
            if state.phase != Phase::Open {
                return;
            }
            state.phase = phase;
            state.reply = None;
            (state.on_cancel.take(), state.has_slot)
        };
        log::debug(|| {
            let name = String::from_utf8_lossy(&self.name[..self.name.len() - 1]);
            format!("call {} of {name} ends without an answer of the host", self.number)
        });
        if !has_slot {
            // The host has not seen it.
            self.tool.forget(self.number);
        } else if on_cancel.is_some() || !self.host.has_callbacks() {
            self.host.deliver(Task::Cancelled(self.clone(), on_cancel));
        }
    }

    fn open_state(&self) -> Result<MutexGuard<'_, State>> {
        let state = lock(&self.state);
        check_open(state.phase)?;
        Ok(state)
    }
}

fn check_open(phase: Phase) -> Result<()> {
    match phase {
        Phase::Open => Ok(()),
        Phase::Answered => Err(Error::new(Status::Stale, "the call was answered already")),
        Phase::Cancelled => Err(Error::new(Status::Stale, "the call was withdrawn by the CLI")),
        Phase::Closed => Err(Error::new(Status::Closed, "the session that called has ended")),
    }
}

const STILL_OPEN: &str = "the call is still open: pass a JSON text";

fn parse_object(json: &str) -> Result<Value> {
    let value = tree::parse(json).map_err(|fault| fault.refusal("object_json", STILL_OPEN))?;
    if value.is_object() {
        return Ok(value);
    }
    Err(Error::new(Status::InvalidArgument, "object_json is not a JSON object")
        .with("argument", "object_json"))
}
