//! A C ABI for live conversations with Claude Code. The interface is `include/claude_client.h`, generated from the doc
//! comments in [`capi`]; this crate is its implementation.
//!
//! # The tree, from the outside in
//!
//! - [`capi`]: the exports, one file for each chapter of the header. Each converts its arguments, makes one call, and returns.
//! - `probe`: which CLI would be started, and what would prevent it.
//! - `session`: the client: connect, talk, control, turns, requests, close. The state of a session, and its reaction to every
//!   event, are decided in `session/life` alone, a state machine without I/O: any thread feeds it events, and
//!   `session/perform.rs` carries out the resulting actions. `session/timeouts.rs` runs its timers.
//! - `dispatch`: from the reader to the host: lanes, queue, modes, wake-up.
//! - `ffi`: the boundary kit: guard, handles, text, callbacks. Knows nothing of Claude.
//! - `runtime`: the reading threads and their tokio runtimes, the callback threads, configuration, shutdown, the fork check.
//! - `mcp`: in-process tools. `transport`: the byte streams: a child process, a transport of the host, a record. Finding the
//!   CLI.
//! - `sessions`: sessions on disk, without a client.
//! - `compat`: features that an older CLI lacks, and how it is started instead.
//! - `options`: one JSON document to argv, environment, initialize. `requests`: the CLI's requests to the host, each answered
//!   once.
//! - `protocol`: lines, kinds, control frames; no I/O.
//! - The base layer, for all of them: `permissions`, `names`, `panics`, `error`, `process` (spawn, wait, kill, for each
//!   platform), `log`, `sync` (gate, condition variable, ranked locks) and `place` (the state of the current thread).
//!
//! Imports only go downwards, without cycles; `tests/tree/structure.rs` enforces the direction, and that `unsafe` stays in
//! `capi`, `ffi` and `process`.
//!
//! # Threads
//!
//! Host threads call exports; none blocks unless it takes a timeout. One *io* thread (or more, as configured) reads from the
//! children, runs the timers of their sessions, and never runs host code except in INLINE mode. One *process* thread starts and
//! reaps every child, so that the parent-death signal is tied to a thread that outlives them. *Callback* threads run THREAD
//! mode's callbacks; a client owns none of them, and idle ones end. Every callback passes the client's gate, which is what
//! makes `claude_client_free` final.
//!
//! # Locks
//!
//! A thread takes locks in one order only, that of `sync::Rank`, and holds at most one of each rank; a debug build panics on a
//! violation. Data behind a lock declares its rank where its type is defined (`ranked!`), so that no lock is without one:
//!
//! | rank | what it guards | what happens under it |
//! |---|---|---|
//! | `Reading` | the framer, the tail of stderr | lines are delivered: in INLINE mode the host's callbacks run under it |
//! | `ToolCall`, `ToolCalls` | a tool's call; the open ones of one MCP session | the answer is written |
//! | `Life` | the state machine of a session | a call of the host is accepted; nothing is performed, written or delivered |
//! | `Session`, `Routes`, `Servers` | the rest of a session's state, the registrations, the in-process servers | a few lines |
//! | `Pending`, `Request` | the CLI's open requests; one of them | an answer is written |
//! | `Turns`, `Control` | the turns, the open control requests | a few lines |
//! | `HostTransport` | the state of a host transport | work is submitted to the callback threads |
//! | `Pool`, `Runtime` | the callback threads, the reading threads | one of them is started |
//! | `Shutdown`, `Process` | the process thread | it is started, or given work |
//! | `Queue`, `Gate` | a client's lanes; which callbacks run | waiting threads are woken |
//! | `Transport` | output to the CLI | it is written |
//! | `Leaf` | anything held for a few lines that take no other lock | |
//!
//! `place` and the tables of `ffi` have no rank: their locks are held for a lookup, during which nothing else is called. The
//! host's functions are called with none of these locks held except `Reading`, so they may call the library; the log is one of
//! them, so it is written outside of locks.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
pub mod capi;

mod compat;
mod dispatch;
mod log;
mod mcp;
mod panics;
mod place;
#[cfg(feature = "probe")]
mod probe;
#[cfg(not(feature = "probe"))]
#[path = "probe/absent.rs"]
mod probe;
mod runtime;
mod session;
mod sync;

// Public only for the unit tests of single parts: in any other build the compiler reports unused items.
#[cfg(feature = "internals")]
pub mod error;
#[cfg(not(feature = "internals"))]
mod error;
#[cfg(feature = "internals")]
#[allow(unsafe_code)]
pub mod ffi;
#[cfg(not(feature = "internals"))]
#[allow(unsafe_code)]
mod ffi;
#[cfg(feature = "internals")]
pub mod names;
#[cfg(not(feature = "internals"))]
mod names;
#[cfg(feature = "internals")]
pub mod options;
#[cfg(not(feature = "internals"))]
mod options;
#[cfg(feature = "internals")]
pub mod permissions;
#[cfg(not(feature = "internals"))]
mod permissions;
#[cfg(feature = "internals")]
pub mod process;
#[cfg(not(feature = "internals"))]
mod process;
#[cfg(feature = "internals")]
pub mod protocol;
#[cfg(not(feature = "internals"))]
mod protocol;
#[cfg(feature = "internals")]
pub mod requests;
#[cfg(not(feature = "internals"))]
mod requests;
#[cfg(feature = "internals")]
pub mod sessions;
#[cfg(not(feature = "internals"))]
mod sessions;
#[cfg(feature = "internals")]
pub mod transport;
#[cfg(not(feature = "internals"))]
mod transport;
