//! The library's log: silent until the host asks for it, and never another library's.

mod sink;

use std::cell::Cell;
use std::sync::Arc;

use once_cell::sync::Lazy;

use crate::place::Scope;
use sink::Sink;

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

#[derive(Clone)]
pub struct LogHandler {
    pub function: LogFunction,
    /// Of the function's registration.
    pub scope: Scope,
}

static SINK: Lazy<Sink<LogHandler>> = Lazy::new(Sink::new);

thread_local!(static LOGGING: Cell<bool> = const { Cell::new(false) });

/// Chooses who gets lines up to `most`; the one before is not running any more when this returns.
pub fn set(most: i32, handler: Option<LogHandler>) {
    if let Some(LogHandler { function, scope }) = SINK.set(most, handler) {
        drop(function);
        scope.retire();
    }
}

/// Ends a call of the log callback that this thread has left without returning from it.
pub fn end_left() {
    if SINK.end_left() {
        LOGGING.with(|logging| logging.set(false));
    }
}

/// Writes a line; `text` is only made when somebody wants it.
pub fn write(level: Level, text: impl FnOnce() -> String) {
    if !SINK.wants(level as i32) {
        return;
    }
    // A log callback that calls the library must not be told of what it does.
    if LOGGING.with(|logging| logging.replace(true)) {
        return;
    }
    SINK.tell(level as i32, |handler| (handler.function)(level, &text()));
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
