//! stdin of the child on Windows: a named pipe. The caller's thread hands over what the pipe takes; a task hands over the rest
//! when it can.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::{Buf, Bytes};
use tokio::sync::Notify;

use crate::error::{Error, Result, Status};
use crate::process::Receiver as Pipe;
use crate::sync::{lock, ranked};

/// A pipe takes any length at once and keeps it until the child has read it: as much as a pipe holds elsewhere.
const AT_ONCE: usize = 64 << 10;

struct State {
    /// The end of the stream is its drop. What it was given before then still arrives.
    pipe: Option<Arc<Pipe>>,
    queue: VecDeque<Bytes>,
    ended: bool,
    /// Why the child takes no input any more.
    broken: Option<String>,
}

ranked!(State: Transport);

pub struct Writer {
    state: Mutex<State>,
    /// The task has work to do.
    work: Notify,
}

impl Writer {
    pub fn new(pipe: Pipe) -> Arc<Writer> {
        let state = State { pipe: Some(Arc::new(pipe)), queue: VecDeque::new(), ended: false, broken: None };
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
        if let Some(cause) = &state.broken {
            return Err(broken(cause));
        }
        state.queue.push_back(line.into());
        if state.queue.len() == 1 {
            state.flush();
        }
        match &state.broken {
            Some(cause) => return Err(broken(cause)),
            None if !state.queue.is_empty() => self.work.notify_one(),
            None => {}
        }
        Ok(())
    }

    /// Closes the stream after everything that is queued.
    pub fn end(&self) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        if state.queue.is_empty() {
            state.pipe = None;
        }
        self.work.notify_one();
    }

    /// There is no reader any more: drops what is queued.
    pub fn discard(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.queue.clear();
    }

    /// As [`Writer::discard`], and closes the pipe, even if something still holds this.
    pub fn release(&self) {
        self.discard();
        let pipe = lock(&self.state).pipe.take();
        drop(pipe);
        self.work.notify_one();
    }

    /// Bytes queued for the child.
    pub fn queued(&self) -> usize {
        lock(&self.state).queue.iter().map(Bytes::len).sum()
    }

    /// Writes what is queued until the stream has ended or broken.
    pub async fn run(self: Arc<Self>) {
        while let Some(pipe) = self.flush() {
            match pipe {
                // It fails as the next write will.
                Blocked(pipe) => drop(pipe.writable().await),
                Empty => self.work.notified().await,
            }
        }
    }

    /// `None` when the stream has ended or broken.
    fn flush(&self) -> Option<Flushed> {
        let mut state = lock(&self.state);
        state.flush();
        let pipe = state.pipe.clone().filter(|_| state.broken.is_none())?;
        if !state.queue.is_empty() {
            return Some(Blocked(pipe));
        }
        if state.ended {
            state.pipe = None;
            return None;
        }
        Some(Empty)
    }
}

enum Flushed {
    /// The child has to read first.
    Blocked(Arc<Pipe>),
    Empty,
}
use Flushed::{Blocked, Empty};

impl State {
    fn flush(&mut self) {
        while let (Some(pipe), Some(front)) = (&self.pipe, self.queue.front_mut()) {
            match pipe.try_write(&front[..front.len().min(AT_ONCE)]) {
                Ok(written) => front.advance(written),
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return,
                Err(cause) => {
                    self.broken = Some(cause.to_string());
                    self.queue.clear();
                    return;
                }
            }
            if front.is_empty() {
                self.queue.pop_front();
            }
        }
    }
}

fn broken(cause: &str) -> Error {
    Error::new(Status::CliConnection, "the CLI does not take input any more")
        .with("cause", cause)
        .with("remedy", "the on_closed callback tells why it ended")
}
