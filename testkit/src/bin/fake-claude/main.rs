//! `fake-claude`: a scriptable stand-in for the Claude Code CLI. `testkit/README.md` documents the script language.

// Without Rust's own start-up code: it would ignore SIGPIPE and open missing standard descriptors before the log
// could record what the host really handed down.
#![cfg_attr(unix, no_main)]

mod actions;
mod asks;
mod control;
mod engine;
mod frames;
mod grandchild;
mod output;
mod reader;
mod record;
mod script;
mod session;
mod sys;
mod task;
mod template;

use std::ffi::OsString;

#[cfg(unix)]
#[allow(unsafe_code)]
// SAFETY: the linker looks for exactly this symbol, and nothing else in the program defines it.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> std::ffi::c_int {
    run()
}

#[cfg(not(unix))]
fn main() {
    std::process::exit(run());
}

fn run() -> i32 {
    let argv = sys::arguments();
    let is = |name: &str| argv.get(1).is_some_and(|argument| argument == name);
    if is("--grandchild") {
        return grandchild::run(argv.get(2));
    }
    let record = record::Record::open(&argv);
    let script = match script::Script::load() {
        Ok(script) => script,
        Err(error) => sys::die(&format!("FAKE_CLAUDE: {error}")),
    };
    if is("--version") || is("-v") {
        output::write(format!("{}\n", script.version()).as_bytes());
        return 0;
    }
    sys::handle_signals();
    let argv: Vec<String> = argv.into_iter().skip(1).map(lossy).collect();
    engine::Engine::new(script, session::Session::new(argv), record).run()
}

fn lossy(text: OsString) -> String {
    text.to_string_lossy().into_owned()
}
