//! The descriptor that an event loop watches: readable while something is queued in some lanes.

use std::os::fd::{AsRawFd, OwnedFd};

use crate::error::{Error, Result, Status};
use crate::panics::hold_cancellation;

/// Changes only under the queue's lock, so that the descriptor and the queue never disagree.
pub struct Ready {
    read: OwnedFd,
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    write: OwnedFd,
    signalled: bool,
}

impl Ready {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn new() -> Result<Ready> {
        use rustix::event::{EventfdFlags, eventfd};
        let read = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(failed)?;
        Ok(Ready { read, signalled: false })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn new() -> Result<Ready> {
        use rustix::fs::{OFlags, fcntl_setfl};
        use rustix::io::{FdFlags, fcntl_setfd};
        let (read, write) = rustix::pipe::pipe().map_err(failed)?;
        for end in [&read, &write] {
            fcntl_setfd(end, FdFlags::CLOEXEC).map_err(failed)?;
            fcntl_setfl(end, OFlags::NONBLOCK).map_err(failed)?;
        }
        Ok(Ready { read, write, signalled: false })
    }

    pub fn handle(&self) -> isize {
        self.read.as_raw_fd() as isize
    }

    /// Makes the descriptor readable or not.
    pub fn set(&mut self, readable: bool) {
        if self.signalled == readable {
            return;
        }
        self.signalled = readable;
        hold_cancellation();
        let _ = if readable { self.signal() } else { self.drain() };
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn signal(&self) -> rustix::io::Result<usize> {
        rustix::io::write(&self.read, &1u64.to_ne_bytes())
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn signal(&self) -> rustix::io::Result<usize> {
        rustix::io::write(&self.write, &[1])
    }

    fn drain(&self) -> rustix::io::Result<usize> {
        rustix::io::read(&self.read, &mut [0u8; 8])
    }
}

fn failed(cause: rustix::io::Errno) -> Error {
    Error::new(Status::CliConnection, format!("no descriptor could be made: {cause}"))
        .with("remedy", "check the limit of open files of this process (ulimit -n)")
}
