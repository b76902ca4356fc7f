//! Requests from the CLI to the host. Each is answered exactly once, and every way of not answering is a refusal.

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
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::error::{Error, Result, Status};
use crate::protocol::control::{self, Inbound};
use crate::protocol::tolerant;
use crate::sync::{Mutex, MutexGuard, lock, ranked};

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

/// What happens to a request whose deadline passes. There is no "allow": silence is never consent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeoutAction {
    /// The refusal that fits the kind.
    #[default]
    Deny,
    /// An error response; a hook is refused nevertheless.
    Error,
}

impl TimeoutAction {
    /// Parses the value of the option `request_timeout_action`.
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

    /// The request ended without the host's answer; the host is to be notified.
    fn ended(&self, request: Arc<Request>);

    /// Schedules [`Request::expire`] for that time, unless the returned value has been dropped by then.
    fn expire_at(&self, request: Weak<Request>, time: Instant) -> Option<Timer>;

    /// The request with this number has ended, in whatever way.
    fn settled(&self, wire_id: &str, number: u64);

    /// What happens to a request at its deadline.
    fn timeout_action(&self) -> TimeoutAction;

    /// Something that is allowed but probably not intended.
    fn warn(&self, document: Value);

    /// `false` if everything is delivered as events.
    fn runs_callbacks(&self) -> bool;
}

/// Keeps a timer running.
pub type Timer = Box<dyn Any + Send>;

/// Called when the request ends without the host's answer, with the request's number.
pub type OnCancel = Box<dyn FnOnce(u64) + Send>;

/// The state of a request; the numbers of `claude_request_state_t`.
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
    /// `None` = the session's default.
    action: Option<TimeoutAction>,
    timer: Option<Timer>,
    /// How many handles the host holds.
    handles: usize,
}

ranked!(State: Request);

/// What the session keeps alive as long as a request.
pub type Kept = Box<dyn Any + Send + Sync>;

/// Which registration of the host a request is for, looked up once on arrival.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Target {
    /// The number of the hook or of the server that the host implements itself; `None` if the request has no
    /// registration of its own.
    pub registration: Option<usize>,
    /// The `user_data` of that registration.
    pub token: usize,
}

/// One request of the CLI.
pub struct Request {
    me: Weak<Request>,
    number: u64,
    kind: RequestKind,
    wire_id: String,
    subtype: String,
    /// The request as the CLI wrote it, with a trailing NUL.
    text: Box<[u8]>,
    since: Instant,
    target: Target,
    delivered: AtomicBool,
    state: Mutex<State>,
    session: Weak<dyn Session>,
    /// Lives as long as the request.
    _kept: Option<Kept>,
}

impl Request {
    pub fn new(
        inbound: Inbound,
        session: Weak<dyn Session>,
        target: Target,
        kept: Option<Kept>,
    ) -> Arc<Request> {
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
            target,
            delivered: AtomicBool::new(false),
            state: Mutex::new(state),
            session,
            _kept: kept,
        })
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

    /// When it arrived.
    pub fn since(&self) -> Instant {
        self.since
    }

    pub fn target(&self) -> Target {
        self.target
    }

    pub fn token(&self) -> usize {
        self.target.token
    }

    /// The request's JSON followed by a NUL.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    pub fn json(&self) -> &str {
        std::str::from_utf8(&self.text[..self.text.len() - 1]).unwrap_or("{}")
    }

    /// The MCP server that the CLI addresses.
    pub fn server_name(&self) -> String {
        self.word(&["server_name"]).unwrap_or_default()
    }

    /// The event of a hook request.
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

    /// Whether it ended without the host's answer.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.phase(), Phase::Withdrawn | Phase::Expired | Phase::Closed)
    }

    /// A callback of the host is about to receive it, or would if there were one.
    pub fn mark_delivered(&self) {
        self.delivered.store(true, Ordering::Release);
    }

    /// Whether a callback received it; from now on it is on its way to another one.
    pub fn take_delivered(&self) -> bool {
        self.delivered.swap(false, Ordering::AcqRel)
    }

    // Handles. While the host holds one, the request can be answered; releasing the last one refuses it.

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

    /// Nobody received the request, or will: it is refused, unless the host holds it some other way.
    pub fn refuse_unless_held(&self, why: &str) {
        self.refuse_unheld(lock(&self.state), why);
    }

    /// Whoever was about to answer no longer can: it is refused, whoever holds it.
    pub fn refuse(&self, why: &str) {
        let state = lock(&self.state);
        if state.phase == Phase::Open {
            let _ = self.write_answer(state, self.refusal(why));
        }
    }

    fn refuse_unheld(&self, state: MutexGuard<'_, State>, why: &str) {
        if state.handles == 0 && state.phase == Phase::Open {
            // Nobody is left to notify that the CLI is gone.
            let _ = self.write_answer(state, self.refusal(why));
        }
    }

    // Endings other than the host's answer.

    /// Registers a callback for when the request ends without an answer; called at once if it has.
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

    /// Whether a callback is registered for the end.
    pub fn has_on_cancel(&self) -> bool {
        lock(&self.state).on_cancel.is_some()
    }

    /// Notifies the host that the request has ended; once.
    pub fn notify_cancelled(&self) {
        let call = lock(&self.state).on_cancel.take();
        if let Some(call) = call {
            call(self.number);
        }
    }

    /// Drops the callback for the end.
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
        // Another thread may have set another deadline meanwhile; then its timer is the one to keep.
        let unused = if state.phase == Phase::Open && state.deadline == deadline {
            std::mem::replace(&mut state.timer, timer)
        } else {
            timer
        };
        drop(state);
        drop(unused);
        Ok(())
    }

    /// Refuses the request if its deadline has passed.
    pub fn expire(&self) {
        let why = "Nobody answered in time.";
        let default = self.session.upgrade().map_or(TimeoutAction::Deny, |session| session.timeout_action());
        let state = lock(&self.state);
        if state.deadline.is_none_or(|deadline| deadline > Instant::now()) {
            return;
        }
        let line = match state.action.unwrap_or(default) {
            // After an error the CLI would continue without the hook.
            TimeoutAction::Error if self.kind != RequestKind::Hook => {
                control::error_line(&self.wire_id, why, None)
            }
            _ => self.refusal(why),
        };
        self.end(state, Phase::Expired, Some(line));
    }

    /// The CLI no longer wants an answer. `false` if it already had one.
    fn withdraw(&self) -> bool {
        self.end(lock(&self.state), Phase::Withdrawn, None)
    }

    /// The session ends: a last answer is sent while the CLI still reads.
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

    /// As [`Request::respond`], for a payload built by the library: an object on one line.
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
        // Without one, the CLI uses its own.
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

    /// Writes under the lock, so that an answer and a withdrawal are ordered.
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
