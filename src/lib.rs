//! A C ABI for live conversations with Claude Code. The interface is `include/claude_client.h`, generated from the doc
//! comments in [`capi`]; this crate is its implementation.
//!
//! # The tree, from the outside in
//!
//! - [`capi`]: the exports, one file for each chapter of the header. Each converts, makes one call, and is done.
//! - [`ffi`]: the boundary kit: guard, handles, text, callbacks. Knows nothing of Claude.
//! - [`session`]: the client: connect, talk, control, turns, requests, close.
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
//! children and never runs host code but in INLINE mode. One *process* thread starts and reaps every child, so that the
//! parent-death signal hangs on a thread that outlives them. *Callback* threads run THREAD mode's callbacks; a client owns
//! none of them, and idle ones end. Every callback passes the client's gate, which is what makes `claude_client_free` final.

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
