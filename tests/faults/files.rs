//! What is private on its way to the CLI: it arrives, nobody else sees it, and nothing of it stays.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::host::{Client, Kind, Status};
use crate::support::program::{self, Variant};
use crate::support::{PATIENCE, eventually, merged, options};
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

const TOKEN: &str = "sk-ant-a-token-that-nobody-may-see";

/// Everything that has ever been delivered as a file.
fn private(more: Value) -> Value {
    let mut all = json!({
        "settings": {"env": {"TOKEN": TOKEN}, "permissions": {"deny": ["Bash"]}},
        "sandbox": {"enabled": true, "network": {"allowedDomains": ["example.com"]}},
        "mcp_servers": {"mine": {"command": "/bin/cat", "env": {"TOKEN": TOKEN}}},
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// A program before the CLI that knows none of the words in `unknown`, notes its arguments, and copies what it is given as files.
fn older(folder: &Path, cli: &Path, unknown: &str) -> PathBuf {
    let path = folder.join("older-claude");
    let script = format!(
        "#!/bin/sh\nfor a; do case \"$a\" in {unknown})\n echo \"error: unknown option '$a'\" >&2; exit 1;;\n\
         --settings=*|--mcp-config=*) cat \"${{a#*=}}\" >> '{folder}/given' || exit 7; echo \"$a\" >> '{folder}/paths';; esac; done\n\
         echo \"$*\" >> '{folder}/starts'\nexec '{cli}' \"$@\"\n",
        folder = folder.display(),
        cli = cli.display()
    );
    crate::support::executable(&path, script);
    path
}

fn text_of(path: PathBuf) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// A host of its own with this TMPDIR, which goes in this way.
fn host_that(sandbox: &Sandbox, options: &Value, tmpdir: &str, way: &str) {
    let mut command = program::command(sandbox, "leaves", Variant::Plain, options, &[way]);
    command.env("TMPDIR", tmpdir).current_dir(sandbox.work());
    let mut host = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if way == "killed" {
        host.kill().unwrap();
    }
    host.wait().unwrap();
    assert_eq!(line, "ready\n", "{way} with TMPDIR {tmpdir:?}");
}

#[test]
fn what_the_cli_takes_on_its_stdin_is_no_file_and_no_argument() {
    let fake = FakeClaude::new(json!({}));
    let client = Client::connected(&options(&fake, private(json!({}))));
    let requests = fake.log().requests("initialize");
    let initialize = &requests[0];
    assert_eq!(initialize["settings"]["env"]["TOKEN"], TOKEN);
    assert_eq!(initialize["settings"]["sandbox"]["failIfUnavailable"], true);
    assert_eq!(initialize["mcpServers"]["mine"]["env"]["TOKEN"], TOKEN);
    let line = std::fs::read(format!("/proc/{}/cmdline", client.pid())).unwrap();
    let line = String::from_utf8_lossy(&line).into_owned();
    assert!(
        !line.contains(TOKEN) && !line.contains("--settings") && !line.contains("--mcp-config"),
        "{line}"
    );
    let descriptors = entries(Path::new(&format!("/proc/{}/fd", client.pid())));
    let kept = descriptors.iter().filter_map(|path| std::fs::read_link(path).ok());
    assert!(!kept.into_iter().any(|path| path.to_string_lossy().contains("claude-private")));
}

#[test]
fn nothing_private_stays_however_the_host_ends() {
    for delivery in ["initialize", "file"] {
        for way in ["return", "exit", "_exit", "abort", "killed", "disconnect", "free"] {
            let fake = FakeClaude::new(json!({}));
            let tmp = fake.sandbox().root().join("tmp");
            std::fs::create_dir_all(&tmp).unwrap();
            let options = options(&fake, private(json!({"mcp_servers_delivery": delivery})));
            host_that(fake.sandbox(), &options, tmp.to_str().unwrap(), way);
            assert_eq!(entries(&tmp), [] as [PathBuf; 0], "{way}, {delivery}");
        }
    }
}

#[test]
fn a_cli_that_knows_only_files_gets_them_whatever_tmpdir_and_cwd_are() {
    for (tmpdir, unknown) in [
        ("", "--await-initialize"),
        ("relative", "--await-initialize"),
        ("/nowhere/at/all", "--await-initialize"),
        ("", "--initialize-fields*"),
    ] {
        let fake = FakeClaude::new(json!({}));
        let root = fake.sandbox().root().to_owned();
        let cwd = root.join("elsewhere");
        std::fs::create_dir_all(&cwd).unwrap();
        std::fs::create_dir_all(fake.sandbox().work().join("relative")).unwrap();
        let cli = older(&root, &fake.path(), unknown);
        let options = options(&fake, private(json!({"cli_path": cli, "cwd": cwd})));
        host_that(fake.sandbox(), &options, tmpdir, "return");
        let given = text_of(root.join("given"));
        assert_eq!(given.matches(TOKEN).count(), 2, "{tmpdir:?} {unknown}: {given}");
        let paths = text_of(root.join("paths"));
        assert!(paths.lines().all(|line| line.split_once('=').unwrap().1.starts_with('/')), "{paths}");
        assert_eq!(entries(&fake.sandbox().work().join("relative")), [] as [PathBuf; 0]);
        assert!(
            !entries(&fake.sandbox().work())
                .iter()
                .any(|path| path.to_string_lossy().contains("claude-client"))
        );
    }
}

#[test]
fn a_cli_of_another_user_can_read_what_is_private() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for unknown in ["--nothing", "--await-initialize"] {
        let fake = FakeClaude::new(json!({}));
        let root = fake.sandbox().root().to_owned();
        let cli = older(&root, &fake.path(), unknown);
        for name in ["given", "paths", "starts", "fake-claude.log"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        for path in entries(&root).into_iter().chain([root.clone()]) {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        }
        let options = options(
            &fake,
            private(json!({"cli_path": cli, "user": "nobody", "mcp_servers_delivery": "file"})),
        );
        let client = Client::new(&options);
        client.connect().unwrap_or_else(|failure| panic!("{unknown}: {failure:#?}"));
        assert!(text_of(root.join("given")).contains(TOKEN), "{unknown}");
        client.disconnect().unwrap();
    }
}

#[test]
fn two_sources_of_the_settings_are_refused() {
    let fake = FakeClaude::new(json!({}));
    let client = Client::new(&options(&fake, private(json!({"extra_args": {"settings": "{}"}}))));
    let failure = client.connect().unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_OPTION, "{failure:#?}");
    assert_eq!(failure.text("pointer"), "/extra_args/settings");
    assert!(eventually(PATIENCE, || client.pid() == 0));
}

struct Real {
    cli: PathBuf,
    _api: Loopback,
    sandbox: Sandbox,
}

impl Real {
    fn new(test: &str) -> Option<Real> {
        let cli = real_cli_or_skip(test)?;
        let api = Loopback::start();
        let sandbox = Sandbox::new().with_api(api.url());
        Some(Real { cli, _api: api, sandbox })
    }

    fn options(&self, more: Value) -> Value {
        let own = json!({"cli_path": self.cli, "cwd": self.sandbox.work(), "env": self.sandbox.env_json(),
            "env_mode": "only", "permission_mode": "acceptEdits", "strict_mcp_config": true});
        merged(own, more)
    }
}

/// What the tool said.
fn tool(client: &Client, name: &str, input: Value) -> String {
    client.turn(&format!("USE_TOOL {}", json!({"name": name, "input": input})));
    let results = client.of_kind(Kind::CLAUDE_MESSAGE_RESULT);
    results.last().unwrap().json()["result"].as_str().unwrap_or_default().to_owned()
}

fn shell(client: &Client, command: &str) -> String {
    tool(client, "Bash", json!({"command": command}))
}

/// In force, from the first turn to the last, also when the CLI reads all its settings anew.
fn settings_are_in_force(real: &Real, client: &Client) {
    assert!(shell(client, "echo ran-$TOKEN").contains(&format!("ran-{TOKEN}")));
    let refused = |client: &Client| {
        shell(client, "touch denied");
        !real.sandbox.work().join("denied").exists()
    };
    assert!(refused(client), "the rule of the settings holds");
    let own = real.sandbox.home().join(".claude/settings.json");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    std::fs::write(own, r#"{"env": {"MARKER": "1"}}"#).unwrap();
    let anew = eventually(PATIENCE, || shell(client, "echo seen-$MARKER").contains("seen-1"));
    assert!(anew, "the CLI has read its settings anew");
    assert!(refused(client), "and still");
    assert!(shell(client, "echo ran-$TOKEN").contains(&format!("ran-{TOKEN}")));
}

fn rules() -> Value {
    json!({"settings": {"env": {"TOKEN": TOKEN}, "permissions": {"allow": ["Bash"], "deny": ["Bash(touch *)"]}},
        "mcp_servers": {"small": {"command": "sh", "env": {"MCP_TOKEN": TOKEN},
            "args": [Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/probe/mcp-server.sh")]}}})
}

fn small_server(client: &Client) -> String {
    let status = client.control(&json!({"subtype": "mcp_status"})).unwrap();
    status["mcpServers"][0]["status"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_real_cli_takes_its_settings_on_stdin_for_good() {
    let Some(real) = Real::new("takes_its_settings_on_stdin") else { return };
    let client = Client::connected(&real.options(rules()));
    settings_are_in_force(&real, &client);
    assert!(eventually(PATIENCE, || small_server(&client) == "connected"));
}

#[test]
fn the_real_cli_reads_what_it_inherits_for_good_and_passes_it_on_to_nobody() {
    let Some(real) = Real::new("reads_what_it_inherits") else { return };
    let cli = older(real.sandbox.root(), &real.cli, "--await-initialize");
    let client = Client::connected(&real.options(merged(rules(), json!({"cli_path": cli}))));
    let paths = text_of(real.sandbox.root().join("paths"));
    assert_eq!(paths.lines().count(), 2, "{paths}");
    settings_are_in_force(&real, &client);
    assert!(eventually(PATIENCE, || small_server(&client) == "connected"));
    client.control(&json!({"subtype": "mcp_reconnect", "serverName": "small"})).unwrap();
    assert!(eventually(PATIENCE, || small_server(&client) == "connected"));
    let seen = shell(&client, "ls -l /proc/self/fd/");
    assert!(seen.contains("/proc/self/fd") || seen.contains("->"), "{seen}");
    assert!(!seen.contains("claude-private"), "{seen}");
}

#[test]
fn the_real_cli_of_another_user_gets_settings_and_sandbox() {
    let Some(real) = Real::new("of_another_user") else { return };
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for folder in
        [real.sandbox.root().to_owned(), real.sandbox.home(), real.sandbox.work(), real.sandbox.tmp()]
    {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    for delivery in ["initialize", "file"] {
        let more = json!({"user": "nobody", "mcp_servers_delivery": delivery,
            "sandbox": {"enabled": true, "failIfUnavailable": false}});
        let client = Client::connected(&real.options(merged(rules(), more)));
        assert!(eventually(PATIENCE, || small_server(&client) == "connected"), "{delivery}");
        let settings = client.control(&json!({"subtype": "get_settings"})).unwrap();
        assert_eq!(settings["effective"]["sandbox"]["enabled"], true, "{settings}");
        assert_eq!(settings["effective"]["permissions"]["deny"], json!(["Bash(touch *)"]));
        client.disconnect().unwrap();
    }
}
