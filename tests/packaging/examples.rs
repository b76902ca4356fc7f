//! Every program of `examples-c/` does what it says: with the real CLI, judged by what it prints and by what reached
//! the API.
#![cfg(unix)]

use crate::support::examples::{Stage, assert_order, line_after, names, number_after, program};
use claude_testkit::loopback::{Reply, Rule};
use claude_testkit::quick::takes_long;
use serde_json::json;

const COUNT: &str = "Count from 1 to 1000, one number per line.";
const WRITE: &str = "Create the file hello.txt with the line: Hello from C";

/// The stage with the real CLI, or the end of the test.
macro_rules! real_stage {
    ($name:literal) => {
        match Stage::real($name) {
            Some(stage) => stage,
            None => return,
        }
    };
}

/// An answer that is still being written long after any test has interrupted it.
fn endless() -> Rule {
    let numbers: String = (1..=1000).map(|number| format!("{number}\n")).collect();
    Rule::on_prompt(COUNT, Reply::text(numbers).slow(1000, 100))
}

/// Claude writes the file when asked to.
fn writes_the_file(stage: &Stage) -> std::path::PathBuf {
    let file = stage.sandbox.work().join("hello.txt");
    let input = json!({"file_path": file, "content": "Hello from C\n"});
    stage.api.set_rules(vec![Rule::on_prompt("hello.txt", Reply::tool("Write", input))]);
    file
}

#[test]
fn every_example_compiles_without_a_warning() {
    if takes_long() {
        return;
    }
    let names = names();
    assert!(names.len() >= 12, "only {names:?}");
    for name in names {
        assert!(program(&name).is_file(), "{name}");
    }
}

#[test]
fn x6_basic_session_prints_the_answer() {
    let stage = real_stage!("basic_session");
    assert_eq!(stage.output("basic_session", ""), "Claude: The capital of France is Paris.\n");
    assert_eq!(stage.asked("What is the capital of France?").len(), 1);
}

#[test]
fn streaming_writes_the_answer_as_it_comes() {
    let stage = real_stage!("streaming");
    let output = stage.output("streaming", "What is the capital of France?\nWhat is 2 + 2?\n");
    assert_order(&output, &["The capital of France is Paris.\n", "2 + 2 = 4"]);
}

#[test]
fn multi_turn_keeps_the_history() {
    let stage = real_stage!("multi_turn");
    let remembers = Reply::text("The first thing you said: {{first_prompt}}");
    stage.api.set_rules(vec![Rule::on_prompt("Which colour", remembers)]);
    let output = stage.output("multi_turn", "");
    assert_order(
        &output,
        &["17 + 25 = 42", "You: Which colour", "The first thing you said: My favourite colour is teal"],
    );
    let last = stage.api.last_message().expect("the API was asked");
    assert_eq!(
        last.conversation.user_texts,
        ["My favourite colour is teal. Remember it.", "What is 17 + 25?", "Which colour did I name?"]
    );
    let roles: Vec<_> = last.body["messages"].as_array().unwrap().iter().map(|m| m["role"].clone()).collect();
    assert_eq!(roles.iter().filter(|role| *role == "assistant").count(), 2, "{roles:?}");
}

#[test]
fn with_options_reaches_the_api() {
    let stage = real_stage!("with_options");
    let output = stage.output("with_options", "");
    let request = stage.asked("Where is the treasure?").pop().expect("the API was asked");
    assert!(request.conversation.system.contains("You are a pirate."), "{}", request.conversation.system);
    assert!(request.conversation.model.contains("haiku"), "{}", request.conversation.model);
    let tools: Vec<_> = request.conversation.tools.iter().map(|(name, _)| name.as_str()).collect();
    assert!(tools.contains(&"Grep") && tools.contains(&"Read"), "{tools:?}");
    assert!(!tools.contains(&"Bash") && !tools.contains(&"Write"), "{tools:?}");
    let refusal = line_after(&output, "refused: ");
    assert!(refusal.contains("max_turn") && refusal.contains("max_turns"), "{refusal}");
}

#[test]
fn options_can_be_given_as_an_argument() {
    let stage = real_stage!("options_can_be_given_as_an_argument");
    let ended = stage.run("permission_mode", &[r#" { "system_prompt": "Be a test." }"#], "");
    assert!(ended.status.success(), "{ended:#?}");
    let request = stage.asked(WRITE).pop().expect("the API was asked");
    assert!(request.conversation.system.contains("Be a test."));
    // Given twice: nobody guesses which one was meant.
    let twice = stage.run("permission_mode", &[r#"{"permission_mode": "plan"}"#], "");
    assert!(!twice.status.success() && twice.stderr.contains("permission_mode"), "{twice:#?}");
}

#[test]
fn interrupt_ends_the_turn_and_the_session_goes_on() {
    let stage = real_stage!("interrupt");
    stage.api.set_rules(vec![endless()]);
    let output = stage.output("interrupt", "");
    assert_order(&output, &["Interrupting.", "The turn ended: error_during_execution", "2 + 2 = 4"]);
    assert!(!output.contains("1000"), "the answer was not interrupted\n{output}");
    let long = stage.asked(COUNT).pop().expect("the API was asked");
    assert!(long.hung_up, "the CLI went on reading the long answer");
    let next = stage.asked("Never mind. What is 2 + 2?").pop().expect("the next prompt reached the API");
    assert_eq!(next.conversation.user_texts.first().map(String::as_str), Some(COUNT), "another session");
}

#[test]
fn permission_mode_changes_what_is_refused() {
    let stage = real_stage!("permission_mode");
    let file = writes_the_file(&stage);
    let output = stage.output("permission_mode", "");
    assert_order(
        &output,
        &["[uses the tool Write]", "Refused tool: Write", "Now with acceptEdits.", "[uses the tool Write]"],
    );
    assert_eq!(output.matches("Refused tool").count(), 1, "{output}");
    assert_eq!(std::fs::read_to_string(file).expect("the file was written"), "Hello from C\n");
}

#[test]
fn switch_model_changes_the_model_that_the_api_sees() {
    let stage = real_stage!("switch_model");
    let output = stage.output("switch_model", "");
    let prompts = ["Plan a short walk through Paris.", "Now say it in five words.", "And in three."];
    let models = prompts.map(|prompt| stage.asked(prompt).pop().expect("asked").conversation.model);
    assert!(!models[0].contains("haiku"), "{models:?}");
    assert!(models[1].contains("haiku"), "{models:?}");
    assert_eq!(models[2], models[0]);
    assert_order(&output, &models.each_ref().map(String::as_str));
}

#[test]
fn server_info_counts_commands_and_names_the_output_style() {
    let stage = real_stage!("server_info");
    let output = stage.output("server_info", "");
    assert!(number_after(&output, "Commands: ") >= 5.0, "{output}");
    assert!(number_after(&output, "Models: ") >= 1.0, "{output}");
    assert_eq!(line_after(&output, "Output style: "), "default");
    assert_eq!(line_after(&output, "CLI version: "), claude_testkit::locate::real_cli_version());
    assert!(stage.api.messages().is_empty(), "no prompt was sent, so the model must not be asked");
}

#[test]
fn manual_connection_leaves_nothing_behind() {
    let stage = real_stage!("manual_connection");
    let output = stage.output("manual_connection", "");
    assert_order(&output, &["state: created", "state: connected, process ", "Claude: ", "state: closed"]);
    let process = number_after(&output, "process ") as u32;
    assert!(process > 1, "{output}");
    if cfg!(target_os = "linux") {
        assert!(!std::path::Path::new(&format!("/proc/{process}")).exists(), "the CLI still runs");
    }
}

/// What is wrong with `/nowhere/claude`, and what to do about it.
#[track_caller]
fn assert_one_line_with_a_remedy(stderr: &str) {
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("/nowhere/claude") && stderr.contains("install it"), "{stderr}");
}

#[test]
fn a_session_that_is_not_logged_in_is_an_error_in_every_example() {
    let mut stage = real_stage!("a_session_that_is_not_logged_in");
    stage.sandbox = stage.sandbox.with_env("ANTHROPIC_API_KEY", "");
    // They have no turn, or none with the real CLI.
    let others =
        ["claude_probe", "error_handling", "replay_test", "server_info", "custom_transport", "sessions"];
    for name in names().into_iter().filter(|name| !others.contains(&name.as_str())) {
        let ended = stage.run(&name, &[], "hello\n");
        assert!(!ended.status.success(), "{name}: {ended:#?}");
        assert!(ended.stderr.contains("Not logged in"), "{name}: {ended:#?}");
        assert!(!ended.stdout.contains("Not logged in"), "an answer in {name}: {ended:#?}");
    }
}

#[test]
fn sessions_shows_an_earlier_conversation_and_goes_on_with_it() {
    let stage = real_stage!("sessions_shows_an_earlier_conversation");
    assert_eq!(stage.output("sessions", ""), "Nothing to go on with.\n");
    stage.output("basic_session", "");
    let remembers = Reply::text("The first thing you said: {{first_prompt}}");
    stage.api.set_rules(vec![Rule::on_prompt("What did we talk about", remembers)]);
    let output = stage.output("sessions", "1\n");
    let asked = "What is the capital of France?";
    let said = format!("The first thing you said: {asked}");
    assert_order(&output, &[&format!("1 {asked}"), &format!("You: {asked}"), "Claude: The capital", &said]);
}

#[test]
fn manual_connection_cleans_up_after_a_failed_connect() {
    let stage = Stage::with_cli("/nowhere/claude");
    let ended = stage.run("manual_connection", &[], "");
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert_one_line_with_a_remedy(&ended.stderr);
}

#[test]
fn collect_messages_prints_numbers() {
    let stage = real_stage!("collect_messages");
    let output = stage.output("collect_messages", "");
    assert_order(&output, &["- system", "- assistant", "The capital of France is Paris.", "- result"]);
    assert!(number_after(&output, "Total cost: $") > 0.0, "{output}");
    assert_eq!(number_after(&output, "Turns: "), 1.0, "{output}");
    assert!(number_after(&output, "Duration: ") > 0.0, "{output}");
    let kept = number_after(&output, "") as usize;
    assert_eq!(kept, output.lines().filter(|line| line.starts_with("- ")).count(), "{output}");
}

#[test]
fn prompt_stream_sends_all_prompts_in_order() {
    let stage = real_stage!("prompt_stream");
    stage.api.set_rules(vec![Rule::on_prompt("What is", Reply::text("Answer to: {{prompt}}"))]);
    let output = stage.output("prompt_stream", "");
    let last = stage.api.last_message().expect("the API was asked");
    // Prompts that waited together share a turn, and then a text.
    let asked = last.conversation.user_texts.join("\n");
    assert_eq!(asked.lines().collect::<Vec<_>>(), ["What is 1 + 1?", "What is 2 + 2?", "What is 3 + 3?"]);
    assert!(number_after(&output, "3 prompts, ") >= 1.0, "{output}");
    assert_order(&output, &["Claude: Answer to: What is 1 + 1?", "What is 3 + 3?"]);
}

#[test]
fn error_handling_tells_the_kinds_apart() {
    let stage = Stage::with_cli("/nowhere/claude");
    let output = stage.output("error_handling", "");
    assert_order(
        &output,
        &[
            "no such program: CLI not found.",
            "/nowhere/claude",
            "no such directory: connection error.",
            "/nowhere",
            "not a claude: other error, CLAUDE_ERR_PROCESS.",
            "misspelt option: other error, CLAUDE_ERR_INVALID_OPTION.",
            "cli_path",
        ],
    );
}

#[test]
fn chat_takes_its_prompts_from_a_pipe() {
    let stage = real_stage!("chat");
    let script = "My name is Ada.\n/model haiku\nWhat is 3 + 4?\n/mode acceptEdits\n/mode nonsense\n/cost\n/quit\nnever sent\n";
    let output = stage.output("chat", script);
    assert_order(
        &output,
        &[
            "> My name is Ada.\nYou said: \"My name is Ada.\".",
            "> /model haiku\n[done]\n",
            "> What is 3 + 4?\n3 + 4 = 7\n",
            "> /mode acceptEdits\n[done]\n",
            "> /mode nonsense\n[refused: ",
            "> /cost\n[cost: $",
            "> /quit\n",
        ],
    );
    assert!(number_after(&output, "[cost: $") > 0.0, "{output}");
    assert!(!output.contains("never sent"), "{output}");
    let second = stage.asked("What is 3 + 4?").pop().expect("asked");
    assert!(second.conversation.model.contains("haiku"), "{}", second.conversation.model);
    assert_eq!(second.conversation.user_texts, ["My name is Ada.", "What is 3 + 4?"]);
}

#[test]
fn chat_ends_with_its_input() {
    let stage = real_stage!("chat_ends_with_its_input");
    let output = stage.output("chat", "What is 1 + 2?"); // not even a line break
    assert!(output.contains("1 + 2 = 3"), "{output}");
}

#[test]
fn chat_survives_ctrl_c_and_goes_on() {
    let stage = real_stage!("chat_survives_ctrl_c");
    stage.api.set_rules(vec![endless()]);
    let mut terminal = crate::support::pty::Terminal::start(&stage.sandbox, &program("chat"));
    terminal.wait_for("> ");
    terminal.type_keys(&format!("{COUNT}\n"));
    terminal.wait_for("\n1\r\n"); // the answer streams, behind the echo of the prompt
    terminal.type_keys("\x03");
    terminal.wait_for("[interrupted]");
    terminal.wait_for("> ");
    assert!(terminal.is_running());
    terminal.type_keys("What is 20 + 22?\n");
    terminal.wait_for("20 + 22 = 42");
    terminal.wait_for("> ");
    terminal.type_keys("\x03"); // nothing to interrupt: still no reason to end
    terminal.wait_for("/quit ends the program");
    terminal.type_keys("/quit\n");
    let status = terminal.end();
    assert_eq!(status.code(), Some(0), "{status:?}");
    assert!(stage.asked(COUNT).pop().expect("asked").hung_up);
}

#[test]
fn chat_asks_for_one_more_ctrl_c_before_it_ends_in_mid_turn() {
    let say = |text: &str| json!({"stream": text, "deltas": 1});
    let script = json!({"on_user": ["init", say("thinking")], "on_control": {"interrupt": [say("deaf")]}});
    let mut stage = Stage::with_cli(claude_testkit::fake_cli());
    stage.sandbox = stage.sandbox.with_env("FAKE_CLAUDE", script.to_string());
    let mut terminal = crate::support::pty::Terminal::start(&stage.sandbox, &program("chat"));
    terminal.wait_for("> ");
    terminal.type_keys("hello\n");
    terminal.wait_for("thinking");
    terminal.type_keys("\x03");
    terminal.wait_for("deaf"); // presses that come together count once
    terminal.type_keys("\x03");
    terminal.wait_for("[still interrupting; Ctrl-C once more ends the program]");
    assert!(terminal.is_running());
    terminal.type_keys("\x03");
    assert_eq!(terminal.end().code(), Some(0));
}

#[test]
fn x6_pump_loop_keeps_its_frames_while_text_streams() {
    let stage = real_stage!("pump_loop");
    let story = "Once upon a time there was a robot that counted frames.";
    stage.api.set_rules(vec![Rule::on_prompt("a robot", Reply::text(story).slow(20, 50))]);
    let output = stage.output("pump_loop", "");
    assert!(output.starts_with(story), "{output}");
    // One second of text alone is sixty frames; half of that has to do on a busy machine.
    let frames = number_after(&output, &format!("{story}\n"));
    assert!(frames >= 30.0, "{output}");
}

#[test]
fn a_pool_of_spares_answers_in_a_folder_that_was_not_known() {
    let stage = real_stage!("start_at_once");
    let project = stage.sandbox.root().join("a project");
    std::fs::create_dir_all(&project).unwrap();
    std::fs::write(project.join("CLAUDE.md"), "The word of this project is ZEBRA.").unwrap();
    let ended = stage.run("start_at_once", &["{}", project.to_str().unwrap()], "");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:#?}");
    assert_eq!(ended.stdout, "Claude: The capital of France is Paris.\n");
    let asked = stage.asked("What is the capital of France?");
    assert!(asked.len() == 1 && asked[0].body.to_string().contains("ZEBRA"));
}

#[test]
fn pull_gets_its_answer_without_callbacks() {
    let stage = real_stage!("pull");
    assert_eq!(stage.output("pull", ""), "Claude: The capital of France is Paris.\nResult: success\n");
}

#[test]
fn pull_answers_what_the_cli_asks() {
    let script =
        json!({"on_user": ["init", {"ask": {"subtype": "can_use_tool", "tool_name": "Write"}}, "result"]});
    let mut stage = Stage::with_cli(claude_testkit::fake_cli());
    stage.sandbox = stage.sandbox.with_env("FAKE_CLAUDE", script.to_string());
    let output = stage.output("pull", "");
    assert_order(
        &output,
        &["Refused: Write", "\"deny\"", "This program answers questions only.", "Result: success"],
    );
}

#[test]
fn loops_say_why_a_session_has_ended() {
    let stage = Stage::with_cli("/nowhere/claude");
    for name in ["pull", "pump_loop", "epoll"] {
        if name == "epoll" && !cfg!(target_os = "linux") {
            continue;
        }
        let ended = stage.run(name, &[], "");
        assert_eq!(ended.status.code(), Some(1), "{name}: {ended:#?}");
        assert_one_line_with_a_remedy(&ended.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn epoll_serves_its_timer_meanwhile() {
    let stage = real_stage!("epoll");
    let output = stage.output("epoll", "");
    assert!(output.starts_with("Claude: The capital of France is Paris.\n"), "{output}");
    assert!(number_after(&output, "Paris.\n") >= 1.0, "{output}");
}

#[test]
fn many_clients_get_an_answer_each() {
    // The stand-in CLI: twenty real ones need more memory than a small machine has.
    let stage = Stage::with_cli(claude_testkit::fake_cli());
    let output = stage.output("many_clients", "");
    for number in 1..=20 {
        let answer = line_after(&output, &format!("[{number}] "));
        assert!(answer.contains(&format!("What is {number} + {number}?")), "client {number}: {answer}");
    }
    assert!(output.ends_with("20 of 20 clients got an answer\n"), "{output}");
}

#[test]
fn many_clients_with_the_real_cli() {
    let stage = real_stage!("many_clients");
    let ended = stage.run("many_clients", &["{}", "3"], "");
    assert!(ended.status.success(), "{ended:#?}");
    assert_eq!(line_after(&ended.stdout, "[2] "), "2 + 2 = 4");
    assert!(ended.stdout.ends_with("3 of 3 clients got an answer\n"), "{}", ended.stdout);
}

#[test]
fn many_clients_say_when_none_can_connect() {
    let ended = Stage::with_cli("/nowhere/claude").run("many_clients", &[], "");
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stdout.ends_with("0 of 20 clients got an answer\n"), "{ended:#?}");
}

#[test]
fn tools_calculate_and_take_a_picture() {
    let stage = real_stage!("tools");
    let sum = json!({"a": 1234.5, "operator": "*", "b": 6});
    stage.api.set_rules(vec![
        Rule::on_prompt("1234.5 * 6", Reply::tool("mcp__desk__calculate", sum)),
        Rule::on_prompt("picture of the screen", Reply::tool("mcp__desk__screenshot", json!({}))),
    ]);
    let output = stage.output("tools", "");
    assert_order(&output, &["[calculated 1234.5 * 6 = 7407]", "The tool said: 7407", "[took a picture of "]);
    let last = stage.api.last_message().expect("the API was asked");
    let blocks =
        last.body["messages"].as_array().unwrap().last().unwrap()["content"].as_array().unwrap().clone();
    let mut contents = blocks.iter().filter_map(|block| block["content"].as_array()).flatten();
    let image = contents.rfind(|block| block["type"] == "image").expect("a picture reached the API");
    assert_eq!(image["source"]["media_type"], "image/png");
}

#[test]
fn custom_transport_talks_through_both_of_its_own() {
    let stage = real_stage!("custom_transport");
    assert_eq!(
        stage.output("custom_transport", ""),
        "In memory:\nClaude: Paris, from memory.\nThrough a socket:\nClaude: The capital of France is Paris.\n"
    );
    assert_eq!(stage.asked("What is the capital of France?").len(), 1);
}

#[test]
fn custom_transport_says_when_there_is_no_cli() {
    let ended = Stage::with_cli("/nowhere/claude").run("custom_transport", &[], "");
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stdout.contains("Claude: Paris, from memory."), "{ended:#?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:#?}");
}

#[test]
fn permission_dialog_does_what_the_user_says() {
    let stage = real_stage!("permission_dialog");
    let file = writes_the_file(&stage);
    let output = stage.output("permission_dialog", "n\n");
    assert_order(&output, &["Claude wants to use Write\n  with {", "Allow? [y/N] ", "The user said no."]);
    assert!(!file.exists(), "it was refused");
    let output = stage.output("permission_dialog", "y\n");
    assert_order(&output, &["Claude wants to use Write", "Allow? [y/N] ", "Claude: The tool said: "]);
    assert_eq!(std::fs::read_to_string(file).expect("the file was written"), "Hello from C\n");
}

#[test]
fn assistant_streams_asks_and_has_a_tool() {
    let stage = real_stage!("assistant");
    let file = stage.sandbox.work().join("note.txt");
    let options =
        json!([{"label": "The time", "description": "-"}, {"label": "\"Quotes\"", "description": "-"}]);
    let question =
        json!({"question": "What then?", "header": "What", "multiSelect": false, "options": options});
    stage.api.set_rules(vec![
        Rule::on_prompt("Ask me", Reply::tool("AskUserQuestion", json!({"questions": [question]}))),
        Rule::on_tool_result("Quotes", Reply::tool("mcp__clock__now", json!({}))),
        Rule::on_tool_result(":", Reply::tool("Write", json!({"file_path": file, "content": "noted"}))),
        Rule::on_tool_result("did not allow", Reply::text("It is late.")),
    ]);
    let output = stage.output("assistant", "1\ny\nn\n");
    let order = [
        "What then?\n  0 The time\n  1 \"Quotes\"\nNumber? ",
        "Allow mcp__clock__now? [y/N] ",
        "Allow Write? [y/N] ",
    ];
    assert_order(&output, &order);
    assert!(!file.exists(), "{output}");
    assert!(output.ends_with("It is late.\n"), "{output}");
}

#[test]
fn hooks_block_and_log() {
    let stage = real_stage!("hooks");
    std::fs::create_dir(stage.sandbox.work().join("build")).unwrap();
    let call = |command: &str| Reply::tool("Bash", json!({"command": command}));
    let rules = ["echo hello", "rm -rf build"].map(|command| Rule::on_prompt(command, call(command)));
    stage.api.set_rules(rules.into());
    let output = stage.output("hooks", "");
    assert_order(
        &output,
        &[
            "Log: Bash {",
            "The tool said: hello",
            "Blocked: rm -rf build",
            "Nothing is removed",
            "1 command(s) blocked",
        ],
    );
    assert_eq!(output.matches("Log: ").count(), 1, "{output}");
    assert!(stage.sandbox.work().join("build").exists());
}

#[test]
fn approve_later_answers_from_another_thread() {
    let stage = real_stage!("approve_later");
    let file = writes_the_file(&stage);
    let output = stage.output("approve_later", "");
    assert_order(&output, &["Put aside: Write", "Approved later.", "Claude: The tool said: "]);
    assert!(file.exists(), "{output}");
}

#[test]
fn replay_test_passes_without_a_cli_and_names_what_differs() {
    let stage = Stage::with_cli("no-cli-at-all");
    let session = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/session.ndjson");
    let ended = stage.run("replay_test", &[session], "");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:#?}");
    assert_order(
        &ended.stdout,
        &["May run: touch made-by-claude", "You: SLOW", "Claude: The capital of France is Paris."],
    );
    let count = |output: &str, part: &str| output.lines().filter(|line| line.starts_with(part)).count();
    assert_eq!((count(&ended.stdout, "ok - "), count(&ended.stdout, "not ok")), (7, 0), "{}", ended.stdout);

    // A record of another conversation: the test fails, and says where.
    let text = std::fs::read_to_string(session).expect("the record");
    let other = stage.sandbox.work().join("other.ndjson");
    std::fs::write(&other, text.replace("What is 2+2?", "What is 3+3?")).expect("write the record");
    let ended = stage.run("replay_test", &[&other.to_string_lossy()], "");
    assert!(!ended.status.success(), "{ended:#?}");
    assert!(ended.stderr.contains("other.ndjson, line ") && ended.stderr.contains("3+3"), "{ended:#?}");
    assert!(stage.api.requests().is_empty(), "nothing was asked of any API");
}
