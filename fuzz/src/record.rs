//! Record files to the replay: each is refused with a place, or plays to one end. A host that sends what the record says it
//! sent hears lines of the record alone, in their order and as they were.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use claude_client::error::Error;
use claude_client::options::Replay as Options;
use claude_client::transport::record::Redactor;
use claude_client::transport::replay::{Replay, Watcher};
use claude_client::transport::{Ends, ExitReport, Later, Sink, Transport};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::json;

/// What is heard.
#[derive(Default)]
struct Audience(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    mismatches: usize,
    failures: usize,
    exits: usize,
    ends: Ends,
}

impl Audience {
    fn note(&self, change: impl FnOnce(&mut Heard)) {
        let mut heard = self.0.lock().expect("no panic before");
        assert!(heard.ends.complete().is_none(), "something behind the end");
        change(&mut heard);
    }
}

impl Sink for Audience {
    fn data(&self, buffer: &mut BytesMut) {
        assert_eq!(buffer.last(), Some(&b'\n'), "half a line");
        self.note(|heard| heard.bytes.extend_from_slice(buffer));
        buffer.clear();
    }

    fn data_ended(&self, _: &mut BytesMut) {}

    fn stdout_ended(&self) {
        self.note(|heard| heard.ends.stdout = true);
    }

    fn has_room(&self) -> bool {
        true
    }

    fn wait_for_room(&self) -> Later<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn reading_held(&self, _: bool) {}

    fn handing_over(&self) {}

    fn stderr_line(&self, _: &[u8]) {
        self.note(|_| {});
    }

    fn stderr_ended(&self, tail: String) {
        self.note(|heard| heard.ends.stderr = Some(tail));
    }

    fn exited(&self, exit: ExitReport) {
        self.note(|heard| {
            heard.exits += 1;
            heard.ends.report = Some(exit);
        });
    }

    fn unended(&self, why: Error) {
        panic!("a record has no process that lives: {why:?}");
    }
}

impl Watcher for Audience {
    fn mismatch(&self, event: Value) {
        assert!(event["event"].is_string());
        self.note(|heard| heard.mismatches += 1);
    }

    fn failed(&self, error: Error) {
        check(&error);
        self.note(|heard| heard.failures += 1);
    }
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    static PATH: PathBuf =
        std::env::temp_dir().join(format!("claude-fuzz-{}-{:?}.ndjson", std::process::id(), std::thread::current().id()));
}

/// The file.
pub fn run(data: &[u8]) {
    let path = PATH.with(PathBuf::clone);
    std::fs::write(&path, data).expect("a place for the record");
    RUNTIME.with(|runtime| runtime.block_on(play(&path.to_string_lossy(), data)));
    std::fs::remove_file(&path).expect("it is there");
}

async fn play(path: &str, data: &[u8]) {
    let audience = Arc::new(Audience::default());
    let options =
        Options { path: path.to_owned(), recorded_speed: false, strict: data.len().is_multiple_of(3) };
    let replay =
        match Replay::load(options, 4096, audience.clone(), audience.clone(), Redactor::default()).await {
            Ok(replay) => replay,
            Err(error) => return check(&error),
        };
    replay.open().await.expect("nothing to wait for");
    let lines: Vec<(&str, Vec<u8>)> =
        std::str::from_utf8(data).expect("it was taken").lines().filter_map(line).collect();
    for (_, line) in lines.iter().filter(|(direction, _)| *direction == "out").take(200) {
        let _ = replay.write_line(String::from_utf8_lossy(line).into_owned());
        settle().await;
    }
    if data.len().is_multiple_of(2) {
        replay.end_input();
        settle().await;
    }
    replay.closing();
    settle().await;
    replay.kill();
    for _ in 0..10_000 {
        if audience.0.lock().expect("no panic before").ends.complete().is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let heard = audience.0.lock().expect("no panic before");
    assert!(heard.ends.complete().is_some() && heard.exits == 1, "one end and one exit");
    if heard.mismatches + heard.failures == 0 {
        check_lines(&heard.bytes, &lines);
    }
}

/// Everything that can be played is.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

fn check_lines(heard: &[u8], lines: &[(&str, Vec<u8>)]) {
    let mut recorded =
        lines.iter().filter(|(direction, _)| *direction == "in").map(|(_, line)| line.as_slice());
    // Lines with line breaks in them are several here, and the replay's own answers are none of the record's.
    if recorded.clone().any(|line| line.contains(&b'\n')) {
        return;
    }
    for line in heard.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let known = recorded.any(|recorded| recorded == line);
        assert!(known, "not of the record: {}", String::from_utf8_lossy(line));
    }
}

/// The direction and the bytes of a line of the record, as another reader sees it.
fn line(text: &str) -> Option<(&'static str, Vec<u8>)> {
    let members = json::members(text)?;
    let of = |name: &str| members.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
    let direction: String = serde_json::from_str(of("dir")?).ok()?;
    let direction = ["in", "out"].into_iter().find(|known| *known == direction)?;
    if let Some(line) = of("line").filter(|line| *line != "null") {
        let text = serde_json::from_str(line).unwrap_or_else(|_| line.to_owned());
        return Some((direction, text.into_bytes()));
    }
    let hex: String = serde_json::from_str(of("hex")?).ok()?;
    let bytes =
        hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    Some((direction, bytes.collect::<Option<_>>()?))
}

fn check(error: &Error) {
    assert!(error.detail("pointer").is_some() || error.detail("line").is_some(), "{}", error.to_json());
}
