//! A C ABI for live conversations with Claude Code. The interface is `include/claude_client.h`, generated from the doc
//! comments in [`capi`]; this crate is its implementation.
//!
//! # The tree, from the outside in
//!
//! - [`capi`]: the exports, one file for each chapter of the header. Each converts, makes one call, and is done.
//! - [`ffi`]: the boundary kit: guard, handles, text, callbacks. Knows nothing of Claude.
//! - [`session`]: the client: connect, talk, control, turns, requests, close. Where a session stands, what can happen to it and
//!   what is done then is decided in `session/life` alone, a state machine without I/O: whatever happens is brought to it as an
//!   event, from any thread, and `session/perform.rs` carries out the actions that follow. `session/timeouts.rs` keeps its time.
//! - [`sessions`]: the sessions on the disk, without a client.
//! - [`requests`]: what the CLI asks of the host, answered once. [`mcp`]: tools inside the host.
//! - [`dispatch`]: from the reader to the host: lanes, queue, gate, modes, wake-up.
//! - [`protocol`]: lines, kinds, control frames; no I/O. [`options`]: one JSON document to argv, environment, initialize.
//! - [`transport`]: how bytes travel: a child, a transport of the host's, a record. Finding the CLI.
//! - [`process`]: spawn, wait, kill, for each platform.
//! - [`runtime`]: the reading threads and their tokio runtimes, configuration, shutdown, the fork check. [`probe`], [`log`],
//!   [`error`].
//!
//! Imports go downwards only; `tests/structure.rs` keeps the direction, and `unsafe` to `capi`, `ffi` and `process`.
//!
//! # Threads
//!
//! Host threads call exports; none blocks unless it takes a timeout. One *io* thread (or more, as configured) reads the
//! children, keeps the timeouts of their sessions, and never runs host code but in INLINE mode. One *process* thread starts and reaps every child, so that the
//! parent-death signal hangs on a thread that outlives them. *Callback* threads run THREAD mode's callbacks; a client owns
//! none of them, and idle ones end. Every callback passes the client's gate, which is what makes `claude_client_free` final.
//!
//! # Locks
//!
//! Nothing is performed, written or told under the lock of a session's life. Where more than one lock is held, that one comes
//! first, then those of the runtime, the turns and the rest of the session's state, which are held for a few lines each and not
//! within each other. The reader holds the framer's lock while it hands lines on, so an action may be carried out inside of it.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
pub mod capi;
pub mod dispatch;
pub mod error;
#[allow(unsafe_code)]
pub mod ffi;
pub mod log;
pub mod mcp;
pub mod names;
pub mod options;
pub mod panics;
pub mod permissions;
pub mod place;
pub mod probe;
pub mod process;
pub mod protocol;
pub mod requests;
pub mod runtime;
pub mod session;
pub mod sessions;
pub mod sync;
pub mod transport;
