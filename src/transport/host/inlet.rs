//! What the host's transport has pushed and the session has not taken yet.
//!
//! Pushing only stores bytes; a task passes them to the session. So the host may push from anywhere: inside a callback, inside
//! its own `write`, on many threads at once.

use bytes::BytesMut;
use tokio::sync::watch;

use crate::error::{Error, Result, Status};
use crate::process::Exit;
use crate::sync::{FairMutex, Notify, ranked};

/// From this size on, a host that asks is told to wait.
const ROOM: usize = 1 << 20;

/// Maximum passed to the session at a time, so that its own limit is checked often enough.
const LARGEST_TAKE: usize = 64 << 10;

/// How the peer ended, as the host reports it.
#[derive(Debug, Clone)]
pub struct Ending {
    pub exit: Exit,
    pub cause: Option<Error>,
    /// The host's message for a normal end or an exit code.
    pub message: String,
}

impl Ending {
    /// `status` is the number of a status; `exit_code` is the CLI's, negative if unknown.
    pub fn new(status: i32, exit_code: i32, message: &str) -> Ending {
        let message = message.to_owned();
        let exit = if exit_code < 0 { Exit::Unknown } else { Exit::Code(exit_code) };
        if status == Status::Ok.code() {
            // An unknown exit code with an OK status was no failure for the host.
            let exit = if exit_code < 0 { Exit::Code(0) } else { exit };
            return Ending { exit, cause: None, message };
        }
        let known = Status::from_code(status);
        let text = match (message.is_empty(), known) {
            (false, _) => message.clone(),
            (true, Some(known)) => format!("the host's transport ended with {}", known.name()),
            (true, None) => format!("the host's transport ended with the number {status}"),
        };
        let cause = Error::new(known.unwrap_or(Status::CliConnection), text)
            .with_opt("host_status", known.is_none().then_some(status))
            .with_opt("exit_code", (exit_code >= 0).then_some(exit_code));
        Ending { exit, cause: Some(cause), message }
    }
}

#[derive(Default)]
struct State {
    bytes: BytesMut,
    ending: Option<Ending>,
    /// Nothing more is accepted from the host.
    closed: bool,
    /// The host was told that there is no room, and must be notified when there is.
    starved: bool,
}

ranked!(State: Leaf);

pub struct Inlet {
    /// A fair lock: threads that push without a pause must not keep the reader out.
    state: FairMutex<State>,
    work: Notify,
    ended: watch::Sender<bool>,
    /// More bytes than this may not wait.
    most: usize,
}

/// What [`Inlet::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// `room`: there is room again, and the host waits for it.
    Some {
        room: bool,
    },
    Nothing,
    End,
}

impl Inlet {
    pub fn new(most: usize) -> Inlet {
        Inlet {
            state: FairMutex::default(),
            work: Notify::new(),
            ended: watch::Sender::new(false),
            most: most.max(ROOM),
        }
    }

    /// Accepts all of `bytes` or none.
    pub fn push(&self, bytes: &[u8]) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed || state.ending.is_some() {
            return Err(ended());
        }
        if state.bytes.len() >= self.most {
            state.starved = true;
            return Err(Error::new(Status::WouldBlock, format!("{} bytes wait already", state.bytes.len()))
                .with("remedy", "push again when on_room was called or claude_sink_has_room is true"));
        }
        state.bytes.extend_from_slice(bytes);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    pub fn has_room(&self) -> bool {
        let mut state = self.state.lock();
        let room = state.bytes.len() < ROOM;
        state.starved |= !room;
        room
    }

    /// The host reports that nothing follows.
    pub fn end(&self, ending: Ending) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed || state.ending.is_some() {
            return Err(ended());
        }
        state.ending = Some(ending);
        drop(state);
        self.notify_ended();
        Ok(())
    }

    /// The library accepts no more; what was pushed before is still delivered.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.notify_ended();
    }

    fn notify_ended(&self) {
        self.ended.send_replace(true);
        self.work.notify_one();
    }

    pub fn ending(&self) -> Option<Ending> {
        self.state.lock().ending.clone()
    }

    pub async fn wait_ended(&self) {
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Appends waiting bytes to `buffer`.
    pub fn take(&self, buffer: &mut BytesMut) -> Taken {
        let mut state = self.state.lock();
        if state.bytes.is_empty() {
            let over = state.closed || state.ending.is_some();
            return if over { Taken::End } else { Taken::Nothing };
        }
        let length = state.bytes.len().min(LARGEST_TAKE);
        let part = state.bytes.split_to(length);
        if state.bytes.is_empty() {
            state.bytes = BytesMut::new(); // an idle client holds no buffer
        }
        let room = state.starved && state.bytes.len() < ROOM;
        state.starved &= !room;
        drop(state);
        if buffer.is_empty() {
            *buffer = part;
        } else {
            buffer.unsplit(part);
        }
        Taken::Some { room }
    }

    pub async fn work(&self) {
        self.work.notified().await;
    }
}

fn ended() -> Error {
    Error::new(Status::Closed, "the transport has ended: nothing more is taken")
        .with("remedy", "push nothing after claude_sink_end or close")
}
