//! Which library the C programs of the tests load, what compiles them and what runs them. `make tsan`, `make test-musl`,
//! `make test-aarch64` and `make test-windows` run the same tests against a library of their own, with another compiler.
#![allow(dead_code)] // Each test binary uses its own part.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use claude_testkit::{Sandbox, fake_cli};
use serde_json::{Value, json};

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder of a library that was not built together with this test. Tools that look for errors of memory stay away from it.
pub fn other_library() -> Option<PathBuf> {
    variable("CLAUDE_TESTS_LIBRARY_FOLDER").map(PathBuf::from)
}

/// The library that programs are linked with: that one, or the one that was built together with this test.
#[cfg(unix)]
pub fn library() -> PathBuf {
    other_library().map_or_else(super::packaging::shared_library, |folder| folder.join("libclaude_client.so"))
}

/// The folder in which `make test-windows` has laid out the library for Windows with what it needs: `CLAUDE_TESTS_RUNNER` is Wine then.
pub fn windows() -> Option<PathBuf> {
    variable("CLAUDE_TESTS_WINDOWS").map(PathBuf::from)
}

/// A path as the system of the programs has it: Wine shows the whole disk as a drive.
pub fn native(path: &Path) -> String {
    let path = path.display().to_string();
    match windows() {
        Some(_) => format!("Z:{}", path.replace('/', "\\")),
        None => path,
    }
}

/// The stand-in, built for the system that the programs run on.
pub fn stand_in() -> PathBuf {
    windows().map_or_else(fake_cli, |folder| folder.join("fake-claude.exe"))
}

/// The variables of a CLI that make a sandbox its home, on the system that the programs run on.
pub fn home(sandbox: &Sandbox) -> Value {
    let mut env = json!({});
    if windows().is_some() {
        for name in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"] {
            env[name] = native(&sandbox.home()).into();
        }
        for name in ["TEMP", "TMP", "TMPDIR", "CLAUDE_CODE_TMPDIR"] {
            env[name] = native(&sandbox.tmp()).into();
        }
    }
    env
}

/// What the name of a program ends with.
pub fn ending() -> &'static str {
    if windows().is_some() { ".exe" } else { "" }
}

/// Links a program with the library in `folder`.
pub fn link(compiler: &mut Command, folder: &Path) {
    if windows().is_some() {
        compiler.arg(folder.join("libclaude_client.dll.a")).args(["-static", "-lpsapi"]);
    } else {
        compiler.arg("-L").arg(folder).arg("-lclaude_client");
        compiler.arg(format!("-Wl,-rpath,{}", folder.display()));
    }
}

/// The compiler for C programs, with the flags that all of them get.
pub fn c_compiler() -> Command {
    compiler("CC", "cc")
}

/// As [`c_compiler`], for C++.
pub fn cpp_compiler() -> Command {
    compiler("CXX", "c++")
}

fn compiler(name: &str, default: &str) -> Command {
    let mut command = Command::new(variable(name).unwrap_or_else(|| default.into()));
    if let Some(flags) = variable("CLAUDE_TESTS_CFLAGS") {
        command.args(flags.to_string_lossy().split_whitespace());
    }
    command
}

/// Starts a program that was compiled so, in an environment of the caller's.
pub fn start(program: &Path) -> Command {
    let words = words(program);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// The words that start a program: itself, or an emulator and itself.
pub fn words(program: &Path) -> Vec<OsString> {
    let runner = variable("CLAUDE_TESTS_RUNNER").unwrap_or_default();
    let words = runner.to_string_lossy().split_whitespace().map(OsString::from).collect::<Vec<_>>();
    words.into_iter().chain([program.into()]).collect()
}

/// What a program that was compiled so needs beside the variables of its sandbox. Wine's programs find its server by their folder for
/// temporary files; in that of their sandbox each would start a server of its own, which complains on their stderr.
pub fn variables() -> impl Iterator<Item = (&'static str, OsString)> {
    let same = ["TSAN_OPTIONS", "WINEPREFIX", "WINEDEBUG", "WINEDLLOVERRIDES"];
    // For a program that starts itself again, and for bounds of its own.
    let emulated = ["CLAUDE_TESTS_RUNNER", "CLAUDE_TESTS_SLOWNESS"];
    let same = same.into_iter().chain(emulated).map(|name| (name, name));
    let server = ["TMPDIR", "XDG_RUNTIME_DIR"].map(|name| (name, "CLAUDE_TESTS_WINE_SERVER"));
    same.chain(server).filter_map(|(name, from)| Some((name, variable(from)?)))
}

/// What a program printed, with the ends of lines of this system.
pub fn text(printed: &[u8]) -> String {
    let text = String::from_utf8_lossy(printed);
    if windows().is_some() { text.replace("\r\n", "\n") } else { text.into_owned() }
}

/// Behind a program that has run in the sandbox: it has not started a server of Wine's of its own.
pub fn assert_one_server(sandbox: &Sandbox) {
    let entries = std::fs::read_dir(sandbox.tmp()).into_iter().flatten().flatten();
    let own = entries.map(|entry| entry.file_name()).find(|name| name.to_string_lossy().starts_with("wine"));
    assert!(windows().is_none() || own.is_none(), "a server of its own: {own:?}");
}
