//! The same conversations over every transport: a child process, a transport of the host's, and ssh to this machine; with
//! the stand-in CLI and with the real one.
#![cfg(unix)]

use std::time::Duration;

use crate::support::transport::client::{Kind, State, Status};
use crate::support::transport::ways::{Cli, Way};
use serde_json::{Value, json};

/// Everything that holds for a session, whatever carries it.
mod conversation {
    use super::*;

    fn texts(client: &crate::support::transport::client::Client) -> Vec<String> {
        let messages = client.seen.lock().of(Kind::CLAUDE_MESSAGE_ASSISTANT);
        messages
            .iter()
            .filter_map(|frame| Some(frame["message"]["content"][0]["text"].as_str()?.to_owned()))
            .collect()
    }

    pub fn one_question(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        assert_eq!(client.state(), State::CLAUDE_STATE_CONNECTED);
        let result = client.turn("What is the capital of France?");
        assert_eq!((&result["subtype"], &result["is_error"]), (&json!("success"), &json!(false)), "{result}");
        let kinds: Vec<Kind> = client.seen.lock().messages.iter().map(|(kind, _)| *kind).collect();
        let at = |kind| kinds.iter().position(|found| *found == kind).expect("it came");
        assert!(at(Kind::CLAUDE_MESSAGE_SYSTEM) < at(Kind::CLAUDE_MESSAGE_ASSISTANT), "{kinds:?}");
        assert!(at(Kind::CLAUDE_MESSAGE_ASSISTANT) < at(Kind::CLAUDE_MESSAGE_RESULT), "{kinds:?}");
        assert!(!kinds.contains(&Kind::CLAUDE_EVENT_UNPARSED_LINE), "{kinds:?}");
        client.disconnect().expect("it ends");
        assert_eq!(client.closed().status, Status::CLAUDE_OK);
    }

    pub fn many_turns(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        for number in 1..=4 {
            client.turn(&format!("What is {number} + {number}?"));
        }
        assert_eq!(client.seen.lock().results().len(), 4);
        let sessions: Vec<Value> =
            client.seen.lock().results().iter().map(|result| result["session_id"].clone()).collect();
        assert!(sessions.iter().all(|session| *session == sessions[0]), "{sessions:?}");
        if let Cli::Real { api, .. } = cli {
            assert_eq!(texts(&client), ["1 + 1 = 2", "2 + 2 = 4", "3 + 3 = 6", "4 + 4 = 8"]);
            let last = api.last_message().expect("the API was asked");
            assert_eq!(last.conversation.user_texts.len(), 4, "{:?}", last.conversation.user_texts);
        }
    }

    pub fn an_interrupt(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        client.query("SLOW 600 100").expect("it is sent");
        client.seen.wait("the turn", |record| {
            record.of(Kind::CLAUDE_MESSAGE_SYSTEM).iter().any(|frame| frame["subtype"] == "init")
        });
        if let Cli::Real { api, .. } = cli {
            crate::support::transport::eventually("the API is asked", || api.last_message().is_some());
        }
        client.interrupt().expect("it is interrupted");
        client.receive().expect("the turn ends");
        let result = client.seen.lock().results().pop().expect("a result");
        assert_eq!(result["subtype"], "error_during_execution", "{result}");
        let result = client.turn("What is 20 + 22?");
        assert_eq!(result["subtype"], "success", "{result}");
    }

    pub fn control_requests(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        let status = client.control(&json!({"subtype": "mcp_status"})).expect("it is answered");
        assert!(status["mcpServers"].is_array(), "{status}");
        client.control(&json!({"subtype": "set_permission_mode", "mode": "plan"})).expect("it is answered");
        let refused = client.control(&json!({"subtype": "no_such_thing"})).expect_err("it is refused");
        assert_eq!(refused.status, Status::CLAUDE_ERR_CONTROL, "{refused:?}");
    }

    /// A result that reports an error, and then the end of the input: the CLI ends with a failure.
    pub fn a_failure(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        let result = client.turn("API_ERROR 400");
        assert_eq!(result["is_error"], true, "{result}");
        client.end_input().expect("the input ends");
        let cause = client.closed();
        // Which of the two depends on whether a frame about the prompt came behind the result.
        let failures = [Status::CLAUDE_ERR_RESULT, Status::CLAUDE_ERR_PROCESS];
        assert!(failures.contains(&cause.status), "{cause:#?}");
        assert_eq!(cause.json["exit_code"], 1, "{cause:#?}");
        let late = client.query("too late").expect_err("it is over");
        assert_eq!(late.status, cause.status, "{late:?}");
    }

    pub fn large_messages(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        let large: String = (0..200_000).map(|number| format!("{number} ")).collect();
        client.turn(&format!("LONG 400000 {large}"));
        let longest = client.seen.lock().messages.iter().map(|(_, text)| text.len()).max().expect("messages");
        assert!(longest > 400_000, "the longest message has {longest} bytes");
        assert_eq!(client.turn("What is 1 + 1?")["subtype"], "success");
    }

    /// The last words of a CLI that is told to go are delivered.
    pub fn a_close(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        client.turn("What is 1 + 1?");
        client.disconnect().expect("it ends");
        assert_eq!(client.state(), State::CLAUDE_STATE_CLOSED);
        assert_eq!(client.closed().status, Status::CLAUDE_OK);
        let late = client.query("too late").expect_err("it is over");
        assert_eq!(late.status, Status::CLAUDE_ERR_CLOSED, "{late:?}");
        if let Cli::Fake(fake) = cli {
            let log = fake.wait_for_log(Duration::from_secs(10), |log| log.exit_code().is_some());
            assert!(log.saw_eof() && log.exit_code() == Some(0), "{log:#?}");
        }
        client.free();
    }

    pub fn a_free_in_the_middle(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        client.query("SLOW 600 100").expect("it is sent");
        client.seen.wait("the turn", |record| !record.messages.is_empty());
        let seen = client.seen.clone();
        client.free();
        let before = seen.lock().messages.len();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(seen.lock().messages.len(), before, "a callback after the free");
    }

    pub fn a_permission(way: &Way, cli: &Cli) {
        let client = way.client(cli);
        client.allow_everything();
        client.connect().expect("it connects");
        let file = cli.sandbox().work().join("hello.txt");
        let input = json!({"file_path": file, "content": "Hello\n"});
        client.turn(&format!("USE_TOOL {}", json!({"name": "Write", "input": input})));
        let requests = client.seen.lock().requests.clone();
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert_eq!((&requests[0]["tool_name"], &requests[0]["input"]), (&json!("Write"), &input));
        match cli {
            Cli::Fake(fake) => assert_eq!(fake.log().responses()[0]["response"]["behavior"], "allow"),
            Cli::Real { .. } => assert_eq!(std::fs::read_to_string(file).expect("it was written"), "Hello\n"),
        }
    }
}

/// What the CLI asks of the host, and what the host does while it runs.
mod exchange {
    use super::*;

    /// A call of the tool `Write`, and the file that it would make.
    fn write_call(cli: &Cli) -> (String, std::path::PathBuf) {
        let file = cli.sandbox().work().join("hello.txt");
        let input = json!({"file_path": file, "content": "Hello\n"});
        (format!("USE_TOOL {}", json!({"name": "Write", "input": input})), file)
    }

    /// The CLI was given this answer, and the model was told so.
    fn check_refused(cli: &Cli, file: &std::path::Path, why: &str) {
        assert!(!file.exists(), "the tool ran");
        match cli {
            Cli::Fake(fake) => {
                let answers = json!(fake.log().responses()).to_string();
                assert!(answers.contains("deny") && answers.contains(why), "{answers}");
            }
            Cli::Real { api, .. } => {
                let told = api.last_message().expect("the API was asked").conversation.tool_results;
                assert!(told.iter().any(|result| result.contains(why)), "{told:?}");
            }
        }
    }

    pub fn a_hook(way: &Way, cli: &Cli) {
        let client = way.client(cli);
        let answer = json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny",
                                                   "permissionDecisionReason": "not in this house"}});
        let hook = client.hook_before_tools(&answer);
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
        let (call, file) = write_call(cli);
        assert_eq!(client.turn(&call)["subtype"], "success");
        let asked = hook.seen.lock().clone();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0]["input"]["tool_name"], "Write", "{asked:?}");
        check_refused(cli, &file, "not in this house");
    }

    pub fn a_denied_permission(way: &Way, cli: &Cli) {
        let client = way.client(cli);
        let asked = client.deny_everything("not today");
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
        let (call, file) = write_call(cli);
        assert_eq!(client.turn(&call)["subtype"], "success");
        assert_eq!(asked.seen.lock().len(), 1);
        check_refused(cli, &file, "not today");
    }

    pub fn a_tool_of_the_host(way: &Way, cli: &Cli) {
        let client = way.client(cli);
        client.tool_that_adds();
        client.allow_everything();
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
        let call = json!({"name": "mcp__calc__add", "input": {"a": 19, "b": 23}});
        assert_eq!(client.turn(&format!("USE_TOOL {call}"))["subtype"], "success");
        let told = match cli {
            Cli::Fake(fake) => json!(fake.log().responses()).to_string(),
            Cli::Real { api, .. } => {
                api.last_message().expect("the API was asked").conversation.tool_results.join("\n")
            }
        };
        assert!(told.contains("the sum is 42"), "{told}");
    }

    /// An MCP server of the CLI asks the user, and reads the answer.
    pub fn an_elicitation(way: &Way, cli: &Cli) {
        let client = way.client(cli);
        let asked = client.answer_requests(&json!({"action": "accept", "content": {"name": "Ada"}}));
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/elicit_server.py");
        client.set_mcp_servers(&json!({"asker": {"type": "stdio", "command": "python3", "args": [script]}}));
        assert_eq!(client.turn(r#"USE_TOOL {"name": "mcp__asker__ask_name"}"#)["subtype"], "success");
        let seen = asked.seen.lock().clone();
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!(
            (&seen[0]["mcp_server_name"], &seen[0]["message"]),
            (&json!("asker"), &json!("Your name?"))
        );
        let told = match cli {
            Cli::Fake(fake) => json!(fake.log().responses()).to_string(),
            Cli::Real { api, .. } => {
                api.last_message().expect("the API was asked").conversation.tool_results.join("\n")
            }
        };
        assert!(told.contains("accept") && told.contains("Ada"), "{told}");
    }

    pub fn a_request_that_is_withdrawn(way: &Way, cli: &Cli) {
        let client = way.client(cli);
        let asked = client.hold_requests();
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
        let (call, file) = write_call(cli);
        client.query(&call).expect("it is sent");
        asked.seen.wait("the request", |seen| !seen.is_empty());
        client.interrupt().expect("it is interrupted");
        asked.wait_withdrawn();
        client.receive().expect("the turn ends");
        assert!(!file.exists(), "the tool ran");
        assert_eq!(client.turn("What is 20 + 22?")["subtype"], "success");
    }

    pub fn a_stream_of_prompts(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        client.stream(&["What is 1 + 1?", "What is 2 + 2?", "What is 3 + 3?"]);
        assert_eq!(client.seen.lock().results().len(), 3);
        match cli {
            Cli::Fake(fake) => assert_eq!(fake.log().prompts().len(), 3),
            Cli::Real { api, .. } => {
                let heard = api.last_message().expect("the API was asked").conversation.user_texts;
                assert_eq!(heard.len(), 3, "{heard:?}");
            }
        }
    }

    pub fn another_model(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        client.turn("What is 1 + 1?");
        client.set_model("haiku");
        client.turn("What is 2 + 2?");
        match cli {
            Cli::Fake(fake) => assert_eq!(fake.log().requests("set_model")[0]["model"], "haiku"),
            Cli::Real { api, .. } => {
                let models: Vec<String> =
                    api.messages().into_iter().map(|asked| asked.conversation.model).collect();
                assert!(!models[0].contains("haiku"), "{models:?}");
                assert!(models.last().is_some_and(|model| model.contains("haiku")), "{models:?}");
            }
        }
    }

    /// What carries the session sees the end and says it, each in its own way.
    pub fn a_far_side_that_is_killed(way: &Way, cli: &Cli) {
        let client = way.connected(cli);
        client.turn("What is 1 + 1?");
        let far = client.server_info()["pid"].as_u64().expect("the CLI tells its process id");
        let killed = std::process::Command::new("kill").args(["-KILL", &far.to_string()]).status();
        assert!(killed.expect("kill runs").success());
        let cause = client.closed();
        assert_eq!(cause.status, Status::CLAUDE_ERR_PROCESS, "{cause:#?}");
        match way {
            Way::Subprocess => assert_eq!(cause.json["signal"], 9, "{cause:#?}"),
            Way::Ssh(_) => assert_eq!(cause.json["exit_code"], 255, "{cause:#?}"),
            Way::Relay => {}
        }
        let late = client.query("too late").expect_err("it is over");
        assert_eq!(late.status, Status::CLAUDE_ERR_PROCESS, "{late:?}");
    }
}

/// What the stand-in has to do to be like the real one.
fn stand_in(conversation: &str) -> Cli {
    let script = match conversation {
        "an_interrupt" => {
            json!({"on_user": [["init", {"stream": "a b c d e f", "deltas": 600, "delay_ms": 100}, "result"], ["default"]]})
        }
        "a_free_in_the_middle" => {
            json!({"on_user": ["init", {"stream": "a b c d e f", "deltas": 600, "delay_ms": 100}, "result"]})
        }
        "a_failure" => {
            json!({"on_user": ["init", {"result": {"is_error": true, "result": "API Error: 400"}}]})
        }
        "large_messages" => json!({"on_user": [["init", {"line_bytes": 9_000_000}, "result"], ["default"]]}),
        _ => json!({}),
    };
    Cli::fake(script)
}

/// The stand-in asks for what the prompt names.
fn stand_in_that_asks(conversation: &str) -> Cli {
    let cli = Cli::fake(json!({}));
    let input = json!({"file_path": cli.sandbox().work().join("hello.txt"), "content": "Hello\n"});
    let permission = json!({"subtype": "can_use_tool", "tool_name": "Write", "input": input});
    let script = match conversation {
        "a_hook" => {
            let event = json!({"hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": input});
            json!({"on_user": ["init", {"ask": {"subtype": "hook_callback", "callback_id": "hook_0", "input": event}}, "result"]})
        }
        "a_tool_of_the_host" => {
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                              "params": {"name": "add", "arguments": {"a": 19, "b": 23}}});
            json!({"on_user": ["init", {"ask": {"subtype": "mcp_message", "server_name": "calc", "message": call}}, "result"]})
        }
        "an_elicitation" => {
            let asks = json!({"subtype": "elicitation", "mcp_server_name": "asker", "message": "Your name?"});
            json!({"on_user": ["init", {"ask": asks}, "result"]})
        }
        "a_request_that_is_withdrawn" => json!({
            "on_user": [["init", {"ask": permission, "wait": false}], ["default"]],
            "on_control": {"interrupt": ["cancel", "respond", {"result": {"subtype": "error_during_execution", "is_error": true}}]}}),
        _ => json!({"on_user": ["init", {"ask": permission}, "result"]}),
    };
    let Cli::Fake(fake) = &cli else { unreachable!("made above") };
    fake.set_script(&script);
    cli
}

/// Both modules, for the macro.
mod all {
    pub use super::conversation::*;
    pub use super::exchange::*;
}

macro_rules! conversations {
    ($($name:ident),* $(,)?) => {
        mod with_the_stand_in {
            use super::*;
            conversations!(@ways cli_of_stand_in, $($name)*);
        }
        mod with_the_real_cli {
            use super::*;
            conversations!(@ways cli_of_real, $($name)*);
        }
    };
    (@ways $cli:ident, $($name:ident)*) => {
        mod over_a_child_process {
            use super::*;
            $(#[test] fn $name() { run(all::$name, $cli(stringify!($name)), || Some(Way::Subprocess)); })*
        }
        mod over_a_transport_of_the_host {
            use super::*;
            $(#[test] fn $name() { run(all::$name, $cli(stringify!($name)), || Some(Way::Relay)); })*
        }
        mod over_ssh {
            use super::*;
            $(#[test] fn $name() { run(all::$name, $cli(stringify!($name)), Way::ssh); })*
        }
    };
}

fn cli_of_stand_in(conversation: &str) -> Option<Cli> {
    const ASKED: &[&str] = &[
        "a_permission",
        "a_hook",
        "a_denied_permission",
        "a_tool_of_the_host",
        "an_elicitation",
        "a_request_that_is_withdrawn",
    ];
    Some(if ASKED.contains(&conversation) {
        stand_in_that_asks(conversation)
    } else {
        stand_in(conversation)
    })
}

fn cli_of_real(conversation: &str) -> Option<Cli> {
    Cli::real(conversation)
}

fn run(conversation: fn(&Way, &Cli), cli: Option<Cli>, way: impl FnOnce() -> Option<Way>) {
    if let Some(cli) = cli
        && let Some(way) = way()
    {
        conversation(&way, &cli);
    }
}

conversations!(
    one_question,
    many_turns,
    an_interrupt,
    control_requests,
    a_failure,
    large_messages,
    a_close,
    a_free_in_the_middle,
    a_permission,
    a_hook,
    a_denied_permission,
    a_tool_of_the_host,
    an_elicitation,
    a_request_that_is_withdrawn,
    a_stream_of_prompts,
    another_model,
    a_far_side_that_is_killed,
);
