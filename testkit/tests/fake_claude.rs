//! fake-claude over pipes.

mod pipes;

use std::time::{Duration, Instant};

use claude_testkit::fake::FakeClaude;
use pipes::{Talk, control, user, user_with_uuid};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

fn start(script: Value) -> (FakeClaude, Talk) {
    let fake = FakeClaude::new(script);
    let talk = Talk::start(fake.command());
    (fake, talk)
}

fn text_of(frame: &Value) -> &str {
    frame["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[test]
fn without_a_script_it_holds_a_conversation() {
    let (fake, mut talk) = start(json!({}));
    talk.send(&control("i", json!({"subtype": "initialize", "hooks": null})));
    let answer = talk.until("control_response");
    assert_eq!(answer["response"]["request_id"], "i");
    let payload = &answer["response"]["response"];
    assert!(payload["commands"].as_array().is_some_and(|c| !c.is_empty()));
    assert_eq!(payload["claude_code_version"], claude_testkit::CLI_VERSION);
    assert_eq!(payload["pid"], fake.wait_for_log(SOON, |log| log.starts() == 1).pid());

    talk.send(&user_with_uuid("one", "11111111-1111-4111-8111-111111111111"));
    let kinds =
        ["command_lifecycle", "command_lifecycle", "system", "assistant", "result", "command_lifecycle"];
    let frames: Vec<Value> = kinds.iter().map(|_| talk.next().unwrap()).collect();
    assert_eq!(frames.iter().map(|f| f["type"].as_str().unwrap()).collect::<Vec<_>>(), kinds);
    assert_eq!(text_of(&frames[3]), "one");
    assert_eq!(frames[4]["user_message_uuid"], "11111111-1111-4111-8111-111111111111");
    assert_eq!(frames[4]["subtype"], "success");

    talk.send(&user("two"));
    let second = talk.until("result");
    assert!(
        second["total_cost_usd"].as_f64() > frames[4]["total_cost_usd"].as_f64(),
        "the cost is cumulative"
    );
    assert_eq!(talk.close(), Some(0));
    assert_eq!(fake.log().exit_code(), Some(0));
    assert!(fake.log().saw_eof());
}

#[test]
fn control_requests_are_answered_like_the_real_ones() {
    let (_fake, mut talk) = start(json!({}));
    let mut ask = |id: &str, request: Value| {
        talk.send(&control(id, request));
        talk.until("control_response")["response"].clone()
    };
    assert_eq!(ask("1", json!({"subtype": "interrupt"}))["response"], json!({"still_queued": []}));
    assert_eq!(ask("2", json!({"subtype": "set_model", "model": "x"}))["response"]["model"], "x");
    assert_eq!(
        ask("3", json!({"subtype": "set_permission_mode", "mode": "plan"}))["response"]["mode"],
        "plan"
    );
    assert_eq!(
        ask("4", json!({"subtype": "set_permission_mode", "mode": "?"}))["error_code"],
        "invalid_mode"
    );
    let bypass = json!({"subtype": "set_permission_mode", "mode": "bypassPermissions"});
    assert_eq!(ask("5", bypass)["error_code"], "bypass_not_launched");
    assert_eq!(ask("6", json!({"subtype": "mcp_status"}))["response"], json!({"mcpServers": []}));
    assert_eq!(ask("7", json!({"subtype": "from_the_future"}))["error_code"], "unsupported_request");
    talk.send(&user("hi"));
    assert_eq!(talk.until("assistant")["message"]["model"], "x");
    assert_eq!(talk.close(), Some(0));
}

#[test]
fn a_malformed_line_ends_it_as_it_ends_the_real_one() {
    for (line, complaint) in [
        ("no json", "Error parsing streaming input line"),
        (r#"{"type":"user"}"#, "Expected message role 'user'"),
        (r#"{"type":"control_request","request_id":"1"}"#, "Missing request on control_request"),
    ] {
        let (_fake, mut talk) = start(json!({}));
        talk.send_raw(format!("\r\n[1]\n{{\"type\":\"keep_alive\"}}\n{line}\n").as_bytes());
        assert_eq!(talk.next(), None);
        assert_eq!(talk.wait(), Some(1), "{line}");
        assert!(talk.stderr().contains(complaint), "{line}: {}", talk.stderr());
    }
}

#[test]
fn an_interrupt_cuts_the_turn_and_names_the_queued_prompts() {
    let slow = json!([{"stream": "word ".repeat(200), "deltas": 200, "delay_ms": 20}, "result"]);
    let (_fake, mut talk) = start(json!({"on_user": [["init", slow[0], "result"], ["default"]]}));
    talk.send(&user("first"));
    talk.send(&user_with_uuid("second", "22222222-2222-4222-8222-222222222222"));
    talk.until("system");
    std::thread::sleep(Duration::from_millis(200));
    talk.send(&control("int", json!({"subtype": "interrupt"})));
    let receipt = talk.until("control_response");
    assert_eq!(
        receipt["response"]["response"]["still_queued"],
        json!(["22222222-2222-4222-8222-222222222222"])
    );
    let cut = talk.until("assistant");
    assert_eq!(cut["aborted"], true);
    assert!(text_of(&cut).starts_with("word") && text_of(&cut).len() < 900, "{cut}");
    let result = talk.until("result");
    assert_eq!(
        (result["is_error"].clone(), result["terminal_reason"].clone()),
        (json!(true), json!("aborted_streaming"))
    );
    assert_eq!(text_of(&talk.until("assistant")), "second");
    talk.until("result");
    assert_eq!(talk.close(), Some(0));
}

#[test]
fn it_asks_the_host_and_reports_the_answer() {
    let asks = json!([{"ask": {"subtype": "can_use_tool", "tool_name": "Write"}, "id": "p"}, "result"]);
    let (fake, mut talk) = start(json!({"on_user": asks}));
    talk.send(&user("go"));
    let request = talk.until("control_request");
    assert_eq!(
        (request["request_id"].clone(), request["request"]["tool_name"].clone()),
        (json!("p"), json!("Write"))
    );
    let answer =
        json!({"subtype": "success", "request_id": "p", "response": {"behavior": "deny", "message": "no"}});
    talk.send(&json!({"type": "control_response", "response": answer}));
    let report: Value = serde_json::from_str(text_of(&talk.until("assistant"))).unwrap();
    assert_eq!(report, answer);
    talk.until("result");
    assert_eq!(talk.close(), Some(0));
    assert_eq!(fake.log().responses(), [answer]);
}

#[test]
fn many_requests_are_open_at_once_and_can_be_withdrawn() {
    let script = json!({"on_user": [
        {"repeat": 3, "do": [{"ask": "hook_callback", "id": "h{{i}}", "wait": false}]},
        {"cancel": "h1"},
        {"await": "all"},
        {"text": "{{answers.h0.response}} {{answers.h2.response}}"},
        {"ask": "elicitation", "id": "late", "timeout_ms": 50},
        "result",
    ]});
    let (_fake, mut talk) = start(script);
    talk.send(&user("go"));
    assert_eq!(talk.until("control_cancel_request")["request_id"], "h1");
    for id in ["h2", "h0"] {
        let response = json!({"subtype": "success", "request_id": id, "response": {"id": id}});
        talk.send(&json!({"type": "control_response", "response": response}));
    }
    assert_eq!(text_of(&talk.until("assistant")), r#"{"id":"h0"} {"id":"h2"}"#);
    assert_eq!(talk.until("control_cancel_request")["request_id"], "late");
    assert!(text_of(&talk.until("assistant")).contains("timeout"));
    assert_eq!(talk.close(), Some(0));
}

#[test]
fn bytes_come_exactly_as_the_script_says() {
    let script = json!({"on_start": [
        {"write": "[SandboxDebug] junk\n"},
        {"write_hex": "7b 22 61 22 3a 31 7d 0a"},
        {"write_base64": "eyJiIjoyfQo="},
        {"send": {"type": "x", "text": "日本 {{session_id}}", "n": "{{n}}"}, "chunk": 1},
        {"write_utf16": "ab"},
        {"cut": {"type": "result"}, "at": 5},
        {"exit": 7},
    ]});
    let fake = FakeClaude::new(script);
    let output = fake.command().arg("--session-id=abc").output().unwrap();
    let expected = "[SandboxDebug] junk\n{\"a\":1}\n{\"b\":2}\n{\"type\":\"x\",\"text\":\"日本 abc\",\"n\":0}\na\0b\0{\"typ";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn floods_and_huge_lines_have_the_asked_sizes() {
    let fake = FakeClaude::new(json!({"on_start": [
        {"flood": 1000, "bytes": 300}, {"flood": 1000, "bytes": 300, "batch": 65536}, {"line_bytes": 3_000_000},
        {"stderr_bytes": 200_000},
    ]}));
    let mut talk = Talk::start(fake.command());
    let lines: Vec<Value> =
        std::iter::from_fn(|| talk.next_or_stop(|frame| frame["seq"].is_null())).take(2001).collect();
    assert_eq!(lines[1999]["seq"], 999);
    assert_eq!(lines[0].to_string().len(), 299);
    assert_eq!(lines[2000].to_string().len(), 3_000_000);
    assert_eq!(talk.close(), Some(0));
    assert_eq!(talk.stderr().len(), 200_000);
}

#[test]
fn controls_can_be_ignored_held_back_and_refused() {
    let script = json!({"on_control": {
        "mcp_status": [],
        "get_settings": [{"reverse_after": 2}],
        "set_model": [{"respond_error": "no {{request.model}}", "code": "c"}],
        "rename_session": [{"sleep": 50}, {"respond": {"late": true}}],
    }});
    let (_fake, mut talk) = start(script);
    for (id, subtype) in
        [("a", "mcp_status"), ("b", "get_settings"), ("c", "rename_session"), ("d", "get_settings")]
    {
        talk.send(&control(id, json!({"subtype": subtype})));
    }
    talk.send(&control("e", json!({"subtype": "set_model", "model": "m"})));
    let answers: Vec<Value> = (0..4).map(|_| talk.until("control_response")["response"].clone()).collect();
    let ids: Vec<&str> = answers.iter().map(|answer| answer["request_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["d", "b", "e", "c"]);
    assert_eq!((answers[2]["error"].clone(), answers[2]["error_code"].clone()), (json!("no m"), json!("c")));
    assert_eq!(talk.close(), Some(0));
}

#[test]
fn turns_of_its_own_carry_an_origin() {
    let (_fake, mut talk) = start(json!({"on_user": [
        "default", {"system": "background_tasks_changed", "tasks": []}, "keep_alive", {"mirror": 2},
        {"state": "running"}, {"autonomous": "A task has ended."}]}));
    talk.send(&user("go"));
    assert!(talk.until("result")["origin"].is_null());
    assert_eq!(talk.next().unwrap()["subtype"], "background_tasks_changed");
    assert_eq!(talk.next().unwrap()["type"], "keep_alive");
    assert_eq!(talk.next().unwrap()["entries"].as_array().unwrap().len(), 2);
    assert_eq!(talk.next().unwrap()["state"], "running");
    let result = talk.until("result");
    assert_eq!(
        (result["origin"]["kind"].clone(), result["result"].clone()),
        (json!("task-notification"), json!("A task has ended."))
    );
    assert_eq!(talk.close(), Some(0));
}

#[test]
fn a_rejected_resume_looks_like_the_real_one() {
    for (place, on_stdout, on_stderr) in
        [("result", true, false), ("stderr", false, true), ("both", true, true)]
    {
        let fake = FakeClaude::new(json!({"on_start": [{"fail_resume": place}]}));
        let output = fake.command().arg("--resume=0000").output().unwrap();
        let text = "No conversation found with session ID: 0000";
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stdout).contains(text), on_stdout, "{place}");
        assert_eq!(String::from_utf8_lossy(&output.stderr).contains(text), on_stderr, "{place}");
    }
}

#[test]
fn a_bad_script_is_refused_by_name() {
    for (script, complaint) in [
        (json!({"on_user": [{"sned": 1}]}), "on_user.0 (sned): no action"),
        (json!({"on_user": [{"sleep": 1, "for": 2}]}), "on_user.0 (sleep): unknown member \"for\""),
        (json!({"on_usr": []}), "script: unknown member \"on_usr\""),
    ] {
        let output = FakeClaude::new(script).command().output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains(complaint), "{stderr}");
    }
}

#[test]
fn the_version_is_the_pinned_one() {
    let fake = FakeClaude::new(json!({}));
    let output = fake.command().arg("--version").output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{} (Claude Code)\n", claude_testkit::CLI_VERSION)
    );
}

#[test]
fn state_frames_appear_when_the_host_reads_them() {
    let fake = FakeClaude::new(json!({}));
    let mut command = fake.command();
    let mut talk = Talk::start({
        command.env("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1");
        command
    });
    talk.send(&user("hi"));
    let running = talk.next().unwrap();
    assert_eq!((running["state"].clone(), running["sdk_host_only"].clone()), (json!("running"), json!(true)));
    talk.until("result");
    assert_eq!(talk.next().unwrap()["state"], "idle");
    assert_eq!(talk.close(), Some(0));
}

#[test]
fn reading_can_stop_and_go_on() {
    let (_fake, mut talk) = start(json!({"on_start": [{"sleep": 300}]}));
    let began = Instant::now();
    talk.send(&user("hi"));
    talk.until("result");
    assert!(began.elapsed() >= Duration::from_millis(150), "nothing may be read before on_start has run");
    assert_eq!(talk.close(), Some(0));
}

/// Whatever the documentation shows has to be understood.
#[test]
fn every_script_in_the_documentation_is_valid() {
    let readme = include_str!("../README.md");
    let in_tables =
        readme.lines().filter_map(|line| Some(line.split_once("`{\"on_")?.1.split_once("}` |")?.0));
    let mut scripts: Vec<String> = in_tables.map(|inner| format!("{{\"on_{inner}}}")).collect();
    let blocks =
        readme.split("```json\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()));
    scripts.extend(blocks.filter(|block| block.contains("on_user")));
    assert!(scripts.len() >= 8, "{scripts:?}");
    for script in scripts {
        let script: Value = serde_json::from_str(&script).unwrap_or_else(|error| panic!("{error}: {script}"));
        // `--version` ends it after the script has been read.
        let output = FakeClaude::new(script.clone()).command().arg("--version").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn it_can_stop_reading_in_the_middle_and_go_on() {
    let (fake, mut talk) = start(json!({"on_user": [[{"stop_reading": 300}, "default"], ["default"]]}));
    // From here, so that a busy machine can only make it longer.
    let began = Instant::now();
    talk.send(&user("one"));
    talk.until("result");
    // The read in progress still ends with the second prompt; the third waits for the pause.
    talk.send(&user("two"));
    talk.until("result");
    talk.send(&user("three"));
    talk.until("result");
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    assert_eq!(talk.close(), Some(0));
    assert_eq!(fake.log().prompts().len(), 3);
}

#[test]
fn a_prompt_may_carry_braces_and_a_turn_may_be_scripted_whole() {
    let (_fake, mut talk) = start(
        json!({"on_user": [["default"], [{"turn": "{{prompt}} {{n}}"}], [{"allocate_mb": 1}, "result"]]}),
    );
    talk.send(&user("{{session_id}}"));
    assert_eq!(text_of(&talk.until("assistant")), "{{session_id}}");
    assert_eq!(talk.until("result")["result"], "{{session_id}}");
    talk.send(&user("second"));
    assert_eq!(talk.until("result")["result"], "second 2");
    talk.send(&user("third"));
    talk.until("result");
    assert_eq!(talk.close(), Some(0));
}

#[test]
fn it_takes_every_answer_that_javascript_takes() {
    let ask = json!([{"ask": "can_use_tool", "id": "a"}, "result"]);
    let (_fake, mut talk) = start(json!({"on_user": ask}));
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let values: [(Vec<u8>, &str); 6] = [
        (br#""cut \ud83d""#.to_vec(), "cut \u{FFFD}"),
        (br#"{"\udc00":1}"#.to_vec(), "\u{FFFD}"),
        (b"\"not \xff UTF-8\"".to_vec(), "not \u{FFFD} UTF-8"),
        (b"1e999".to_vec(), "null"),
        (deep(300).into_bytes(), "[[[1]]]"),
        (deep(100_000).into_bytes(), "[[[1]]]"),
    ];
    for (value, expected) in values {
        talk.send(&user("go"));
        assert_eq!(talk.until("control_request")["request_id"], "a");
        let before: &[u8] = br#"{"type":"control_response","response":{"subtype":"success","request_id":"a","response":{"x":"#;
        talk.send_raw(&[before, &value, b"}}}\n"].concat());
        let report = talk.until("assistant");
        assert!(text_of(&report).contains(expected), "{expected}: {:.200}", text_of(&report));
        talk.until("result");
    }
    // What JavaScript does not take ends it, as ever.
    talk.send_raw(b"{\"type\":\"user\",}\n");
    assert_eq!(talk.wait(), Some(1));
}
