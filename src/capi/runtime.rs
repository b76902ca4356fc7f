//! What concerns the whole process.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::support::{CLIENTS, c_string, call, registered, wait_of};
use super::types::{
    claude_destroy_fn, claude_error_t, claude_log_fn, claude_runtime_config_t, claude_status_t,
    claude_thread_fn,
};
use crate::dispatch::is_library_thread;
use crate::error::{Error, Result, Status};
use crate::ffi::callback::UserData;
use crate::ffi::text::{self, STRLEN};
use crate::log::{self, LogHandler};
use crate::process;
use crate::runtime::{self, Configuration, ThreadHook};
use crate::session::{self, Client};

/// Chooses how the library's threads look. Optional; before the first client connects, or after
/// `claude_runtime_shutdown`.
///
/// @param config The choices; copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` when the library is running; `CLAUDE_ERR_INVALID_ARGUMENT` for
///   NULL, a `size` that is smaller than the struct, or a `stack_size` that is too small.
/// @thread Any.
/// @callback May be called; the library is running then, so it is refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_runtime_configure(
    config: *const claude_runtime_config_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on structs and output parameters.
    unsafe { call(error, || runtime::configure(configuration(config)?)) }
}

/// On less the deepest JSON that is read (128 levels) may overflow it, which ends the process. A debug build needs all of it.
const LEAST_STACK: usize = 512 * 1024;

/// # Safety
/// `config` is NULL or leads to a struct that begins with its size.
unsafe fn configuration(config: *const claude_runtime_config_t) -> Result<Configuration> {
    let wrong = |message: &str| {
        Error::new(Status::InvalidArgument, message)
            .with("argument", "config")
            .with("remedy", "zero the struct and set size to sizeof(claude_runtime_config_t)")
    };
    if config.is_null() {
        return Err(wrong("config is NULL"));
    }
    // SAFETY: not NULL, and `size` is the first member of every version of the struct.
    let size = unsafe { (*config).size };
    if size < size_of::<claude_runtime_config_t>() {
        return Err(wrong("config->size is smaller than the struct"));
    }
    // SAFETY: the host's struct is at least as large as ours.
    let config = unsafe { &*config };
    if (1..LEAST_STACK).contains(&config.stack_size) {
        let fault =
            format!("config->stack_size is {} bytes, too few for the library itself", config.stack_size);
        return Err(wrong(&fault).with("remedy", format!("set at least {LEAST_STACK}, or 0 for the default")));
    }
    // SAFETY: the header asks for a NUL-terminated name or NULL.
    let name = unsafe { text::optional(config.thread_name, STRLEN, "thread_name") }?;
    let default = Configuration::default();
    Ok(Configuration {
        worker_threads: config.worker_threads.max(1) as usize,
        stack_size: config.stack_size,
        thread_name: name.map_or(default.thread_name, str::to_owned),
        on_thread_start: hook(config.on_thread_start, config.user_data),
        on_thread_stop: hook(config.on_thread_stop, config.user_data),
        guardian: config.no_guardian == 0,
    })
}

fn hook(function: claude_thread_fn, user_data: *mut c_void) -> Option<ThreadHook> {
    let function = function?;
    let user_data = UserData::new(user_data, None);
    Some(Arc::new(move || {
        // SAFETY: the host gave the function for this pointer.
        unsafe { function(user_data.pointer()) }
    }))
}

/// Registers the callback for the library's log. Without one nothing is logged; the library never writes to stdout or
/// stderr.
///
/// @param max_level The most detailed `claude_log_level_t` that is wanted.
/// @param log The callback; NULL takes the present one away. The one before is not running any more when this returns,
///   unless it is called inside the callback itself.
/// @param user_data Passed to the callback.
/// @param destroy Runs once after the last call of the callback; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` for a number that is no level.
/// @thread Any. The callback runs on any thread, also on several at once, in every dispatch mode; it must not block.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_set_log_callback(
    max_level: i32,
    log: claude_log_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(log, user_data, destroy, |log, user_data| -> LogHandler {
        Arc::new(move |level, text| {
            let text = c_string(text.to_owned());
            // SAFETY: the host registered the function for this pointer; the text outlives the call.
            unsafe { log(level as i32, text.as_ptr(), text.as_bytes().len(), user_data.pointer()) }
        })
    });
    // SAFETY: the header's rules on output parameters.
    unsafe {
        call(error, || {
            if !(0..=4).contains(&max_level) {
                return Err(Error::new(Status::InvalidArgument, format!("{max_level} is not a log level"))
                    .with("argument", "max_level")
                    .with("remedy", "pass one of the CLAUDE_LOG_ constants"));
            }
            log::set(max_level, handler);
            Ok(())
        })
    }
}

/// Closes every session and ends every thread of the library. Clients that were not freed keep their handles, and answer
/// `CLAUDE_ERR_CLOSED`. No session begins meanwhile: connecting gives `CLAUDE_ERR_CLOSED`. Afterwards the library can be used
/// again, as if nothing had been.
///
/// @param timeout_ms How long to wait, in milliseconds; `CLAUDE_WAIT_FOREVER` = as long as it takes.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK` when no thread and no child of the library is left; `CLAUDE_ERR_TIMEOUT` when something was still
///   running, a callback that does not return for instance: the error says what, its end goes on, and a later call waits
///   for the same; `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_runtime_shutdown(
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { call(error, || shutdown(wait_of(timeout_ms).unwrap_or(Duration::from_secs(365 * 24 * 3600)))) }
}

fn shutdown(timeout: Duration) -> Result<()> {
    let is_inside =
        |clients: Vec<Arc<Client>>| clients.iter().any(|client| client.dispatcher.gate.is_inside());
    if is_library_thread() || is_inside(CLIENTS.all()) || is_inside(session::connected()) {
        return Err(Error::new(
            Status::WouldDeadlock,
            "claude_runtime_shutdown was called inside a callback",
        )
        .with("remedy", "call it on a thread of your own"));
    }
    let deadline = Instant::now() + timeout;
    let left = || deadline.saturating_duration_since(Instant::now());
    let _ending = runtime::begin_shutdown();
    let clients = session::connected();
    for client in &clients {
        client.close_soon();
    }
    let late = clients.iter().filter(|client| !client.wait_ended(left())).count();
    if late > 0 {
        // Their ends go on, so the threads that serve them stay.
        return Err(still_running(late));
    }
    let ended = runtime::shutdown(left());
    // Whoever still waits for one of them waits for a reader that does not exist any more.
    clients.iter().for_each(|client| client.abandon());
    if ended { Ok(()) } else { Err(still_running(0)) }
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
