//! What the host's transport has brought and the session has not taken yet.
//!
//! Pushing only stores bytes; a task hands them to the session. So a push is safe wherever the host makes it: inside
//! a callback, inside its own `write`, on many threads at once.

use bytes::BytesMut;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::error::{Error, Result, Status};
use crate::process::Exit;

/// From here on a host that asks is told to wait.
const ROOM: usize = 1 << 20;

/// So much goes to the session at a time, so that its own bound is looked at often enough.
const LARGEST_TAKE: usize = 64 << 10;

/// How the host says that the far side went.
#[derive(Debug, Clone)]
pub struct Ending {
    pub exit: Exit,
    pub cause: Option<Error>,
    /// The host's words on a normal end or an exit code.
    pub message: String,
}

impl Ending {
    /// `status` is the number of a status; `exit_code` that of the CLI, negative when it is not known.
    pub fn new(status: i32, exit_code: i32, message: &str) -> Ending {
        let message = message.to_owned();
        let exit = if exit_code < 0 { Exit::Unknown } else { Exit::Code(exit_code) };
        if status == Status::Ok.code() {
            // What is not known was no failure for the host.
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
    /// Nothing more is taken, whatever the host says.
    closed: bool,
    /// The host was told that there is no room, and wants to know when there is.
    starved: bool,
}

pub struct Inlet {
    /// A fair lock: threads that push without a pause must not keep the reader out.
    state: Mutex<State>,
    work: Notify,
    ended: watch::Sender<bool>,
    /// More than this may not wait.
    most: usize,
}

/// What [`Inlet::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// `room`: there is room again for a host that waits for it.
    Some {
        room: bool,
    },
    Nothing,
    End,
}

impl Inlet {
    pub fn new(most: usize) -> Inlet {
        Inlet {
            state: Mutex::default(),
            work: Notify::new(),
            ended: watch::Sender::new(false),
            most: most.max(ROOM),
        }
    }

    /// Takes all of `bytes` or refuses all of them.
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

    /// The host says that nothing follows.
    pub fn end(&self, ending: Ending) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed || state.ending.is_some() {
            return Err(ended());
        }
        state.ending = Some(ending);
        drop(state);
        self.told_end();
        Ok(())
    }

    /// The library takes no more; what was pushed before is still delivered.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.told_end();
    }

    fn told_end(&self) {
        self.ended.send_replace(true);
        self.work.notify_one();
    }

    pub fn ending(&self) -> Option<Ending> {
        self.state.lock().ending.clone()
    }

    pub async fn wait_ended(&self) {
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Moves what waits behind what is in `buffer`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_pushed_comes_out_in_order_whatever_the_sizes() {
        let inlet = Inlet::new(64 << 20);
        let (mut seen, mut sent) = (Vec::new(), Vec::new());
        let mut buffer = BytesMut::new();
        for size in (0..300).map(|step| step * step * 7 % 70_001) {
            let chunk: Vec<u8> = (0..size).map(|at| (at + size) as u8).collect();
            inlet.push(&chunk).unwrap();
            sent.extend(chunk);
            if size % 3 == 0 {
                while matches!(inlet.take(&mut buffer), Taken::Some { .. }) {}
                seen.extend_from_slice(&buffer.split_to(buffer.len() / 2));
            }
        }
        inlet.end(Ending::new(0, 0, "")).unwrap();
        while inlet.take(&mut buffer) != Taken::End {}
        seen.extend_from_slice(&buffer);
        assert!(seen == sent, "{} bytes of {}", seen.len(), sent.len());
    }

    #[test]
    fn a_full_inlet_refuses_and_tells_of_room_once() {
        let inlet = Inlet::new(2 << 20);
        let chunk = vec![b'x'; 1 << 20];
        assert!(inlet.has_room());
        inlet.push(&chunk).unwrap();
        assert!(!inlet.has_room());
        inlet.push(&chunk).unwrap();
        assert_eq!(inlet.push(b"x").unwrap_err().status, Status::WouldBlock);
        let mut told = 0;
        let mut taken = BytesMut::new();
        while let Taken::Some { room } = inlet.take(&mut taken) {
            told += usize::from(room);
        }
        assert_eq!((told, taken.len()), (1, 2 << 20));
        assert!(inlet.has_room());
    }

    #[test]
    fn after_the_end_nothing_is_taken_but_what_was_pushed_comes() {
        let inlet = Inlet::new(1);
        inlet.push(b"last").unwrap();
        inlet.end(Ending::new(-205, -1, "gone")).unwrap();
        assert_eq!(inlet.push(b"x").unwrap_err().status, Status::Closed);
        assert_eq!(inlet.end(Ending::new(0, 0, "")).unwrap_err().status, Status::Closed);
        let mut buffer = BytesMut::new();
        assert_eq!(inlet.take(&mut buffer), Taken::Some { room: false });
        assert_eq!(buffer, &b"last"[..]);
        assert_eq!(inlet.take(&mut buffer), Taken::End);
        assert_eq!(inlet.ending().unwrap().cause.unwrap().message, "gone");
    }

    #[test]
    fn numbers_of_an_end() {
        assert_eq!(Ending::new(0, 0, "").exit, Exit::Code(0));
        assert_eq!(Ending::new(0, -1, "").exit, Exit::Code(0));
        assert_eq!(Ending::new(0, 3, "").exit, Exit::Code(3));
        assert_eq!(Ending::new(-205, 3, "").exit, Exit::Code(3));
        let named = Ending::new(-301, -1, "").cause.unwrap();
        assert_eq!(named.status, Status::Timeout);
        assert!(named.message.contains("CLAUDE_ERR_TIMEOUT"), "{}", named.message);
        let unknown = Ending::new(-7, -1, "").cause.unwrap();
        assert_eq!(unknown.status, Status::CliConnection);
        assert_eq!(unknown.detail("host_status"), Some(&(-7).into()));
    }
}
