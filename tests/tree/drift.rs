//! `make drift`: what is reported when a CLI or an SDK is not what it was, and where versions may be written. docs/drift.md.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::packaging::{need, read, root, run};
use claude_testkit::CLI_VERSION;
use serde_json::{Value, json};
use tempfile::TempDir;

const RECORDED: &str = "testkit/recorded";

fn recording() -> Value {
    serde_json::from_str(&read(&format!("{RECORDED}/{CLI_VERSION}.json"))).expect("the recording is JSON")
}

/// Runs drift.py; whether it found nothing, and what it said.
fn drift(arguments: &[&Path]) -> Option<(bool, String)> {
    if !need("python3", "python3") {
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(root().join("drift/drift.py")).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().expect("start python3");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1)), "{code:?}\n{said}{}", String::from_utf8_lossy(&output.stderr));
    Some((code == Some(0), said))
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().expect("make a folder"))
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("write a file");
        path
    }
}

/// What is said when the recording of the pinned CLI becomes this.
#[track_caller]
fn said_of(change: impl FnOnce(&mut Value)) -> Option<(bool, String)> {
    let (folder, mut changed) = (Folder::new(), recording());
    let old = folder.file("old.json", &changed.to_string());
    change(&mut changed);
    let new = folder.file("new.json", &changed.to_string());
    drift(&[Path::new("compare"), &old, &new])
}

#[track_caller]
fn assert_reported(change: impl FnOnce(&mut Value), line: &str) {
    let Some((same, said)) = said_of(change) else { return };
    assert!(!same && said.lines().any(|found| found.starts_with(line)), "no line {line:?} in\n{said}");
    assert_eq!(said.lines().count(), 2, "one difference, and the last line: {said}");
}

const RESULT: &str = "< result success";

fn result(recording: &mut Value) -> &mut serde_json::Map<String, Value> {
    recording["facts"]["frames"][RESULT].as_object_mut().expect("paths")
}

#[test]
fn a_recording_does_not_differ_from_itself() {
    let Some((same, said)) = said_of(|_| {}) else { return };
    assert!(same && said.contains("no difference"), "{said}");
}

#[test]
fn a_path_that_is_lost_is_reported() {
    assert_reported(
        |recording| drop(result(recording).remove("/total_cost_usd")),
        "lost    frames: < result success: /total_cost_usd (number)",
    );
}

#[test]
fn a_path_that_is_new_is_reported() {
    assert_reported(
        |recording| drop(result(recording).insert("/invented".into(), json!("string"))),
        "new     frames: < result success: /invented (string)",
    );
}

#[test]
fn a_path_whose_type_is_another_is_reported() {
    assert_reported(
        |recording| drop(result(recording).insert("/num_turns".into(), json!("string"))),
        "changed frames: < result success: /num_turns: number -> string",
    );
}

#[test]
fn a_kind_of_frame_that_is_lost_is_reported_once() {
    assert_reported(
        |recording| {
            let frames = recording["facts"]["frames"].as_object_mut().expect("frames");
            frames.remove("< system compact_boundary");
        },
        "lost    frames: < system compact_boundary: all of it",
    );
}

#[test]
fn a_hook_event_of_tomorrow_is_reported() {
    assert_reported(
        |recording| recording["facts"]["vocabulary"]["hook events"]["PreInvention"] = json!("no matcher"),
        "new     vocabulary: hook events: PreInvention (no matcher)",
    );
}

#[test]
fn a_control_request_that_is_refused_from_now_on_is_reported() {
    assert_reported(
        |recording| {
            recording["facts"]["vocabulary"]["control requests"]["get_settings"] =
                json!("unsupported_request");
        },
        "changed vocabulary: control requests: get_settings: known -> unsupported_request",
    );
}

#[test]
fn a_header_that_the_api_gets_no_more_is_reported() {
    assert_reported(
        |recording| {
            let headers = recording["facts"]["api"]["headers"].as_object_mut().expect("headers");
            assert!(headers.remove("anthropic-version").is_some());
        },
        "lost    api: headers: anthropic-version",
    );
}

#[test]
fn frames_in_another_order_are_reported() {
    assert_reported(
        |recording| {
            let step = &mut recording["order"]["structured: Give me a."];
            let labels = step.as_array_mut().expect("labels");
            let place = |label: &str| labels.iter().position(|known| known == label).expect("it is there");
            let (init, assistant) = (place("< system init"), place("< assistant"));
            assert_eq!(init + 1, assistant, "{labels:?}");
            labels.swap(init, assistant);
        },
        "changed order: structured: Give me a.: '< assistant' before '< system init'",
    );
}

/// The recording, with one label of a step moved before another.
fn moved(recording: &mut Value, step: &str, label: &str, before: &str) {
    let labels = recording["order"][step].as_array_mut().expect("labels");
    let place =
        |labels: &[Value], label: &str| labels.iter().position(|known| known == label).expect("it is there");
    let label = labels.remove(place(labels, label));
    let at = place(labels, before);
    labels.insert(at, label);
}

const WRITES: &str = "tools: USE_TOOL {\"name\": \"Write\", \"input\": {\"fi…";

#[test]
fn a_tool_that_starts_before_its_message_has_ended_is_no_difference() {
    for label in ["< request hook_callback PreToolUse", "< system session_state_changed requires_action"] {
        let Some((same, said)) =
            said_of(|recording| moved(recording, WRITES, label, "< stream_event content_block_stop"))
        else {
            return;
        };
        // Both are the tool's, so their own order still counts.
        let lines = said.lines().filter(|line| line.contains("stream_event")).count();
        assert_eq!((lines, same), (0, label.ends_with("PreToolUse")), "{said}");
    }
}

#[test]
fn a_tool_that_starts_before_its_message_is_there_is_reported() {
    assert_reported(
        |recording| moved(recording, WRITES, "< request hook_callback PreToolUse", "< assistant"),
        "changed order: tools: USE_TOOL {\"name\": \"Write\", \"input\": {\"fi…: '< request hook_callback PreToolUse' before '< assistant'",
    );
}

#[test]
fn what_came_only_sometimes_may_stay_away() {
    let Some((same, said)) = said_of(|recording| {
        result(recording).insert("/total_cost_usd".into(), json!("number"));
        result(recording).remove("/sometimes");
    }) else {
        return;
    };
    assert!(same, "{said}");
    let (folder, mut old) = (Folder::new(), recording());
    result(&mut old).insert("/sometimes".into(), json!("?string"));
    let [old, new] =
        [("old", old), ("new", recording())].map(|(name, json)| folder.file(name, &json.to_string()));
    let Some((same, said)) = drift(&[Path::new("compare"), &old, &new]) else { return };
    assert!(same, "{said}");
}

const TYPESCRIPT: &str = "\
export declare type Options = {
    model?: string;
    inventedOption?: string;
};
export declare interface Query extends AsyncGenerator<SDKMessage, void> {
    interrupt(): Promise<void>;
    inventedMethod(): Promise<void>;
}
export declare function query(): Query;
export declare function inventedFunction(): void;
export declare const HOOK_EVENTS: readonly ['PreToolUse', 'PreInvention'];
declare type SDKControlInventedRequest = {
    subtype: 'invented_request';
};
export declare type SDKStartupFailureReason = 'bypass_root' | 'invented_reason';
";

const PYTHON_TYPES: &str = "\
class ClaudeAgentOptions:
    model: str | None = None
    invented_option: str | None = None
class SDKControlInventedRequest(TypedDict):
    subtype: Literal['invented_request']
HookEvent = Literal['PreToolUse'] | Literal['PreInvention']
";

#[test]
fn what_an_sdk_has_and_our_pages_have_not_is_reported() {
    let folder = Folder::new();
    let files = [
        folder.file("sdk.d.ts", TYPESCRIPT),
        folder.file("__init__.py", "__all__ = ['ClaudeSDKClient', 'InventedClass']\n"),
        folder.file("types.py", PYTHON_TYPES),
    ];
    let Some((same, said)) = drift(&[Path::new("pages"), &files[0], &files[1], &files[2]]) else { return };
    assert!(!same, "{said}");
    let mut found: Vec<&str> = said.lines().filter(|line| line.starts_with("new")).collect();
    found.sort_unstable();
    let mut expected = vec![
        "new     Python SDK: not in docs/control.md: control requests: invented_request",
        "new     Python SDK: not in docs/from-python.md: exports: InventedClass",
        "new     Python SDK: not in docs/options.md: options: invented_option",
        "new     Python SDK: not in src/requests/events.rs: hook events: PreInvention",
        "new     TypeScript SDK: not in docs/control.md: control requests: invented_request",
        "new     TypeScript SDK: not in docs/errors.md: startup failures: invented_reason",
        "new     TypeScript SDK: not in docs/from-python.md: exports: inventedFunction",
        "new     TypeScript SDK: not in docs/from-python.md: methods: inventedMethod",
        "new     TypeScript SDK: not in docs/options.md: options: inventedOption",
        "new     TypeScript SDK: not in src/requests/events.rs: hook events: PreInvention",
    ];
    expected.sort_unstable();
    assert_eq!(found, expected, "{said}");
}

#[test]
fn the_pinned_cli_alone_has_a_recording() {
    let kept: Vec<String> = fs::read_dir(root().join(RECORDED))
        .expect("there are recordings")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(kept, [format!("{CLI_VERSION}.json")]);
    assert_eq!(recording()["cli"], CLI_VERSION);
}

/// Files that tell of a session as it was, or what was tested when.
const HISTORY: &[&str] = &["CHANGELOG.md", "tests/data/", "fuzz/corpus/", "benches/", "docs/performance.md"];

#[test]
fn a_version_is_written_in_one_place() {
    let places = [
        ("testkit/CLI_VERSION", &[RECORDED][..]),
        ("testkit/PYTHON_SDK_VERSION", &["docs/from-python.md"]),
        ("testkit/TYPESCRIPT_SDK_VERSION", &["docs/from-python.md"]),
    ];
    let listed = run(Command::new("git").args(["ls-files"]).current_dir(root()));
    let texts: Vec<(&str, String)> = listed
        .lines()
        .filter(|file| !HISTORY.iter().any(|known| file.starts_with(known)))
        .filter_map(|file| Some((file, fs::read_to_string(root().join(file)).ok()?)))
        .collect();
    assert!(texts.len() > 300, "{}", texts.len());
    for (pin, allowed) in places {
        let version = read(pin);
        let holds = |file: &str, text: &str| {
            file != pin
                && !allowed.iter().any(|known| file.starts_with(known))
                && text.contains(version.trim())
        };
        let found: Vec<_> =
            texts.iter().filter(|(file, text)| holds(file, text)).map(|(file, _)| file).collect();
        assert!(found.is_empty(), "{} of {pin} is also in {found:?}", version.trim());
    }
}

#[test]
fn the_conversation_asks_for_every_request_of_the_article() {
    let (article, conversation) = (read("docs/control.md"), read("drift/conversation.py"));
    let (_, table) = article.split_once("## Requests without a function of their own").expect("the table");
    let (table, _) = table.split_once("\n## ").expect("its end");
    let rows: Vec<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(rows.len() >= 17, "{rows:?}");
    let missing: Vec<_> = rows.iter().filter(|row| !conversation.contains(&format!("\"{row}\""))).collect();
    assert!(missing.is_empty(), "nobody asks for {missing:?}");
}

/// What several runs of one conversation say together: two that change places, and one that comes now before a step's first
/// frame and now after its last.
const RUNS: &str = "
import compare
order = [['user', 'init', 'hook', 'result'], ['late', 'user', 'hook', 'init', 'result']]
runs = [{'facts': {'frames': {'init': {'/a': kind}}}, 'order': {'step': labels}} for kind, labels in zip(['string', 'null'], order)]
kept = compare.merged(runs)
assert kept['facts'] == {'frames': {'init': {'/a': 'null|string'}}}, kept
for run in runs:
    assert compare.differences(kept, run) == set(), (kept, run)
turned = {**runs[0], 'order': {'step': ['result', 'user', 'init']}}
found = compare.differences(kept, turned)
assert found == {('changed', 'order', 'step', f\"'result' before '{name}'\") for name in ('user', 'init')}, found
";

#[test]
fn frames_that_come_in_either_order_are_no_difference_and_others_are() {
    if !need("python3", "python3") {
        return;
    }
    let mut command = Command::new("python3");
    command.args(["-c", RUNS]).env("PYTHONPATH", root().join("drift")).env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut command);
}
