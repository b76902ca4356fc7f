//! The threads that read for all clients, each with its own tokio runtime: started on first use, stopped on request, never used
//! after a fork. A client stays with one of them. The callback threads are in [`pool`].

pub mod pool;
mod pool_state;

use std::future::Future;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::error::{Error, Result, Status};
use crate::panics;
use crate::place;
use crate::process;
use crate::sync::{MutexGuard, lock, ranked};

/// A function of the host that runs at the start or the end of every library thread.
pub type ThreadHook = Arc<dyn Fn() + Send + Sync>;

/// What the host may configure before the first client exists.
#[derive(Clone)]
pub struct Configuration {
    /// Threads that move bytes between the children and the queues.
    pub worker_threads: usize,
    /// 0 = the system's default.
    pub stack_size: usize,
    pub thread_name: String,
    pub on_thread_start: Option<ThreadHook>,
    pub on_thread_stop: Option<ThreadHook>,
    /// Whether a small guardian process ends the children's trees when the host is killed.
    pub guardian: bool,
}

impl Default for Configuration {
    fn default() -> Configuration {
        Configuration {
            worker_threads: 1,
            stack_size: 0,
            thread_name: "claude".to_owned(),
            on_thread_start: None,
            on_thread_stop: None,
            guardian: true,
        }
    }
}

impl Configuration {
    pub fn started(&self) {
        LIVE.fetch_add(1, Ordering::AcqRel);
        panics::mark_thread();
        if let Some(hook) = &self.on_thread_start {
            hook();
        }
    }

    pub fn stopped(&self) {
        if let Some(hook) = &self.on_thread_stop {
            hook();
        }
        LIVE.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether the current thread is one of those that read for all clients: it must never block.
pub fn is_reader_thread() -> bool {
    place::is_library_thread() && Handle::try_current().is_ok()
}

/// The number of live library threads.
pub fn live_threads() -> u32 {
    LIVE.load(Ordering::Acquire)
}

/// A reader thread. If dropped, it ends on its own.
struct Reader {
    handle: Handle,
    /// Sends the deadline for its blocking work.
    stop: oneshot::Sender<Instant>,
    thread: JoinHandle<()>,
}

struct State {
    configuration: Option<Arc<Configuration>>,
    readers: Vec<Reader>,
    /// Shutdowns in progress, counted from before they close the sessions.
    ending: u32,
    /// Shutdowns that have reached the stage of stopping threads.
    stopping: u32,
}

ranked!(State: Runtime);

static STATE: Mutex<State> =
    Mutex::new(State { configuration: None, readers: Vec::new(), ending: 0, stopping: 0 });
/// Index of the reader that gets the next client.
static NEXT: AtomicUsize = AtomicUsize::new(0);
static OWNER_PID: AtomicU32 = AtomicU32::new(0);
/// Live threads of any kind, from their first instruction to their last.
static LIVE: AtomicU32 = AtomicU32::new(0);
/// Live threads of the runtimes.
static THREADS: AtomicU32 = AtomicU32::new(0);

fn state() -> MutexGuard<'static, State> {
    lock(&STATE)
}

/// Fails in a forked copy of a process in which the library has started threads: they do not exist in the copy.
pub fn check_fork() -> Result<()> {
    let owner = OWNER_PID.load(Ordering::Relaxed);
    if owner == 0 || owner == process::own_id() { Ok(()) } else { Err(forked()) }
}

/// A library thread is about to be started: a process forked from now on would lack it.
pub fn own_process() {
    process::remember_own_id();
    OWNER_PID.store(process::own_id(), Ordering::Relaxed);
}

#[cold]
fn forked() -> Error {
    Error::new(Status::Forked, "the process was forked after the library had started")
        .with("remedy", "use the library in the parent only, or call exec in the child")
}

/// Takes effect when the runtime starts; refused while it is running.
pub fn configure(configuration: Configuration) -> Result<()> {
    let mut state = state();
    if !state.readers.is_empty() {
        return Err(Error::new(Status::AlreadyConnected, "the runtime is running already")
            .with("remedy", "configure before the first client connects, or after claude_runtime_shutdown"));
    }
    state.configuration = Some(Arc::new(configuration));
    Ok(())
}

/// The active configuration.
pub fn configuration() -> Arc<Configuration> {
    state().configuration.get_or_insert_default().clone()
}

/// One of the runtimes, started if necessary.
pub fn handle() -> Result<Handle> {
    handle_of(state())
}

/// Like [`handle`], for a new session: refused from the first moment of a shutdown.
pub fn handle_for_session() -> Result<Handle> {
    let state = state();
    if state.ending > 0 { Err(shutting_down()) } else { handle_of(state) }
}

/// Refused from the first moment of a shutdown.
pub fn check_ending() -> Result<()> {
    if state().ending > 0 { Err(shutting_down()) } else { Ok(()) }
}

fn shutting_down() -> Error {
    Error::new(Status::Closed, "the library is shutting down")
        .with("remedy", "connect when claude_runtime_shutdown has returned")
}

fn handle_of(mut state: MutexGuard<'_, State>) -> Result<Handle> {
    if state.stopping > 0 {
        return Err(shutting_down());
    }
    if state.readers.is_empty() {
        let configuration = state.configuration.get_or_insert_default().clone();
        own_process();
        state.readers = start(&configuration)?;
    }
    let turn = NEXT.fetch_add(1, Ordering::Relaxed) % state.readers.len();
    Ok(state.readers[turn].handle.clone())
}

/// Runs `task` on one of the runtimes.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Result<AbortHandle> {
    Ok(handle()?.spawn(task).abort_handle())
}

fn start(configuration: &Arc<Configuration>) -> Result<Vec<Reader>> {
    process::configure(process::Configuration {
        guardian: configuration.guardian,
        thread_name: format!("{}-process", configuration.thread_name),
        on_thread_start: Some({
            let configuration = configuration.clone();
            Arc::new(move || configuration.started())
        }),
        on_thread_stop: Some({
            let configuration = configuration.clone();
            Arc::new(move || configuration.stopped())
        }),
        stack_size: match configuration.stack_size {
            0 => process::Configuration::default().stack_size,
            size => size,
        },
        ..process::Configuration::default()
    });
    let readers = (0..configuration.worker_threads.max(1)).map(|_| Reader::start(configuration));
    // The host's signal handlers must not run on library threads; a thread inherits its creator's mask.
    process::with_signals_blocked(|| readers.collect::<std::io::Result<_>>()).map_err(|cause| {
        Error::new(Status::CliConnection, format!("the library's threads could not be started: {cause}"))
            .with(
                "remedy",
                process::lacking(&cause).unwrap_or("check the limits on threads and memory of this process"),
            )
    })
}

impl Reader {
    fn start(configuration: &Arc<Configuration>) -> std::io::Result<Reader> {
        let name = format!("{}-io", configuration.thread_name);
        let runtime = new_runtime(configuration, &name)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let mut builder = std::thread::Builder::new().name(name);
        if configuration.stack_size != 0 {
            builder = builder.stack_size(configuration.stack_size);
        }
        let configuration = configuration.clone();
        let counted = Counted::new();
        let thread = builder.spawn(move || {
            let _counted = counted;
            configuration.started();
            let deadline = runtime.block_on(async {
                let deadline = stopped.await.unwrap_or_else(|_| Instant::now());
                pool::owed_is_done(deadline).await;
                deadline
            });
            runtime.shutdown_timeout(deadline.saturating_duration_since(Instant::now()));
            configuration.stopped();
        })?;
        Ok(Reader { handle, stop, thread })
    }

    fn stop(self, deadline: Instant) -> JoinHandle<()> {
        let _ = self.stop.send(deadline);
        self.thread
    }
}

/// Counts a thread for as long as it lives, from before its first instruction.
struct Counted;

impl Counted {
    fn new() -> Counted {
        THREADS.fetch_add(1, Ordering::AcqRel);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::AcqRel);
    }
}

fn new_runtime(configuration: &Arc<Configuration>, name: &str) -> std::io::Result<Runtime> {
    // The thread settings are for the blocking pool: the reader's own thread is not created here.
    let mut builder = Builder::new_current_thread();
    builder
        .max_blocking_threads(8)
        .thread_keep_alive(Duration::from_millis(500))
        .thread_name(name)
        .enable_io()
        .enable_time();
    if configuration.stack_size != 0 {
        builder.thread_stack_size(configuration.stack_size);
    }
    let (starting, stopping) = (configuration.clone(), configuration.clone());
    builder.on_thread_start(move || {
        THREADS.fetch_add(1, Ordering::AcqRel);
        starting.started();
    });
    builder.on_thread_stop(move || {
        stopping.stopped();
        THREADS.fetch_sub(1, Ordering::AcqRel);
    });
    builder.build()
}

/// While it exists, no session can start.
pub struct Ending(());

/// The first step of a shutdown.
pub fn begin_shutdown() -> Ending {
    state().ending += 1;
    Ending(())
}

impl Drop for Ending {
    fn drop(&mut self) {
        state().ending -= 1;
    }
}

/// Ends every library thread. `false` if something was still running at the deadline.
pub fn shutdown(timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    let left = || deadline.saturating_duration_since(Instant::now());
    let readers = {
        let mut state = state();
        state.stopping += 1;
        std::mem::take(&mut state.readers)
    };
    let callbacks_ended = pool::shutdown(left());
    let threads: Vec<_> = readers.into_iter().map(|reader| reader.stop(deadline)).collect();
    let readers_ended = wait_for_readers(left);
    if readers_ended {
        // They have nothing left to do but exit.
        threads.into_iter().for_each(|thread| drop(thread.join()));
    }
    let children_ended = process::shutdown(left());
    // The readers' last work may have caused callbacks.
    let ended = callbacks_ended && readers_ended && children_ended && pool::shutdown(left());
    state().stopping -= 1;
    if ended {
        pool::if_empty(disown_process);
    }
    ended
}

/// No thread is left that a forked process would lack.
fn disown_process() {
    let state = state();
    if state.readers.is_empty() {
        OWNER_PID.store(0, Ordering::Relaxed);
    }
}

fn wait_for_readers(left: impl Fn() -> Duration) -> bool {
    while THREADS.load(Ordering::Acquire) != 0 {
        if left().is_zero() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}
