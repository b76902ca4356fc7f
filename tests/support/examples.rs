//! Compiles the programs of `examples-c/` and runs them in a sandbox, against the real CLI and a loopback API.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use claude_testkit::locate::real_cli;
use claude_testkit::quick::leaves_out;
use claude_testkit::{Loopback, Patience, Sandbox};

use super::packaging::SONAME;
use super::toolchain;

/// Far more than any example needs; a program that is still there then hangs.
const PATIENCE: Duration = Duration::from_secs(180);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of all examples.
pub fn names() -> Vec<String> {
    let folder = std::fs::read_dir(root().join("examples-c")).expect("examples-c can be read");
    let paths = folder.map(|entry| entry.expect("an entry of examples-c").path());
    let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "c"));
    let mut names: Vec<String> =
        sources.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    let linux = cfg!(target_os = "linux") && toolchain::windows().is_none();
    names.retain(|name| linux || name != "epoll");
    // tests/packaging/adapters.rs and tests/sessions/store_examples.rs: they need more than the library.
    names.retain(|name| !["sdl_loop", "store_sqlite", "store_postgres"].contains(&name.as_str()));
    names.sort();
    names
}

/// A folder with the library under the names that the linker and the loader look for.
fn library_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = toolchain::windows() {
            return folder;
        }
        let library = toolchain::library();
        let plain = library.file_name().expect("the library has a name");
        let folder = out_folder().join("lib");
        std::fs::create_dir_all(&folder).expect("make a folder for links");
        for name in [plain, SONAME.as_ref()] {
            replace(&folder.join(name), |link| {
                std::os::unix::fs::symlink(&library, link).expect("link to the library");
            });
        }
        folder
    })
}

fn out_folder() -> PathBuf {
    toolchain::other_library().unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into()).join("examples")
}

/// Makes a file under another name and moves it into place, so that another run of the tests, which uses the same
/// folder, never sees half of it.
fn replace(path: &Path, make: impl FnOnce(&Path)) {
    let name = path.file_name().expect("a file").to_string_lossy();
    let fresh = path.with_file_name(format!("{name}.{}", std::process::id()));
    let _ = std::fs::remove_file(&fresh);
    make(&fresh);
    std::fs::rename(&fresh, path).expect("move into place");
}

/// The program of an example, compiled at its first use.
pub fn program(name: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    built.get_or_insert_default().entry(name.to_owned()).or_insert_with(|| compile(name)).clone()
}

fn compile(name: &str) -> PathBuf {
    let libraries = library_folder();
    let program = match toolchain::windows() {
        Some(folder) => folder.join(format!("example-{name}.exe")),
        None => out_folder().join(name),
    };
    replace(&program, |program| compile_to(name, libraries, program));
    program
}

fn compile_to(name: &str, libraries: &Path, program: &Path) {
    let mut compiler = toolchain::c_compiler();
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-g", "-pthread"]);
    compiler.arg("-I").arg(root().join("include")).arg("-o").arg(program);
    compiler.arg(root().join("examples-c").join(format!("{name}.c")));
    toolchain::link(&mut compiler, libraries);
    let output = compiler.output().unwrap_or_else(|error| panic!("cannot start {compiler:?}: {error}"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}.c does not compile:\n{complaints}");
}

/// A sandbox with the CLI and an API of its own.
pub struct Stage {
    pub api: Loopback,
    pub sandbox: Sandbox,
}

/// What a program did.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Stage {
    /// With the real CLI. `None` = it is missing and the test must end; says so loudly, and fails where skips
    /// are forbidden.
    pub fn real(test: &str) -> Option<Stage> {
        if leaves_out("the real CLI") {
            return None;
        }
        let Some(cli) = real_cli() else {
            let advice = format!("{test}: the real CLI is missing; `make cli` installs it");
            assert!(
                std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_none_or(|value| value.is_empty()),
                "{advice}"
            );
            eprintln!("SKIPPED {advice}");
            return None;
        };
        Some(Stage::with_cli(cli))
    }

    /// Examples find the CLI through a variable, so that they run exactly as they stand in the source.
    pub fn with_cli(cli: impl Into<OsString>) -> Stage {
        let api = Loopback::start();
        let sandbox = Sandbox::new().with_api(api.url()).with_env("CLAUDE_CLIENT_CLI", cli);
        Stage { api, sandbox }
    }

    /// Runs an example to its end.
    pub fn run(&self, example: &str, arguments: &[&str], input: &str) -> Ended {
        let words = toolchain::words(&program(example));
        let mut command = self.sandbox.command(&words[0]);
        command.args(&words[1..]).envs(toolchain::variables());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the example starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_owned();
        // A program that does not read its input may be gone before it is written.
        let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let stdout = read_all(child.stdout.take().expect("a pipe"));
        let stderr = read_all(child.stderr.take().expect("a pipe"));
        let patience = Patience::new(PATIENCE);
        let status = loop {
            if let Some(status) = child.try_wait().expect("the example can be waited for") {
                break Some(status);
            }
            if patience.is_over() {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            thread::sleep(Duration::from_millis(10));
        };
        let _ = writer.join();
        let (stdout, stderr) = (stdout.join().expect("stdout"), stderr.join().expect("stderr"));
        toolchain::assert_one_server(&self.sandbox);
        let Some(status) = status else { panic!("{example} hangs\n{stdout}\n{stderr}") };
        Ended { status, stdout, stderr }
    }

    /// Runs an example that must succeed and print nothing on stderr; its output.
    pub fn output(&self, example: &str, input: &str) -> String {
        let ended = self.run(example, &[], input);
        assert!(ended.status.success() && ended.stderr.is_empty(), "{example}: {ended:#?}");
        ended.stdout
    }

    /// The requests for an answer to `prompt`, whatever else the CLI asks the API.
    pub fn asked(&self, prompt: &str) -> Vec<claude_testkit::loopback::Recorded> {
        self.api.messages().into_iter().filter(|request| request.conversation.prompt() == prompt).collect()
    }
}

fn read_all(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        toolchain::text(&bytes)
    })
}

/// The rest of the line that starts with `start`.
pub fn line_after<'a>(output: &'a str, start: &str) -> &'a str {
    let found = output.lines().find_map(|line| line.strip_prefix(start));
    found.unwrap_or_else(|| panic!("no line starts with {start:?} in\n{output}"))
}

/// The number right behind `start`.
pub fn number_after(output: &str, start: &str) -> f64 {
    let at = output.find(start).unwrap_or_else(|| panic!("{start:?} is not in\n{output}")) + start.len();
    let rest = &output[at..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && !".-e".contains(c)).unwrap_or(rest.len());
    rest[..end]
        .trim_end_matches('.')
        .parse()
        .unwrap_or_else(|_| panic!("no number after {start:?} in\n{output}"))
}

/// Fails unless the parts come in this order.
pub fn assert_order(output: &str, parts: &[&str]) {
    let mut rest = output;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not where it belongs in\n{output}"));
        rest = &rest[at + part.len()..];
    }
}
