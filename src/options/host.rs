//! The options that this library acts on itself, with their types.

use std::time::Duration;

use serde_json::{Map, Value};

use super::checked::{Options, Record, Replay};

/// The typed view of values that have been checked.
pub fn options(values: Map<String, Value>) -> Options {
    let text = |name: &str| values.get(name).and_then(Value::as_str).map(str::to_owned);
    let truth = |name: &str| values.get(name).and_then(Value::as_bool).unwrap_or(false);
    let number = |name: &str| values.get(name).and_then(Value::as_u64);
    let millis = |name: &str, default: u64| Duration::from_millis(number(name).unwrap_or(default));
    let size =
        |given: Option<u64>, default: u64| usize::try_from(given.unwrap_or(default)).unwrap_or(usize::MAX);
    Options {
        cli_path: text("cli_path"),
        cwd: text("cwd"),
        user: text("user"),
        launcher: values.get("launcher").map(texts),
        connect_timeout: number("connect_timeout_ms").map(Duration::from_millis),
        control_timeout: millis("control_timeout_ms", 60_000),
        graceful_exit_timeout: millis("graceful_exit_timeout_ms", 5_000),
        terminate_timeout: millis("terminate_timeout_ms", 5_000),
        stalled_after: millis("stalled_after_ms", 120_000),
        long_turn_after: millis("long_turn_after_ms", 0),
        max_message_bytes: size(number("max_message_bytes").or(number("max_buffer_size")), 256 << 20),
        max_queue_bytes: size(number("max_queue_bytes"), 64 << 20),
        stderr_tail_bytes: size(number("stderr_tail_bytes"), 64 << 10),
        request_timeout: number("request_timeout_ms").map(Duration::from_millis),
        request_timeout_is_error: values
            .get("request_timeout_action")
            .is_some_and(|action| action == "error"),
        load_timeout: millis("load_timeout_ms", 60_000),
        stores_eagerly: values.get("session_store_flush").is_some_and(|flush| flush == "eager"),
        validate_json: truth("validate_json"),
        text_deltas: truth("text_deltas"),
        turn_events: truth("turn_events"),
        verbatim_prompts: truth("verbatim_prompts"),
        record: values.get("record").map(record),
        replay: values.get("replay").map(replay),
        values,
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn path_of(value: &Value) -> String {
    value.as_str().or(value.get("path").and_then(Value::as_str)).unwrap_or_default().to_owned()
}

fn record(value: &Value) -> Record {
    Record {
        path: path_of(value),
        redact: value.get("redact").map(texts).unwrap_or_default(),
        fsync: value.get("fsync").and_then(Value::as_bool).unwrap_or(false),
    }
}

fn replay(value: &Value) -> Replay {
    Replay {
        path: path_of(value),
        recorded_speed: value.get("speed").and_then(Value::as_str) == Some("recorded"),
        strict: value.get("strict").and_then(Value::as_bool).unwrap_or(true),
    }
}

impl Default for Options {
    fn default() -> Options {
        options(Map::new())
    }
}
