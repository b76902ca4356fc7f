//! PUMP: records what the thread that runs callbacks is delivering, so that it is not lost with the thread's frames when a
//! callback is left without returning (by `longjmp` or a foreign exception).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::queue::{Entry, Lines};
use super::{Dispatcher, Mode};
use crate::error::Error;
use crate::mcp;
use crate::protocol::framing::Block;
use crate::protocol::kind::Kind;
use crate::requests::Request;
use crate::sync::{is_live, lock, thread_key, visit};

/// The delivery in progress.
#[derive(Default)]
pub enum Delivery {
    #[default]
    Nothing,
    /// A block, and the number of its events.
    Lines(Arc<Block>, usize),
    /// An entry of the message lane that takes a single call, and its cost.
    Single(usize),
    /// The end of the session.
    Closed(Option<Arc<Error>>),
    Request(Arc<Request>),
    Call(Arc<mcp::Call>),
    /// Ends a prompt stream.
    Step(Box<dyn FnOnce() + Send>),
}

/// The thread that serves the lanes, and its delivery in progress.
#[derive(Default)]
pub struct Hand {
    /// The thread and the library call it is in.
    holder: Option<(usize, u64)>,
    /// The call returns at a result.
    awaits_result: bool,
    held: Delivery,
}

impl Hand {
    /// The current thread starts to serve.
    pub fn begin(&mut self, awaits_result: bool) {
        *self = Hand { holder: Some((thread_key(), visit())), awaits_result, held: Delivery::Nothing };
    }

    /// Returns the previous delivery: it may own host objects, so it is dropped outside the queue's lock.
    #[must_use]
    pub fn hold(&mut self, held: impl FnOnce() -> Delivery) -> Delivery {
        if self.holder.is_some() { std::mem::replace(&mut self.held, held()) } else { Delivery::Nothing }
    }

    fn is_left(&self) -> bool {
        self.holder.is_some_and(|(thread, visit)| thread == thread_key() && !is_live(visit))
    }
}

/// The position of the delivery in its block: the next line, and whether the one before is being delivered as plain text.
pub fn position(next: usize, in_delta: bool) -> usize {
    next << 1 | usize::from(in_delta)
}

impl Dispatcher {
    /// Records what is about to be given to the host, in the mode where it can be lost with the host's thread.
    pub(super) fn hold(&self, held: impl FnOnce() -> Delivery) {
        if self.mode() == Mode::Pump {
            let before = lock(&self.queue).hand.hold(held);
            drop(before);
        }
    }

    /// Ends the deliveries that this thread has left without returning. `true` if there were any.
    pub fn end_left(&self) -> bool {
        // The lanes first: a thread woken by the gate may want to serve them.
        let served = self.end_left_turn();
        let left = self.gate.end_left() || served;
        // No push will announce the rest of the abandoned turn; inside an outer callback, its caller takes care of it.
        if served && !self.gate.is_inside() {
            self.tell_of_rest();
        }
        left
    }

    fn end_left_turn(&self) -> bool {
        let mut queue = lock(&self.queue);
        if !queue.hand.is_left() {
            return false;
        }
        let hand = std::mem::take(&mut queue.hand);
        let mut freed = 0;
        match hand.held {
            Delivery::Lines(block, count) => {
                let cost = Entry::Lines(Lines::shared(block.clone())).cost();
                let (lines, result) = self.rest_of(block);
                if result {
                    queue.results.deliver();
                    if hand.awaits_result {
                        queue.results.take_oldest();
                    }
                }
                let left = (lines.count() > 0).then_some(Entry::Lines(lines));
                freed = if left.is_none() { cost } else { 0 };
                queue.settle_message(count, left);
            }
            Delivery::Single(cost) => {
                queue.settle_message(1, None);
                freed = cost;
            }
            Delivery::Closed(cause) => {
                queue.settle_message(1, None);
                queue.end(cause.as_ref());
            }
            held => {
                drop(queue);
                end(held);
                queue = lock(&self.queue);
            }
        }
        queue.messages.release();
        queue.update_ready();
        drop(queue);
        self.release(freed);
        self.notify_everybody();
        true
    }

    /// The lines after the one whose callback was left, and whether that line was a result.
    fn rest_of(&self, block: Arc<Block>) -> (Lines, bool) {
        let position = self.position.load(Ordering::Relaxed);
        let (next, in_delta) = (position >> 1, position & 1 != 0);
        let mut lines = Lines::shared(block);
        lines.next = next;
        let line =
            next.checked_sub(1).and_then(|at| lines.block.lines.get(at).copied()).filter(|_| !in_delta);
        if let Some(line) = line {
            lines.delta = self.delta_of(line.kind, lines.block.text(line));
        }
        (lines, line.is_some_and(|line| line.kind == Kind::Result))
    }
}

/// Fails closed: a request whose callback was left is refused.
fn end(held: Delivery) {
    match held {
        Delivery::Request(request) => request.refuse("The host's callback was left without an answer."),
        Delivery::Call(call) => call.release(),
        Delivery::Step(end) => end(),
        Delivery::Nothing | Delivery::Lines(..) | Delivery::Single(_) | Delivery::Closed(_) => {}
    }
}
