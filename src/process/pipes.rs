//! The descriptors between host and child, and the process thread's wake-up. Every one is created close-on-exec, and none has a
//! number below 3: in a host that closed its standard streams they would take their place.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Both ends of a child's standard streams.
pub(super) struct Streams {
    pub ours: [OwnedFd; 3],
    pub theirs: [OwnedFd; 3],
}

const STDOUT_BUFFER: usize = 1 << 20;

impl Streams {
    pub fn open() -> Result<Streams, Errno> {
        let (stdin, their_stdin) = socket_pair()?;
        let (stdout, their_stdout) = pipe()?;
        let (stderr, their_stderr) = pipe()?;
        grow(&stdout);
        for end in [&stdin, &stdout, &stderr] {
            set_nonblocking(end)?;
        }
        Ok(Streams { ours: [stdin, stdout, stderr], theirs: [their_stdin, their_stdout, their_stderr] })
    }
}

/// A full-duplex pair: the first is ours.
pub(super) fn socket_pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    #[cfg(target_os = "linux")]
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    #[cfg(not(target_os = "linux"))]
    let (ours, theirs) = {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
        close_on_exec(&ours)?;
        close_on_exec(&theirs)?;
        rustix::net::sockopt::set_socket_nosigpipe(&ours, true)?;
        (ours, theirs)
    };
    Ok((above_stdio(ours)?, above_stdio(theirs)?))
}

#[cfg(target_os = "linux")]
fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    Ok((above_stdio(read)?, above_stdio(write)?))
}

#[cfg(not(target_os = "linux"))]
fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = rustix::pipe::pipe()?;
    close_on_exec(&read)?;
    close_on_exec(&write)?;
    Ok((above_stdio(read)?, above_stdio(write)?))
}

#[cfg(not(target_os = "linux"))]
fn close_on_exec(fd: &OwnedFd) -> Result<(), Errno> {
    rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)
}

/// A larger buffer saves wake-ups on long messages. If a user's quota forbids it, the default size will do.
fn grow(pipe: &OwnedFd) {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, STDOUT_BUFFER);
    #[cfg(not(target_os = "linux"))]
    let _ = (pipe, STDOUT_BUFFER);
}

pub(super) fn set_nonblocking(fd: &OwnedFd) -> Result<(), Errno> {
    // New pipes and sockets have no other flag that this could clear.
    rustix::fs::fcntl_setfl(fd, OFlags::NONBLOCK)
}

pub(super) fn above_stdio(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    if fd.as_raw_fd() > 2 { Ok(fd) } else { rustix::io::fcntl_dupfd_cloexec(&fd, 3) }
}

/// Wakes a thread out of `poll`.
pub(super) struct Wake {
    read: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    write: OwnedFd,
}

impl Wake {
    #[cfg(target_os = "linux")]
    pub fn new() -> Result<Wake, Errno> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Wake { read: above_stdio(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)? })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn new() -> Result<Wake, Errno> {
        let (read, write) = pipe()?;
        set_nonblocking(&read)?;
        set_nonblocking(&write)?;
        Ok(Wake { read, write })
    }

    /// The descriptor that is readable after a [`Wake::wake`].
    pub fn fd(&self) -> &OwnedFd {
        &self.read
    }

    /// Never blocks; a full buffer means that a wake-up is already pending.
    pub fn wake(&self) {
        #[cfg(target_os = "linux")]
        let _ = rustix::io::write(&self.read, &1u64.to_ne_bytes());
        #[cfg(not(target_os = "linux"))]
        let _ = rustix::io::write(&self.write, &[1]);
    }

    pub fn clear(&self) {
        let mut buffer = [0u8; 64];
        while matches!(rustix::io::read(&self.read, &mut buffer), Ok(length) if length == buffer.len()) {}
    }
}
