//! The ledger of `claude_client_stats` against the real CLI: totals are the CLI's, and a turn's cost is its own.

use crate::support::probe::stage::{Real, fake_session};
use crate::support::probe::{Kind, Session};
use serde_json::{Value, json};

fn ledger(session: &Session) -> Value {
    session.stats()["ledger"].clone()
}

fn close_to(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn o1_a_turns_cost_is_not_the_sum_of_all_before_it() {
    let Some(real) = Real::new("a_turns_cost_is_not_the_sum") else { return };
    let id = "88888888-8888-4888-8888-888888888888";
    let session = real.session(json!({"session_id": id}));
    assert_eq!(ledger(&session)["turns"], 0);
    let mut sum = 0.0;
    for turn in 1..=4_u64 {
        let result = session.turn(&format!("turn {turn}"));
        let ledger = ledger(&session);
        let cost = ledger["last_turn"]["cost_usd"].as_f64().expect("the turn's cost");
        assert!(cost > 0.0);
        sum += cost;
        assert_eq!((&ledger["turns"], &ledger["incomplete"]), (&json!(turn), &json!(false)));
        let total = ledger["session_cost_usd"].as_f64().unwrap();
        assert_eq!(Some(total), result["total_cost_usd"].as_f64(), "the total is the CLI's own figure");
        assert!(close_to(sum, total), "the turns add up to {sum}, the total is {total}");
        assert!(
            turn == 1 || cost < total * 0.9,
            "turn {turn} costs {cost} of {total}: it has the earlier ones in it"
        );
        assert!(ledger["last_turn"]["usage"]["output_tokens"].as_u64() > Some(0));
        assert!(ledger["model_usage"].as_object().is_some_and(|models| !models.is_empty()));
    }
    session.disconnect().unwrap();
    let before = ledger(&session)["session_cost_usd"].as_f64().unwrap();

    // The total goes on where the earlier process stopped; what the first turn costs is still its own.
    let session = real.session(json!({"resume": id}));
    for turn in 1..=2_u64 {
        let result = session.turn(&format!("resumed {turn}"));
        let ledger = ledger(&session);
        let total = ledger["session_cost_usd"].as_f64().unwrap();
        assert_eq!(Some(total), result["total_cost_usd"].as_f64());
        assert_eq!(ledger["turns"], turn);
        let cost =
            ledger["last_turn"]["cost_usd"].as_f64().expect("the CLI tells a resumed turn's own usage");
        assert!(cost > 0.0 && cost < before, "resumed turn {turn} costs {cost}, all before it {before}");
        assert!(total > before, "{total} goes on from {before}");
    }
    session.disconnect().unwrap();
}

#[test]
fn a_turn_that_asks_nobody_costs_nothing() {
    let Some(real) = Real::new("a_turn_that_asks_nobody_costs_nothing") else { return };
    let session = real.session(json!({}));
    session.turn("hello");
    let before = ledger(&session)["session_cost_usd"].clone();
    session.turn("/cost");
    let ledger = ledger(&session);
    assert_eq!(ledger["turns"], 2);
    assert_eq!(ledger["session_cost_usd"], before);
    assert_eq!(ledger["last_turn"]["cost_usd"].as_f64(), Some(0.0));
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_RESULT).len(), 2);
}

#[test]
fn an_interrupted_turn_is_counted_with_what_it_cost() {
    let Some(real) = Real::new("an_interrupted_turn_is_counted") else { return };
    let session = real.session(json!({"include_partial_messages": true}));
    session.turn("hello");
    let first = ledger(&session)["session_cost_usd"].as_f64().unwrap();
    let uuid = session.query("SLOW 600 50");
    let count =
        |messages: &[(Kind, Value)]| messages.iter().filter(|(_, json)| json["subtype"] == "init").count();
    session.wait_until("the second turn", |messages| (count(messages) == 2).then_some(()));
    session.wait_until("some text", |messages| {
        let deltas =
            messages.iter().filter(|(_, json)| json["event"]["type"] == "content_block_delta").count();
        (deltas > 12).then_some(())
    });
    session.control(&json!({"subtype": "interrupt"})).unwrap();
    session.receive_to(&uuid, 60_000).unwrap();
    let ledger = ledger(&session);
    assert_eq!((&ledger["turns"], &ledger["last_turn"]["is_error"]), (&json!(2), &json!(true)));
    let total = ledger["session_cost_usd"].as_f64().unwrap();
    let cost = ledger["last_turn"]["cost_usd"].as_f64().unwrap();
    assert!(close_to(first + cost, total), "{first} and {cost} make {total}");
}

#[test]
fn o3_a_price_that_the_cli_guesses_is_marked() {
    let Some(real) = Real::new("a_price_that_the_cli_guesses") else { return };
    let session = real.session(json!({"model": "strange-model-1"}));
    session.turn("hello");
    let ledger = ledger(&session);
    assert_eq!((&ledger["estimated"], &ledger["incomplete"]), (&json!(true), &json!(false)));
    assert!(ledger["last_turn"]["cost_usd"].as_f64() > Some(0.0));
    let usage = &ledger["last_turn"]["usage"];
    assert_eq!(usage["cache_read_input_tokens"], 0, "none is not the same as unknown: {usage}");
}

#[test]
fn o3_a_model_without_a_cost_makes_the_ledger_incomplete() {
    let usage = json!({"known": {"costUSD": 0.5}, "unknown": {"inputTokens": 100}});
    let result = json!({"result": {"total_cost_usd": 0.5, "model_usage_since_last_result": usage}});
    let (_fake, session) = fake_session(json!({"on_user": ["init", {"text": "a"}, result]}), json!({}));
    session.turn("hello");
    let ledger = ledger(&session);
    assert_eq!((&ledger["incomplete"], &ledger["last_turn"]["cost_usd"]), (&json!(true), &Value::Null));
}

#[test]
fn o5_each_window_of_the_usage_limits_is_kept() {
    let limit = |status: &str, window: Option<&str>| {
        let info = json!({"status": status, "rateLimitType": window, "resetsAt": 1});
        json!({"send": {"type": "rate_limit_event", "rate_limit_info": info, "uuid": "u", "session_id": "s"}})
    };
    let turns = [
        json!([limit("allowed", Some("five_hour")), "result"]),
        json!([limit("allowed_warning", Some("seven_day")), "result"]),
        json!([limit("rejected", Some("seven_day")), limit("allowed", Some("five_hour")), "result"]),
        json!([limit("allowed", Some("seven_day")), limit("allowed", None), "result"]),
    ];
    let (_fake, session) = fake_session(json!({"on_user": turns}), json!({}));
    assert_eq!(ledger(&session)["limits"], Value::Null);
    for (worst, seven_day) in [
        ("allowed", Value::Null),
        ("allowed_warning", json!("allowed_warning")),
        ("rejected", json!("rejected")),
        ("allowed", json!("allowed")),
    ] {
        session.turn("hello");
        let limits = ledger(&session)["limits"].clone();
        assert_eq!(
            (&limits["status"], &limits["windows"]["seven_day"]["status"]),
            (&json!(worst), &seven_day)
        );
        assert_eq!(limits["windows"]["five_hour"]["status"], "allowed");
    }
    assert_eq!(ledger(&session)["limits"]["windows"]["unnamed"]["status"], "allowed");
}

#[test]
fn what_the_cli_names_does_not_make_the_ledger_grow() {
    let window = json!({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "rateLimitType": "w{{i}}"}});
    let large: serde_json::Map<String, Value> =
        (0..20_000).map(|at| (format!("model-{at}"), json!({"costUSD": 0.1}))).collect();
    let large = json!({"usage": large.clone(), "modelUsage": large});
    let script = json!({"on_user": [["init", {"repeat": 5000, "do": [{"send": window}]}, "result"], ["init", "result"]]});
    let (fake, session) = fake_session(script, json!({}));
    session.turn("hello");
    let limits = ledger(&session)["limits"].clone();
    let windows = limits["windows"].as_object().unwrap();
    assert_eq!(windows.len(), 64, "as many as are remembered");
    assert!(windows.contains_key("w4999") && !windows.contains_key("w0"), "the newest: {windows:#?}");
    assert_eq!(limits["status"], "rejected");
    drop((session, fake));

    let script = json!({"on_user": ["init", {"result": large}]});
    let file = claude_testkit::Sandbox::new();
    let path = file.root().join("script.json");
    std::fs::write(&path, script.to_string()).unwrap();
    let (_fake, session) = fake_session(json!({}), json!({"env": {"FAKE_CLAUDE": path}}));
    let result = session.turn("hello");
    assert_eq!(result["usage"].as_object().map(serde_json::Map::len), Some(20_000), "the message is whole");
    let ledger = ledger(&session);
    assert_eq!((&ledger["last_turn"]["usage"], &ledger["model_usage"]), (&Value::Null, &Value::Null));
}
