//! stdin of the child. The caller's thread writes what the socket takes; a task writes the rest when it can.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes};
use rustix::io::Errno;
use rustix::net::{SendFlags, Shutdown, send, shutdown};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::error::{Error, Result, Status};
use crate::sync::lock;

/// So often it is looked for room where the poller cannot tell of it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

struct State {
    queue: VecDeque<Bytes>,
    ended: bool,
    broken: Option<Errno>,
}

pub struct Writer {
    /// The poller knows of it only while it is full: it would tell of room each time that the child has read.
    socket: OwnedFd,
    state: Mutex<State>,
    /// There is something for the task to do.
    work: Notify,
}

impl Writer {
    pub fn new(socket: OwnedFd) -> Arc<Writer> {
        let state = Mutex::new(State { queue: VecDeque::new(), ended: false, broken: None });
        Arc::new(Writer { socket, state, work: Notify::new() })
    }

    /// Sends one line or queues what does not fit.
    pub fn write_line(&self, line: String) -> Result<()> {
        let mut line = line.into_bytes();
        line.push(b'\n');
        self.write(line)
    }

    /// Sends bytes or queues what does not fit.
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
            match self.send(&mut line) {
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

    /// Closes the stream behind everything that is queued.
    pub fn end(&self) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        if state.queue.is_empty() {
            let _ = shutdown(&self.socket, Shutdown::Write);
        }
        self.work.notify_one();
    }

    /// Nobody reads any more: drops what is queued.
    pub fn give_up(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.queue.clear();
    }

    /// Bytes that wait for the child to read.
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

    /// As [`Writer::flush`], waiting for the child to make room.
    async fn flush_with_patience(&self) -> Flushed {
        let socket = loop {
            match self.socket.try_clone().and_then(|copy| UnixStream::from_std(copy.into())) {
                Ok(socket) => break socket,
                // The host may open no more files: part of a line may be out already, so the rest has to follow.
                Err(_) => sleep(LOOK_AGAIN).await,
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
            // Through `try_io`, so that the runtime learns of a full socket and waits for room.
            let flushed = socket.try_io(Interest::WRITABLE, || match self.flush() {
                Flushed::Blocked => Err(std::io::ErrorKind::WouldBlock.into()),
                flushed => Ok(flushed),
            });
            if let Ok(flushed) = flushed {
                return flushed;
            }
        }
    }

    fn flush(&self) -> Flushed {
        let mut state = lock(&self.state);
        while let Some(front) = state.queue.front_mut() {
            match self.send(front) {
                Ok(true) => drop(state.queue.pop_front()),
                Ok(false) => return Flushed::Blocked,
                Err(errno) => {
                    drop(state);
                    return self.fail(errno);
                }
            }
        }
        if state.ended {
            let _ = shutdown(&self.socket, Shutdown::Write);
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

    /// `true` when all of `line` is out.
    fn send(&self, line: &mut Bytes) -> std::result::Result<bool, Errno> {
        while !line.is_empty() {
            // NOSIGNAL: the death of the child must not become the death of the host.
            match send(&self.socket, line, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(sent) => line.advance(sent),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(errno) => return Err(errno),
            }
        }
        Ok(true)
    }
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
