//! Builds C programs against the header and this build's shared library, and runs their scenarios beside `fake-claude`.
#![allow(dead_code)] // Each test binary uses its own part.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use claude_testkit::fake::FakeClaude;
use claude_testkit::patience::grown;
use serde_json::{Value, json};

use crate::support::{PATIENCE, toolchain};

/// How a program is built and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    Plain,
    AddressSanitizer,
    Valgrind,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `target/<profile>/deps`, where this build's shared library lies beside the test; or where another one is.
fn built() -> PathBuf {
    if let Some(folder) = toolchain::other_library().or_else(toolchain::windows) {
        return folder;
    }
    let test = std::env::current_exe().expect("the test knows its own path");
    test.parent().expect("the test lies in a directory").to_owned()
}

/// Scenarios that measure time or memory have the machine for themselves, as far as this program is concerned.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A missing tool is a loud skip, or a failure where skips are forbidden.
pub fn has(tool: &str) -> bool {
    let found =
        Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        let forbidden = std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_some_and(|value| value == "1");
        assert!(!forbidden, "{tool} is missing and CLAUDE_TESTS_NO_SKIP=1: `apt-get install {tool}`");
        eprintln!("SKIPPED: {tool} is missing: `apt-get install {tool}`");
    }
    found
}

/// Where the programs find the library under the name that they look for.
fn library_folder() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(make_library_folder).clone()
}

fn make_library_folder() -> PathBuf {
    if let Some(folder) = toolchain::windows() {
        return folder;
    }
    let folder = built().join("dispatch-c");
    std::fs::create_dir_all(&folder).expect("make a folder for the programs");
    let library = built().join("libclaude_client.so");
    assert!(library.exists(), "{} is missing: run `cargo test`, which builds it", library.display());
    let link = folder.join("libclaude_client.so.0");
    // Other test programs do the same at the same time.
    let own = folder.join(format!("link.{}", std::process::id()));
    let _ = std::fs::remove_file(&own);
    std::os::unix::fs::symlink(&library, &own).expect("link the library");
    std::fs::rename(&own, &link).expect("name the link");
    folder
}

/// Compiles `tests/c/<name>.c`, once for each test program that uses it.
fn compile(name: &str, with: With) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<Vec<(String, bool)>> = Mutex::new(Vec::new());
    let mut done = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let folder = library_folder();
    let sanitized = with == With::AddressSanitizer;
    let windows = toolchain::windows().is_some();
    let suffix = if sanitized { "-asan" } else { toolchain::ending() };
    let program = folder.join(format!("{name}{suffix}"));
    if done.contains(&(name.to_owned(), sanitized)) {
        return program;
    }
    let fresh = folder.join(format!("{name}{suffix}.{}", std::process::id()));
    let cpp = root().join("tests/c").join(format!("{name}.cpp"));
    let (mut compiler, standard, source) = match cpp.exists() {
        true => (toolchain::cpp_compiler(), "-std=c++11", cpp),
        false => (toolchain::c_compiler(), "-std=gnu11", root().join("tests/c").join(format!("{name}.c"))),
    };
    compiler.args([standard, "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-pthread", "-I"]);
    compiler.arg(root().join("include")).arg(source);
    if sanitized {
        compiler.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    }
    if name == "dispatch_plugin" {
        compile_plugin(&folder);
    }
    if windows {
        toolchain::link(&mut compiler, &folder);
    } else if name != "dispatch_dlopen" {
        compiler.arg(folder.join("libclaude_client.so.0")).arg("-ldl");
    }
    compiler.arg("-o").arg(&fresh);
    let output = compiler.output().expect("run the C compiler");
    assert!(output.status.success(), "{compiler:?}\n{}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(&fresh, &program).expect("name the program");
    done.push((name.to_owned(), sanitized));
    program
}

/// The part of `dispatch_plugin.c` that its program loads.
fn compile_plugin(folder: &Path) {
    let fresh = folder.join(format!("plugin.{}", std::process::id()));
    let mut compiler = toolchain::c_compiler();
    compiler.args([
        "-std=gnu11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O1",
        "-g",
        "-DPLUGIN",
        "-shared",
        "-fPIC",
        "-I",
    ]);
    compiler.arg(root().join("include")).arg(root().join("tests/c/dispatch_plugin.c"));
    compiler.arg(folder.join("libclaude_client.so.0")).arg("-o").arg(&fresh);
    let output = compiler.output().expect("run the C compiler");
    assert!(output.status.success(), "{compiler:?}\n{}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(&fresh, folder.join("dispatch_plugin.so")).expect("name the plugin");
}

/// A copy of the library under another name.
fn copy_library(folder: &Path) -> PathBuf {
    let copy = folder.join("libanother_name.so");
    let own = folder.join(format!("copy.{}", std::process::id()));
    std::fs::copy(folder.join("libclaude_client.so.0"), &own).expect("copy the library");
    std::fs::rename(&own, &copy).expect("name the copy");
    copy
}

/// The variables of a C program on Windows are not in UTF-8.
fn in_ascii(json: &Value) -> String {
    let mut units = [0; 2];
    let escaped = |letter: char| match letter.is_ascii() {
        true => letter.to_string(),
        false => letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    json.to_string().chars().map(escaped).collect()
}

/// A scenario of a C program.
pub struct Scenario {
    program: &'static str,
    arguments: Vec<String>,
    options: Value,
    pub fake: FakeClaude,
    limit: Duration,
    with: With,
    variables: Vec<(String, String)>,
}

/// `arguments` is the scenario's name and what it takes; `script` is what `fake-claude` plays.
pub fn scenario(program: &'static str, arguments: &[&str], script: Value) -> Scenario {
    Scenario {
        program,
        arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
        options: json!({}),
        fake: FakeClaude::new(script),
        limit: PATIENCE,
        with: With::Plain,
        variables: Vec::new(),
    }
}

impl Scenario {
    pub fn options(mut self, options: Value) -> Scenario {
        self.options = options;
        self
    }

    pub fn with(mut self, with: With) -> Scenario {
        self.with = with;
        self
    }

    /// A variable of the program itself.
    pub fn variable(mut self, name: &str, value: &str) -> Scenario {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn limit(mut self, limit: Duration) -> Scenario {
        self.limit = limit;
        self
    }

    fn command(&self) -> Command {
        let program = compile(self.program, self.with);
        let sandbox = self.fake.sandbox();
        let mut options = self.options.clone();
        if options["cli_path"].is_null() {
            options["cli_path"] = toolchain::stand_in().to_string_lossy().into();
        }
        let mut env = self.fake.env_json();
        for (name, value) in options["env"].as_object().cloned().unwrap_or_default() {
            env[name] = value;
        }
        options["env"] = env;
        // A program that a tool slows down needs its patience for other things.
        let limit = grown(self.limit).as_secs().to_string();
        let mut command = match self.with {
            With::Valgrind => {
                let mut command = sandbox.command("timeout");
                command.args([
                    limit.as_str(),
                    "valgrind",
                    "--quiet",
                    "--error-exitcode=99",
                    "--leak-check=no",
                ]);
                command.args(["--child-silent-after-fork=yes", "--fair-sched=try"]).arg(program);
                command
            }
            _ => {
                let mut command = sandbox.command("timeout");
                command.arg(&limit).args(toolchain::words(&program));
                command
            }
        };
        command.env("LOG", self.fake.log_path()).envs(self.variables.iter().cloned());
        command.args(&self.arguments).env("PATIENCE_MS", grown(PATIENCE).as_millis().to_string());
        command.env("OPTIONS", in_ascii(&options)).env("LD_LIBRARY_PATH", library_folder());
        command.env("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=0").envs(toolchain::variables());
        command.env("LIBRARY", library_folder().join("libclaude_client.so.0"));
        command.env("PLUGIN", library_folder().join("dispatch_plugin.so"));
        if self.arguments[0] == "both" {
            command.env("COPY", copy_library(&library_folder()));
        }
        command
    }

    /// Runs it to the end by a signal, and returns what it printed.
    pub fn run_aborted(&self) -> String {
        let output = self.command().stdin(Stdio::null()).output().expect("start the program");
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let name = format!("{} {}", self.program, self.arguments.join(" "));
        // `timeout` ends as its program does, or passes on the signal as a code.
        let aborted = output.status.signal() == Some(6) || output.status.code() == Some(128 + 6);
        assert!(aborted, "{name} ended with {}\n{text}", output.status);
        text
    }

    /// Runs it to its successful end, and returns what it printed on stdout.
    pub fn run(&self) -> String {
        let output = self.command().stdin(Stdio::null()).output().expect("start the program");
        let (stdout, stderr) = (toolchain::text(&output.stdout), toolchain::text(&output.stderr));
        let name = format!("{} {}", self.program, self.arguments.join(" "));
        assert!(
            output.status.success(),
            "{name} ended with {} (124 = too slow)\n{stdout}{stderr}",
            output.status
        );
        print!("{stdout}{stderr}");
        toolchain::assert_one_server(self.fake.sandbox());
        stdout
    }
}
