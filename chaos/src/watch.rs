//! Who does what since when; the watchdog; what a failure prints.

use std::cell::Cell;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::raw::{NAMES, exit_now};

const THREADS: usize = 512;

struct Seat {
    taken: AtomicBool,
    /// Index of the function plus one; 0 = in none.
    function: AtomicUsize,
    since_ms: AtomicU64,
    thread: AtomicU64,
}

static SEATS: [Seat; THREADS] = [const {
    Seat {
        taken: AtomicBool::new(false),
        function: AtomicUsize::new(0),
        since_ms: AtomicU64::new(0),
        thread: AtomicU64::new(0),
    }
}; THREADS];

struct Mine(Cell<Option<&'static Seat>>);

impl Drop for Mine {
    fn drop(&mut self) {
        if let Some(seat) = self.0.get() {
            seat.function.store(0, Ordering::Relaxed);
            seat.taken.store(false, Ordering::Release);
        }
    }
}

thread_local! {
    static MINE: Mine = const { Mine(Cell::new(None)) };
}

fn seat() -> Option<&'static Seat> {
    let mine = MINE.try_with(|mine| {
        if mine.0.get().is_none() {
            let free = SEATS.iter().find(|seat| !seat.taken.swap(true, Ordering::Acquire));
            if let Some(seat) = free {
                seat.thread.store(crate::raw::thread_number(), Ordering::Relaxed);
            }
            mine.0.set(free);
        }
        mine.0.get()
    });
    mine.ok().flatten()
}

/// The time of the process in milliseconds.
pub fn now_ms() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_millis() as u64
}

/// Functions of the driver that call the library from C.
pub const PUMP_THAT_IS_LEFT: usize = NAMES.len();
pub const CANCELLED: usize = NAMES.len() + 1;

fn name_of(function: usize) -> &'static str {
    NAMES
        .get(function)
        .copied()
        .unwrap_or("claude_client_pump in a callback that is left, or a thread that is cancelled")
}

/// Whether the innermost function that this thread is in is that one.
pub fn is_in(function: usize) -> bool {
    seat().is_some_and(|seat| seat.function.load(Ordering::Relaxed) == function + 1)
}

/// This thread is inside a function of the library.
pub struct Entered {
    seat: Option<&'static Seat>,
    before: (usize, u64),
}

pub fn enter(function: usize) -> Entered {
    let Some(seat) = seat() else { return Entered { seat: None, before: (0, 0) } };
    let before = (seat.function.load(Ordering::Relaxed), seat.since_ms.load(Ordering::Relaxed));
    seat.since_ms.store(now_ms(), Ordering::Relaxed);
    seat.function.store(function + 1, Ordering::Relaxed);
    Entered { seat: Some(seat), before }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(seat) = self.seat {
            seat.function.store(self.before.0, Ordering::Relaxed);
            seat.since_ms.store(self.before.1, Ordering::Relaxed);
        }
    }
}

/// What is printed with every failure: how to make it again.
static COMMAND: OnceLock<String> = OnceLock::new();
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Fails when a function of the library, or the whole round, takes longer than anything may take.
pub fn start(command: String, limit: Duration) {
    drop(COMMAND.set(command));
    now_ms();
    let watch = move || {
        while !STOPPED.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(500));
            let now = now_ms();
            let stuck = |seat: &&Seat| {
                seat.function.load(Ordering::Relaxed) != 0
                    && now.saturating_sub(seat.since_ms.load(Ordering::Relaxed)) > limit.as_millis() as u64
            };
            if SEATS.iter().any(|seat| stuck(&seat)) {
                violation("a call does not return");
            }
        }
    };
    std::thread::Builder::new().name("watchdog".into()).spawn(watch).expect("a thread for the watchdog");
}

/// Something that the header promises does not hold: says what, how to see it again, and what every thread is at.
pub fn violation(text: &str) -> ! {
    static ONCE: AtomicBool = AtomicBool::new(false);
    if ONCE.swap(true, Ordering::SeqCst) {
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    }
    eprintln!("\nFAILED: {text}");
    eprintln!("{} callbacks were left so far", crate::token::LEFT.load(Ordering::Relaxed));
    eprintln!("again: {}", COMMAND.get().map_or("", String::as_str));
    let now = now_ms();
    for seat in SEATS.iter().filter(|seat| seat.taken.load(Ordering::Relaxed)) {
        let function = seat.function.load(Ordering::Relaxed);
        if function != 0 {
            let since = now.saturating_sub(seat.since_ms.load(Ordering::Relaxed));
            eprintln!(
                "  thread {}: {} for {since} ms",
                seat.thread.load(Ordering::Relaxed),
                name_of(function - 1)
            );
        }
    }
    dump_stacks();
    exit_now(1)
}

/// By gdb where it is installed, straight to stderr, since this process stands still meanwhile; else where each thread waits
/// in the kernel.
fn dump_stacks() {
    let id = std::process::id().to_string();
    let mut gdb = Command::new("timeout");
    gdb.args(["120", "gdb", "-nx", "-p", &id, "-batch", "-ex", "thread apply all bt 40"]);
    if gdb.stdin(Stdio::null()).stdout(std::io::stderr()).status().is_ok_and(|status| status.success()) {
        return;
    }
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        eprintln!("{:?} {} in {}", task.file_name(), read("comm").trim(), read("wchan"));
        eprintln!("{}", read("stack"));
    }
}
