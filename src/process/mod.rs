//! Child processes, started from a library inside the host's process.
//!
//! One library thread starts and reaps every child, so that the parent-death signal is tied to a thread that outlives the
//! children. Nothing in the host is changed: no signal handler, no disposition, no mask, no `SIGCHLD`, no fork. A child leads
//! its own session (and so its own process group), and it starts with exactly the descriptors 0, 1, 2 and those that the
//! command names.
//!
//! On Windows a job object holds each child with its descendants, and ends them with its last handle, which is the host's.
//!
//! On Unix, write to [`Spawned::stdin`] with [`send`], never with `write`: a plain write to a child that has exited would raise
//! `SIGPIPE` in the host.
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
mod send;
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
    send::send,
    service::{alive, configure, shutdown, spawn, with_signals_blocked},
    user::owner,
};

#[cfg(all(feature = "internals", any(target_os = "linux", target_os = "macos")))]
pub use self::service::forked;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use self::windows::{
    Event, Process, Unended, alive, configure, create_private_file, create_private_folder, free_bytes,
    is_running, owner, receiver, shutdown, spawn, with_signals_blocked,
};
// Pure functions: their rules are tested everywhere.
#[cfg(all(test, not(windows)))]
#[path = "windows/words.rs"]
mod windows_words;

pub use self::failure::{FailureKind, SpawnFailure, lacking};
pub use self::own_id::{own_id, remember_own_id};

#[cfg(unix)]
pub use tokio::net::unix::pipe::Receiver;
#[cfg(windows)]
pub use tokio::net::windows::named_pipe::NamedPipeServer as Receiver;

/// Has the current runtime read one of a child's streams.
#[cfg(unix)]
pub fn receiver(stream: Stream) -> std::io::Result<Receiver> {
    // They are known to be non-blocking pipes.
    Receiver::from_owned_fd_unchecked(stream)
}

/// Our end of one of the child's standard streams.
#[cfg(unix)]
pub type Stream = std::os::fd::OwnedFd;
#[cfg(windows)]
pub type Stream = std::os::windows::io::OwnedHandle;

/// What to start. Nothing is looked up or filled in: no `PATH` search, no inherited environment.
#[derive(Clone, Default)]
pub struct Command {
    /// Absolute, or relative to `cwd`.
    pub program: PathBuf,
    /// Without `argv[0]`, which is the program as given.
    pub args: Vec<OsString>,
    /// The complete environment. On Unix [`TREE_MARK`] is added to it.
    pub env: Vec<(OsString, OsString)>,
    pub cwd: Option<PathBuf>,
    /// Name or uid of the OS user to run as, with that user's groups. Needs the privilege to change users.
    pub user: Option<String>,
    /// Descriptors that the child inherits besides its standard streams, with the same numbers as here.
    pub inherited: Vec<Arc<Stream>>,
}

/// The environment variable that descendants inherit, so that they can be found after they have left the child's group and
/// session and lost their parent. Its value is a list of marks separated by `:`, outermost first.
#[cfg(unix)]
pub const TREE_MARK: &str = "CLAUDE_CLIENT_TREE";

/// A child that has been started.
pub struct Spawned {
    pub process: Process,
    /// Our end of a stream socket pair, non-blocking; see the module documentation on writing to it. On Windows, of a named pipe.
    pub stdin: Stream,
    /// Read end of a pipe, non-blocking; on Windows overlapped.
    pub stdout: Stream,
    /// As [`Spawned::stdout`].
    pub stderr: Stream,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
    /// The host reaped it, or ignores `SIGCHLD`, so that the system discarded the status.
    Unknown,
}

/// A function of the host that runs on a library thread when it starts or stops.
pub type ThreadHook = Arc<dyn Fn() + Send + Sync>;

/// Settings of the library's process thread. They take effect the next time that thread starts.
#[derive(Clone)]
#[cfg_attr(windows, allow(dead_code))] // A job needs neither a guardian nor descriptors.
pub struct Configuration {
    /// Run a process beside the host that ends the children and all their descendants if the host is killed.
    pub guardian: bool,
    pub thread_name: String,
    pub stack_size: usize,
    pub on_thread_start: Option<ThreadHook>,
    pub on_thread_stop: Option<ThreadHook>,
    /// Wait for children through process descriptors where the system has them. Without them, each child costs a thread.
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
