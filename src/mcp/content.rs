//! Result blocks: what the host returns, in the form that the CLI shows to the model.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::{Error, Result, Status};
use crate::protocol::tree;

pub fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

pub fn image(bytes: &[u8], mime_type: &str) -> Result<Value> {
    if !mime_type.starts_with("image/") {
        return Err(Error::new(Status::InvalidArgument, format!("{mime_type} is not the type of an image"))
            .with("argument", "mime_type")
            .with("remedy", "pass a type such as image/png"));
    }
    Ok(json!({"type": "image", "data": STANDARD.encode(bytes), "mimeType": mime_type}))
}

/// An MCP block in the form that the CLI shows to the model. The CLI drops a `resource` or a `resource_link`, so these become
/// text or an image.
pub fn block(block: &str) -> Result<Value> {
    const REMEDY: &str = "pass a block such as {\"type\":\"resource\",\"resource\":{\"uri\":…,\"text\":…}}";
    let wrong = |message: String| {
        Error::new(Status::InvalidArgument, message).with("argument", "block_json").with("remedy", REMEDY)
    };
    let block = tree::parse(block).map_err(|fault| fault.refusal("block_json", REMEDY))?;
    match block["type"].as_str() {
        Some("text" | "image") => Ok(block),
        Some("resource_link") => Ok(text(&link(&block))),
        Some("resource") => embedded(&block["resource"]),
        Some(other) => Err(unsupported(format!("blocks of the type {other} do not reach the model"))),
        None => Err(wrong("the block has no \"type\" text".into()).with("pointer", "/type")),
    }
}

fn link(block: &Value) -> String {
    let parts = ["name", "uri", "description"].map(|member| block[member].as_str().unwrap_or_default());
    let lines: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if lines.is_empty() { "Resource link".to_owned() } else { lines.join("\n") }
}

fn embedded(resource: &Value) -> Result<Value> {
    if let Some(contents) = resource["text"].as_str() {
        return Ok(text(contents));
    }
    let mime_type = resource["mimeType"].as_str().unwrap_or_default();
    match resource["blob"].as_str() {
        Some(data) if mime_type.starts_with("image/") => {
            Ok(json!({"type": "image", "data": data, "mimeType": mime_type}))
        }
        _ => {
            Err(unsupported("a resource without text does not reach the model, unless it is an image".into()))
        }
    }
}

fn unsupported(message: String) -> Error {
    Error::new(Status::Unsupported, message)
        .with("argument", "block_json")
        .with("remedy", "describe it with claude_tool_call_add_text, for instance by its path")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(given: Value) -> Value {
        block(&given.to_string()).unwrap_or_else(|error| panic!("{given}: {}", error.message))
    }

    #[test]
    fn resources_become_what_the_model_can_see() {
        let link =
            json!({"type": "resource_link", "name": "log", "uri": "file:///a", "description": "the log"});
        assert_eq!(mapped(link), text("log\nfile:///a\nthe log"));
        assert_eq!(mapped(json!({"type": "resource_link", "uri": "file:///a"})), text("file:///a"));
        assert_eq!(mapped(json!({"type": "resource_link"})), text("Resource link"));
        let embedded = json!({"type": "resource", "resource": {"uri": "file:///a", "text": "hello"}});
        assert_eq!(mapped(embedded), text("hello"));
        let picture =
            json!({"type": "resource", "resource": {"uri": "x:1", "blob": "QUI=", "mimeType": "image/png"}});
        assert_eq!(mapped(picture), json!({"type": "image", "data": "QUI=", "mimeType": "image/png"}));
        assert_eq!(image(b"AB", "image/png").unwrap()["data"], "QUI=");
    }

    #[test]
    fn what_the_model_cannot_see_is_refused() {
        let status = |block: &str| self::block(block).unwrap_err().status;
        assert_eq!(
            status(r#"{"type":"resource","resource":{"uri":"x:1","blob":"QUI="}}"#),
            Status::Unsupported
        );
        assert_eq!(status(r#"{"type":"audio","data":""}"#), Status::Unsupported);
        assert_eq!(status(r#"{"uri":"x:1"}"#), Status::InvalidArgument);
        assert_eq!(status("{"), Status::InvalidArgument);
        assert_eq!(image(b"", "text/plain").unwrap_err().status, Status::InvalidArgument);
    }
}
