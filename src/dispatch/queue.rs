//! What waits between the reader and the host.

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

/// The ordered streams of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Messages,
    Requests,
    /// THREAD mode only, elsewhere part of the requests: what must reach a host whose request handler is stuck.
    Endings,
    /// Prompt streams: their generators belong to the host and may block.
    Prompts,
}

/// One call of a prompt stream's generator and what follows from it.
pub struct Step {
    pub run: Box<dyn FnOnce() + Send>,
    /// In its place when the generator was left without returning from it.
    pub left: Box<dyn FnOnce() + Send>,
}

/// A block that belongs to its entry, or that events of it share.
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
    /// For an event that keeps it.
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

/// Messages of one block, as far as they have not been received.
pub struct Lines {
    pub block: Held,
    pub next: usize,
    /// Made from the line before, and next in line.
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

    /// The line that follows, when no delta is in front of it.
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
    /// One line of stderr, with a NUL.
    Stderr(Bytes),
    Closed(Option<Arc<Error>>),
}

impl Entry {
    /// What the entry counts for in the queue's bound, for as long as any of it is queued: its text and what keeping
    /// it takes.
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

/// What must not wait for messages.
pub enum Urgent {
    Request(Arc<Request>),
    Withdrawn(Arc<Request>),
    Done(Done),
}

impl Urgent {
    /// Fails closed: a request that nobody will see is refused, an operation is told that it was cancelled.
    pub fn discard(self) {
        match self {
            Urgent::Request(request) => request.abandon("The host is closing."),
            Urgent::Withdrawn(request) => request.tell_cancelled(),
            Urgent::Done(done) => done.run_cancelled(),
        }
    }
}

#[derive(Default)]
pub struct Queue {
    pub messages: Fifo<Entry>,
    /// Messages and events that have not been received, those of an entry that is being delivered included.
    pub waiting_messages: usize,
    pub urgent: Fifo<Urgent>,
    pub endings: Fifo<Urgent>,
    /// Each may run for long, and beside the others.
    pub tools: Fifo<mcp::Task>,
    pub steps: Fifo<Step>,
    /// PUMP: a prompt stream had its turn, so messages have theirs.
    pub step_ran: bool,
    pub results: Results,
    /// PUMP: what the thread that runs callbacks is at.
    pub hand: Hand,
    pub discarding: bool,
    pub discarding_messages: bool,
    /// The end of the session has been queued, the last entry of the message lane. Every operation that was accepted before
    /// has its end in the queue by then, and every request its withdrawal, so that the other lane is complete as well.
    pub closed: bool,
    /// The end of the session has been received.
    pub ended: bool,
    pub wakes: Wakes,
    /// One descriptor for each mask, where somebody has asked for it.
    pub ready: [Option<Ready>; 3],
    /// Whether there is any.
    pub is_watched: bool,
}

impl Queue {
    /// Asked for each event: messages are what there is most of.
    pub fn is_empty(&self, lanes: Lanes) -> bool {
        if lanes.has(Lanes::MESSAGES) && self.waiting_messages > 0 {
            return false;
        }
        !lanes.has(Lanes::REQUESTS)
            || (self.urgent.is_empty()
                && self.endings.is_empty()
                && self.tools.is_empty()
                && self.steps.is_empty())
    }

    pub fn len(&self, lanes: Lanes) -> usize {
        let mut len = 0;
        if lanes.has(Lanes::MESSAGES) {
            len += self.waiting_messages;
        }
        if lanes.has(Lanes::REQUESTS) {
            len += self.urgent.len() + self.endings.len() + self.tools.len() + self.steps.len();
        }
        len
    }

    /// Nothing is queued in these lanes, and nothing will be, but for the ends of what the host begins from now on.
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

    /// After a delivery: `left` is what remains of an entry that held `before`.
    pub fn settle_message(&mut self, before: usize, left: Option<Entry>) {
        self.settle_count(before, left.as_ref().map_or(0, Entry::count));
        if let Some(entry) = left {
            self.messages.put_back(entry);
        }
    }

    /// Of an entry with `before` events, `after` are left.
    pub fn settle_count(&mut self, before: usize, after: usize) {
        self.waiting_messages = (self.waiting_messages + after).saturating_sub(before);
    }

    /// Whoever serves the lane wants to stop; `false` when there is something for it to do.
    pub fn leave(&mut self, lane: Lane) -> bool {
        match lane {
            Lane::Messages => self.messages.leave(),
            Lane::Requests => self.urgent.leave(),
            Lane::Endings => self.endings.leave(),
            Lane::Prompts => self.steps.leave(),
        }
    }

    /// `true` when the caller must see to it that the lane is served.
    pub fn claim(&mut self, lane: Lane) -> bool {
        match lane {
            Lane::Messages => self.messages.claim(),
            Lane::Requests => self.urgent.claim(),
            Lane::Endings => self.endings.claim(),
            Lane::Prompts => self.steps.claim(),
        }
    }

    /// Whoever serves the lane stops, whatever waits.
    pub fn abandon(&mut self, lane: Lane) {
        match lane {
            Lane::Messages => self.messages.abandon(),
            Lane::Requests => self.urgent.abandon(),
            Lane::Endings => self.endings.abandon(),
            Lane::Prompts => self.steps.abandon(),
        }
    }

    /// Takes the ends of operations out of a lane of urgent entries; the others stay.
    pub fn take_done(&mut self, lane: Lane) -> Vec<Done> {
        let fifo = if lane == Lane::Endings { &mut self.endings } else { &mut self.urgent };
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
