//! Known ways in which the CLI ends: a name for each that programs can check, and a remedy.

use serde_json::Value;

use crate::error::{Error, Status};
use crate::options::login;

/// The output and the exit of a process that ended.
struct End<'a> {
    words: &'a [&'a str],
    exit_code: Option<i32>,
    http_status: Option<i64>,
}

impl End<'_> {
    fn says(&self, part: &str) -> bool {
        self.words.iter().any(|words| words.contains(part))
    }
}

struct Known {
    reason: &'static str,
    holds: fn(&End) -> bool,
    /// In one or more pieces, to be concatenated.
    remedy: &'static [&'static str],
}

const KNOWN: &[Known] = &[
    Known {
        reason: "resume_invalid",
        holds: |end| {
            end.says("No conversation found")
                || end.says("--resume requires a valid session ID or session title")
        },
        remedy: &[
            "the option resume names no conversation of this working folder (cwd) and configuration folder (config_dir): \
                 leave it out to begin a new one",
        ],
    },
    Known {
        reason: "session_id_taken",
        holds: |end| end.says("Session ID ") && end.says(" is already in use"),
        remedy: &[
            "a conversation with this session_id exists: continue it with the option resume, or choose another id",
        ],
    },
    Known {
        reason: "login",
        holds: |end| end.http_status == Some(401) || end.says("Please run /login"),
        remedy: &[login::REMEDY, "; then connect another client, which the option resume lets continue"],
    },
    Known {
        reason: "program_missing",
        // The exit code of shells and env for a program that they do not find.
        holds: |end| end.exit_code == Some(127),
        remedy: &[
            "the CLI, or what starts it, needs a program that is not in its PATH: set PATH with the option env, for \
                 instance to what a login shell has; claude_probe names the program",
        ],
    },
];

/// Adds what is known about an end during the start of a session, or after an error result.
pub fn recognised(error: Error, connecting: bool) -> Error {
    if !(connecting || error.status == Status::Result) || error.detail("reason").is_some() {
        return error;
    }
    let detail = |name: &str| error.detail(name);
    let stderr = detail("stderr").filter(|_| connecting).and_then(Value::as_str).unwrap_or_default();
    let end = End {
        words: &[&error.message, stderr],
        exit_code: detail("exit_code").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()),
        http_status: detail("api_error_status").and_then(Value::as_i64),
    };
    match KNOWN.iter().find(|known| (known.holds)(&end)) {
        Some(known) => error.with("reason", known.reason).with("remedy", known.remedy.concat()),
        None => error,
    }
}
