//! The process thread: it starts and reaps every child. It begins with the first child and ends in [`shutdown`].

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitId, WaitIdOptions};
use tokio::sync::oneshot;

use super::failure::diagnose;
use super::guardian::Guardian;
use super::launch::{Launched, Launcher, Prepared};
use super::own_id::own_id;
use super::pipes::{Streams, Wake};
use super::tree::{self, Root};
use super::{Command, Configuration, Exit, FailureKind, Process, SpawnFailure, Spawned};
use crate::log;
use crate::sync::{lock, ranked};

type Reply = oneshot::Sender<Result<Spawned, SpawnFailure>>;

enum Request {
    Spawn(Box<Command>, Reply),
    /// From a waiting thread: this child has ended.
    Ended(u32),
    /// End everything, and report by then whether that succeeded.
    Stop(Instant, mpsc::Sender<Stopped>),
}

/// The outcome of a request to end everything.
enum Stopped {
    /// Nothing is left, and the thread ends.
    Clean,
    GuardianLeft,
    /// Children are left, and the thread keeps ending them.
    Late,
}

/// One shutdown at a time waits until nothing is left.
struct Joining;

struct Service {
    /// Unique among all services.
    number: u32,
    requests: mpsc::Sender<Request>,
    wake: Arc<Wake>,
    thread: JoinHandle<()>,
}

ranked!(Option<Service>: Process, Joining: Shutdown, Vec<u32>: Leaf, Option<Configuration>: Leaf);

static SERVICE: Mutex<Option<Service>> = Mutex::new(None);
static JOINING: Mutex<Joining> = Mutex::new(Joining);
static ALIVE: Mutex<Vec<u32>> = Mutex::new(Vec::new());
static NUMBER: AtomicU32 = AtomicU32::new(0);
static CONFIGURATION: Mutex<Option<Configuration>> = Mutex::new(None);
/// The pid of the process that owns the thread; zero if there is none. Read before taking any lock: in a forked copy of the
/// host, a lock may be held by a thread that does not exist there.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Whether this is a forked copy of the process that uses the library. It has the children's pids, but no process thread.
pub fn forked() -> bool {
    let owner = OWNER.load(Ordering::Acquire);
    owner != 0 && owner != own_id()
}

/// Sets how the process thread is created the next time.
pub fn configure(configuration: Configuration) {
    if !forked() {
        *lock(&CONFIGURATION) = Some(configuration);
    }
}

/// Starts a program on the process thread. Returns at once; the receiver gets the outcome. If the receiver has been dropped by
/// then, the child is killed with everything that it started.
pub fn spawn(command: Command) -> oneshot::Receiver<Result<Spawned, SpawnFailure>> {
    let (reply, outcome) = oneshot::channel();
    if forked() {
        let text = "this process is a fork of the one that started the library; start a new process instead";
        let _ = reply.send(Err(SpawnFailure::new(FailureKind::Forked, None, text)));
        return outcome;
    }
    let _ = OWNER.compare_exchange(0, own_id(), Ordering::AcqRel, Ordering::Acquire);
    let mut request = Request::Spawn(Box::new(command), reply);
    let mut guard = lock(&SERVICE);
    // Again, because a shutdown may have finished in between.
    OWNER.store(own_id(), Ordering::Release);
    loop {
        let service = match guard.take() {
            Some(service) => service,
            None => match Service::start() {
                Ok(service) => service,
                Err(failure) => {
                    if let Request::Spawn(_, reply) = request {
                        let _ = reply.send(Err(failure));
                    }
                    return outcome;
                }
            },
        };
        match service.requests.send(request) {
            Ok(()) => {
                service.wake.wake();
                *guard = Some(service);
                return outcome;
            }
            // The thread has panicked: start another one.
            Err(mpsc::SendError(unsent)) => request = unsent,
        }
    }
}

/// The children that have not been reaped.
pub fn alive() -> Vec<u32> {
    lock(&ALIVE).clone()
}

/// Has the process thread recheck which steps are due.
pub(super) fn look() {
    if let Some(service) = &*lock(&SERVICE) {
        service.wake.wake();
    }
}

/// Ends all remaining children, the process thread and the guardian. Returns whether all of them are gone. If not, the thread
/// and the guardian stay and keep trying; a later call waits for the same children. A later [`spawn`] starts afresh.
pub fn shutdown(timeout: Duration) -> bool {
    if forked() {
        return false;
    }
    let now = Instant::now();
    let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86400));
    let (done, outcome) = mpsc::channel();
    let number = {
        let guard = lock(&SERVICE);
        let Some(service) = &*guard else { return true };
        let _ = service.requests.send(Request::Stop(deadline, done));
        service.wake.wake();
        service.number
    };
    let ended = match outcome.recv() {
        Ok(Stopped::Late) => return false,
        Ok(Stopped::GuardianLeft) => false,
        // The thread was already stopping for another caller; or it has panicked, which its end shows.
        Ok(Stopped::Clean) | Err(_) => true,
    };
    // A second caller must also wait until nothing is left. Callers of `spawn` wait for neither.
    let _alone = lock(&JOINING);
    let service = lock(&SERVICE).take_if(|service| service.number == number);
    let joined = service.is_none_or(|service| service.thread.join().is_ok());
    let guard = lock(&SERVICE);
    if guard.is_none() {
        OWNER.store(0, Ordering::Release);
    }
    ended && joined
}

impl Service {
    fn start() -> Result<Service, SpawnFailure> {
        let failed = |what: &str, errno: i32| {
            SpawnFailure::other(&format!("cannot start the process thread: {what}"), errno)
        };
        let mut configuration = lock(&CONFIGURATION).clone().unwrap_or_default();
        configuration.thread_name.retain(|letter| letter != '\0');
        let wake = Arc::new(Wake::new().map_err(|errno| failed("no wake-up", errno.raw_os_error()))?);
        let launcher = Launcher::new(configuration.process_descriptors)
            .map_err(|errno| failed("no stack for children", errno.raw_os_error()))?;
        let (requests, queue) = mpsc::channel();
        let worker = Worker {
            queue,
            requests: requests.clone(),
            wake: wake.clone(),
            launcher,
            guardian: configuration.guardian.then(Guardian::new),
            children: HashMap::new(),
            stops: Vec::new(),
            thread_name: configuration.thread_name.clone(),
        };
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
        });
        let thread =
            thread.map_err(|error| failed("no thread", error.raw_os_error().unwrap_or(libc::EAGAIN)))?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Ok(Service { number, requests, wake, thread })
    }
}

/// A thread created in `action` has every signal blocked, so no handler of the host runs on it.
pub fn with_signals_blocked<T>(action: impl FnOnce() -> T) -> T {
    // SAFETY: the sets are locals, and zero is a valid value for them.
    let before = unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        before
    };
    let result = action();
    // SAFETY: `before` is the mask that this thread had.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    result
}

/// What the process thread owns.
struct Worker {
    queue: mpsc::Receiver<Request>,
    requests: mpsc::Sender<Request>,
    wake: Arc<Wake>,
    launcher: Launcher,
    guardian: Option<Guardian>,
    children: HashMap<u32, Child>,
    /// Callers waiting until nothing is left.
    stops: Vec<Stop>,
    thread_name: String,
}

struct Child {
    process: Process,
    exit_fd: Option<Arc<OwnedFd>>,
    waiter: Option<JoinHandle<()>>,
}

struct Stop {
    deadline: Instant,
    done: mpsc::Sender<Stopped>,
}

/// The time after SIGTERM for children that are not yet being ended at shutdown.
const ORPHANS_TAKE: Duration = Duration::from_secs(2);

impl Worker {
    fn run(mut self) {
        loop {
            while let Ok(request) = self.queue.try_recv() {
                self.handle(request);
            }
            self.take_steps();
            if !self.stops.is_empty() && self.children.is_empty() {
                break;
            }
            self.expire_stops();
            self.sleep();
        }
        self.finish();
    }

    fn handle(&mut self, request: Request) {
        match request {
            Request::Spawn(_, reply) if !self.stops.is_empty() => {
                let failure = SpawnFailure::new(FailureKind::Other, None, "the library is shutting down");
                let _ = reply.send(Err(failure));
            }
            Request::Spawn(command, reply) if !reply.is_closed() => self.spawn(&command, reply),
            Request::Spawn(..) => {}
            Request::Ended(pid) => self.reap(pid),
            Request::Stop(deadline, done) => {
                let now = Instant::now();
                let grace =
                    (deadline.saturating_duration_since(now) / 2).clamp(ORPHANS_TAKE / 10, ORPHANS_TAKE);
                self.children
                    .values()
                    .filter(|child| child.process.next_step().is_none())
                    .for_each(|child| child.process.end_within(Duration::ZERO, grace));
                self.stops.push(Stop { deadline, done });
            }
        }
    }

    /// Takes the termination steps that are due. An exit is noticed first: this process may have been stopped for any length of
    /// time.
    fn take_steps(&mut self) {
        let now = Instant::now();
        let is_due = |child: &Child| child.process.next_step().is_some_and(|at| at <= now);
        let due: Vec<u32> =
            self.children.iter().filter(|(_, child)| is_due(child)).map(|(pid, _)| *pid).collect();
        for pid in due {
            self.reap(pid);
            if let Some(child) = self.children.get(&pid) {
                child.process.step();
            }
        }
    }

    /// Tells callers whose deadline has passed that something is left.
    fn expire_stops(&mut self) {
        let now = Instant::now();
        self.stops.retain(|stop| {
            let goes_on = stop.deadline > now;
            if !goes_on {
                let _ = stop.done.send(Stopped::Late);
            }
            goes_on
        });
    }

    fn spawn(&mut self, command: &Command, reply: Reply) {
        let mark = uuid::Uuid::new_v4().simple().to_string();
        if let Some(guardian) = &mut self.guardian {
            guardian.expect(&self.launcher, &mark);
        }
        match self.launch(command, &mark) {
            Err(failure) => {
                if let Some(guardian) = &mut self.guardian {
                    guardian.forget(&mark);
                }
                let message = failure.message.clone();
                let _ = reply.send(Err(failure));
                log::debug(|| format!("not started: {message}"));
            }
            Ok((spawned, child)) => {
                let process = spawned.process.clone();
                if let Some(guardian) = &mut self.guardian {
                    guardian.watch(process.root());
                }
                lock(&ALIVE).push(process.pid());
                self.children.insert(process.pid(), child);
                if let Err(Ok(unwanted)) = reply.send(Ok(spawned)) {
                    unwanted.process.kill_tree();
                }
                log::debug(|| format!("started {} as process {}", command.program.display(), process.pid()));
            }
        }
    }

    fn launch(&self, command: &Command, mark: &str) -> Result<(Spawned, Child), SpawnFailure> {
        let prepared = Prepared::new(command, mark)?;
        let streams = Streams::open().map_err(|errno| {
            let what = format!("cannot make the pipes for {}", command.program.display());
            SpawnFailure::other(&what, errno.raw_os_error())
        })?;
        let Launched { pid, exit_fd } = self
            .launcher
            .launch(&prepared, &streams.theirs)
            .map_err(|refused| diagnose(command, refused.stage, refused.errno))?;
        let process =
            Process::new(Root { pid, start: tree::start_time(pid), mark: mark.to_owned() }, exit_fd);
        let exit_fd = process.exit_fd();
        let waiter = match exit_fd {
            Some(_) => None,
            None => match self.wait_on_thread(pid) {
                Ok(waiter) => Some(waiter),
                Err(error) => {
                    process.kill_tree();
                    let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
                    let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
                    return Err(SpawnFailure::other("cannot start a thread that waits for the child", errno));
                }
            },
        };
        let child = Child { process: process.clone(), exit_fd, waiter };
        let [stdin, stdout, stderr] = streams.ours;
        Ok((Spawned { process, stdin, stdout, stderr }, child))
    }

    /// For systems that cannot report a child's exit through a descriptor. The thread only waits; we reap.
    fn wait_on_thread(&self, pid: Pid) -> std::io::Result<JoinHandle<()>> {
        let (requests, wake) = (self.requests.clone(), self.wake.clone());
        let number = pid.as_raw_nonzero().get().unsigned_abs();
        // It inherits this thread's signal mask, which blocks every signal.
        std::thread::Builder::new().name(self.thread_name.clone()).stack_size(64 * 1024).spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(rustix::process::waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {
            }
            let _ = requests.send(Request::Ended(number));
            wake.wake();
        })
    }

    /// Waits until a child exits, a request arrives, or a step is due.
    fn sleep(&mut self) {
        let now = Instant::now();
        let steps = self.children.values().filter_map(|child| child.process.next_step());
        let timeout = steps.chain(self.stops.iter().map(|stop| stop.deadline)).min().map(|next| {
            let left = next.saturating_duration_since(now);
            Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos() as _ }
        });
        let guardian = self.guardian.as_ref().and_then(Guardian::socket);
        let waited: Vec<(u32, &OwnedFd)> = self
            .children
            .iter()
            .filter_map(|(pid, child)| Some((*pid, &**child.exit_fd.as_ref()?)))
            .collect();
        let mut fds = vec![PollFd::new(self.wake.fd(), PollFlags::IN)];
        fds.extend(waited.iter().map(|(_, fd)| PollFd::new(*fd, PollFlags::IN)));
        fds.extend(guardian.map(|socket| PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)));
        if poll(&mut fds, timeout.as_ref()).is_err() {
            // Out of memory, or the host has lowered its descriptor limit below what is open: do not spin.
            std::thread::sleep(Duration::from_millis(20));
            return;
        }
        let woken = !fds[0].revents().is_empty();
        let guardian_spoke = guardian.is_some() && fds.last().is_some_and(|fd| !fd.revents().is_empty());
        let ended: Vec<u32> = waited
            .iter()
            .zip(&fds[1..])
            .filter(|(_, fd)| !fd.revents().is_empty())
            .map(|((pid, _), _)| *pid)
            .collect();
        drop(fds);
        if woken {
            self.wake.clear();
        }
        ended.into_iter().for_each(|pid| self.reap(pid));
        if guardian_spoke && let Some(guardian) = &mut self.guardian {
            guardian.listen(&self.launcher);
        }
    }

    fn reap(&mut self, pid: u32) {
        let Some(child) = self.children.get(&pid) else { return };
        if !child.process.reap() {
            return;
        }
        let Some(child) = self.children.remove(&pid) else { return };
        lock(&ALIVE).retain(|alive| *alive != pid);
        if let Some(waiter) = child.waiter {
            let _ = waiter.join();
        }
        let exit = *child.process.exited().borrow();
        // A child that exited by itself has cleaned up; one that was killed has not.
        if !matches!(exit, Some(Exit::Code(_))) {
            child.process.root().kill();
        }
        if let Some(guardian) = &mut self.guardian {
            guardian.forget(&child.process.root().mark);
        }
        log::debug(|| match exit {
            Some(Exit::Code(code)) => format!("process {pid} has ended with exit code {code}"),
            Some(Exit::Signal(signal)) => format!("process {pid} was ended by signal {signal}"),
            _ => format!("process {pid} has ended, and the system does not say how"),
        });
    }

    fn finish(mut self) {
        let now = Instant::now();
        let deadline = self.stops.iter().map(|stop| stop.deadline).max().unwrap_or(now);
        let clean = self
            .guardian
            .as_mut()
            .is_none_or(|guardian| guardian.stop(deadline.max(now + Duration::from_millis(200))));
        let stops = std::mem::take(&mut self.stops);
        drop(self);
        for stop in stops {
            let _ = stop.done.send(if clean { Stopped::Clean } else { Stopped::GuardianLeft });
        }
    }
}

/// Also runs if the thread panics: the system then signals the children, but nobody would report their end.
impl Drop for Worker {
    fn drop(&mut self) {
        for (pid, child) in &self.children {
            lock(&ALIVE).retain(|alive| alive != pid);
            child.process.report_unknown_exit();
        }
    }
}
