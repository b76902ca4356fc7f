//! Child processes inside somebody else's process.
//!
//! One library thread starts and reaps every child, so that the parent-death signal hangs on a thread that outlives
//! the children. Nothing of the host is changed: no signal handler, no disposition, no mask, no `SIGCHLD`, no fork.
//! A child leads a session (and so a process group) of its own, and it starts with exactly the descriptors 0, 1, 2 and
//! those that the command names.
//!
//! Whoever writes to [`Spawned::stdin`] must use `send` with `MSG_NOSIGNAL` (`SO_NOSIGPIPE` is already set on macOS),
//! never `write`: a plain write to a child that has gone would raise `SIGPIPE` in the host.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

pub mod cancel;
mod failure;
mod own_id;

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod guardian;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod handle;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod launch;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod nameless;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod pipes;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod roster;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod service;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod tree;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod user;

#[cfg(any(target_os = "linux", target_os = "macos"))]
pub use self::{
    handle::{Process, Unended},
    nameless::nameless_file,
    service::{alive, configure, forked, shutdown, spawn, with_signals_blocked},
    user::owner,
};

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod unsupported;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub use self::unsupported::{Process, alive, configure, forked, shutdown, spawn};

pub use self::failure::{FailureKind, SpawnFailure, lacking};
pub use self::own_id::{own_id, remember_own_id};

/// Our end of one of the child's standard streams.
#[cfg(unix)]
pub type Stream = std::os::fd::OwnedFd;
#[cfg(windows)]
pub type Stream = std::os::windows::io::OwnedHandle;

/// What to start. No field is looked up or completed: no `PATH` search, no inherited environment.
#[derive(Clone, Default)]
pub struct Command {
    /// Absolute, or relative to `cwd`.
    pub program: PathBuf,
    /// Without `argv[0]`, which is the program as given.
    pub args: Vec<OsString>,
    /// The complete environment. [`TREE_MARK`] is added to it.
    pub env: Vec<(OsString, OsString)>,
    pub cwd: Option<PathBuf>,
    /// Name or number of the OS user to run as, with that user's groups. Needs the right to change users.
    pub user: Option<String>,
    /// Descriptors that the child gets beside its standard streams, under the numbers that they have here.
    pub inherited: Vec<Arc<Stream>>,
}

/// The environment variable that descendants inherit, so that they can be found when they have left the child's
/// group and session and lost their parent. Its value is a list of marks separated by `:`, outermost first.
pub const TREE_MARK: &str = "CLAUDE_CLIENT_TREE";

/// A child that has been started.
pub struct Spawned {
    pub process: Process,
    /// Our end of a stream socket pair, non-blocking; see the module's text on writing to it.
    pub stdin: Stream,
    /// Read end of a pipe, non-blocking.
    pub stdout: Stream,
    /// Read end of a pipe, non-blocking.
    pub stderr: Stream,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
    /// The host reaped it, or ignores `SIGCHLD` so that the system threw the status away.
    Unknown,
}

/// A function of the host that runs on a library thread when it starts or stops.
pub type ThreadHook = Arc<dyn Fn() + Send + Sync>;

/// How the library's own process thread looks. Takes effect when that thread starts the next time.
#[derive(Clone)]
pub struct Configuration {
    /// Keep a process beside the host that ends the children and all their descendants when the host is killed.
    pub guardian: bool,
    pub thread_name: String,
    pub stack_size: usize,
    pub on_thread_start: Option<ThreadHook>,
    pub on_thread_stop: Option<ThreadHook>,
    /// Wait for children through process descriptors where the system has them. Without, each child costs a thread.
    pub process_descriptors: bool,
}

impl Default for Configuration {
    fn default() -> Configuration {
        Configuration {
            guardian: true,
            thread_name: "claude-process".into(),
            stack_size: 256 * 1024,
            on_thread_start: None,
            on_thread_stop: None,
            process_descriptors: true,
        }
    }
}
