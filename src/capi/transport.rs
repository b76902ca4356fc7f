//! A transport of the host's own in place of a child process.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::sync::{Arc, Mutex};

use super::support::{call, client, dead_handle, full_table};
use super::types::{
    claude_client_t, claude_error_t, claude_sink_t, claude_status_t, claude_transport_fn,
    claude_transport_vtable_t,
};
use crate::error::{Error, Result, Status};
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::guard::guard_or;
use crate::ffi::handle::Table;
use crate::ffi::text::{self, STRLEN};
use crate::sync::lock;
use crate::transport::host::{Ending, Inlet, Link};

static SINKS: Table<Inlet> = Table::new(12);

/// Takes a transport of the host's own in place of a child process: the library then starts nothing, and speaks with the
/// CLI through these functions. Options that are for the CLI's command line, environment or process have no effect then; a
/// `CLAUDE_EVENT_WARNING` at connect lists those that were set. Before connecting.
///
/// @param client The client.
/// @param vtable The functions; copied. NULL takes an earlier transport away.
/// @param user_data Passed to each function. `vtable->destroy` runs once for it, also when this call fails, unless `vtable`
///   is NULL or too small to have that member.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` once connecting has begun; `CLAUDE_ERR_INVALID_ARGUMENT` when
///   `connect`, `write`, `end_input` or `close` is missing or `size` is too small; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/remote.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_transport(
    client: *mut claude_client_t,
    vtable: *const claude_transport_vtable_t,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on structs and output parameters.
    unsafe { call(error, || set_transport(client, vtable, user_data)) }
}

/// # Safety
/// `vtable` is NULL or leads to a struct that begins with its size.
unsafe fn set_transport(
    handle: *const claude_client_t,
    vtable: *const claude_transport_vtable_t,
    user_data: *mut c_void,
) -> Result<()> {
    if vtable.is_null() {
        return client(handle)?.set_transport(None);
    }
    // SAFETY: the caller's promise.
    let vtable = unsafe { copied(vtable) }?;
    // Made first, so that the destroy-notify runs whatever happens next.
    let link =
        HostFunctions { vtable, sink: Mutex::default(), user_data: UserData::new(user_data, vtable.destroy) };
    link.check()?;
    client(handle)?.set_transport(Some(Arc::new(link)))
}

/// The host's struct, which may be shorter or longer than ours: what it does not have is NULL.
///
/// # Safety
/// `vtable` leads to a struct that begins with its size.
unsafe fn copied(vtable: *const claude_transport_vtable_t) -> Result<claude_transport_vtable_t> {
    const LEAST: usize = offset_of!(claude_transport_vtable_t, on_room);
    // SAFETY: `size` is the first member of every version of the struct.
    let size = unsafe { (*vtable).size };
    if size < LEAST {
        return Err(wrong("vtable->size is smaller than the struct"));
    }
    let mut copy = claude_transport_vtable_t {
        size,
        connect: None,
        write: None,
        end_input: None,
        close: None,
        is_ready: None,
        destroy: None,
        on_room: None,
    };
    let known = size.min(size_of::<claude_transport_vtable_t>());
    // SAFETY: both are readable or writable for so many bytes, and any function pointer or NULL is a valid member.
    unsafe { std::ptr::copy_nonoverlapping(vtable.cast::<u8>(), (&raw mut copy).cast::<u8>(), known) };
    Ok(copy)
}

fn wrong(message: &str) -> Error {
    Error::new(Status::InvalidArgument, message).with("argument", "vtable").with(
        "remedy",
        "zero the struct, set size to sizeof(claude_transport_vtable_t) and set the functions",
    )
}

/// The host's functions as the library calls them.
struct HostFunctions {
    vtable: claude_transport_vtable_t,
    /// The handle that `connect` was given.
    sink: Mutex<Option<Sink>>,
    /// Last, so that the sink's handle is dead when the destroy-notify runs.
    user_data: UserData,
}

/// A sink's handle for as long as the transport lives.
struct Sink(usize);

impl Sink {
    fn handle(&self) -> *mut claude_sink_t {
        std::ptr::without_provenance_mut(self.0)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(SINKS.remove(self.handle()));
    }
}

impl HostFunctions {
    fn check(&self) -> Result<()> {
        let vtable = &self.vtable;
        let given = [
            ("connect", vtable.connect.is_some()),
            ("write", vtable.write.is_some()),
            ("end_input", vtable.end_input.is_some()),
            ("close", vtable.close.is_some()),
        ];
        match given.iter().find(|(_, given)| !given) {
            Some((name, _)) => Err(wrong(&format!("vtable->{name} is NULL"))),
            None => Ok(()),
        }
    }

    /// Calls one of the functions that take nothing; what it returned, or 0 where the host has none.
    fn plain(&self, function: claude_transport_fn) -> i32 {
        function.map_or(0, |function| {
            // SAFETY: the host gave the function for this pointer.
            let call = |pointer| unsafe { function.unwinding()(pointer) };
            self.user_data.call_passing("a function of the transport", call)
        })
    }
}

/// What a number of the host stands for; `function` names the one that returned it.
fn outcome(status: i32, function: &str) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    let known = Status::from_code(status);
    let name = known.map_or_else(|| status.to_string(), |known| known.name().to_owned());
    Err(Error::new(
        known.unwrap_or(Status::CliConnection),
        format!("the host's transport failed: {function} returned {name}"),
    )
    .with("phase", "transport")
    .with("function", function)
    .with("host_status", status))
}

impl Link for HostFunctions {
    fn connect(&self, inlet: &Arc<Inlet>) -> Result<()> {
        let Some(connect) = self.vtable.connect else { return Ok(()) };
        let handle: *mut claude_sink_t = SINKS.insert(inlet.clone()).ok_or_else(|| full_table("sink"))?;
        *lock(&self.sink) = Some(Sink(handle.addr()));
        // SAFETY: the host gave the function for this pointer.
        let status = self.user_data.call_passing("connect of the transport", |pointer| unsafe {
            connect.unwinding()(handle, pointer)
        });
        outcome(status, "connect")
    }

    fn is_ready(&self) -> Result<bool> {
        let Some(_) = self.vtable.is_ready else { return Ok(true) };
        match self.plain(self.vtable.is_ready) {
            status if status < 0 => outcome(status, "is_ready").map(|()| false),
            ready => Ok(ready != 0),
        }
    }

    fn write(&self, line: &[u8]) -> Result<()> {
        let Some(write) = self.vtable.write else { return Ok(()) };
        // SAFETY: the host gave the function for this pointer; the bytes outlive the call.
        let status = self.user_data.call_passing("write of the transport", |pointer| unsafe {
            write.unwinding()(line.as_ptr().cast(), line.len(), pointer)
        });
        outcome(status, "write")
    }

    fn end_input(&self) -> Result<()> {
        outcome(self.plain(self.vtable.end_input), "end_input")
    }

    fn close(&self) -> Result<()> {
        outcome(self.plain(self.vtable.close), "close")
    }

    fn room(&self) {
        if let Some(on_room) = self.vtable.on_room {
            // SAFETY: the host gave the function for this pointer.
            self.user_data
                .call_passing("on_room of the transport", |pointer| unsafe { on_room.unwinding()(pointer) });
        }
    }
}

fn sink(handle: *const claude_sink_t) -> Result<Arc<Inlet>> {
    SINKS.get(handle).ok_or_else(|| dead_handle("sink"))
}

/// Brings bytes that the CLI wrote to its stdout, cut anywhere. The library copies them and returns at once, so it may be
/// called wherever the host likes, also inside its own `write` and inside callbacks. Pushes of several threads do not mix;
/// which of them comes first is the host's to decide.
///
/// All bytes are taken, or none: a push is refused while as many bytes as the option `max_queue_bytes` wait already, which
/// happens only to a host that does not look at `claude_sink_has_room`.
///
/// @param sink The sink that `connect` was given.
/// @param bytes The bytes; copied.
/// @param len Their number.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_WOULD_BLOCK` when too much waits; `CLAUDE_ERR_CLOSED` after `claude_sink_end` or when
///   `close` has returned; `CLAUDE_ERR_INVALID_HANDLE` once `destroy` has begun; `CLAUDE_ERR_INVALID_ARGUMENT`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/remote.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_sink_push(
    sink: *mut claude_sink_t,
    bytes: *const c_void,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on bytes and output parameters.
    unsafe { call(error, || self::sink(sink)?.push(text::bytes(bytes, len, "bytes")?)) }
}

/// Whether the host should go on reading from the CLI: less than 1 MiB waits to be taken. Where it is false, `on_room` is
/// called when it has become true.
///
/// @param sink The sink that `connect` was given.
/// @return Whether there is room; false for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/remote.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_sink_has_room(sink: *const claude_sink_t) -> bool {
    guard_or(false, || self::sink(sink).is_ok_and(|sink| sink.has_room()))
}

/// Says that the CLI's output has ended and how. What was pushed before is delivered, then the session ends.
///
/// @param sink The sink that `connect` was given.
/// @param status 0 = a normal end; above 0 = the exit code of the CLI; below 0 = the `CLAUDE_ERR_` number with which the
///   session ends, unknown ones as `CLAUDE_ERR_CLI_CONNECTION`.
/// @param message What a user should read about it, such as the last words on the CLI's stderr; NULL = nothing. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_CLOSED` when it has ended already; `CLAUDE_ERR_INVALID_HANDLE`;
///   `CLAUDE_ERR_INVALID_ARGUMENT` for a message that is not UTF-8.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/remote.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_sink_end(
    sink: *mut claude_sink_t,
    status: i32,
    message: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            let sink = self::sink(sink)?;
            let message = text::optional(message, STRLEN, "message")?;
            sink.end(Ending::new(status, message.unwrap_or_default()))
        })
    }
}
