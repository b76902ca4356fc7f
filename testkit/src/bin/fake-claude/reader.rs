//! The thread that reads stdin.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use serde_json::json;

use crate::record::Record;
use crate::sys;

pub enum Event {
    Line(Vec<u8>),
    Eof,
    Term,
}

/// Splits stdin into lines until its end.
pub fn read_lines(sender: &SyncSender<Event>, pause: &AtomicU64, record: &Record) {
    let mut buffer = vec![0; 64 * 1024];
    let mut line = Vec::new();
    let deliver = |line: Vec<u8>| {
        if record.is_on() {
            record.write("line", json!({"bytes": line.len(), "text": String::from_utf8_lossy(&line)}));
        }
        sender.send(Event::Line(line)).is_ok()
    };
    loop {
        match pause.swap(0, Ordering::SeqCst) {
            0 => {}
            u64::MAX => loop {
                std::thread::park();
            },
            time => std::thread::sleep(Duration::from_millis(time)),
        }
        let count = match sys::read_stdin(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        let mut rest = &buffer[..count];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            if !deliver(std::mem::take(&mut line)) {
                return;
            }
        }
        line.extend_from_slice(rest);
    }
    // The real CLI accepts a last line without a newline.
    if !line.is_empty() && !deliver(line) {
        return;
    }
    record.write("eof", json!({}));
    let _ = sender.send(Event::Eof);
}
