//! Places in JSON texts, through the C functions, against serde_json's own: `claude_json_get`, `_count`, `_key`, `_quote` and
//! `claude_message_text`.

use std::ffi::{CStr, CString, c_char};
use std::ptr::null_mut;

use claude_client::capi::error::{claude_error_free, claude_string_free};
use claude_client::capi::json::*;
use claude_client::capi::types::{claude_error_t, claude_status_t as Status};
use serde_json::Value;

use super::json;

/// The pointer, a NUL, the text. Without a NUL, all is the text and the pointer is "".
pub fn run(data: &[u8]) {
    let (pointer, text) = match data.iter().position(|byte| *byte == 0) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&[][..], data),
    };
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let (Ok(pointer), Ok(text)) = (CString::new(pointer), CString::new(text)) else { return };
    let got = owned(|value, error| {
        // SAFETY: texts that end with NUL, and outputs.
        unsafe { claude_json_get(text.as_ptr(), pointer.as_ptr(), value, error) }
    });
    let count = count(&text, &pointer);
    let message = owned(|value, error| {
        // SAFETY: as above.
        unsafe { claude_message_text(text.as_ptr(), value, error) }
    });
    let (Ok(json), Ok(place)) = (text.to_str(), pointer.to_str()) else {
        assert_eq!(got, Err(Status::CLAUDE_ERR_INVALID_ARGUMENT));
        assert_eq!(count, Err(Status::CLAUDE_ERR_INVALID_ARGUMENT));
        return;
    };
    check_quote(json);
    if !is_pointer(place) {
        assert_eq!(got, Err(Status::CLAUDE_ERR_INVALID_ARGUMENT));
        return;
    }
    if !json::is_json(json.as_bytes()) {
        assert_eq!(got, Err(Status::CLAUDE_ERR_JSON_DECODE));
        assert_eq!(count, Err(Status::CLAUDE_ERR_JSON_DECODE));
        assert_eq!(message, Err(Status::CLAUDE_ERR_JSON_DECODE));
        return;
    }
    assert_ne!(got, Err(Status::CLAUDE_ERR_JSON_DECODE));
    // What no tree can be made of has no model here.
    let Ok(whole) = serde_json::from_str::<Value>(json) else { return };
    match (whole.pointer(place), got) {
        (None, got) => assert_eq!(got, Err(Status::CLAUDE_ERR_NOT_FOUND)),
        (Some(Value::String(expected)), got) => assert_eq!(got, Ok(without_nul(expected))),
        (Some(expected), got) => {
            let got = got.expect("it is there");
            assert_eq!(serde_json::from_str::<Value>(&got).expect("JSON"), *expected, "{got}");
            assert!(json.contains(&got), "not as it was written: {got}");
        }
    }
    let expected = match whole.pointer(place) {
        Some(Value::Array(items)) => Ok(items.len()),
        Some(Value::Object(members)) => Ok(members.len()),
        _ => Err(Status::CLAUDE_ERR_NOT_FOUND),
    };
    assert_eq!(count, expected);
    check_keys(&text, &pointer, whole.pointer(place));
}

fn check_keys(text: &CStr, pointer: &CStr, found: Option<&Value>) {
    let names: Vec<String> =
        found.and_then(Value::as_object).into_iter().flatten().map(|(name, _)| without_nul(name)).collect();
    for index in 0..=names.len().min(8) {
        let name = owned(|name, error| {
            // SAFETY: texts that end with NUL, and outputs.
            unsafe { claude_json_key(text.as_ptr(), pointer.as_ptr(), index, name, error) }
        });
        assert_eq!(name.ok().as_ref(), names.get(index));
    }
}

fn check_quote(text: &str) {
    let raw = CString::new(text).expect("no NUL");
    let quoted = owned(|value, error| {
        // SAFETY: a text that ends with NUL, and outputs.
        unsafe { claude_json_quote(raw.as_ptr(), value, error) }
    });
    assert_eq!(serde_json::from_str::<String>(&quoted.expect("any text")).expect("a string"), text);
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

fn is_pointer(text: &str) -> bool {
    let slash = text.is_empty() || text.starts_with('/');
    slash && text.split('~').skip(1).all(|behind| behind.starts_with(['0', '1']))
}

fn count(text: &CStr, pointer: &CStr) -> Result<usize, Status> {
    let (mut count, mut error) = (usize::MAX, null_mut());
    // SAFETY: texts that end with NUL, and outputs.
    let status = unsafe { claude_json_count(text.as_ptr(), pointer.as_ptr(), &mut count, &mut error) };
    done(status, error).map(|()| count)
}

/// The text that a call gives away.
fn owned(call: impl FnOnce(*mut *mut c_char, *mut *mut claude_error_t) -> Status) -> Result<String, Status> {
    let (mut text, mut error) = (null_mut(), null_mut());
    done(call(&mut text, &mut error), error)?;
    // SAFETY: an owned text that ends with NUL, freed once.
    let copy = unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned();
    claude_string_free(text);
    Ok(copy)
}

fn done(status: Status, error: *mut claude_error_t) -> Result<(), Status> {
    assert_eq!(status == Status::CLAUDE_OK, error.is_null());
    assert_ne!(status, Status::CLAUDE_ERR_PANIC);
    claude_error_free(error);
    if status == Status::CLAUDE_OK { Ok(()) } else { Err(status) }
}
