//! Where the current thread is: whose it is, which calls of the library it is in, and which functions of the host those have
//! called. It follows from this whether the thread may wait, and whether it has left a callback without returning from it.
//!
//! A callback that is left by `longjmp` or by another language's exception runs none of the library's code on the way. It
//! shows when the thread comes back: a call from a place further out on the stack than the library's frame that had called
//! the host can only be made once that frame is gone.

mod uses;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::error::{Error, Result, Status};
use uses::Uses;

/// Calls within calls that are followed; those inside of more are taken for running.
const DEEPEST: usize = 16;

/// What of the host's is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whether it may wait is a matter of the client's gate.
    Callback,
    /// Somebody is in the midst of something, whichever thread that is: it must not wait at all.
    Passing,
}

/// A function of the host.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    pub callback: &'static str,
    pub role: Role,
    /// Its destroy-notify, as [`End::id`]; 0 = none.
    pub end: usize,
}

/// A call of the library that is under way on this thread.
struct Visit {
    number: Cell<u64>,
    /// What it calls of the host at the moment, as [`Noted`].
    host: Cell<usize>,
    callback: Cell<&'static str>,
    end: Cell<usize>,
    /// Whether the host made the call where nothing may wait.
    passing: Cell<bool>,
}

/// What is called of the host.
#[derive(Clone, Copy)]
struct Noted {
    /// The address of the library's frame that calls it; 0 = nothing is called.
    host: usize,
    callback: &'static str,
    /// Its destroy-notify; 0 = none.
    end: usize,
}

impl Visit {
    const fn new() -> Visit {
        Visit {
            number: Cell::new(0),
            host: Cell::new(0),
            callback: Cell::new(""),
            end: Cell::new(0),
            passing: Cell::new(false),
        }
    }

    /// What was noted before.
    #[inline]
    fn note(&self, now: Noted) -> Noted {
        Noted {
            host: self.host.replace(now.host),
            callback: self.callback.replace(now.callback),
            end: self.end.replace(now.end),
        }
    }
}

/// What is known of the current thread. In one piece, since in a shared library each look-up is a function call.
pub struct Here {
    /// It has been here before.
    known: Cell<bool>,
    library: Cell<bool>,
    passing: Cell<bool>,
    /// How many calls are under way.
    level: Cell<usize>,
    /// Of the last call.
    number: Cell<u64>,
    /// What the host had set for this thread and the library has changed, as long as it is inside.
    kept: Cell<Option<i32>>,
    visits: [Visit; DEEPEST],
}

thread_local! {
    // Const-initialised cells without destructors: they leave nothing behind on the host's threads.
    static HERE: Here = const {
        Here {
            known: Cell::new(false),
            library: Cell::new(false),
            passing: Cell::new(false),
            level: Cell::new(0),
            number: Cell::new(0),
            kept: Cell::new(None),
            visits: [const { Visit::new() }; DEEPEST],
        }
    };
}

/// Says that the current thread belongs to the library: it must never wait for another one of its kind.
pub fn mark_library_thread() {
    HERE.with(|here| here.library.set(true));
}

pub fn is_library_thread() -> bool {
    HERE.with(|here| here.library.get())
}

/// Whether the current thread is inside a call of the library, or runs nothing else.
pub fn is_inside() -> bool {
    HERE.with(|here| here.library.get() || here.level.get() > 0)
}

/// Whether a thread in this place may wait at all. Every function that waits asks this first.
#[inline]
pub fn may_wait() -> bool {
    HERE.with(Here::may_wait)
}

/// The refusal of a wait on a thread that the awaited thing may need.
pub fn check_may_wait() -> Result<()> {
    HERE.with(Here::check_may_wait)
}

#[cold]
pub fn would_deadlock() -> Error {
    Error::new(Status::WouldDeadlock, "this call would wait inside a callback, or on a thread of the library")
        .with("remedy", "use the form with a completion callback, or call from a thread of your own")
}

/// The number of the call that is under way on this thread; 0 = none.
pub fn visit() -> u64 {
    HERE.with(|here| match here.level.get() {
        0 => 0,
        level => here.visits.get(level - 1).map_or(0, |visit| visit.number.get()),
    })
}

/// Whether a call of this thread is still under way.
pub fn is_live(number: u64) -> bool {
    number == 0 || HERE.with(|here| here.running().iter().any(|visit| visit.number.get() == number))
}

impl Here {
    #[inline]
    fn may_wait(&self) -> bool {
        !self.library.get() && !self.passing.get()
    }

    /// As [`check_may_wait`].
    #[inline]
    pub fn check_may_wait(&self) -> Result<()> {
        if self.may_wait() { Ok(()) } else { Err(would_deadlock()) }
    }

    /// The calls that are under way, as far as they are followed.
    fn running(&self) -> &[Visit] {
        &self.visits[..self.level.get().min(DEEPEST)]
    }
}

/// Runs `body` as a call of the library. `first` is done in the thread's first one. `is_left` tells whether a frame of this
/// thread is gone. `change` sets for the thread what must hold inside of the outermost call, and returns what `restore` is to
/// set again.
#[inline]
pub fn call<T>(
    first: impl FnOnce(),
    is_left: impl Fn(usize) -> bool,
    change: impl FnOnce() -> Option<i32>,
    restore: impl Fn(i32),
    body: impl FnOnce(&Here) -> T,
) -> T {
    HERE.with(|here| {
        here.greet(first);
        let mut level = here.level.get();
        if level > 0
            && let Some(left) = leave_behind(here, is_left)
        {
            level = here.level.get();
            here.begin(level);
            left.tell();
        } else {
            here.begin(level);
        }
        // Where the last call was left without returning, the host's own choice is known already.
        if level == 0 && here.kept.get().is_none() {
            here.kept.set(change());
        }
        let leave = Leave { here, level };
        let value = body(here);
        drop(leave);
        if level == 0
            && let Some(kept) = here.kept.take()
        {
            restore(kept);
        }
        value
    })
}

/// In a call that has begun without it: sets for the thread what `change` sets, as in [`call`].
#[cold]
pub fn change(change: impl FnOnce() -> Option<i32>) {
    HERE.with(|here| {
        if here.level.get() > 0 && here.kept.get().is_none() {
            here.kept.set(change());
        }
    });
}

/// Runs `body` as a call that neither waits, nor blocks, nor calls the host: nothing has to be followed.
#[inline]
pub fn brief<T>(first: impl FnOnce(), body: impl FnOnce() -> T) -> T {
    HERE.with(|here| {
        here.greet(first);
        let level = here.level.get();
        let _leave = Leave { here, level };
        here.level.set(level + 1);
        body()
    })
}

struct Leave<'a> {
    here: &'a Here,
    level: usize,
}

impl Drop for Leave<'_> {
    #[inline]
    fn drop(&mut self) {
        self.here.level.set(self.level);
    }
}

impl Here {
    #[inline]
    fn greet(&self, first: impl FnOnce()) {
        if !self.known.replace(true) {
            first();
        }
    }

    #[inline]
    fn begin(&self, level: usize) {
        if let Some(visit) = self.visits.get(level) {
            let number = self.number.get() + 1;
            self.number.set(number);
            visit.number.set(number);
            visit.host.set(0);
            visit.passing.set(self.passing.get());
        }
        self.level.set(level + 1);
    }

    /// The call that is under way, if it is followed.
    #[inline]
    fn innermost(&self, level: usize) -> Option<&Visit> {
        level.checked_sub(1).and_then(|at| self.visits.get(at))
    }
}

/// Ends the calls whose frames are gone.
#[cold]
#[inline(never)]
fn leave_behind(here: &Here, is_left: impl Fn(usize) -> bool) -> Option<Left> {
    let is_gone = |visit: &Visit| visit.host.get() != 0 && is_left(visit.host.get());
    let first = here.running().iter().position(is_gone)?;
    here.passing.set(here.visits[first].passing.get());
    Some(here.lose(first))
}

impl Here {
    /// The calls from `first` on are over, and what they had called of the host with them.
    fn lose(&self, first: usize) -> Left {
        let lost = &self.running()[first..];
        let ends: Vec<Arc<End>> = {
            let ends = lock(&ENDS);
            let called = lost.iter().filter(|visit| visit.host.get() != 0);
            called.filter_map(|visit| ends.as_ref()?.get(&visit.end.get())?.1.upgrade()).collect()
        };
        let callback = lost.first().map_or("", |visit| visit.callback.get());
        self.level.set(first);
        let due = ends.into_iter().filter(|end| end.lose()).collect();
        Left { callback, due }
    }
}

/// A callback that was left without returning from it.
struct Left {
    callback: &'static str,
    /// The destroy-notifies that have waited for nothing but the calls that are gone.
    due: Vec<Arc<End>>,
}

impl Left {
    fn tell(self) {
        let told = lock(&TOLD).clone();
        told.into_iter().for_each(|tell| tell(self.callback));
        self.due.iter().for_each(|end| end.run());
    }
}

type Tell = fn(&'static str);

static TOLD: Mutex<Vec<Tell>> = Mutex::new(Vec::new());

/// `tell` is called on the thread that has left a callback, with what that is called.
pub fn on_left(tell: Tell) {
    let mut told = lock(&TOLD);
    if !told.iter().any(|known| std::ptr::fn_addr_eq(*known, tell)) {
        told.push(tell);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

type Destroy = Box<dyn FnOnce() + Send>;

/// What registrations belong to, and end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope(u64);

impl Scope {
    /// For what is ended one by one.
    pub const NOBODY: Scope = Scope(0);

    pub fn unique() -> Scope {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Scope(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Every registration of this scope is gone: what frames that were left still hold is destroyed.
    pub fn retire(self) {
        let ends: Vec<Arc<End>> = {
            let ends = lock(&ENDS);
            let mine = ends.iter().flatten().filter(|(_, (scope, _))| *scope == self);
            mine.filter_map(|(_, (_, end))| end.upgrade()).collect()
        };
        ends.iter().for_each(|end| end.retire());
    }
}

/// A destroy-notify of the host. It runs once: when the last one who holds the registration lets go of it; or, since a frame
/// that was left never lets go of what it held, when the registration is retired and no call of it is under way.
pub struct End {
    destroy: Mutex<Option<Destroy>>,
    uses: Uses,
}

type Ends = HashMap<usize, (Scope, Weak<End>)>;

/// By their ids, as frames know them.
static ENDS: Mutex<Option<Ends>> = Mutex::new(None);

impl End {
    pub fn new(scope: Scope, destroy: Destroy) -> Arc<End> {
        let end = Arc::new(End { destroy: Mutex::new(Some(destroy)), uses: Uses::new() });
        lock(&ENDS).get_or_insert_default().insert(end.id(), (scope, Arc::downgrade(&end)));
        end
    }

    pub fn id(self: &Arc<End>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// A call begins. `false` when the destroy-notify has run, or is about to.
    #[must_use]
    pub fn begin(&self) -> bool {
        self.uses.begin()
    }

    /// The call has returned.
    pub fn finish(&self) {
        if self.lose() {
            self.run();
        }
    }

    /// A call is over. `true` when the destroy-notify has waited for that.
    fn lose(&self) -> bool {
        self.uses.finish()
    }

    /// The registration is gone, whoever seems to hold it.
    pub fn retire(&self) {
        if self.uses.retire() {
            self.run();
        }
    }

    pub fn run(&self) {
        let destroy = lock(&self.destroy).take();
        if let Some(destroy) = destroy {
            destroy();
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(ends) = lock(&ENDS).as_mut() {
            ends.remove(&std::ptr::from_ref(self).addr());
        }
    }
}

/// Calls of one function of the host, all from the same frame.
pub struct Calls<'a> {
    here: &'a Here,
    host: Host,
    level: usize,
    /// What held before: calls may lie inside of one another without a call of the library between them.
    passing: bool,
    before: Option<Noted>,
}

/// Runs `body`, which calls the host from the frame at `frame`: as often as it likes, and it is noted once.
#[inline]
pub fn call_host<T>(host: Host, frame: usize, body: impl FnOnce(&Calls<'_>) -> T) -> T {
    HERE.with(|here| {
        let (level, passing) = (here.level.get(), here.passing.get());
        let noted = Noted { host: frame, callback: host.callback, end: host.end };
        let before = here.innermost(level).map(|visit| visit.note(noted));
        let calls = Calls { here, host, level, passing, before };
        here.passing.set(calls.is_passing());
        body(&calls)
    })
}

impl Calls<'_> {
    /// One call. An unwinding that comes out of it ends the process: it would leave the library half-way, and its callers
    /// cannot be unwound.
    #[inline]
    pub fn call<T>(&self, function: impl FnOnce() -> T) -> T {
        let unwound = Unwound(&self.host);
        let value = function();
        // A callback that has itself been jumped into may have left calls of its own behind.
        if self.here.level.get() != self.level {
            self.come_back();
        }
        std::mem::forget(unwound);
        value
    }

    #[cold]
    fn come_back(&self) {
        self.here.passing.set(self.is_passing());
        if self.level < self.here.running().len() {
            self.here.lose(self.level).tell();
        }
        self.here.level.set(self.level);
    }

    fn is_passing(&self) -> bool {
        self.passing || self.host.role == Role::Passing
    }
}

impl Drop for Calls<'_> {
    #[inline]
    fn drop(&mut self) {
        self.here.passing.set(self.passing);
        if let (Some(visit), Some(before)) = (self.here.innermost(self.level), self.before) {
            visit.note(before);
        }
    }
}

/// Dropped by an unwinding only.
struct Unwound<'a>(&'a Host);

impl Drop for Unwound<'_> {
    #[cold]
    fn drop(&mut self) {
        use std::io::Write;
        // Nothing else is ever printed: this is all that the developer gets to see.
        let _ = writeln!(
            std::io::stderr(),
            "claude-client: {} was left by an exception, by pthread_exit or by another unwinding. Functions that the host \
             gives to the library must return normally: catch what they throw inside of them (point 9 of the contract at \
             the top of claude_client.h, and docs/threading.md). The process is aborted.",
            self.0.callback
        );
        std::process::abort();
    }
}
