//! The CLI as a child process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use super::private_files::PrivateFiles;
use super::stderr_tail::StderrTail;
use super::writer::Writer;
use super::{ExitReport, Later, Sink, Transport, look};
use crate::error::{Error, Result, Status};
use crate::process::{self, Exit, FailureKind, Process, SpawnFailure, Spawned, Unended};
use crate::sync::lock;

/// How long the child may take for each step of its end.
#[derive(Debug, Clone, Copy)]
pub struct Grace {
    /// From the end of its stdin to SIGTERM.
    pub exit: Duration,
    /// From SIGTERM to SIGKILL.
    pub terminate: Duration,
}

/// How long the streams may stay silent after the exit before they are given up: somebody else holds them open.
const SILENCE_AFTER_EXIT: Duration = Duration::from_millis(250);

/// A grandchild that keeps writing must not keep the session open: more than any pipe holds cannot be the CLI's.
const READ_AFTER_EXIT: usize = 64 << 20;

/// A child that is in the midst of something and cannot be told to leave it has so long until SIGTERM.
const HURRY: Duration = Duration::from_millis(500);

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
    grace: Grace,
    closing: AtomicBool,
    abandoned: AtomicBool,
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
    pub grace: Grace,
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
        let tail = Arc::new(Mutex::new(StderrTail::new(start.stderr_tail_bytes)));
        let subprocess = Arc::new(Subprocess {
            process,
            writer: Writer::new(stdin),
            grace: start.grace,
            closing: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            tail: tail.clone(),
            files: Mutex::new(Some(start.private_files).filter(PrivateFiles::is_on_disk)),
        });
        let writing = tokio::spawn(subprocess.writer.clone().run());
        let stdout = Output::new(stdout, subprocess.process.exited());
        let stderr = Output::new(stderr, subprocess.process.exited());
        let errors = tokio::spawn(read_stderr(stderr, tail.clone(), sink.clone()));
        tokio::spawn(subprocess.clone().tell_exit(sink.clone()));
        if let Some(line) = start.first_line {
            // A launcher that has ended by now says why by its end.
            let _ = subprocess.writer.write(line);
        }
        let serving = subprocess.clone();
        tokio::spawn(async move {
            // A defect in the session's code must end this client only.
            let mut reading = tokio::spawn(read_stdout(stdout, sink.clone()));
            let ended = async {
                let _ = (&mut reading).await;
                sink.stdout_ended();
                serving.wait_for_exit().await;
            };
            let unended = tokio::select! {
                () = ended => None,
                why = unended(serving.process.unended()) => Some(serving.lives_on(why)),
            };
            reading.abort();
            let reading_errors = errors.abort_handle();
            let _ = timeout(SILENCE_AFTER_EXIT * 2, errors).await;
            // Neither a descendant that still writes nor one that does not read keeps anything of the session alive.
            reading_errors.abort();
            writing.abort();
            serving.remove_files();
            match unended {
                Some(why) => sink.unended(why),
                None => sink.stderr_ended(serving.stderr()),
            }
            serving.writer.give_up();
        });
        Ok(subprocess)
    }

    /// stdout has ended. A child that lives on without it is of no use: it is ended.
    async fn wait_for_exit(&self) {
        let mut exited = self.process.exited();
        // A little longer: the process thread may have been stopped as long as this one.
        if exits_within(&mut exited, self.grace.exit).await
            || exits_within(&mut exited, SILENCE_AFTER_EXIT).await
        {
            return;
        }
        self.abandoned.store(true, Ordering::Release);
        self.close();
        let _ = exited.wait_for(Option::is_some).await;
    }

    async fn tell_exit(self: Arc<Self>, sink: Arc<dyn Sink>) {
        let mut exited = self.process.exited();
        let exit = exited.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
        let abandoned = self.abandoned.load(Ordering::Acquire);
        sink.exited(ExitReport { abandoned, ..ExitReport::new(exit.unwrap_or(Exit::Unknown)) });
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
        self.writer.release();
    }

    fn write_line(&self, line: String) -> Result<()> {
        self.writer.write_line(line)
    }

    fn end_input(&self) {
        self.writer.end();
    }

    fn close(&self) {
        if !self.closing.swap(true, Ordering::AcqRel) {
            self.writer.end();
            self.process.end_within(self.grace.exit, self.grace.terminate);
        }
    }

    fn hurry(&self) {
        self.process.end_within(self.grace.exit.min(HURRY), self.grace.terminate);
    }

    fn terminate(&self) {
        self.writer.end();
        self.process.terminate();
    }

    fn kill(&self) {
        self.closing.store(true, Ordering::Release);
        self.writer.end();
        self.process.kill();
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

async fn exits_within(exited: &mut watch::Receiver<Option<Exit>>, time: Duration) -> bool {
    timeout(time, exited.wait_for(Option::is_some)).await.is_ok()
}

async fn read_stdout(mut output: Output, sink: Arc<dyn Sink>) {
    let mut buffer = BytesMut::new();
    let mut size = SMALLEST_BUFFER;
    let mut after_exit = 0;
    'stream: loop {
        for _ in 0..READS_PER_TURN {
            while !sink.has_room() {
                sink.wait_for_room().await;
            }
            if buffer.capacity() - buffer.len() < LEAST_ROOM {
                buffer.reserve(size);
            }
            let room = buffer.capacity() - buffer.len();
            match output.pipe.try_read_buf(&mut buffer) {
                Ok(0) => break 'stream,
                Ok(read) => {
                    if read == room {
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
        tokio::task::yield_now().await;
    }
    sink.data_ended(&mut buffer);
}

/// Waits for output as long as the child may have some.
struct Output {
    pipe: Receiver,
    exited: watch::Receiver<Option<Exit>>,
    /// The child's end; `None` once it has been seen. Kept from wait to wait: to make it anew would cost each time.
    end: Option<Later<'static, ()>>,
}

impl Output {
    fn new(pipe: Receiver, exited: watch::Receiver<Option<Exit>>) -> Output {
        let mut watched = exited.clone();
        let end: Later<'static, ()> = Box::pin(async move {
            let _ = watched.wait_for(Option::is_some).await;
        });
        Output { pipe, exited, end: Some(end) }
    }

    fn child_has_ended(&self) -> bool {
        self.exited.borrow().is_some()
    }

    /// `false` when the child has gone and nothing came for a while: a grandchild holds the pipe.
    async fn readable(&mut self) -> bool {
        if let Some(end) = &mut self.end {
            tokio::select! {
                biased;
                ready = self.pipe.readable() => return ready.is_ok(),
                () = end => self.end = None,
            }
        }
        tokio::select! {
            biased;
            ready = self.pipe.readable() => ready.is_ok(),
            () = sleep(SILENCE_AFTER_EXIT) => {
                look().await;
                matches!(timeout(Duration::ZERO, self.pipe.readable()).await, Ok(Ok(())))
            }
        }
    }
}

async fn read_stderr(mut output: Output, tail: Arc<Mutex<StderrTail>>, sink: Arc<dyn Sink>) {
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
        let grace = Grace { exit: Duration::from_secs(5), terminate: Duration::from_secs(5) };
        let start = Start {
            command: sh(script),
            first_line: None,
            private_files: PrivateFiles::default(),
            grace,
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
