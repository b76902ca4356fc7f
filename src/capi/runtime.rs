//! @defgroup runtime Process-wide
//! The library in the process. See docs/embedding.md.

use std::ffi::{c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::support::{
    CALLS, CLIENTS, ERRORS, EVENTS, REQUESTS, SERVERS, c_string, call, registered, wait_of,
};
use super::types::{
    claude_destroy_fn, claude_error_t, claude_log_fn, claude_log_level_t, claude_runtime_config_t,
    claude_status_t, claude_thread_fn,
};
use super::{session_store, spare};
use crate::dispatch::LATE;
use crate::error::{Error, Result, Status};
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::param::{number, optional_text, out, required_out, structure};
use crate::ffi::text;
use crate::ffi::versioned::{Given, Versioned};
use crate::log::{self, LogFunction, LogHandler};
use crate::place::{self, Scope};
use crate::process;
use crate::runtime::{self, Configuration, ThreadHook};
use crate::session::{self, Client};

/// Configures the library's threads and guardian. Before the first client connects, or after claude_runtime_shutdown;
/// CLAUDE_ERR_ALREADY_CONNECTED in between.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_runtime_configure(
    config: *const claude_runtime_config_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let Given { value: config, understood } = structure!(config)?;
        understood?;
        let thread_name = config.thread_name;
        runtime::configure(configuration(&config, optional_text!(thread_name)?)?)
    })
}

// SAFETY: `size` first, then numbers, pointers, and functions that may be NULL.
unsafe impl Versioned for claude_runtime_config_t {
    const NAME: &'static str = "claude_runtime_config_t";
    const FIRST: usize = offset_of!(claude_runtime_config_t, no_guardian) + size_of::<i32>();
}

/// With less, the deepest JSON that is parsed (128 levels) may overflow it, which ends the process. A debug build needs all of it.
const LEAST_STACK: usize = 512 * 1024;

fn configuration(config: &claude_runtime_config_t, thread_name: Option<&str>) -> Result<Configuration> {
    if (1..LEAST_STACK).contains(&config.stack_size) {
        let fault =
            format!("config->stack_size is {} bytes, too few for the library itself", config.stack_size);
        return Err(Error::new(Status::InvalidArgument, fault)
            .with("argument", "config")
            .with("remedy", format!("set at least {LEAST_STACK}, or 0 for the default")));
    }
    let default = Configuration::default();
    Ok(Configuration {
        worker_threads: config.worker_threads.max(1) as usize,
        stack_size: config.stack_size,
        thread_name: thread_name.map_or(default.thread_name, str::to_owned),
        on_thread_start: hook(config.on_thread_start, config.user_data),
        on_thread_stop: hook(config.on_thread_stop, config.user_data),
        guardian: config.no_guardian == 0,
    })
}

fn hook(function: claude_thread_fn, user_data: *mut c_void) -> Option<ThreadHook> {
    let function = function?;
    let user_data = UserData::new(user_data, None, Scope::NOBODY);
    Some(Arc::new(move || {
        // SAFETY: the host gave the function for this pointer.
        user_data
            .call("on_thread_start or on_thread_stop", |pointer| unsafe { function.unwinding()(pointer) });
    }))
}

/// Registers the callback for the library's log, up to `max_level`. It runs on any thread, on several at once, in every mode,
/// and must not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_runtime_on_log(
    max_level: MaybeUninit<claude_log_level_t>,
    callback: claude_log_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let scope = Scope::unique();
    let function = registered(callback, user_data, destroy, scope, |callback, user_data| -> LogFunction {
        Arc::new(move |level, text| {
            let text = c_string(text.to_owned());
            // SAFETY: the host registered the function for this pointer; the text outlives the call.
            user_data.call_passing("the log callback", |pointer| unsafe {
                callback.unwinding()(level.into(), text.as_ptr(), text.as_bytes().len(), pointer)
            });
        })
    });
    call(out!(error), || {
        let max_level = number!(max_level);
        if !(0..=4).contains(&max_level) {
            return Err(Error::new(Status::InvalidArgument, format!("{max_level} is not a log level"))
                .with("argument", "max_level")
                .with("remedy", "pass one of the CLAUDE_LOG_ constants"));
        }
        log::set(max_level, function.map(|function| LogHandler { function, scope }));
        Ok(())
    })
}

/// Closes every session and ends every thread and child. Clients keep their handles and return CLAUDE_ERR_CLOSED. After
/// CLAUDE_ERR_TIMEOUT, whose error says what is left, the shutdown continues by itself, and a later call waits for it. The library
/// can be used again afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_runtime_shutdown(
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || shutdown(wait_of(timeout_ms)?.unwrap_or(Duration::from_secs(365 * 24 * 3600))))
}

/// How long the library's threads have for what ended while the whole process was suspended past the deadline.
const NEWS_TAKES: Duration = Duration::from_millis(500);

fn shutdown(timeout: Duration) -> Result<()> {
    let is_inside =
        |clients: Vec<Arc<Client>>| clients.iter().any(|client| client.dispatcher.gate.is_inside());
    if is_inside(CLIENTS.all()) || is_inside(session::clients()) {
        return Err(place::WouldDeadlock.into());
    }
    let deadline = Instant::now() + timeout;
    let _ending = runtime::begin_shutdown();
    let clients = session::clients();
    for client in &clients {
        client.close_soon();
    }
    let ended = end_everything(&clients, deadline).or_else(|error| {
        let was_suspended = !timeout.is_zero() && deadline.elapsed() > LATE;
        if was_suspended { end_everything(&clients, Instant::now() + NEWS_TAKES) } else { Err(error) }
    });
    log_what_is_left();
    ended
}

fn end_everything(clients: &[Arc<Client>], deadline: Instant) -> Result<()> {
    let left = || deadline.saturating_duration_since(Instant::now());
    let late = clients.iter().filter(|client| !client.wait_ended(left())).count();
    if late > 0 {
        // Their ends go on, so the threads that serve them stay.
        return Err(still_running(late));
    }
    if runtime::shutdown(left()) { Ok(()) } else { Err(still_running(0)) }
}

/// What is left at the deadline of a shutdown.
fn still_running(sessions: usize) -> Error {
    let children = process::alive();
    let mut left = Vec::new();
    if sessions > 0 {
        left.push(format!("{sessions} sessions that are ending"));
    }
    if !children.is_empty() {
        let pids = children.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        left.push(format!("child processes (pid {pids})"));
    }
    if left.is_empty() {
        left.push("a callback that has not returned, or a thread".to_owned());
    }
    let message = format!("at the deadline there were still {}", left.join(", "));
    Error::new(Status::Timeout, message).with("phase", "shutdown").with("pids", children).with(
        "remedy",
        "call it again with more time: what is left is being ended meanwhile. Callbacks have to return; \
         graceful_exit_timeout_ms and terminate_timeout_ms say how long a CLI may take",
    )
}

/// The handles and texts that the host has not freed, by type.
fn live_handles() -> [(&'static str, usize); 10] {
    [
        ("clients", CLIENTS.count()),
        ("spares", spare::live()),
        ("errors", ERRORS.count()),
        ("strings", text::given()),
        ("events", EVENTS.count()),
        ("requests", REQUESTS.count()),
        ("mcp_servers", SERVERS.count()),
        ("tool_calls", CALLS.count()),
        ("session_stores", session_store::live_stores()),
        ("store_calls", session_store::live_calls()),
    ]
}

fn log_what_is_left() {
    let left = live_handles().into_iter().filter(|(_, count)| *count > 0);
    let left: Vec<String> = left.map(|(name, count)| format!("{name}: {count}")).collect();
    if !left.is_empty() {
        log::warning(|| format!("at the shutdown the host has not freed everything: {}", left.join(", ")));
    }
}

/// Counts the live objects: `clients`, `spares`, `errors`, `strings`, `events`, `requests`, `mcp_servers`, `tool_calls`, `session_stores`,
/// `store_calls`, `threads`, `children`. What a program has not freed at its end shows here and in no leak checker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_runtime_stats(
    json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let json = required_out!(json)?;
        let mut stats: Map<String, Value> =
            live_handles().into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
        stats.insert("threads".into(), runtime::live_threads().into());
        stats.insert("children".into(), process::alive().len().into());
        json.give(Value::Object(stats).to_string());
        Ok(())
    })
}
