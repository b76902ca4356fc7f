//! What a Messages request says, seen through the blocks that the CLI adds on its own.

use serde_json::Value;

/// The parts of a request that decide on the reply.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    pub model: String,
    /// The system prompt's text blocks, joined by newlines.
    pub system: String,
    /// The user's own words, one entry per text block that has any.
    pub user_texts: Vec<String>,
    /// Texts of the tool results in the last message, in the order of the calls.
    pub tool_results: Vec<String>,
    /// Images in the last message that carries the user's own words or images.
    pub images: usize,
    /// Names and input schemas of the offered tools.
    pub tools: Vec<(String, Value)>,
    pub stream: bool,
}

impl Conversation {
    pub fn from_body(body: &Value) -> Self {
        let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let users = || messages.iter().filter(|message| message["role"] == "user");
        Conversation {
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            system: plain_text(&body["system"]),
            user_texts: users().flat_map(|m| own_texts(&m["content"])).collect(),
            tool_results: users()
                .next_back()
                .map(|m| tool_results(&m["content"], messages))
                .unwrap_or_default(),
            images: users().rev().map(|m| &m["content"]).find(|c| is_prompt(c)).map_or(0, count_images),
            tools: offered_tools(&body["tools"]),
            stream: body["stream"] == true,
        }
    }

    /// The user's latest words.
    pub fn prompt(&self) -> &str {
        self.user_texts.last().map_or("", String::as_str)
    }
}

fn blocks(content: &Value) -> &[Value] {
    content.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Text of a string, or of the text blocks of an array.
fn plain_text(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    let texts: Vec<&str> = blocks(content).iter().filter_map(|block| block["text"].as_str()).collect();
    texts.join("\n")
}

/// The user's own words, one entry per text block: after a failed turn the CLI sends the old prompt and the
/// new one as two blocks of one message.
fn own_texts(content: &Value) -> Vec<String> {
    let texts: Vec<&str> = match content.as_str() {
        Some(text) => vec![text],
        None => {
            let texts = blocks(content).iter().filter(|block| block["type"] == "text");
            texts.filter_map(|block| block["text"].as_str()).collect()
        }
    };
    texts.into_iter().map(strip_added).filter(|text| !text.is_empty()).collect()
}

/// Removes the sections that the CLI puts around or beside the user's words.
fn strip_added(text: &str) -> String {
    const ADDED: [(&str, &str); 10] = [
        ("<system-reminder>", "</system-reminder>"),
        ("<local-command-caveat>", "</local-command-caveat>"),
        ("<local-command-stdout>", "</local-command-stdout>"),
        ("<local-command-stderr>", "</local-command-stderr>"),
        ("<available-deferred-tools>", "</available-deferred-tools>"),
        ("<command-name>", "</command-name>"),
        ("<command-message>", "</command-message>"),
        ("<command-args>", "</command-args>"),
        ("[Image: source: ", "]"),
        ("[Request interrupted by user", "]"),
    ];
    let mut text = text.to_owned();
    for (open, close) in ADDED {
        while let Some(start) = text.find(open) {
            let end = text[start..].find(close).map_or(text.len(), |at| start + at + close.len());
            text.replace_range(start..end, "");
        }
    }
    text.trim().to_owned()
}

/// In the order of the calls: the CLI sends the results of parallel calls as they come.
fn tool_results(content: &Value, messages: &[Value]) -> Vec<String> {
    let all = messages.iter().flat_map(|message| blocks(&message["content"]));
    let calls: Vec<&Value> =
        all.filter(|block| block["type"] == "tool_use").map(|call| &call["id"]).collect();
    let place = |result: &&Value| calls.iter().position(|id| **id == result["tool_use_id"]);
    let mut results: Vec<&Value> =
        blocks(content).iter().filter(|block| block["type"] == "tool_result").collect();
    results.sort_by_key(place);
    results.iter().map(|block| plain_text(&block["content"])).collect()
}

fn is_prompt(content: &Value) -> bool {
    !own_texts(content).is_empty() || count_images(content) > 0
}

fn count_images(content: &Value) -> usize {
    blocks(content).iter().filter(|block| block["type"] == "image").count()
}

fn offered_tools(tools: &Value) -> Vec<(String, Value)> {
    let named = blocks(tools).iter().filter_map(|tool| Some((tool["name"].as_str()?, &tool["input_schema"])));
    named.map(|(name, schema)| (name.to_owned(), schema.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_users_words_are_found_among_reminders() {
        let conversation = Conversation::from_body(&json!({"model": "m", "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "<system-reminder>slow down</system-reminder>"},
                {"type": "text", "text": "hello"}]},
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": [{"type": "text", "text": "failed"},
                {"type": "text", "text": "<command-name>/model</command-name>"},
                {"type": "text", "text": "<system-reminder>x</system-reminder>\nagain"}]},
        ]}));
        assert_eq!(conversation.user_texts, ["hello", "failed", "again"]);
        assert_eq!(conversation.prompt(), "again");
        assert!(conversation.tool_results.is_empty());
    }

    #[test]
    fn tool_results_count_only_in_the_last_message() {
        let result = |text: &str| {
            json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": text}]}]})
        };
        let ask = json!({"role": "user", "content": "go"});
        let answered = Conversation::from_body(&json!({"messages": [ask, result("out")]}));
        assert_eq!(answered.tool_results, ["out"]);
        assert_eq!(answered.prompt(), "go");
        let next = Conversation::from_body(&json!({"messages": [ask, result("out"), ask]}));
        assert!(next.tool_results.is_empty());
    }
}
