//! The library's log: silent until the host asks for it, and only this library's lines.

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

/// Sets the handler for lines up to `most`; when this returns, the previous one is no longer running.
pub fn set(most: i32, handler: Option<LogHandler>) {
    if let Some(LogHandler { function, scope }) = SINK.set(most, handler) {
        drop(function);
        scope.retire();
    }
}

/// Ends a call of the log callback that this thread has left without returning.
pub fn end_left() {
    if SINK.end_left() {
        LOGGING.with(|logging| logging.set(false));
    }
}

/// Writes a line; `text` is only built if a handler wants it.
pub fn write(level: Level, text: impl FnOnce() -> String) {
    if !SINK.wants(level as i32) {
        return;
    }
    // A log callback that calls the library must not get the lines of that call.
    if LOGGING.with(|logging| logging.replace(true)) {
        return;
    }
    SINK.tell(level as i32, |handler| (handler.function)(level, &text()));
    LOGGING.with(|logging| logging.set(false));
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
