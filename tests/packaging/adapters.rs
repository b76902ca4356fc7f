//! The loop adapters of `include/adapters/`, each in its real loop: the scenarios are in `tests/c/adapter_scenarios.h`.
#![cfg(unix)]

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use crate::support::packaging::{SONAME, module_libraries, need_module, root, run, shared_library};
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::loopback::{Reply, Rule};
use claude_testkit::quick::leaves_out;
use claude_testkit::{Loopback, Patience, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Far more than any scenario needs; a program that is still there then hangs.
const PATIENCE: Duration = Duration::from_secs(120);

const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-pedantic", "-Wshadow", "-Werror"];

/// A loop library and the program that brings it together with the scenarios.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Loop {
    source: &'static str,
    module: &'static str,
    package: &'static str,
    flags: &'static [&'static str],
}

const UV: Loop =
    Loop { source: "adapter_uv.c", module: "libuv", package: "libuv1-dev", flags: &["-std=c99"] };
const GLIB: Loop =
    Loop { source: "adapter_glib.c", module: "glib-2.0", package: "libglib2.0-dev", flags: &["-std=c99"] };
const QT: Loop = Loop {
    source: "adapter_qt.cpp",
    module: "Qt5Core",
    package: "qtbase5-dev",
    flags: &["-std=c++11", "-fPIC"],
};
const QT6: Loop = Loop { module: "Qt6Core", package: "qt6-base-dev", flags: &["-std=c++17", "-fPIC"], ..QT };

/// The loops of one kind that can be tested here. Qt 6 is tested beside Qt 5 where it is installed.
fn here(wanted: Loop) -> Vec<Loop> {
    if leaves_out("a loop of another library") {
        return Vec::new();
    }
    let has_qt6 =
        || Command::new("pkg-config").args(["--exists", QT6.module]).status().is_ok_and(|s| s.success());
    let mut loops = Vec::new();
    loops.extend(need_module(wanted.module, wanted.package).map(|_| wanted));
    loops.extend((wanted == QT && has_qt6()).then_some(QT6));
    loops
}

/// A folder for this run, with the library under the names that the linker and the loader look for.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("adapters-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("make a folder");
        let library = shared_library();
        let plain = library.file_name().expect("a name").to_string_lossy().into_owned();
        for name in [plain.as_str(), SONAME] {
            std::os::unix::fs::symlink(&library, folder.join(name)).expect("link to the library");
        }
        folder
    })
}

fn compiler(source: &str) -> Command {
    let (variable, usual) = if source.ends_with(".cpp") { ("CXX", "c++") } else { ("CC", "cc") };
    Command::new(std::env::var_os(variable).unwrap_or_else(|| usual.into()))
}

fn compile(source: &Path, name: &str, kind: Loop) -> PathBuf {
    let program = folder().join(name);
    let headers = need_module(kind.module, kind.package).expect("only what is here is compiled");
    run(compiler(&source.to_string_lossy())
        .args(kind.flags)
        .args(STRICT)
        .args(["-g", "-pthread", "-I"])
        .arg(root().join("include"))
        .args(headers)
        .arg("-o")
        .arg(&program)
        .arg(source)
        .arg("-L")
        .arg(folder())
        .arg("-lclaude_client")
        .arg(format!("-Wl,-rpath,{}", folder().display()))
        .args(module_libraries(kind.module)));
    program
}

/// The program of a loop, compiled at its first use.
fn program(kind: Loop) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<Loop, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let make = || compile(&root().join("tests/c").join(kind.source), kind.module, kind);
    built.get_or_insert_default().entry(kind).or_insert_with(make).clone()
}

/// Runs a program that must succeed and print nothing on stderr; its output.
fn output(mut command: Command) -> String {
    let outputs = TempDir::new().expect("make a temporary directory");
    let path = |name: &str| outputs.path().join(name);
    let create = |name: &str| Stdio::from(File::create(path(name)).expect("create a file"));
    let text = |name: &str| String::from_utf8_lossy(&fs::read(path(name)).unwrap_or_default()).into_owned();
    command.stdin(Stdio::null()).stdout(create("stdout")).stderr(create("stderr"));
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let patience = Patience::new(PATIENCE);
    let status = loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            break status;
        }
        if patience.is_over() {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{command:?} hangs; it printed:\n{}{}", text("stdout"), text("stderr"));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (stdout, stderr) = (text("stdout"), text("stderr"));
    assert!(status.success() && stderr.is_empty(), "{command:?} ends with {status}\n{stdout}{stderr}");
    stdout
}

/// Plays a scenario in every loop of a kind that is here, and hands what each printed, and the stand-in, to `judge`.
fn play(kind: Loop, scenario: &str, script: &Value, judge: impl Fn(&str, &FakeClaude)) {
    for kind in here(kind) {
        let fake = FakeClaude::new(script.clone());
        let mut command = fake.sandbox().command(program(kind));
        command.arg(scenario).env("CLAUDE_CLIENT_CLI", fake.path());
        judge(&output(command), &fake);
    }
}

fn flood() -> Value {
    json!({"on_user": ["init", {"flood": 5000, "bytes": 200, "batch": 16384}, "result"]})
}

/// The numbers in a text, in order.
fn numbers(text: &str) -> Vec<f64> {
    let parts = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    parts.filter_map(|part| part.trim_matches('.').parse().ok()).collect()
}

/// Each callback takes 20 µs, a round 2 ms, so about a hundred of them come between two ticks of a millisecond. Without a
/// budget it would be thousands.
fn a_burst_leaves_the_timer_running(kind: Loop) {
    play(kind, "burst", &flood(), |output, _| {
        let [messages, ticks, between] = numbers(output)[..] else { panic!("{output}") };
        assert_eq!(messages, 5000.0, "{output}");
        assert!(ticks >= 15.0 && between <= 500.0, "{output}");
    });
}

fn a_callback_detaches_and_nothing_is_lost(kind: Loop) {
    play(kind, "detach_inside", &flood(), |output, _| {
        assert_eq!(output, "detached and attached again\n");
    });
}

fn a_client_is_freed_while_it_is_watched(kind: Loop) {
    play(kind, "free_inside", &flood(), |output, _| assert_eq!(output, "freed inside its callback\n"));
}

fn clients_share_a_loop(kind: Loop) {
    let flood = json!({"flood": 200, "bytes": 200});
    let script = json!({"on_user": ["init", flood, {"text": "{{prompt}}"}, "result"]});
    play(kind, "several", &script, |output, _| {
        let mut lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.pop(), Some("all five have ended"), "{output}");
        lines.sort_unstable();
        assert_eq!(lines, ["[0] alpha", "[1] beta", "[2] gamma", "[3] delta", "[4] epsilon"]);
    });
}

fn ask() -> Value {
    json!({"subtype": "can_use_tool", "tool_name": "Write", "input": {"file_path": "a", "content": "b"}})
}

fn is_allowed(fake: &FakeClaude) {
    let answers = fake.log().responses();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0]["response"]["behavior"], "allow", "{answers:?}");
}

fn a_permission_is_given_in_the_loop(kind: Loop) {
    let script = json!({"on_user": ["init", {"ask": ask()}, "result"]});
    play(kind, "permission", &script, |output, fake| {
        is_allowed(fake);
        assert!(output.ends_with("answered in the loop\n"), "{output}");
    });
}

/// Nothing spins meanwhile, although messages wait: 300 ticks take 0.3 s and far less of the processor.
fn a_callback_runs_a_loop_of_its_own(kind: Loop) {
    let asks = json!({"ask": ask(), "id": "ask", "wait": false});
    let script = json!({"on_user": ["init", asks, {"text": "meanwhile"}, {"await": "ask"}, "result"]});
    play(kind, "nested", &script, |output, fake| {
        is_allowed(fake);
        let (_, last) = output.rsplit_once("nested for ").unwrap_or_else(|| panic!("{output}"));
        assert!(numbers(last)[1] < 0.15, "{output}");
    });
}

fn what_cannot_be_watched_is_refused(kind: Loop) {
    play(kind, "refused", &json!({}), |output, _| assert_eq!(output, "refused\n"));
}

fn x6_the_real_cli_answers(kind: Loop) {
    let Some(cli) = real_cli_or_skip("x6_the_real_cli_answers") else { return };
    for kind in here(kind) {
        let api = Loopback::start();
        let sandbox = Sandbox::new().with_api(api.url()).with_env("CLAUDE_CLIENT_CLI", &cli);
        let mut command = sandbox.command(program(kind));
        command.arg("ask");
        assert_eq!(output(command), "[0] The capital of France is Paris.\n");
    }
}

macro_rules! tests_of {
    ($name:ident: $kind:expr; $($test:ident),+) => {
        mod $name {
            $(#[test]
            fn $test() {
                super::$test($kind);
            })+
        }
    };
}

tests_of!(libuv: super::UV; a_burst_leaves_the_timer_running, a_callback_detaches_and_nothing_is_lost,
    a_client_is_freed_while_it_is_watched, clients_share_a_loop, a_permission_is_given_in_the_loop,
    what_cannot_be_watched_is_refused, x6_the_real_cli_answers);

tests_of!(glib: super::GLIB; a_burst_leaves_the_timer_running, a_callback_detaches_and_nothing_is_lost,
    a_client_is_freed_while_it_is_watched, clients_share_a_loop, a_permission_is_given_in_the_loop,
    a_callback_runs_a_loop_of_its_own, what_cannot_be_watched_is_refused, x6_the_real_cli_answers);

tests_of!(qt: super::QT; a_burst_leaves_the_timer_running, a_callback_detaches_and_nothing_is_lost,
    a_client_is_freed_while_it_is_watched, clients_share_a_loop, a_permission_is_given_in_the_loop,
    a_callback_runs_a_loop_of_its_own, what_cannot_be_watched_is_refused, x6_the_real_cli_answers);

/// The C headers are C++ as well, and two files of one program may include them.
#[test]
fn the_c_headers_are_cxx_too() {
    for kind in [UV, GLIB].into_iter().flat_map(here) {
        run(compiler(".cpp")
            .args(["-x", "c++", "-std=c++11", "-fsyntax-only"])
            .args(STRICT)
            .arg("-I")
            .arg(root().join("include"))
            .args(need_module(kind.module, kind.package).expect("it is here"))
            .arg(root().join("tests/c").join(kind.source)));
    }
}

const SDL: Loop = Loop { source: "sdl_loop.c", module: "sdl2", package: "libsdl2-dev", flags: &["-std=c99"] };

/// Runs the game without a screen until its first story has been told; what it printed, and its last frame. The picture
/// stays in the build folder, to be looked at.
fn game(sandbox: &Sandbox, cli: &Path, name: &str) -> Option<(String, Picture)> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    here(SDL).pop()?;
    let source = root().join("examples-c").join(SDL.source);
    let program = BUILT.get_or_init(|| compile(&source, "sdl_loop", SDL));
    let artefacts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("artefacts");
    fs::create_dir_all(&artefacts).expect("make a folder");
    let picture = artefacts.join(format!("{name}.bmp"));
    let mut command = sandbox.command(program);
    command.arg("{}").arg(&picture).env("SDL_VIDEODRIVER", "dummy").env("CLAUDE_CLIENT_CLI", cli);
    let printed = output(command);
    Some((printed, Picture::read(&picture)))
}

/// The pixels of a BMP file with 32 bits each, from the bottom to the top.
struct Picture(Vec<u32>);

impl Picture {
    fn read(path: &Path) -> Picture {
        let bytes = fs::read(path).expect("the picture was saved");
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        assert_eq!((&bytes[..2], number(18), number(22)), (&b"BM"[..], 960, 540));
        assert_eq!(number(28) & 0xFFFF, 32, "bits of a pixel");
        let pixels = bytes[number(10) as usize..].chunks_exact(4);
        let colour = |pixel: &[u8]| u32::from_le_bytes(pixel.try_into().expect("four bytes")) & 0x00FF_FFFF;
        let pixels: Vec<u32> = pixels.map(colour).collect();
        assert_eq!(pixels.len(), 960 * 540);
        Picture(pixels)
    }

    fn count(&self, colour: u32) -> usize {
        self.0.iter().filter(|pixel| **pixel == colour).count()
    }
}

const PAPER: u32 = 0x00EB_E6D7;
const ROBOT: u32 = 0x00F0_B446;
const SKY: u32 = 0x0012_1628;

/// Every letter of the word, and of the number of words, is on the screen: the font's pixels, each of four.
#[test]
fn a_story_appears_in_the_window() {
    const PIXELS_OF_ROBOT: usize = 9 + 12 + 16 + 12 + 11; // r o b o t
    let words = |count: usize| vec!["robot"; count].join(" ");
    let tell = |count: usize| {
        let story = json!({"stream": words(count), "deltas": 20, "delay_ms": 50});
        let fake = FakeClaude::new(json!({"on_user": ["init", story, "result"]}));
        game(fake.sandbox(), &fake.path(), &format!("sdl_{count}_words"))
    };
    for count in [10, 40] {
        let Some((printed, picture)) = tell(count) else { return };
        assert_eq!(picture.count(PAPER), count * PIXELS_OF_ROBOT * 4, "{count} words");
        assert_eq!(picture.count(ROBOT), 30 * 18);
        assert!(picture.count(SKY) > 960 * 540 / 2);
        // A second of text is sixty frames; bounds for a busy machine.
        let [frames, longest, dispatch] = numbers(&printed)[..] else { panic!("{printed}") };
        assert!(frames >= 30.0 && longest < 1000.0 && dispatch < 500.0, "{printed}");
    }
}

#[test]
fn x6_the_real_cli_tells_a_story_in_the_window() {
    let Some(cli) = real_cli_or_skip("x6_the_real_cli_tells_a_story_in_the_window") else { return };
    let api = Loopback::start();
    let story = "Once upon a time there was a robot that counted frames. Nobody made it wait. ".repeat(4);
    api.set_rules(vec![Rule::on_prompt("a robot", Reply::text(story).slow(20, 50))]);
    let sandbox = Sandbox::new().with_api(api.url());
    let Some((printed, picture)) = game(&sandbox, &cli, "sdl_real") else { return };
    assert!(picture.count(PAPER) > 10_000 && picture.count(SKY) > 960 * 540 / 2);
    assert!(numbers(&printed)[0] >= 30.0, "{printed}");
}
