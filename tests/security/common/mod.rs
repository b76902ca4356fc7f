//! Distinct secrets for every place that takes one, and a look at all places where none may be seen.
#![allow(clippy::disallowed_methods)] // A host's side of the boundary.

pub mod asked;

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use claude_client::capi::runtime::claude_runtime_on_log;
use claude_client::capi::types::{claude_log_level_t, claude_status_t};
use serde_json::{Value, json};

use crate::support::processes::command_line;

/// Where options take a secret; `§` stands for it. All of them together make one document.
pub const PLACES: &[(&str, &str)] = &[
    ("env", r#"{"env": {"CANARY_TOKEN": "§"}}"#),
    ("helper", r#"{"settings": {"apiKeyHelper": "echo § >&2; exit 1"}}"#),
    ("settingsenv", r#"{"settings": {"env": {"CANARY_SETTINGS": "§"}}}"#),
    (
        "hook",
        r#"{"settings": {"hooks": {"SessionEnd": [{"hooks": [{"type": "http", "url": "http://127.0.0.1:1/", "headers": {"X-A": "§"}}]}]}}}"#,
    ),
    ("otel", r#"{"settings": {"otelHeadersHelper": "echo §"}}"#),
    ("sandbox", r#"{"sandbox": {"enabled": false, "network": {"allowedDomains": ["§.example.com"]}}}"#),
    ("managed", r#"{"managed_settings": {"permissions": {"deny": ["Bash(§ *)"]}}}"#),
    ("mcpenv", r#"{"mcp_servers": {"one": {"command": "/nowhere/server", "env": {"ANY": "§"}}}}"#),
    ("mcparg", r#"{"mcp_servers": {"two": {"command": "/nowhere/server", "args": ["--token", "§"]}}}"#),
    (
        "mcpheader",
        r#"{"mcp_servers": {"three": {"type": "http", "url": "http://127.0.0.1:1/", "headers": {"Authorization": "Bearer §"}}}}"#,
    ),
    ("mcpurl", r#"{"mcp_servers": {"four": {"type": "sse", "url": "http://me:§@127.0.0.1:1/?token=§"}}}"#),
    ("systemprompt", r#"{"system_prompt": "Be brief. §"}"#),
    ("agent", r#"{"agents": {"helper": {"description": "d §", "prompt": "p §"}}}"#),
    (
        "schema",
        r#"{"output_format": {"type": "json_schema", "schema": {"type": "object", "description": "§"}}}"#,
    ),
    ("planmode", r#"{"plan_mode_instructions": "§"}"#),
    ("title", r#"{"title": "§"}"#),
    ("later", r#"{"extra_initialize": {"somethingNew": {"token": "§"}}}"#),
];

/// The secrets of one test, unlike those of every other.
pub struct Canaries {
    run: String,
    /// Places that get none.
    without: &'static [&'static str],
}

impl Canaries {
    pub fn new() -> Canaries {
        Canaries::without(&[])
    }

    pub fn without(without: &'static [&'static str]) -> Canaries {
        Canaries { without, run: format!("canary{}", &uuid::Uuid::new_v4().simple().to_string()[..16]) }
    }

    /// The place is in it, so that a leak says where it comes from.
    pub fn of(&self, place: &str) -> String {
        format!("{}{place}Zx9", self.run)
    }

    /// A document that has a secret in each place, and what belongs to the session.
    pub fn options(&self, session: Value) -> Value {
        let mut all = json!({});
        for (place, shape) in PLACES.iter().filter(|(place, _)| !self.without.contains(place)) {
            let document = serde_json::from_str(&shape.replace('§', &self.of(place))).expect(shape);
            add(&mut all, &document);
        }
        add(&mut all, &session);
        all
    }

    /// The places whose secrets stand in a text.
    pub fn places_in(&self, text: &str) -> BTreeSet<String> {
        let starts = text.match_indices(&self.run).map(|(at, _)| &text[at + self.run.len()..]);
        starts.map(|rest| rest.split("Zx9").next().unwrap_or_default().chars().take(20).collect()).collect()
    }

    #[track_caller]
    pub fn none_in(&self, what: &str, text: &str) {
        let places = self.places_in(text);
        assert!(places.is_empty(), "secrets of {places:?} are in {what}: {text}");
    }

    pub fn none_in_the_log(&self) {
        let lines = log_lines();
        assert!(lines.iter().any(|line| line.starts_with("4 ")), "the log speaks at its most verbose level");
        lines.iter().for_each(|line| self.none_in("the log", line));
    }
}

/// Merges objects at every depth; anything else takes the place of what was there.
pub fn add(into: &mut Value, more: &Value) {
    match (into.as_object_mut(), more.as_object()) {
        (Some(members), Some(more)) => {
            more.iter().for_each(|(name, value)| add(members.entry(name).or_insert(Value::Null), value));
        }
        _ => *into = more.clone(),
    }
}

fn lines() -> &'static Mutex<Vec<String>> {
    static LINES: OnceLock<Mutex<Vec<String>>> = OnceLock::new();
    LINES.get_or_init(Mutex::default)
}

/// All that the library has logged in this process, each behind the number of its level.
fn log_lines() -> Vec<String> {
    lines().lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
}

/// From now on everything is logged.
pub fn keep_the_log() {
    static ONCE: OnceLock<()> = OnceLock::new();
    unsafe extern "C" fn keep(
        level: claude_log_level_t,
        text: *const std::ffi::c_char,
        len: usize,
        _: *mut c_void,
    ) {
        // SAFETY: as the header promises.
        let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
        let line = format!("{} {}", level as i32, String::from_utf8_lossy(bytes));
        lines().lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(line);
    }
    ONCE.get_or_init(|| {
        let most = claude_client::ffi::number::given(claude_log_level_t::CLAUDE_LOG_DEBUG as i32);
        // SAFETY: the callback needs no data.
        let status = unsafe {
            claude_runtime_on_log(most, Some(keep), std::ptr::null_mut(), None, std::ptr::null_mut())
        };
        assert_eq!(status, claude_status_t::CLAUDE_OK);
    });
}

/// Looks at processes and files again and again, for what is only there for a moment.
pub struct Watch {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<(usize, BTreeSet<String>)>>,
}

impl Watch {
    /// `folder`: the sandbox of the session. `own_files`: what in it the CLI writes for itself. `variables`: the places whose
    /// secrets are variables of the CLI, and of what it starts.
    pub fn start(
        canaries: &Canaries,
        folder: &Path,
        own_files: &[&str],
        variables: &'static [&'static str],
    ) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let look = Look {
            run: canaries.run.clone(),
            folder: folder.to_owned(),
            own_files: own_files.iter().map(|name| folder.join(name)).collect(),
            variables,
        };
        let stop = over.clone();
        let thread = std::thread::spawn(move || {
            let (mut looks, mut found) = (0, BTreeSet::new());
            loop {
                // Once more after the end, for what stays.
                let last = stop.load(Ordering::Acquire);
                look.all(&mut found);
                if last {
                    look.descriptors(&mut found);
                }
                looks += 1;
                if last {
                    return (looks, found);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Watch { over, thread: Some(thread) }
    }

    /// What was seen; fails when a secret was.
    #[track_caller]
    pub fn end(mut self) {
        self.over.store(true, Ordering::Release);
        let (looks, found) = self.thread.take().expect("ended once").join().expect("the watch ends");
        assert!(found.is_empty(), "{looks} looks: {found:#?}");
    }
}

struct Look {
    run: String,
    folder: PathBuf,
    own_files: Vec<PathBuf>,
    variables: &'static [&'static str],
}

impl Look {
    fn all(&self, found: &mut BTreeSet<String>) {
        self.processes(found);
        self.files(&self.folder, found);
        for folder in [std::env::temp_dir(), "/dev/shm".into()] {
            self.names_of_ours(&folder, found);
        }
    }

    fn has(&self, bytes: &[u8]) -> Option<String> {
        let at = memchr::memmem::find(bytes, self.run.as_bytes())?;
        let place = &bytes[at + self.run.len()..bytes.len().min(at + self.run.len() + 30)];
        Some(String::from_utf8_lossy(place).split("Zx9").next().unwrap_or_default().to_owned())
    }

    fn processes(&self, found: &mut BTreeSet<String>) {
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        // What the CLI has started has its home folder; the host and the library's own helper have not.
        let home = format!("HOME={}/home", self.folder.display());
        let of_the_cli =
            |environment: &[u8]| environment.split(|byte| *byte == 0).any(|word| word == home.as_bytes());
        for pid in numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
            for name in ["cmdline", "comm", "environ"] {
                let bytes = fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
                for word in bytes.split(|byte| *byte == 0) {
                    let Some(place) = self.has(word) else { continue };
                    let may =
                        name == "environ" && self.variables.contains(&place.as_str()) && of_the_cli(&bytes);
                    if !may {
                        found.insert(format!("{place} in {name} of {}", command_line(pid)));
                    }
                }
            }
        }
    }

    /// Files without a name that the host holds open. Once the CLI has them there are none.
    fn descriptors(&self, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
            let target = fs::read_link(entry.path()).unwrap_or_default();
            let nameless = target.to_string_lossy().contains("memfd:")
                || target.to_string_lossy().ends_with("(deleted)");
            if nameless && let Some(place) = fs::read(entry.path()).ok().and_then(|bytes| self.has(&bytes)) {
                found.insert(format!("{place} in the host's descriptor of {}", target.display()));
            }
        }
    }

    fn files(&self, folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if self.own_files.iter().any(|own| path.starts_with(own)) {
                continue;
            }
            let Ok(data) = fs::symlink_metadata(&path) else { continue };
            if data.is_dir() {
                self.files(&path, found);
            } else if data.is_file()
                && let Some(place) = fs::read(&path).ok().and_then(|bytes| self.has(&bytes))
            {
                found.insert(format!("{place} in {} (mode {:o})", path.display(), data.mode()));
            }
        }
    }

    /// What the library may have left in folders that it shares with everybody.
    fn names_of_ours(&self, folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("claude-client") || name.contains("claude-private") {
                self.files(&entry.path(), found);
                if let Some(place) = fs::read(entry.path()).ok().and_then(|bytes| self.has(&bytes)) {
                    found.insert(format!("{place} in {}", entry.path().display()));
                }
            }
        }
    }
}
