//! The pipes between host and child: named ones, because only those can be served by a runtime. Our end is overlapped, the
//! child's is not.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{FromRawHandle, IntoRawHandle, OwnedHandle};
use std::ptr::{null, null_mut};

use tokio::net::windows::named_pipe::NamedPipeServer;
use windows_sys::Win32::Foundation::{GENERIC_READ, GENERIC_WRITE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_READ_ATTRIBUTES,
    FILE_WRITE_ATTRIBUTES, OPEN_EXISTING, PIPE_ACCESS_INBOUND, PIPE_ACCESS_OUTBOUND,
};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_WAIT,
};

const BUFFER: u32 = 64 * 1024;

/// Both ends of a child's standard streams. None of them is inheritable.
pub struct Streams {
    pub ours: [OwnedHandle; 3],
    pub theirs: [OwnedHandle; 3],
}

impl Streams {
    pub fn open() -> io::Result<Streams> {
        let (stdin, their_stdin) = pipe(Direction::ToChild)?;
        let (stdout, their_stdout) = pipe(Direction::FromChild)?;
        let (stderr, their_stderr) = pipe(Direction::FromChild)?;
        Ok(Streams { ours: [stdin, stdout, stderr], theirs: [their_stdin, their_stdout, their_stderr] })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToChild,
    FromChild,
}

/// Nobody else can get between: the name cannot be guessed, there is one instance, and it is taken at once.
fn pipe(direction: Direction) -> io::Result<(OwnedHandle, OwnedHandle)> {
    let name = wide(format!(r"\\.\pipe\claude-client-{}", uuid::Uuid::new_v4()).as_ref());
    let (ours, theirs) = match direction {
        Direction::ToChild => (PIPE_ACCESS_OUTBOUND, GENERIC_READ | FILE_WRITE_ATTRIBUTES),
        Direction::FromChild => (PIPE_ACCESS_INBOUND, GENERIC_WRITE | FILE_READ_ATTRIBUTES),
    };
    let open = ours | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE;
    let mode = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
    // SAFETY: the name ends with a NUL and outlives the call; no security descriptor is given.
    let server = owned(unsafe { CreateNamedPipeW(name.as_ptr(), open, mode, 1, BUFFER, BUFFER, 0, null()) })?;
    // SAFETY: as above.
    let client = unsafe { CreateFileW(name.as_ptr(), theirs, 0, null(), OPEN_EXISTING, 0, null_mut()) };
    Ok((server, owned(client)?))
}

/// The handle that a call to open something has returned.
pub fn owned(handle: windows_sys::Win32::Foundation::HANDLE) -> io::Result<OwnedHandle> {
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a handle that the system has just opened for us.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Our end of a pipe, served by the current runtime.
pub fn receiver(stream: OwnedHandle) -> io::Result<NamedPipeServer> {
    // SAFETY: the handle is the overlapped server end of a named pipe, and is given away.
    unsafe { NamedPipeServer::from_raw_handle(stream.into_raw_handle()) }
}

/// With a NUL at its end.
pub fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}
