//! A transport of the host's own: whatever its functions do, and whenever they do it, ends in something defined.
#![cfg(unix)]

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::transport::client::{Client, Failure, Kind, State, Status};
use crate::support::transport::memory::{Memory, assistant, line, result};
use crate::support::transport::relay::Sizes;
use crate::support::transport::vtable::{Host, Log, Sink, install};
use crate::support::transport::{Noted, eventually};
use serde_json::{Value, json};

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
fn a_turn_and_the_order_of_the_calls() {
    let (client, log) = connected(&json!({}), Memory::new());
    assert_eq!(client.turn("hello")["result"], "ok");
    assert_eq!(client.seen.lock().of(Kind::CLAUDE_MESSAGE_ASSISTANT), [assistant("hello")]);
    client.disconnect().expect("it ends");
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
    // The end of one and the begin of the next may cross, since the answer comes from inside.
    let mut calls = log.lock().calls.clone();
    calls.retain(|call| !call.starts_with('/'));
    assert_eq!(calls, ["connect", "is_ready", "write", "write", "end_input", "close"]);
    assert_eq!(log.lock().destroyed, 0, "the client still lives");
    client.free();
    let log = log.lock();
    assert_eq!((log.destroyed, log.calls.len()), (1, 12));
}

#[test]
fn a5_a_transport_that_brings_nothing_is_told_of_and_so_is_its_next_word() {
    let sink = Arc::new(Mutex::new(None));
    let asked = sink.clone();
    let host = Memory::with(move |sink, _| {
        *asked.lock().unwrap() = Some(sink);
        0
    });
    let (client, _log) = connected(&json!({"stalled_after_ms": 300}), host);
    client.query("hello").unwrap();
    let events = || client.seen.lock().of(Kind::CLAUDE_EVENT_STALLED);
    eventually("a stall", || !events().is_empty());
    let event = events().remove(0);
    assert_eq!((&event["event"], &event["pid"]), (&json!("stalled"), &Value::Null), "{event:#}");
    assert_eq!(event["waiting_for"][0]["what"], "turn", "{event:#}");
    let sink = sink.lock().unwrap().unwrap();
    sink.push(&line(&result())).unwrap();
    client.receive().unwrap();
    eventually("its end", || events().iter().any(|event| event["event"] == "stall_ended"));
}

#[test]
fn pieces_of_any_size_give_the_same_messages() {
    let frames: Vec<u8> = (0..2000).flat_map(|number| line(&numbered(number))).collect();
    let host = Memory::with(move |sink, _| {
        let (mut sizes, mut rest) = (Sizes(99), &frames[..]);
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(sizes.next().min(rest.len()));
            sink.push(piece).expect("it is taken");
            rest = more;
        }
        i32::from(sink.push(&line(&result())).is_err())
    });
    let (client, _) = connected(&json!({}), host);
    client.turn("go");
    assert_eq!(numbers(&client), (0..2000).collect::<Vec<_>>());
    let texts = client.seen.lock().of(Kind::CLAUDE_MESSAGE_ASSISTANT);
    assert!(texts.iter().enumerate().all(|(number, frame)| *frame == numbered(number as u64)));
}

#[test]
fn eight_threads_push_in_the_order_that_the_host_keeps() {
    let host = Memory::with(|sink, _| {
        let turn = Arc::new((Mutex::new(0u64), Condvar::new()));
        let threads: Vec<_> = (0..8)
            .map(|own| {
                let turn = turn.clone();
                thread::spawn(move || {
                    for number in (own..4000).step_by(8) {
                        let mut next =
                            turn.1.wait_while(turn.0.lock().unwrap(), |next| *next != number).unwrap();
                        // Cut in the middle, so that a mixture would show.
                        let text = line(&numbered(number));
                        let (front, back) = text.split_at(text.len() / 2);
                        sink.push(front).and_then(|()| sink.push(back)).expect("it is taken");
                        *next += 1;
                        turn.1.notify_all();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        i32::from(sink.push(&line(&result())).is_err())
    });
    let (client, _) = connected(&json!({}), host);
    client.turn("go");
    assert_eq!(numbers(&client), (0..4000).collect::<Vec<_>>());
}

#[test]
fn pushes_of_threads_without_an_order_do_not_mix() {
    let host = Memory::with(|sink, _| {
        thread::scope(|scope| {
            for own in 0..8 {
                scope.spawn(move || {
                    for number in (own..4000).step_by(8) {
                        sink.push(&line(&numbered(number))).expect("it is taken");
                    }
                });
            }
        });
        i32::from(sink.push(&line(&result())).is_err())
    });
    let (client, _) = connected(&json!({}), host);
    client.turn("go");
    let mut seen = numbers(&client);
    // Each thread's own come in its order.
    for own in 0..8 {
        let of_one: Vec<u64> = seen.iter().copied().filter(|number| number % 8 == own).collect();
        assert!(of_one.is_sorted(), "{of_one:?}");
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..4000).collect::<Vec<_>>());
}

#[test]
fn an_end_during_pushes_delivers_exactly_what_was_taken() {
    for round in 0..20 {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = taken.clone();
        let host = Memory::with(move |sink, _| {
            for _ in 0..4 {
                let taken = counted.clone();
                thread::spawn(move || {
                    let refused = loop {
                        match sink.push(&line(&numbered(1))) {
                            Ok(()) => taken.fetch_add(1, Ordering::SeqCst),
                            Err(refused) => break refused,
                        };
                    };
                    assert!(
                        [Status::CLAUDE_ERR_CLOSED, Status::CLAUDE_ERR_INVALID_HANDLE]
                            .contains(&refused.status)
                    );
                });
            }
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(round));
                sink.end(0, "").expect("the first end");
            });
            0
        });
        let (client, _) = connected(&json!({}), host);
        client.query("go").expect("it is sent");
        // The prompt has had no result.
        assert_eq!(client.closed().status, Status::CLAUDE_ERR_CLI_CONNECTION);
        eventually("all that was taken", || numbers(&client).len() == taken.load(Ordering::SeqCst));
        let again = client.query("late").expect_err("it is over");
        assert_eq!(again.status, Status::CLAUDE_ERR_CLI_CONNECTION);
    }
}

#[test]
fn a_sink_that_has_ended_or_gone_refuses() {
    let (client, _) = connected(&json!({}), Memory::new());
    let sink = Arc::new(Mutex::new(None));
    let (other, _) = connected(&json!({}), {
        let sink = sink.clone();
        Memory::with(move |given, _| {
            *sink.lock().unwrap() = Some(given);
            i32::from(given.end(0, "").is_err())
        })
    });
    other.query("end").expect("it is sent");
    other.closed();
    let sink = sink.lock().unwrap().expect("a sink");
    let status = |outcome: Result<(), Failure>| outcome.expect_err("it is refused").status;
    assert_eq!(status(sink.push(b"x")), Status::CLAUDE_ERR_CLOSED);
    assert_eq!(status(sink.end(0, "")), Status::CLAUDE_ERR_CLOSED);
    other.free();
    assert_eq!(status(sink.push(b"x")), Status::CLAUDE_ERR_INVALID_HANDLE);
    assert_eq!(status(sink.end(0, "")), Status::CLAUDE_ERR_INVALID_HANDLE);
    assert!(!sink.has_room());
    for wrong in [std::ptr::null_mut(), client.handle().cast()] {
        assert_eq!(status(Sink(wrong).push(b"x")), Status::CLAUDE_ERR_INVALID_HANDLE);
    }
}

/// A host whose functions do as told; with nothing told it is silent.
#[derive(Default)]
struct Odd {
    connect: Option<fn(&Odd, Sink) -> i32>,
    write: i32,
    end_input: i32,
    close: i32,
    ready: AtomicI32,
    sink: Mutex<Option<Sink>>,
    closing: Arc<Noted<bool>>,
    /// `write` waits until it is closed.
    stuck: bool,
}

impl Host for Odd {
    fn connect(&self, sink: Sink) -> i32 {
        *self.sink.lock().unwrap() = Some(sink);
        self.connect.map_or(0, |connect| connect(self, sink))
    }
    fn write(&self, _: &[u8]) -> i32 {
        if self.stuck {
            self.closing.wait("close", |closing| *closing);
        }
        self.write
    }
    fn end_input(&self) -> i32 {
        self.end_input
    }
    fn close(&self) -> i32 {
        self.closing.note(|closing| *closing = true);
        self.close
    }
    /// Below 0: this error; 0: ready; above 0: so often not ready yet.
    fn is_ready(&self) -> i32 {
        match self.ready.load(Ordering::SeqCst) {
            status @ ..=0 => status,
            _ => {
                self.ready.fetch_sub(1, Ordering::SeqCst);
                Status::CLAUDE_ERR_WOULD_BLOCK as i32
            }
        }
    }
}

/// How connecting fails on this host; then everything about the client has to be over.
#[track_caller]
fn failed_connect(host: Odd, timeout_ms: u32) -> (Failure, Vec<String>) {
    let client = Client::new(&json!({"terminate_timeout_ms": 500}));
    let log = install(&client, host);
    let failure = client.connect_within(None, timeout_ms).expect_err("it fails");
    assert_eq!(client.state(), State::CLAUDE_STATE_CLOSED);
    assert_eq!(client.closed().status, failure.status);
    client.free();
    let log = log.lock();
    assert_eq!(log.destroyed, 1);
    assert!(!log.together, "{:?}", log.calls);
    (failure, log.calls.clone())
}

#[test]
fn a_connect_that_fails_says_so_and_nothing_else_is_called() {
    let host = Odd { connect: Some(|_, _| Status::CLAUDE_ERR_CLI_NOT_FOUND as i32), ..Odd::default() };
    let started = Instant::now();
    let (failure, calls) = failed_connect(host, 60_000);
    assert_eq!(failure.status, Status::CLAUDE_ERR_CLI_NOT_FOUND);
    assert!(failure.message().contains("connect returned CLAUDE_ERR_CLI_NOT_FOUND"), "{failure:?}");
    assert_eq!(failure.json["phase"], "connect", "{failure:?}");
    assert_eq!(calls, ["connect", "/connect"]);
    let host = Odd { connect: Some(|_, _| Status::CLAUDE_ERR_CLI_CONNECTION as i32), ..Odd::default() };
    assert_eq!(failed_connect(host, 60_000).0.status, Status::CLAUDE_ERR_CLI_CONNECTION);
    assert!(started.elapsed() < Duration::from_secs(20), "nobody had to be waited for");
}

#[test]
fn numbers_that_are_no_status_are_connection_errors() {
    let host = Odd { connect: Some(|_, _| 42), ..Odd::default() };
    let (failure, _) = failed_connect(host, 60_000);
    assert_eq!(failure.status, Status::CLAUDE_ERR_CLI_CONNECTION);
    assert_eq!(failure.json["host_status"], 42, "{failure:?}");
}

#[test]
fn a_connect_can_say_why_by_the_end_of_the_stream() {
    let host = Odd {
        connect: Some(|_, sink| {
            sink.end(Status::CLAUDE_ERR_TIMEOUT as i32, "the far side is asleep").expect("it ends");
            Status::CLAUDE_ERR_CLI_CONNECTION as i32
        }),
        ..Odd::default()
    };
    let (failure, calls) = failed_connect(host, 60_000);
    assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT);
    assert_eq!(failure.message(), "the far side is asleep");
    assert_eq!(calls, ["connect", "/connect"]);
}

#[test]
fn a_host_that_is_never_ready_times_out_and_is_closed() {
    let (failure, calls) = failed_connect(Odd { ready: AtomicI32::new(i32::MAX), ..Odd::default() }, 200);
    assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT);
    assert!(calls.iter().filter(|call| *call == "is_ready").count() > 1, "{calls:?}");
    assert_eq!(calls.iter().filter(|call| *call == "close").count(), 1, "{calls:?}");
    assert!(!calls.contains(&"write".to_owned()), "{calls:?}");
}

#[test]
fn an_end_of_the_stream_before_the_host_is_ready_is_the_reason() {
    for _ in 0..20 {
        let connect: fn(&Odd, Sink) -> i32 = |_, sink| {
            sink.end(3, "ssh: connection refused").expect("it ends");
            0
        };
        let host = Odd { connect: Some(connect), ready: AtomicI32::new(i32::MAX), ..Odd::default() };
        let (failure, calls) = failed_connect(host, 60_000);
        assert_eq!(failure.status, Status::CLAUDE_ERR_PROCESS, "{failure:?}");
        assert_eq!(failure.json["exit_code"], 3, "{failure:?}");
        assert!(failure.message().contains("ssh: connection refused"), "{failure:?}");
        assert_eq!(calls.iter().filter(|call| *call == "close").count(), 1, "{calls:?}");
    }
}

#[test]
fn a_host_that_says_that_it_will_not_be_ready_is_closed() {
    let unsupported = Status::CLAUDE_ERR_UNSUPPORTED;
    let (failure, calls) =
        failed_connect(Odd { ready: AtomicI32::new(unsupported as i32), ..Odd::default() }, 60_000);
    assert_eq!(failure.status, unsupported);
    assert_eq!(calls, ["connect", "/connect", "is_ready", "/is_ready", "close", "/close"]);
}

#[test]
fn nothing_is_written_before_the_host_is_ready() {
    struct Late(Memory, AtomicI32);
    impl Host for Late {
        fn connect(&self, sink: Sink) -> i32 {
            self.0.connect(sink)
        }
        fn write(&self, text: &[u8]) -> i32 {
            assert_eq!(self.1.load(Ordering::SeqCst), 0);
            self.0.write(text)
        }
        fn end_input(&self) -> i32 {
            self.0.end_input()
        }
        fn is_ready(&self) -> i32 {
            if self.1.fetch_sub(1, Ordering::SeqCst) == 1 { 0 } else { Status::CLAUDE_ERR_WOULD_BLOCK as i32 }
        }
    }
    let (client, log) = connected(&json!({}), Late(Memory::new(), AtomicI32::new(5)));
    client.turn("hello");
    assert_eq!(log.lock().count("is_ready"), 5);
}

/// A connect that returns only when it is closed.
fn stuck_connect() -> Odd {
    Odd {
        connect: Some(|odd, _| {
            odd.closing.wait("close", |closing| *closing);
            0
        }),
        ..Odd::default()
    }
}

#[test]
fn a_timeout_during_connect_closes() {
    let (failure, calls) = failed_connect(stuck_connect(), 200);
    assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT);
    assert_eq!(calls[..2], ["connect", "close"], "{calls:?}");
    assert_eq!(calls.len(), 4, "{calls:?}");
}

#[test]
fn a_disconnect_during_connect_closes() {
    let client = Client::new(&json!({}));
    let log = install(&client, stuck_connect());
    client.connect_later();
    log.wait("connect", |log| log.count("connect") == 1);
    client.disconnect().expect("it ends");
    client.seen.wait("the end of connect", |record| !record.connected.is_empty());
    assert_eq!(client.seen.lock().connected, [Status::CLAUDE_ERR_CANCELLED]);
    client.free();
    let log = log.lock();
    assert_eq!((log.destroyed, log.count("close")), (1, 1));
}

#[test]
fn a_free_during_connect_closes() {
    let client = Client::new(&json!({}));
    let log = install(&client, stuck_connect());
    client.connect_later();
    log.wait("connect", |log| log.count("connect") == 1);
    let seen = client.seen.clone();
    client.free();
    let log = log.lock();
    assert_eq!((log.destroyed, log.count("close"), log.count("/connect")), (1, 1, 1));
    assert_eq!(seen.lock().connected, [Status::CLAUDE_ERR_CANCELLED]);
}

#[test]
fn a_write_that_fails_ends_the_session_with_its_status() {
    let fails = Arc::new(AtomicBool::new(false));
    struct Failing(Memory, Arc<AtomicBool>);
    impl Host for Failing {
        fn connect(&self, sink: Sink) -> i32 {
            self.0.connect(sink)
        }
        fn write(&self, text: &[u8]) -> i32 {
            if self.1.load(Ordering::SeqCst) { Status::CLAUDE_ERR_TIMEOUT as i32 } else { self.0.write(text) }
        }
    }
    let (client, log) = connected(&json!({}), Failing(Memory::new(), fails.clone()));
    client.turn("hello");
    fails.store(true, Ordering::SeqCst);
    client.query("lost").expect("it is accepted");
    let cause = client.closed();
    assert_eq!(cause.status, Status::CLAUDE_ERR_TIMEOUT);
    assert_eq!(cause.json["function"], "write", "{cause:?}");
    assert_eq!(client.query("late").expect_err("it is over").status, Status::CLAUDE_ERR_TIMEOUT);
    assert_eq!(log.lock().count("close"), 1);
}

#[test]
fn a_write_that_fails_because_the_far_side_ends_leaves_the_word_to_the_end() {
    let host = Memory::with(|sink, _| {
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            sink.end(3, "out of order").expect("it ends");
        });
        Status::CLAUDE_ERR_CLI_CONNECTION as i32
    });
    let (client, _) = connected(&json!({}), host);
    client.query("break").expect("it is accepted");
    let cause = client.closed();
    assert_eq!(
        (cause.status, &cause.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(3)),
        "{cause:?}"
    );
    assert!(cause.message().contains("out of order"), "{cause:?}");
}

#[test]
fn an_end_of_input_that_fails_ends_the_session() {
    struct NoEnd(Memory);
    impl Host for NoEnd {
        fn connect(&self, sink: Sink) -> i32 {
            self.0.connect(sink)
        }
        fn write(&self, text: &[u8]) -> i32 {
            self.0.write(text)
        }
        fn end_input(&self) -> i32 {
            Status::CLAUDE_ERR_UNSUPPORTED as i32
        }
    }
    let (client, log) = connected(&json!({}), NoEnd(Memory::new()));
    client.end_input().expect("it is accepted");
    let cause = client.closed();
    assert_eq!(
        (cause.status, &cause.json["function"]),
        (Status::CLAUDE_ERR_UNSUPPORTED, &json!("end_input"))
    );
    assert_eq!(log.lock().count("close"), 1);
    // When the host itself has ended the session, that is not worth an error.
    let (client, _) = connected(&json!({}), NoEnd(Memory::new()));
    client.disconnect().expect("it ends");
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
}

#[test]
fn a_close_that_fails_is_a_warning() {
    struct NoClose(Memory);
    impl Host for NoClose {
        fn connect(&self, sink: Sink) -> i32 {
            self.0.connect(sink)
        }
        fn write(&self, text: &[u8]) -> i32 {
            self.0.write(text)
        }
        fn end_input(&self) -> i32 {
            self.0.end_input()
        }
        fn close(&self) -> i32 {
            Status::CLAUDE_ERR_PROCESS as i32
        }
    }
    let (client, _) = connected(&json!({}), NoClose(Memory::new()));
    client.disconnect().expect("it ends");
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
    let warnings = client.seen.lock().of(Kind::CLAUDE_EVENT_WARNING);
    assert!(
        warnings[0]["text"].as_str().unwrap().contains("close returned CLAUDE_ERR_PROCESS"),
        "{warnings:?}"
    );
}

#[test]
fn a_write_that_hangs_is_closed_after_the_grace() {
    let grace = Duration::from_millis(300);
    let client = Client::new(&json!({"graceful_exit_timeout_ms": 300, "terminate_timeout_ms": 5000}));
    let log = install(&client, Odd { stuck: true, ..Odd::default() });
    client.connect_later();
    log.wait("write", |log| log.count("write") == 1);
    let begin = Instant::now();
    client.free();
    assert!(begin.elapsed() >= grace && begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    let log = log.lock();
    assert_eq!((log.count("close"), log.count("/write"), log.destroyed), (1, 1, 1));
}
