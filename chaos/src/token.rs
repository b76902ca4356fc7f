//! What the library may do with each `user_data`, checked at every call: a registration, an operation, a transport.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ops::PULL;
use crate::raw::{Client, FarSide, Spare};
use crate::watch::violation;

/// What the token was registered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Message,
    Request,
    Stderr,
    Closed,
    Ready,
    Done,
    Cancel,
    Prompt,
    Tool,
    Log,
    Transport,
    Store,
    Once,
}

impl Kind {
    /// One at a time, in order, with the others of the message lane.
    fn in_message_lane(self) -> bool {
        matches!(self, Kind::Message | Kind::Stderr | Kind::Closed)
    }
}

/// What is known of a client.
#[derive(Debug)]
pub struct Record {
    /// Greater than that of every client before. Whoever is inside a callback waits for greater ones only, so that no two
    /// callbacks wait for each other: that would be the host's fault.
    pub number: u64,
    pub client: usize,
    pub mode: i32,
    /// A record answers with what it has, also to another request.
    pub replays: bool,
    /// The spare that was made of it; 0 = none.
    spare: AtomicUsize,
    freed: AtomicBool,
    closed: AtomicU32,
    in_messages: AtomicU32,
    last_seq: AtomicI64,
    /// Nothing of the messages is dropped, so that they are numbered without gaps.
    pub ordered: AtomicBool,
    tokens: Mutex<Vec<Arc<Token>>>,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);

impl Record {
    pub fn new(client: Client, mode: i32, replays: bool) -> Arc<Record> {
        Arc::new(Record {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            client: client.number(),
            mode,
            replays,
            spare: AtomicUsize::new(0),
            freed: AtomicBool::new(false),
            closed: AtomicU32::new(0),
            in_messages: AtomicU32::new(0),
            last_seq: AtomicI64::new(-1),
            ordered: AtomicBool::new(true),
            tokens: Mutex::default(),
        })
    }

    pub fn handle(&self) -> Client {
        Client::from_number(self.client)
    }

    pub fn keep_spare(&self, spare: Spare) {
        self.spare.store(spare.number(), Ordering::SeqCst);
    }

    pub fn spare(&self) -> Spare {
        Spare::from_number(self.spare.load(Ordering::SeqCst))
    }

    fn tokens(&self) -> MutexGuard<'_, Vec<Arc<Token>>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The registration has returned: from now on it ends with the client.
    pub fn registered(&self, token: &Arc<Token>) {
        self.tokens().push(Arc::clone(token));
    }

    /// What has to have been destroyed when a free that begins now has returned.
    pub fn bound(&self) -> Vec<Arc<Token>> {
        self.tokens().clone()
    }

    /// `claude_client_free` has returned where it promises all.
    pub fn mark_freed(&self, bound: &[Arc<Token>]) {
        self.freed.store(true, Ordering::SeqCst);
        for token in bound {
            if token.destroyed.load(Ordering::SeqCst) != 1 {
                violation(&format!("free has returned and {token:?} was not destroyed"));
            }
            if token.running.load(Ordering::SeqCst) != 0 {
                violation(&format!("free has returned and {token:?} runs"));
            }
        }
    }

    pub fn is_freed(&self) -> bool {
        self.freed.load(Ordering::SeqCst)
    }

    /// A numbered message has come to the message callback.
    pub fn saw_seq(&self, seq: i64) {
        let last = self.last_seq.swap(seq, Ordering::SeqCst);
        if seq != 0 && seq != last + 1 && self.ordered.load(Ordering::SeqCst) {
            violation(&format!("message {seq} came behind message {last} of client {}", self.number));
        }
    }

    pub fn saw_closed(&self) {
        if self.closed.fetch_add(1, Ordering::SeqCst) != 0 {
            violation(&format!("client {} was told its end twice", self.number));
        }
    }
}

pub struct Token {
    pub kind: Kind,
    /// What its callbacks decide by, and what a reply must bring back.
    pub seed: u64,
    pub owner: Option<Arc<Record>>,
    /// The id that a cancellation has to name; 0 = not known.
    pub id: AtomicU64,
    /// Calls may come after the client was freed: a tool's, a cancellation's.
    outlives: bool,
    calls: AtomicU32,
    running: AtomicU32,
    destroyed: AtomicU32,
    wants_destroy: AtomicBool,
    operation: AtomicU8,
    pub far: FarSide,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = |number: &AtomicU32| number.load(Ordering::SeqCst);
        write!(f, "{:?} (seed {:x}, {} calls, ", self.kind, self.seed, count(&self.calls))?;
        write!(f, "{} running, destroyed {} times", count(&self.running), count(&self.destroyed))?;
        match &self.owner {
            Some(owner) => write!(f, ", client {} of mode {})", owner.number, owner.mode),
            None => write!(f, ")"),
        }
    }
}

const REFUSED: u8 = 1;
const ACCEPTED: u8 = 2;

/// Callbacks that were left.
pub static LEFT: AtomicU32 = AtomicU32::new(0);

static TOKENS: Mutex<Vec<Arc<Token>>> = Mutex::new(Vec::new());

fn all_tokens() -> MutexGuard<'static, Vec<Arc<Token>>> {
    TOKENS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Token {
    /// Lives until the round is over, whatever the library does.
    pub fn new(kind: Kind, seed: u64, owner: Option<Arc<Record>>) -> Arc<Token> {
        // In PULL mode the host itself comes to it, when it likes.
        let pulled = owner.as_ref().is_some_and(|owner| owner.mode == PULL);
        let outlives = owner.is_none()
            || matches!(kind, Kind::Cancel | Kind::Tool | Kind::Log)
            || (pulled && kind == Kind::Done);
        let token = Arc::new(Token {
            kind,
            seed,
            owner,
            id: AtomicU64::new(0),
            outlives,
            calls: AtomicU32::new(0),
            running: AtomicU32::new(0),
            destroyed: AtomicU32::new(0),
            wants_destroy: AtomicBool::new(false),
            operation: AtomicU8::new(0),
            far: FarSide::default(),
        });
        all_tokens().push(Arc::clone(&token));
        token
    }

    pub fn with_destroy(self: Arc<Self>) -> Arc<Self> {
        self.wants_destroy.store(true, Ordering::SeqCst);
        self
    }

    /// An operation was accepted or not: its `done` comes once or never.
    pub fn accepted(&self, accepted: bool) {
        self.operation.store(if accepted { ACCEPTED } else { REFUSED }, Ordering::SeqCst);
    }

    pub fn is_destroyed(&self) -> bool {
        self.destroyed.load(Ordering::SeqCst) != 0
    }

    /// A callback with this token begins: its number.
    pub fn enter(&self) -> Running<'_> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        self.running.fetch_add(1, Ordering::SeqCst);
        if self.is_destroyed() {
            violation(&format!("a call after destroy: {self:?}"));
        }
        if matches!(self.kind, Kind::Done | Kind::Cancel) && number != 0 {
            violation(&format!("told twice: {self:?}"));
        }
        if let Some(owner) = self.owner.as_ref().filter(|_| !self.outlives) {
            if owner.freed.load(Ordering::SeqCst) {
                violation(&format!("a call after free has returned: {self:?}"));
            }
            if self.kind.in_message_lane() {
                if owner.in_messages.fetch_add(1, Ordering::SeqCst) != 0 {
                    violation(&format!("two calls of the message lane at once: {self:?}"));
                }
                if self.kind != Kind::Closed && owner.closed.load(Ordering::SeqCst) != 0 {
                    violation(&format!("a message behind the end: {self:?}"));
                }
            }
        }
        Running { token: self, number, before: Inside::enter(self) }
    }

    pub fn calls_so_far(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    /// A callback is left at once: a call that never returns, and that counts as ended.
    pub fn left(&self) {
        LEFT.fetch_add(1, Ordering::Relaxed);
        if self.is_destroyed() {
            violation(&format!("a call after destroy: {self:?}"));
        }
        if self.calls.fetch_add(1, Ordering::SeqCst) != 0 && matches!(self.kind, Kind::Done | Kind::Cancel) {
            violation(&format!("told twice: {self:?}"));
        }
    }

    pub fn destroy(&self) {
        if !self.wants_destroy.load(Ordering::SeqCst) || self.destroyed.fetch_add(1, Ordering::SeqCst) != 0 {
            violation(&format!("destroyed twice: {self:?}"));
        }
        if self.running.load(Ordering::SeqCst) != 0 {
            violation(&format!("destroyed while it runs: {self:?}"));
        }
    }

    fn settle(&self) -> Result<(), String> {
        let calls = self.calls.load(Ordering::SeqCst);
        if self.running.load(Ordering::SeqCst) != 0 {
            return Err(format!("still runs: {self:?}"));
        }
        if self.wants_destroy.load(Ordering::SeqCst) && self.destroyed.load(Ordering::SeqCst) != 1 {
            return Err(format!("never destroyed: {self:?}"));
        }
        match self.operation.load(Ordering::SeqCst) {
            ACCEPTED if calls != 1 => Err(format!("accepted, and told {calls} times: {self:?}")),
            REFUSED if calls != 0 => Err(format!("refused, and told {calls} times: {self:?}")),
            _ => Ok(()),
        }
    }
}

/// The round is over: every promise has been kept. How many tokens there were.
pub fn settle_all() -> usize {
    let tokens = std::mem::take(&mut *all_tokens());
    for token in &tokens {
        if let Err(text) = token.settle() {
            violation(&text);
        }
        if let Some(owner) = &token.owner {
            owner.tokens().clear();
        }
    }
    tokens.len()
}

/// What this thread is inside of.
#[derive(Debug, Clone, Copy)]
pub struct Inside {
    /// Callbacks that it is in.
    pub depth: u32,
    /// The greatest number of the clients whose callbacks it is in.
    pub order: u64,
    /// The library's reader may be the one that runs it: nothing waits there.
    pub reader: bool,
    /// In what may interrupt anybody: it must not even wait for a free.
    pub fleeting: bool,
}

thread_local! {
    static INSIDE: Cell<Inside> = const { Cell::new(Inside { depth: 0, order: 0, reader: false, fleeting: false }) };
}

impl Inside {
    pub fn now() -> Inside {
        INSIDE.get()
    }

    fn enter(token: &Token) -> Inside {
        const INLINE: i32 = 3;
        let before = INSIDE.get();
        let inline = token.owner.as_ref().is_some_and(|owner| owner.mode == INLINE);
        let fleeting = matches!(token.kind, Kind::Log | Kind::Ready | Kind::Transport);
        INSIDE.set(Inside {
            depth: before.depth + 1,
            order: before.order.max(token.owner.as_ref().map_or(u64::MAX, |owner| owner.number)),
            reader: before.reader || inline || fleeting,
            fleeting: before.fleeting || fleeting,
        });
        before
    }

    /// A `destroy` runs here: on any thread, the reader among them.
    pub fn enter_destroy(token: &Token) -> Inside {
        let before = Inside::enter(token);
        INSIDE.set(Inside { reader: true, ..INSIDE.get() });
        before
    }

    pub fn leave_to(before: Inside) {
        INSIDE.set(before);
    }
}

/// A callback that runs.
pub struct Running<'a> {
    token: &'a Token,
    pub number: u32,
    before: Inside,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        Inside::leave_to(self.before);
        if let Some(owner) =
            self.token.owner.as_ref().filter(|_| !self.token.outlives && self.token.kind.in_message_lane())
        {
            owner.in_messages.fetch_sub(1, Ordering::SeqCst);
        }
        self.token.running.fetch_sub(1, Ordering::SeqCst);
    }
}
