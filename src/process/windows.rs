//! Child processes on Windows. A child and everything that it starts are in a job, which ends them with its last handle; nobody
//! but this process has one, so the end of the host is theirs, and no guardian is needed.

mod failure;
mod handle;
mod job;
mod launch;
mod pipes;
mod service;
mod system;
pub(super) mod words;

pub use handle::{Process, Unended};
pub use pipes::receiver;
pub use service::{alive, configure, shutdown, spawn, with_signals_blocked};
pub use system::{Event, create_private_file, create_private_folder, free_bytes, is_running, owner};
