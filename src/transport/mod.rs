//! How bytes reach the CLI and come back: through a child process, or what the host supplies.

pub mod find_cli;
pub mod host;
pub mod launcher;
pub mod private_files;
#[cfg(feature = "replay")]
pub mod record;
#[cfg(feature = "replay")]
pub mod replay;
pub mod stderr_tail;
pub mod subprocess;
#[cfg(unix)]
mod writer;
#[cfg(windows)]
#[path = "writer/windows.rs"]
mod writer;

use bytes::BytesMut;

use crate::error::{Error, Result};
use crate::process::Exit;

/// Work that finishes later.
pub type Later<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Lets the reader on this thread take what has arrived, once. Deadlines are checked after it: a process that was stopped wakes
/// up past its deadlines, with data unread that arrived in time.
pub async fn look() {
    // Each yield polls for events, and the tasks that it wakes run first.
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
}

/// The outgoing direction. Nothing here blocks.
pub trait Transport: Send + Sync {
    /// Makes the peer ready for lines. Called once, when the transport is part of the session, so that it can be closed
    /// meanwhile; lines written earlier wait.
    fn open(&self) -> Later<'_, Result<()>>;

    /// What the peer needed only to start may be removed.
    fn remove_files(&self) {}

    /// Sends one line; the newline is added. Lines of different threads are not interleaved.
    fn write_line(&self, line: String) -> Result<()>;

    /// Sends a line of the library's own at the end, for which no reply is awaited; it is not part of the conversation.
    fn write_last(&self, line: String) {
        // A failed write is no loss: the peer is ending then.
        let _ = self.write_line(line);
    }

    /// No more input: the peer sees the end of its stdin once everything before has been written.
    fn end_input(&self);

    /// The session ends: the steps that follow are part of its end, not of the conversation.
    fn closing(&self) {}

    /// Asks the peer to end: SIGTERM for a process. What it still writes is read.
    fn terminate(&self);

    /// Ends the peer by force, with everything that it has started. [`Sink::exited`] or [`Sink::unended`] follows soon.
    fn kill(&self);

    /// Nothing more is read or written, whatever arrives: the streams count as ended.
    fn stop_reading(&self) {}

    /// The session is over and the client is being freed: releases what belongs to the host, waiting for its functions that are
    /// running.
    fn release(&self);

    fn pid(&self) -> Option<u32>;

    /// How the peer ended, for callers that cannot wait until the reader reports it.
    fn exit(&self) -> Option<ExitReport> {
        None
    }

    /// Bytes that the peer has not read yet.
    fn queued_input(&self) -> usize;

    /// The last lines of stderr so far.
    fn stderr(&self) -> String;
}

/// The incoming direction, implemented by the session. One thread at a time calls [`Sink::data`].
pub trait Sink: Send + Sync {
    /// New bytes have been added to `buffer`. Complete lines are taken out of it.
    fn data(&self, buffer: &mut BytesMut);

    /// The remainder at the end of the stream.
    fn data_ended(&self, buffer: &mut BytesMut);

    /// No data follows, whatever happens to the peer.
    fn stdout_ended(&self);

    /// Whether more may be read now. If not, [`Sink::wait_for_room`] completes when to ask again.
    fn has_room(&self) -> bool;

    fn wait_for_room(&self) -> Later<'_, ()>;

    /// The reader waits for room from now on, or continues.
    fn reading_held(&self, held: bool);

    /// Received data is still being handed over: the peer is not silent. Repeated as long as that takes.
    #[cfg_attr(not(feature = "replay"), allow(dead_code))] // Only a record takes so long.
    fn handing_over(&self);

    fn stderr_line(&self, line: &[u8]);

    /// No line of stderr follows; these are the last ones.
    fn stderr_ended(&self, tail: String);

    /// The peer is gone; its output may still be on its way. It has ended once this and the ends of both streams are reported,
    /// in any order. Each is reported once.
    fn exited(&self, exit: ExitReport);

    /// The peer cannot be ended, and is still running.
    fn unended(&self, why: Error);
}

/// Called when a task ends, even by a bug in the session's code, which must end this client only.
struct AtEnd<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Waits until more may be read, and reports while it waits.
async fn room(sink: &dyn Sink) {
    if sink.has_room() {
        return;
    }
    sink.reading_held(true);
    while !sink.has_room() {
        sink.wait_for_room().await;
    }
    sink.reading_held(false);
}

/// How the peer ended.
#[derive(Debug, Clone)]
pub struct ExitReport {
    pub exit: Exit,
    /// It had closed its output and kept running, so it was ended; `exit` is the result of that.
    pub abandoned: bool,
    /// The reason, if the transport knows more than the exit tells.
    pub cause: Option<Box<Error>>,
}

impl ExitReport {
    pub fn new(exit: Exit) -> ExitReport {
        ExitReport { exit, abandoned: false, cause: None }
    }
}

/// How the peer ended, and its last stderr output.
#[derive(Debug, Clone)]
pub struct End {
    pub report: ExitReport,
    /// The last lines of stderr.
    pub stderr: String,
}

/// What has been reported of an end so far.
#[derive(Debug, Default)]
pub struct Ends {
    /// Only a record waits for it.
    #[cfg(feature = "replay")]
    pub stdout: bool,
    pub stderr: Option<String>,
    pub report: Option<ExitReport>,
}

#[cfg(feature = "replay")]
impl Ends {
    /// The end, once all of it has been reported.
    pub fn complete(&self) -> Option<End> {
        let (stderr, report) = (self.stderr.clone()?, self.report.clone()?);
        self.stdout.then_some(End { report, stderr })
    }
}
