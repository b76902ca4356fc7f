//! Running the host's callbacks, on whatever thread the mode has chosen.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::left::{self, Delivery};
use super::pump::Turn;
use super::queue::{Entry, Lane, Lines, Queue, Urgent};
use super::{Dispatcher, Lanes, MessageCall, Mode};
use crate::error::Error;
use crate::mcp;
use crate::protocol::framing::Block;
use crate::protocol::kind::Kind;
use crate::protocol::text_delta;
use crate::runtime::is_reader_thread;
use crate::runtime::pool::{self, Job};
use crate::sync::gate::Slot;
use crate::sync::{MutexGuard, lock};

/// After this time a lane goes back into the pool's queue, behind other clients' lanes.
const TURN: Duration = Duration::from_millis(2);

struct LaneJob {
    dispatcher: Arc<Dispatcher>,
    lane: Lane,
}

impl Job for LaneJob {
    fn run(&self) -> bool {
        self.dispatcher.drain(self.lane)
    }
}

/// Runs one tool task, concurrently with everything else.
struct ToolJob(Arc<Dispatcher>);

impl Job for ToolJob {
    fn run(&self) -> bool {
        self.0.deliver_tool(&mut Turn::events(1));
        false
    }
}

/// The public lane that an internal lane belongs to.
fn lanes_of(lane: Lane) -> Lanes {
    if lane == Lane::Messages { Lanes::MESSAGES } else { Lanes::REQUESTS }
}

impl Dispatcher {
    /// Wakes whoever serves `lane`. Called after the new entry was queued; `first` if the lane was empty before.
    pub(super) fn after_push(self: &Arc<Self>, mut queue: MutexGuard<'_, Queue>, lane: Lane, first: bool) {
        match self.mode() {
            Mode::Thread | Mode::Inline => {
                if queue.claim(lane) {
                    drop(queue);
                    self.serve(lane);
                }
            }
            Mode::Pump | Mode::Pull => self.notify_readable(queue, lanes_of(lane), first),
        }
    }

    /// Like [`Dispatcher::after_push`], for a tool: in modes that run tasks on threads, each task gets its own.
    pub(super) fn after_tool(self: &Arc<Self>, queue: MutexGuard<'_, Queue>, first: bool) {
        match self.mode() {
            Mode::Thread | Mode::Inline => {
                drop(queue);
                pool::submit(Arc::new(ToolJob(self.clone())));
            }
            Mode::Pump | Mode::Pull => self.notify_readable(queue, Lanes::REQUESTS, first),
        }
    }

    fn notify_readable(&self, mut queue: MutexGuard<'_, Queue>, lane: Lanes, first: bool) {
        queue.update_ready();
        drop(queue);
        self.changed.notify_all();
        self.arrivals.notify(lane);
        if first {
            self.handlers.ready.run(&self.gate, |handler| handler());
        }
    }

    fn serve(self: &Arc<Self>, lane: Lane) {
        let job = Arc::new(LaneJob { dispatcher: self.clone(), lane });
        // A prompt stream's generator may block, which the reader must not.
        if self.mode() == Mode::Thread || lane == Lane::Prompts {
            pool::submit(job);
        } else if is_reader_thread() {
            while job.run() {}
        } else {
            pool::submit_to_reader(job);
        }
    }

    /// Delivers entries of `lane` until it is empty; `true` when it stopped earlier.
    fn drain(&self, lane: Lane) -> bool {
        let mut turn = Turn::time(TURN);
        loop {
            let delivered = match lane {
                Lane::Messages => self.deliver_message(&mut turn, || false),
                Lane::Requests | Lane::Completions => self.deliver_urgent(lane, &mut turn),
                Lane::Prompts => self.deliver_step(&mut turn),
            };
            if !delivered && self.stop_draining(lane) {
                return false;
            }
            if turn.is_over() {
                return true;
            }
        }
    }

    /// Releases the lane, unless an entry has just arrived. Behind a closed gate, queued entries are left to the thread that
    /// frees the client.
    fn stop_draining(&self, lane: Lane) -> bool {
        if lock(&self.queue).leave(lane) {
            return true;
        }
        let closed = self.gate.is_closed();
        if closed {
            lock(&self.queue).release(lane);
            self.gate.announce();
        }
        closed
    }

    /// Delivers the first entry of the message lane, as far as `turn` and `interrupt` allow. `false` if there is none.
    pub(super) fn deliver_message(&self, turn: &mut Turn, interrupt: impl Fn() -> bool) -> bool {
        let mut queue = lock(&self.queue);
        let Some(mut entry) = queue.messages.pop() else { return false };
        let (count, cost) = (entry.count(), entry.cost());
        let before = queue.hand.hold(|| match &mut entry {
            Entry::Lines(lines) => Delivery::Lines(lines.block.share(), count),
            Entry::Closed(cause) => Delivery::Closed(cause.clone()),
            _ => Delivery::Single(cost),
        });
        drop(queue);
        drop(before);
        let left = match entry {
            Entry::Lines(mut lines) => {
                loop {
                    self.deliver_lines(&mut lines, turn, &interrupt);
                    if lines.count() == 0 || turn.is_over() || interrupt() {
                        break;
                    }
                }
                (lines.count() > 0).then_some(Entry::Lines(lines))
            }
            entry => {
                self.deliver_single(&entry);
                turn.ran += 1;
                None
            }
        };
        let ended = left.is_none();
        let mut queue = lock(&self.queue);
        let delivered = queue.hand.hold(|| Delivery::Nothing);
        queue.settle_message(count, left);
        drop(queue);
        drop(delivered);
        if ended {
            self.release(cost);
        }
        true
    }

    /// Delivers an entry that takes a single call.
    fn deliver_single(&self, entry: &Entry) {
        let (handlers, gate) = (&self.handlers, &self.gate);
        match entry {
            Entry::Lines(_) => {}
            Entry::Event(kind, text) => {
                handlers.message.run(gate, |handler| handler.deliver(&mut |call| call(*kind, text)));
            }
            Entry::Stderr(text) => handlers.stderr.run(gate, |handler| handler(text)),
            Entry::Closed(cause) => {
                handlers.closed.run(gate, |handler| handler(cause.as_deref()));
                // Last, so that a caller waiting for a response sees the effects of the callback.
                self.note_end(cause.as_ref());
            }
        }
    }

    /// Nothing more will arrive: notifies everyone who waits for messages or results.
    pub fn note_end(&self, cause: Option<&Arc<Error>>) {
        lock(&self.queue).end(cause);
        self.notify_everybody();
    }

    /// Delivers lines under one pass of the gate, until the turn is over, `interrupt` returns true after a line, or a callback
    /// was replaced. If the gate is closed or the callback is gone, the lines are dropped.
    fn deliver_lines(&self, lines: &mut Lines, turn: &mut Turn, interrupt: &impl Fn() -> bool) {
        let Some(_pass) = self.gate.enter(Slot::Message) else { return lines.skip() };
        let epoch = self.gate.epoch();
        let goes_on = |turn: &Turn| self.gate.epoch() == epoch && !turn.is_over() && !interrupt();
        let Some(handler) = self.handlers.message.get() else {
            return self.deliver_each(lines, turn, goes_on, &|_, _| ());
        };
        let ran = turn.ran;
        handler.deliver(&mut |call| self.deliver_each(lines, turn, goes_on, call));
        if turn.ran == ran {
            lines.skip();
        }
    }

    fn deliver_each(
        &self,
        lines: &mut Lines,
        turn: &mut Turn,
        goes_on: impl Fn(&Turn) -> bool,
        call: MessageCall<'_>,
    ) {
        let Lines { block, next, delta } = lines;
        // Once, not for each line.
        let block: &Block = block;
        let all = &block.lines[..];
        loop {
            if let Some(text) = delta.take_if(|_| self.text_deltas) {
                self.position.store(left::position(*next, true), Ordering::Relaxed);
                call(Kind::TextDelta, &text);
            } else if let Some(line) = all.get(*next).copied() {
                *next += 1;
                self.position.store(left::position(*next, false), Ordering::Relaxed);
                let text = block.text(line);
                call(line.kind, text);
                if line.kind == Kind::Result {
                    self.result_delivered();
                    turn.result();
                }
                if self.text_deltas {
                    *delta = self.delta_of(line.kind, text);
                }
            }
            turn.ran += 1;
            let none_left = *next == all.len() && delta.is_none();
            if none_left || !goes_on(turn) {
                return;
            }
        }
    }

    /// The plain text of a streamed piece, if the host has asked for it. `text` ends with a NUL.
    pub(super) fn delta_of(&self, kind: Kind, text: &[u8]) -> Option<bytes::Bytes> {
        if !self.text_deltas || kind != Kind::StreamEvent {
            return None;
        }
        text_delta::of_stream_event(&text[..text.len() - 1]).map(Into::into)
    }

    /// Runs the first entry of a request lane, if there is one. Nothing is taken out once the gate is closed:
    /// [`Dispatcher::finish`] cancels what is left.
    pub(super) fn deliver_urgent(&self, lane: Lane, turn: &mut Turn) -> bool {
        let slot = if lane == Lane::Completions { Slot::Completion } else { Slot::Request };
        let Some(_pass) = self.gate.enter(slot) else { return false };
        let urgent = {
            let mut queue = lock(&self.queue);
            if lane == Lane::Completions { queue.completions.pop() } else { queue.urgent.pop() }
        };
        match urgent {
            None => return false,
            Some(Urgent::Request(request)) => {
                self.hold(|| Delivery::Request(request.clone()));
                (self.owner.requests)(request);
            }
            Some(Urgent::Withdrawn(request)) => request.notify_cancelled(),
            Some(Urgent::Done(done)) => done.run(),
        }
        self.hold(|| Delivery::Nothing);
        turn.ran += 1;
        true
    }

    /// Runs the first tool task. As with requests, [`Dispatcher::finish`] handles what a closed gate leaves.
    pub(super) fn deliver_tool(&self, turn: &mut Turn) -> bool {
        let Some(_pass) = self.gate.enter(Slot::Tool) else { return false };
        let Some(task) = lock(&self.queue).tools.pop() else { return false };
        if let mcp::Task::Run(call) = &task {
            self.hold(|| Delivery::Call(call.clone()));
        }
        task.run();
        self.hold(|| Delivery::Nothing);
        turn.ran += 1;
        true
    }

    pub(super) fn deliver_step(&self, turn: &mut Turn) -> bool {
        let Some(_pass) = self.gate.enter(Slot::Prompt) else { return false };
        let Some(step) = lock(&self.queue).steps.pop() else { return false };
        self.hold(|| Delivery::Step(step.left));
        (step.run)();
        self.hold(|| Delivery::Nothing);
        turn.ran += 1;
        true
    }
}
