//! Which library the C programs of the tests load, what compiles them and what runs them. `make tsan`, `make test-musl`,
//! `make test-aarch64` and `make test-windows` run the same tests against a library of their own, with another compiler.
#![allow(dead_code)] // Each test binary uses its own part.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// What a program that was compiled so needs beside the variables of its sandbox.
pub fn variables() -> impl Iterator<Item = (&'static str, OsString)> {
    // The last two for a program that starts itself again, and for bounds of its own.
    ["TSAN_OPTIONS", "WINEPREFIX", "WINEDEBUG", "CLAUDE_TESTS_RUNNER", "CLAUDE_TESTS_SLOWNESS"]
        .into_iter()
        .filter_map(|name| Some((name, variable(name)?)))
}
