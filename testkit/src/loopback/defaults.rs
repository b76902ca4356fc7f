//! The built-in answers: keywords in the user's latest words. The list is in `README.md`.

use serde_json::{Map, Value, json};

use super::conversation::Conversation;
use super::rules::{Reply, ToolUse};

const STRUCTURED: &str = "StructuredOutput";

/// The reply when no rule holds.
pub fn reply(conversation: &Conversation) -> Reply {
    if !conversation.tool_results.is_empty() {
        return Reply::text(format!("The tool said: {}", conversation.tool_results.join("\n")));
    }
    let prompt = conversation.prompt();
    command(prompt, conversation).unwrap_or_else(|| small_talk(prompt, conversation))
}

fn command(prompt: &str, conversation: &Conversation) -> Option<Reply> {
    if let Some(rest) = after(prompt, "USE_TOOL") {
        return Some(use_tool(rest));
    }
    if let Some(rest) = after(prompt, "API_ERROR") {
        return Some(Reply::error(numbers(rest).next().unwrap_or(500) as u16));
    }
    if after(prompt, "SILENT").is_some() {
        return Some(Reply::silent());
    }
    if let Some(rest) = after(prompt, "HANG_UP") {
        let after = numbers(rest).next().unwrap_or(2) as usize;
        return Some(Reply { hang_up_after: Some(after), ..slow_text(10, 1) });
    }
    if let Some(rest) = after(prompt, "SLOW").or_else(|| after(prompt, "slow")) {
        let mut given = numbers(rest);
        return Some(slow_text(given.next().unwrap_or(50) as usize, given.next().unwrap_or(100)));
    }
    if let Some(rest) = after(prompt, "LONG") {
        return Some(Reply::text(long_text(numbers(rest).next().unwrap_or(20_000) as usize)));
    }
    if let Some(rest) = after(prompt, "THINK") {
        return Some(Reply::text(echo(conversation)).thinking(format!("Let me think about:{rest}")));
    }
    if let Some(rest) = after(prompt, "RECALL") {
        let index = numbers(rest).next().unwrap_or(1) as usize;
        let text = conversation.user_texts.get(index.saturating_sub(1)).map_or("nothing", String::as_str);
        return Some(Reply::text(format!("Your message {index} was: {text}")));
    }
    structured(prompt, conversation)
}

fn small_talk(prompt: &str, conversation: &Conversation) -> Reply {
    if conversation.images > 0 {
        return Reply::text(format!("I see {} image(s).", conversation.images));
    }
    if prompt.to_lowercase().contains("capital of france") {
        return Reply::text("The capital of France is Paris.");
    }
    if let Some(sum) = arithmetic(prompt) {
        return Reply::text(sum);
    }
    Reply::text(echo(conversation))
}

fn echo(conversation: &Conversation) -> String {
    let count = conversation.user_texts.len();
    format!("You said: \"{}\". I have seen {count} user message(s).", conversation.prompt())
}

/// The text after `word`, when the prompt has it as a word of its own.
fn after<'a>(prompt: &'a str, word: &str) -> Option<&'a str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    prompt.match_indices(word).find_map(|(at, _)| {
        let (before, rest) = (&prompt[..at], &prompt[at + word.len()..]);
        (!before.ends_with(is_part) && !rest.starts_with(is_part)).then_some(rest)
    })
}

/// The numbers at the start of `text`, whatever separates them.
fn numbers(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.split(|c: char| c.is_whitespace() || ",:x×".contains(c))
        .filter(|word| !word.is_empty())
        .map_while(|word| word.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok())
}

fn use_tool(rest: &str) -> Reply {
    let first = serde_json::Deserializer::from_str(rest).into_iter::<Value>().next();
    let calls = match first {
        Some(Ok(Value::Array(calls))) => calls,
        Some(Ok(call)) => vec![call],
        _ => Vec::new(),
    };
    let calls: Result<Vec<ToolUse>, _> = calls.into_iter().map(serde_json::from_value).collect();
    match calls {
        Ok(tool_use) if !tool_use.is_empty() => Reply { tool_use, ..Reply::default() },
        _ => Reply::text("USE_TOOL needs {\"name\": …, \"input\": {…}} or an array of them."),
    }
}

fn slow_text(deltas: usize, delay_ms: u64) -> Reply {
    let words: Vec<String> = (1..=deltas).map(|n| format!("word{n} ")).collect();
    Reply::text(words.concat()).slow(deltas, delay_ms)
}

fn long_text(length: usize) -> String {
    "The quick brown fox jumps over the lazy dog. ".chars().cycle().take(length).collect()
}

/// `2+2`, `7 * 6` and the like: the first one found.
fn arithmetic(prompt: &str) -> Option<String> {
    let compact: Vec<char> = prompt.chars().filter(|c| !c.is_whitespace()).collect();
    compact.iter().enumerate().find_map(|(at, operator)| {
        let left = digits(compact[..at].iter().rev());
        let right = digits(compact[at + 1..].iter());
        let left: i64 = left.chars().rev().collect::<String>().parse().ok()?;
        let right: i64 = right.parse().ok()?;
        let value = match operator {
            '+' => left.checked_add(right)?,
            '-' => left.checked_sub(right)?,
            '*' => left.checked_mul(right)?,
            _ => return None,
        };
        Some(format!("{left} {operator} {right} = {value}"))
    })
}

fn digits<'a>(chars: impl Iterator<Item = &'a char>) -> String {
    chars.take_while(|c| c.is_ascii_digit()).collect()
}

/// The CLI offers the tool `StructuredOutput` exactly when the host asked for a schema.
fn structured(prompt: &str, conversation: &Conversation) -> Option<Reply> {
    let (_, schema) = conversation.tools.iter().find(|(name, _)| name == STRUCTURED)?;
    let given = after(prompt, "STRUCTURED").and_then(|rest| serde_json::from_str(rest.trim()).ok());
    Some(Reply::tool(STRUCTURED, given.unwrap_or_else(|| sample(schema, prompt))))
}

/// A value that fits a plain JSON schema.
fn sample(schema: &Value, text: &str) -> Value {
    if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return value.clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("string") => json!(text),
        Some("integer" | "number") => json!(numbers(text).next().unwrap_or(42)),
        Some("boolean") => json!(true),
        Some("array") => json!([sample(&schema["items"], text)]),
        Some("null") => Value::Null,
        _ => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            let fields = properties.iter().map(|(name, inner)| (name.clone(), sample(inner, text)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(prompt: &str) -> Reply {
        reply(&Conversation { user_texts: vec![prompt.to_owned()], ..Conversation::default() })
    }

    #[test]
    fn keywords_choose_the_reply() {
        assert_eq!(answer("What is the capital of France?").text.unwrap(), "The capital of France is Paris.");
        assert_eq!(answer("What is 2+2?").text.unwrap(), "2 + 2 = 4");
        assert_eq!(answer("API_ERROR 529").error, Some(529));
        assert!(answer("please be SILENT now").silent);
        let slow = answer("slow 30 20");
        assert_eq!((slow.deltas, slow.delay_ms), (Some(30), 20));
        assert!(answer("slowly").text.unwrap().starts_with("You said"));
        assert_eq!(answer("LONG 1000").text.unwrap().len(), 1000);
        let calls = answer(r#"USE_TOOL [{"name":"A","input":{}},{"name":"B"}] please"#).tool_use;
        assert_eq!(calls.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
    }

    #[test]
    fn a_schema_gets_a_value_that_fits() {
        let schema = json!({"type": "object", "properties": {
            "city": {"type": "string"}, "tags": {"type": "array", "items": {"enum": ["a", "b"]}}}});
        assert_eq!(sample(&schema, "Rome"), json!({"city": "Rome", "tags": ["a"]}));
    }
}
