//! A program on a terminal of its own.

use std::io::{Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use std::path::Path;
use std::sync::Arc;

use claude_testkit::{Patience, Sandbox};
pub use pty_process::blocking::Command;
use pty_process::blocking::{Pty, open};

pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    pieces: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    pub fn start(sandbox: &Sandbox, program: &Path) -> Terminal {
        Terminal::run(sandbox, Command::new(program).current_dir(sandbox.work()))
    }

    /// Runs a command with the environment of the sandbox.
    pub fn run(sandbox: &Sandbox, command: Command) -> Terminal {
        let (pty, pts) = open().expect("a terminal can be opened");
        let child = command.env_clear().envs(sandbox.env()).spawn(pts).expect("the program starts");
        let pty = Arc::new(pty);
        let reader = Arc::clone(&pty);
        let (sender, pieces) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Ends with an error when the program is gone: the terminal is hung up.
            while let Ok(count @ 1..) = (&*reader).read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal { pty, child, pieces, seen: String::new() }
    }

    /// Types on the keyboard.
    pub fn type_keys(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("the terminal takes input");
    }

    /// Waits until the program has shown `part`, and forgets what came up to its end.
    pub fn wait_for(&mut self, part: &str) -> String {
        let patience = Patience::new(super::PATIENCE);
        loop {
            if let Some(at) = self.seen.find(part) {
                let rest = self.seen.split_off(at + part.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let left = patience.left();
            match self.pieces.recv_timeout(left) {
                Ok(piece) => self.seen.push_str(&String::from_utf8_lossy(&piece)),
                Err(RecvTimeoutError::Timeout) if !patience.is_over() => {}
                Err(_) => {
                    panic!("{part:?} did not appear; on the terminal was {:?}", self.seen)
                }
            }
        }
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the end of the program.
    pub fn end(mut self) -> ExitStatus {
        let patience = Patience::new(super::PATIENCE);
        while self.is_running() {
            assert!(!patience.is_over(), "the program does not end; it showed {:?}", self.seen);
            thread::sleep(Duration::from_millis(10));
        }
        self.child.wait().expect("the program can be waited for")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
