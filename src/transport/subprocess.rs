//! The CLI as a child process.

use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use super::private_files::PrivateFiles;
use super::stderr_tail::StderrTail;
use super::writer::Writer;
use super::{AtEnd, ExitReport, Later, Sink, Transport, room};
use crate::error::{Error, Result, Status};
use crate::process::{self, Exit, FailureKind, Process, SpawnFailure, Spawned, Unended};
use crate::sync::lock;

/// A grandchild that keeps writing must not keep the session open: more than any pipe holds cannot be the CLI's.
const READ_AFTER_EXIT: usize = 64 << 20;

const SMALLEST_BUFFER: usize = 4 << 10;
const LARGEST_BUFFER: usize = 256 << 10;
/// A buffer with so much room left is read into again. It belongs to the messages that were cut out of its front as well,
/// so that what these keep alive is little more than themselves.
const LEAST_ROOM: usize = 1 << 10;
/// So many reads in a row, then other clients get their turn.
const READS_PER_TURN: usize = 16;

pub struct Subprocess {
    process: Process,
    writer: Arc<Writer>,
    /// Let go of when it has been stopped: a frame that was left may hold this for ever, and must not keep the descriptors of a
    /// reader with it.
    writing: Mutex<Option<AbortHandle>>,
    /// Set when nothing more is to be read.
    stop: watch::Sender<bool>,
    tail: Arc<Mutex<StderrTail>>,
    /// What the child reads in its first moments only.
    files: Mutex<Option<PrivateFiles>>,
}

/// What is needed to start.
pub struct Start {
    pub command: process::Command,
    /// What the far side of a launcher reads before the CLI does.
    pub first_line: Option<Vec<u8>>,
    pub private_files: PrivateFiles,
    pub stderr_tail_bytes: usize,
}

impl Subprocess {
    /// Starts the child and the tasks that serve it. The readers run before the first byte is written.
    pub async fn start(start: Start, sink: Arc<dyn Sink>) -> Result<Arc<Subprocess>> {
        let program = start.command.program.display().to_string();
        let mut pending = Pending(process::spawn(start.command));
        let spawned = match (&mut pending.0).await {
            Ok(Ok(spawned)) => spawned,
            Ok(Err(failure)) => return Err(from_failure(&failure, &program)),
            Err(_) => return Err(Error::new(Status::Closed, "the library is shutting down")),
        };
        let Spawned { process, stdin, stdout, stderr } = spawned;
        let streams = || -> std::io::Result<_> {
            // They are known to be pipes that do not block.
            let reader = Receiver::from_owned_fd_unchecked;
            Ok((reader(stdout)?, reader(stderr)?))
        };
        let (stdout, stderr) = match streams() {
            Ok(streams) => streams,
            Err(cause) => {
                process.kill_tree();
                return Err(Error::new(
                    Status::CliConnection,
                    format!("the CLI's pipes cannot be served: {cause}"),
                )
                .with("phase", "spawn")
                .with_opt("remedy", process::lacking(&cause)));
            }
        };
        let writer = Writer::new(stdin);
        let subprocess = Arc::new(Subprocess {
            process,
            writing: Mutex::new(Some(tokio::spawn(writer.clone().run()).abort_handle())),
            writer,
            stop: watch::Sender::new(false),
            tail: Arc::new(Mutex::new(StderrTail::new(start.stderr_tail_bytes))),
            files: Mutex::new(Some(start.private_files).filter(PrivateFiles::is_on_disk)),
        });
        subprocess.serve(stdout, stderr, &sink);
        if let Some(line) = start.first_line {
            // A launcher that has ended by now says why by its end.
            let _ = subprocess.writer.write(line);
        }
        Ok(subprocess)
    }

    /// Each fact is told by a task of its own.
    fn serve(self: &Arc<Self>, stdout: Receiver, stderr: Receiver, sink: &Arc<dyn Sink>) {
        let output = |pipe| Output::new(pipe, self.process.exited(), self.stop.subscribe());
        let (stdout, stderr) = (output(stdout), output(stderr));
        tokio::spawn(read_stdout(stdout, sink.clone()));
        tokio::spawn(read_stderr(stderr, self.tail.clone(), sink.clone()));
        tokio::spawn(self.clone().tell_end(sink.clone()));
    }

    async fn tell_end(self: Arc<Self>, sink: Arc<dyn Sink>) {
        let exit = exit(self.process.exited());
        tokio::pin!(exit);
        let exit = tokio::select! {
            biased;
            exit = &mut exit => exit,
            why = unended(self.process.unended()) => {
                sink.unended(self.lives_on(why));
                exit.await
            }
        };
        // A descendant that does not read keeps nothing of the session alive.
        self.stop_writing();
        sink.exited(ExitReport::new(exit));
    }

    fn stop_writing(&self) {
        if let Some(writing) = lock(&self.writing).take() {
            writing.abort();
        }
    }

    /// The child cannot be ended by this process. Its end is not waited for, and the system keeps its books.
    fn lives_on(&self, why: Unended) -> Error {
        let pid = self.process.pid();
        let (message, remedy) = match why {
            Unended::NotPermitted => (
                format!("the CLI (pid {pid}) cannot be ended: this process has no right to send it signals"),
                "end it as the user that it runs as; free the clients before this process changes its user, or start the \
                 CLI as the new user by the option user",
            ),
            Unended::NoEffect => (
                format!("the CLI (pid {pid}) was killed and has not ended: it waits inside the system"),
                "look at its state with ps: state D waits for a disk or a network drive",
            ),
        };
        Error::new(Status::Process, message)
            .with("phase", "disconnect")
            .with("pid", pid)
            .with("remedy", remedy)
    }
}

async fn exit(mut told: watch::Receiver<Option<Exit>>) -> Exit {
    told.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(Exit::Unknown)
}

async fn unended(mut told: watch::Receiver<Option<Unended>>) -> Unended {
    let why = told.wait_for(Option::is_some).await.ok().and_then(|why| *why);
    match why {
        Some(why) => why,
        None => std::future::pending().await,
    }
}

impl Transport for Subprocess {
    fn open(&self) -> Later<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn remove_files(&self) {
        drop(lock(&self.files).take());
    }

    fn release(&self) {
        self.stop_writing();
        self.writer.release();
    }

    fn write_line(&self, line: String) -> Result<()> {
        self.writer.write_line(line)
    }

    fn end_input(&self) {
        self.writer.end();
    }

    fn terminate(&self) {
        self.writer.end();
        self.process.terminate();
    }

    fn kill(&self) {
        self.writer.end();
        self.process.kill();
    }

    fn stop_reading(&self) {
        self.stop.send_replace(true);
        self.stop_writing();
        self.writer.give_up();
    }

    fn exit(&self) -> Option<ExitReport> {
        (*self.process.exited().borrow()).map(ExitReport::new)
    }

    fn queued_input(&self) -> usize {
        self.writer.queued()
    }

    fn stderr(&self) -> String {
        lock(&self.tail).text()
    }

    fn pid(&self) -> Option<u32> {
        (!self.process.is_reaped()).then(|| self.process.pid())
    }
}

/// A start under way. A connect that runs out of time may let go of it when the child is there and nobody has looked.
struct Pending(oneshot::Receiver<std::result::Result<Spawned, SpawnFailure>>);

impl Drop for Pending {
    fn drop(&mut self) {
        // From here on the process thread finds out by itself.
        self.0.close();
        if let Ok(Ok(unwanted)) = self.0.try_recv() {
            unwanted.process.kill_tree();
        }
    }
}

async fn read_stdout(mut output: Output, sink: Arc<dyn Sink>) {
    let _end = AtEnd(|| sink.stdout_ended());
    let mut buffer = BytesMut::new();
    let mut size = SMALLEST_BUFFER;
    let mut after_exit = 0;
    'stream: loop {
        for _ in 0..READS_PER_TURN {
            room(&*sink).await;
            if buffer.capacity() - buffer.len() < LEAST_ROOM {
                buffer.reserve(size);
            }
            let space = buffer.capacity() - buffer.len();
            match output.pipe.try_read_buf(&mut buffer) {
                Ok(0) => break 'stream,
                Ok(read) => {
                    if read == space {
                        size = (size * 2).min(LARGEST_BUFFER);
                    } else {
                        // The pipe is empty now: the next read would only find that out. What comes meanwhile is a new
                        // event of the poller.
                        let nothing =
                            || -> std::io::Result<()> { Err(std::io::ErrorKind::WouldBlock.into()) };
                        let _ = output.pipe.try_io(nothing);
                    }
                    sink.data(&mut buffer);
                    after_exit += if output.child_has_ended() { read } else { 0 };
                    if after_exit > READ_AFTER_EXIT {
                        break 'stream;
                    }
                }
                Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => {
                    size = (size / 2).max(SMALLEST_BUFFER);
                    // There may be many clients, and most of them idle. As long as messages in its front are kept by
                    // somebody, what follows goes into the rest of it.
                    if buffer.is_empty() && buffer.try_reclaim(SMALLEST_BUFFER) {
                        buffer = BytesMut::new();
                    }
                    if !output.readable().await {
                        break 'stream;
                    }
                }
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break 'stream,
            }
        }
        if output.is_stopped() {
            break;
        }
        tokio::task::yield_now().await;
    }
    sink.data_ended(&mut buffer);
}

/// Waits for output until nothing more is to be read.
struct Output {
    pipe: Receiver,
    exited: watch::Receiver<Option<Exit>>,
    stop: watch::Receiver<bool>,
    /// Kept from wait to wait: to make it anew would cost each time.
    stopped: Later<'static, ()>,
}

impl Output {
    fn new(pipe: Receiver, exited: watch::Receiver<Option<Exit>>, stop: watch::Receiver<bool>) -> Output {
        let mut watched = stop.clone();
        let stopped: Later<'static, ()> = Box::pin(async move {
            let _ = watched.wait_for(|stopped| *stopped).await;
        });
        Output { pipe, exited, stop, stopped }
    }

    fn child_has_ended(&self) -> bool {
        self.exited.borrow().is_some()
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// `false` when it is to stop. Not to be asked again then.
    async fn readable(&mut self) -> bool {
        tokio::select! {
            biased;
            ready = self.pipe.readable() => ready.is_ok(),
            () = &mut self.stopped => false,
        }
    }
}

async fn read_stderr(mut output: Output, tail: Arc<Mutex<StderrTail>>, sink: Arc<dyn Sink>) {
    let _end = AtEnd(|| {
        let tail = lock(&tail).text();
        sink.stderr_ended(tail);
    });
    let mut buffer = Vec::new();
    let mut after_exit = 0;
    loop {
        buffer.clear();
        buffer.reserve(SMALLEST_BUFFER);
        match output.pipe.try_read_buf(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                lock(&tail).feed(&buffer, |line| sink.stderr_line(line));
                after_exit += if output.child_has_ended() { read } else { 0 };
                if after_exit > READ_AFTER_EXIT || output.is_stopped() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => {
                buffer = Vec::new();
                if !output.readable().await {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    lock(&tail).finish(|line| sink.stderr_line(line));
}

fn from_failure(failure: &SpawnFailure, program: &str) -> Error {
    let status = match failure.kind {
        FailureKind::NotFound => Status::CliNotFound,
        FailureKind::Forked => Status::Forked,
        FailureKind::Unsupported => Status::Unsupported,
        _ => Status::CliConnection,
    };
    Error::new(status, failure.message.clone())
        .with("phase", "spawn")
        .with("reason", reason(failure.kind))
        .with("cli_path", program)
        .with_opt("errno", failure.errno)
}

fn reason(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NotFound => "not_found",
        FailureKind::NotExecutable => "not_executable",
        FailureKind::IsDirectory => "is_directory",
        FailureKind::WrongLoader => "wrong_loader",
        FailureKind::BadFormat => "bad_format",
        FailureKind::CwdMissing => "cwd_missing",
        FailureKind::UserUnknown => "user_unknown",
        FailureKind::TooLong => "too_long",
        FailureKind::Forked => "forked",
        FailureKind::Unsupported => "unsupported",
        FailureKind::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    struct Nobody;

    impl Sink for Nobody {
        fn data(&self, buffer: &mut BytesMut) {
            buffer.clear();
        }
        fn data_ended(&self, _: &mut BytesMut) {}
        fn has_room(&self) -> bool {
            true
        }
        fn wait_for_room(&self) -> Later<'_, ()> {
            Box::pin(std::future::ready(()))
        }
        fn stdout_ended(&self) {}
        fn reading_held(&self, _: bool) {}
        fn handing_over(&self) {}
        fn stderr_line(&self, _: &[u8]) {}
        fn stderr_ended(&self, _: String) {}
        fn exited(&self, _: ExitReport) {}
        fn unended(&self, _: Error) {}
    }

    #[tokio::test]
    async fn a_start_that_is_given_up_leaves_no_child() {
        let folder = std::env::temp_dir().join(format!("claude-client-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        // It does not look at its stdin.
        let script = "echo $$ >pid.new; mv pid.new pid; exec sleep 1000";
        let sh = |script: &str| process::Command {
            program: "/bin/sh".into(),
            args: ["-c", script].map(Into::into).into(),
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            cwd: Some(folder.clone()),
            ..process::Command::default()
        };
        let start = Start {
            command: sh(script),
            first_line: None,
            private_files: PrivateFiles::default(),
            stderr_tail_bytes: 100,
        };
        let mut starting = Box::pin(Subprocess::start(start, Arc::new(Nobody)));
        tokio::select! {
            biased;
            _ = &mut starting => panic!("the process thread has not even been asked"),
            () = std::future::ready(()) => {}
        }
        // The process thread takes one after the other: the first child runs now, and nobody has looked yet.
        drop(process::spawn(sh("exit 0")).await.unwrap().unwrap());
        let pid = loop {
            match std::fs::read_to_string(folder.join("pid")) {
                Ok(pid) => break pid.trim().to_owned(),
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        };
        drop(starting);
        let stat = std::path::Path::new("/proc").join(pid).join("stat");
        let gone = async {
            while stat.exists() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), gone).await.expect("the child is killed and reaped");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
