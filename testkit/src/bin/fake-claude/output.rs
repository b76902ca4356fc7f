//! Writing to stdout: one write per frame unless the script paces it differently.

use std::io::ErrorKind;
use std::time::Duration;

use crate::sys;

/// How bytes are cut into writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Bytes per write; 0 = all in one.
    pub chunk: usize,
    /// Pause after each write but the last.
    pub pause: Duration,
}

/// Writes everything, or ends the program as the real CLI does when nobody reads any more.
pub fn write(bytes: &[u8]) {
    let mut left = bytes;
    while !left.is_empty() {
        match sys::write_stdout(left) {
            Ok(count) => left = &left[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1))
            }
            Err(_) => std::process::exit(1),
        }
    }
}

pub fn write_paced(bytes: &[u8], pace: Pace) {
    if pace.chunk == 0 {
        return write(bytes);
    }
    let mut chunks = bytes.chunks(pace.chunk).peekable();
    while let Some(chunk) = chunks.next() {
        write(chunk);
        if chunks.peek().is_some() && !pace.pause.is_zero() {
            std::thread::sleep(pace.pause);
        }
    }
}
