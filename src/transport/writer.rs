//! stdin of the child. The caller's thread writes what the socket takes; a task writes the rest when it can.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes};
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::error::{Error, Result, Status};
use crate::process;
use crate::sync::{lock, ranked};

/// Poll interval for free socket space when the descriptor cannot be registered.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

struct State {
    /// Registered with the poller only while it is full: otherwise every read of the child would wake the poller. None once the
    /// client is freed.
    socket: Option<OwnedFd>,
    queue: VecDeque<Bytes>,
    ended: bool,
    broken: Option<Errno>,
}

ranked!(State: Transport);

pub struct Writer {
    state: Mutex<State>,
    /// The task has work to do.
    work: Notify,
}

impl Writer {
    pub fn new(socket: OwnedFd) -> Arc<Writer> {
        let state = State { socket: Some(socket), queue: VecDeque::new(), ended: false, broken: None };
        Arc::new(Writer { state: Mutex::new(state), work: Notify::new() })
    }

    /// Sends one line, or queues what does not fit.
    pub fn write_line(&self, line: String) -> Result<()> {
        let mut line = line.into_bytes();
        line.push(b'\n');
        self.write(line)
    }

    /// Sends bytes, or queues what does not fit.
    pub fn write(&self, line: Vec<u8>) -> Result<()> {
        let mut state = lock(&self.state);
        if state.ended {
            return Err(Error::new(Status::Closed, "the input of the session has ended")
                .with("remedy", "send nothing after claude_client_end_input"));
        }
        if let Some(errno) = state.broken {
            return Err(broken(errno));
        }
        let mut line = Bytes::from(line);
        if state.queue.is_empty() {
            match send_on(state.socket.as_ref(), &mut line) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(errno) => {
                    state.broken = Some(errno);
                    return Err(broken(errno));
                }
            }
        }
        state.queue.push_back(line);
        self.work.notify_one();
        Ok(())
    }

    /// Closes the stream after everything that is queued.
    pub fn end(&self) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        if state.queue.is_empty() {
            state.shut();
        }
        self.work.notify_one();
    }

    /// There is no reader any more: drops what is queued.
    pub fn discard(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.queue.clear();
    }

    /// As [`Writer::discard`], and closes the socket, even if something still holds this.
    pub fn release(&self) {
        self.discard();
        let socket = lock(&self.state).socket.take();
        drop(socket);
        self.work.notify_one();
    }

    /// Bytes queued for the child.
    pub fn queued(&self) -> usize {
        lock(&self.state).queue.iter().map(Bytes::len).sum()
    }

    /// Writes what is queued until the stream has ended or broken.
    pub async fn run(self: Arc<Self>) {
        loop {
            self.work.notified().await;
            let flushed = match self.flush() {
                Flushed::Blocked => self.flush_with_patience().await,
                flushed => flushed,
            };
            if matches!(flushed, Flushed::Over) {
                return;
            }
        }
    }

    /// As [`Writer::flush`], but waits for the child to make room.
    async fn flush_with_patience(&self) -> Flushed {
        let socket = loop {
            match self.stream() {
                Ok(socket) => break socket,
                Err(_) if lock(&self.state).socket.is_none() => return Flushed::Over,
                // The host's descriptor limit is reached: part of a line may be out already, so the rest must follow.
                Err(_) => sleep(POLL_INTERVAL).await,
            }
            match self.flush() {
                Flushed::Blocked => {}
                flushed => return flushed,
            }
        };
        loop {
            if socket.writable().await.is_err() {
                return Flushed::Over;
            }
            // With `try_io`, so that the runtime notices a full socket and waits for room.
            let flushed = socket.try_io(Interest::WRITABLE, || match self.flush() {
                Flushed::Blocked => Err(std::io::ErrorKind::WouldBlock.into()),
                flushed => Ok(flushed),
            });
            if let Ok(flushed) = flushed {
                return flushed;
            }
        }
    }

    fn stream(&self) -> std::io::Result<UnixStream> {
        let copy = match &lock(&self.state).socket {
            Some(socket) => socket.try_clone()?,
            None => return Err(std::io::ErrorKind::NotConnected.into()),
        };
        UnixStream::from_std(copy.into())
    }

    fn flush(&self) -> Flushed {
        let mut state = lock(&self.state);
        let State { socket, queue, .. } = &mut *state;
        while let Some(front) = queue.front_mut() {
            match send_on(socket.as_ref(), front) {
                Ok(true) => drop(queue.pop_front()),
                Ok(false) => return Flushed::Blocked,
                Err(errno) => {
                    drop(state);
                    return self.fail(errno);
                }
            }
        }
        if state.ended {
            state.shut();
            return Flushed::Over;
        }
        Flushed::Empty
    }

    fn fail(&self, errno: Errno) -> Flushed {
        let mut state = lock(&self.state);
        state.broken = Some(errno);
        state.queue.clear();
        Flushed::Over
    }
}

impl State {
    fn shut(&self) {
        if let Some(socket) = &self.socket {
            let _ = shutdown(socket, Shutdown::Write);
        }
    }
}

/// `true` when all of `line` is out.
fn send_on(socket: Option<&OwnedFd>, line: &mut Bytes) -> std::result::Result<bool, Errno> {
    let Some(socket) = socket else { return Err(Errno::PIPE) };
    while !line.is_empty() {
        match process::send(socket, line) {
            Ok(sent) => line.advance(sent),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(false),
            Err(errno) => return Err(errno),
        }
    }
    Ok(true)
}

enum Flushed {
    Blocked,
    Empty,
    Over,
}

fn broken(errno: Errno) -> Error {
    Error::new(Status::CliConnection, "the CLI does not take input any more")
        .with("cause", errno.to_string())
        .with("remedy", "the on_closed callback tells why it ended")
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream as Pair;

    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_writer_that_has_let_go_of_its_socket_waits_for_no_room() {
        let (ours, _theirs) = Pair::pair().unwrap();
        let writer = Writer::new(ours.into());
        while writer.queued() == 0 {
            writer.write(vec![b'x'; 1 << 20]).unwrap();
        }
        assert!(matches!(writer.flush(), Flushed::Blocked));
        // The client is freed between this and the wait for room.
        writer.release();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ended =
            runtime.block_on(async { timeout(Duration::from_secs(60), writer.flush_with_patience()).await });
        assert!(matches!(ended, Ok(Flushed::Over)));
    }
}
