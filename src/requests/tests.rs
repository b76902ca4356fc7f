use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::*;
use crate::sync::ranked;

ranked!(Vec<String>: Leaf, Vec<Value>: Leaf);

/// Records what is written, and reports endings at once.
#[derive(Default)]
struct Desk {
    lines: Mutex<Vec<String>>,
    warnings: Mutex<Vec<Value>>,
    timeout_is_error: AtomicBool,
    timers: AtomicUsize,
}

impl Session for Desk {
    fn write_line(&self, line: String) -> Result<()> {
        lock(&self.lines).push(line);
        Ok(())
    }

    fn ended(&self, request: Arc<Request>) {
        request.notify_cancelled();
    }

    fn expire_at(&self, _: Weak<Request>, _: Instant) -> Option<Timer> {
        self.timers.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn settled(&self, _: &str, _: u64) {}

    fn timeout_action(&self) -> TimeoutAction {
        if self.timeout_is_error.load(Ordering::Relaxed) { TimeoutAction::Error } else { TimeoutAction::Deny }
    }

    fn warn(&self, document: Value) {
        lock(&self.warnings).push(document);
    }

    fn runs_callbacks(&self) -> bool {
        true
    }
}

impl Desk {
    fn ask(self: &Arc<Desk>, request: Value) -> Arc<Request> {
        let inbound = Inbound {
            id: "r".into(),
            subtype: request["subtype"].as_str().unwrap().into(),
            request: request.to_string(),
        };
        let me: Arc<dyn Session> = self.clone();
        Request::new(inbound, Arc::downgrade(&me), Target::default(), None)
    }

    fn written(&self) -> Vec<Value> {
        lock(&self.lines).drain(..).map(|line| serde_json::from_str(&line).unwrap()).collect()
    }

    fn payload(&self) -> Value {
        let mut written = self.written();
        assert_eq!(written.len(), 1, "{written:?}");
        written[0]["response"].take()
    }
}

fn permission() -> Value {
    json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}})
}

fn told(request: &Request) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let mine = count.clone();
    let call = move |_| {
        mine.fetch_add(1, Ordering::SeqCst);
    };
    request.on_cancel(Box::new(call)).unwrap();
    count
}

/// Races `allow` against `end` on one request, ten thousand times.
fn race(end: fn(&Request) -> bool, lines_of_end: usize) {
    const ROUNDS: usize = 10_000;
    let desk = Arc::new(Desk::default());
    // Both sides hang up when one fails, so that the other does not wait forever.
    let (start, started) = sync_channel::<(usize, Arc<Request>)>(0);
    let (stop, stopped) = sync_channel::<()>(0);
    let go = AtomicUsize::new(0);
    let spin_until = |round: usize| {
        while go.load(Ordering::Acquire) < round {
            thread::yield_now();
        }
    };
    let mut wins = 0;
    thread::scope(|scope| {
        scope.spawn(move || {
            for (round, request) in started {
                // On a busy machine one side might always win: now and then the other gets a head start.
                if round % 10 != 1 {
                    spin_until(round);
                }
                end(&request);
                drop(request);
                let _ = stop.send(());
            }
        });
        let (start, stopped) = (start, stopped);
        for round in 1..=ROUNDS {
            let request = desk.ask(permission());
            request.hold();
            let count = told(&request);
            let weak = Arc::downgrade(&request);
            start.send((round, request.clone())).unwrap();
            let early = round % 10 == 2;
            let answered_early = early && request.allow(None, None).is_ok();
            if round % 10 == 1 {
                stopped.recv().unwrap();
            }
            go.store(round, Ordering::Release);
            (0..round % 40).for_each(|_| std::hint::spin_loop());
            let answered = answered_early || request.allow(None, None).is_ok();
            if round % 10 != 1 {
                stopped.recv().unwrap();
            }
            wins += usize::from(answered);
            assert_eq!(
                count.load(Ordering::SeqCst),
                u64::from(!answered),
                "told if and only if not answered"
            );
            assert_eq!(request.is_cancelled(), !answered);
            let lines = desk.written();
            assert_eq!(lines.len(), if answered { 1 } else { lines_of_end });
            assert!(
                lines.iter().all(|line| (line["response"]["response"]["behavior"] == "allow") == answered)
            );
            drop(request);
            assert!(weak.upgrade().is_none() && Arc::strong_count(&count) == 1, "nothing is left");
        }
    });
    assert!((ROUNDS / 10..=ROUNDS - ROUNDS / 10).contains(&wins), "{wins} of {ROUNDS}");
}

#[test]
fn an_answer_and_a_withdrawal_have_one_outcome() {
    race(Request::withdraw, 0);
}

#[test]
fn an_answer_and_a_deadline_have_one_outcome() {
    race(
        |request| {
            lock(&request.state).deadline = Some(Instant::now());
            request.expire();
            true
        },
        1,
    );
}

#[test]
fn an_answer_and_a_close_have_one_outcome() {
    race(
        |request| {
            request.close();
            true
        },
        1,
    );
}

#[test]
fn a_deadline_that_was_moved_does_not_fire() {
    let desk = Arc::new(Desk::default());
    let request = desk.ask(permission());
    request.set_deadline(Some(Duration::ZERO), None).unwrap();
    request.set_deadline(Some(Duration::from_secs(60)), None).unwrap();
    request.expire();
    assert!(request.is_open());
    request.set_deadline(None, None).unwrap();
    request.expire();
    assert!(request.is_open());
    request.set_deadline(Some(Duration::ZERO), None).unwrap();
    request.expire();
    assert_eq!(desk.payload()["response"]["behavior"], "deny");
    assert_eq!(request.allow(None, None).unwrap_err().status, Status::Stale);
    assert_eq!(request.set_deadline(None, None).unwrap_err().status, Status::Stale);
}

#[test]
fn without_a_deadline_there_is_no_timer() {
    let desk = Arc::new(Desk::default());
    let request = desk.ask(permission());
    request.expire();
    request.set_deadline(None, None).unwrap();
    assert!(request.is_open() && desk.timers.load(Ordering::Relaxed) == 0);
    request.set_deadline(Some(Duration::from_secs(60)), None).unwrap();
    assert_eq!(desk.timers.load(Ordering::Relaxed), 1);
}

#[test]
fn a_request_has_its_own_action() {
    let expired = |request: Value, of_session: bool, own: Option<TimeoutAction>| {
        let desk = Arc::new(Desk::default());
        desk.timeout_is_error.store(of_session, Ordering::Relaxed);
        let request = desk.ask(request);
        request.set_deadline(Some(Duration::ZERO), own).unwrap();
        request.expire();
        assert_eq!(request.phase(), Phase::Expired);
        desk.payload()["subtype"].clone()
    };
    for of_session in [false, true] {
        assert_eq!(expired(permission(), of_session, None), if of_session { "error" } else { "success" });
        assert_eq!(expired(permission(), of_session, Some(TimeoutAction::Error)), "error");
        assert_eq!(expired(permission(), of_session, Some(TimeoutAction::Deny)), "success");
        let hook = json!({"subtype": "hook_callback", "input": {"hook_event_name": "PreToolUse"}});
        assert_eq!(expired(hook, of_session, Some(TimeoutAction::Error)), "success");
    }
}

#[test]
fn the_last_handle_refuses() {
    let desk = Arc::new(Desk::default());
    let request = desk.ask(permission());
    request.hold();
    assert!(request.hold_if_open());
    request.release();
    request.refuse_unless_held("not while it is held");
    assert!(request.is_open());
    request.release();
    assert_eq!(desk.payload()["response"]["behavior"], "deny");
    assert!(!request.hold_if_open());
}

#[test]
fn every_kind_is_refused_in_its_own_words() {
    let desk = Arc::new(Desk::default());
    let refusal = |request: Value| {
        desk.ask(request).refuse_unless_held("why");
        desk.payload()
    };
    let hook = |event: &str| json!({"subtype": "hook_callback", "input": {"hook_event_name": event}});
    let answer = |payload: Value| json!({"subtype": "success", "request_id": "r", "response": payload});
    let specific = |payload: Value| answer(json!({"hookSpecificOutput": payload}));
    assert_eq!(refusal(permission()), answer(json!({"behavior": "deny", "message": "why"})));
    assert_eq!(refusal(json!({"subtype": "elicitation"})), answer(json!({"action": "decline"})));
    assert_eq!(refusal(json!({"subtype": "request_user_dialog"})), answer(json!({"behavior": "cancelled"})));
    assert_eq!(
        refusal(hook("PreToolUse")),
        specific(
            json!({"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "why"})
        )
    );
    assert_eq!(
        refusal(hook("PermissionRequest")),
        specific(
            json!({"hookEventName": "PermissionRequest", "decision": {"behavior": "deny", "message": "why"}})
        )
    );
    assert_eq!(refusal(hook("UserPromptSubmit")), answer(json!({"decision": "block", "reason": "why"})));
    assert_eq!(refusal(hook("Stop"))["error"], "why", "to block a stop would be to go on");
    let message = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/list"});
    let refused = refusal(json!({"subtype": "mcp_message", "message": message}));
    assert_eq!(refused["response"]["mcp_response"]["id"], 3);
    assert_eq!(refused["response"]["mcp_response"]["error"]["message"], "why");
    assert_eq!(refusal(json!({"subtype": "of_tomorrow"}))["error_code"], "unsupported_request");
}

#[test]
fn an_answer_of_the_wrong_kind_leaves_the_request_open() {
    let desk = Arc::new(Desk::default());
    let request = desk.ask(json!({"subtype": "elicitation"}));
    for outcome in [
        request.allow(None, None),
        request.deny("no", false),
        request.answer_questions("{}"),
        request.respond("[]"),
        request.respond(r#"{"action": 1}"#),
    ] {
        assert_eq!(outcome.unwrap_err().status, Status::InvalidArgument);
    }
    assert!(desk.written().is_empty());
    request.respond("{\"action\":\n\"decline\"}").unwrap();
    assert_eq!(desk.payload()["response"]["action"], "decline");
}

#[test]
fn bad_updates_are_dropped_with_a_warning_and_the_tool_runs() {
    let desk = Arc::new(Desk::default());
    let request = desk.ask(permission());
    assert!(request.allow(None, Some("{}")).is_err(), "not a list at all is a mistake in the call");
    request.allow(None, Some(r#"[{"type": "setMode", "mode": "plan"}, {"type": "?"}]"#)).unwrap();
    let expected = json!({"behavior": "allow", "updatedInput": {"command": "ls"}});
    assert_eq!(desk.payload()["response"], expected);
    assert_eq!(lock(&desk.warnings)[0]["event"], "permission_updates_dropped");
}

#[test]
fn nothing_is_taken_in_behind_the_end() {
    let (desk, pending) = (Arc::new(Desk::default()), Pending::default());
    pending.end();
    let late = desk.ask(permission());
    assert!(!pending.add(&late) && !late.is_open());
    assert_eq!(desk.payload()["response"]["behavior"], "deny");
    assert!(pending.list().is_empty());
}
