//! Writing to a child's stdin.

use std::os::fd::OwnedFd;

use rustix::net::SendFlags;

/// Elsewhere the socket itself is told (`SO_NOSIGPIPE`), when it is made.
#[cfg(target_os = "linux")]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const NO_SIGNAL: SendFlags = SendFlags::empty();

/// Writes what the stream takes at once. If the child is gone the call fails, and no `SIGPIPE` reaches the host.
pub fn send(stdin: &OwnedFd, bytes: &[u8]) -> rustix::io::Result<usize> {
    rustix::net::send(stdin, bytes, NO_SIGNAL | SendFlags::DONTWAIT)
}
