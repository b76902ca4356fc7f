//! From the reader to the host: two ordered lanes, one queue, and the mode that says who runs the callbacks.
//!
//! The *message* lane carries what the application reads; the *request* lane carries what must not wait behind it: requests of
//! the CLI, their cancellation, and completions of asynchronous operations.

mod bound;
mod completion;
mod deliver;
mod fifo;
mod handlers;
mod lanes;
mod left;
mod next;
mod pump;
mod queue;
mod ready;
mod received;
mod waiter;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

pub use completion::{Completion, Done, Listener, Outcome};
pub use handlers::{
    ClosedHandler, MessageCall, MessageFn, MessageHandler, NotifyHandler, RequestHandler, Text, TextHandler,
};
pub use lanes::Lanes;
pub use next::{Event, EventKind};
pub use pump::{Budget, LATE};
pub use queue::{Entry, Lane, Step, Urgent};
pub use received::Prompts;
pub use waiter::Waiter;

use crate::error::{Error, Result, Status};
use crate::mcp;
use crate::panics::hold_cancellation;
use crate::place;
use crate::protocol::framing::Block;
use crate::protocol::kind::Kind;
use crate::requests::Request;
use crate::sync::gate::{Closing, Gate};
use crate::sync::{Condvar, lock};
use bound::Bound;
use handlers::Handlers;
use lanes::Arrivals;
use queue::{Lines, Queue};

/// Who runs the callbacks, with the numbers of `claude_dispatch_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    Thread = 0,
    Pump = 1,
    Pull = 2,
    Inline = 3,
}

impl Mode {
    pub fn from_number(number: i32) -> Option<Mode> {
        match number {
            0 => Some(Mode::Thread),
            1 => Some(Mode::Pump),
            2 => Some(Mode::Pull),
            3 => Some(Mode::Inline),
            _ => None,
        }
    }
}

/// Queue counters for the host.
#[derive(Debug, Default)]
pub struct Counters {
    pub messages: AtomicU64,
    pub message_bytes: AtomicU64,
    pub peak_queued_bytes: AtomicUsize,
    pub stderr_dropped: AtomicU64,
}

/// Set beside the mode's number once something has been registered; from then on the mode is fixed.
const REGISTERED: u8 = 0x80;

/// The receiving side of one client.
pub struct Dispatcher {
    /// A [`Mode`], possibly with [`REGISTERED`].
    mode: AtomicU8,
    pub gate: Gate,
    handlers: Handlers,
    owner: Owner,
    queue: Mutex<Queue>,
    /// Signals everything but entries: results, the end, a turn of the pump.
    changed: Condvar,
    arrivals: Arrivals,
    /// Something has arrived that takes precedence over messages. Set and cleared under the queue's lock.
    urgency: AtomicBool,
    /// The position of the delivery in its block of lines.
    position: AtomicUsize,
    pub bound: Bound,
    text_deltas: bool,
    pub counters: Counters,
}

fn mode_of(number: u8) -> Mode {
    Mode::from_number((number & !REGISTERED).into()).unwrap_or(Mode::Thread)
}

/// What the session provides to its dispatcher.
pub struct Owner {
    /// Receives every request of the CLI, and finds the host's callback for it.
    pub requests: RequestHandler,
    /// Makes the reader read once what has arrived, and waits for that. `false` if there is no reader.
    pub look: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Dispatcher {
    pub fn new(max_bytes: usize, text_deltas: bool, owner: Owner) -> Arc<Dispatcher> {
        Arc::new(Dispatcher {
            mode: AtomicU8::new(Mode::Thread as u8),
            gate: Gate::new(),
            handlers: Handlers::new(),
            owner,
            queue: Mutex::new(Queue::default()),
            changed: Condvar::new(),
            arrivals: Arrivals::default(),
            urgency: AtomicBool::new(false),
            position: AtomicUsize::new(0),
            bound: Bound::new(max_bytes),
            text_deltas,
            counters: Counters::default(),
        })
    }

    pub fn mode(&self) -> Mode {
        mode_of(self.mode.load(Ordering::Relaxed))
    }

    /// The caller ensures that nothing is queued yet. Refused once something has been registered, since the meaning of NULL
    /// there depends on the mode.
    pub fn set_mode(&self, mode: Mode) -> Result<()> {
        let change = |present| (present & REGISTERED == 0).then_some(mode as u8);
        match self.mode.fetch_update(Ordering::AcqRel, Ordering::Relaxed, change) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(
                Status::InvalidArgument,
                "something was registered before the dispatch mode was chosen",
            )
            .with("argument", "mode")
            .with("remedy", "call claude_client_set_dispatch right after claude_client_create")),
        }
    }

    /// A callback is being registered; from now on the mode is fixed. In PULL mode no callbacks run, and NULL means that the
    /// host wants the events.
    pub fn registering(&self, has_callback: bool) -> Result<Mode> {
        if has_callback && self.mode() == Mode::Pull {
            return Err(Error::new(Status::InvalidArgument, "in PULL mode nobody runs callbacks")
                .with("argument", "callback")
                .with(
                    "remedy",
                    "pass NULL, which asks for the events, and receive them by claude_client_next",
                ));
        }
        Ok(mode_of(self.mode.fetch_or(REGISTERED, Ordering::AcqRel)))
    }

    /// Refuses to wait on a thread that the awaited operation may need.
    pub fn check_may_wait(&self) -> Result<()> {
        place::check_may_wait()?;
        // In PULL mode the only passes of the gate are on threads that may not wait anyway.
        if self.mode() != Mode::Pull && self.gate.is_inside() {
            Err(place::WouldDeadlock.into())
        } else {
            Ok(())
        }
    }

    // Replacing callbacks. The old one is no longer running when these return, unless called inside a callback.

    pub fn on_message(&self, handler: Option<MessageHandler>) -> Result<()> {
        self.registering(handler.is_some())?;
        self.handlers.message.replace(&self.gate, handler);
        Ok(())
    }

    pub fn on_stderr(&self, handler: Option<TextHandler>) -> Result<()> {
        let handler = match self.registering(handler.is_some())? {
            Mode::Pull => Some(Arc::new(|_: Text<'_>| ()) as TextHandler),
            _ => handler,
        };
        self.handlers.stderr.replace(&self.gate, handler);
        Ok(())
    }

    pub fn on_closed(&self, handler: Option<ClosedHandler>) -> Result<()> {
        self.registering(handler.is_some())?;
        self.handlers.closed.replace(&self.gate, handler);
        Ok(())
    }

    /// The new handler is notified at once of what is already queued; inside a callback, the caller of that callback does it.
    pub fn on_ready(&self, handler: Option<NotifyHandler>) -> Result<()> {
        let mode = self.registering(false)?;
        self.handlers.ready.replace(&self.gate, handler);
        if matches!(mode, Mode::Pump | Mode::Pull) && !self.gate.is_inside() {
            self.tell_of_rest();
        }
        Ok(())
    }

    /// Calls the host's ready function if something is queued that no push will announce.
    fn tell_of_rest(&self) {
        if !lock(&self.queue).is_empty(Lanes::ALL) {
            self.handlers.ready.run(&self.gate, |handler| handler());
        }
    }

    /// Makes every waiting thread check again.
    fn notify_everybody(&self) {
        self.changed.notify_all();
        self.arrivals.notify(Lanes::ALL);
    }

    // Entry points for the session.

    pub fn push_messages(self: &Arc<Self>, block: Block) {
        self.counters.messages.fetch_add(block.lines.len() as u64, Ordering::Relaxed);
        self.counters.message_bytes.fetch_add(block.data.len() as u64, Ordering::Relaxed);
        self.push(Entry::Lines(Lines::new(block)));
    }

    /// An event made by the library; `text` ends with a NUL.
    pub fn push_event(self: &Arc<Self>, kind: Kind, text: Bytes) {
        self.push(Entry::Event(kind, text));
    }

    /// A line of the CLI's stderr. It never blocks the CLI: if the host does not keep up, lines are dropped and counted.
    pub fn push_stderr(self: &Arc<Self>, text: Bytes) {
        if !self.handlers.stderr.is_set() {
            return;
        }
        if self.bound.is_reached(0) {
            self.counters.stderr_dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.push(Entry::Stderr(text));
    }

    /// The last entry of the message lane: anything pushed later is dropped.
    pub fn push_closed(self: &Arc<Self>, cause: Option<Arc<Error>>) {
        self.push(Entry::Closed(cause));
    }

    pub fn push_request(self: &Arc<Self>, request: Arc<Request>) {
        self.push_urgent(Urgent::Request(request));
    }

    /// The request has ended without an answer from the host.
    pub fn push_withdrawn(self: &Arc<Self>, request: Arc<Request>) {
        // A handler that is registered later is told at once.
        if self.mode() != Mode::Pull && !request.has_on_cancel() {
            return;
        }
        self.push_urgent(Urgent::Withdrawn(request));
    }

    /// A step of a prompt stream: it may block, and then blocks only its own stream.
    pub fn push_step(self: &Arc<Self>, step: Step) -> Result<()> {
        if self.mode() == Mode::Pull {
            return Err(Error::new(Status::Unsupported, "in PULL mode nobody runs callbacks")
                .with("remedy", "send each prompt with claude_client_query"));
        }
        let mut queue = lock(&self.queue);
        if queue.discarding {
            drop(queue);
            return Ok(());
        }
        let first = queue.is_empty(Lanes::REQUESTS);
        queue.steps.push(step);
        self.after_push(queue, Lane::Prompts, first);
        Ok(())
    }

    /// A task for one of the host's tools. It may block, and then blocks only itself.
    pub fn push_tool(self: &Arc<Self>, task: mcp::Task) {
        let mut queue = lock(&self.queue);
        if queue.discarding {
            drop(queue);
            task.discard();
            return;
        }
        let first = queue.is_empty(Lanes::REQUESTS);
        let ending = matches!(task, mcp::Task::Cancelled(..));
        queue.tools.push(task);
        self.urgency.store(true, Ordering::Release);
        self.after_tool(queue, first);
        if ending {
            self.gate.announce();
        }
    }

    pub fn push_done(self: &Arc<Self>, done: Done) {
        self.push_urgent(Urgent::Done(done));
    }

    fn push(self: &Arc<Self>, entry: Entry) {
        let cost = entry.cost();
        let last = matches!(entry, Entry::Closed(_));
        let queued = self.bound.add(cost);
        self.counters.peak_queued_bytes.fetch_max(queued, Ordering::Relaxed);
        let mut queue = lock(&self.queue);
        if queue.discarding || queue.discarding_messages || queue.closed {
            drop(queue);
            self.release(cost);
            return;
        }
        queue.closed = last;
        // The last message completes the other lane as well, so its waiters must be notified too.
        let first = last || queue.is_empty(Lanes::MESSAGES);
        queue.push_message(entry);
        self.after_push(queue, Lane::Messages, first);
        if last {
            self.notify_everybody();
        }
    }

    fn push_urgent(self: &Arc<Self>, urgent: Urgent) {
        let mut queue = lock(&self.queue);
        if queue.discarding {
            drop(queue);
            urgent.discard();
            return;
        }
        let first = queue.is_empty(Lanes::REQUESTS);
        // A blocked request handler may be waiting for exactly these.
        let ending = matches!(urgent, Urgent::Withdrawn(_) | Urgent::Done(_));
        if ending && self.mode() == Mode::Thread {
            queue.completions.push(urgent);
            self.after_push(queue, Lane::Completions, first);
        } else {
            queue.urgent.push(urgent);
            self.urgency.store(true, Ordering::Release);
            self.after_push(queue, Lane::Requests, first);
        }
        if ending {
            self.gate.announce();
        }
    }

    /// The number of events queued in these lanes, and their bytes. Only messages count towards the queue's bound.
    pub fn pending(&self, lanes: Lanes) -> (usize, usize) {
        let bytes = if lanes.has(Lanes::MESSAGES) { self.bound.bytes() } else { 0 };
        (lock(&self.queue).len(lanes), bytes)
    }

    /// These bytes of messages are no longer queued.
    fn release(&self, bytes: usize) {
        if self.bound.release(bytes) {
            hold_cancellation();
            self.bound.tell_room();
        }
    }

    /// From now on messages are dropped: their reader is going away, and meanwhile the CLI must not be blocked.
    pub fn discard_messages(&self) {
        let messages = {
            let mut queue = lock(&self.queue);
            queue.discarding_messages = true;
            queue.waiting_messages = 0;
            queue.messages.take_all()
        };
        self.release(messages.iter().map(Entry::cost).sum());
    }

    /// Notifies the host of cancelled requests and tool calls on this thread, ahead of everything else: a handler may be
    /// waiting for that notification, and the caller for the handler.
    pub fn notify_cancelled(&self) {
        let (queued, tools) = {
            let mut queue = lock(&self.queue);
            let queue = &mut *queue;
            let mut queued = queue.completions.take_all();
            queued.append(&mut queue.urgent.take_all());
            let (withdrawn, others): (Vec<_>, Vec<_>) =
                queued.into_iter().partition(|urgent| matches!(urgent, Urgent::Withdrawn(_)));
            others.into_iter().for_each(|urgent| match urgent {
                Urgent::Done(_) if self.mode() == Mode::Thread => queue.completions.push(urgent),
                urgent => queue.urgent.push(urgent),
            });
            let (cancelled, begun): (Vec<_>, Vec<_>) =
                queue.tools.take_all().into_iter().partition(|task| matches!(task, mcp::Task::Cancelled(..)));
            begun.into_iter().for_each(|task| queue.tools.push(task));
            (withdrawn, cancelled)
        };
        queued.into_iter().for_each(Urgent::discard);
        tools.into_iter().for_each(mcp::Task::discard);
    }

    /// Lets no further callback in and waits for the running ones, like [`Gate::close`].
    pub fn close(&self, finaliser: impl FnOnce() + Send + 'static) -> Closing {
        self.gate.close(finaliser, || self.run_pending_completions())
    }

    /// Waits until no callback runs behind the closed gate.
    pub fn wait_quiet(&self) {
        self.gate.wait_quiet(|| self.run_pending_completions());
    }

    /// Runs pending completions on this thread while a callback that may be waiting for them is running.
    fn run_pending_completions(&self) {
        self.notify_cancelled();
        // In PUMP mode nothing runs concurrently with the waiting callback.
        if !matches!(self.mode(), Mode::Thread | Mode::Inline) {
            return;
        }
        for lane in [Lane::Completions, Lane::Requests] {
            // A thread that still serves the lane announces when it stops.
            let ended = {
                let mut queue = lock(&self.queue);
                if !queue.claim(lane) {
                    continue;
                }
                queue.take_done(lane)
            };
            ended.into_iter().for_each(Done::run_cancelled);
            lock(&self.queue).release(lane);
        }
    }

    /// Nothing more is delivered: queued entries are dropped, requests refused, open operations completed as cancelled. Called
    /// with the gate closed.
    pub fn finish(&self) {
        self.discard_messages();
        let (urgent, completions, tools, steps) = {
            let mut queue = lock(&self.queue);
            queue.discarding = true;
            queue.results.close(None);
            // Close the descriptors with the client, even if a frame that was left still holds a part of it.
            queue.ready = Default::default();
            let queue = &mut *queue;
            let (urgent, completions) = (queue.urgent.take_all(), queue.completions.take_all());
            (urgent, completions, queue.tools.take_all(), queue.steps.take_all())
        };
        drop(steps);
        tools.into_iter().for_each(mcp::Task::discard);
        urgent.into_iter().chain(completions).for_each(Urgent::discard);
        self.notify_everybody();
        self.bound.tell_room();
        self.handlers.close();
    }
}
