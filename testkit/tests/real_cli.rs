//! The real CLI against the loopback API: the proof that both sides of the kit are true to it.

mod pipes;

use std::time::Duration;

use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use pipes::{Talk, control, user, user_with_uuid};
use serde_json::{Value, json};

struct Real {
    talk: Talk,
    api: Loopback,
    _sandbox: Sandbox,
}

fn start(test: &str, arguments: &[&str]) -> Option<Real> {
    let cli = real_cli_or_skip(test)?;
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url());
    let mut command = sandbox.command(cli);
    command
        .args(["--output-format", "stream-json", "--verbose", "--input-format", "stream-json"])
        .args(arguments);
    Some(Real { talk: Talk::start(command), api, _sandbox: sandbox })
}

impl Real {
    /// One turn; the text of its result.
    fn turn(&mut self, prompt: &str) -> String {
        self.talk.send(&user(prompt));
        let result = self.talk.until("result");
        result["result"].as_str().unwrap_or_default().to_owned()
    }
}

#[test]
fn a_conversation_with_history_a_tool_and_a_model_change() {
    let Some(mut real) = start("a_conversation", &[]) else { return };
    assert_eq!(real.turn("hello"), "You said: \"hello\". I have seen 1 user message(s).");
    assert_eq!(real.turn("What is the capital of France?"), "The capital of France is Paris.");
    let tool = r#"USE_TOOL {"name": "Bash", "input": {"command": "echo from-the-tool"}}"#;
    assert_eq!(real.turn(tool), "The tool said: from-the-tool");
    assert_eq!(real.turn("RECALL 1"), "Your message 1 was: hello");

    real.talk.send(&control("m", json!({"subtype": "set_model", "model": "some-other-model"})));
    assert_eq!(real.talk.until("control_response")["response"]["response"]["model"], "some-other-model");
    assert!(real.turn("and now?").contains("I have seen 5 user message(s)"));
    assert_eq!(real.api.last_message().unwrap().conversation.model, "some-other-model");
    assert_eq!(real.talk.close(), Some(0));
}

#[test]
fn parallel_tools_images_thinking_and_a_schema() {
    let schema = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#;
    let Some(mut real) = start("parallel_tools", &[]) else { return };
    let tools = r#"USE_TOOL [{"name":"Bash","input":{"command":"echo one"}},{"name":"Bash","input":{"command":"echo two"}}]"#;
    assert_eq!(real.turn(tools), "The tool said: one\ntwo");
    let pixel =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let mut message = user("");
    message["message"]["content"] = json!([{"type": "text", "text": "Look."},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}}]);
    real.talk.send(&message);
    assert_eq!(real.talk.until("result")["result"], "I see 1 image(s).");
    real.talk.send(&user("THINK about it"));
    assert_eq!(real.talk.until("assistant")["message"]["content"][0]["type"], "thinking");
    real.talk.until("result");
    assert_eq!(real.talk.close(), Some(0));

    let mut real = start("schema", &["--json-schema", schema]).unwrap();
    real.talk.send(&user("Rome"));
    assert_eq!(real.talk.until("result")["structured_output"], json!({"city": "Rome"}));
    assert_eq!(real.talk.close(), Some(0));
}

#[test]
fn a_slow_answer_can_be_interrupted() {
    let Some(mut real) = start("interrupt", &["--include-partial-messages"]) else { return };
    real.talk.send(&user("SLOW 400 50"));
    while real.talk.until("stream_event")["event"]["type"] != "content_block_delta" {}
    real.talk.send(&control("i", json!({"subtype": "interrupt"})));
    assert_eq!(real.talk.until("control_response")["response"]["response"], json!({"still_queued": []}));
    let result = real.talk.until("result");
    assert_eq!(result["terminal_reason"], "aborted_streaming");
    let hung_up = || real.api.messages().iter().any(|message| message.hung_up);
    for _ in 0..200 {
        if hung_up() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(hung_up(), "the CLI closes the stream and the API notices");
    assert!(real.turn("still there?").starts_with("You said: \"still there?\""));
    assert_eq!(real.talk.close(), Some(0));
}

#[test]
fn an_api_error_ends_the_turn_and_the_next_one_works() {
    let Some(mut real) = start("api_error", &[]) else { return };
    real.talk.send(&user("API_ERROR 400"));
    let result = real.talk.until("result");
    assert_eq!((result["is_error"].clone(), result["api_error_status"].clone()), (json!(true), json!(400)));
    assert!(real.turn("better").starts_with("You said: \"better\""));
    assert_eq!(real.talk.close(), Some(0));
}

/// The frames of one turn, as `type/subtype`, without those that only tell of progress.
fn shape(talk: &mut Talk) -> Vec<String> {
    talk.send(&control("i", json!({"subtype": "initialize", "hooks": null})));
    talk.until("control_response");
    talk.send(&user_with_uuid("hello", "33333333-3333-4333-8333-333333333333"));
    let mut kinds = Vec::new();
    loop {
        let frame = talk.next().unwrap();
        let part = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        if part("subtype") != "status" {
            kinds.push(format!("{}/{}{}", part("type"), part("subtype"), part("state")));
        }
        if frame["state"] == "completed" {
            return kinds;
        }
    }
}

#[test]
fn the_stand_in_and_the_real_one_give_the_same_sequence() {
    let Some(mut real) = start("same_sequence", &[]) else { return };
    let fake = FakeClaude::new(json!({}));
    assert_eq!(shape(&mut Talk::start(fake.command())), shape(&mut real.talk));
}

/// Members that a host may rely on exist in both, with the same JSON type.
#[test]
fn the_stand_in_has_the_members_of_the_real_one() {
    let Some(mut real) = start("same_members", &[]) else { return };
    let fake = FakeClaude::new(json!({}));
    let mut fake = Talk::start(fake.command());
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    for (request, frame_type) in [
        (control("i", json!({"subtype": "initialize"})), "control_response"),
        (user("hello"), "system"),
        (user("again"), "result"),
    ] {
        fake.send(&request);
        real.talk.send(&request);
        let (ours, theirs) = (fake.until(frame_type), real.talk.until(frame_type));
        let inner = if frame_type == "control_response" { "/response/response" } else { "" };
        let (ours, theirs) = (ours.pointer(inner).unwrap(), theirs.pointer(inner).unwrap());
        for (name, value) in ours.as_object().unwrap() {
            assert_eq!(kind(value), kind(&theirs[name]), "{frame_type}.{name}: {value} / {}", theirs[name]);
        }
    }
}
