//! What comes down the pipe: every message arrives as the bytes that the CLI wrote, whatever they look like and however
//! they are cut, and what is no message costs nothing but its own line.
#![cfg(target_os = "linux")]

use crate::support::host::{Client, Kind, Status};
use crate::support::options;
use crate::support::program::{self, Variant};
use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

/// Messages with every kind of character that a careless reader trips over.
fn awkward_messages() -> Vec<Value> {
    let texts = [
        "日本語の返事です。中文也在这里。한국어",
        "🎈👩‍👩‍👧‍👦🏳️‍🌈 e\u{301} \u{1F1E9}\u{1F1EA}",
        "line\u{2028}paragraph\u{2029}next\u{85}feed\u{b}tab\u{c}page",
        "escapes: \n\r\t\u{0}\u{1f}\u{7f} \\ \" / \u{feff}",
        "{\"type\":\"result\"}\n{\"type\":\"control_response\"}",
        "   spaces at both ends \t ",
        "",
    ];
    let message = |(at, text): (usize, &&str)| json!({"type": "assistant", "n": at, "message": {"role": "assistant", "content": [{"type": "text", "text": text}]}});
    texts.iter().enumerate().map(message).collect()
}

/// Sends the messages in writes of `chunk` bytes and compares what arrives with what was sent, byte for byte.
fn arrives_intact(chunk: usize) {
    let messages = awkward_messages();
    let script = json!({"on_user": ["init", {"send": messages, "chunk": chunk}, "result"]});
    let fake = FakeClaude::new(script);
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("hello");
    let received: Vec<String> =
        client.of_kind(Kind::CLAUDE_MESSAGE_ASSISTANT).into_iter().map(|m| m.text).collect();
    let sent: Vec<String> = messages.iter().map(Value::to_string).collect();
    assert_eq!(received, sent, "in writes of {chunk} bytes");
    assert_eq!(client.of_kind(Kind::CLAUDE_EVENT_UNPARSED_LINE).len(), 0);
}

#[test]
fn b5_edge_01_05_08_messages_cut_at_every_byte_arrive_intact() {
    arrives_intact(1);
}

#[test]
fn b5_edge_01_02_06_messages_cut_anywhere_arrive_intact() {
    for chunk in [2, 3, 5, 7, 11, 13, 64, 127, 251, 509, 4096, 0] {
        arrives_intact(chunk);
    }
}

#[test]
fn b5_edge_07_lines_around_the_size_of_a_read_arrive_intact() {
    let sizes =
        [16 << 10, 64 << 10, 256 << 10, 1 << 20].map(|size: usize| [size - 1, size, size + 1]).concat();
    let lines: Vec<Value> = sizes.iter().map(|size| json!({"line_bytes": size})).collect();
    let script = [vec![json!("init")], lines, vec![json!("result")]].concat();
    let fake = FakeClaude::new(json!({"on_user": script}));
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("hello");
    let received = client.of_kind(Kind::CLAUDE_MESSAGE_ASSISTANT);
    assert_eq!(received.iter().map(|message| message.text.len()).collect::<Vec<_>>(), sizes);
    received.iter().for_each(|message| assert_eq!(message.json()["type"], "assistant"));
}

#[test]
fn b6_edge_10_11_14_16_lines_that_are_no_messages_are_events_and_the_stream_goes_on() {
    let junk = "[SandboxDebug] a line\n[1]\n\"x\"\n5\nnull\n{\"no\":\"type\"}\n{broken\n";
    let script = json!({
        "on_start": [{"write": "[SandboxDebug] before anything\n\n  \n"}],
        "on_user": [
            {"write": "warning: before the turn\r\n"}, "init", {"write": junk}, {"write_hex": "7b22ff227d0a"},
            {"text": "still here"}, "result", {"write": "no newline at the end"}, {"exit": 0}]});
    let fake = FakeClaude::new(script);
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("hello");
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
    let events: Vec<Value> =
        client.of_kind(Kind::CLAUDE_EVENT_UNPARSED_LINE).iter().map(|event| event.json()).collect();
    let found: Vec<(&str, &str)> = events
        .iter()
        .map(|event| {
            (event["reason"].as_str().unwrap_or_default(), event["text"].as_str().unwrap_or_default())
        })
        .collect();
    let expected = [
        ("not_an_object", "[SandboxDebug] before anything"),
        ("not_an_object", "warning: before the turn"),
        ("not_an_object", "[SandboxDebug] a line"),
        ("not_an_object", "[1]"),
        ("not_an_object", "\"x\""),
        ("not_an_object", "5"),
        ("not_an_object", "null"),
        ("no_type", "{\"no\":\"type\"}"),
        ("invalid_json", "{broken"),
        ("invalid_utf8", "{\"\u{fffd}\"}"),
        ("not_an_object", "no newline at the end"),
    ];
    assert_eq!(found, expected);
    assert!(client.of_kind(Kind::CLAUDE_MESSAGE_ASSISTANT)[0].text.contains("still here"));
    assert_eq!(client.stats()["unparsed_lines"], expected.len());
}

/// The reason and the text of every line that was no message.
fn unparsed(client: &Client) -> Vec<(String, String)> {
    let events = client.of_kind(Kind::CLAUDE_EVENT_UNPARSED_LINE).into_iter().map(|event| event.json());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events.map(|event| (text(&event["reason"]), text(&event["text"]))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn b6_frames_that_share_their_line_with_something_arrive_and_the_rest_is_an_event() {
    // The answer to initialize stands behind it as well: without it, connect would wait to its deadline.
    let before: [&[u8]; 6] = [
        "\u{feff}".as_bytes(),
        b"\x1b[?25h\x1b]0;title\x07",
        b"no newline here: ",
        b"\0\0\0",
        b"\xff\xfe",
        b"10%\r{x} 100%",
    ];
    for validate in [false, true] {
        for (at, before) in before.into_iter().enumerate() {
            let glued = |text: &str| [before, text.as_bytes(), b"\n"].concat();
            let first = r#"{"type":"assistant","n":1}"#;
            let second = r#"{"n":2,"type":"assistant"}"#;
            let request =
                r#"{"type":"control_request","request_id":"a","request":{"subtype":"of_the_future"}}"#;
            let script = json!({
                "on_start": [{"write_hex": hex(before)}],
                "on_user": [
                    "init", {"write_hex": hex(&glued(first))}, {"write_hex": hex(&glued(request))}, {"await": "a"},
                    {"write": format!("{first}{second}\n{second} tail\n")}, {"write_hex": hex(before)}, "result"]});
            let fake = FakeClaude::new(script);
            let client = Client::connected(&options(&fake, json!({"validate_json": validate})));
            client.turn("hello");
            let received =
                client.of_kind(Kind::CLAUDE_MESSAGE_ASSISTANT).into_iter().map(|message| message.text);
            assert_eq!(received.collect::<Vec<_>>(), [first, first, second, second], "{at}");
            let reason = if at == 4 { "invalid_utf8" } else { "not_an_object" };
            let text = String::from_utf8_lossy(before.trim_ascii()).into_owned();
            let event = (reason.to_owned(), text);
            let tail = ("not_an_object".to_owned(), "tail".to_owned());
            assert_eq!(unparsed(&client), [event.clone(), event.clone(), event.clone(), tail, event]);
        }
    }
}

#[test]
fn a_frame_that_a_text_quotes_is_not_taken_for_one() {
    let quoted =
        json!({"type": "result", "subtype": "success", "is_error": false, "result": "not said"}).to_string();
    let lines = [
        format!("tool said {quoted} and more"),
        format!("tool said '{quoted}'"),
        format!("tool said \"x\":{quoted}"),
    ];
    let fake = FakeClaude::new(json!({"on_user": ["init", {"write": lines.join("\n") + "\n"}, "result"]}));
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("hello");
    assert_eq!(client.of_kind(Kind::CLAUDE_MESSAGE_RESULT).len(), 1);
    let expected = lines.map(|line| ("not_an_object".to_owned(), line));
    assert_eq!(unparsed(&client), expected);
}

#[test]
fn every_line_that_is_no_message_has_its_true_reason() {
    let cases = [
        ("{broken", "invalid_json"),
        (r#"{"type":"assistant","message":{"#, "invalid_json"),
        (r#"{"no":"type","x":tru}"#, "invalid_json"),
        ("{\"no\":\"type\",\"x\":\"a\tb\"}", "invalid_json"),
        (r#"{"no":"type"}"#, "no_type"),
        (r#"{"type":5}"#, "no_type"),
        (r#"["type"]"#, "not_an_object"),
        ("true", "not_an_object"),
        (r#"{"type":"control_request"}"#, "invalid_frame"),
        (r#"{"type":"control_response","response":[]}"#, "invalid_frame"),
        (r#"{"type":"control_cancel_request","request_id":5}"#, "invalid_frame"),
        (r#"{"type":"control_request",}"#, "invalid_json"),
    ];
    let text: String = cases.iter().map(|(line, _)| format!("{line}\n")).collect();
    for validate in [false, true] {
        let fake = FakeClaude::new(json!({"on_user": ["init", {"write": text}, "result"]}));
        let client = Client::connected(&options(&fake, json!({"validate_json": validate})));
        client.turn("hello");
        let expected = cases.map(|(line, reason)| (reason.to_owned(), line.to_owned()));
        assert_eq!(unparsed(&client), expected);
    }
}

#[test]
fn bytes_are_counted_once_however_a_line_comes() {
    for (line, limit) in [(3_000_000, 10_000_000), (3_000_000, 20_000)] {
        let script = json!({"on_user": ["init", {"line_bytes": line}, "result", {"write": "no newline"}, {"exit": 0}]});
        let fake = FakeClaude::new(script);
        let client = Client::connected(&options(&fake, json!({"max_message_bytes": limit})));
        client.turn("hello");
        client.closed();
        let read = client.stats()["bytes_read"].as_u64().unwrap();
        let lines = client.messages().into_iter().filter(|message| (message.kind as i32) < 100);
        let known: usize = lines.map(|message| message.text.len() + 1).sum();
        let known = known + if limit < line { line + 1 } else { 0 } + "no newline".len();
        // The answer to initialize and the frames for the library alone come to this.
        assert!((known..known + 100_000).contains(&(read as usize)), "{read} bytes, {known} known");
    }
}

#[test]
fn edge_14_a_last_message_without_newline_is_delivered() {
    let last = r#"{"type":"system","subtype":"goodbye"}"#;
    let fake = FakeClaude::new(json!({"on_user": ["default", {"write": last}, {"exit": 0}]}));
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("hello");
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
    assert_eq!(client.messages().last().unwrap().text, last);
}

#[test]
fn edge_15_half_a_message_at_the_end_is_an_event_and_the_exit_code_decides() {
    let frame = json!({"type": "assistant", "message": {"content": "cut in two"}});
    let fake = FakeClaude::new(json!({"on_user": ["default", {"cut": frame, "at": 20}, {"signal": "KILL"}]}));
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("hello");
    let closed = client.closed();
    assert_eq!((closed.status, &closed.json["signal"]), (Status::CLAUDE_ERR_PROCESS, &json!(9)));
    let events = client.of_kind(Kind::CLAUDE_EVENT_UNPARSED_LINE);
    assert_eq!(events[0].json()["text"], frame.to_string()[..20]);
}

#[test]
fn d1_edge_12_13_a_line_that_is_too_long_is_an_event_and_the_stream_goes_on() {
    // One that comes in one read with its neighbours, one that is larger than any read, one at the limit.
    let script = json!({"on_user": [
        "init", {"line_bytes": 20_001}, {"text": "one"}, {"line_bytes": 3_000_000}, {"text": "two"},
        {"line_bytes": 20_000}, "result"]});
    let fake = FakeClaude::new(script);
    let client = Client::connected(&options(&fake, json!({"max_message_bytes": 20_000})));
    client.turn("hello");
    let events: Vec<Value> =
        client.of_kind(Kind::CLAUDE_EVENT_LINE_TOO_LONG).iter().map(|event| event.json()).collect();
    assert_eq!(
        events.iter().map(|event| event["length"].as_u64()).collect::<Vec<_>>(),
        [Some(20_001), Some(3_000_000)]
    );
    for event in &events {
        assert_eq!(event["limit"], 20_000, "{event:#}");
        assert!(event["text"].as_str().unwrap().starts_with(r#"{"type":"assistant""#), "{event:#}");
        assert!(event["remedy"].as_str().unwrap().contains("max_message_bytes"), "{event:#}");
    }
    let kinds: Vec<Kind> = client.messages().into_iter().map(|message| message.kind).collect();
    let order = [
        Kind::CLAUDE_EVENT_LINE_TOO_LONG,
        Kind::CLAUDE_MESSAGE_ASSISTANT,
        Kind::CLAUDE_EVENT_LINE_TOO_LONG,
        Kind::CLAUDE_MESSAGE_ASSISTANT,
        Kind::CLAUDE_MESSAGE_ASSISTANT,
        Kind::CLAUDE_MESSAGE_RESULT,
    ];
    let from = kinds.iter().position(|kind| *kind == Kind::CLAUDE_EVENT_LINE_TOO_LONG).unwrap();
    assert_eq!(kinds[from..from + order.len()], order);
}

#[test]
fn b8_edge_24_prompts_of_every_kind_are_one_line_each() {
    let prompts = [
        "two\nlines\r\n",
        "nothing\u{0} hidden",
        "🎈\u{2028}\u{2029}",
        "\"}\n{\"type\":\"user\"}",
        "\u{feff}",
    ];
    let fake = FakeClaude::new(json!({}));
    let client = Client::connected(&options(&fake, json!({})));
    for prompt in prompts {
        let message = json!({"type": "user", "message": {"role": "user", "content": prompt}});
        client.send_json(&message).unwrap();
        client.receive().unwrap();
    }
    let log = fake.log();
    let received: Vec<Value> =
        log.prompts().iter().map(|frame| frame["message"]["content"].clone()).collect();
    assert_eq!(received, prompts);
    assert_eq!(log.lines().len(), prompts.len() + 1, "and the initialize request");
}

/// A turn that writes `count` times the same megabyte.
fn megabytes(count: usize, block: &str, before: &str, after: &str) -> Value {
    let many = json!({"repeat": count, "do": [{"write": block}]});
    json!({"on_user": ["init", {"write": before}, many, {"write": after}, {"text": "small"}, "result"]})
}

/// FNV-1a, as the C program computes it.
fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.as_bytes() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    hash
}

#[test]
fn d1_edge_17_a_line_of_200_megabytes_arrives_intact_and_its_memory_returns() {
    if takes_long() {
        return;
    }
    const COUNT: usize = 200;
    let block: String =
        (0..1usize << 20).map(|at| char::from(b'a' + ((at * 7 + at / 4096) % 26) as u8)).collect();
    let (before, after) = (r#"{"type":"assistant","text":""#, "\"}");
    let fake = FakeClaude::new(megabytes(COUNT, &block, before, "\"}\n"));
    let options = options(&fake, json!({}));
    let ended = program::run(fake.sandbox(), "big_line", Variant::Plain, &options, &[]).expect_success();
    let numbers: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let length = before.len() + COUNT * block.len() + after.len();
    assert_eq!(numbers["length"], length, "{numbers}");
    let parts = [vec![before], vec![block.as_str(); COUNT], vec![after]].concat();
    assert_eq!(numbers["hash"], format!("{:016x}", hash(&parts)), "{numbers}");
    assert_eq!(numbers["others"], 1, "the small message behind it: {numbers}");
    let kilobytes = |name: &str| numbers[name].as_u64().unwrap() as usize;
    assert!(kilobytes("peak_kb") < 5 * length / 1024, "{numbers}");
    assert!(kilobytes("rss_kb") < kilobytes("rss_before_kb") + 64 * 1024, "{numbers}");
}

#[test]
fn d2_a_stream_of_300_megabytes_of_small_lines_keeps_memory_flat() {
    const COUNT: usize = 300;
    let line = format!("{{\"type\":\"stream_event\",\"text\":\"{}\"}}\n", "z".repeat(400));
    let block = line.repeat((1 << 20) / line.len());
    let fake = FakeClaude::new(megabytes(COUNT, &block, "", ""));
    let options = options(&fake, json!({}));
    let ended = program::run(fake.sandbox(), "big_line", Variant::Plain, &options, &[]).expect_success();
    let numbers: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    assert_eq!(numbers["stream_events"], COUNT * (block.len() / line.len()), "{numbers}");
    // The queue may hold 64 MiB; what is beyond it and the program itself is the library's.
    let peak = numbers["peak_kb"].as_u64().unwrap();
    assert!(peak < 160 * 1024, "{numbers}");
}
