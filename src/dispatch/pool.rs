//! The threads that run callbacks in THREAD mode.
//!
//! A client owns none of them: a lane with work borrows one and gives it back when it is empty. Two threads serve
//! everybody as long as callbacks return; when all are stuck in host code and a lane waits, more are added, so that
//! a blocked callback delays nobody else. Idle threads end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::crew::{Crew, Need, Next, WATCH_EVERY};
use crate::sync::lock;
use crate::{process, runtime};

/// One turn of work.
pub trait Job: Send + Sync {
    /// `true` when there is more to do and the job wants to be queued again.
    fn run(&self) -> bool;
}

/// Work that is done in one turn.
struct Once(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Job for Once {
    fn run(&self) -> bool {
        let work = lock(&self.0).take();
        if let Some(work) = work {
            work();
        }
        false
    }
}

type Work = std::sync::Arc<dyn Job>;

const IDLE_LIFETIME: Duration = Duration::from_secs(2);

struct Pool {
    crew: Crew<Work>,
    handles: Vec<JoinHandle<()>>,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { crew: Crew::new(), handles: Vec::new() });
static WORK: Condvar = Condvar::new();

/// Queues `work` for a callback thread.
pub fn submit(work: Work) {
    let mut pool = lock(&POOL);
    let watched = match pool.crew.push(work) {
        Need::Nothing => false,
        Need::Thread => !add_thread(&mut pool),
        Need::Watch => true,
    };
    if watched {
        watch(&mut pool);
    }
    if pool.crew.has_idle() {
        drop(pool);
        WORK.notify_one();
    }
}

/// Runs `work` on a callback thread.
pub fn run(work: impl FnOnce() + Send + 'static) {
    submit(std::sync::Arc::new(Once(Mutex::new(Some(Box::new(work))))));
}

/// Runs `work` on a thread that reads from the CLIs, for what must not happen on any other thread.
pub fn submit_to_reader(work: Work) {
    let job = work.clone();
    let reading = runtime::spawn(async move {
        while job.run() {
            tokio::task::yield_now().await;
        }
    });
    if reading.is_err() {
        submit(work);
    }
}

/// Whether somebody looks after waiting work.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// Ends with the watch, however that ends: its runtime may be shut down under it.
struct Watching;

impl Drop for Watching {
    fn drop(&mut self) {
        WATCHED.store(false, Ordering::Release);
    }
}

/// While work waits, looks every few milliseconds whether all threads are stuck.
fn watch(pool: &mut Pool) {
    if WATCHED.swap(true, Ordering::AcqRel) {
        return;
    }
    let watching = Watching;
    let mut turns = pool.crew.turns;
    let spawned = runtime::spawn(async move {
        loop {
            tokio::time::sleep(WATCH_EVERY).await;
            let mut pool = lock(&POOL);
            if !pool.crew.has_waiting() || pool.crew.is_stopping() {
                // Under the lock, so that whoever queues work next sees it.
                return drop(watching);
            }
            for _ in 0..pool.crew.missing(turns) {
                add_thread(&mut pool);
            }
            turns = pool.crew.turns;
        }
    });
    if spawned.is_err() {
        add_thread(pool);
    }
}

/// `false` when the thread cannot be had now. The watch tries again, and the present ones go on.
fn add_thread(pool: &mut Pool) -> bool {
    let configuration = runtime::configuration();
    let mut builder = std::thread::Builder::new().name(format!("{}-callback", configuration.thread_name));
    if configuration.stack_size != 0 {
        builder = builder.stack_size(configuration.stack_size);
    }
    let body = move || {
        configuration.started();
        serve();
        configuration.stopped();
    };
    // Also without a reader: the end of what a host does behind a shutdown is told here.
    runtime::own_process();
    let Ok(handle) = process::with_signals_blocked(|| builder.spawn(body)) else { return false };
    pool.crew.joined();
    join_finished(&mut pool.handles);
    pool.handles.push(handle);
    true
}

fn serve() {
    while let Some(work) = next(lock(&POOL)) {
        let (again, done) = if work.run() { (Some(work), None) } else { (None, Some(work)) };
        lock(&POOL).crew.ended(again);
        // What it holds may be the host's, and may call back into the library: not under the lock.
        drop(done);
    }
}

/// The next job, or `None` when this thread has been idle for long enough or the pool stops.
fn next(mut pool: MutexGuard<'_, Pool>) -> Option<Work> {
    let idle_since = Instant::now();
    loop {
        let idle_for = idle_since.elapsed();
        match pool.crew.next(idle_for >= IDLE_LIFETIME) {
            Next::Run(work) => return Some(work),
            Next::Leave => return None,
            Next::Wait => {}
        }
        let waited = WORK.wait_timeout(pool, IDLE_LIFETIME - idle_for);
        pool = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        pool.crew.called();
    }
}

/// Joins the threads that have ended; the others stay.
fn join_finished(handles: &mut Vec<JoinHandle<()>>) {
    for handle in handles.extract_if(.., |handle| handle.is_finished()) {
        let _ = handle.join();
    }
}

/// Does it if there is no thread, and before there is one again.
pub fn if_empty(act: impl FnOnce()) {
    let pool = lock(&POOL);
    if pool.handles.is_empty() {
        act();
    }
}

/// Lets the threads finish what they run and joins them. `false` when one was still in host code at the deadline.
pub fn shutdown(timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    lock(&POOL).crew.stop();
    WORK.notify_all();
    loop {
        let mut pool = lock(&POOL);
        join_finished(&mut pool.handles);
        let ended = pool.handles.is_empty();
        if ended || Instant::now() >= deadline {
            pool.crew.stopped();
            return ended;
        }
        drop(pool);
        std::thread::sleep(Duration::from_millis(1));
    }
}
