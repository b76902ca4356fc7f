//! Sessions that are large, and folders that have many of them: what they take of the memory.
#![cfg(target_os = "linux")]

use std::ffi::{CString, c_char, c_void};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::support::alone;
use crate::support::probe::{c_text, check, owned, parsed};
use claude_client::capi::sessions::*;
use claude_client::capi::types::claude_message_kind_t;
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

const ID: &str = "11111111-1111-4111-8111-111111111111";

struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn new() -> Disk {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("projects/-work")).unwrap();
        Disk { folder }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.path().join(format!("projects/-work/{id}.jsonl"))
    }

    fn options(&self, more: Value) -> CString {
        let mut options = json!({"config_dir": self.folder.path()});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        c_text(&options.to_string())
    }

    fn list(&self, more: Value) -> Vec<Value> {
        let (options, mut text) = (self.options(more), std::ptr::null_mut());
        // SAFETY: a text that lives on, and places for the answer and the error.
        check(|error| unsafe { claude_sessions_list(options.as_ptr(), &mut text, error) }).unwrap();
        parsed(&owned(text)).as_array().unwrap().clone()
    }

    /// How many messages are told, and how many bytes they have.
    fn told(&self, id: &str, more: Value) -> (usize, usize) {
        let (id, options) = (c_text(id), self.options(more));
        let mut told = (0, 0);
        let into = (&raw mut told).cast();
        // SAFETY: as above; what is counted in outlives the call.
        check(|error| unsafe {
            claude_session_messages(id.as_ptr(), options.as_ptr(), Some(count), into, error)
        })
        .unwrap();
        told
    }

    fn fork(&self, more: Value) -> String {
        let (id, options, mut text) = (c_text(ID), self.options(more), std::ptr::null_mut());
        // SAFETY: as above.
        check(|error| unsafe { claude_session_fork(id.as_ptr(), options.as_ptr(), &mut text, error) })
            .unwrap();
        parsed(&owned(text))["session_id"].as_str().unwrap().to_owned()
    }
}

unsafe extern "C" fn count(_: claude_message_kind_t, _: *const c_char, len: usize, into: *mut c_void) {
    // SAFETY: what was given with this function.
    let told = unsafe { &mut *into.cast::<(usize, usize)>() };
    *told = (told.0 + 1, told.1 + len);
}

/// `count` messages of `size` bytes, each behind the one before.
fn write(path: &Path, count: usize, size: usize) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let text = "x".repeat(size);
    let uuid = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    for number in 0..count {
        let kind = if number % 2 == 0 { "user" } else { "assistant" };
        let parent =
            number.checked_sub(1).map_or("null".to_owned(), |before| format!("\"{}\"", uuid(before)));
        let id = uuid(number);
        writeln!(
            file,
            r#"{{"type":"{kind}","uuid":"{id}","parentUuid":{parent},"sessionId":"{ID}","message":{{"role":"{kind}","content":"{text}"}}}}"#
        )
        .unwrap();
    }
    file.flush().unwrap();
}

/// A line of `/proc/self/status` in bytes.
fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches(|letter: char| !letter.is_ascii_digit()).parse::<usize>().unwrap() << 10
}

/// By how much the process grows meanwhile, at its largest. Only a test that is alone in its process may ask.
fn growth<T>(work: impl FnOnce() -> T) -> (T, usize) {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS:");
    let done = work();
    (done, memory("VmHWM:").saturating_sub(before))
}

const MB: usize = 1 << 20;

#[test]
fn a_session_of_68_megabytes_is_read_and_copied_in_the_memory_of_its_index() {
    if takes_long() {
        return;
    }
    if !alone(module_path!(), "a_session_of_68_megabytes_is_read_and_copied_in_the_memory_of_its_index") {
        return;
    }
    let disk = Disk::new();
    let (messages, size) = (16_700, 4096);
    write(&disk.path(ID), messages, size);
    assert!(disk.path(ID).metadata().unwrap().len() > 68_000_000);
    let (told, grown) = growth(|| disk.told(ID, json!({})));
    let told_bytes = told.1;
    assert!(told.0 == messages && told_bytes > messages * size, "{told:?}");
    assert!(grown < 16 * MB, "{grown} bytes to read it");
    let (told, grown) = growth(|| disk.told(ID, json!({"from_end": true, "limit": 50})));
    assert!(told.0 == 50 && grown < 16 * MB, "{told:?}, {grown} bytes to read its end");
    let (rows, grown) = growth(|| disk.list(json!({})));
    assert!(rows.len() == 1 && grown < 4 * MB, "{grown} bytes to list it");
    let (copy, grown) = growth(|| disk.fork(json!({})));
    assert!(grown < 24 * MB, "{grown} bytes to copy it");
    let (copied, bytes) = disk.told(&copy, json!({}));
    // Its last message has a time.
    assert!(copied == messages && (told_bytes..told_bytes + 100).contains(&bytes), "{copied}, {bytes}");
}

#[test]
fn a_line_of_a_hundred_megabytes_costs_its_own_memory_alone() {
    if takes_long() {
        return;
    }
    if !alone(module_path!(), "a_line_of_a_hundred_megabytes_costs_its_own_memory_alone") {
        return;
    }
    let disk = Disk::new();
    write(&disk.path(ID), 1, 100 * MB);
    let line = disk.path(ID).metadata().unwrap().len() as usize;
    let (told, grown) = growth(|| disk.told(ID, json!({})));
    assert_eq!(told.0, 1);
    assert!(grown < 4 * line, "{grown} bytes");
    let (rows, grown) = growth(|| disk.list(json!({})));
    assert!(rows.is_empty() && grown < 4 * MB, "its first prompt is cut: {rows:?}, {grown} bytes");
}

#[test]
fn ten_thousand_sessions_are_listed_in_whole_and_by_pages() {
    if takes_long() {
        return;
    }
    if !alone(module_path!(), "ten_thousand_sessions_are_listed_in_whole_and_by_pages") {
        return;
    }
    let disk = Disk::new();
    let id = |number: usize| format!("11111111-1111-4111-8111-{number:012}");
    for number in 0..10_000 {
        write(&disk.path(&id(number)), 2, 10);
    }
    let (rows, grown) = growth(|| disk.list(json!({})));
    assert!(rows.len() == 10_000 && grown < 64 * MB, "{} rows, {grown} bytes", rows.len());
    let page = disk.list(json!({"limit": 5, "offset": 10}));
    assert_eq!(page, rows[10..15]);
}
