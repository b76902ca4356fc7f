//! @defgroup json JSON
//! Enough for programs without a JSON library, at any depth. A `pointer` is RFC 6901, such as "/message/content/0/text"; "" is the
//! whole document. CLAUDE_ERR_JSON_DECODE: the text is not JSON. CLAUDE_ERR_NOT_FOUND: nothing is at that place. Among members of
//! the same name the last counts. See docs/strings.md.

use std::ffi::c_char;

use super::support::call;
use super::types::{claude_error_t, claude_status_t};
use crate::error::{Error, Result, Status};
use crate::ffi::param::{out, required_out, required_text};
use crate::options::login;
use crate::protocol::message_text;
use crate::protocol::pointer::{BadPointer, Json, Pointer};
use crate::protocol::tree;

/// How much of the host's text is quoted in a message.
const SHOWN: usize = 200;

/// Reads one value: a string without quotes and escapes, anything else as its JSON text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_json_get(
    json: *const c_char,
    pointer: *const c_char,
    value: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let value = required_out!(value)?;
        let json = required_text!(json)?;
        let pointer = required_text!(pointer)?;
        value.give(value_at(json, pointer)?);
        Ok(())
    })
}

/// Counts the elements of an array or the members of an object; CLAUDE_ERR_NOT_FOUND for anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_json_count(
    json: *const c_char,
    pointer: *const c_char,
    count: *mut usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let count = required_out!(count)?;
        let json = required_text!(json)?;
        let pointer = required_text!(pointer)?;
        count.put(count_at(json, pointer)?);
        Ok(())
    })
}

/// The name of a member of an object, without quotes and escapes, for iterating over an object. In a pointer its "~" is written
/// "~0" and its "/" is written "~1".
/// @param index From 0, less than what claude_json_count says, in the order in which the names first appear.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_json_key(
    json: *const c_char,
    pointer: *const c_char,
    index: usize,
    name: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let name = required_out!(name)?;
        let json = required_text!(json)?;
        let pointer = required_text!(pointer)?;
        name.give(name_at(json, pointer, index)?);
        Ok(())
    })
}

/// Makes a JSON string of a text, with its quotes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_json_quote(
    text: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        required_out!(json)?.give(serde_json::Value::from(required_text!(text)?).to_string());
        Ok(())
    })
}

/// The text of a message that a user reads: for an assistant or user message its text blocks, one after the other; for a result its
/// `result`, or its `errors`, one per line; for a stream event the piece of text. CLAUDE_ERR_NOT_FOUND for messages without one:
/// tool use, tool results, thinking and all other types. CLAUDE_ERR_RESULT for an assistant message with an `error`: there the CLI
/// says what failed, for instance that nobody is logged in. It is not an answer, and its text is the message of the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_message_text(
    json: *const c_char,
    text: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let text = required_out!(text)?;
        let json = required_text!(json)?;
        text.give(text_of(json)?);
        Ok(())
    })
}

fn document(json: &str) -> Result<Json<'_>> {
    tree::check(json).map_err(|fault| {
        Error::new(Status::JsonDecode, fault.of("the text"))
            .with("argument", "json")
            .with("offset", fault.offset)
            .with("remedy", "pass one whole JSON text")
    })?;
    Json::parse(json).ok_or_else(|| Error::new(Status::JsonDecode, "the text is not JSON"))
}

fn find<'a>(json: &'a str, pointer: &str) -> Result<Json<'a>> {
    let place = Pointer::parse(pointer).map_err(|bad| {
        let (what, remedy) = match bad {
            BadPointer::NoSlash => ("does not begin with a slash", format!("write \"/{}\"", shown(pointer))),
            BadPointer::Tilde => ("has a \"~\" that stands for nothing", "write \"~0\" for \"~\"".to_owned()),
        };
        Error::new(Status::InvalidArgument, format!("the pointer {:?} {what}; {remedy}", shown(pointer)))
            .with("argument", "pointer")
            .with("remedy", remedy)
    })?;
    document(json)?.at(&place).ok_or_else(|| nothing(format!("nothing is at {:?}", shown(pointer)), pointer))
}

fn nothing(message: String, pointer: &str) -> Error {
    Error::new(Status::NotFound, message).with("argument", "pointer").with("pointer", shown(pointer))
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An owned text has no length, and would end at its first NUL.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

fn value_at(json: &str, pointer: &str) -> Result<String> {
    let value = find(json, pointer)?;
    Ok(value.string().map_or_else(|| value.text().to_owned(), |text| without_nul(&text)))
}

fn count_at(json: &str, pointer: &str) -> Result<usize> {
    let value = find(json, pointer)?;
    if value.is_array() {
        Ok(value.elements().count())
    } else if value.is_object() {
        Ok(value.names().count())
    } else {
        Err(nothing(format!("neither a list nor an object is at {:?}", shown(pointer)), pointer))
    }
}

fn name_at(json: &str, pointer: &str, index: usize) -> Result<String> {
    let value = find(json, pointer)?;
    if !value.is_object() {
        return Err(nothing(format!("no object is at {:?}", shown(pointer)), pointer));
    }
    match value.names().nth(index) {
        Some(name) => Ok(without_nul(&name)),
        None => {
            let count = value.names().count();
            let message =
                format!("the object at {:?} has {count} members, and none at {index}", shown(pointer));
            Err(nothing(message, pointer).with("argument", "index"))
        }
    }
}

fn text_of(json: &str) -> Result<String> {
    let message = document(json)?;
    let text = message_text::of(message);
    if let Some(kind) = message_text::failure(message) {
        return Err(failed(&kind, text));
    }
    text.map(|text| without_nul(&text))
        .ok_or_else(|| Error::new(Status::NotFound, "the message has no text").with("argument", "json"))
}

fn failed(kind: &str, text: Option<String>) -> Error {
    let text = text.unwrap_or_else(|| format!("the API refused: {kind}"));
    let error = Error::new(Status::Result, text).with("argument", "json").with("error", kind);
    if kind == "authentication_failed" { error.with("remedy", login::REMEDY) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_that_is_none_is_told_how_to_be_written() {
        let json = r#"{"result": "Paris"}"#;
        assert_eq!(value_at(json, "/result").unwrap(), "Paris");
        let remedy = |pointer| value_at(json, pointer).unwrap_err().detail("remedy").cloned();
        assert_eq!(remedy("result"), Some("write \"/result\"".into()));
        assert_eq!(remedy("/re~sult"), Some("write \"~0\" for \"~\"".into()));
        assert_eq!(value_at(json, "/other").unwrap_err().status, Status::NotFound);
    }

    #[test]
    fn a_long_pointer_does_not_fill_the_error() {
        let error = value_at("{}", &"/ü".repeat(100_000)).unwrap_err();
        assert_eq!(error.status, Status::NotFound);
        assert!(error.to_json().len() < 2000);
    }
}
