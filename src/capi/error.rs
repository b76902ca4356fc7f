//! @defgroup errors Errors and texts
//! Statuses, errors and owned texts. See docs/errors.md.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::support::ERRORS;
use super::types::{claude_error_t, claude_status_t};
use crate::error::Status;
use crate::ffi::guard::guard_or;
use crate::ffi::param::number;
use crate::ffi::text;

/// The name of a status, such as "CLAUDE_ERR_CLI_NOT_FOUND"; "CLAUDE_ERR_UNKNOWN" for another number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_status_name(status: MaybeUninit<claude_status_t>) -> *const c_char {
    Status::from_code(number!(status)).map_or(c"CLAUDE_ERR_UNKNOWN".as_ptr(), Status::c_name)
}

/// The status of an error; CLAUDE_ERR_INVALID_HANDLE for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn claude_error_status(error: *const claude_error_t) -> claude_status_t {
    let invalid = claude_status_t::CLAUDE_ERR_INVALID_HANDLE;
    guard_or(invalid, || ERRORS.get(error).map_or(invalid, |error| error.status.into()))
}

/// What went wrong and what to do about it, in one line for humans.
#[unsafe(no_mangle)]
pub extern "C" fn claude_error_message(error: *const claude_error_t) -> *const c_char {
    guard_or(c"".as_ptr(), || ERRORS.get(error).map_or(c"".as_ptr(), |error| error.message.as_ptr()))
}

/// Everything that is known: `status`, `name`, `message`, and where they apply `phase`, `exit_code`, `signal`, `stderr`,
/// `cli_path`, `cli_version`, `searched`, `pointer`, `remedy`, `cause`. The document that `done` and `on_closed` get.
#[unsafe(no_mangle)]
pub extern "C" fn claude_error_json(error: *const claude_error_t) -> *const c_char {
    guard_or(c"{}".as_ptr(), || ERRORS.get(error).map_or(c"{}".as_ptr(), |error| error.json.as_ptr()))
}

/// Frees an error.
#[unsafe(no_mangle)]
pub extern "C" fn claude_error_free(error: *mut claude_error_t) {
    guard_or((), || drop(ERRORS.remove(error)));
}

/// Frees a text that the library returned through a `char **`. NULL, and any pointer the library did not return, is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn claude_string_free(text: *mut c_char) {
    guard_or((), || text::take_back(text));
}
