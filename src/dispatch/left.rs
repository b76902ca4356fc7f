//! PUMP: what the thread that runs callbacks has in hand, so that it does not go with the thread's frames when a callback is
//! left without returning from it.

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

/// What is being delivered.
#[derive(Default)]
pub enum Held {
    #[default]
    Nothing,
    /// Of a block of so many events.
    Lines(Arc<Block>, usize),
    /// An entry of the message lane that is one call, and what it costs.
    Single(usize),
    /// The end of the session.
    Closed(Option<Arc<Error>>),
    Request(Arc<Request>),
    Call(Arc<mcp::Call>),
    /// What ends a prompt stream.
    Step(Box<dyn FnOnce() + Send>),
}

/// Who serves the lanes, and with what.
#[derive(Default)]
pub struct Hand {
    /// The thread and its call of the library.
    holder: Option<(usize, u64)>,
    /// The call returns for a result.
    awaits_result: bool,
    held: Held,
}

impl Hand {
    /// The current thread begins to serve.
    pub fn begin(&mut self, awaits_result: bool) {
        *self = Hand { holder: Some((thread_key(), visit())), awaits_result, held: Held::Nothing };
    }

    /// What was held before may be the host's, and is let go of outside of the queue's lock.
    #[must_use]
    fn hold(&mut self, held: Held) -> Held {
        if self.holder.is_some() { std::mem::replace(&mut self.held, held) } else { Held::Nothing }
    }

    fn is_left(&self) -> bool {
        self.holder.is_some_and(|(thread, visit)| thread == thread_key() && !is_live(visit))
    }
}

/// Where in its block the delivery is: the line to come, and whether the one before is told of as plain text.
pub fn position(next: usize, in_delta: bool) -> usize {
    next << 1 | usize::from(in_delta)
}

impl Dispatcher {
    /// Notes what is about to be given to the host, where its thread may be lost with it.
    pub(super) fn hold(&self, held: impl FnOnce() -> Held) {
        if self.mode() == Mode::Pump {
            let held = held();
            let before = lock(&self.queue).hand.hold(held);
            drop(before);
        }
    }

    /// Ends what this thread has left without returning from it. `true` when there was something.
    pub fn end_left(&self) -> bool {
        // The lanes first: whoever the gate wakes may want to serve them.
        let served = self.end_left_turn();
        let left = self.gate.end_left() || served;
        // What the turn would have gone on with no push announces; inside an outer callback, whoever called that looks after it.
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
            Held::Lines(block, count) => {
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
            Held::Single(cost) => {
                queue.settle_message(1, None);
                freed = cost;
            }
            Held::Closed(cause) => {
                queue.settle_message(1, None);
                queue.end(cause.as_ref());
            }
            held => {
                drop(queue);
                end(held);
                queue = lock(&self.queue);
            }
        }
        queue.messages.abandon();
        queue.update_ready();
        drop(queue);
        self.bound.release(freed);
        self.notify_everybody();
        true
    }

    /// The lines behind the one whose callback was left, and whether that was a result.
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

/// Fails closed: what was asked of a callback that was left is refused.
fn end(held: Held) {
    match held {
        Held::Request(request) => request.refuse("The host's callback was left without an answer."),
        Held::Call(call) => call.abandon(),
        Held::Step(end) => end(),
        Held::Nothing | Held::Lines(..) | Held::Single(_) | Held::Closed(_) => {}
    }
}
