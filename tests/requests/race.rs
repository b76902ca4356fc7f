//! Answers, withdrawals, deadlines and closes in the same instant: always exactly one outcome, and nothing left behind.
#![cfg(unix)]

use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::support::eventually;
use crate::support::requests::{Host, LONG, Request, SOON, Slot, Status, fake_options, status};
use claude_client::capi::client::claude_client_disconnect;
use claude_client::capi::control::claude_client_interrupt;
use claude_client::capi::types::claude_dispatch_t as Mode;
use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::json;

const ROUNDS: usize = 10_000;

#[derive(Default)]
struct Tally {
    delivered: AtomicUsize,
    answered: AtomicUsize,
    late: AtomicUsize,
    told: AtomicUsize,
}

fn add(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::SeqCst);
}

fn of(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::SeqCst)
}

/// Answers and registers for the withdrawal, in turns in either order.
fn answer(request: Request, tally: &Arc<Tally>) {
    add(&tally.delivered);
    let told = tally.clone();
    request.on_cancel(move |_| add(&told.told)).unwrap();
    match status(&request.allow()) {
        Status::CLAUDE_OK => add(&tally.answered),
        Status::CLAUDE_ERR_STALE => add(&tally.late),
        other => panic!("{other:?}"),
    }
}

#[test]
fn h5_answered_and_withdrawn_in_the_same_instant() {
    if takes_long() {
        return;
    }
    let round = json!([{"ask": "can_use_tool", "id": "p{{request_id}}", "wait": false}, {"cancel": "p{{request_id}}"}, "respond"]);
    let fake = FakeClaude::new(json!({"on_control": {"round": round}}));
    let host = Host::new(&fake_options(&fake));
    let tally = Arc::new(Tally::default());
    let mine = tally.clone();
    host.on_request(move |request| answer(request, &mine));
    host.connect().unwrap();
    for _ in 0..ROUNDS {
        host.control(json!({"subtype": "round"})).unwrap();
    }
    assert!(host.pending().is_empty());
    host.disconnect().unwrap();
    drop(host);
    // Whoever was answered is not told, whoever was told is not answered, and nobody is neither.
    println!(
        "{ROUNDS} rounds: {} delivered, {} answered, {} late",
        of(&tally.delivered),
        of(&tally.answered),
        of(&tally.late)
    );
    assert_eq!(of(&tally.answered) + of(&tally.late), of(&tally.delivered));
    assert_eq!(of(&tally.told), of(&tally.late));
    let written = fake.wait_for_log(LONG, |log| log.saw_eof()).responses().len();
    assert_eq!(written, of(&tally.answered), "a line for each accepted answer, none for the others");
    assert_eq!(Arc::strong_count(&tally), 1, "every callback has been let go of");
}

#[test]
fn h3_answered_at_the_deadline() {
    const ROUNDS: usize = 300;
    let fake = FakeClaude::new(
        json!({"on_control": {"round": [{"ask": "can_use_tool", "wait": false}, "respond"]}}),
    );
    let host = Host::new(&fake_options(&fake));
    let slot = Slot::new();
    let into = slot.clone();
    host.on_request(move |request| into.put(request));
    host.connect().unwrap();
    let tally = Arc::new(Tally::default());
    for round in 0..ROUNDS {
        host.control(json!({"subtype": "round"})).unwrap();
        let request = slot.one();
        request.set_deadline(1).unwrap();
        thread::sleep(Duration::from_micros(700 + 3 * round as u64));
        answer(request, &tally);
    }
    let log = fake.wait_for_log(SOON, |log| log.responses().len() >= ROUNDS);
    assert_eq!(log.responses().len(), ROUNDS, "exactly one line for each request");
    let allowed =
        log.responses().iter().filter(|response| response["response"]["behavior"] == "allow").count();
    println!("{ROUNDS} rounds: {} answered, {} late", of(&tally.answered), of(&tally.late));
    assert_eq!(allowed, of(&tally.answered));
    assert_eq!((of(&tally.answered) + of(&tally.late), of(&tally.told)), (ROUNDS, of(&tally.late)));
}

#[test]
fn free_lets_go_of_every_callback_before_it_returns() {
    for mode in [Mode::CLAUDE_DISPATCH_THREAD, Mode::CLAUDE_DISPATCH_PUMP, Mode::CLAUDE_DISPATCH_INLINE] {
        let fake = FakeClaude::new(json!({"on_user": [{"ask": "can_use_tool"}]}));
        let host = Host::with_mode(&fake_options(&fake), mode);
        let kept = Arc::new(());
        let (slot, mark) = (Slot::new(), kept.clone());
        let into = slot.clone();
        host.permission_handler(move |request| {
            let mark = mark.clone();
            request.on_cancel(move |_| drop(mark.clone())).unwrap();
            into.put(request);
        })
        .unwrap();
        let mark = kept.clone();
        host.hook("Stop", move |_| drop(mark.clone()));
        let mark = kept.clone();
        host.on_request(move |_| drop(mark.clone()));
        host.connect().unwrap();
        host.query("go");
        while slot.is_empty() {
            if mode == Mode::CLAUDE_DISPATCH_PUMP {
                host.dispatch(20);
            }
        }
        let request = slot.one();
        drop(host);
        assert_eq!(Arc::strong_count(&kept), 1, "{mode:?}");
        assert_eq!(status(&request.allow()), Status::CLAUDE_ERR_CLOSED);
        assert!(request.is_cancelled());
        let log = fake.wait_for_log(SOON, |log| !log.responses().is_empty());
        assert_eq!(log.responses()[0]["response"]["behavior"], "deny", "unanswered at the close is refused");
    }
}

#[test]
fn a_blocked_callback_is_told_of_its_withdrawal() {
    let ask = json!([{"ask": "can_use_tool", "wait": false}, {"sleep": 200}, "cancel", "result"]);
    let fake = FakeClaude::new(json!({"on_user": ask}));
    let host = Host::new(&fake_options(&fake));
    let ended = Slot::new();
    let into = ended.clone();
    host.on_request(move |request| {
        // A dialog that waits for the user inside the callback.
        let closed = Slot::new();
        let close = closed.clone();
        request.on_cancel(move |_| close.put(())).unwrap();
        closed.one();
        into.put(status(&request.allow()));
    });
    host.connect().unwrap();
    host.query("go");
    assert_eq!(ended.one(), Status::CLAUDE_ERR_STALE);
}

#[test]
fn thousands_of_open_requests_end_with_the_session() {
    const OPEN: usize = 5_000;
    let fake = FakeClaude::new(
        json!({"on_user": [{"repeat": OPEN, "do": [{"ask": "can_use_tool", "wait": false}]}]}),
    );
    let host = Host::new(&fake_options(&fake));
    let (slot, told) = (Slot::new(), Arc::new(AtomicUsize::new(0)));
    let (into, tell) = (slot.clone(), told.clone());
    host.on_request(move |request| {
        let tell = tell.clone();
        request.on_cancel(move |_| add(&tell)).unwrap();
        into.put(request);
    });
    host.connect().unwrap();
    host.query("go");
    let open = slot.take(OPEN);
    assert_eq!(host.pending().len(), OPEN);
    host.disconnect().unwrap();
    let log = fake.wait_for_log(SOON, |log| log.responses().len() >= OPEN);
    assert!(log.responses().iter().all(|response| response["response"]["behavior"] == "deny"));
    eventually(SOON, || of(&told) == OPEN);
    assert_eq!(of(&told), OPEN);
    assert!(open.iter().all(|request| status(&request.allow()) == Status::CLAUDE_ERR_CLOSED));
}

/// Frees the client on a thread of its own. Where that hangs, `let_go` ends the callback that it waits for.
fn free_in_time(host: Host, let_go: impl FnOnce()) {
    let (done, freed) = channel();
    let freeing = thread::spawn(move || {
        drop(host);
        let _ = done.send(());
    });
    let in_time = freed.recv_timeout(SOON).is_ok();
    let_go();
    freeing.join().unwrap();
    assert!(in_time, "claude_client_free and a callback wait for each other");
}

#[test]
fn a_blocked_callback_is_told_when_a_disconnect_and_a_free_meet() {
    const OPEN: usize = 400;
    let fake = FakeClaude::new(
        json!({"on_user": [{"repeat": OPEN, "do": [{"ask": "can_use_tool", "wait": false}]}]}),
    );
    let host = Host::new(&fake_options(&fake));
    let (kept, blocked, told, woken) = (Slot::new(), Slot::new(), Slot::new(), Slot::new());
    let (keep, enter, tell, wake) = (kept.clone(), blocked.clone(), told.clone(), woken.clone());
    host.on_request(move |request| {
        let (tell, woken) = (tell.clone(), wake.clone());
        let is_last = keep.len() == OPEN - 1;
        request.on_cancel(move |_| if is_last { woken.put(()) } else { tell.put(()) }).unwrap();
        keep.put(request);
        if is_last {
            enter.put(());
            wake.one();
        }
    });
    host.connect().unwrap();
    host.query("go");
    blocked.one();
    let client = host.client.addr();
    let disconnecting = thread::spawn(move || disconnect(client));
    // The disconnect has told of one request, and has hundreds before it.
    told.one();
    free_in_time(host, || woken.put(()));
    disconnecting.join().unwrap();
    assert_eq!(told.len(), OPEN - 2, "each is told once");
}

/// Asks for the end, whatever has become of the client.
fn disconnect(client: usize) {
    let client = std::ptr::without_provenance_mut(client);
    // SAFETY: any value is looked up.
    unsafe { claude_client_disconnect(client, None, null_mut(), null_mut()) };
}

#[test]
fn a_callback_that_waits_for_completions_is_told_by_a_free() {
    const STARTED: usize = 20;
    unsafe extern "C" fn done(status: Status, _: *const c_char, _: usize, data: *mut c_void) {
        // Others are still queued behind this one when the client is freed.
        thread::sleep(Duration::from_millis(5));
        // SAFETY: the test keeps the slot until the client is gone.
        unsafe { (*data.cast::<Slot<Status>>()).put(status) };
    }
    let fake =
        FakeClaude::new(json!({"on_user": [{"ask": "can_use_tool"}], "on_control": {"interrupt": []}}));
    let host = Host::new(&fake_options(&fake));
    let (ended, asked, outcome) = (Slot::new(), Slot::new(), Slot::new());
    let (wait, ask, into, client) = (ended.clone(), asked.clone(), outcome.clone(), host.client.addr());
    host.on_request(move |_| {
        let data = Arc::as_ptr(&wait).cast_mut().cast();
        let client = std::ptr::without_provenance_mut(client);
        for _ in 0..STARTED {
            // SAFETY: a live handle; the slot lives until the client is gone.
            let accepted = unsafe { claude_client_interrupt(client, Some(done), data, null_mut()) };
            assert_eq!(accepted, Status::CLAUDE_OK);
        }
        ask.put(());
        into.put(wait.take(STARTED));
    });
    host.connect().unwrap();
    host.query("go");
    asked.one();
    let let_go = || (0..STARTED).for_each(|_| ended.put(Status::CLAUDE_OK));
    free_in_time(host, let_go);
    assert_eq!(outcome.one(), [Status::CLAUDE_ERR_CANCELLED; STARTED]);
    assert_eq!(ended.len(), STARTED, "told once: these are the test's own");
}

#[test]
fn a_callback_that_is_replaced_before_its_turn_leaves_one_delivery() {
    let fake = FakeClaude::new(json!({"on_user": [{"ask": "can_use_tool"}, "result"]}));
    let host = Host::with_mode(&fake_options(&fake), Mode::CLAUDE_DISPATCH_PUMP);
    let keep_in = |slot: &Arc<Slot<Request>>| {
        let slot = slot.clone();
        move |request| slot.put(request)
    };
    let (first, second, third) = (Slot::new(), Slot::new(), Slot::new());
    host.on_request(keep_in(&first));
    host.connect().unwrap();
    host.query("go");
    while first.is_empty() {
        host.dispatch(100);
    }
    // The second one is gone before anybody dispatches.
    host.on_request(keep_in(&second));
    host.on_request(keep_in(&third));
    while host.dispatch(0) > 0 {}
    assert_eq!((second.len(), third.len()), (0, 1));
    // Without a callback it stays open for the next one.
    host.on_request(keep_in(&second));
    host.no_on_request();
    while host.dispatch(0) > 0 {}
    host.on_request(keep_in(&second));
    while host.dispatch(0) > 0 {}
    assert_eq!((second.len(), third.len()), (1, 1));
    second.one().allow().unwrap();
}
