//! `make run`: the script behind it, on a terminal and without one, with the pinned CLI and with another.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::examples::{assert_order, program};
use claude_testkit::Sandbox;
use claude_testkit::locate::{fake_cli, loopback_bin, real_cli_or_skip};
use tempfile::TempDir;

const LIVE_HINT: &str = "make run LIVE=1";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands behind `make run`, with the CLI of `directory`.
fn arguments(directory: &Path) -> [OsString; 4] {
    let script = root().join("packaging/run-demo.sh");
    [script.into(), program("chat").into(), loopback_bin().into(), directory.into()]
}

/// A folder with just these programs, for a PATH of its own.
fn folder_with(programs: &[(&str, PathBuf)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, program) in programs {
        symlink(program, folder.path().join(name)).unwrap();
    }
    folder
}

/// The scripted conversation, with a CLI that is not the pinned one.
fn scripted(path: OsString) -> (bool, String) {
    let sandbox = Sandbox::new().with_env("PATH", path);
    let [script, rest @ ..] = arguments(&sandbox.root().join("no-cli-here"));
    let mut command = sandbox.command(script);
    let output = command.args(rest).current_dir(root()).stdin(Stdio::null()).output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), text)
}

#[test]
fn ctrl_c_interrupts_the_turn_and_not_make_run() {
    if real_cli_or_skip("ctrl_c_interrupts_the_turn_and_not_make_run").is_none() {
        return;
    }
    // make shares the terminal as well.
    let sandbox = Sandbox::new();
    let rule = arguments(&root().join("build/cli"))
        .map(|argument| format!("'{}'", argument.to_string_lossy()))
        .join(" ");
    let makefile = sandbox.work().join("Makefile");
    fs::write(&makefile, format!("run:\n\t@{rule}\n")).unwrap();
    let make = crate::support::pty::Command::new("make").arg("-f").arg(makefile).arg("run");
    let mut terminal = crate::support::pty::Terminal::run(&sandbox, make.current_dir(root()));
    terminal.wait_for("using the pinned CLI: ");
    terminal.wait_for(LIVE_HINT);
    terminal.wait_for("> ");
    terminal.type_keys("slow 1000 100\n");
    terminal.wait_for("word1 ");
    terminal.type_keys("\x03");
    terminal.wait_for("[interrupted]");
    terminal.wait_for("> ");
    terminal.type_keys("What is 20 + 22?\n");
    terminal.wait_for("20 + 22 = 42");
    terminal.wait_for("> ");
    terminal.type_keys("\x03"); // nothing to interrupt: still no reason to end
    terminal.wait_for("/quit ends the program");
    terminal.type_keys("What is 1 + 1?\n");
    terminal.wait_for("1 + 1 = 2");
    terminal.wait_for("> ");
    terminal.type_keys("/quit\n");
    terminal.end();
}

#[test]
fn without_npm_the_claude_on_path_serves() {
    let mut programs = vec![("claude", fake_cli())];
    programs.extend(["sh", "dirname", "cat"].map(|name| (name, find(name))));
    let folder = folder_with(&programs);
    let (success, output) = scripted(folder.path().into());
    assert!(success, "{output}");
    let claude = folder.path().join("claude");
    assert_order(
        &output,
        &["the claude on PATH serves: ", &claude.to_string_lossy(), LIVE_HINT, "> /cost", "> /quit"],
    );
}

#[test]
fn when_npm_fails_the_claude_on_path_serves() {
    let folder = folder_with(&[("claude", fake_cli())]);
    let npm = folder.path().join("npm");
    crate::support::executable(&npm, "#!/bin/sh\necho 'npm error network' >&2\nexit 1\n");
    let system = ["/usr/bin", "/bin"].map(Path::new);
    let path = std::env::join_paths([&[folder.path()], &system[..]].concat()).unwrap();
    let (success, output) = scripted(path);
    assert!(success && output.contains("npm error network"), "{output}");
    assert_order(&output, &["the claude on PATH serves: ", "> /quit"]);
}

#[test]
fn without_any_cli_it_says_what_to_install() {
    let folder = folder_with(&["sh", "dirname", "cat"].map(|name| (name, find(name))));
    let (success, output) = scripted(folder.path().into());
    assert!(!success && output.contains("npm") && output.contains("put claude on PATH"), "{output}");
}

fn find(name: &str) -> PathBuf {
    let output = Command::new("sh").arg("-c").arg(format!("command -v {name}")).output().unwrap();
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}
