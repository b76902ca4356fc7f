//! In-process tools with the real CLI: the model uses them, and sees what they answer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::*;
use claude_client::capi::client::{claude_client_connect_wait, claude_client_state};
use claude_client::capi::talk::claude_client_end_input_after_run;
use claude_client::capi::types::{claude_dispatch_t, claude_state_t, claude_status_t};
use claude_testkit::loopback::aborted_at_tools;
use serde_json::{Value, json};

macro_rules! real {
    ($name:literal) => {
        match Real::new($name) {
            Some(real) => real,
            None => return,
        }
    };
}

fn use_tool(name: &str, input: &Value) -> String {
    format!("USE_TOOL {}", json!({"name": name, "input": input}))
}

fn use_tools(calls: &[(&str, Value)]) -> String {
    let calls: Vec<Value> = calls.iter().map(|(name, input)| json!({"name": name, "input": input})).collect();
    format!("USE_TOOL {}", Value::Array(calls))
}

/// The texts of a tool result as the model got it.
fn texts(block: &Value) -> String {
    match &block["content"] {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        other => panic!("no content: {other}"),
    }
}

fn results(real: &Real) -> Vec<Value> {
    real.last_blocks().into_iter().filter(|block| block["type"] == "tool_result").collect()
}

#[test]
fn the_model_sees_and_uses_a_tool() {
    let real = real!("the_model_sees_and_uses_a_tool");
    let tools = calculator();
    let client = real.client().with(&tools);
    client.connect();
    let result = client.turn(&use_tool("mcp__calc__add", &json!({"a": 20, "b": 22})));
    assert_eq!(result["is_error"], false, "{result}");
    let offered = real.api.last_message().unwrap().body["tools"].as_array().unwrap().clone();
    let tool = offered.iter().find(|tool| tool["name"] == "mcp__calc__add").expect("offered");
    assert_eq!(tool["description"], "Adds two numbers.");
    assert_eq!(tool["input_schema"]["required"], json!(["a", "b"]));
    assert_eq!(texts(&results(&real)[0]), "42");
    assert!(result["result"].as_str().unwrap().contains("The tool said: 42"), "{result}");
}

/// The CLI drops every tool of a server when one of them has a member of the wrong type, and says nothing.
#[test]
fn what_is_taken_as_a_tool_costs_no_other_tool() {
    let real = real!("what_is_taken_as_a_tool_costs_no_other_tool");
    let tools = calculator();
    let odd = [
        ("title", json!(3)),
        ("description", Value::Null),
        ("annotations", Value::Null),
        ("annotations", json!({"readOnlyHint": "yes"})),
        ("annotations", json!({"title": 3})),
        ("outputSchema", Value::Null),
        ("icons", json!([{}])),
        ("execution", json!(3)),
        ("_meta", Value::Null),
        ("unknown", Value::Null),
    ];
    for (index, (member, value)) in odd.into_iter().enumerate() {
        let added =
            tools.add(&json!({"name": format!("odd{index}"), member: value}), |call| call.answer("odd"));
        if let Err(failure) = added {
            assert_eq!(failure.status, claude_status_t::CLAUDE_ERR_INVALID_ARGUMENT);
            let pointer = failure.json["pointer"].as_str().expect("the place").to_owned();
            assert!(pointer.starts_with(&format!("/{member}")), "{}", failure.json);
        }
    }
    let client = real.client().with(&tools);
    client.connect();
    client.turn(&use_tool("mcp__calc__add", &json!({"a": 20, "b": 22})));
    assert_eq!(texts(&results(&real)[0]), "42");
}

#[test]
fn images_links_errors_and_bad_arguments_reach_the_model() {
    let real = real!("images_links_errors_and_bad_arguments");
    let tools = calculator();
    // A PNG of one pixel.
    let png: &[u8] = &[
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0,
        0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c,
        0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0, 5, 0, 1, 0xff, 0x89, 0x99, 0x3d, 0x1d, 0, 0, 0, 0, 0x49, 0x45,
        0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ];
    tools
        .add(&json!({"name": "shot"}), move |call| {
            call.add_text("a picture").unwrap();
            call.add_image(png, "image/png").unwrap();
            call.add_block(&json!({"type": "resource_link", "name": "log", "uri": "file:///var/log/x"}))
                .unwrap();
            call.finish().unwrap();
        })
        .unwrap();
    tools.add(&json!({"name": "broken"}), |call| call.fail("The disk is full.").unwrap()).unwrap();
    let client = real.client().with(&tools);
    client.connect();
    client.turn(&use_tools(&[
        ("mcp__calc__shot", json!({})),
        ("mcp__calc__broken", json!({})),
        ("mcp__calc__add", json!({"a": 1, "b": "two"})),
    ]));
    let results = results(&real);
    let image = results[0]["content"].as_array().unwrap().iter().find(|block| block["type"] == "image");
    assert_eq!(image.expect("an image block")["source"]["media_type"], "image/png");
    assert!(texts(&results[0]).contains("a picture") && texts(&results[0]).contains("file:///var/log/x"));
    assert_eq!(
        (results[1]["is_error"].clone(), texts(&results[1])),
        (json!(true), "The disk is full.".to_owned())
    );
    assert_eq!(results[2]["is_error"], true);
    assert!(texts(&results[2]).contains("Input validation error"), "{}", results[2]);
}

/// A result of so many characters, with or without the leave to be as large; what the model got.
fn result_of(real: &Real, size: usize, meta: Value) -> String {
    let tools = Tools::new("calc", &json!({}));
    tools
        .add(&json!({"name": "large", "_meta": meta}), move |call| {
            call.answer(&format!("{}the end", "0123456789abcdef".repeat(size / 16)));
        })
        .unwrap();
    let client = real.client().with(&tools);
    client.connect();
    client.turn(&use_tool("mcp__calc__large", &json!({})));
    texts(&results(real)[0])
}

#[test]
fn d3_large_results_reach_the_cli_whole() {
    let real = real!("large_results");
    let leave = json!({"anthropic/maxResultSizeChars": 500_000});
    let whole = result_of(&real, 400_000, leave.clone());
    assert_eq!(whole.len(), 400_007, "the CLI did not see the tool's _meta");
    // Beyond its own bounds the CLI keeps the result in a file, whole, and tells the model where.
    let told = result_of(&real, 2 << 20, leave);
    let path = told.split_whitespace().map(|word| word.trim_end_matches(['.', ',']));
    let path = path.filter(|word| word.starts_with('/')).find(|word| std::path::Path::new(word).is_file());
    let path = path.unwrap_or_else(|| panic!("no file in {told}"));
    let file = std::fs::read_to_string(path).unwrap();
    assert!(file.len() >= (2 << 20) + 7 && file.contains("the end"), "{} bytes in {path}", file.len());
}

#[test]
fn an_interrupt_reaches_the_function() {
    let real = real!("an_interrupt");
    let tools = calculator();
    let (started, begun) = channel();
    let (told, cancelled) = channel();
    let (started, told) = (Mutex::new(started), Mutex::new(told));
    tools
        .add(&json!({"name": "long"}), move |call| {
            let told = told.lock().unwrap().clone();
            call.on_cancel(move |_| told.send(()).unwrap()).unwrap();
            started.lock().unwrap().send(()).unwrap();
            wait_until("the call is cancelled", || call.is_cancelled());
            assert_eq!(call.finish().unwrap_err().status, claude_status_t::CLAUDE_ERR_STALE);
        })
        .unwrap();
    let client = real.client().with(&tools);
    client.connect();
    client.query(&use_tool("mcp__calc__long", &json!({})));
    begun.recv_timeout(PATIENCE).unwrap();
    client.interrupt();
    client.wait_for_result();
    assert!(aborted_at_tools(&client.last_result()), "{}", client.last_result());
    cancelled.recv_timeout(PATIENCE).unwrap();
    // The server survives.
    client.turn("Never mind.");
    let next = client.turn(&use_tool("mcp__calc__add", &json!({"a": 1, "b": 1})));
    assert!(next["result"].as_str().unwrap().contains("2"), "{next}");
}

#[test]
fn new_tools_are_listed_again() {
    let real = real!("new_tools");
    let tools = calculator();
    let client = real.client().with(&tools);
    client.connect();
    client.turn("Hello.");
    assert!(!real.offered().contains(&"mcp__calc__later".to_owned()));
    tools.add(&json!({"name": "later", "description": "Later."}), |call| call.answer("here")).unwrap();
    tools.remove("add").unwrap();
    // The CLI asks for the list by itself; when is its own affair.
    let later = || real.offered().contains(&"mcp__calc__later".to_owned());
    for _ in 0..50 {
        client.turn("Hello again.");
        if later() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(later(), "{:?}", real.offered());
    client.turn(&use_tool("mcp__calc__later", &json!({})));
    assert_eq!(texts(&results(&real)[0]), "here");
    // A tool that is gone stays in the CLI's list for the sake of the prompt's cache; a call of it goes nowhere.
    client.turn(&use_tool("mcp__calc__add", &json!({"a": 1, "b": 1})));
    let gone = &results(&real)[0];
    assert!(gone["is_error"] == true && texts(gone).contains("No such tool"), "{gone}");
}

/// Ten calls in one message of the model; the most that were at work at once.
fn most_at_once(real: &Real, max_concurrency: u32) -> usize {
    let tools = Tools::new("calc", &json!({}));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = most.clone();
    let definition =
        json!({"name": "work", "max_concurrency": max_concurrency, "annotations": {"readOnlyHint": true}});
    tools
        .add(&definition, move |call| {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(500));
            now.fetch_sub(1, Ordering::SeqCst);
            call.answer("done");
        })
        .unwrap();
    let client = real.client().with(&tools);
    client.connect();
    let calls: Vec<_> = (0..10).map(|_| ("mcp__calc__work", json!({}))).collect();
    client.turn(&use_tools(&calls));
    let results = results(real);
    assert_eq!(results.iter().filter(|block| texts(block) == "done").count(), 10, "{results:?}");
    most.load(Ordering::SeqCst)
}

#[test]
fn q2_parallel_calls_keep_to_the_limit_of_the_tool() {
    let real = real!("parallel_calls");
    assert_eq!(most_at_once(&real, 1), 1);
    let together = most_at_once(&real, 10);
    assert!(together > 1, "the CLI's parallel calls ran one after another");
    eprintln!("{together} of 10 calls at once");
}

#[test]
fn two_servers_and_an_answer_from_another_thread() {
    let real = real!("two_servers");
    let (tools, more) = (calculator(), Tools::new("more", &json!({})));
    let (hand, calls) = channel::<Call>();
    let hand = Mutex::new(hand);
    more.add(&json!({"name": "later"}), move |call| hand.lock().unwrap().send(call).unwrap()).unwrap();
    let client = real.client().with(&tools).with(&more);
    client.connect();
    let worker = std::thread::spawn(move || {
        let call = calls.recv_timeout(PATIENCE).unwrap();
        assert_eq!((call.server(), call.name()), ("more".to_owned(), "later".to_owned()));
        std::thread::sleep(Duration::from_millis(500));
        call.answer("from another thread");
    });
    client.turn(&use_tools(&[("mcp__calc__add", json!({"a": 2, "b": 3})), ("mcp__more__later", json!({}))]));
    worker.join().unwrap();
    let said: Vec<String> = results(&real).iter().map(texts).collect();
    assert_eq!(said, ["5", "from another thread"]);
}

#[test]
fn q1_a_call_knows_its_tool_use_and_progress_does_not_prolong_it() {
    let real = real!("progress");
    let tools = Tools::new("calc", &json!({"timeout_ms": 1500}));
    let (hand, metas) = channel::<Value>();
    let hand = Mutex::new(hand);
    tools
        .add(&json!({"name": "steps"}), move |call| {
            hand.lock().unwrap().send(call.meta()).unwrap();
            let steps = call.arguments()["steps"].as_f64().unwrap_or_default();
            for step in 1..=steps as u32 {
                if call.progress(f64::from(step), steps, "working").is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            call.answer("done");
        })
        .unwrap();
    let client = real.client().with(&tools);
    client.connect();
    client.turn(&use_tool("mcp__calc__steps", &json!({"steps": 3})));
    assert_eq!(texts(&results(&real)[0]), "done");
    let meta = metas.recv_timeout(PATIENCE).unwrap();
    assert!(meta["claudecode/toolUseId"].as_str().is_some_and(|id| id.starts_with("toolu_")), "{meta}");
    assert!(!meta["progressToken"].is_null(), "{meta}");
    client.turn(&use_tool("mcp__calc__steps", &json!({"steps": 40})));
    let result = texts(&results(&real)[0]);
    assert!(result.contains("timed out"), "{result}");
}

#[test]
fn q1_the_timeout_of_the_server_is_kept_by_the_cli() {
    let real = real!("the_timeout");
    let tools = Tools::new("calc", &json!({"timeout_ms": 1500}));
    let cancelled = Arc::new(AtomicBool::new(false));
    let seen = cancelled.clone();
    tools
        .add(&json!({"name": "slow"}), move |call| {
            wait_until("the CLI gives up", || call.is_cancelled());
            seen.store(true, Ordering::SeqCst);
        })
        .unwrap();
    let client = real.client().with(&tools);
    client.connect();
    client.turn(&use_tool("mcp__calc__slow", &json!({})));
    let result = &results(&real)[0];
    assert!(texts(result).contains("timed out"), "{result}");
    wait_until("the function was told", || cancelled.load(Ordering::SeqCst));
}

#[test]
fn a_toggled_server_is_greeted_again() {
    let real = real!("a_toggled_server");
    let tools = calculator();
    let client = real.client().with(&tools);
    client.connect();
    let say = |a: i32| {
        client.turn(&use_tool("mcp__calc__add", &json!({"a": a, "b": 1})));
        texts(&results(&real)[0])
    };
    let toggle = |enabled: bool| {
        client.control(&json!({"subtype": "mcp_toggle", "serverName": "calc", "enabled": enabled}));
    };
    assert_eq!(say(1), "2");
    toggle(false);
    let disabled = say(2);
    assert!(disabled.contains("No such tool"), "{disabled}");
    toggle(true);
    assert_eq!(say(3), "4");
}

#[test]
fn in_process_servers_stay_when_others_are_set_and_may_come_late() {
    let real = real!("set_servers");
    let (tools, more) = (calculator(), Tools::new("more", &json!({"timeout_ms": 1500})));
    more.add(&json!({"name": "here"}), |call| call.answer("here")).unwrap();
    more.add(&json!({"name": "slow"}), |call| wait_until("the CLI gives up", || call.is_cancelled()))
        .unwrap();
    let client = real.client().with(&tools);
    client.connect();
    let says = |tool: &str, input: Value| {
        client.turn(&use_tool(tool, &input));
        texts(&results(&real)[0])
    };
    let sum = |a: i32| says("mcp__calc__add", json!({"a": a, "b": 1}));
    assert_eq!(sum(1), "2");
    let reply = client.set_servers(&json!({}));
    eprintln!("{reply}");
    assert_eq!(sum(2), "3", "{reply}");
    // One that is added now is announced with the next set.
    client.add(&more).unwrap();
    let reply = client.set_servers(&json!({}));
    eprintln!("{reply}");
    assert_eq!(sum(3), "4", "{reply}");
    assert_eq!(says("mcp__more__here", json!({})), "here", "{reply}");
    assert!(says("mcp__more__slow", json!({})).contains("timed out"), "its options are kept");
    // And one that is not wanted any more is null.
    let reply = client.set_servers(&json!({"calc": null}));
    eprintln!("{reply}");
    assert!(sum(4).contains("No such tool"), "{reply}");
    assert_eq!(says("mcp__more__here", json!({})), "here", "{reply}");
}

#[test]
fn in_pump_and_pull_mode_the_model_is_served_as_well() {
    use claude_client::capi::types::claude_message_kind_t as kind;
    let real = real!("in_pump_and_pull_mode");
    let tools = calculator();
    let client = real.client_with(json!({}), claude_dispatch_t::CLAUDE_DISPATCH_PUMP).with(&tools);
    client.connect();
    client.turn(&use_tool("mcp__calc__add", &json!({"a": 4, "b": 4})));
    assert_eq!(texts(&results(&real)[0]), "8");
    drop(client);
    let client = real.client_with(json!({}), claude_dispatch_t::CLAUDE_DISPATCH_PULL).with(&tools);
    client.connect();
    client.query(&use_tool("mcp__calc__add", &json!({"a": 5, "b": 5})));
    loop {
        let event = client.next().expect("an event");
        match event.kind() {
            kind::CLAUDE_EVENT_TOOL_CALL => add(event.take_call().expect("a call")),
            kind::CLAUDE_MESSAGE_RESULT => break,
            _ => {}
        }
    }
    assert_eq!(texts(&results(&real)[0]), "10");
}

#[test]
fn edge_027_a_tool_of_a_single_prompt_is_answered_and_the_process_ends() {
    let real = real!("edge_027");
    let tools = calculator();
    let client = real.client().with(&tools);
    let prompt = c(&use_tool("mcp__calc__add", &json!({"a": 20, "b": 22})));
    // SAFETY: here and below a live handle and a NUL-terminated text.
    try_call(|error| unsafe { claude_client_connect_wait(client.handle, prompt.as_ptr(), 60_000, error) })
        .expect("connected");
    // SAFETY: as above.
    try_call(|error| unsafe { claude_client_end_input_after_run(client.handle, error) }).expect("ending");
    client.wait_for_result();
    let closed = claude_state_t::CLAUDE_STATE_CLOSED;
    // SAFETY: as above.
    wait_until("the end of the session", || unsafe { claude_client_state(client.handle) } == closed);
    let result = client.last_result();
    assert!(result["result"].as_str().unwrap().contains("The tool said: 42"), "{result}");
}

/// What docs/tools.md says of large whole numbers.
#[test]
fn whole_numbers_beyond_doubles_are_exact_as_json_text_and_rounded_elsewhere_which_is_told() {
    let real = real!("large_numbers");
    let tools = Tools::new("more", &json!({}));
    let (sender, received) = channel();
    let of_text = json!({"name": "of_text", "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}});
    let structured = json!({"name": "structured"});
    tools
        .add(&of_text, move |call| {
            sender.send(call.raw_arguments()).unwrap();
            call.answer("9007199254740993");
        })
        .unwrap();
    tools
        .add(&structured, |call| {
            call.set_structured(&json!({"n": 9_007_199_254_740_993_u64})).unwrap();
            call.finish().unwrap();
        })
        .unwrap();
    let client = real.client().with(&tools);
    client.connect();
    client.turn(&use_tool("mcp__more__of_text", &json!({"n": 9_007_199_254_740_993_u64})));
    assert_eq!(received.recv().unwrap(), r#"{"n":9007199254740992}"#);
    assert_eq!(texts(&results(&real)[0]), "9007199254740993");
    client.turn(&use_tool("mcp__more__structured", &json!({})));
    assert!(texts(&results(&real)[0]).contains("9007199254740992"), "{:?}", results(&real));
    let messages = client.messages.lock().unwrap().clone();
    let warnings: Vec<Value> =
        messages.into_iter().map(|(_, json)| json).filter(|json| json["event"] == "number_rounded").collect();
    let places: Vec<&str> = warnings.iter().filter_map(|warning| warning["place"].as_str()).collect();
    assert_eq!(places, ["arguments", "structured content"], "{warnings:#?}");
}
