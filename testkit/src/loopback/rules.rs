//! Replies and the rules that choose them. The Rust types and the `--script` file are the same thing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::conversation::Conversation;

/// What the API answers. The fields combine: thinking, then text, then tool calls, in one message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    /// Text of the answer; see [`Reply::fill`] for its placeholders.
    pub text: Option<String>,
    pub thinking: Option<String>,
    /// `{"name", "input", "id"?}` each.
    pub tool_use: Vec<ToolUse>,
    pub stop_reason: Option<String>,
    /// Number of pieces that the text is streamed in.
    pub deltas: Option<usize>,
    /// Pause before each piece.
    pub delay_ms: u64,
    /// Pause before the first byte of the answer.
    pub wait_ms: u64,
    /// HTTP status of an error answer.
    pub error: Option<u16>,
    pub error_message: Option<String>,
    /// `retry-after` header of an error answer, in seconds.
    pub retry_after: Option<u64>,
    /// Accept the request and send nothing until the client hangs up.
    pub silent: bool,
    /// Drop the connection after that many pieces.
    pub hang_up_after: Option<usize>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolUse {
    pub name: String,
    #[serde(default = "empty_object")]
    pub input: Value,
    #[serde(default)]
    pub id: Option<String>,
}

fn empty_object() -> Value {
    json!({})
}

impl Reply {
    pub fn text(text: impl Into<String>) -> Self {
        Reply { text: Some(text.into()), ..Reply::default() }
    }

    pub fn tool(name: impl Into<String>, input: Value) -> Self {
        Reply::default().and_tool(name, input)
    }

    pub fn error(status: u16) -> Self {
        Reply { error: Some(status), ..Reply::default() }
    }

    pub fn silent() -> Self {
        Reply { silent: true, ..Reply::default() }
    }

    /// Adds a call; several in one reply run in parallel in the CLI.
    pub fn and_tool(mut self, name: impl Into<String>, input: Value) -> Self {
        self.tool_use.push(ToolUse { name: name.into(), input, id: None });
        self
    }

    pub fn thinking(mut self, text: impl Into<String>) -> Self {
        self.thinking = Some(text.into());
        self
    }

    /// Streams the text in `deltas` pieces, with a pause before each.
    pub fn slow(mut self, deltas: usize, delay_ms: u64) -> Self {
        (self.deltas, self.delay_ms) = (Some(deltas), delay_ms);
        self
    }

    /// Replaces `{{prompt}}`, `{{first_prompt}}`, `{{user_messages}}`, `{{tool_result}}`, `{{images}}`,
    /// `{{model}}` and `{{system}}` in the texts.
    pub fn fill(mut self, conversation: &Conversation) -> Self {
        for text in [&mut self.text, &mut self.thinking].into_iter().flatten() {
            *text = fill_text(text, conversation);
        }
        self
    }
}

fn fill_text(text: &str, conversation: &Conversation) -> String {
    if !text.contains("{{") {
        return text.to_owned();
    }
    let first = conversation.user_texts.first().map_or("", String::as_str);
    // The words of others go in last, so that braces in a prompt are not taken for placeholders.
    text.replace("{{user_messages}}", &conversation.user_texts.len().to_string())
        .replace("{{images}}", &conversation.images.to_string())
        .replace("{{model}}", &conversation.model)
        .replace("{{system}}", &conversation.system)
        .replace("{{first_prompt}}", first)
        .replace("{{tool_result}}", &conversation.tool_results.join("\n"))
        .replace("{{prompt}}", conversation.prompt())
}

/// All given conditions must hold; none given = always.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// The user's latest words contain this. Does not look at requests that carry tool results.
    pub prompt: Option<String>,
    /// A tool result in the last message contains this (`""` = any tool result).
    pub tool_result: Option<String>,
    pub system: Option<String>,
    pub model: Option<String>,
}

impl When {
    fn holds(&self, conversation: &Conversation) -> bool {
        let results = &conversation.tool_results;
        let has =
            |wanted: &Option<String>, text: &str| wanted.as_deref().is_none_or(|part| text.contains(part));
        let prompt = self.prompt.is_none() || results.is_empty() && has(&self.prompt, conversation.prompt());
        let result = self.tool_result.as_deref().is_none_or(|part| results.iter().any(|r| r.contains(part)));
        prompt && result && has(&self.system, &conversation.system) && has(&self.model, &conversation.model)
    }
}

/// One rule; the first that holds decides, and the built-in keywords come after all rules.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    pub when: When,
    /// How often the rule may be used; absent = for ever.
    pub times: Option<u32>,
    pub reply: Reply,
}

impl Rule {
    /// Answers prompts that contain `part`.
    pub fn on_prompt(part: impl Into<String>, reply: Reply) -> Self {
        Rule { when: When { prompt: Some(part.into()), ..When::default() }, times: None, reply }
    }

    /// Answers requests whose last message has a tool result that contains `part`.
    pub fn on_tool_result(part: impl Into<String>, reply: Reply) -> Self {
        Rule { when: When { tool_result: Some(part.into()), ..When::default() }, times: None, reply }
    }

    /// Answers everything.
    pub fn always(reply: Reply) -> Self {
        Rule { reply, ..Rule::default() }
    }

    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

/// Reads a rules document: `{"rules": [RULE…]}` or just the array.
pub fn parse_rules(text: &str) -> Result<Vec<Rule>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        rules: Vec<Rule>,
    }
    let parsed = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)
    } else {
        serde_json::from_str::<Document>(text).map(|document| document.rules)
    };
    parsed.map_err(|error| format!("rules: {error} (see testkit/README.md for the fields)"))
}

/// The first rule that holds, counted as used.
pub fn choose(rules: &mut [Rule], conversation: &Conversation) -> Option<Reply> {
    let rule = rules.iter_mut().find(|r| r.times != Some(0) && r.when.holds(conversation))?;
    rule.times = rule.times.map(|left| left - 1);
    Some(rule.reply.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(prompt: &str) -> Conversation {
        Conversation { user_texts: vec![prompt.to_owned()], ..Conversation::default() }
    }

    #[test]
    fn the_first_rule_that_holds_decides_and_is_used_up() {
        let text = r#"[{"when": {"prompt": "x"}, "times": 1, "reply": {"text": "once"}},
                       {"reply": {"text": "said {{prompt}}"}}]"#;
        let mut rules = parse_rules(text).unwrap();
        let mut answer = |p: &str| choose(&mut rules, &asked(p)).unwrap().fill(&asked(p)).text.unwrap();
        assert_eq!(answer("ax"), "once");
        assert_eq!(answer("ax"), "said ax");
        assert_eq!(answer("{{model}}"), "said {{model}}");
    }

    #[test]
    fn an_unknown_field_is_named() {
        let error = parse_rules(r#"[{"reply": {"txt": "a"}}]"#).unwrap_err();
        assert!(error.contains("txt"), "{error}");
    }
}
