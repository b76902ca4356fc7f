//! A transport that forwards to a child process, as a host would write one.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::vtable::{Host, Sink};

/// Starts the CLI at `connect` and pushes what it writes in pieces of changing sizes.
pub struct Relay {
    command: Mutex<Command>,
    child: Mutex<Option<Arc<Mutex<Child>>>>,
    stdin: Mutex<Option<ChildStdin>>,
}

impl Relay {
    pub fn new(mut command: Command) -> Relay {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Relay { command: Mutex::new(command), child: Mutex::default(), stdin: Mutex::default() }
    }
}

impl Host for Relay {
    fn connect(&self, sink: Sink) -> i32 {
        let Ok(mut child) = self.command.lock().unwrap().spawn() else { return -201 };
        *self.stdin.lock().unwrap() = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let child = Arc::new(Mutex::new(child));
        *self.child.lock().unwrap() = Some(child.clone());
        thread::spawn(move || forward(stdout, stderr, &child, sink));
        0
    }

    fn write(&self, line: &[u8]) -> i32 {
        match self.stdin.lock().unwrap().as_mut().map(|stdin| stdin.write_all(line)) {
            Some(Ok(())) => 0,
            _ => -202,
        }
    }

    fn end_input(&self) -> i32 {
        self.stdin.lock().unwrap().take();
        0
    }

    fn close(&self) -> i32 {
        // The thread reaps it.
        if let Some(child) = &*self.child.lock().unwrap() {
            let _ = child.lock().unwrap().kill();
        }
        0
    }
}

fn forward(mut stdout: impl Read, mut stderr: impl Read + Send + 'static, child: &Mutex<Child>, sink: Sink) {
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stderr.read_to_end(&mut text);
        String::from_utf8_lossy(&text).replace('\0', " ")
    });
    let mut sizes = Sizes(7);
    let mut buffer = vec![0; 65536];
    while let Ok(read @ 1..) = stdout.read(&mut buffer) {
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(sizes.next().min(rest.len()));
            if sink.push(piece).is_err() {
                break;
            }
            rest = more;
        }
    }
    let code = loop {
        match child.lock().unwrap().try_wait() {
            Ok(Some(status)) => break status.code().unwrap_or(-205),
            Ok(None) => {}
            Err(_) => break -205,
        }
        thread::sleep(Duration::from_millis(2));
    };
    let _ = sink.end(code, &errors.join().unwrap_or_default());
}

/// Sizes from 1 to some thousands; the same ones in every run.
pub struct Sizes(pub u64);

impl Sizes {
    pub fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        match self.0 % 4 {
            0 => 1,
            1 => (self.0 / 4 % 16) as usize + 1,
            2 => (self.0 / 4 % 512) as usize + 1,
            _ => (self.0 / 4 % 8192) as usize + 1,
        }
    }
}
