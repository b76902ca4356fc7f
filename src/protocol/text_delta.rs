//! The text of a streamed delta, for hosts that only want to show it.

use std::borrow::Cow;

use serde::Deserialize;

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    event: StreamEvent<'a>,
    #[serde(default)]
    parent_tool_use_id: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct StreamEvent<'a> {
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

/// The delta's text with a trailing NUL; `None` for every other stream event and for those of subagents.
pub fn of_stream_event(line: &[u8]) -> Option<Vec<u8>> {
    let frame: Frame = serde_json::from_slice(line).ok()?;
    if frame.parent_tool_use_id.is_some() {
        return None;
    }
    let text = frame.event.delta?.text?;
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_deltas_of_the_main_thread() {
        let delta = br#"{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"h\u00e9\n"}},"parent_tool_use_id":null}"#;
        assert_eq!(of_stream_event(delta).as_deref(), Some("hé\n\0".as_bytes()));
        let sub = br#"{"type":"stream_event","event":{"delta":{"type":"text_delta","text":"x"}},"parent_tool_use_id":"t"}"#;
        assert_eq!(of_stream_event(sub), None);
        let json =
            br#"{"type":"stream_event","event":{"delta":{"type":"input_json_delta","partial_json":"{"}}}"#;
        assert_eq!(of_stream_event(json), None);
        assert_eq!(of_stream_event(b"{"), None);
    }
}
