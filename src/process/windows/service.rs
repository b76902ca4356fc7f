//! The process thread: it starts every child and hears of every end. It begins with the first child and ends in [`shutdown`].

use std::collections::HashMap;
use std::ffi::c_void;
use std::io;
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Threading::{
    INFINITE, RegisterWaitForSingleObject, UnregisterWaitEx, WT_EXECUTEINWAITTHREAD, WT_EXECUTEONLYONCE,
};

use super::failure;
use super::handle::Process;
use super::job::Job;
use super::launch::{Launched, launch};
use super::pipes::Streams;
use super::system::stay_loaded;
use crate::log;
use crate::process::{Command, Configuration, Exit, FailureKind, SpawnFailure, Spawned};
use crate::sync::{lock, ranked};

type Reply = oneshot::Sender<Result<Spawned, SpawnFailure>>;

enum Request {
    Spawn(Box<Command>, Reply),
    /// From the system: this child has ended.
    Ended(u32),
    /// A child was ended by force.
    Look,
    /// End everything, and report by then whether that succeeded.
    Stop(Instant, mpsc::Sender<bool>),
}

/// One shutdown at a time waits until nothing is left.
struct Joining;

struct Service {
    /// Unique among all services.
    number: u32,
    requests: mpsc::Sender<Request>,
    thread: JoinHandle<()>,
}

ranked!(Option<Service>: Process, Joining: Shutdown, Vec<u32>: Leaf, Option<Configuration>: Leaf);

static SERVICE: Mutex<Option<Service>> = Mutex::new(None);
static JOINING: Mutex<Joining> = Mutex::new(Joining);
static ALIVE: Mutex<Vec<u32>> = Mutex::new(Vec::new());
static NUMBER: AtomicU32 = AtomicU32::new(0);
static CONFIGURATION: Mutex<Option<Configuration>> = Mutex::new(None);

/// Sets how the process thread is created the next time.
pub fn configure(configuration: Configuration) {
    *lock(&CONFIGURATION) = Some(configuration);
}

/// Starts a program on the process thread. Returns at once; the receiver gets the outcome. If the receiver has been dropped by
/// then, the child is ended with everything that it started.
pub fn spawn(command: Command) -> oneshot::Receiver<Result<Spawned, SpawnFailure>> {
    let (reply, outcome) = oneshot::channel();
    let mut request = Request::Spawn(Box::new(command), reply);
    let mut guard = lock(&SERVICE);
    loop {
        let service = match guard.take() {
            Some(service) => service,
            None => match Service::start() {
                Ok(service) => service,
                Err(cause) => {
                    if let Request::Spawn(_, reply) = request {
                        let _ = reply.send(Err(failure::other("cannot start the process thread", &cause)));
                    }
                    return outcome;
                }
            },
        };
        match service.requests.send(request) {
            Ok(()) => {
                *guard = Some(service);
                return outcome;
            }
            // The thread has panicked: start another one.
            Err(mpsc::SendError(unsent)) => request = unsent,
        }
    }
}

/// The children that have not ended.
pub fn alive() -> Vec<u32> {
    lock(&ALIVE).clone()
}

/// Has the process thread look at the ends by force.
pub fn look() {
    if let Some(service) = &*lock(&SERVICE) {
        let _ = service.requests.send(Request::Look);
    }
}

/// Ends all remaining children and the process thread. Returns whether all of them are gone. If not, the thread stays; a later
/// call waits for the same children. A later [`spawn`] starts afresh.
pub fn shutdown(timeout: Duration) -> bool {
    let now = Instant::now();
    let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86400));
    let (done, outcome) = mpsc::channel();
    let number = {
        let guard = lock(&SERVICE);
        let Some(service) = &*guard else { return true };
        let _ = service.requests.send(Request::Stop(deadline, done));
        service.number
    };
    // Without an answer the thread was already stopping for another caller; or it has panicked, which its end shows.
    if outcome.recv() == Ok(false) {
        return false;
    }
    // A second caller must also wait until nothing is left. Callers of `spawn` wait for neither.
    let _alone = lock(&JOINING);
    let service = lock(&SERVICE).take_if(|service| service.number == number);
    service.is_none_or(|service| service.thread.join().is_ok())
}

/// There are no signals here. A thread created in `action` finds its code until it ends.
pub fn with_signals_blocked<T>(action: impl FnOnce() -> T) -> T {
    stay_loaded();
    action()
}

impl Service {
    fn start() -> io::Result<Service> {
        let mut configuration = lock(&CONFIGURATION).clone().unwrap_or_default();
        configuration.thread_name.retain(|letter| letter != '\0');
        let (requests, queue) = mpsc::channel();
        let worker =
            Worker { queue, requests: requests.clone(), children: HashMap::new(), stops: Vec::new() };
        let (start, stop) = (configuration.on_thread_start, configuration.on_thread_stop);
        let builder =
            std::thread::Builder::new().name(configuration.thread_name).stack_size(configuration.stack_size);
        let thread = with_signals_blocked(|| {
            builder.spawn(move || {
                if let Some(hook) = start {
                    hook();
                }
                worker.run();
                if let Some(hook) = stop {
                    hook();
                }
            })
        })?;
        Ok(Service { number: NUMBER.fetch_add(1, Ordering::Relaxed), requests, thread })
    }
}

/// What the process thread owns.
struct Worker {
    queue: mpsc::Receiver<Request>,
    requests: mpsc::Sender<Request>,
    children: HashMap<u32, Child>,
    /// Callers waiting until nothing is left.
    stops: Vec<Stop>,
}

struct Child {
    process: Process,
    _wait: Wait,
}

struct Stop {
    deadline: Instant,
    done: mpsc::Sender<bool>,
}

impl Worker {
    fn run(mut self) {
        while self.stops.is_empty() || !self.children.is_empty() {
            match self.next() {
                Some(request) => self.handle(request),
                None => self.expire(),
            }
        }
        let stops = std::mem::take(&mut self.stops);
        drop(self);
        for stop in stops {
            let _ = stop.done.send(true);
        }
    }

    /// `None` when something is due.
    fn next(&self) -> Option<Request> {
        let ends = self.children.values().filter_map(|child| child.process.give_up_at());
        let due = ends.chain(self.stops.iter().map(|stop| stop.deadline)).min();
        let Some(due) = due else { return self.queue.recv().ok() };
        self.queue.recv_timeout(due.saturating_duration_since(Instant::now())).ok()
    }

    fn handle(&mut self, request: Request) {
        match request {
            Request::Spawn(_, reply) if !self.stops.is_empty() => {
                let failure = SpawnFailure::new(FailureKind::Other, None, "the library is shutting down");
                let _ = reply.send(Err(failure));
            }
            Request::Spawn(command, reply) if !reply.is_closed() => self.spawn(&command, reply),
            Request::Spawn(..) | Request::Look => {}
            Request::Ended(pid) => self.ended(pid),
            Request::Stop(deadline, done) => {
                self.children.values().for_each(|child| child.process.kill());
                self.stops.push(Stop { deadline, done });
            }
        }
    }

    fn expire(&mut self) {
        let now = Instant::now();
        for child in self.children.values() {
            if child.process.give_up_at().is_some_and(|at| at <= now) {
                child.process.notify_unended();
            }
        }
        for late in self.stops.extract_if(.., |stop| stop.deadline <= now) {
            let _ = late.done.send(false);
        }
    }

    fn spawn(&mut self, command: &Command, reply: Reply) {
        match self.launch(command) {
            Err(failure) => {
                let message = failure.message.clone();
                let _ = reply.send(Err(failure));
                log::debug(|| format!("not started: {message}"));
            }
            Ok((spawned, wait)) => {
                let process = spawned.process.clone();
                lock(&ALIVE).push(process.pid());
                self.children.insert(process.pid(), Child { process: process.clone(), _wait: wait });
                if let Err(Ok(unwanted)) = reply.send(Ok(spawned)) {
                    unwanted.process.kill();
                }
                log::debug(|| format!("started {} as process {}", command.program.display(), process.pid()));
            }
        }
    }

    fn launch(&self, command: &Command) -> Result<(Spawned, Wait), SpawnFailure> {
        let program = command.program.display();
        let failed = |what: &str, cause: io::Error| failure::other(&format!("{what} {program}"), &cause);
        let streams = Streams::open().map_err(|cause| failed("cannot make the pipes for", cause))?;
        let job = Job::new().map_err(|cause| failed("cannot make the job for", cause))?;
        let Launched { process, pid } = launch(command, &streams.theirs, &job)?;
        // Its job goes with it if it cannot be waited for.
        let process = Process::new(pid, process, job);
        let wait = Wait::new(&process, self.requests.clone())
            .map_err(|cause| failed("cannot wait for the end of", cause))?;
        let [stdin, stdout, stderr] = streams.ours;
        Ok((Spawned { process, stdin, stdout, stderr }, wait))
    }

    fn ended(&mut self, pid: u32) {
        let Some(child) = self.children.remove(&pid) else { return };
        lock(&ALIVE).retain(|alive| *alive != pid);
        let exit = child.process.record_exit();
        log::debug(|| match exit {
            Exit::Code(code) => format!("process {pid} has ended with exit code {code}"),
            _ => format!("process {pid} has ended, and the system does not say how"),
        });
    }
}

/// Also runs if the thread panics: nobody would report the end of the children.
impl Drop for Worker {
    fn drop(&mut self) {
        for (pid, child) in &self.children {
            lock(&ALIVE).retain(|alive| alive != pid);
            child.process.abandon();
        }
    }
}

/// Has the system tell the process thread of the end of a child.
struct Wait {
    wait: HANDLE,
    /// What the system calls with; it must stay where it is.
    _told: Box<Told>,
    /// Its handle is waited on.
    _process: Process,
}

struct Told {
    pid: u32,
    requests: mpsc::Sender<Request>,
}

impl Wait {
    fn new(process: &Process, requests: mpsc::Sender<Request>) -> io::Result<Wait> {
        let told = Box::new(Told { pid: process.pid(), requests });
        let mut wait = null_mut();
        let flags = WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE;
        // SAFETY: the handle and what the function is called with live until the wait is over, which `drop` sees to.
        let registered = unsafe {
            RegisterWaitForSingleObject(
                &mut wait,
                process.raw(),
                Some(ended),
                (&raw const *told).cast_mut().cast(),
                INFINITE,
                flags,
            )
        };
        match registered {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(Wait { wait, _told: told, _process: process.clone() }),
        }
    }
}

// SAFETY: a wait belongs to no thread.
unsafe impl Send for Wait {}

impl Drop for Wait {
    fn drop(&mut self) {
        // SAFETY: waits until the function is not running and will not run. This is the process thread, never that function.
        unsafe { UnregisterWaitEx(self.wait, INVALID_HANDLE_VALUE) };
    }
}

unsafe extern "system" fn ended(context: *mut c_void, _timed_out: bool) {
    // SAFETY: the box lives until the wait has been unregistered.
    let told = unsafe { &*context.cast::<Told>() };
    let _ = told.requests.send(Request::Ended(told.pid));
}
