//! A transport of the host's own: what may be given, what is told, and how much may wait.
#![cfg(unix)]

use crate::support::handle::Handle;
use crate::support::transport::client::{Client, Kind, Status, control_nothing};
use crate::support::transport::memory::{Memory, line, result};
use crate::support::transport::vtable::{Host, Log, Sink, install, table, try_install};
use crate::support::transport::{Noted, eventually};
use claude_client::capi::types::claude_dispatch_t as Mode;
use claude_client::capi::types::claude_transport_vtable_t as Vtable;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A client on a transport in memory, connected.
fn connected(options: &Value, host: impl Host) -> (Client, Arc<Noted<Log>>) {
    let client = Client::new(options);
    let log = install(&client, host);
    client.connect().expect("it connects");
    (client, log)
}

fn numbers(client: &Client) -> Vec<u64> {
    client
        .seen
        .lock()
        .of(Kind::CLAUDE_MESSAGE_ASSISTANT)
        .iter()
        .map(|frame| frame["n"].as_u64().unwrap())
        .collect()
}

fn numbered(number: u64) -> Value {
    json!({"type": "assistant", "n": number, "text": "日本 🎈 ".repeat(number as usize % 50)})
}

#[test]
fn ends_with_a_status_or_a_code() {
    let cases = [
        // The prompt has had no result.
        (
            0,
            0,
            Status::CLAUDE_ERR_CLI_CONNECTION,
            json!("the transport ended, but a prompt has had no result: bad luck"),
        ),
        (
            0,
            -1,
            Status::CLAUDE_ERR_CLI_CONNECTION,
            json!("the transport ended, but a prompt has had no result: bad luck"),
        ),
        (0, 7, Status::CLAUDE_ERR_PROCESS, json!("Claude Code exited with code 7: bad luck")),
        (Status::CLAUDE_ERR_CLI_CONNECTION as i32, -1, Status::CLAUDE_ERR_CLI_CONNECTION, json!("bad luck")),
        (Status::CLAUDE_ERR_TIMEOUT as i32, 7, Status::CLAUDE_ERR_TIMEOUT, json!("bad luck")),
        (-9999, -1, Status::CLAUDE_ERR_CLI_CONNECTION, json!("bad luck")),
    ];
    for (number, code, status, message) in cases {
        let host = Memory::with(move |sink, _| i32::from(sink.end_as(number, code, "bad luck").is_err()));
        let (client, _) = connected(&json!({}), host);
        client.query("end").expect("it is accepted");
        let cause = client.closed();
        assert_eq!((cause.status, &cause.json["message"]), (status, &message), "{number} {code}");
    }
}

#[test]
fn a_table_that_cannot_be_used_is_refused_and_destroyed_once() {
    let client = Client::new(&json!({}));
    let whole = table::<Memory>();
    let broken = [
        ("connect", Vtable { connect: None, ..whole }),
        ("write", Vtable { write: None, ..whole }),
        ("end_input", Vtable { end_input: None, ..whole }),
        ("close", Vtable { close: None, ..whole }),
    ];
    for (name, vtable) in broken {
        let (log, outcome) = try_install(&client, &vtable, Memory::new());
        let failure = outcome.expect_err(name);
        assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
        assert!(failure.message().contains(name), "{failure:?}");
        assert_eq!(log.lock().destroyed, 1, "{name}");
    }
    let small = Vtable { size: 16, ..whole };
    let refused = client.set_transport(&small, std::ptr::null_mut()).expect_err("it is refused");
    assert_eq!(refused.status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
    // The one before is let go when another one comes, and the last one when the client goes.
    let first = install(&client, Memory::new());
    let second = install(&client, Memory::new());
    assert_eq!((first.lock().destroyed, second.lock().destroyed), (1, 0));
    client.connect().expect("it connects");
    let (late, outcome) = try_install(&client, &whole, Memory::new());
    assert_eq!(outcome.expect_err("it is late").status, Status::CLAUDE_ERR_ALREADY_CONNECTED);
    assert_eq!((late.lock().destroyed, second.lock().destroyed), (1, 0));
    client.free();
    assert_eq!(second.lock().destroyed, 1);
}

#[test]
fn a_table_of_a_newer_header_is_taken_if_it_does_not_use_what_is_new() {
    #[repr(C)]
    struct Newer {
        table: Vtable,
        more: [usize; 8],
    }
    let mut newer = Newer { table: Vtable { size: size_of::<Newer>(), ..table::<Memory>() }, more: [0; 8] };
    let client = Client::new(&json!({}));
    let (_, outcome) = try_install(&client, &newer.table, Memory::new());
    outcome.expect("it is taken, as what is new is not used");
    client.connect().expect("it connects");
    client.turn("hello");
    newer.more[7] = 1;
    let client = Client::new(&json!({}));
    let (log, outcome) = try_install(&client, &newer.table, Memory::new());
    assert_eq!(outcome.expect_err("what is new is used").status, Status::CLAUDE_ERR_UNSUPPORTED);
    assert_eq!(log.lock().destroyed, 1);
}

#[test]
fn a_client_that_is_never_connected_lets_its_transport_go() {
    let client = Client::new(&json!({}));
    let log = install(&client, Memory::new());
    client.free();
    let log = log.lock();
    assert_eq!((log.destroyed, log.calls.len()), (1, 0));
}

#[test]
fn options_for_a_process_are_listed_in_a_warning() {
    let options = json!({"model": "haiku", "cwd": "/nowhere", "env": {"A": "b"}, "max_turns": 3,
                         "system_prompt": "Be brief.", "text_deltas": false});
    let (client, _) = connected(&options, Memory::new());
    let warnings = client.seen.lock().of(Kind::CLAUDE_EVENT_WARNING);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let text = warnings[0]["text"].as_str().unwrap();
    for name in ["model", "cwd", "env", "max_turns"] {
        assert!(text.contains(name), "{name} is not in: {text}");
    }
    assert!(!text.contains("system_prompt") && !text.contains("text_deltas"), "{text}");
    let (client, _) = connected(&json!({"system_prompt": "Be brief."}), Memory::new());
    assert!(client.seen.lock().of(Kind::CLAUDE_EVENT_WARNING).is_empty());
}

/// Pushes as long as there is room, then waits for the word.
struct Flood {
    inner: Memory,
    room: Arc<Noted<usize>>,
}

impl Host for Flood {
    fn connect(&self, sink: Sink) -> i32 {
        self.inner.connect(sink)
    }
    fn write(&self, text: &[u8]) -> i32 {
        self.inner.write(text)
    }
    fn end_input(&self) -> i32 {
        self.inner.end_input()
    }
    fn room(&self) {
        self.room.note(|times| *times += 1);
    }
}

#[test]
fn a_slow_reader_is_told_to_the_host_and_nothing_is_lost() {
    const FRAMES: u64 = 20_000;
    let room: Arc<Noted<usize>> = Arc::default();
    let waits = Arc::new(AtomicUsize::new(0));
    let host = Memory::with({
        let (room, waits) = (room.clone(), waits.clone());
        move |sink, _| {
            let (room, waits) = (room.clone(), waits.clone());
            thread::spawn(move || {
                for number in 0..FRAMES {
                    let before = *room.lock();
                    if !sink.has_room() {
                        waits.fetch_add(1, Ordering::SeqCst);
                        room.wait("on_room", |times| *times > before);
                    }
                    sink.push(&line(&numbered(number))).expect("it is taken");
                }
                sink.push(&line(&result())).expect("it is taken");
            });
            0
        }
    });
    let (client, _) = connected(&json!({"max_queue_bytes": 200_000}), Flood { inner: host, room });
    let gate = slow_down(&client);
    client.query("go").expect("it is sent");
    eventually("the host waits", || waits.load(Ordering::SeqCst) > 0);
    gate.store(false, Ordering::SeqCst);
    client.receive().expect("the turn ends");
    assert_eq!(numbers(&client), (0..FRAMES).collect::<Vec<_>>());
}

#[test]
fn a_host_that_does_not_look_is_refused_and_can_go_on() {
    let room: Arc<Noted<usize>> = Arc::default();
    let sent: Arc<Noted<(u64, bool)>> = Arc::default();
    let host = Memory::with({
        let (room, sent) = (room.clone(), sent.clone());
        move |sink, _| {
            let (room, sent) = (room.clone(), sent.clone());
            thread::spawn(move || {
                let mut number = 0;
                while !sent.lock().1 || number % 100 != 0 {
                    let before = *room.lock();
                    match sink.push(&line(&numbered(number))) {
                        Ok(()) => number += 1,
                        Err(refused) => {
                            assert_eq!(refused.status, Status::CLAUDE_ERR_WOULD_BLOCK, "{refused:?}");
                            sent.note(|sent| sent.1 = true);
                            room.wait("on_room", |times| *times > before);
                        }
                    }
                }
                sink.push(&line(&result())).expect("it is taken");
                sent.note(|sent| sent.0 = number);
            });
            0
        }
    });
    let (client, _) = connected(&json!({"max_queue_bytes": 200_000}), Flood { inner: host, room });
    let gate = slow_down(&client);
    client.query("go").expect("it is sent");
    sent.wait("a refusal", |sent| sent.1);
    gate.store(false, Ordering::SeqCst);
    client.receive().expect("the turn ends");
    assert_eq!(numbers(&client), (0..sent.lock().0).collect::<Vec<_>>());
}

/// The message callback waits as long as the flag holds.
fn slow_down(client: &Client) -> Arc<AtomicBool> {
    let gate = Arc::new(AtomicBool::new(true));
    let waiting = gate.clone();
    client.before_each_message(move |_| {
        while waiting.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
    });
    gate
}

#[test]
fn inline_callbacks_may_push_and_write() {
    let sink: Arc<Mutex<Option<Sink>>> = Arc::default();
    let client = Client::with_mode(&json!({}), Mode::CLAUDE_DISPATCH_INLINE);
    install(&client, {
        let sink = sink.clone();
        Memory::with(move |given, _| {
            *sink.lock().unwrap() = Some(given);
            i32::from(given.push(&line(&numbered(0))).is_err())
        })
    });
    // Each message brings the next one, by a push from inside the callback; the host's own write pushes as well.
    let handle = client.unowned();
    client.before_each_message(move |text| {
        let frame: Value = serde_json::from_str(text).unwrap();
        let Some(number) = frame["n"].as_u64() else { return };
        let sink = sink.lock().unwrap().expect("a sink");
        let next = if number == 500 { result() } else { numbered(number + 1) };
        sink.push(&line(&next)).expect("it is taken");
        if number == 250 {
            control_nothing(handle);
        }
    });
    client.connect().expect("it connects");
    client.turn("go");
    assert_eq!(numbers(&client), (0..=500).collect::<Vec<_>>());
    client.disconnect().expect("it ends");
}

#[test]
fn a_host_may_free_the_client_in_its_own_write() {
    struct Freeing(Memory, Arc<Mutex<Option<Client>>>);
    impl Host for Freeing {
        fn connect(&self, sink: Sink) -> i32 {
            self.0.connect(sink)
        }
        fn write(&self, text: &[u8]) -> i32 {
            let status = self.0.write(text);
            let client = self.1.lock().unwrap().take();
            drop(client);
            status
        }
        fn end_input(&self) -> i32 {
            self.0.end_input()
        }
    }
    let slot: Arc<Mutex<Option<Client>>> = Arc::default();
    let (client, log) = connected(&json!({}), Freeing(Memory::new(), slot.clone()));
    let (seen, handle) = (client.seen.clone(), client.unowned());
    *slot.lock().unwrap() = Some(client);
    let _ = handle.query("go");
    log.wait("destroy", |log| log.destroyed == 1);
    assert_eq!(handle.query("late").expect_err("it is gone").status, Status::CLAUDE_ERR_INVALID_HANDLE);
    let log = log.lock();
    assert_eq!((log.count("close"), log.together), (1, false), "{:?}", log.calls);
    drop(seen);
}

#[test]
fn waiting_in_a_function_of_the_transport_is_refused() {
    let outcome: Arc<Noted<Option<Status>>> = Arc::default();
    struct Waiting(Memory, Arc<Mutex<Option<Handle>>>, Arc<Noted<Option<Status>>>);
    impl Host for Waiting {
        fn connect(&self, sink: Sink) -> i32 {
            self.0.connect(sink)
        }
        fn write(&self, text: &[u8]) -> i32 {
            if let Some(client) = self.1.lock().unwrap().take() {
                let refused = client.receive().expect_err("it is refused");
                self.2.note(|outcome| *outcome = Some(refused.status));
            }
            self.0.write(text)
        }
        fn end_input(&self) -> i32 {
            self.0.end_input()
        }
    }
    let slot: Arc<Mutex<Option<Handle>>> = Arc::default();
    let (client, _) = connected(&json!({}), Waiting(Memory::new(), slot.clone(), outcome.clone()));
    *slot.lock().unwrap() = Some(client.unowned());
    client.turn("hello");
    assert_eq!(*outcome.lock(), Some(Status::CLAUDE_ERR_WOULD_DEADLOCK));
}

#[test]
fn fifty_clients_each_with_a_transport() {
    let clients: Vec<_> = (0..50).map(|_| connected(&json!({}), Memory::new())).collect();
    thread::scope(|scope| {
        for (client, _) in &clients {
            scope.spawn(move || {
                for number in 0..20 {
                    client.turn(&format!("{number}"));
                }
            });
        }
    });
    for (client, log) in clients {
        client.free();
        let log = log.lock();
        assert_eq!((log.destroyed, log.count("write"), log.together), (1, 21, false));
    }
}
