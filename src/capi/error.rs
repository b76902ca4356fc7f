//! @defgroup errors Errors and texts
//! Statuses, errors and owned texts. See docs/errors.md.

use std::ffi::c_char;

use serde_json::Value;

use super::support::{ERRORS, c_string, call};
use super::types::{claude_error_t, claude_status_t};
use crate::error::{Error, Result, Status};
use crate::ffi::guard::guard_or;
use crate::ffi::text::{self, STRLEN};
use crate::protocol::tolerant;

/// The name of a status, such as "CLAUDE_ERR_CLI_NOT_FOUND".
///
/// @param status A `claude_status_t`.
/// @return A static text, never freed; "CLAUDE_ERR_UNKNOWN" for a number that is no status.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub extern "C" fn claude_status_name(status: i32) -> *const c_char {
    Status::from_code(status).map_or(c"CLAUDE_ERR_UNKNOWN", Status::c_name).as_ptr()
}

/// The status of an error.
///
/// @param error The error.
/// @return Its status; `CLAUDE_ERR_INVALID_HANDLE` for NULL or a freed error.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub extern "C" fn claude_error_status(error: *const claude_error_t) -> claude_status_t {
    let invalid = claude_status_t::CLAUDE_ERR_INVALID_HANDLE;
    guard_or(invalid, || ERRORS.get(error).map_or(invalid, |error| error.status.into()))
}

/// What went wrong, in one line for humans.
///
/// @param error The error.
/// @return A text that lives as long as the error; an empty text for NULL or a freed error.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub extern "C" fn claude_error_message(error: *const claude_error_t) -> *const c_char {
    guard_or(c"".as_ptr(), || ERRORS.get(error).map_or(c"".as_ptr(), |error| error.message.as_ptr()))
}

/// Everything that is known about an error: `status`, `name`, `message`, and where they apply `phase`, `exit_code`,
/// `signal`, `stderr`, `cli_path`, `cli_version`, `searched`, `pointer`, `remedy`, `cause` and more.
///
/// @param error The error.
/// @return A JSON object that lives as long as the error; "{}" for NULL or a freed error.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub extern "C" fn claude_error_json(error: *const claude_error_t) -> *const c_char {
    guard_or(c"{}".as_ptr(), || ERRORS.get(error).map_or(c"{}".as_ptr(), |error| error.json.as_ptr()))
}

/// Frees an error.
///
/// @param error The error; NULL and an error that was freed before are ignored.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub extern "C" fn claude_error_free(error: *mut claude_error_t) {
    guard_or((), || drop(ERRORS.remove(error)));
}

/// Frees a text that the library gave to the host through a `char **`.
///
/// @param text The text; NULL, and what the library did not give, is ignored.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub extern "C" fn claude_string_free(text: *mut c_char) {
    guard_or((), || text::take_back(text));
}

/// Reads one value out of a JSON text, so that plain C needs no JSON library.
///
/// @param json The JSON text, NUL-terminated.
/// @param pointer The place of the value as RFC 6901 has it, such as "/message/content/0/text"; "" is the whole.
/// @param value Receives the value: a string without quotes and escapes, anything else as JSON. Free it with
///   `claude_string_free`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_JSON_DECODE` when the text is not JSON; `CLAUDE_ERR_INVALID_ARGUMENT` when nothing
///   is at that place.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_json_get(
    json: *const c_char,
    pointer: *const c_char,
    value: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_json_get_n(json, STRLEN, pointer, value, error) }
}

/// As `claude_json_get`, with the length of the text.
///
/// @param json The JSON text.
/// @param len Its length in bytes.
/// @param pointer The place of the value, NUL-terminated.
/// @param value Receives the value; free it with `claude_string_free`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_json_get`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_json_get_n(
    json: *const c_char,
    len: usize,
    pointer: *const c_char,
    value: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            text::require_out(value, "value")?;
            let json = text::required(json, len, "json")?;
            let pointer = text::required(pointer, STRLEN, "pointer")?;
            text::put(value, text::give(value_at(json, pointer)?));
            Ok(())
        })
    }
}

fn value_at(json: &str, pointer: &str) -> Result<String> {
    let document = tolerant::value(json)
        .map_err(|cause| Error::new(Status::JsonDecode, format!("the text is not JSON: {cause}")))?;
    match document.pointer(pointer) {
        // A C text ends at its first NUL.
        Some(Value::String(text)) => Ok(c_string(text.clone()).into_string().unwrap_or_default()),
        Some(value) => Ok(value.to_string()),
        None => Err(Error::new(Status::InvalidArgument, format!("nothing is at {pointer:?}"))
            .with("argument", "pointer")
            .with("pointer", pointer)
            .with_opt("remedy", (!pointer.starts_with('/')).then(|| format!("write \"/{pointer}\"")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_without_its_slash_is_told_how_to_be_written() {
        let json = r#"{"result": "Paris"}"#;
        assert_eq!(value_at(json, "/result").unwrap(), "Paris");
        assert_eq!(value_at(json, "result").unwrap_err().detail("remedy").unwrap(), "write \"/result\"");
        assert!(value_at(json, "/other").unwrap_err().detail("remedy").is_none());
    }
}
