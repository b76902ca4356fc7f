//! The queue between the reader and the host.

use std::sync::Arc;

use bytes::Bytes;

use super::completion::Done;
use super::fifo::Fifo;
use super::lanes::{Lanes, Waited, Wakes};
use super::left::Hand;
use super::ready::Ready;
use super::received::Results;
use crate::error::Error;
use crate::mcp;
use crate::protocol::framing::{Block, Line};
use crate::protocol::kind::Kind;
use crate::requests::Request;
use crate::sync::ranked;

/// The ordered streams of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Messages,
    Requests,
    /// THREAD mode only, elsewhere part of the requests: what must reach a host whose request handler is blocked.
    Completions,
    /// Prompt streams: their generators belong to the host and may block.
    Prompts,
}

/// One call of a prompt stream's generator, and its continuation.
pub struct Step {
    pub run: Box<dyn FnOnce() + Send>,
    /// Runs instead if the generator was left without returning.
    pub left: Box<dyn FnOnce() + Send>,
}

/// A block owned by its entry, or shared with its events.
pub enum Held {
    Own(Block),
    Shared(Arc<Block>),
}

impl std::ops::Deref for Held {
    type Target = Block;

    #[inline]
    fn deref(&self) -> &Block {
        match self {
            Held::Own(block) => block,
            Held::Shared(block) => block,
        }
    }
}

impl Held {
    /// For an event that keeps the block.
    #[inline]
    pub fn share(&mut self) -> Arc<Block> {
        match self {
            Held::Shared(block) => block.clone(),
            Held::Own(_) => self.become_shared(),
        }
    }

    fn become_shared(&mut self) -> Arc<Block> {
        let empty = Held::Own(Block::new(Bytes::new(), <_>::default()));
        let block = match std::mem::replace(self, empty) {
            Held::Own(block) => Arc::new(block),
            Held::Shared(block) => block,
        };
        *self = Held::Shared(block.clone());
        block
    }
}

/// The messages of one block that have not been received yet.
pub struct Lines {
    pub block: Held,
    pub next: usize,
    /// A delta derived from the previous line, and next to be delivered.
    pub delta: Option<Bytes>,
}

impl Lines {
    pub fn new(block: Block) -> Lines {
        Lines { block: Held::Own(block), next: 0, delta: None }
    }

    pub fn shared(block: Arc<Block>) -> Lines {
        Lines { block: Held::Shared(block), next: 0, delta: None }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.delta.is_none() && self.next >= self.block.lines.len()
    }

    /// The next line, if no delta precedes it.
    #[inline]
    pub fn advance(&mut self) -> Option<Line> {
        let line = self.block.lines.get(self.next).copied();
        self.next += usize::from(line.is_some());
        line
    }

    pub fn skip(&mut self) {
        self.next = self.block.lines.len();
        self.delta = None;
    }

    pub fn count(&self) -> usize {
        self.block.lines.len() - self.next + usize::from(self.delta.is_some())
    }
}

/// One entry of the message lane.
pub enum Entry {
    Lines(Lines),
    /// Made by the library; the text ends with a NUL.
    Event(Kind, Bytes),
    /// One line of stderr, NUL-terminated.
    Stderr(Bytes),
    Closed(Option<Arc<Error>>),
}

impl Entry {
    /// What the entry counts towards the queue's bound, for as long as any of it is queued: its text plus the overhead of
    /// storing it.
    pub fn cost(&self) -> usize {
        let overhead = size_of::<Entry>() + 32;
        match self {
            Entry::Lines(lines) => {
                lines.block.data.len() + lines.block.lines.len() * size_of::<Line>() + overhead
            }
            Entry::Event(_, text) | Entry::Stderr(text) => text.len() + overhead,
            Entry::Closed(_) => 0,
        }
    }

    pub fn count(&self) -> usize {
        match self {
            Entry::Lines(lines) => lines.count(),
            _ => 1,
        }
    }
}

/// Entries that must not wait behind messages.
pub enum Urgent {
    Request(Arc<Request>),
    Withdrawn(Arc<Request>),
    Done(Done),
}

impl Urgent {
    /// Fails closed: a request that no handler will see is refused, an operation is completed as cancelled.
    pub fn discard(self) {
        match self {
            Urgent::Request(request) => request.refuse_unless_held("The host is closing."),
            Urgent::Withdrawn(request) => request.notify_cancelled(),
            Urgent::Done(done) => done.run_cancelled(),
        }
    }
}

#[derive(Default)]
pub struct Queue {
    pub messages: Fifo<Entry>,
    /// The number of messages and events not yet received, including those of an entry that is being delivered.
    pub waiting_messages: usize,
    pub urgent: Fifo<Urgent>,
    pub completions: Fifo<Urgent>,
    /// Each may run for a long time, concurrently with the others.
    pub tools: Fifo<mcp::Task>,
    pub steps: Fifo<Step>,
    /// PUMP: a prompt stream has just had its turn, so messages are next.
    pub step_ran: bool,
    pub results: Results,
    /// PUMP: the delivery in progress.
    pub hand: Hand,
    pub discarding: bool,
    pub discarding_messages: bool,
    /// The end of the session has been queued, the last entry of the message lane. By then every operation accepted before has
    /// its completion in the queue, and every request its cancellation, so the other lane is complete as well.
    pub closed: bool,
    /// The end of the session has been received.
    pub ended: bool,
    pub wakes: Wakes,
    /// One descriptor for each mask, if the host has asked for it.
    pub ready: [Option<Ready>; 3],
    /// Whether there are any descriptors.
    pub is_watched: bool,
}

ranked!(Queue: Queue);

impl Queue {
    /// Called for each event; messages come first because they are the most frequent.
    pub fn is_empty(&self, lanes: Lanes) -> bool {
        if lanes.has(Lanes::MESSAGES) && self.waiting_messages > 0 {
            return false;
        }
        !lanes.has(Lanes::REQUESTS)
            || (self.urgent.is_empty()
                && self.completions.is_empty()
                && self.tools.is_empty()
                && self.steps.is_empty())
    }

    pub fn len(&self, lanes: Lanes) -> usize {
        let mut len = 0;
        if lanes.has(Lanes::MESSAGES) {
            len += self.waiting_messages;
        }
        if lanes.has(Lanes::REQUESTS) {
            len += self.urgent.len() + self.completions.len() + self.tools.len() + self.steps.len();
        }
        len
    }

    /// Nothing is queued in these lanes and nothing will be, except the completions of operations that the host starts from now
    /// on.
    pub fn is_over(&self, lanes: Lanes) -> bool {
        let complete = self.ended || (self.closed && !lanes.has(Lanes::MESSAGES));
        self.discarding || (complete && self.is_empty(lanes))
    }

    /// The end of the session has been received.
    pub fn end(&mut self, cause: Option<&Arc<Error>>) {
        self.ended = true;
        self.results.close(cause);
    }

    pub fn push_message(&mut self, entry: Entry) {
        self.waiting_messages += entry.count();
        self.messages.push(entry);
    }

    /// After a delivery: `left` is the rest of an entry that held `before`.
    pub fn settle_message(&mut self, before: usize, left: Option<Entry>) {
        self.settle_count(before, left.as_ref().map_or(0, Entry::count));
        if let Some(entry) = left {
            self.messages.put_back(entry);
        }
    }

    /// An entry with `before` events has `after` left.
    pub fn settle_count(&mut self, before: usize, after: usize) {
        self.waiting_messages = (self.waiting_messages + after).saturating_sub(before);
    }

    /// The serving thread wants to stop; `false` if there is something left to do.
    pub fn leave(&mut self, lane: Lane) -> bool {
        match lane {
            Lane::Messages => self.messages.leave(),
            Lane::Requests => self.urgent.leave(),
            Lane::Completions => self.completions.leave(),
            Lane::Prompts => self.steps.leave(),
        }
    }

    /// `true` when the caller must ensure that the lane is served.
    pub fn claim(&mut self, lane: Lane) -> bool {
        match lane {
            Lane::Messages => self.messages.claim(),
            Lane::Requests => self.urgent.claim(),
            Lane::Completions => self.completions.claim(),
            Lane::Prompts => self.steps.claim(),
        }
    }

    /// The serving thread stops, even if entries are queued.
    pub fn release(&mut self, lane: Lane) {
        match lane {
            Lane::Messages => self.messages.release(),
            Lane::Requests => self.urgent.release(),
            Lane::Completions => self.completions.release(),
            Lane::Prompts => self.steps.release(),
        }
    }

    /// Takes the completions out of a lane of urgent entries; the others stay.
    pub fn take_done(&mut self, lane: Lane) -> Vec<Done> {
        let fifo = if lane == Lane::Completions { &mut self.completions } else { &mut self.urgent };
        let mut ended = Vec::new();
        for urgent in fifo.take_all() {
            match urgent {
                Urgent::Done(done) => ended.push(done),
                other => fifo.push(other),
            }
        }
        ended
    }

    /// Brings the descriptors in line with the queue.
    #[inline]
    pub fn update_ready(&mut self) {
        if self.is_watched {
            self.update_descriptors();
        }
    }

    fn update_descriptors(&mut self) {
        for lanes in Lanes::EACH {
            if self.ready[lanes.index()].is_none() {
                continue;
            }
            let readable = self.wakes.is_pending() || !self.is_empty(lanes);
            if let Some(ready) = &mut self.ready[lanes.index()] {
                ready.set(readable);
            }
        }
    }
}

impl Waited for Queue {
    fn wakes(&mut self) -> &mut Wakes {
        &mut self.wakes
    }

    fn is_settled(&self, lanes: Lanes) -> bool {
        !self.is_empty(lanes) || self.is_over(lanes)
    }
}
