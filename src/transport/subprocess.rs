//! The CLI as a child process.

use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use tokio::sync::{oneshot, watch};

use super::private_files::PrivateFiles;
use super::stderr_tail::StderrTail;
use super::writer::Writer;
use super::{AtEnd, ExitReport, Later, Sink, Transport, room};
use crate::error::{Error, Result, Status};
use crate::log;
use crate::process::{self, Exit, FailureKind, Process, Receiver, SpawnFailure, Spawned, Unended};
use crate::sync::task::TaskSlot;
use crate::sync::{lock, ranked};

/// A grandchild that keeps writing must not keep the session open: more than any pipe holds cannot be the CLI's output.
const READ_AFTER_EXIT: usize = 64 << 20;

const SMALLEST_BUFFER: usize = 4 << 10;
const LARGEST_BUFFER: usize = 256 << 10;
/// A buffer with at least this much room is reused for the next read. The messages cut from its front share it, so that they
/// keep little more than themselves alive.
const LEAST_ROOM: usize = 1 << 10;
/// Reads in a row before other clients get their turn.
const READS_PER_TURN: usize = 16;

pub struct Subprocess {
    process: Process,
    writer: Arc<Writer>,
    /// Dropped once the task is stopped: an abandoned stack frame may hold this for ever, and must not keep the descriptors of
    /// a reader open.
    writing: TaskSlot,
    /// Set when nothing more is to be read.
    stop: watch::Sender<bool>,
    tail: Arc<Mutex<StderrTail>>,
    /// Files that the child reads only while it starts.
    files: Mutex<Option<PrivateFiles>>,
}

ranked!(StderrTail: Reading, Option<PrivateFiles>: Leaf);

/// What is needed to start.
pub struct Start {
    pub command: process::Command,
    /// What the shell at a launcher's remote end reads before the CLI does.
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
        // On Windows the runtime serves this one all the time.
        #[cfg(windows)]
        let stdin = process::receiver(stdin);
        #[cfg(unix)]
        let stdin = std::io::Result::Ok(stdin);
        let streams =
            || -> std::io::Result<_> { Ok((stdin?, process::receiver(stdout)?, process::receiver(stderr)?)) };
        let (stdin, stdout, stderr) = match streams() {
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
        let writing = TaskSlot::default();
        writing.put(tokio::spawn(writer.clone().run()).abort_handle());
        let subprocess = Arc::new(Subprocess {
            process,
            writing,
            writer,
            stop: watch::Sender::new(false),
            tail: Arc::new(Mutex::new(StderrTail::new(start.stderr_tail_bytes))),
            files: Mutex::new(Some(start.private_files).filter(PrivateFiles::is_on_disk)),
        });
        subprocess.serve(stdout, stderr, &sink);
        if let Some(line) = start.first_line {
            // If the launcher has already exited, its exit says why.
            let _ = subprocess.writer.write(line);
        }
        Ok(subprocess)
    }

    /// Each event is reported by its own task.
    fn serve(self: &Arc<Self>, stdout: Receiver, stderr: Receiver, sink: &Arc<dyn Sink>) {
        let output = |pipe| Output::new(pipe, self.process.exited(), self.stop.subscribe());
        let (stdout, stderr) = (output(stdout), output(stderr));
        tokio::spawn(read_stdout(stdout, sink.clone()));
        tokio::spawn(read_stderr(stderr, self.tail.clone(), sink.clone()));
        tokio::spawn(self.clone().notify_end(sink.clone()));
    }

    async fn notify_end(self: Arc<Self>, sink: Arc<dyn Sink>) {
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
        // A descendant that does not read must not keep the session alive.
        self.stop_writing();
        sink.exited(ExitReport::new(exit));
    }

    fn stop_writing(&self) {
        self.writing.end();
    }

    /// This process cannot end the child. The session does not wait for its exit, and it stays in the process table.
    fn lives_on(&self, why: Unended) -> Error {
        let pid = self.process.pid();
        let (message, remedy) = match why {
            #[cfg(unix)]
            Unended::NotPermitted => (
                format!("the CLI (pid {pid}) cannot be ended: this process has no right to send it signals"),
                "end it as the user that it runs as; free the clients before this process changes its user, or start the \
                 CLI as the new user by the option user",
            ),
            Unended::NoEffect => (
                format!("the CLI (pid {pid}) was killed and has not ended: it waits inside the system"),
                if cfg!(windows) {
                    "look at it in the Task Manager: a disk, a network drive or a virus scanner may hold it"
                } else {
                    "look at its state with ps: state D waits for a disk or a network drive"
                },
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
        self.writer.discard();
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

/// A start under way. A connect that times out may drop it when the child has started but nobody has received it.
struct Pending(oneshot::Receiver<std::result::Result<Spawned, SpawnFailure>>);

impl Drop for Pending {
    fn drop(&mut self) {
        // From here on the process thread notices by itself.
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
                        output.expect_nothing();
                    }
                    sink.data(&mut buffer);
                    after_exit += if output.child_has_ended() { read } else { 0 };
                    if after_exit > READ_AFTER_EXIT {
                        given_up("stdout");
                        break 'stream;
                    }
                }
                Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => {
                    size = (size / 2).max(SMALLEST_BUFFER);
                    // There may be many clients, most of them idle, so an unused buffer is freed. While messages at its front
                    // are still held, the next data goes into the rest of it.
                    if buffer.is_empty() && buffer.try_reclaim(SMALLEST_BUFFER) {
                        buffer = BytesMut::new();
                    }
                    if !output.readable().await {
                        break 'stream;
                    }
                }
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    log::warning(|| format!("the CLI's stdout cannot be read: {cause}"));
                    break 'stream;
                }
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
    /// Kept across waits: creating it anew each time would cost.
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

    /// The pipe is empty now: another read would only find that out. Data that arrives meanwhile is a new event of the poller.
    #[cfg(unix)]
    fn expect_nothing(&self) {
        let nothing = || -> std::io::Result<()> { Err(std::io::ErrorKind::WouldBlock.into()) };
        let _ = self.pipe.try_io(nothing);
    }

    /// The runtime reads ahead, so that finding out costs no system call.
    #[cfg(windows)]
    fn expect_nothing(&self) {}

    /// `false` = stop. Must not be called again then.
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
                if after_exit > READ_AFTER_EXIT {
                    given_up("stderr");
                    break;
                }
                if output.is_stopped() {
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
            Err(cause) => {
                log::warning(|| format!("the CLI's stderr cannot be read: {cause}"));
                break;
            }
        }
    }
    lock(&tail).finish(|line| sink.stderr_line(line));
}

fn given_up(stream: &str) {
    log::info(|| {
        format!("{stream} is not read any more: the CLI has ended, and a process that it left writes on")
    });
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

#[cfg(all(test, unix))]
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
        let sh = |script: &str| process::Command {
            program: "/bin/sh".into(),
            args: ["-c", script].map(Into::into).into(),
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            cwd: Some(folder.clone()),
            ..process::Command::default()
        };
        let start = || Start {
            // It never reads its stdin.
            command: sh("echo $$ >$$.new; mv $$.new pid; exec sleep 1000"),
            first_line: None,
            private_files: PrivateFiles::default(),
            stderr_tail_bytes: 100,
        };
        let starting = loop {
            let mut starting = Box::pin(Subprocess::start(start(), Arc::new(Nobody)));
            let started = tokio::select! {
                biased;
                started = &mut starting => started.unwrap(),
                () = std::future::ready(()) => break starting,
            };
            // The process thread was quicker: that one ends, and the next may be given up in time.
            started.kill();
            started.process.exited().wait_for(Option::is_some).await.unwrap();
            let _ = std::fs::remove_file(folder.join("pid"));
        };
        // The process thread takes requests in order: the first child runs now, and nobody has received it yet.
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
