//! Control requests to the CLI: matched by id in any order, each with its own deadline.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::sync::{Notify, oneshot};

use super::Client;
use super::life::{Call, Event};
use crate::dispatch::{Completion, Listener, Outcome, Waiter};
use crate::error::{Error, Result, Status};
use crate::log;
use crate::protocol::{control, tolerant};
use crate::sync::gate::Slot;
use crate::sync::{lock, ranked};

const MONTH_MS: u64 = 30 * 86_400_000;

/// How many expired requests that may have cancelled prompts are remembered.
const HISTORY_LEN: usize = 64;

/// What to do if a turn does not end after an interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escalation {
    None,
    Disconnect,
    Kill,
}

/// The recipient of the reply.
enum Asker {
    Host(Completion),
    Session(oneshot::Sender<Outcome>),
    /// The state machine, which is notified by the thread that reads the answer.
    Begin,
}

impl Asker {
    fn answer(self, outcome: Outcome) {
        match self {
            Asker::Host(completion) => completion.complete(outcome),
            Asker::Session(sender) => drop(sender.send(outcome)),
            // When all requests are failed at once, the state machine has already moved on.
            Asker::Begin => {}
        }
    }
}

struct Open {
    asker: Asker,
    subtype: String,
    /// The prompt that the request is about.
    prompt: Option<String>,
    sent: Instant,
    deadline: Option<Instant>,
}

impl Open {
    fn may_withdraw(&self) -> bool {
        matches!(&*self.subtype, "cancel_async_message" | "interrupt")
    }
}

#[derive(Default)]
struct Table {
    open: HashMap<String, Open>,
    /// Expired requests, newest first, with their prompts: a prompt that the CLI cancels has no result, however late the reply.
    late: VecDeque<(String, Option<String>)>,
    /// When the deadlines are next checked, if a task is checking them.
    watched: Option<Instant>,
    /// Set when the session has ended: no more requests are accepted.
    ended: Option<Arc<Error>>,
}

ranked!(Table: Control);

impl Table {
    /// Takes out a request whose deadline has passed.
    fn give_up(&mut self, id: &str) -> Option<Open> {
        let mut open = self.open.remove(id)?;
        if open.may_withdraw() {
            self.late.truncate(HISTORY_LEN - 1);
            self.late.push_front((id.to_owned(), open.prompt.take()));
        }
        Some(open)
    }
}

/// The open control requests of one session.
#[derive(Default)]
pub struct Control {
    table: Mutex<Table>,
    next: AtomicU64,
    changed: Arc<Notify>,
}

impl Control {
    pub fn has_open(&self) -> bool {
        !lock(&self.table).open.is_empty()
    }

    /// The subtype and start time of each open request; oldest first.
    pub fn waiting(&self) -> Vec<(String, Instant)> {
        let table = lock(&self.table);
        let mut waiting: Vec<_> = table.open.values().map(|open| (open.subtype.clone(), open.sent)).collect();
        waiting.sort_by_key(|(_, sent)| *sent);
        waiting
    }

    /// The id of the request; one that comes too late is completed with the reason.
    fn add(&self, open: Open) -> Option<String> {
        let id = format!("req_{}", self.next.fetch_add(1, Ordering::Relaxed) + 1);
        let mut table = lock(&self.table);
        let Some(cause) = table.ended.clone() else {
            table.open.insert(id.clone(), open);
            return Some(id);
        };
        drop(table);
        open.asker.answer(Err((*cause).clone()));
        None
    }

    /// A line that ends the turn and removes the queued prompts, for when nobody waits for a reply any more.
    pub fn last_interrupt(&self) -> String {
        let id = format!("req_{}", self.next.fetch_add(1, Ordering::Relaxed) + 1);
        let mut request = Map::new();
        request.insert("subtype".into(), "interrupt".into());
        request.insert("cancel_queued".into(), true.into());
        control::request_line(&id, &request)
    }

    fn remove(&self, id: &str) -> Option<Open> {
        lock(&self.table).open.remove(id)
    }

    fn give_up(&self, id: &str) -> Option<Open> {
        lock(&self.table).give_up(id)
    }

    /// The prompt of an expired request; `None` if the request did not expire.
    fn take_late(&self, id: &str) -> Option<Option<String>> {
        let late = &mut lock(&self.table).late;
        let at = late.iter().position(|(late, _)| late == id)?;
        late.remove(at).map(|(_, prompt)| prompt)
    }

    /// Fails all open requests with `cause`, and every later one.
    pub fn end(&self, cause: &Arc<Error>) {
        let open = {
            let mut table = lock(&self.table);
            table.ended.get_or_insert_with(|| cause.clone());
            std::mem::take(&mut table.open)
        };
        for open in open.into_values() {
            open.asker.answer(Err((**cause).clone().with("request", open.subtype)));
        }
        self.changed.notify_one();
    }

    /// Fails the open requests, but accepts new ones.
    pub fn end_open(&self, cause: &Error) {
        let open = std::mem::take(&mut lock(&self.table).open);
        open.into_values().for_each(|open| open.asker.answer(Err(cause.clone())));
    }

    /// Fails the requests whose deadline has passed; returns the next deadline, if any.
    fn expire(&self) -> Option<Instant> {
        let now = Instant::now();
        let (expired, next) = {
            let mut table = lock(&self.table);
            let ids: Vec<String> = table
                .open
                .iter()
                .filter(|(_, open)| open.deadline.is_some_and(|deadline| deadline <= now))
                .map(|(id, _)| id.clone())
                .collect();
            let expired: Vec<Open> = ids.iter().filter_map(|id| table.give_up(id)).collect();
            let next = table.open.values().filter_map(|open| open.deadline).min();
            table.watched = next;
            (expired, next)
        };
        for open in expired {
            log::warning(|| format!("the CLI did not answer the control request {} in time", open.subtype));
            let error = timed_out(&open.subtype);
            open.asker.answer(Err(error));
        }
        next
    }
}

fn timed_out(subtype: &str) -> Error {
    Error::new(Status::Timeout, format!("the CLI did not answer the control request {subtype} in time"))
        .with("phase", "control")
        .with("request", subtype)
        .with("remedy", "raise the option control_timeout_ms, and timeout_ms where the call waits; a late answer is dropped")
}

impl Client {
    /// Sends a control request; `completion` gets the reply, or a timeout after the option `control_timeout_ms`.
    pub fn control(&self, request: Map<String, Value>, completion: Completion) -> Result<()> {
        let _hold = self.hold()?;
        self.check(Call::Control)?;
        let deadline = Instant::now() + self.options.control_timeout.max(own_time(&request));
        if let Some(id) = self.send_control(&request, Asker::Host(completion.accept()), Some(deadline)) {
            self.watch_deadlines(&id);
        }
        Ok(())
    }

    /// Like [`Client::control`], but waits for the reply. `wait` `None` = for ever.
    pub fn control_wait(&self, request: Map<String, Value>, wait: Option<Duration>) -> Outcome {
        self.dispatcher.check_may_wait()?;
        self.check(Call::Control)?;
        let waiter = Arc::new(Waiter::default());
        let completion = self.completion(Listener::Wait(waiter.clone()));
        let subtype = subtype(&request);
        let id = self.send_control(&request, Asker::Host(completion.accept()), None);
        match self.told_in_time(&waiter, wait) {
            Some(outcome) => outcome,
            None => {
                // The reply may have just arrived.
                let given_up = id.is_some_and(|id| self.control.give_up(&id).is_some());
                waiter.give_up(given_up).unwrap_or_else(|| Err(timed_out(&subtype)))
            }
        }
    }

    /// The `initialize` request of this session, with the hooks: sent again, it gets a fresh answer.
    pub fn reinitialize_request(&self) -> Result<Map<String, Value>> {
        self.check(Call::Control)?;
        self.initialize.get().cloned().ok_or_else(|| Error::new(Status::NotConnected, "not connected"))
    }

    /// Replaces the stored answer to `initialize` with a fresh one.
    fn take_server_info(&self, info: &str) -> Result<()> {
        self.check_hooks(info).inspect_err(|error| self.poison(error))?;
        lock(&self.state).server_info = Some(info.to_owned());
        Ok(())
    }

    /// Escalates if the turn that is being interrupted has not ended by the deadline.
    pub fn watch_turn(&self, deadline: Duration, escalate: Escalation) {
        if escalate == Escalation::None {
            return;
        }
        let Some(turn) = self.turn_in_progress() else { return };
        let me = self.me.clone();
        let _ = self.spawn(async move {
            tokio::time::sleep(deadline).await;
            let Some(client) = me.upgrade() else { return };
            client.catch_up().await;
            // A client that is being freed closes itself.
            let Some(_pass) = client.dispatcher.gate.enter(Slot::Completion) else { return };
            client.happens(Event::Turn(client.is_at_work()));
            // Checked atomically: otherwise a result arriving in between would let this close a healthy session.
            let _ = client.calls(Event::Overdue { kill: escalate == Escalation::Kill }, || {
                match client.turn_goes_on(&turn) {
                    true => Ok(()),
                    false => Err(Error::new(Status::NotFound, "the turn has ended")),
                }
            });
        });
    }

    /// Sends the `initialize` request.
    pub(super) fn begin_control(&self, initialize: &Map<String, Value>) {
        self.send_control(initialize, Asker::Begin, None);
    }

    /// For the session's own requests, on the runtime.
    pub(super) async fn control_internal(
        &self,
        request: &Map<String, Value>,
        deadline: Option<Instant>,
    ) -> Outcome {
        answer_of(self.ask(request, deadline)).await
    }

    /// Sends a request of the session's own; [`answer_of`] awaits the answer.
    pub(super) fn ask(
        &self,
        request: &Map<String, Value>,
        deadline: Option<Instant>,
    ) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        let id = self.send_control(request, Asker::Session(sender), deadline);
        if let (Some(id), Some(_)) = (id, deadline) {
            self.watch_deadlines(&id);
        }
        receiver
    }

    /// Registers and writes. A request that cannot be written completes with the reason.
    fn send_control(
        &self,
        request: &Map<String, Value>,
        asker: Asker,
        deadline: Option<Instant>,
    ) -> Option<String> {
        let prompt = request.get("message_uuid").and_then(Value::as_str).map(str::to_owned);
        let subtype = subtype(request);
        let is_interrupt = subtype == "interrupt";
        let open = Open { asker, subtype, prompt, sent: Instant::now(), deadline };
        let id = self.control.add(open)?;
        if is_interrupt {
            self.run.interrupt_asked();
        }
        // A reader that has stopped at the queue's bound continues, to get the reply.
        self.dispatcher.bound.tell_room();
        self.watch_stalls();
        match self.write_line(control::request_line(&id, request)) {
            Ok(()) => Some(id),
            Err(error) => {
                match self.control.remove(&id) {
                    Some(Open { asker: Asker::Begin, .. }) => self.initialize_not_sent(error),
                    Some(open) => answer(open, Err(error)),
                    None => {}
                }
                None
            }
        }
    }

    /// The reply to `id`. A reply that nobody waits for any more is dropped, except for the prompts that it cancels.
    pub(super) fn control_answered(&self, id: &str, outcome: Outcome) {
        log::debug(|| {
            format!("{id} was answered: {}", outcome.as_ref().map_or_else(|error| &*error.message, |_| "ok"))
        });
        let Some(open) = self.control.remove(id) else {
            if let (Some(prompt), Ok(reply)) = (self.control.take_late(id), outcome) {
                self.take_withdrawn(prompt.as_deref(), &reply);
            }
            return;
        };
        if matches!(open.asker, Asker::Begin) {
            if outcome.is_ok() {
                self.stats.control_answered(open.sent.elapsed(), &open.subtype);
            }
            let outcome = outcome.map_err(|error| with_remedy(error).with("request", open.subtype));
            return self.initialize_answered(outcome);
        }
        let outcome = outcome.and_then(|reply| {
            self.stats.control_answered(open.sent.elapsed(), &open.subtype);
            if open.subtype == "initialize" {
                self.take_server_info(&reply)?;
            } else if open.may_withdraw() {
                self.take_withdrawn(open.prompt.as_deref(), &reply);
            }
            Ok(reply)
        });
        answer(open, outcome);
    }

    /// Prompts that the CLI has removed from its queue have no result. Not every CLI also reports that in a frame.
    fn take_withdrawn(&self, prompt: Option<&str>, reply: &str) {
        // Other members may be nested too deeply for a parser.
        match tolerant::member(reply, &["cancelled"]) {
            Some(Value::Bool(true)) => prompt.into_iter().for_each(|uuid| self.prompt_withdrawn(uuid)),
            Some(Value::Array(uuids)) => {
                uuids.iter().filter_map(Value::as_str).for_each(|uuid| self.prompt_withdrawn(uuid));
            }
            _ => {}
        }
    }

    fn watch_deadlines(&self, id: &str) {
        let mut table = lock(&self.control.table);
        let Some(deadline) = table.open.get(id).and_then(|open| open.deadline) else { return };
        let watched = table.watched;
        if watched.is_some_and(|next| next <= deadline) {
            return;
        }
        table.watched = Some(deadline);
        drop(table);
        if watched.is_some() {
            self.control.changed.notify_one();
            return;
        }
        let (me, changed) = (self.me.clone(), self.control.changed.clone());
        let watching = self.spawn(async move {
            loop {
                let Some(client) = me.upgrade() else { return };
                // A client that is being freed ends its requests itself.
                let Some(pass) = client.dispatcher.gate.enter(Slot::Completion) else { return };
                let Some(next) = client.control.expire() else { return };
                drop(pass);
                drop(client);
                tokio::select! {
                    biased;
                    () = tokio::time::sleep_until(next.into()) => {
                        let Some(client) = me.upgrade() else { return };
                        client.catch_up().await;
                    }
                    () = changed.notified() => {}
                }
            }
        });
        if watching.is_err() {
            lock(&self.control.table).watched = None;
        }
    }
}

pub(super) async fn answer_of(asked: oneshot::Receiver<Outcome>) -> Outcome {
    asked.await.unwrap_or_else(|_| Err(Error::new(Status::Cancelled, "the session is closing")))
}

fn answer(open: Open, outcome: Outcome) {
    open.asker.answer(outcome.map_err(|error| with_remedy(error).with("request", open.subtype)));
}

/// The CLI names an unsupported feature; the remedy depends on how it was started.
fn with_remedy(error: Error) -> Error {
    let remedy = match error.detail("code").and_then(Value::as_str) {
        Some("bypass_not_launched") => {
            "set the option allow_dangerously_skip_permissions to true before connecting; as the root user the CLI refuses it"
        }
        Some("invalid_mode") => "pass one of default, acceptEdits, plan, bypassPermissions, dontAsk and auto",
        _ => return error,
    };
    error.with("remedy", remedy)
}

/// The timeout of a request that specifies its own. The CLI enforces that one itself, and its answer is worth waiting for.
fn own_time(request: &Map<String, Value>) -> Duration {
    const SLACK: Duration = Duration::from_secs(5);
    let own = request.get("timeout_ms").and_then(Value::as_u64);
    own.map_or(Duration::ZERO, |own| Duration::from_millis(own.min(MONTH_MS)) + SLACK)
}

fn subtype(request: &Map<String, Value>) -> String {
    request.get("subtype").and_then(Value::as_str).unwrap_or_default().to_owned()
}
