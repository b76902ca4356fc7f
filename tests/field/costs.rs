//! What a session costs in tokens, memory and time.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use crate::support::probe::stage::{fake_options, fake_session};
use crate::support::probe::{Kind, Session};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

#[test]
fn o2_the_usage_of_a_message_that_comes_in_many_pieces_counts_once() {
    let usage = json!({"input_tokens": 100, "output_tokens": 7, "cache_read_input_tokens": 50});
    let piece = json!({"send": {"type": "assistant", "session_id": "s", "parent_tool_use_id": null, "uuid": "u{{i}}",
        "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "usage": usage,
                    "content": [{"type": "text", "text": "piece {{i}}"}]}}});
    let result = json!({"result": {"usage": usage, "total_cost_usd": 0.5, "modelUsage": {"m": {"inputTokens": 100, "outputTokens": 7}}}});
    let script = json!({"on_user": ["init", {"repeat": 14, "do": [piece]}, result]});
    let (_fake, session) = fake_session(script, json!({}));
    session.turn("hello");
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_ASSISTANT).len(), 14);
    let ledger = session.stats()["ledger"].clone();
    assert_eq!(ledger["last_turn"]["usage"], usage, "{ledger:#}");
    assert_eq!(ledger["model_usage"]["m"]["outputTokens"], 7);
}

#[test]
fn o3_a_figure_that_is_missing_is_marked_and_one_that_is_zero_is_not() {
    let of = |model: Value, total: Value| {
        let models = json!({"some-model-of-tomorrow": model});
        let result = json!({"result": {"total_cost_usd": total, "modelUsage": models, "model_usage_since_last_result": models}});
        let (_fake, session) = fake_session(json!({"on_user": ["init", result]}), json!({}));
        session.turn("hello");
        let ledger = session.stats()["ledger"].clone();
        assert_eq!(ledger["source"], "cli", "whose figure it is");
        (ledger["incomplete"].clone(), ledger["estimated"].clone())
    };
    let zero = json!({"costUSD": 0.5, "cacheReadInputTokens": 0, "cacheCreationInputTokens": 0});
    assert_eq!(of(zero.clone(), json!(0.5)), (json!(false), json!(false)));
    assert_eq!(of(zero, Value::Null), (json!(true), json!(false)), "a result without its cost");
    assert_eq!(of(json!({"inputTokens": 9}), json!(0.5)), (json!(true), json!(false)));
    let guessed = json!({"costUSD": 0.5, "costBasis": "unknown"});
    assert_eq!(of(guessed, json!(0.5)), (json!(false), json!(true)));
}

#[test]
fn r1_a_cli_that_grows_is_seen_to_grow() {
    let script = json!({"on_user": [["default"], [{"allocate_mb": 200}, "init", "result"]]});
    let (fake, session) = fake_session(script, json!({}));
    session.turn("at rest");
    let memory = || session.stats()["memory_bytes"].as_u64().expect("the memory of the CLI");
    let before = memory();
    session.turn("grows");
    let after = memory();
    assert!(after > before + (150 << 20), "{before} bytes, then {after}");
    // To recycle it is to end it and to resume.
    session.disconnect().unwrap();
    assert_eq!(session.stats()["pid"], 0);
    let id = session.stats()["session_id"].clone();
    fake.set_script(&json!({}));
    let session = Session::connected(&fake_options(&fake, json!({"resume": id})));
    session.turn("goes on");
    let recycled = session.stats()["memory_bytes"].as_u64().expect("the memory of the CLI");
    assert!(recycled + (150 << 20) < after, "{after} bytes, then {recycled}");
    assert!(
        fake.log().argv().contains(&format!("--resume={}", id.as_str().unwrap())),
        "{:?}",
        fake.log().argv()
    );
}

/// The shortest of several: what it takes when nothing else runs.
fn shortest(rounds: usize, round: impl Fn() -> Duration) -> Duration {
    (0..rounds).map(|_| round()).min().expect("a round")
}

#[test]
fn j4_nothing_that_is_written_waits_in_a_buffer() {
    let fake = FakeClaude::new(json!({}));
    let options = fake_options(&fake, json!({}));
    let start = shortest(20, || {
        let session = Session::created(&options);
        let begin = Instant::now();
        session.connect(None).unwrap();
        begin.elapsed()
    });
    assert!(start < Duration::from_secs(1), "the quickest start took {start:?}");
    // Two small prompts with nothing behind them: each is answered before the next is written.
    let session = Session::connected(&options);
    session.turn("a");
    session.turn("b");
    assert_eq!(fake.log().prompts().len(), 2);
}

#[test]
fn p1_a_prompt_and_its_answer_spend_less_than_a_millisecond_in_the_library() {
    let fake = FakeClaude::new(json!({"on_user": ["result"], "no_lifecycle": true}));
    let session = Session::connected(&fake_options(&fake, json!({})));
    // A whole round through another process, two threads and the callback, in a build without optimisation.
    let round = shortest(300, || {
        let begin = Instant::now();
        session.turn("hello");
        begin.elapsed()
    });
    assert!(round < Duration::from_millis(2), "the quickest turn took {round:?}");
    let create = shortest(100, || {
        let begin = Instant::now();
        let session = Session::created(&json!({"model": "haiku"}));
        let took = begin.elapsed();
        drop(session);
        took
    });
    assert!(create < Duration::from_millis(1), "the quickest create took {create:?}");
}
