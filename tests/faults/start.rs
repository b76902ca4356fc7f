//! A session that cannot start: each reason has its own error, which says what to do, and leaves nothing behind.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::host::{Client, Failure, Status};
use crate::support::processes::{MARK, assert_gone, marked, new_mark};
use crate::support::program::{self, Variant};
use crate::support::{merged, options, timed};
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

/// Connecting must fail, the end of the session must be told with the same error, and nothing may be left.
fn refused(options: Value) -> Failure {
    let mark = new_mark("start");
    let mut options = options;
    options["env"][MARK] = mark.clone().into();
    let client = Client::new(&options);
    let failure = client.connect().expect_err("this cannot be connected");
    assert_gone(Duration::ZERO, "after a connect that failed", || marked(&mark));
    let cause = client.cause();
    assert_eq!((cause.status, cause.message()), (failure.status, failure.message()), "on_closed: {cause:#?}");
    let again = client.query("hello").expect_err("the client is closed");
    assert_eq!(
        (again.status, again.message()),
        (failure.status, failure.message()),
        "a later call: {again:#?}"
    );
    assert!(!failure.message().is_empty());
    failure
}

fn with_cli(path: &Path) -> Value {
    let sandbox = Sandbox::new();
    json!({"cli_path": path, "env": sandbox.env_json(), "env_mode": "only"})
}

/// A program file with this text.
fn file(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let path = folder.join("claude");
    crate::support::executable(&path, text);
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// The start fails with this status and reason, and the message has these words.
fn assert_reason(failure: &Failure, status: Status, reason: &str, words: &[&str]) {
    assert_eq!((failure.status, failure.text("reason")), (status, reason), "{failure:#?}");
    assert_eq!(failure.text("phase"), "spawn", "{failure:#?}");
    for word in words {
        assert!(failure.message().contains(word), "{word:?} is not in {failure:#?}");
    }
}

#[test]
fn k4_edge_115_a_missing_cli_names_every_place_that_was_searched() {
    let sandbox = Sandbox::new();
    let empty = sandbox.root().join("empty");
    fs::create_dir(&empty).unwrap();
    let mut command = program::command(&sandbox, "connect", Variant::Plain, &json!({}), &[]);
    let output = command.env("PATH", &empty).output().unwrap();
    let error: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let places = ["/usr/local/bin/claude", "/opt/homebrew/bin/claude"];
    if let Some(found) = places.into_iter().find(|place| Path::new(place).exists()) {
        return assert_ne!(error["name"], "CLAUDE_ERR_CLI_NOT_FOUND", "{found} is there: {error:#}");
    }
    assert_eq!(error["name"], "CLAUDE_ERR_CLI_NOT_FOUND", "{error:#}");
    assert_eq!(error["class"], "CLINotFoundError");
    assert!(
        error["remedy"].as_str().unwrap().contains("npm install -g @anthropic-ai/claude-code"),
        "{error:#}"
    );
    let searched: Vec<&str> =
        error["searched"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(searched[0], empty.join("claude").to_str().unwrap());
    for place in ["home/.local/bin/claude", "home/.claude/local/claude"] {
        assert!(searched.contains(&sandbox.root().join(place).to_str().unwrap()), "{place}: {error:#}");
    }
    assert!(places.iter().all(|place| searched.contains(place)), "{error:#}");
}

#[test]
fn l3_edge_115_a_path_that_does_not_exist() {
    let failure = refused(with_cli(Path::new("/nonexistent/claude")));
    assert_reason(
        &failure,
        Status::CLAUDE_ERR_CLI_NOT_FOUND,
        "not_found",
        &["/nonexistent/claude", "does not exist"],
    );
    assert_eq!(failure.text("cli_path"), "/nonexistent/claude");
}

#[test]
fn edge_115_a_bare_name_that_is_nowhere() {
    let failure = refused(with_cli(Path::new("no-such-claude-anywhere")));
    assert_eq!(failure.status, Status::CLAUDE_ERR_CLI_NOT_FOUND);
    assert!(!failure.json["searched"].as_array().unwrap().is_empty(), "{failure:#?}");
    assert!(!failure.text("remedy").is_empty());
}

#[test]
fn l3_edge_115_a_file_that_is_not_executable() {
    let folder = tempfile::tempdir().unwrap();
    let failure = refused(with_cli(&file(folder.path(), "#!/bin/sh\n", 0o644)));
    assert_reason(&failure, Status::CLAUDE_ERR_CLI_CONNECTION, "not_executable", &["chmod +x"]);
}

#[test]
fn edge_116_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let failure = refused(with_cli(folder.path()));
    assert_reason(&failure, Status::CLAUDE_ERR_CLI_CONNECTION, "is_directory", &["is a directory"]);
}

#[test]
fn l3_edge_116_a_text_without_shebang() {
    let folder = tempfile::tempdir().unwrap();
    let failure = refused(with_cli(&file(folder.path(), "echo hello\n", 0o755)));
    assert_reason(
        &failure,
        Status::CLAUDE_ERR_CLI_CONNECTION,
        "bad_format",
        &["not a program for this system"],
    );
}

#[test]
fn l3_a_script_whose_interpreter_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let failure = refused(with_cli(&file(folder.path(), "#!/nonexistent/node\n", 0o755)));
    assert_reason(&failure, Status::CLAUDE_ERR_CLI_CONNECTION, "wrong_loader", &["/nonexistent/node"]);
}

#[test]
fn l3_t3_a_program_whose_loader_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (source, path) = (folder.path().join("main.c"), folder.path().join("claude"));
    fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let mut cc = std::process::Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.arg("-Wl,--dynamic-linker=/nonexistent/ld-musl.so.1").arg("-o").arg(&path).arg(&source);
    crate::support::packaging::run(&mut cc);
    let failure = refused(with_cli(&path));
    let words = ["/nonexistent/ld-musl.so.1", "another C library"];
    assert_reason(&failure, Status::CLAUDE_ERR_CLI_CONNECTION, "wrong_loader", &words);
}

#[test]
fn l3_edge_115_a_working_directory_that_was_deleted() {
    let fake = FakeClaude::new(json!({}));
    let failure = refused(options(&fake, json!({"cwd": "/nonexistent/folder"})));
    assert_reason(&failure, Status::CLAUDE_ERR_CLI_CONNECTION, "cwd_missing", &["/nonexistent/folder"]);
}

#[test]
fn a_host_whose_own_directory_was_deleted_can_still_connect() {
    let fake = FakeClaude::new(json!({}));
    let mut options = options(&fake, json!({}));
    options.as_object_mut().unwrap().remove("cwd");
    let ended = program::run(fake.sandbox(), "connect", Variant::Plain, &options, &["delete-cwd"]);
    assert_eq!(ended.expect_success().stdout, "connected\n");
}

#[test]
fn a_cli_that_complains_and_exits() {
    let text = "error: unknown option '--frobnicate'";
    let fake =
        FakeClaude::new(json!({"on_start": [{"stderr": format!("some warning\n{text}\n")}, {"exit": 1}]}));
    let failure = refused(options(&fake, json!({})));
    assert_eq!(
        (failure.status, &failure.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(1)),
        "{failure:#?}"
    );
    assert!(failure.message().contains(text), "{failure:#?}");
    assert_eq!(failure.text("stderr"), format!("some warning\n{text}"));
    assert_eq!(failure.text("phase"), "initialize");
    assert_eq!(failure.text("cli_path"), fake.path().to_str().unwrap());
}

#[test]
fn a_cli_that_does_not_know_a_word_of_ours_says_what_to_do() {
    let says = |flag: &str, more: Value| {
        let line = format!("error: unknown option '{flag}'\n");
        let fake = FakeClaude::new(json!({"on_start": [{"stderr": line}, {"exit": 1}]}));
        let failure = refused(options(&fake, more));
        assert_eq!(failure.status, Status::CLAUDE_ERR_PROCESS, "{failure:#?}");
        (failure.text("remedy").to_owned(), failure.json["pointer"].clone())
    };
    let server = json!({"x": {"command": "x"}});
    let plugins = json!([{"type": "local", "path": "/p"}]);
    let (remedy, _) = says("--await-initialize", json!({"mcp_servers": server}));
    assert!(remedy.contains("set mcp_servers_delivery to \"file\""), "{remedy}");
    assert!(!remedy.contains("plugin_delivery"), "{remedy}");
    let (remedy, _) = says("--await-initialize", json!({"mcp_servers": server, "plugins": plugins}));
    assert!(remedy.contains("plugin_delivery to \"argv\" and set mcp_servers_delivery"), "{remedy}");
    let (remedy, pointer) = says("--effort=low", json!({"effort": "low"}));
    assert!(remedy.contains("update") && remedy.contains("/effort"), "{remedy}");
    assert_eq!(pointer, "/effort");
    let (_, pointer) =
        says("--thinking-display=omitted", json!({"thinking": {"type": "adaptive", "display": "omitted"}}));
    assert_eq!(pointer, "/thinking");
    let (_, pointer) = says("--odd", json!({"extra_args": {"odd": null}}));
    assert_eq!(pointer, "/extra_args/odd");
    let (remedy, pointer) = says("--frobnicate", json!({}));
    assert_eq!((&*remedy, pointer), ("update the CLI", Value::Null));
}

#[test]
fn u1_edge_42_a_cli_that_says_nothing_and_fails() {
    let (failure, took) = timed(|| refused(with_cli(Path::new("/bin/false"))));
    assert_eq!(
        (failure.status, &failure.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(1)),
        "{failure:#?}"
    );
    assert!(took < Duration::from_secs(20), "took {took:?}");
}

#[test]
fn a_cli_that_exits_without_a_word_before_it_is_ready() {
    let fake = FakeClaude::new(json!({"on_initialize": [{"exit": 0}]}));
    let failure = refused(options(&fake, json!({})));
    assert_eq!(
        (failure.status, &failure.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(0)),
        "{failure:#?}"
    );
    assert!(failure.message().contains("before it was ready"), "{failure:#?}");
}

#[test]
fn a_cli_that_is_killed_while_it_starts() {
    let fake = FakeClaude::new(json!({"on_initialize": [{"signal": "KILL"}]}));
    let failure = refused(options(&fake, json!({})));
    assert_eq!(
        (failure.status, &failure.json["signal"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(9)),
        "{failure:#?}"
    );
}

#[test]
fn a7_edge_40_a_cli_that_never_answers_initialize() {
    let script = json!({"on_start": [{"stderr": "waiting for the moon\n"}, "ignore_eof", "ignore_term"],
                        "on_initialize": []});
    let fake = FakeClaude::new(script);
    let (failure, took) = timed(|| refused(options(&fake, json!({"connect_timeout_ms": 1500}))));
    assert_eq!(
        (failure.status, failure.text("phase")),
        (Status::CLAUDE_ERR_TIMEOUT, "initialize"),
        "{failure:#?}"
    );
    assert_eq!(failure.text("stderr"), "waiting for the moon", "{failure:#?}");
    assert!(!failure.text("remedy").is_empty());
    assert!(took >= Duration::from_millis(1500) && took < Duration::from_secs(20), "took {took:?}");
}

#[test]
fn n4_edge_41_an_error_result_while_starting_is_the_reason() {
    let fake = FakeClaude::new(json!({"on_initialize": [{"fail_resume": "both"}]}));
    let failure = refused(options(&fake, json!({"resume": "gone"})));
    assert_eq!(failure.status, Status::CLAUDE_ERR_RESULT, "{failure:#?}");
    assert!(failure.message().contains("No conversation found with session ID: gone"), "{failure:#?}");
    assert_eq!(failure.json["exit_code"], 1);
    assert_eq!(failure.json["data"]["type"], "result", "{failure:#?}");
}

#[test]
fn j5_utf16_output_of_a_launcher_is_readable() {
    let text = "WSL has no installed distributions.\r\n";
    let fake = FakeClaude::new(json!({"on_start": [{"write_utf16": text}, {"exit": 1}]}));
    let failure = refused(options(&fake, json!({})));
    assert_eq!(
        (failure.status, &failure.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(1)),
        "{failure:#?}"
    );
    assert!(failure.text("stdout").contains(text.trim()), "{failure:#?}");
}

/// Options for the real CLI in a sandbox.
fn real_options(cli: &Path, sandbox: &Sandbox, more: Value) -> Value {
    let own = json!({"cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(), "env_mode": "only"});
    merged(own, more)
}

#[test]
fn n4_the_real_cli_resumes_no_unknown_session() {
    let Some(cli) = real_cli_or_skip("n4_the_real_cli_resumes_no_unknown_session") else { return };
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url());
    let id = "00000000-0000-4000-8000-000000000000";
    let failure = refused(real_options(&cli, &sandbox, json!({"resume": id})));
    assert_eq!(failure.status, Status::CLAUDE_ERR_RESULT, "{failure:#?}");
    assert!(failure.message().contains(id), "{failure:#?}");
}

#[test]
fn the_real_cli_names_an_unknown_flag() {
    let Some(cli) = real_cli_or_skip("the_real_cli_names_an_unknown_flag") else { return };
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url());
    let failure = refused(real_options(&cli, &sandbox, json!({"extra_args": {"frobnicate": null}})));
    assert_eq!(
        (failure.status, &failure.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(1)),
        "{failure:#?}"
    );
    assert!(
        failure.message().contains("frobnicate") && failure.text("stderr").contains("frobnicate"),
        "{failure:#?}"
    );
}

#[test]
fn a_connect_that_times_out_says_what_stdout_began_with() {
    for (written, shown) in [
        ("Last login: yesterday\n", "Last login: yesterday\n"),
        ("user@host's password: ", "user@host's password: "),
        ("a line\n{\"type\":\"control_resp", "a line\n{\"type\":\"control_resp"),
    ] {
        let fake =
            FakeClaude::new(json!({"on_start": [{"write": written}], "on_control": {"initialize": []}}));
        let failure = refused(options(&fake, json!({"connect_timeout_ms": 1500})));
        assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT, "{failure:#?}");
        assert_eq!(failure.text("stdout"), shown, "{failure:#?}");
        assert!(failure.text("remedy").contains("stdout"), "{failure:#?}");
    }
    let fake = FakeClaude::new(json!({"on_control": {"initialize": []}}));
    let failure = refused(options(&fake, json!({"connect_timeout_ms": 1500})));
    assert!(failure.json.get("stdout").is_none(), "{failure:#?}");
    assert!(failure.text("remedy").contains("connect_timeout_ms"), "{failure:#?}");
}

#[test]
fn the_real_cli_is_heard_behind_what_a_wrapper_writes_on_its_first_line() {
    let Some(cli) = real_cli_or_skip("the_real_cli_is_heard") else { return };
    let api = Loopback::start();
    for octal in ["\\357\\273\\277", "\\033[0m", "loading the profile ", "\\000"] {
        let sandbox = Sandbox::new().with_api(api.url());
        let text = format!("#!/bin/sh\nprintf '{octal}'\nexec '{}' \"$@\"\n", cli.display());
        let wrapper = file(sandbox.root(), &text, 0o755);
        let client =
            Client::connected(&real_options(&wrapper, &sandbox, json!({"connect_timeout_ms": 30_000})));
        client.turn("hello");
        assert_eq!(client.stats()["unparsed_lines"], 1, "{octal}");
    }
}
