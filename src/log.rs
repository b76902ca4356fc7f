//! The library's log: silent until the host asks for it, and never another library's.

use std::cell::Cell;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use once_cell::sync::Lazy;

use crate::dispatch::gate::{Gate, Slot};
use crate::place::Scope;
use crate::sync::lock;

/// The numbers of `claude_log_level_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    Error = 1,
    Warning = 2,
    Info = 3,
    Debug = 4,
}

pub type LogFunction = Arc<dyn Fn(Level, &str) + Send + Sync>;

pub struct LogHandler {
    pub function: LogFunction,
    /// Of the function's registration.
    pub scope: Scope,
}

static MOST: AtomicI32 = AtomicI32::new(0);
static HANDLER: Mutex<Option<LogHandler>> = Mutex::new(None);
static GATE: Lazy<Gate> = Lazy::new(Gate::new);

thread_local!(static LOGGING: Cell<bool> = const { Cell::new(false) });

/// Chooses who gets lines up to `most`; the one before is not running any more when this returns.
pub fn set(most: i32, handler: Option<LogHandler>) {
    MOST.store(if handler.is_some() { most } else { 0 }, Ordering::Relaxed);
    let old = std::mem::replace(&mut *lock(&HANDLER), handler);
    GATE.replaced(Slot::Message);
    if let Some(LogHandler { function, scope }) = old {
        drop(function);
        scope.retire();
    }
}

/// Ends a call of the log callback that this thread has left without returning from it.
pub fn end_left() {
    if GATE.end_left() {
        LOGGING.with(|logging| logging.set(false));
    }
}

/// Writes a line; `text` is only made when somebody wants it.
pub fn write(level: Level, text: impl FnOnce() -> String) {
    if level as i32 > MOST.load(Ordering::Relaxed) {
        return;
    }
    // A log callback that calls the library must not be told of what it does.
    if LOGGING.with(|logging| logging.replace(true)) {
        return;
    }
    // Looked up inside the gate, and let go of there: one that has been replaced is never called.
    if let Some(_pass) = GATE.enter(Slot::Message) {
        let function = lock(&HANDLER).as_ref().map(|handler| handler.function.clone());
        if let Some(function) = function {
            function(level, &text());
        }
    }
    LOGGING.with(|logging| logging.set(false));
}

/// Whether the current thread is inside the log callback.
pub fn is_inside() -> bool {
    LOGGING.with(Cell::get)
}

pub fn warning(text: impl FnOnce() -> String) {
    write(Level::Warning, text);
}

pub fn info(text: impl FnOnce() -> String) {
    write(Level::Info, text);
}

pub fn debug(text: impl FnOnce() -> String) {
    write(Level::Debug, text);
}
