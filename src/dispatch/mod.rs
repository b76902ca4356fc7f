//! From the reader to the host: two ordered lanes, one queue, and the mode that says who runs the callbacks.
//!
//! The *message* lane carries what the application reads; the *request* lane carries what must not wait for it:
//! requests of the CLI, their withdrawal, and the ends of asynchronous operations.

mod callback;
mod completion;
mod crew;
mod deliver;
mod fifo;
pub mod gate;
mod handlers;
mod next;
pub mod pool;
mod pump;
mod queue;
mod received;
mod wakeup;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use tokio::sync::Notify;

pub use completion::{Completion, Done, Listener, Outcome, Waiter};
pub use gate::{Closing, Gate, Slot};
pub use handlers::{ClosedHandler, MessageHandler, RequestHandler, Text, TextHandler, WakeupHandler};
pub use next::{Event, EventKind};
pub use pump::Budget;
pub use queue::{Entry, Lane, Step, Urgent};
pub use received::Prompts;

use crate::error::{Error, Result, Status};
use crate::mcp;
use crate::protocol::framing::Block;
use crate::protocol::kind::Kind;
use crate::requests::Request;
use crate::sync::{Condvar, lock};
use handlers::Handlers;
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
        [Mode::Thread, Mode::Pump, Mode::Pull, Mode::Inline].into_iter().find(|mode| *mode as i32 == number)
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

/// The receiving side of one client.
pub struct Dispatcher {
    mode: AtomicU8,
    pub gate: Gate,
    handlers: Handlers,
    queue: Mutex<Queue>,
    /// Told of whatever somebody may wait for in the queue.
    changed: Condvar,
    /// Something that goes ahead of messages has come. Set and cleared under the queue's lock.
    urgency: AtomicBool,
    queued_bytes: AtomicUsize,
    max_bytes: usize,
    text_deltas: bool,
    /// Told when the queue has fallen below its bound.
    pub space: Notify,
    look: OnceLock<Look>,
    pub counters: Counters,
}

/// Makes the reader take what has come, once, and waits for that.
type Look = Box<dyn Fn() + Send + Sync>;

thread_local!(static LIBRARY_THREAD: Cell<bool> = const { Cell::new(false) });

/// Says that the current thread belongs to the library: it must never wait for another one of its kind.
pub fn mark_library_thread() {
    LIBRARY_THREAD.with(|mark| mark.set(true));
}

pub fn is_library_thread() -> bool {
    LIBRARY_THREAD.with(Cell::get)
}

/// Whether the current thread is one of those that read for all clients: nothing may block it.
pub fn is_reader_thread() -> bool {
    is_library_thread() && tokio::runtime::Handle::try_current().is_ok()
}

impl Dispatcher {
    pub fn new(max_bytes: usize, text_deltas: bool) -> Arc<Dispatcher> {
        Arc::new(Dispatcher {
            mode: AtomicU8::new(Mode::Thread as u8),
            gate: Gate::new(),
            handlers: Handlers::new(),
            queue: Mutex::new(Queue::default()),
            changed: Condvar::new(),
            urgency: AtomicBool::new(false),
            queued_bytes: AtomicUsize::new(0),
            max_bytes,
            text_deltas,
            space: Notify::new(),
            look: OnceLock::new(),
            counters: Counters::default(),
        })
    }

    /// How the reader is made to look once at what has come; known when there is a reader.
    pub fn set_look(&self, look: impl Fn() + Send + Sync + 'static) {
        let _ = self.look.set(Box::new(look));
    }

    pub fn mode(&self) -> Mode {
        Mode::from_number(self.mode.load(Ordering::Relaxed).into()).unwrap_or(Mode::Thread)
    }

    /// The caller makes sure that nothing is queued yet.
    pub fn set_mode(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::Relaxed);
    }

    /// Refuses to wait on a thread that the awaited thing may need.
    pub fn check_may_wait(&self) -> Result<()> {
        if is_library_thread() || self.gate.is_inside() {
            return Err(Error::new(Status::WouldDeadlock, "this call would wait inside a callback").with(
                "remedy",
                "use the form with a completion callback, or call from a thread of your own",
            ));
        }
        Ok(())
    }

    // Replacing callbacks. The old one is not running any more when these return, unless called inside a callback.

    pub fn on_message(&self, handler: Option<MessageHandler>) {
        self.handlers.message.replace(&self.gate, handler);
    }

    pub fn on_request(&self, handler: Option<RequestHandler>) {
        self.handlers.request.replace(&self.gate, handler);
    }

    pub fn on_stderr(&self, handler: Option<TextHandler>) {
        self.handlers.stderr.replace(&self.gate, handler);
    }

    pub fn on_closed(&self, handler: Option<ClosedHandler>) {
        self.handlers.closed.replace(&self.gate, handler);
    }

    /// The new one hears at once of what waits already; inside a callback, whoever called that looks after it.
    pub fn on_wakeup(&self, handler: Option<WakeupHandler>) {
        self.handlers.wakeup.replace(&self.gate, handler);
        if matches!(self.mode(), Mode::Pump | Mode::Pull) && !self.gate.is_inside() {
            self.tell_of_rest();
        }
    }

    /// Calls the wake-up function when something waits that no push will announce.
    fn tell_of_rest(&self) {
        if !lock(&self.queue).is_empty() {
            self.handlers.wakeup.run(&self.gate, |handler| handler());
        }
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
        if self.mode() != Mode::Pull && !self.handlers.stderr.is_set() {
            return;
        }
        if self.is_full() {
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
        let first = queue.is_empty();
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
        let first = queue.is_empty();
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
        let queued = self.queued_bytes.fetch_add(cost, Ordering::AcqRel) + cost;
        self.counters.peak_queued_bytes.fetch_max(queued, Ordering::Relaxed);
        let mut queue = lock(&self.queue);
        if queue.discarding || queue.discarding_messages || queue.closed {
            drop(queue);
            self.release(cost);
            return;
        }
        queue.closed = last;
        let first = queue.is_empty();
        queue.push_message(entry);
        self.after_push(queue, Lane::Messages, first);
    }

    fn push_urgent(self: &Arc<Self>, urgent: Urgent) {
        let mut queue = lock(&self.queue);
        if queue.discarding {
            drop(queue);
            urgent.discard();
            return;
        }
        let first = queue.is_empty();
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

    /// The queue is full: the reader should stop until [`Dispatcher::space`] tells it.
    pub fn is_full(&self) -> bool {
        self.is_over(0)
    }

    /// As [`Dispatcher::is_full`], with room for `extra` bytes more.
    pub fn is_over(&self, extra: usize) -> bool {
        self.queued_bytes.load(Ordering::Acquire) >= self.max_bytes.saturating_add(extra)
    }

    /// Events that wait, and their bytes.
    pub fn pending(&self) -> (usize, usize) {
        (lock(&self.queue).len(), self.queued_bytes.load(Ordering::Acquire))
    }

    fn release(&self, bytes: usize) {
        let before = self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
        if before >= self.max_bytes && before - bytes < self.max_bytes {
            self.space.notify_one();
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
            let queue = &mut *queue;
            let (urgent, endings) = (queue.urgent.take_all(), queue.endings.take_all());
            (urgent, endings, queue.tools.take_all(), queue.steps.take_all())
        };
        drop(steps);
        tools.into_iter().for_each(mcp::Task::discard);
        urgent.into_iter().chain(endings).for_each(Urgent::discard);
        self.changed.notify_all();
        self.space.notify_one();
        self.handlers.close();
    }
}
