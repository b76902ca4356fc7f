//! From the reader to the host: two ordered lanes, one queue, and the mode that says who runs the callbacks.
//!
//! The *message* lane carries what the application reads; the *request* lane carries what must not wait for it:
//! requests of the CLI, their withdrawal, and the ends of asynchronous operations.

mod bound;
mod callback;
mod completion;
mod crew;
mod deliver;
mod fifo;
pub mod gate;
mod handlers;
mod lanes;
mod left;
mod next;
pub mod pool;
mod pump;
mod queue;
mod ready;
mod received;
mod waiter;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;

pub use completion::{Completion, Done, Listener, Outcome};
pub use gate::{Closing, Gate, Slot};
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

/// What the host may ask about the queue.
#[derive(Debug, Default)]
pub struct Counters {
    pub messages: AtomicU64,
    pub message_bytes: AtomicU64,
    pub peak_queued_bytes: AtomicUsize,
    pub stderr_dropped: AtomicU64,
}

/// Stands beside the mode's number once something has been registered, and keeps the mode as it is.
const REGISTERED: u8 = 0x80;

/// The receiving side of one client.
pub struct Dispatcher {
    /// A [`Mode`], and [`REGISTERED`].
    mode: AtomicU8,
    pub gate: Gate,
    handlers: Handlers,
    queue: Mutex<Queue>,
    /// Told of whatever somebody may wait for but entries: results, the end, a turn of the pump.
    changed: Condvar,
    arrivals: Arrivals,
    /// Something that goes ahead of messages has come. Set and cleared under the queue's lock.
    urgency: AtomicBool,
    /// Where in its block the delivery of lines is.
    position: AtomicUsize,
    pub bound: Bound,
    text_deltas: bool,
    look: OnceLock<Look>,
    pub counters: Counters,
}

fn mode_of(number: u8) -> Mode {
    Mode::from_number((number & !REGISTERED).into()).unwrap_or(Mode::Thread)
}

/// Makes the reader take what has come, once, and waits for that.
type Look = Box<dyn Fn() + Send + Sync>;

/// Whether the current thread is one of those that read for all clients: nothing may block it.
pub fn is_reader_thread() -> bool {
    place::is_library_thread() && tokio::runtime::Handle::try_current().is_ok()
}

impl Dispatcher {
    pub fn new(max_bytes: usize, text_deltas: bool) -> Arc<Dispatcher> {
        Arc::new(Dispatcher {
            mode: AtomicU8::new(Mode::Thread as u8),
            gate: Gate::new(),
            handlers: Handlers::new(),
            queue: Mutex::new(Queue::default()),
            changed: Condvar::new(),
            arrivals: Arrivals::default(),
            urgency: AtomicBool::new(false),
            position: AtomicUsize::new(0),
            bound: Bound::new(max_bytes),
            text_deltas,
            look: OnceLock::new(),
            counters: Counters::default(),
        })
    }

    /// How the reader is made to look once at what has come; known when there is a reader.
    pub fn set_look(&self, look: impl Fn() + Send + Sync + 'static) {
        let _ = self.look.set(Box::new(look));
    }

    pub fn mode(&self) -> Mode {
        mode_of(self.mode.load(Ordering::Relaxed))
    }

    /// The caller makes sure that nothing is queued yet. Refused once something has been registered: what NULL means there
    /// depends on the mode.
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

    /// A callback is being registered; from now on the mode stays. In PULL mode nobody runs callbacks, and NULL says that the
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

    /// Refuses to wait on a thread that the awaited thing may need.
    pub fn check_may_wait(&self) -> Result<()> {
        place::check_may_wait()?;
        // In PULL mode nothing passes the gate but what may not wait anyway.
        if self.mode() != Mode::Pull && self.gate.is_inside() { Err(place::would_deadlock()) } else { Ok(()) }
    }

    // Replacing callbacks. The old one is not running any more when these return, unless called inside a callback.

    pub fn on_message(&self, handler: Option<MessageHandler>) -> Result<()> {
        self.registering(handler.is_some())?;
        self.handlers.message.replace(&self.gate, handler);
        Ok(())
    }

    /// The one for all requests is the session's, which finds the host's.
    pub fn route_requests(&self, router: RequestHandler) {
        self.handlers.request.replace(&self.gate, Some(router));
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

    /// The new one hears at once of what waits already; inside a callback, whoever called that looks after it.
    pub fn on_ready(&self, handler: Option<NotifyHandler>) -> Result<()> {
        let mode = self.registering(false)?;
        self.handlers.ready.replace(&self.gate, handler);
        if matches!(mode, Mode::Pump | Mode::Pull) && !self.gate.is_inside() {
            self.tell_of_rest();
        }
        Ok(())
    }

    /// Calls the host's ready function when something waits that no push will announce.
    fn tell_of_rest(&self) {
        if !lock(&self.queue).is_empty(Lanes::ALL) {
            self.handlers.ready.run(&self.gate, |handler| handler());
        }
    }

    /// Whoever waits for anything looks again.
    fn notify_everybody(&self) {
        self.changed.notify_all();
        self.arrivals.notify(Lanes::ALL);
    }

    // What the session puts in.

    pub fn push_messages(self: &Arc<Self>, block: Block) {
        self.counters.messages.fetch_add(block.lines.len() as u64, Ordering::Relaxed);
        self.counters.message_bytes.fetch_add(block.data.len() as u64, Ordering::Relaxed);
        self.push(Entry::Lines(Lines::new(block)));
    }

    /// An event of the library's own; `text` ends with a NUL.
    pub fn push_event(self: &Arc<Self>, kind: Kind, text: Bytes) {
        self.push(Entry::Event(kind, text));
    }

    /// A line of the CLI's stderr. It never holds up the CLI: when the host does not keep up, lines are counted
    /// instead of kept.
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

    /// The last entry of the message lane: what is pushed later is dropped.
    pub fn push_closed(self: &Arc<Self>, cause: Option<Arc<Error>>) {
        self.push(Entry::Closed(cause));
    }

    pub fn push_request(self: &Arc<Self>, request: Arc<Request>) {
        self.push_urgent(Urgent::Request(request));
    }

    /// The request has ended without an answer of the host.
    pub fn push_withdrawn(self: &Arc<Self>, request: Arc<Request>) {
        // Whoever registers later is told at once.
        if self.mode() != Mode::Pull && !request.has_on_cancel() {
            return;
        }
        self.push_urgent(Urgent::Withdrawn(request));
    }

    /// A step of a prompt stream: it may block, and blocks nothing but its own stream.
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

    /// Something for a tool of the host. It may block, and blocks nothing but itself.
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
        // With the last message the other lane is complete as well, which is news for whoever waits there.
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
        // A stuck request handler may wait for just these.
        let ending = matches!(urgent, Urgent::Withdrawn(_) | Urgent::Done(_));
        if ending && self.mode() == Mode::Thread {
            queue.endings.push(urgent);
            self.after_push(queue, Lane::Endings, first);
        } else {
            queue.urgent.push(urgent);
            self.urgency.store(true, Ordering::Release);
            self.after_push(queue, Lane::Requests, first);
        }
        if ending {
            self.gate.announce();
        }
    }

    /// Events that wait in these lanes, and their bytes. Only messages count for the queue's bound.
    pub fn pending(&self, lanes: Lanes) -> (usize, usize) {
        let bytes = if lanes.has(Lanes::MESSAGES) { self.bound.bytes() } else { 0 };
        (lock(&self.queue).len(lanes), bytes)
    }

    /// These bytes of messages are not queued any more.
    fn release(&self, bytes: usize) {
        if self.bound.release(bytes) {
            hold_cancellation();
            self.bound.tell_room();
        }
    }

    /// Messages are dropped from now on: their reader goes away, and the CLI must not be held up meanwhile.
    pub fn discard_messages(&self) {
        let messages = {
            let mut queue = lock(&self.queue);
            queue.discarding_messages = true;
            queue.waiting_messages = 0;
            queue.messages.take_all()
        };
        self.release(messages.iter().map(Entry::cost).sum());
    }

    /// Tells of withdrawn requests and tool calls on this thread, ahead of everything else: a handler may wait for that,
    /// and the caller for the handler.
    pub fn tell_withdrawn(&self) {
        let (queued, tools) = {
            let mut queue = lock(&self.queue);
            let queue = &mut *queue;
            let mut queued = queue.endings.take_all();
            queued.append(&mut queue.urgent.take_all());
            let (withdrawn, others): (Vec<_>, Vec<_>) =
                queued.into_iter().partition(|urgent| matches!(urgent, Urgent::Withdrawn(_)));
            others.into_iter().for_each(|urgent| match urgent {
                Urgent::Done(_) if self.mode() == Mode::Thread => queue.endings.push(urgent),
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

    /// Lets no further callback in and waits for those that run, as [`Gate::close`].
    pub fn close(&self, finaliser: impl FnOnce() + Send + 'static) -> Closing {
        self.gate.close(finaliser, || self.tell_ends())
    }

    /// Waits until no callback runs behind the closed gate.
    pub fn wait_quiet(&self) {
        self.gate.wait_quiet(|| self.tell_ends());
    }

    /// Tells on this thread of what has ended, as long as a callback runs that may wait for that.
    fn tell_ends(&self) {
        self.tell_withdrawn();
        // In PUMP mode nothing runs beside the callback that would wait.
        if !matches!(self.mode(), Mode::Thread | Mode::Inline) {
            return;
        }
        for lane in [Lane::Endings, Lane::Requests] {
            // A thread that still serves the lane announces that it stops.
            let ended = {
                let mut queue = lock(&self.queue);
                if !queue.claim(lane) {
                    continue;
                }
                queue.take_done(lane)
            };
            ended.into_iter().for_each(Done::run_cancelled);
            lock(&self.queue).abandon(lane);
        }
    }

    /// Nothing more is delivered: what waits is dropped, requests are refused, open operations are told that they
    /// were cancelled. Called with the gate closed.
    pub fn finish(&self) {
        self.discard_messages();
        let (urgent, endings, tools, steps) = {
            let mut queue = lock(&self.queue);
            queue.discarding = true;
            queue.results.close(None);
            // Descriptors go with the client, also where a frame that was left still holds a part of it.
            queue.ready = Default::default();
            let queue = &mut *queue;
            let (urgent, endings) = (queue.urgent.take_all(), queue.endings.take_all());
            (urgent, endings, queue.tools.take_all(), queue.steps.take_all())
        };
        drop(steps);
        tools.into_iter().for_each(mcp::Task::discard);
        urgent.into_iter().chain(endings).for_each(Urgent::discard);
        self.notify_everybody();
        self.bound.tell_room();
        self.handlers.close();
    }
}
