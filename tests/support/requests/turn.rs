//! What a turn brought.

use serde_json::Value;

#[derive(Debug)]
pub struct Turn {
    pub result: Value,
    pub messages: Vec<Value>,
}

impl Turn {
    pub fn text(&self) -> &str {
        self.result["result"].as_str().unwrap_or_default()
    }

    /// The tool results of the turn: text, and whether it is an error.
    pub fn tool_results(&self) -> Vec<(String, bool)> {
        let blocks = self.messages.iter().filter(|message| message["type"] == "user");
        let blocks =
            blocks.flat_map(|message| message["message"]["content"].as_array().cloned().unwrap_or_default());
        blocks
            .filter(|block| block["type"] == "tool_result")
            .map(|block| {
                let content = match &block["content"] {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                (content, block["is_error"] == true)
            })
            .collect()
    }
}
