//! How the far side of a host's transport behaves: its token's seed says.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::raw::{Sink, claude_sink_end, number, push};
use crate::rng::Rng;

pub enum Answer {
    Status(i32),
    WaitsForClose,
    Ends,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    Late,
    Twice,
    RefusesConnect,
    HangsInConnect,
    EndsInConnect,
    NeverReady,
    FailsWrite,
    FailsClose,
    SlowClose,
    Garbage,
    Silent,
    NeverEnds,
    OddNumbers,
    EndsTwice,
}

const MOODS: &[Mood] = &[
    Mood::Good,
    Mood::Good,
    Mood::Good,
    Mood::Late,
    Mood::Late,
    Mood::Twice,
    Mood::RefusesConnect,
    Mood::HangsInConnect,
    Mood::EndsInConnect,
    Mood::NeverReady,
    Mood::FailsWrite,
    Mood::FailsClose,
    Mood::SlowClose,
    Mood::Garbage,
    Mood::Silent,
    Mood::NeverEnds,
    Mood::OddNumbers,
    Mood::EndsTwice,
];

fn mood(seed: u64) -> Mood {
    MOODS[(seed >> 8) as usize % MOODS.len()]
}

pub fn connects(seed: u64) -> Answer {
    match mood(seed) {
        Mood::RefusesConnect => Answer::Status(-202),
        Mood::HangsInConnect => Answer::WaitsForClose,
        Mood::EndsInConnect => Answer::Ends,
        Mood::OddNumbers if seed & 1 == 0 => Answer::Status(77),
        _ => Answer::Status(0),
    }
}

pub fn ready(seed: u64, asked: u32) -> i32 {
    match mood(seed) {
        Mood::NeverReady => -304,
        Mood::OddNumbers => 12345,
        _ if asked < (seed % 3) as u32 => -304,
        _ => 0,
    }
}

pub fn written(sink: Sink, seed: u64, line: &[u8], rng: &mut Rng) -> i32 {
    let answer = answers(line, rng);
    let piece = rng.pick(&[1, 7, 4096, usize::MAX]);
    match mood(seed) {
        Mood::FailsWrite if rng.one_in(4) => return -202,
        Mood::OddNumbers if rng.one_in(8) => return -99999,
        Mood::Silent => {}
        Mood::Late => later(sink, answer, rng.below(60) as u64),
        Mood::Twice => {
            push(sink, &answer, piece);
            push(sink, &answer, piece);
        }
        Mood::Garbage => {
            push(sink, b"\xff\xfe{]\n{\"type\":7}\nnot json\n{\"type\":\"assist", piece);
            push(sink, &answer, piece);
        }
        _ => push(sink, &answer, piece),
    }
    0
}

pub fn input_ended(sink: Sink, seed: u64) -> i32 {
    match mood(seed) {
        Mood::NeverEnds | Mood::Silent => {}
        Mood::Late => later(sink, Vec::new(), 30),
        Mood::EndsTwice => {
            claude_sink_end(sink, number(0), 0, None, None);
            claude_sink_end(sink, number(-202), 3, Some(c"again"), None);
        }
        _ => drop(claude_sink_end(sink, number(0), (seed % 3) as i32 - 1, Some(c"the last words"), None)),
    }
    0
}

pub fn closed(sink: Sink, seed: u64) -> i32 {
    match mood(seed) {
        Mood::FailsClose => return -202,
        Mood::SlowClose => std::thread::sleep(Duration::from_millis(300)),
        Mood::OddNumbers => return 4,
        Mood::NeverEnds => return 0,
        _ => drop(claude_sink_end(sink, number(0), 0, None, None)),
    }
    0
}

fn line(value: &Value) -> Vec<u8> {
    let mut text = value.to_string().into_bytes();
    text.push(b'\n');
    text
}

/// What a CLI says to one line of the host.
fn answers(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let frame: Value = serde_json::from_slice(bytes).unwrap_or_default();
    match frame["type"].as_str() {
        Some("control_request") => {
            let nonce = &frame["request"]["nonce"];
            line(&json!({"type": "control_response", "response": {
                "subtype": "success", "request_id": frame["request_id"], "response": {"nonce": nonce},
            }}))
        }
        Some("user") => {
            let text = json!({"type": "assistant", "message": {"role": "assistant",
                "content": [{"type": "text", "text": "Far away."}]}, "session_id": "far"});
            let ask = json!({"type": "control_request", "request_id": format!("far_{}", rng.next()),
                "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}}});
            let result = json!({"type": "result", "subtype": "success", "is_error": false, "result": "Far away.",
                "session_id": "far", "num_turns": 1});
            let mut all = line(&text);
            if rng.one_in(3) {
                all.extend(line(&ask));
            }
            all.extend(line(&result));
            all
        }
        _ => Vec::new(),
    }
}

/// Brings answers when their time has come, on a thread of the host's own. Nothing to bring means the end.
struct Late {
    at: Instant,
    sink: Sink,
    bytes: Vec<u8>,
}

/// When, whose (a sink is a number), and what.
type Push = (Instant, usize, Vec<u8>);

static LATE: Mutex<Option<Sender<Push>>> = Mutex::new(None);

fn later(sink: Sink, bytes: Vec<u8>, milliseconds: u64) {
    let at = Instant::now() + Duration::from_millis(milliseconds);
    if let Some(sender) = LATE.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        drop(sender.send((at, sink.number(), bytes)));
    }
}

/// The thread that brings the late answers; it ends with [`stop_late`].
pub fn start_late() -> JoinHandle<()> {
    let (sender, receiver) = channel();
    *LATE.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    std::thread::Builder::new().name("late".into()).spawn(move || bring(&receiver)).expect("a thread")
}

pub fn stop_late(thread: JoinHandle<()>) {
    *LATE.lock().unwrap_or_else(PoisonError::into_inner) = None;
    drop(thread.join());
}

fn bring(receiver: &Receiver<(Instant, usize, Vec<u8>)>) {
    let mut waiting: Vec<Late> = Vec::new();
    loop {
        match receiver.recv_timeout(Duration::from_millis(10)) {
            Ok((at, sink, bytes)) => waiting.push(Late { at, sink: Sink::from_number(sink), bytes }),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        let (due, rest): (Vec<Late>, Vec<Late>) = waiting.into_iter().partition(|late| late.at <= now);
        waiting = rest;
        for late in due {
            if late.bytes.is_empty() {
                claude_sink_end(late.sink, number(0), 0, None, None);
            } else {
                push(late.sink, &late.bytes, usize::MAX);
            }
        }
    }
}
