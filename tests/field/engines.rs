//! What game engines and plugin hosts need of a library: callbacks that any language can give, ends that need no help of the
//! main thread, no defect that crosses the boundary, no byte that nobody owns.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)] // A host's side of the boundary.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_void};
use std::io::Write;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::host::{Kind, check};
use crate::support::{PATIENCE, eventually, options, timed};
use claude_client::capi::client::*;
use claude_client::capi::receive::*;
use claude_client::capi::talk::claude_client_query;
use claude_client::capi::types::*;
use claude_testkit::Sandbox;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

fn interface() -> Value {
    serde_json::from_str(&crate::support::packaging::read("include/api.json"))
        .expect("the description of the interface")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no {name} in {value:#}"))
}

/// Ahead-of-time compilers of managed languages make a C function of a static function with plain parameters, and of nothing
/// else.
#[test]
fn x2_a_callback_is_a_plain_function_with_a_pointer_of_the_hosts_and_no_struct_goes_by_value() {
    let api = interface();
    let structs: Vec<&str> =
        list(&api, "structs").iter().map(|known| known["name"].as_str().unwrap()).collect();
    let plain = |of: &Value| {
        let name = of["name"].as_str().unwrap();
        assert!(!structs.contains(&of["returns"].as_str().unwrap()), "{name} returns a struct");
        for parameter in list(of, "parameters") {
            let kind = parameter["type"].as_str().unwrap();
            assert!(!structs.contains(&kind) && !kind.contains("..."), "{name} takes {kind} by value");
        }
    };
    let callbacks = list(&api, "callbacks");
    assert!(callbacks.len() > 10 && list(&api, "functions").len() > 100);
    for callback in callbacks {
        plain(callback);
        let last = list(callback, "parameters").last().unwrap_or_else(|| panic!("{callback:#}"));
        assert_eq!((&last["role"], &last["type"]), (&json!("user_data"), &json!("void*")), "{callback:#}");
    }
    for function in list(&api, "functions") {
        plain(function);
        let parameters = list(function, "parameters");
        for (at, parameter) in parameters.iter().enumerate().filter(|(_, one)| one["role"] == "callback") {
            let has_data = parameters[at..].iter().any(|one| one["role"] == "user_data");
            let is_destroy = parameter["callback"] == "claude_destroy_fn";
            assert!(
                has_data || is_destroy,
                "{} takes {parameter} without a pointer for it",
                function["name"]
            );
        }
    }
}

static DESTROYED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn never(_: Kind, _: *const c_char, _: usize, _: *mut c_void) {
    panic!("nobody pumps");
}

unsafe extern "C" fn destroyed(_: *mut c_void) {
    DESTROYED.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn x5_a_main_thread_that_frees_without_pumping_is_not_waited_for() {
    let script = json!({"on_user": [["init", {"flood": 20_000, "bytes": 300, "batch": 60_000}, {"ask": "can_use_tool"}, "result"]]});
    let fake = FakeClaude::new(script);
    let text = CString::new(options(&fake, json!({"max_queue_bytes": 1 << 20})).to_string()).unwrap();
    let mut client = null_mut();
    // SAFETY: texts end with a NUL, the outputs are variables, the callbacks take no data.
    let all = unsafe {
        check(|error| claude_client_create(text.as_ptr(), &mut client, error))
            .and_then(|()| {
                let mode = MaybeUninit::new(claude_dispatch_t::CLAUDE_DISPATCH_PUMP);
                check(|error| claude_client_set_dispatch(client, mode, error))
            })
            .and_then(|()| {
                check(|error| {
                    claude_client_on_message(client, Some(never), null_mut(), Some(destroyed), error)
                })
            })
            .and_then(|()| check(|error| claude_client_connect(client, null(), None, null_mut(), error)))
    };
    all.unwrap();
    // SAFETY: any value may be passed.
    let state = || unsafe { claude_client_state(client) };
    assert!(eventually(PATIENCE, || state() == claude_state_t::CLAUDE_STATE_CONNECTED));
    // SAFETY: the text ends with a NUL.
    check(|error| unsafe { claude_client_query(client, c"go".as_ptr(), null(), null_mut(), error) }).unwrap();
    let waiting = || {
        let (mut events, lanes) = (0, MaybeUninit::new(claude_lanes_t::CLAUDE_LANE_ALL));
        // SAFETY: the output is a variable.
        check(|error| unsafe { claude_client_pending(client, lanes, &mut events, null_mut(), error) })
            .unwrap();
        events
    };
    assert!(eventually(PATIENCE, || waiting() > 100), "{}", waiting());
    // SAFETY: any value may be freed.
    let ((), took) = timed(|| unsafe { claude_client_free(client) });
    assert!(took < Duration::from_secs(30), "the free took {took:?}");
    assert_eq!(DESTROYED.load(Ordering::SeqCst), 1);
}

/// The functions that catch a panic, each by means of one above it.
const CATCHES: &[&str] = &[
    "guard",
    "brief",
    "caught",
    "quick",
    "with_client_quick",
    "guard_or",
    "call_once",
    "call",
    "call_brief",
    "with_client_once",
    "with_client",
    "with_spare",
    "start",
    "wait",
    "text_of",
];

/// Constants: nothing in them can fail.
const CONSTANT: &[&str] = &["claude_abi_version", "claude_status_name", "claude_version"];

/// The bodies of all functions and macros of two folders; of exports apart.
fn bodies() -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let (mut inner, mut exports) = (BTreeMap::<String, String>::new(), BTreeMap::new());
    for folder in ["src/ffi", "src/capi"] {
        for entry in std::fs::read_dir(crate::support::packaging::root().join(folder)).unwrap().flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let mut exported = false;
            for (at, line) in text
                .match_indices('\n')
                .map(|(at, _)| (at + 1, text[at + 1..].lines().next().unwrap_or_default()))
            {
                exported |= line.starts_with("#[unsafe(no_mangle)]");
                let Some((_, name)) = line.split_once("fn ").or_else(|| line.split_once("macro_rules! "))
                else {
                    continue;
                };
                if line.starts_with([' ', '/', '#']) {
                    continue;
                }
                let name: String =
                    name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let body = text[at..].split_once("\n}\n").map_or(&text[at..], |(body, _)| body).to_owned();
                let body = body.split_once('{').map_or("", |(_, body)| body).to_owned();
                if std::mem::take(&mut exported) {
                    exports.insert(name, body);
                } else {
                    inner.entry(name).or_default().push_str(&body);
                }
            }
        }
    }
    (inner, exports)
}

fn calls(body: &str, name: &str) -> bool {
    body.match_indices(name).any(|(at, _)| {
        let before = body[..at].chars().next_back().unwrap_or(' ');
        let behind = &body[at + name.len()..];
        !(before.is_ascii_alphanumeric() || before == '_' || before == '.')
            && (behind.starts_with(['(', '!']) || behind.starts_with("::<"))
    })
}

#[test]
fn x7_no_export_goes_without_what_catches_defects() {
    let (inner, exports) = bodies();
    for (at, name) in CATCHES.iter().enumerate() {
        let body = inner.get(*name).unwrap_or_else(|| panic!("{name} is gone"));
        let by = CATCHES[..at].iter().any(|other| calls(body, other)) || body.contains("catch_unwind");
        // The first three know each other.
        assert!(by || at < 2 && calls(body, "caught"), "{name} catches nothing");
    }
    let bare: Vec<&str> = exports
        .iter()
        .filter(|(_, body)| !CATCHES.iter().any(|name| calls(body, name)))
        .map(|(name, _)| name.as_str())
        .collect();
    let listed = crate::support::packaging::read("packaging/symbols.txt");
    assert_eq!(exports.keys().map(String::as_str).collect::<Vec<_>>(), listed.lines().collect::<Vec<_>>());
    assert_eq!(bare, CONSTANT);
}

/// Calls every function with a defect planted in it, without anything to work on; those that cannot fail, without one as well.
fn every_function() -> (String, Vec<(String, bool)>) {
    let (mut code, mut names) = (String::new(), Vec::new());
    for function in list(&interface(), "functions") {
        let name = function["name"].as_str().unwrap();
        let role = |one: &Value| if one["role"] == "error" { "&error" } else { "0" };
        let arguments: Vec<&str> = list(function, "parameters").iter().map(role).collect();
        let call = format!("{name}({})", arguments.join(", "));
        let returns = function["returns"].as_str().unwrap();
        let fails = function["fails"] == true;
        let (value, other) = match returns {
            _ if fails => (format!("(int){call}"), "0".to_owned()),
            "void" => (format!("({call}, 0)"), format!("({call}, 0)")),
            "const char*" => (format!("{call} == NULL"), format!("{call} == NULL")),
            // A number, or a pointer of the host's.
            _ => (format!("(int)(intptr_t){call}"), format!("(int)(intptr_t){call}")),
        };
        code += &format!(
            "{{ int planted, plain; plant(true); planted = {value}; plant(false); plain = {other};\n\
             printf(\"{name} %d %d %s\\n\", planted, plain, error ? claude_error_message(error) : \"-\");\n\
             claude_error_free(error); error = NULL; }}\n"
        );
        names.push((name.to_owned(), fails));
    }
    (code, names)
}

/// `tests/c/planted.c`; what it prints. The library has nothing to plant by when it is built for use.
fn with_a_defect(arguments: &[&str]) -> String {
    let fake = FakeClaude::new(json!({}));
    let folder = fake.sandbox().root();
    std::fs::write(folder.join("every_function.inc"), every_function().0).unwrap();
    let program = compiled(
        &crate::support::packaging::root().join("tests/c/planted.c"),
        folder,
        &["-I", folder.to_str().unwrap()],
    );
    let mut command = fake.sandbox().command(program);
    command.args(arguments).env("CLAUDE_CLIENT_PLANTED_PANIC", folder.join("plant"));
    let ended = command.env("OPTIONS", options(&fake, json!({})).to_string()).output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn x7_a_defect_in_any_function_is_its_error_or_its_answer_to_nobody() {
    const PANIC: i32 = claude_status_t::CLAUDE_ERR_PANIC as i32;
    let (said, names) = (with_a_defect(&[]), every_function().1);
    assert_eq!(said.lines().count(), names.len());
    for (line, (name, fails)) in said.lines().zip(names) {
        let [of, planted, plain, text] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        assert_eq!(of, name);
        if fails {
            assert_eq!(planted, PANIC.to_string(), "{line}");
            assert!(text.contains("planted by a test"), "{line}");
        } else {
            assert_eq!(planted, plain, "{line}");
        }
    }
    assert!(said.matches("planted by a test").count() > 80, "{said}");
}

#[test]
fn x7_a_defect_in_a_call_closes_its_client_and_no_other() {
    for call in ["query", "wait", "pump", "next"] {
        with_a_defect(&[call]);
    }
}

/// What an example needs of the CLI and of the keyboard, where the stand-in's ordinary turn is not enough.
fn input_of(example: &str) -> &'static str {
    match example {
        "chat" | "streaming" | "assistant" | "permission_dialog" | "approve_later" | "permission_mode" => {
            "hello\ny\nhello\ny\n"
        }
        _ => "",
    }
}

/// The program, compiled with the library that it finds in that folder.
fn compiled(source: &Path, folder: &Path, more: &[&str]) -> PathBuf {
    let library = crate::support::packaging::shared_library();
    for name in [library.file_name().unwrap(), crate::support::packaging::SONAME.as_ref()] {
        let link = folder.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(&library, link).unwrap();
        }
    }
    let program = folder.join(source.file_stem().unwrap());
    let mut cc = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.args(["-std=c99", "-g", "-pthread", "-I"]).arg(crate::support::packaging::root().join("include"));
    cc.arg("-o").arg(&program).arg(source).args(more);
    cc.arg("-L").arg(folder).arg("-lclaude_client").arg(format!("-Wl,-rpath,{}", folder.display()));
    crate::support::packaging::run(&mut cc);
    program
}

/// The program, compiled with AddressSanitizer, which looks for leaks at the end, and with a look at what the library still has.
fn sanitized(source: &Path, folder: &Path) -> PathBuf {
    let forgotten = crate::support::packaging::root().join("tests/c/forgotten.c");
    let flags = ["-fsanitize=address", "-fno-omit-frame-pointer", forgotten.to_str().unwrap()];
    compiled(source, folder, &flags)
}

fn sanitizers(command: &mut Command) -> &mut Command {
    command.env("ASAN_OPTIONS", "detect_leaks=1:exitcode=98")
}

/// The examples that end by themselves with a stand-in that answers each prompt.
const EXAMPLES: &[&str] = &[
    "approve_later",
    "assistant",
    "basic_session",
    "chat",
    "claude_probe",
    "collect_messages",
    "custom_transport",
    "epoll",
    "error_handling",
    "hooks",
    "interrupt",
    "many_clients",
    "manual_connection",
    "multi_turn",
    "permission_dialog",
    "permission_mode",
    "prompt_stream",
    "pull",
    "pump_loop",
    "server_info",
    "sessions",
    "streaming",
    "switch_model",
    "tools",
    "with_options",
];

#[test]
fn x8_no_example_leaks_a_byte() {
    if !crate::support::program::Variant::Sanitized.is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let fake = FakeClaude::new(json!({}));
    for example in EXAMPLES {
        let mut turn =
            vec![json!("init"), json!({"stream": "an answer in pieces", "deltas": 4}), json!("result")];
        // The others say of their input that it ends, so that a question behind it would not be answered.
        if !input_of(example).is_empty() || *example == "hooks" {
            turn.insert(2, json!({"ask": "can_use_tool"}));
        }
        fake.set_script(&json!({"on_user": turn}));
        let source = crate::support::packaging::root().join("examples-c").join(format!("{example}.c"));
        let mut command = fake.sandbox().command(sanitized(&source, folder.path()));
        sanitizers(&mut command).env("CLAUDE_CLIENT_CLI", fake.path());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input_of(example).as_bytes());
        let begin = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begin.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("{example} does not end");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        let is_clean = ![96, 97, 98].map(Some).contains(&ended.status.code());
        assert!(is_clean && !said.contains("Sanitizer"), "{example}: {ended:?}");
    }
}

#[test]
fn x8_a_leak_in_an_example_would_be_seen() {
    if !crate::support::program::Variant::Sanitized.is_possible() {
        return;
    }
    let sandbox = Sandbox::new();
    for (body, code) in [
        ("char *text; return claude_json_quote(\"x\", &text, NULL) != CLAUDE_OK;", 97),
        ("claude_client_t *client; return claude_client_create(NULL, &client, NULL) != CLAUDE_OK;", 97),
        ("volatile char *lost = malloc(77); lost[0] = 1; lost = NULL; return lost != NULL;", 98),
    ] {
        let source = sandbox.root().join("leak.c");
        let text = format!("#include <claude_client.h>\n#include <stdlib.h>\nint main(void) {{ {body} }}\n");
        std::fs::write(&source, text).unwrap();
        let mut command = sandbox.command(sanitized(&source, sandbox.root()));
        let ended = sanitizers(&mut command).output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{body}: {ended:?}");
    }
}
