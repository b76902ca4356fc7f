//! What an event loop watches: signalled while something is queued in its lanes.

use crate::error::{Error, Result, Status};
use crate::panics::hold_cancellation;

/// Changes only under the queue's lock, so that the signal and the queue never disagree.
pub struct Ready {
    signal: system::Signal,
    signalled: bool,
}

impl Ready {
    pub fn new() -> Result<Ready> {
        let signal = system::Signal::new().map_err(failed)?;
        Ok(Ready { signal, signalled: false })
    }

    pub fn handle(&self) -> isize {
        self.signal.handle()
    }

    pub fn set(&mut self, signalled: bool) {
        if self.signalled == signalled {
            return;
        }
        self.signalled = signalled;
        hold_cancellation();
        self.signal.set(signalled);
    }
}

/// An event.
#[cfg(windows)]
mod system {
    pub use crate::process::Event as Signal;
}

/// A descriptor that is readable while it is signalled.
#[cfg(unix)]
mod system {
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};

    pub struct Signal {
        read: OwnedFd,
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        write: OwnedFd,
    }

    impl Signal {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        pub fn new() -> io::Result<Signal> {
            use rustix::event::{EventfdFlags, eventfd};
            Ok(Signal { read: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
        }

        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        pub fn new() -> io::Result<Signal> {
            use rustix::fs::{OFlags, fcntl_setfl};
            use rustix::io::{FdFlags, fcntl_setfd};
            let (read, write) = rustix::pipe::pipe()?;
            for end in [&read, &write] {
                fcntl_setfd(end, FdFlags::CLOEXEC)?;
                fcntl_setfl(end, OFlags::NONBLOCK)?;
            }
            Ok(Signal { read, write })
        }

        pub fn handle(&self) -> isize {
            self.read.as_raw_fd() as isize
        }

        pub fn set(&self, signalled: bool) {
            let _ = if signalled { self.signal() } else { rustix::io::read(&self.read, &mut [0u8; 8]) };
        }

        #[cfg(any(target_os = "linux", target_os = "android"))]
        fn signal(&self) -> rustix::io::Result<usize> {
            rustix::io::write(&self.read, &1u64.to_ne_bytes())
        }

        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        fn signal(&self) -> rustix::io::Result<usize> {
            rustix::io::write(&self.write, &[1])
        }
    }
}

fn failed(cause: std::io::Error) -> Error {
    let (what, remedy) = if cfg!(windows) {
        ("event", "close some of the handles of this process")
    } else {
        ("descriptor", "check the limit of open files of this process (ulimit -n)")
    };
    Error::new(Status::CliConnection, format!("no {what} could be made: {cause}")).with("remedy", remedy)
}
