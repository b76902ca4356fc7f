//! Errors and strings.

use std::ffi::c_char;

use super::support::ERRORS;
use super::types::{claude_error_t, claude_status_t};
use crate::error::Status;
use crate::ffi::guard::guard_or;
use crate::ffi::text;

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
