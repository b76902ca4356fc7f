//! The script language: JSON to actions, with errors that name the place.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::grandchild::Grandchild;
use crate::output::Pace;

/// A list of actions; shared, because a list may run many times.
pub type Steps = Rc<[Action]>;

#[derive(Debug, Default)]
pub struct Script {
    pub on_start: Option<Steps>,
    /// One list per prompt; the last one repeats.
    pub on_user: Option<Vec<Steps>>,
    /// By subtype; `*` takes the others.
    pub on_control: HashMap<String, Steps>,
    pub on_response: Option<Steps>,
    pub on_eof: Option<Steps>,
    pub on_term: Option<Steps>,
    pub no_lifecycle: bool,
    version: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Action {
    Default,
    Send {
        frames: Vec<Value>,
        pace: Pace,
    },
    Write {
        bytes: Vec<u8>,
        pace: Pace,
    },
    WriteText {
        text: String,
        pace: Pace,
    },
    Cut {
        frame: Value,
        at: usize,
    },
    Line {
        bytes: usize,
    },
    Flood {
        count: usize,
        bytes: usize,
        batch: usize,
    },
    Sleep(Duration),
    Stderr(String),
    StderrBytes(usize),
    Exit(i32),
    Signal(String),
    IgnoreEof,
    IgnoreTerm,
    CloseStdout,
    CloseStderr,
    CloseStdin,
    StopReading {
        resume: Option<Duration>,
    },
    Spawn(Grandchild),
    Allocate {
        megabytes: usize,
    },
    Ask(Ask),
    Await(String),
    Cancel(Option<String>),
    Init(Value),
    Text(String),
    Stream {
        text: String,
        deltas: usize,
        delay: Duration,
    },
    /// A piece of a streamed text; like `Whole`, made by `stream` and taken as it is.
    Delta(String),
    Whole(String),
    Result(Value),
    Turn {
        text: String,
        overrides: Value,
    },
    State(String),
    System {
        subtype: String,
        fields: Value,
    },
    KeepAlive,
    Mirror {
        entries: usize,
    },
    Respond(Option<Value>),
    RespondError {
        text: String,
        code: Option<String>,
    },
    ReverseAfter(usize),
    FailResume(String),
    Repeat {
        times: u64,
        steps: Steps,
    },
}

#[derive(Debug, Clone)]
pub struct Ask {
    pub request: Value,
    pub id: Option<String>,
    pub wait: bool,
    pub report: bool,
    pub timeout: Option<Duration>,
}

impl Script {
    /// From `FAKE_CLAUDE`: inline JSON, or the path of a file.
    pub fn load() -> Result<Self, String> {
        let Some(given) = std::env::var_os("FAKE_CLAUDE").filter(|text| !text.is_empty()) else {
            return Ok(Script::default());
        };
        let inline = given.to_str().filter(|text| text.trim_start().starts_with('{'));
        let text = match inline {
            Some(text) => text.to_owned(),
            None => {
                let path = std::path::Path::new(&given);
                std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?
            }
        };
        Script::parse(&text)
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let mut members: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut list = |name: &str| members.remove(name).map(|value| steps(&value, name)).transpose();
        let mut script = Script {
            on_start: list("on_start")?,
            on_response: list("on_response")?,
            on_eof: list("on_eof")?,
            on_term: list("on_term")?,
            ..Script::default()
        };
        if let Some(initialize) = list("on_initialize")? {
            script.on_control.insert("initialize".into(), initialize);
        }
        script.on_user = members.remove("on_user").map(|value| prompts(&value)).transpose()?;
        if let Some(Value::Object(controls)) = members.remove("on_control") {
            for (subtype, value) in controls {
                let place = format!("on_control.{subtype}");
                script.on_control.insert(subtype, steps(&value, &place)?);
            }
        }
        script.version = take(&mut members, "version", "script")?;
        script.no_lifecycle = take(&mut members, "no_lifecycle", "script")?.unwrap_or(false);
        no_more(&members, "script")?;
        Ok(script)
    }

    pub fn version(&self) -> String {
        self.version.clone().unwrap_or_else(|| format!("{} (Claude Code)", claude_testkit::CLI_VERSION))
    }

    /// The version number alone.
    pub fn version_number(&self) -> String {
        self.version().split_whitespace().next().unwrap_or_default().to_owned()
    }

    pub fn for_prompt(&self, index: usize) -> Option<Steps> {
        let lists = self.on_user.as_ref()?;
        lists.get(index).or(lists.last()).map(Rc::clone)
    }

    pub fn for_control(&self, subtype: &str) -> Option<Steps> {
        self.on_control.get(subtype).or_else(|| self.on_control.get("*")).map(Rc::clone)
    }
}

/// `on_user`: a list of lists (one per prompt), or one list for every prompt.
fn prompts(value: &Value) -> Result<Vec<Steps>, String> {
    match value.as_array() {
        Some(lists) if lists.first().is_some_and(Value::is_array) => {
            lists.iter().enumerate().map(|(at, list)| steps(list, &format!("on_user.{at}"))).collect()
        }
        _ => Ok(vec![steps(value, "on_user")?]),
    }
}

fn steps(value: &Value, place: &str) -> Result<Steps, String> {
    let items = value.as_array().ok_or_else(|| format!("{place}: must be a list of actions"))?;
    items.iter().enumerate().map(|(at, item)| action(item, &format!("{place}.{at}"))).collect()
}

/// An action is its name alone, or an object `{NAME: ARGUMENT, OPTION: …}`.
fn action(value: &Value, place: &str) -> Result<Action, String> {
    let (name, argument, mut options) = match value {
        Value::String(name) => (name.clone(), Value::Null, Map::new()),
        Value::Object(members) if !members.is_empty() => {
            let mut members = members.clone();
            let name = members.keys().next().cloned().unwrap_or_default();
            let argument = members.shift_remove(&name).unwrap_or_default();
            (name, argument, members)
        }
        _ => return Err(format!("{place}: an action is a name or an object that starts with one")),
    };
    let place = format!("{place} ({name})");
    let action = parse_action(&name, argument, &mut options, &place)?;
    no_more(&options, &place)?;
    Ok(action)
}

fn parse_action(
    name: &str,
    argument: Value,
    options: &mut Map<String, Value>,
    place: &str,
) -> Result<Action, String> {
    Ok(match name {
        "default" => Action::Default,
        "send" => Action::Send { frames: frames(argument), pace: pace(options, place)? },
        "write" => Action::WriteText { text: get(argument, place)?, pace: pace(options, place)? },
        "write_hex" => Action::Write {
            bytes: hex(&get::<String>(argument, place)?, place)?,
            pace: pace(options, place)?,
        },
        "write_base64" => {
            let text: String = get(argument, place)?;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            Action::Write { bytes: bytes.map_err(|e| format!("{place}: {e}"))?, pace: pace(options, place)? }
        }
        "write_utf16" => {
            let text: String = get(argument, place)?;
            Action::Write {
                bytes: text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                pace: pace(options, place)?,
            }
        }
        "cut" => Action::Cut { frame: argument, at: take(options, "at", place)?.unwrap_or(10) },
        "line_bytes" => Action::Line { bytes: get(argument, place)? },
        "flood" => Action::Flood {
            count: get(argument, place)?,
            bytes: take(options, "bytes", place)?.unwrap_or(200),
            batch: take(options, "batch", place)?.unwrap_or(0),
        },
        "sleep" => Action::Sleep(millis(get(argument, place)?)),
        "stderr" => Action::Stderr(get(argument, place)?),
        "stderr_bytes" => Action::StderrBytes(get(argument, place)?),
        "exit" => Action::Exit(if argument.is_null() { 0 } else { get(argument, place)? }),
        "signal" => Action::Signal(get(argument, place)?),
        "ignore_eof" => Action::IgnoreEof,
        "ignore_term" => Action::IgnoreTerm,
        "close_stdout" => Action::CloseStdout,
        "close_stderr" => Action::CloseStderr,
        "close_stdin" => Action::CloseStdin,
        "stop_reading" => Action::StopReading { resume: get::<Option<u64>>(argument, place)?.map(millis) },
        "spawn" => Action::Spawn(get(argument, place)?),
        "allocate_mb" => Action::Allocate { megabytes: get(argument, place)? },
        "ask" => Action::Ask(ask(argument, options, place)?),
        "await" => Action::Await(get(argument, place)?),
        "cancel" => Action::Cancel(get(argument, place)?),
        "init" => Action::Init(argument),
        "text" => Action::Text(get(argument, place)?),
        "stream" => Action::Stream {
            text: get(argument, place)?,
            deltas: take(options, "deltas", place)?.unwrap_or(10),
            delay: millis(take(options, "delay_ms", place)?.unwrap_or(0)),
        },
        "result" => Action::Result(argument),
        "turn" => Action::Turn { text: get(argument, place)?, overrides: Value::Null },
        "autonomous" => {
            let kind = serde_json::json!({"kind": "task-notification"});
            let origin: Value = take(options, "origin", place)?.unwrap_or(kind);
            Action::Turn { text: get(argument, place)?, overrides: serde_json::json!({"origin": origin}) }
        }
        "state" => Action::State(get(argument, place)?),
        "system" => {
            let fields = Value::Object(std::mem::take(options));
            Action::System { subtype: get(argument, place)?, fields }
        }
        "keep_alive" => Action::KeepAlive,
        "mirror" => Action::Mirror { entries: get::<Option<usize>>(argument, place)?.unwrap_or(1) },
        "respond" => Action::Respond(Some(argument).filter(|payload| !payload.is_null())),
        "respond_error" => {
            Action::RespondError { text: get(argument, place)?, code: take(options, "code", place)? }
        }
        "reverse_after" => Action::ReverseAfter(get(argument, place)?),
        "fail_resume" => {
            Action::FailResume(get::<Option<String>>(argument, place)?.unwrap_or_else(|| "both".into()))
        }
        "repeat" => {
            let inner = options.remove("do").unwrap_or_default();
            Action::Repeat { times: get(argument, place)?, steps: steps(&inner, &format!("{place}.do"))? }
        }
        other => {
            return Err(format!("{place}: no action is called {other:?}; the list is in testkit/README.md"));
        }
    })
}

fn ask(argument: Value, options: &mut Map<String, Value>, place: &str) -> Result<Ask, String> {
    let exact = take(options, "exact", place)?.unwrap_or(false);
    let request = if exact {
        argument
    } else {
        crate::asks::completed(argument).map_err(|e| format!("{place}: {e}"))?
    };
    Ok(Ask {
        request,
        id: take(options, "id", place)?,
        wait: take(options, "wait", place)?.unwrap_or(true),
        report: take(options, "report", place)?.unwrap_or(true),
        timeout: take(options, "timeout_ms", place)?.map(millis),
    })
}

fn frames(argument: Value) -> Vec<Value> {
    match argument {
        Value::Array(frames) => frames,
        frame => vec![frame],
    }
}

fn pace(options: &mut Map<String, Value>, place: &str) -> Result<Pace, String> {
    let chunk = take(options, "chunk", place)?.unwrap_or(0);
    Ok(Pace { chunk, pause: millis(take(options, "pause_ms", place)?.unwrap_or(0)) })
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn hex(text: &str, place: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
    digits.chunks(2).map(|pair| byte(pair).map_err(|error| format!("{place}: {error}"))).collect()
}

fn get<T: DeserializeOwned>(argument: Value, place: &str) -> Result<T, String> {
    serde_json::from_value(argument).map_err(|error| format!("{place}: {error}"))
}

fn take<T: DeserializeOwned>(
    from: &mut Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<Option<T>, String> {
    from.shift_remove(name).map(|value| get(value, &format!("{place}.{name}"))).transpose()
}

fn no_more(members: &Map<String, Value>, place: &str) -> Result<(), String> {
    match members.keys().next() {
        Some(unknown) => Err(format!("{place}: unknown member {unknown:?}")),
        None => Ok(()),
    }
}
