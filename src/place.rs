//! Tracks the current thread: whether it belongs to the library, which library calls it is in, and which functions of the host
//! those have called. From this follows whether the thread may wait, and whether it has left a callback without returning.
//!
//! A callback that is left by `longjmp` or by another language's exception runs none of the library's code on the way. This is
//! detected when the thread comes back: a call from further out on the stack than the library frame that had called the host is
//! only possible once that frame is gone.

mod uses;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use uses::Uses;

/// The number of nested calls that are tracked; deeper ones are assumed to be running.
const DEEPEST: usize = 16;

/// The kind of host function being called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whether it may wait depends on the client's gate.
    Callback,
    /// Runs in the middle of some operation, on whichever thread that is: it must not wait at all.
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

/// A library call in progress on this thread.
struct Visit {
    number: Cell<u64>,
    /// The host function that it is calling, as in [`Noted`].
    host: Cell<usize>,
    callback: Cell<&'static str>,
    end: Cell<usize>,
    /// Whether the host made the call from a function that must not wait.
    passing: Cell<bool>,
}

/// The host function being called.
#[derive(Clone, Copy)]
struct Noted {
    /// The address of the library frame that makes the call; 0 = no call.
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

    /// Returns the previous value.
    #[inline]
    fn note(&self, now: Noted) -> Noted {
        Noted {
            host: self.host.replace(now.host),
            callback: self.callback.replace(now.callback),
            end: self.end.replace(now.end),
        }
    }
}

/// The state of the current thread. In one piece, since in a shared library each thread-local lookup is a function call.
pub struct Here {
    /// The thread has called the library before.
    known: Cell<bool>,
    library: Cell<bool>,
    passing: Cell<bool>,
    /// The number of calls in progress.
    level: Cell<usize>,
    /// The number of the last call.
    number: Cell<u64>,
    /// The host's own setting for this thread, which the library has changed while inside.
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

/// Marks the current thread as a library thread: it must never wait for another one of its kind.
pub fn mark_library_thread() {
    HERE.with(|here| here.library.set(true));
}

pub fn is_library_thread() -> bool {
    HERE.with(|here| here.library.get())
}

/// Whether the current thread is inside a library call, or is a library thread.
pub fn is_inside() -> bool {
    HERE.with(|here| here.library.get() || here.level.get() > 0)
}

/// Whether the current thread may wait at all. Every function that waits checks this first.
#[inline]
pub fn may_wait() -> bool {
    HERE.with(Here::may_wait)
}

/// The error for a wait on a thread that the awaited operation may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WouldDeadlock;

/// Like [`may_wait`], for callers that propagate the refusal.
pub fn check_may_wait() -> Result<(), WouldDeadlock> {
    HERE.with(Here::check_may_wait)
}

/// The number of the innermost call in progress on this thread; 0 = none.
pub fn visit() -> u64 {
    HERE.with(|here| match here.level.get() {
        0 => 0,
        level => here.visits.get(level - 1).map_or(0, |visit| visit.number.get()),
    })
}

/// Whether a call of this thread is still in progress.
pub fn is_live(number: u64) -> bool {
    number == 0 || HERE.with(|here| here.running().iter().any(|visit| visit.number.get() == number))
}

impl Here {
    #[inline]
    fn may_wait(&self) -> bool {
        !self.library.get() && !self.passing.get()
    }

    /// Like [`check_may_wait`].
    #[inline]
    pub fn check_may_wait(&self) -> Result<(), WouldDeadlock> {
        if self.may_wait() { Ok(()) } else { Err(WouldDeadlock) }
    }

    /// The calls in progress, as far as they are tracked.
    fn running(&self) -> &[Visit] {
        &self.visits[..self.level.get().min(DEEPEST)]
    }
}

/// Runs `body` as a library call. `first` runs on the thread's first call. `is_left` says whether a frame of this thread is
/// gone. `change` applies the thread setting for the outermost call, and returns the value for `restore`.
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
        // If the last call was left without returning, the host's own setting is known already.
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

/// Inside a call that started without it: applies the thread setting with `change`, as in [`call`].
#[cold]
pub fn change(change: impl FnOnce() -> Option<i32>) {
    HERE.with(|here| {
        if here.level.get() > 0 && here.kept.get().is_none() {
            here.kept.set(change());
        }
    });
}

/// Runs `body` as a call that neither waits, nor blocks, nor calls the host: nothing needs tracking.
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

    /// The call in progress, if it is tracked.
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
    /// Ends the calls from `first` on, together with the host functions they had called.
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

/// A callback that was left without returning.
struct Left {
    callback: &'static str,
    /// The destroy-notifies that were only waiting for the abandoned calls.
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

/// Registers `tell`, which is called with the callback's name on the thread that has left it.
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

/// The owner of a group of registrations, which end together with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope(u64);

impl Scope {
    /// For registrations that end individually.
    pub const NOBODY: Scope = Scope(0);

    pub fn unique() -> Scope {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Scope(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Every registration of this scope is gone: destroys what abandoned frames still hold.
    pub fn retire(self) {
        let ends: Vec<Arc<End>> = {
            let ends = lock(&ENDS);
            let mine = ends.iter().flatten().filter(|(_, (scope, _))| *scope == self);
            mine.filter_map(|(_, (_, end))| end.upgrade()).collect()
        };
        ends.iter().for_each(|end| end.retire());
    }
}

/// A destroy-notify of the host. It runs once: when the last holder of the registration drops it; or, since an abandoned frame
/// never drops what it held, when the registration is retired and no call of it is in progress.
pub struct End {
    destroy: Mutex<Option<Destroy>>,
    uses: Uses,
}

type Ends = HashMap<usize, (Scope, Weak<End>)>;

/// Keyed by id, which is how frames refer to them.
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

    /// A call starts. `false` if the destroy-notify has run, or is about to.
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

    /// A call is over. `true` if the destroy-notify was waiting for that.
    fn lose(&self) -> bool {
        self.uses.finish()
    }

    /// The registration is gone, even if it still seems to be held.
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

/// Calls of one host function, all from the same frame.
pub struct Calls<'a> {
    here: &'a Here,
    host: Host,
    level: usize,
    /// The previous state: calls may nest without a library call between them.
    passing: bool,
    before: Option<Noted>,
}

/// Runs `body`, which calls the host from the frame at `frame`: any number of times, recorded once.
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
    /// Makes one call. If it unwinds, the process is aborted: unwinding would leave the library in an inconsistent state, and
    /// its callers cannot be unwound.
    #[inline]
    pub fn call<T>(&self, function: impl FnOnce() -> T) -> T {
        let unwound = Unwound(&self.host);
        let value = function();
        // A callback that was itself the target of a jump may have left nested calls behind.
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

/// Dropped only while unwinding.
struct Unwound<'a>(&'a Host);

impl Drop for Unwound<'_> {
    #[cold]
    fn drop(&mut self) {
        use std::io::Write;
        // Nothing else is ever printed: this is all that the developer sees.
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
