//! What the CLI asks of the host. Each request is answered exactly once, and every way of not answering is a refusal.

pub mod events;
mod hook_answer;
pub mod matcher;
mod pattern;
mod pending;
mod questions;
mod refusal;
mod reply;
mod shape;
mod stranger;
mod updates;

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::error::{Error, Result, Status};
use crate::protocol::control::{self, Inbound};
use crate::protocol::tolerant;
use crate::sync::{Mutex, MutexGuard, lock};

pub use pending::Pending;

/// The numbers of `claude_request_kind_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum RequestKind {
    Other = 0,
    Permission = 1,
    Hook = 2,
    Mcp = 3,
    Elicitation = 4,
    Dialog = 5,
}

impl RequestKind {
    fn of(subtype: &str) -> RequestKind {
        match subtype {
            "can_use_tool" => RequestKind::Permission,
            "hook_callback" => RequestKind::Hook,
            "mcp_message" => RequestKind::Mcp,
            "elicitation" => RequestKind::Elicitation,
            "request_user_dialog" => RequestKind::Dialog,
            _ => RequestKind::Other,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            RequestKind::Other => "other",
            RequestKind::Permission => "permission",
            RequestKind::Hook => "hook",
            RequestKind::Mcp => "mcp",
            RequestKind::Elicitation => "elicitation",
            RequestKind::Dialog => "dialog",
        }
    }
}

/// What becomes of a request whose deadline passes. There is no "allow": silence is never consent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeoutAction {
    /// The refusal that fits the kind.
    #[default]
    Deny,
    /// An error response; a hook is refused all the same.
    Error,
}

impl TimeoutAction {
    /// By its word in the option `request_timeout_action`.
    pub fn of(word: &str) -> Result<TimeoutAction> {
        match word {
            "deny" => Ok(TimeoutAction::Deny),
            "error" => Ok(TimeoutAction::Error),
            _ => Err(Error::new(Status::InvalidArgument, format!("the action {word} is unknown"))
                .with("argument", "action")
                .with("remedy", "pass deny, error, or NULL for what the options say")),
        }
    }
}

/// The session that a request came in on.
pub trait Session: Send + Sync {
    /// Writes one line to the CLI.
    fn write_line(&self, line: String) -> Result<()>;

    /// The request ended without an answer of the host, which is to be told.
    fn ended(&self, request: Arc<Request>);

    /// [`Request::expire`] is to be called at that time, unless the returned value has been dropped by then.
    fn expire_at(&self, request: Weak<Request>, time: Instant) -> Option<Timer>;

    /// The request with this number has ended in whatever way.
    fn settled(&self, wire_id: &str, number: u64);

    /// What becomes of a request at its deadline.
    fn timeout_action(&self) -> TimeoutAction;

    /// Something that is allowed and probably not meant.
    fn warn(&self, document: Value);

    /// `false` where everything is an event.
    fn runs_callbacks(&self) -> bool;
}

/// Keeps a timer running.
pub type Timer = Box<dyn Any + Send>;

/// Called when the request ends without an answer of the host, with the request's number.
pub type OnCancel = Box<dyn FnOnce(u64) + Send>;

/// Where a request stands; the numbers of `claude_request_state_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Phase {
    Open = 0,
    Answered = 1,
    Withdrawn = 2,
    Expired = 3,
    Closed = 4,
}

struct State {
    phase: Phase,
    on_cancel: Option<OnCancel>,
    deadline: Option<Instant>,
    /// `None` = what the session says.
    action: Option<TimeoutAction>,
    timer: Option<Timer>,
    /// How many handles the host holds.
    handles: usize,
}

/// One request of the CLI.
pub struct Request {
    me: Weak<Request>,
    number: u64,
    kind: RequestKind,
    wire_id: String,
    subtype: String,
    /// The request as the CLI wrote it, with a NUL behind it.
    text: Box<[u8]>,
    since: Instant,
    /// The host's `user_data` of the hook that is called.
    token: usize,
    delivered: AtomicBool,
    state: Mutex<State>,
    session: Weak<dyn Session>,
    /// Lives as long as the request.
    kept: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Request {
    pub fn new(inbound: Inbound, session: Weak<dyn Session>, token: usize) -> Arc<Request> {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let mut text = inbound.request.into_bytes();
        text.push(0);
        let state = State {
            phase: Phase::Open,
            on_cancel: None,
            deadline: None,
            action: None,
            timer: None,
            handles: 0,
        };
        Arc::new_cyclic(|me| Request {
            me: me.clone(),
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            kind: RequestKind::of(&inbound.subtype),
            wire_id: inbound.id,
            subtype: inbound.subtype,
            text: text.into_boxed_slice(),
            since: Instant::now(),
            token,
            delivered: AtomicBool::new(false),
            state: Mutex::new(state),
            session,
            kept: OnceLock::new(),
        })
    }

    /// Keeps something, once, for as long as the request lives.
    pub fn keep(&self, kept: impl Any + Send + Sync) {
        let _ = self.kept.set(Box::new(kept));
    }

    /// Unique within the process.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The id on the wire.
    pub fn wire_id(&self) -> &str {
        &self.wire_id
    }

    pub fn kind(&self) -> RequestKind {
        self.kind
    }

    /// When it came.
    pub fn since(&self) -> Instant {
        self.since
    }

    pub fn token(&self) -> usize {
        self.token
    }

    /// The request's JSON followed by a NUL.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    pub fn json(&self) -> &str {
        std::str::from_utf8(&self.text[..self.text.len() - 1]).unwrap_or("{}")
    }

    /// Which MCP server the CLI speaks to.
    pub fn server_name(&self) -> String {
        self.word(&["server_name"]).unwrap_or_default()
    }

    /// The event that a hook is asked about.
    pub fn hook_event(&self) -> Option<String> {
        self.word(&["input", "hook_event_name"])
    }

    /// Which hook the CLI calls.
    pub fn callback_id(&self) -> String {
        self.word(&["callback_id"]).unwrap_or_default()
    }

    fn word(&self, path: &[&str]) -> Option<String> {
        tolerant::member(self.json(), path)?.as_str().map(str::to_owned)
    }

    pub fn phase(&self) -> Phase {
        lock(&self.state).phase
    }

    pub fn is_open(&self) -> bool {
        self.phase() == Phase::Open
    }

    /// Whether it ended without an answer of the host.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.phase(), Phase::Withdrawn | Phase::Expired | Phase::Closed)
    }

    /// A callback of the host is about to get it, or would if there were one.
    pub fn mark_delivered(&self) {
        self.delivered.store(true, Ordering::Release);
    }

    /// Whether a callback got it; from now on it is on its way to another one.
    pub fn take_delivered(&self) -> bool {
        self.delivered.swap(false, Ordering::AcqRel)
    }

    // Handles. As long as the host holds one, the request may be answered; the last one that goes refuses it.

    pub fn hold(&self) {
        lock(&self.state).handles += 1;
    }

    /// As [`Request::hold`], unless the request has ended.
    pub fn hold_if_open(&self) -> bool {
        let mut state = lock(&self.state);
        let open = state.phase == Phase::Open;
        state.handles += usize::from(open);
        open
    }

    pub fn release(&self) {
        let mut state = lock(&self.state);
        state.handles = state.handles.saturating_sub(1);
        self.refuse_unheld(state, "The host did not answer.");
    }

    /// Nobody got the request, or will: it is refused, unless the host holds it by another way.
    pub fn abandon(&self, why: &str) {
        self.refuse_unheld(lock(&self.state), why);
    }

    /// Whoever was about to answer cannot any more: it is refused, whoever holds it.
    pub fn refuse(&self, why: &str) {
        let state = lock(&self.state);
        if state.phase == Phase::Open {
            let _ = self.write_answer(state, self.refusal(why));
        }
    }

    fn refuse_unheld(&self, state: MutexGuard<'_, State>, why: &str) {
        if state.handles == 0 && state.phase == Phase::Open {
            // Nobody is left who could be told that the CLI is gone.
            let _ = self.write_answer(state, self.refusal(why));
        }
    }

    // Ends that are not the host's answer.

    /// Registers what is told when the request ends without an answer; called at once when it has.
    pub fn on_cancel(&self, call: OnCancel) -> Result<()> {
        if self.session.upgrade().is_some_and(|session| !session.runs_callbacks()) {
            return Err(Error::new(Status::Unsupported, "in PULL mode nobody runs callbacks")
                .with("remedy", "wait for CLAUDE_EVENT_REQUEST_CANCELLED"));
        }
        let mut state = lock(&self.state);
        match state.phase {
            Phase::Open => {
                let old = state.on_cancel.replace(call);
                drop(state);
                drop(old);
            }
            Phase::Answered => {}
            Phase::Withdrawn | Phase::Expired | Phase::Closed => {
                drop(state);
                call(self.number);
            }
        }
        Ok(())
    }

    /// Whether somebody waits to be told of the end.
    pub fn has_on_cancel(&self) -> bool {
        lock(&self.state).on_cancel.is_some()
    }

    /// Tells the host that the request has ended; once.
    pub fn tell_cancelled(&self) {
        let call = lock(&self.state).on_cancel.take();
        if let Some(call) = call {
            call(self.number);
        }
    }

    /// Nobody will be told any more.
    pub fn forget_on_cancel(&self) {
        let call = lock(&self.state).on_cancel.take();
        drop(call);
    }

    /// Refuses the request after `time` from now; `None` = never.
    pub fn set_deadline(&self, time: Option<Duration>, action: Option<TimeoutAction>) -> Result<()> {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        {
            let mut state = lock(&self.state);
            check_open(state.phase)?;
            state.deadline = deadline;
            state.action = action;
        }
        let session = self.session.upgrade();
        let timer =
            deadline.zip(session).and_then(|(time, session)| session.expire_at(self.me.clone(), time));
        let mut state = lock(&self.state);
        // Another thread may have set another deadline meanwhile, whose timer is the one to keep.
        let unused = if state.phase == Phase::Open && state.deadline == deadline {
            std::mem::replace(&mut state.timer, timer)
        } else {
            timer
        };
        drop(state);
        drop(unused);
        Ok(())
    }

    /// The request is refused if its deadline has passed.
    pub fn expire(&self) {
        let why = "Nobody answered in time.";
        let default = self.session.upgrade().map_or(TimeoutAction::Deny, |session| session.timeout_action());
        let state = lock(&self.state);
        if state.deadline.is_none_or(|deadline| deadline > Instant::now()) {
            return;
        }
        let line = match state.action.unwrap_or(default) {
            // After an error the CLI would go on without the hook.
            TimeoutAction::Error if self.kind != RequestKind::Hook => {
                control::error_line(&self.wire_id, why, None)
            }
            _ => self.refusal(why),
        };
        self.end(state, Phase::Expired, Some(line));
    }

    /// The CLI does not want an answer any more. `false` when it had one.
    fn withdraw(&self) -> bool {
        self.end(lock(&self.state), Phase::Withdrawn, None)
    }

    /// The session ends: the CLI gets a last word while it still listens.
    fn close(&self) {
        self.end(lock(&self.state), Phase::Closed, Some(self.refusal("The host is closing the session.")));
    }

    fn end(&self, mut state: MutexGuard<'_, State>, phase: Phase, last_word: Option<String>) -> bool {
        if state.phase != Phase::Open {
            return false;
        }
        state.phase = phase;
        let session = self.session.upgrade();
        if let (Some(session), Some(line)) = (&session, last_word) {
            let _ = session.write_line(line);
        }
        self.settle(state);
        match (session, self.me.upgrade()) {
            (Some(session), Some(me)) => session.ended(me),
            _ => self.forget_on_cancel(),
        }
        true
    }

    // The host's answers.

    /// Answers with the payload of a success response.
    pub fn respond(&self, payload: &str) -> Result<()> {
        let raw: &RawValue = serde_json::from_str(payload)
            .map_err(|cause| reply::wrong(format!("the answer is not JSON: {cause}"), ""))?;
        if !raw.get().starts_with('{') {
            return Err(reply::wrong("the answer is not a JSON object".into(), ""));
        }
        let event = self.hook_event();
        if self.kind == RequestKind::Mcp {
            reply::check_tools(self.json(), raw.get())?;
        }
        let payload = reply::checked(self.kind, event.as_deref(), raw.get())?;
        self.answer(control::success_line(&self.wire_id, &payload))
    }

    /// As [`Request::respond`], for a payload of the library's own: an object in one line.
    pub fn respond_checked(&self, payload: &str) -> Result<()> {
        self.answer(control::success_line(&self.wire_id, payload))
    }

    /// Answers with an error response.
    pub fn fail(&self, message: &str) -> Result<()> {
        self.answer(control::error_line(&self.wire_id, message, None))
    }

    /// Permission: lets the tool run, with its own input unless another is given.
    pub fn allow(&self, updated_input: Option<&str>, updated_permissions: Option<&str>) -> Result<()> {
        self.require_permission()?;
        let input = match updated_input {
            Some(text) => Some(reply::argument(text, "updated_input_json", '{')?),
            None => reply::own_input(self.json()).map(str::to_owned),
        };
        let updates = match updated_permissions {
            Some(text) => updates::checked(text, self.json())?,
            None => Ok(None),
        };
        let mut payload = r#"{"behavior":"allow""#.to_owned();
        // Without one, the CLI takes its own.
        if let Some(input) = input {
            payload.push_str(&format!(r#","updatedInput":{input}"#));
        }
        if let Ok(Some(updates)) = &updates {
            payload.push_str(&format!(r#","updatedPermissions":{updates}"#));
        }
        payload.push('}');
        self.answer(control::success_line(&self.wire_id, &payload))?;
        if let (Err(fault), Some(session)) = (updates, self.session.upgrade()) {
            session.warn(json!({
                "event": "permission_updates_dropped",
                "text": format!("the permission updates were left out, all of them: {fault}"),
                "request": self.number,
            }));
        }
        Ok(())
    }

    /// Permission: refuses. The model sees `message`; `interrupt` also ends its turn.
    pub fn deny(&self, message: &str, interrupt: bool) -> Result<()> {
        self.require_permission()?;
        let mut payload = json!({"behavior": "deny", "message": message});
        if interrupt {
            payload["interrupt"] = true.into();
        }
        self.answer(control::success_line(&self.wire_id, &payload.to_string()))
    }

    /// Permission for `AskUserQuestion`: the user's answers by position or by question.
    pub fn answer_questions(&self, answers: &str) -> Result<()> {
        self.require_permission()?;
        let input = reply::one_line(&questions::answered(self.json(), answers)?).into_owned();
        let payload = format!(r#"{{"behavior":"allow","updatedInput":{input}}}"#);
        self.answer(control::success_line(&self.wire_id, &payload))
    }

    fn refusal(&self, why: &str) -> String {
        refusal::line(self, why)
    }

    fn require_permission(&self) -> Result<()> {
        if self.kind == RequestKind::Permission {
            return Ok(());
        }
        Err(Error::new(
            Status::InvalidArgument,
            format!("a {} request cannot be allowed or denied", self.subtype),
        )
        .with("remedy", "answer it with claude_request_respond or claude_request_fail"))
    }

    fn answer(&self, line: String) -> Result<()> {
        let state = lock(&self.state);
        check_open(state.phase)?;
        self.write_answer(state, line)
    }

    /// Writes under the lock, so that an answer and a withdrawal have one order.
    fn write_answer(&self, mut state: MutexGuard<'_, State>, line: String) -> Result<()> {
        state.phase = Phase::Answered;
        let on_cancel = state.on_cancel.take();
        let written = match self.session.upgrade() {
            Some(session) => session.write_line(line),
            None => Err(closed()),
        };
        self.settle(state);
        drop(on_cancel);
        written
    }

    fn settle(&self, mut state: MutexGuard<'_, State>) {
        let timer = state.timer.take();
        drop(state);
        drop(timer);
        if let Some(session) = self.session.upgrade() {
            session.settled(&self.wire_id, self.number);
        }
    }
}

fn check_open(phase: Phase) -> Result<()> {
    let how = match phase {
        Phase::Open => return Ok(()),
        Phase::Closed => return Err(closed()),
        Phase::Answered => "answered already",
        Phase::Withdrawn => "withdrawn by the CLI",
        Phase::Expired => "refused when its deadline passed",
    };
    Err(Error::new(Status::Stale, format!("the request was {how}")))
}

fn closed() -> Error {
    Error::new(Status::Closed, "the session that asked has ended")
}

#[cfg(test)]
mod tests;
