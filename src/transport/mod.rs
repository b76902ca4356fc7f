//! How bytes reach the CLI and come back: a child process, or what the host supplies.

pub mod find_cli;
pub mod host;
pub mod launcher;
pub mod private_files;
pub mod record;
pub mod replay;
pub mod stderr_tail;
pub mod subprocess;
mod writer;

use bytes::BytesMut;

use crate::error::{Error, Result};
use crate::process::Exit;

/// Work that ends later.
pub type Later<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Lets the reader whose thread this runs on take what has come, once. A deadline is judged behind it: a process that was
/// stopped wakes up behind its deadlines, with what came in time unread.
pub async fn look() {
    // Each lets the poller look, and those run first whom it wakes.
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
}

/// The way out. Nothing here blocks.
pub trait Transport: Send + Sync {
    /// Makes the far side ready to take lines. Called once, when the transport has its place in the session, so that
    /// it can be closed meanwhile; lines written earlier wait.
    fn open(&self) -> Later<'_, Result<()>>;

    /// What the far side needed to start is not needed any more.
    fn remove_files(&self) {}

    /// Sends one line; the newline is added. Lines of several threads do not mix.
    fn write_line(&self, line: String) -> Result<()>;

    /// Sends a line of the library's own at the end, to which no reply is awaited; it is no part of the conversation.
    fn write_last(&self, line: String) {
        // What cannot be written is no loss: the far side is ending then.
        let _ = self.write_line(line);
    }

    /// No more input: the far side sees the end of its stdin once everything before has been written.
    fn end_input(&self);

    /// The session ends: the steps that follow are those of its end, and nothing of the conversation.
    fn closing(&self) {}

    /// Asks the far side to go: SIGTERM for a process. What it still writes is read.
    fn terminate(&self);

    /// Ends the far side by force, with all that it has started. [`Sink::exited`] or [`Sink::unended`] follows soon.
    fn kill(&self);

    /// Nothing more is read or written, whatever comes: the streams count as ended.
    fn stop_reading(&self) {}

    /// The session is over and the client is being freed: lets go of what belongs to the host, waiting for its
    /// functions that run.
    fn release(&self);

    fn pid(&self) -> Option<u32>;

    /// How the far side went, for whoever cannot wait until the reader tells it.
    fn exit(&self) -> Option<ExitReport> {
        None
    }

    /// Bytes that wait for the far side to read them.
    fn queued_input(&self) -> usize;

    /// The last lines of stderr so far.
    fn stderr(&self) -> String;
}

/// The way in, implemented by the session. One thread at a time calls [`Sink::data`].
pub trait Sink: Send + Sync {
    /// New bytes have been added to `buffer`. Complete lines are taken out of it.
    fn data(&self, buffer: &mut BytesMut);

    /// The rest at the end of the stream.
    fn data_ended(&self, buffer: &mut BytesMut);

    /// No data follows, whatever becomes of the far side.
    fn stdout_ended(&self);

    /// Whether more may be read now. Where not, [`Sink::wait_for_room`] tells when to ask again.
    fn has_room(&self) -> bool;

    fn wait_for_room(&self) -> Later<'_, ()>;

    /// Whoever reads waits for room from now on, or goes on.
    fn reading_held(&self, held: bool);

    /// What has come is still being handed over: nobody is silent. Told again and again as long as that takes.
    fn handing_over(&self);

    fn stderr_line(&self, line: &[u8]);

    /// No line of stderr follows; these are the last ones.
    fn stderr_ended(&self, tail: String);

    /// The far side is gone; what it wrote may still be on its way. With this and the ends of both streams, in any order, it has
    /// ended. Each is told once.
    fn exited(&self, exit: ExitReport);

    /// The far side cannot be ended, and lives on.
    fn unended(&self, why: Error);
}

/// Is called when a task ends, also by a defect in the session's code, which must end this client only.
struct AtEnd<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Waits until more may be read, and says so while it takes.
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

/// How the far side went.
#[derive(Debug, Clone)]
pub struct ExitReport {
    pub exit: Exit,
    /// It had closed its output and lived on, so it was ended; `exit` is our doing then.
    pub abandoned: bool,
    /// Why, where the transport knows it better than by the exit.
    pub cause: Option<Box<Error>>,
}

impl ExitReport {
    pub fn new(exit: Exit) -> ExitReport {
        ExitReport { exit, abandoned: false, cause: None }
    }
}

/// How the far side went, and its last words.
#[derive(Debug, Clone)]
pub struct End {
    pub report: ExitReport,
    /// The last lines of stderr.
    pub stderr: String,
}

/// What has been told of an end so far.
#[derive(Debug, Default)]
pub struct Ends {
    pub stdout: bool,
    pub stderr: Option<String>,
    pub report: Option<ExitReport>,
}

impl Ends {
    /// The end, once all of it was told.
    pub fn complete(&self) -> Option<End> {
        let (stderr, report) = (self.stderr.clone()?, self.report.clone()?);
        self.stdout.then_some(End { report, stderr })
    }
}
