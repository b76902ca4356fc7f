//! The user-visible text of a message.

use std::borrow::Cow;

use super::pointer::Json;

/// `None` if the message has no text, or only an empty one.
pub fn of(message: Json) -> Option<String> {
    let text = match message.under(&["type"])?.string()?.as_ref() {
        "assistant" | "user" => content(message.under(&["message", "content"])?),
        "result" => result(message),
        "stream_event" => delta(message.under(&["event"])?),
        _ => return None,
    }?;
    (!text.is_empty()).then_some(text)
}

/// The kind of failure that the CLI reports as an assistant message, such as a missing login: its text is the
/// CLI's, not an answer.
pub fn failure(message: Json) -> Option<String> {
    if !has_type(message, "assistant") {
        return None;
    }
    message.under(&["error"])?.string().map(Cow::into_owned)
}

fn content(content: Json) -> Option<String> {
    if content.is_array() {
        return Some(content.elements().filter_map(block).collect());
    }
    content.string().map(Cow::into_owned)
}

fn block(block: Json) -> Option<Cow<str>> {
    if has_type(block, "text") { block.under(&["text"])?.string() } else { None }
}

fn has_type(value: Json, name: &str) -> bool {
    value.under(&["type"]).and_then(Json::string).is_some_and(|given| given == name)
}

/// A result that reports an error may have text as well, which then counts.
fn result(message: Json) -> Option<String> {
    if let Some(text) = message.under(&["result"]).and_then(Json::string)
        && !text.is_empty()
    {
        return Some(text.into_owned());
    }
    let errors: Vec<_> = message.under(&["errors"])?.elements().filter_map(Json::string).collect();
    Some(errors.join("\n"))
}

fn delta(event: Json) -> Option<String> {
    let text = match event.under(&["type"])?.string()?.as_ref() {
        "content_block_start" => block(event.under(&["content_block"])?),
        "content_block_delta" => {
            let delta = event.under(&["delta"])?;
            if has_type(delta, "text_delta") { delta.under(&["text"])?.string() } else { None }
        }
        _ => None,
    };
    text.map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str) -> Option<String> {
        of(Json::parse(message).expect(message))
    }

    #[test]
    fn each_kind_of_message_has_its_text() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        for (message, expected) in [
            (r#"{"type":"assistant","message":{"content":[{"type":"text","text":"a\u00e9"},{"type":"thinking","thinking":"h"},{"type":"tool_use","name":"t","input":{"text":"x"}},{"text":"b","type":"text"}]}}"#.to_owned(), "aéb"),
            (format!(r#"{{"type":"assistant","message":{{"content":[{{"type":"tool_use","input":{deep}}},{{"type":"text","text":"x"}}]}}}}"#), "x"),
            (r#"{"type":"user","message":{"role":"user","content":"said"}}"#.to_owned(), "said"),
            (r#"{"type":"user","message":{"content":[{"type":"tool_result","content":[{"type":"text","text":"no"}]},{"type":"text","text":"yes"}]}}"#.to_owned(), "yes"),
            (r#"{"type":"result","subtype":"success","result":"Paris"}"#.to_owned(), "Paris"),
            (r#"{"type":"result","subtype":"error_during_execution","errors":["one","two"]}"#.to_owned(), "one\ntwo"),
            (r#"{"type":"result","is_error":true,"result":"not logged in","errors":[]}"#.to_owned(), "not logged in"),
            (r#"{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"text_delta","text":"half \ud83d"}}}"#.to_owned(), "half \u{FFFD}"),
            (r#"{"type":"stream_event","event":{"type":"content_block_start","content_block":{"type":"text","text":"s"}}}"#.to_owned(), "s"),
        ] {
            assert_eq!(text(&message).as_deref(), Some(expected), "{message}");
        }
    }

    #[test]
    fn only_a_message_of_the_assistant_with_an_error_is_a_failure() {
        let kind = |message: &str| failure(Json::parse(message).expect(message));
        assert_eq!(kind(r#"{"error":"rate_limit","type":"assistant"}"#).as_deref(), Some("rate_limit"));
        for message in [
            "5",
            r#"{"type":"assistant","message":{"error":"x"}}"#,
            r#"{"type":"assistant","error":null}"#,
            r#"{"type":"system","subtype":"api_retry","error":"overloaded"}"#,
        ] {
            assert_eq!(kind(message), None, "{message}");
        }
    }

    #[test]
    fn a_message_without_text_has_none() {
        for message in [
            "5",
            "[]",
            "{}",
            r#"{"type":"system","result":"x"}"#,
            r#"{"type":5,"result":"x"}"#,
            r#"{"type":"assistant"}"#,
            r#"{"type":"assistant","message":{"content":[]}}"#,
            r#"{"type":"assistant","message":{"content":{"type":"text","text":"x"}}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"tool_use"}]}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":""}]}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":5},"text"]}}"#,
            r#"{"type":"result","subtype":"success"}"#,
            r#"{"type":"result","result":"","errors":[]}"#,
            r#"{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"x"}}}"#,
            r#"{"type":"stream_event","event":{"type":"message_stop"}}"#,
        ] {
            assert_eq!(text(message), None, "{message}");
        }
    }
}
