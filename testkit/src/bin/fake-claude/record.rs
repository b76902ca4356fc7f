//! `FAKE_CLAUDE_LOG`: what the host handed down and sent, as JSON lines.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::sys;

#[derive(Clone)]
pub struct Record {
    log: Option<Arc<(File, Instant)>>,
}

impl Record {
    /// Looks at the process before anything of its own changes it.
    pub fn open(argv: &[OsString]) -> Self {
        let Some(path) = std::env::var_os("FAKE_CLAUDE_LOG").filter(|path| !path.is_empty()) else {
            return Record { log: None };
        };
        let descriptors = open_descriptors();
        let file = match File::options().create(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) => sys::die(&format!("FAKE_CLAUDE_LOG={}: {error}", path.display())),
        };
        let record = Record { log: Some(Arc::new((file, Instant::now()))) };
        let text = |part: &OsString| part.to_string_lossy().into_owned();
        let env = std::env::vars_os().map(|(name, value)| (text(&name), json!(text(&value))));
        record.write(
            "start",
            json!({
                "argv": argv.iter().map(text).collect::<Vec<_>>(),
                "env": env.collect::<Map<_, _>>(),
                "cwd": std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).ok(),
                "fds": descriptors,
                "ids": sys::ids(),
                "signals": signal_state(),
            }),
        );
        record
    }

    pub fn is_on(&self) -> bool {
        self.log.is_some()
    }

    /// Appends `{"event", "ms", …fields}` with one write, so that several processes can share a file.
    pub fn write(&self, event: &str, fields: Value) {
        let Some(log) = &self.log else { return };
        let mut line = json!({"event": event, "ms": log.1.elapsed().as_secs_f64() * 1000.0});
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
            line.extend(fields);
        }
        let _ = (&log.0).write_all(format!("{line}\n").as_bytes());
    }
}

/// Number and target of every descriptor that is open now.
fn open_descriptors() -> Value {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let numbers: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    let target = |number: String| {
        let link = std::fs::read_link(format!("{folder}/{number}")).ok()?;
        Some((number, json!(link.to_string_lossy())))
    };
    // The one that listed the folder is closed by now and has no target.
    Value::Object(numbers.into_iter().filter_map(target).collect())
}

/// The masks of blocked, ignored and caught signals (Linux).
fn signal_state() -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim_start_matches(':').trim(), 16).ok()
    };
    json!({"blocked": mask("SigBlk"), "ignored": mask("SigIgn"), "caught": mask("SigCgt")})
}
