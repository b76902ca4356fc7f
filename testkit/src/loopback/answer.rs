//! Turns a [`Reply`] into the bytes of a Messages answer, streamed or whole.

use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::http::Connection;
use super::rules::Reply;

/// Longer than any test waits; the client's hang-up ends it.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Ids that are unique across processes and restarts.
fn new_id(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_01{now:016x}{:04x}{count:04x}", std::process::id() & 0xffff)
}

/// Sends the reply. An error means that the client hung up, or that the reply says to drop the connection.
pub fn send(connection: &mut Connection, reply: &Reply, request: &Value) -> io::Result<()> {
    if reply.silent {
        connection.wait(FOREVER)?;
    }
    connection.wait(Duration::from_millis(reply.wait_ms) + jitter())?;
    if let Some(status) = reply.error {
        return send_error(connection, status, reply);
    }
    let message = Message::new(reply, request);
    if request["stream"] == true {
        message.stream(connection, reply)
    } else {
        let pieces = reply.deltas.unwrap_or(0) as u64;
        connection.wait(Duration::from_millis(reply.delay_ms * pieces))?;
        connection.write_json(200, &[("request-id", &new_id("req"))], &message.whole().to_string())
    }
}

/// The JSON of an API error.
pub fn error_json(status: u16, message: &str) -> String {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": new_id("req")})
        .to_string()
}

fn send_error(connection: &mut Connection, status: u16, reply: &Reply) -> io::Result<()> {
    let message = reply.error_message.clone().unwrap_or_else(|| format!("scripted error {status}"));
    let wait = reply.retry_after.map(|seconds| seconds.to_string());
    let mut headers = Vec::new();
    if let Some(wait) = &wait {
        headers.push(("retry-after", wait.as_str()));
    }
    connection.write_json(status, &headers, &error_json(status, &message))
}

struct Message {
    id: String,
    model: Value,
    blocks: Vec<Value>,
    stop_reason: String,
    usage: Value,
}

impl Message {
    fn new(reply: &Reply, request: &Value) -> Self {
        let mut blocks = Vec::new();
        if let Some(thinking) = &reply.thinking {
            blocks.push(json!({"type": "thinking", "thinking": thinking, "signature": new_id("sig")}));
        }
        if let Some(text) = &reply.text {
            blocks.push(json!({"type": "text", "text": text}));
        }
        for call in &reply.tool_use {
            let id = call.id.clone().unwrap_or_else(|| new_id("toolu"));
            blocks.push(json!({"type": "tool_use", "id": id, "name": call.name, "input": call.input}));
        }
        let by_content = if reply.tool_use.is_empty() { "end_turn" } else { "tool_use" };
        let written: usize = blocks.iter().map(|block| block.to_string().len()).sum();
        Message {
            id: new_id("msg"),
            model: request["model"].clone(),
            stop_reason: reply.stop_reason.clone().unwrap_or_else(|| by_content.to_owned()),
            usage: json!({
                "input_tokens": tokens(request.to_string().len()), "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0, "output_tokens": tokens(written), "service_tier": "standard",
            }),
            blocks,
        }
    }

    fn whole(&self) -> Value {
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": self.blocks,
            "stop_reason": self.stop_reason, "stop_sequence": null, "usage": self.usage,
        })
    }

    fn stream(&self, connection: &mut Connection, reply: &Reply) -> io::Result<()> {
        connection.start_events(&[("request-id", &new_id("req"))])?;
        let mut start = self.whole();
        (start["content"], start["stop_reason"]) = (json!([]), Value::Null);
        start["usage"]["output_tokens"] = json!(1);
        event(connection, "message_start", json!({"message": start}))?;
        event(connection, "ping", json!({}))?;
        let mut pieces_left = reply.hang_up_after;
        for (index, block) in self.blocks.iter().enumerate() {
            event(
                connection,
                "content_block_start",
                json!({"index": index, "content_block": emptied(block)}),
            )?;
            for delta in deltas(block, reply.deltas) {
                if pieces_left == Some(0) {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                pieces_left = pieces_left.map(|left| left - 1);
                connection.wait(Duration::from_millis(reply.delay_ms))?;
                event(connection, "content_block_delta", json!({"index": index, "delta": delta}))?;
            }
            event(connection, "content_block_stop", json!({"index": index}))?;
        }
        connection.wait(jitter())?;
        let delta = json!({"stop_reason": self.stop_reason, "stop_sequence": null});
        event(connection, "message_delta", json!({"delta": delta, "usage": self.usage}))?;
        connection.wait(jitter())?;
        event(connection, "message_stop", json!({}))?;
        connection.finish_chunks()
    }
}

/// A pause of up to `CLAUDE_TESTKIT_JITTER_MS`: it finds the tests that rely on the order of what runs side by side.
fn jitter() -> Duration {
    static MOST: LazyLock<u64> = LazyLock::new(|| {
        std::env::var("CLAUDE_TESTKIT_JITTER_MS").ok().and_then(|most| most.parse().ok()).unwrap_or(0)
    });
    static STEP: AtomicU64 = AtomicU64::new(0);
    // The golden ratio spreads the steps evenly, and alike in every run.
    let share = (STEP.fetch_add(1, Ordering::Relaxed) as f64 * 0.618_033_988_749_895).fract();
    Duration::from_millis((*MOST as f64 * share) as u64)
}

fn event(connection: &mut Connection, kind: &str, fields: Value) -> io::Result<()> {
    let mut data = json!({"type": kind});
    if let (Value::Object(data), Value::Object(fields)) = (&mut data, fields) {
        data.extend(fields);
    }
    connection.write_chunk(&format!("event: {kind}\ndata: {data}\n\n"))
}

/// The block as `content_block_start` shows it: without what the deltas bring.
fn emptied(block: &Value) -> Value {
    let mut block = block.clone();
    for (key, empty) in
        [("text", json!("")), ("thinking", json!("")), ("signature", json!("")), ("input", json!({}))]
    {
        if let Some(value) = block.get_mut(key) {
            *value = empty;
        }
    }
    block
}

fn deltas(block: &Value, wanted: Option<usize>) -> Vec<Value> {
    match block["type"].as_str() {
        Some("thinking") => vec![
            json!({"type": "thinking_delta", "thinking": block["thinking"]}),
            json!({"type": "signature_delta", "signature": block["signature"]}),
        ],
        Some("tool_use") => {
            let text = block["input"].to_string();
            let pieces = split(&text, 2);
            pieces.iter().map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect()
        }
        _ => {
            let text = block["text"].as_str().unwrap_or_default();
            let pieces = split(text, wanted.unwrap_or_else(|| (text.len() / 40).clamp(1, 20)));
            pieces.iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect()
        }
    }
}

/// Cuts the text into `count` nearly equal pieces, between characters.
fn split(text: &str, count: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let count = count.max(1);
    let cut = |piece: usize| chars.len() * piece / count;
    (0..count).map(|n| chars[cut(n)..cut(n + 1)].iter().collect()).collect()
}

/// The usual rule of thumb: four bytes a token.
pub fn tokens(bytes: usize) -> usize {
    bytes / 4 + 1
}
