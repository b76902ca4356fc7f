//! Tracks running callbacks, and guarantees that none starts or runs once the gate is closed.
//!
//! An atomic flag alone cannot guarantee that: a call may have been let through just before the flag was set. So every call is
//! registered while it runs, and closing waits for the registered ones.

use crate::sync::{
    AtomicU32, Condvar, Mutex, MutexGuard, Ordering, is_live, lock, may_wait, ranked, thread_key, visit,
};

/// The callbacks that can be replaced individually.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Message,
    Request,
    Stderr,
    Closed,
    Ready,
    Completion,
    Prompt,
    Tool,
    /// Not a callback, but the replacement of one, which drops the old one and so may run a destroy-notify of the host.
    Replacement,
}

/// What [`Gate::close`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// No callback runs, and none will.
    Quiet,
    /// The caller is inside a callback: the finaliser runs when it has left its outermost one.
    Deferred,
}

type Finaliser = Box<dyn FnOnce() + Send>;

/// A running callback.
struct Running {
    thread: usize,
    slot: Slot,
    /// The number of the call.
    number: u64,
    /// The library call on that thread that the callback runs in.
    visit: u64,
}

impl Running {
    /// The thread has come back to the library without returning from the callback.
    fn is_left(&self, key: usize) -> bool {
        self.thread == key && !is_live(self.visit)
    }
}

struct State {
    closed: bool,
    running: Vec<Running>,
    /// The number of calls so far.
    entered: u64,
    /// The number of announcements behind the closed gate.
    announced: u64,
    /// Belongs to the thread that closed the gate from inside a callback.
    finaliser: Option<(usize, Finaliser)>,
}

ranked!(State: Gate);

impl State {
    fn is_inside(&self, key: usize) -> bool {
        self.running.iter().any(|running| running.thread == key && is_live(running.visit))
    }

    fn is_inside_callback(&self, key: usize) -> bool {
        let callback = |running: &&Running| running.slot != Slot::Replacement;
        self.running.iter().filter(callback).any(|running| running.thread == key && is_live(running.visit))
    }
}

pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    epoch: AtomicU32,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::new()
    }
}

impl Gate {
    pub fn new() -> Gate {
        Gate {
            state: Mutex::new(State {
                closed: false,
                running: Vec::new(),
                entered: 0,
                announced: 0,
                finaliser: None,
            }),
            changed: Condvar::new(),
            epoch: AtomicU32::new(0),
        }
    }

    /// Registers a call. `None` once the gate is closed. Look up a replaceable callback after this, not before: one looked up
    /// before may have been replaced and destroyed in the meantime.
    pub fn enter(&self, slot: Slot) -> Option<Pass<'_>> {
        let mut state = lock(&self.state);
        if state.closed {
            return None;
        }
        state.entered += 1;
        let number = state.entered;
        state.running.push(Running { thread: thread_key(), slot, number, visit: visit() });
        Some(Pass { gate: self, number })
    }

    /// Changes whenever a callback was replaced or the gate was closed. A caller that makes several calls under one [`Pass`]
    /// checks it between them.
    pub fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Whether the current thread is inside one of this gate's callbacks.
    pub fn is_inside(&self) -> bool {
        lock(&self.state).is_inside_callback(thread_key())
    }

    /// A callback is being replaced, and the old one dropped: closing waits for that as for a call. `None` once the gate is
    /// closed, when nothing may be replaced any more.
    pub fn replacing(&self) -> Option<Pass<'_>> {
        self.enter(Slot::Replacement)
    }

    pub fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Tells running callers that `slot` has a new callback and waits until the old one is not running. Calls that start later
    /// use the new one and are not waited for. Does not wait inside a callback or on a library thread: two callbacks that
    /// replace each other would deadlock, and a reader serves all clients.
    pub fn replaced(&self, slot: Slot) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        let mut state = lock(&self.state);
        if !may_wait() || state.is_inside_callback(thread_key()) {
            return;
        }
        let last = state.entered;
        while state.running.iter().any(|running| running.slot == slot && running.number <= last) {
            state = self.changed.wait(state);
        }
    }

    /// Lets no further call in.
    pub fn shut(&self) {
        lock(&self.state).closed = true;
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Lets no further call in and waits for the running ones, like [`Gate::wait_quiet`]. Inside a callback it returns at once,
    /// and `finaliser` runs on this thread when its outermost callback has returned, while other threads may still be inside
    /// one; otherwise `finaliser` is dropped unused.
    pub fn close(&self, finaliser: impl FnOnce() + Send + 'static, meanwhile: impl Fn()) -> Closing {
        let key = thread_key();
        self.shut();
        let mut state = lock(&self.state);
        if state.is_inside(key) {
            state.finaliser = Some((key, Box::new(finaliser)));
            return Closing::Deferred;
        }
        drop(state);
        self.wait_quiet(meanwhile);
        Closing::Quiet
    }

    /// Waits until no call is running. Must not be called inside a callback. While calls are running, `meanwhile` delivers what
    /// they may be waiting for: now, and after every announcement.
    pub fn wait_quiet(&self, meanwhile: impl Fn()) {
        let mut state = lock(&self.state);
        while !state.running.is_empty() {
            let announced = state.announced;
            drop(state);
            meanwhile();
            state = lock(&self.state);
            while !state.running.is_empty() && state.announced == announced {
                state = self.changed.wait(state);
            }
        }
    }

    /// Something was queued that a running call may be waiting for, and that no call can deliver behind the closed gate.
    pub fn announce(&self) {
        let mut state = lock(&self.state);
        if state.closed {
            state.announced += 1;
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Ends the calls that this thread has left without returning. `true` if there were any.
    pub fn end_left(&self) -> bool {
        let key = thread_key();
        let mut state = lock(&self.state);
        let before = state.running.len();
        state.running.retain(|running| !running.is_left(key));
        let found = state.running.len() < before;
        if found {
            self.left(state, key);
        }
        found
    }

    fn leave(&self, number: u64) {
        let mut state = lock(&self.state);
        if let Some(at) = state.running.iter().rposition(|running| running.number == number) {
            state.running.swap_remove(at);
        }
        self.left(state, thread_key());
    }

    fn left(&self, mut state: MutexGuard<'_, State>, key: usize) {
        let mine =
            state.finaliser.as_ref().is_some_and(|(closer, _)| *closer == key) && !state.is_inside(key);
        let finaliser = if mine { state.finaliser.take() } else { None };
        drop(state);
        self.changed.notify_all();
        if let Some((_, finaliser)) = finaliser {
            finaliser();
        }
    }
}

/// A registered call; ends when dropped.
pub struct Pass<'a> {
    gate: &'a Gate,
    number: u64,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.leave(self.number);
    }
}
