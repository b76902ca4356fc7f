//! A transport without anything behind it: a CLI of a few lines, in memory.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::vtable::{Host, Sink};

type React = Box<dyn Fn(Sink, &Value) -> i32 + Send + Sync>;

/// Answers control requests, and prompts with a turn of one text.
pub struct Memory {
    sink: Mutex<Option<Sink>>,
    /// In place of the ordinary answer to a prompt.
    on_prompt: React,
}

pub fn result() -> Value {
    json!({"type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "result": "ok"})
}

pub fn line(frame: &Value) -> Vec<u8> {
    let mut line = frame.to_string().into_bytes();
    line.push(b'\n');
    line
}

pub fn assistant(text: &str) -> Value {
    json!({"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": text}]}})
}

impl Memory {
    pub fn new() -> Memory {
        Memory::with(|sink, prompt| {
            let text = prompt["message"]["content"].as_str().unwrap_or("?").to_owned();
            let turn = [line(&assistant(&text)), line(&result())].concat();
            i32::from(sink.push(&turn).is_err())
        })
    }

    /// `on_prompt` gets the user message; what it returns is what `write` returns.
    pub fn with(on_prompt: impl Fn(Sink, &Value) -> i32 + Send + Sync + 'static) -> Memory {
        Memory { sink: Mutex::default(), on_prompt: Box::new(on_prompt) }
    }

    pub fn sink(&self) -> Sink {
        self.sink.lock().unwrap().expect("connect came first")
    }
}

impl Host for Memory {
    fn connect(&self, sink: Sink) -> i32 {
        *self.sink.lock().unwrap() = Some(sink);
        0
    }

    fn write(&self, text: &[u8]) -> i32 {
        let frame: Value = serde_json::from_slice(text).expect("a line is JSON");
        match frame["type"].as_str() {
            Some("control_request") => {
                let answer = json!({"type": "control_response", "response": {
                    "subtype": "success", "request_id": frame["request_id"],
                    "response": {"commands": [], "settings_applied": true, "mcp_servers_applied": true}}});
                i32::from(self.sink().push(&line(&answer)).is_err())
            }
            Some("user") => (self.on_prompt)(self.sink(), &frame),
            _ => 0,
        }
    }

    fn end_input(&self) -> i32 {
        i32::from(self.sink().end(0, "").is_err())
    }
}
