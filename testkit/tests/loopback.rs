//! The loopback API over plain HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use claude_testkit::Patience;
use claude_testkit::loopback::{Config, Loopback, Reply, Rule};
use claude_testkit::{Sandbox, loopback_bin};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

fn connect(api: &Loopback) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", api.port())).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

fn write_request(stream: &mut TcpStream, method: &str, path: &str, body: &str) {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: secret\r\nconnection: close\r\n");
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
}

/// Status and body of a whole answer.
fn call(api: &Loopback, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = connect(api);
    write_request(&mut stream, method, path, &body.to_string());
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

fn asked(prompt: &str) -> Value {
    json!({"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": prompt}]})
}

fn text(answer: &Value) -> &str {
    answer["content"][0]["text"].as_str().unwrap_or_default()
}

#[test]
fn a_plain_answer_quotes_the_prompt_and_counts_the_history() {
    let api = Loopback::start();
    let (status, answer) = call(&api, "POST", "/v1/messages?beta=true", &asked("hello"));
    assert_eq!((status, text(&answer)), (200, "You said: \"hello\". I have seen 1 user message(s)."));
    assert_eq!((answer["model"].clone(), answer["stop_reason"].clone()), (json!("m"), json!("end_turn")));
    let history = json!({"model": "m", "messages": [{"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]});
    let (_, second) = call(&api, "POST", "/v1/messages", &history);
    assert!(text(&second).contains("I have seen 2 user message(s)"));
    assert_ne!(answer["id"], second["id"]);
    let recorded = &api.messages()[0];
    assert_eq!((recorded.conversation.prompt(), recorded.header("x-api-key")), ("hello", Some("<present>")));
}

#[test]
fn other_routes_have_sane_answers() {
    let api = Loopback::start();
    let (status, count) = call(&api, "POST", "/v1/messages/count_tokens", &asked("hello"));
    assert!(status == 200 && count["input_tokens"].as_u64() > Some(0));
    let (status, error) = call(&api, "GET", "/v1/unknown", &json!({}));
    assert_eq!((status, error["error"]["type"].clone()), (404, json!("not_found_error")));
    let (status, error) = call(&api, "POST", "/v1/messages", &json!({}));
    assert_eq!((status, error["error"]["type"].clone()), (400, json!("invalid_request_error")));
    assert_eq!((api.requests().len(), api.messages().len()), (3, 1));
}

#[test]
fn errors_have_the_status_and_kind_of_the_real_api() {
    let api = Loopback::start();
    for (status, kind) in
        [(401, "authentication_error"), (429, "rate_limit_error"), (529, "overloaded_error")]
    {
        let (got, error) = call(&api, "POST", "/v1/messages", &asked(&format!("API_ERROR {status}")));
        assert_eq!((got, error["error"]["type"].clone()), (status, json!(kind)));
    }
}

#[test]
fn a_stream_arrives_piece_by_piece() {
    let api = Loopback::start();
    let mut request = asked("SLOW 5 60");
    request["stream"] = json!(true);
    let mut stream = connect(&api);
    write_request(&mut stream, "POST", "/v1/messages", &request.to_string());
    let (mut events, mut times) = (Vec::new(), Vec::new());
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            let event: Value = serde_json::from_str(data).unwrap();
            let last = event["type"] == "message_stop";
            if event["type"] == "content_block_delta" {
                times.push(Instant::now());
            }
            events.push(event["type"].as_str().unwrap().to_owned());
            if last {
                break;
            }
        }
    }
    let expected = ["message_start", "ping", "content_block_start"];
    assert_eq!(events[..3], expected);
    assert_eq!(events[8..], ["content_block_stop", "message_delta", "message_stop"]);
    assert!(times[4] - times[0] > Duration::from_millis(120), "the pieces must not come in one go");
}

#[test]
fn a_hang_up_is_noticed_at_once() {
    let api = Loopback::start();
    let mut request = asked("SILENT");
    request["stream"] = json!(true);
    let mut stream = connect(&api);
    write_request(&mut stream, "POST", "/v1/messages", &request.to_string());
    let wait = |hung_up: bool| {
        let seen = || api.last_message().is_some_and(|message| message.hung_up == hung_up);
        assert!(Patience::new(SOON).until(seen), "hung_up = {hung_up}");
    };
    wait(false);
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    wait(true);
}

#[test]
fn rules_come_before_the_keywords_and_are_used_up() {
    let api = Loopback::start();
    api.set_rules(vec![
        Rule::on_prompt("weather", Reply::tool("Weather", json!({"city": "Rome"}))).times(1),
        Rule::on_tool_result("sunny", Reply::text("It is {{tool_result}}.")),
    ]);
    let (_, call_1) = call(&api, "POST", "/v1/messages", &asked("weather?"));
    assert_eq!(
        (call_1["stop_reason"].clone(), call_1["content"][0]["name"].clone()),
        (json!("tool_use"), json!("Weather"))
    );
    let mut next = asked("weather?");
    let result =
        json!({"type": "tool_result", "tool_use_id": call_1["content"][0]["id"], "content": "sunny"});
    next["messages"].as_array_mut().unwrap().push(json!({"role": "user", "content": [result]}));
    assert_eq!(text(&call(&api, "POST", "/v1/messages", &next).1), "It is sunny.");
    assert!(text(&call(&api, "POST", "/v1/messages", &asked("weather?")).1).starts_with("You said"));
}

#[test]
fn dropping_it_ends_a_silent_answer() {
    let api =
        Loopback::with_config(Config { rules: vec![Rule::always(Reply::silent())], ..Config::default() })
            .unwrap();
    let mut stream = connect(&api);
    write_request(&mut stream, "POST", "/v1/messages", &asked("x").to_string());
    while api.messages().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let began = Instant::now();
    drop(api);
    assert!(began.elapsed() < Duration::from_secs(5));
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty());
}

#[test]
fn the_program_serves_until_its_stdin_ends() {
    let sandbox = Sandbox::new();
    let (log, script) = (sandbox.work().join("log"), sandbox.work().join("script"));
    std::fs::write(&script, r#"{"rules": [{"when": {"prompt": "ping"}, "reply": {"text": "pong"}}]}"#)
        .unwrap();
    let mut child = Command::new(loopback_bin())
        .args(["--exit-with-stdin", "--port-file", "port"])
        .arg("--log")
        .arg(&log)
        .arg("--script")
        .arg(&script)
        .current_dir(sandbox.work())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let port = std::fs::read_to_string(sandbox.work().join("port")).unwrap();
    assert_eq!(url.trim(), format!("http://127.0.0.1:{port}"));
    let mut stream = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    write_request(&mut stream, "POST", "/v1/messages", &asked("ping").to_string());
    let mut reader = BufReader::new(stream);
    let mut seen = String::new();
    while !seen.contains("pong") {
        assert!(reader.read_line(&mut seen).unwrap() > 0 || seen.contains("pong"), "{seen}");
        if seen.ends_with("\r\n\r\n") {
            let mut body = [0; 60];
            reader.read_exact(&mut body).unwrap();
            seen.push_str(&String::from_utf8_lossy(&body));
            let mut more = vec![0; 400];
            let count = reader.read(&mut more).unwrap();
            seen.push_str(&String::from_utf8_lossy(&more[..count]));
        }
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let line: Value =
        serde_json::from_str(std::fs::read_to_string(&log).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!(
        (line["event"].clone(), line["prompt"].clone(), line["messages"].clone()),
        (json!("request"), json!("ping"), json!(1))
    );
    assert_eq!(line["headers"]["x-api-key"], "<present>");
}

#[test]
#[cfg(unix)]
fn the_program_runs_a_command_in_a_sandbox() {
    let shell =
        r#"test -d "$HOME" && test -d "$XDG_RUNTIME_DIR" && echo "$HOME $ANTHROPIC_BASE_URL" && exit 5"#;
    let output =
        Command::new(loopback_bin()).args(["--", "sh", "-c", shell]).env("CLAUDECODE", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let text = String::from_utf8(output.stdout).unwrap();
    let (home, url) = text.trim().split_once(' ').unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{text}");
    assert!(!std::path::Path::new(home).exists(), "the sandbox goes with the command");
}
