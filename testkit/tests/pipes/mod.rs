//! Speaks to a CLI over pipes, line by line, with a deadline for everything.
#![allow(dead_code)] // Each test program uses its own part.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use claude_testkit::Patience;

use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(60);

pub struct Talk {
    pub child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
    stderr_text: String,
}

pub fn user(text: &str) -> Value {
    json!({"type": "user", "message": {"role": "user", "content": text}, "parent_tool_use_id": null, "session_id": ""})
}

pub fn user_with_uuid(text: &str, uuid: &str) -> Value {
    let mut frame = user(text);
    frame["uuid"] = json!(uuid);
    frame
}

pub fn control(id: &str, request: Value) -> Value {
    json!({"type": "control_request", "request_id": id, "request": request})
}

impl Talk {
    pub fn start(mut command: Command) -> Self {
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("start the CLI");
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let stdin = child.stdin.take();
        Talk { child, stdin, lines, stderr: Some(stderr), stderr_text: String::new() }
    }

    pub fn send(&mut self, frame: &Value) {
        self.send_raw(format!("{frame}\n").as_bytes());
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().expect("stdin is open").write_all(bytes).expect("write to the CLI");
    }

    /// The next frame; `None` at the end of stdout.
    pub fn next(&mut self) -> Option<Value> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no frame within {DEADLINE:?}"),
        }
    }

    pub fn next_or_stop(&mut self, stop: impl Fn(&Value) -> bool) -> Option<Value> {
        self.next().filter(|frame| !stop(frame))
    }

    /// Skips to the next frame of that type.
    pub fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = self
                .next()
                .unwrap_or_else(|| panic!("stdout ended before {kind}; stderr: {}", self.stderr()));
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Closes stdin, reads to the end and returns the exit code.
    pub fn close(&mut self) -> Option<i32> {
        self.stdin = None;
        while self.next().is_some() {}
        self.wait()
    }

    /// The exit code; `None` after a signal.
    pub fn wait(&mut self) -> Option<i32> {
        let patience = Patience::new(DEADLINE);
        loop {
            if let Some(status) = self.child.try_wait().expect("wait for the CLI") {
                return status.code();
            }
            assert!(!patience.is_over(), "the CLI does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Everything on stderr; waits for its end.
    pub fn stderr(&mut self) -> &str {
        if let Some(reader) = self.stderr.take() {
            self.stderr_text = reader.join().expect("read stderr");
        }
        &self.stderr_text
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // A failed test must not leave its CLI behind; one that has ended already is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
