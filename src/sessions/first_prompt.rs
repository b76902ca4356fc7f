//! The user's first prompt, on one line.

use std::borrow::Cow;

use super::regions::is_true;
use crate::protocol::members::{string, top_level_string, top_level_value};
use crate::protocol::pointer::Json;

/// How many characters are shown.
const MAX_CHARS: usize = 200;

/// What the first lines of a file say about its beginning.
#[derive(Default)]
pub struct FirstPrompt {
    text: Option<String>,
    /// The first command, for a session that consists of commands.
    command: Option<String>,
    /// An image or a document without text.
    attached: Option<&'static str>,
}

impl FirstPrompt {
    pub fn of<'a>(lines: impl Iterator<Item = &'a [u8]>) -> FirstPrompt {
        let mut first = FirstPrompt::default();
        for line in lines.filter(|line| is_prompt(line)) {
            first.look_at(line);
            if first.text.is_some() {
                break;
            }
        }
        first
    }

    pub fn shown(&self) -> Option<&str> {
        self.text.as_deref().or(self.command.as_deref())
    }

    /// The prompt; no command stands in for it.
    pub fn said(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub fn attached(&self) -> Option<&'static str> {
        self.attached
    }

    fn look_at(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let Some(content) = Json::parse(&line).and_then(|line| line.under(&["message", "content"])) else {
            return;
        };
        if let Some(text) = content.string() {
            return self.take(&text);
        }
        for block in content.elements() {
            match block.under(&["type"]).and_then(Json::string).as_deref() {
                Some("text") => {
                    if let Some(text) = block.under(&["text"]).and_then(Json::string) {
                        self.take(&text);
                    }
                }
                Some("image") => self.attached = self.attached.or(Some("Image")),
                Some("document") => self.attached = self.attached.or(Some("Document")),
                _ => {}
            }
        }
    }

    fn take(&mut self, text: &str) {
        if self.text.is_some() {
            return;
        }
        let text = text.replace(['\n', '\r'], " ");
        let text = text.trim();
        if let Some(command) = inside(text, "command-name") {
            self.command.get_or_insert_with(|| command.to_owned());
        } else if let Some(command) = inside(text, "bash-input") {
            self.text = Some(format!("! {}", shortened(command)));
        } else if !text.is_empty() && !is_automatic(text) {
            self.text = Some(shortened(text).into_owned());
        }
    }
}

/// Whether the user wrote this line.
pub fn is_prompt(line: &[u8]) -> bool {
    top_level_string(line, b"type") == Some(b"user")
        && !["isMeta", "isCompactSummary", "isSidechain"].iter().any(|name| is_true(line, name))
        && !has_tool_result(line)
}

fn has_tool_result(line: &[u8]) -> bool {
    let Some(content) =
        top_level_value(line, b"message").and_then(|message| top_level_value(message, b"content"))
    else {
        return true;
    };
    let first = content.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    string(content).is_none()
        && first.is_some_and(|block| top_level_string(block, b"type") == Some(b"tool_result"))
}

fn inside<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>"))?.0.trim())
}

/// Texts that the CLI writes in place of a prompt.
fn is_automatic(text: &str) -> bool {
    if text.starts_with("[Request interrupted by user") {
        return true;
    }
    let Some(tag) = text.strip_prefix('<') else { return false };
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let name = tag.trim_start_matches(is_word);
    tag.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.starts_with(|letter: char| letter == '>' || letter.is_whitespace())
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_CHARS) {
        None => text.into(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &[&str]) -> Option<String> {
        FirstPrompt::of(lines.iter().map(|line| line.as_bytes())).shown().map(str::to_owned)
    }

    fn prompt(text: &str) -> String {
        serde_json::json!({"type": "user", "message": {"content": text}}).to_string()
    }

    #[test]
    fn the_first_prompt_is_what_the_user_wrote() {
        let tool = r#"{"type":"user","message":{"content":[{"type":"tool_result","content":"x"}]}}"#;
        let meta = r#"{"type":"user","isMeta":true,"message":{"content":"no"}}"#;
        let blocks =
            r#"{"type":"user","message":{"content":[{"type":"image"},{"type":"text","text":" a\nb "}]}}"#;
        assert_eq!(shown(&[tool, meta, "{cut", blocks]).as_deref(), Some("a b"));
        for text in ["<local-command-stdout>x", "<tick/ >", "[Request interrupted by user for tool use]", " "]
        {
            let expected = (text == "<tick/ >").then(|| text.to_owned());
            assert_eq!(shown(&[&prompt(text)]), expected, "{text}");
        }
        assert_eq!(shown(&[&prompt("<B> is bold")]).as_deref(), Some("<B> is bold"));
        assert_eq!(shown(&[&prompt("<bash-input>ls</bash-input>")]).as_deref(), Some("! ls"));
        let command = prompt("<command-name>/clear</command-name>");
        assert_eq!(shown(&[&command]).as_deref(), Some("/clear"));
        assert_eq!(shown(&[&command, &prompt("then")]).as_deref(), Some("then"));
        let long = shown(&[&prompt(&"é".repeat(500))]).unwrap();
        assert_eq!((long.chars().count(), long.ends_with('…')), (201, true));
    }

    #[test]
    fn an_image_without_a_word_is_named() {
        let line = r#"{"type":"user","message":{"content":[{"type":"document"},{"type":"image"}]}}"#;
        let first = FirstPrompt::of([line.as_bytes()].into_iter());
        assert_eq!((first.shown(), first.attached()), (None, Some("Document")));
    }
}
