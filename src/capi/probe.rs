//! What a session would start.

use std::ffi::c_char;

use super::support::{call, wait_of};
use super::types::{claude_error_t, claude_status_t};
use crate::ffi::text::{self, STRLEN};
use crate::probe::probe;

/// Says which CLI a client with these options would start, which version it has, where its login comes from, and what
/// stands in the way, without starting a session. The CLI is run once, for its version; nothing is written.
///
/// The report has `ok` (no finding is an error), `cli`, `login`, `config_dir`, `library` and `findings`, each with `id`,
/// `level` ("ok", "info", "warning", "error"), `message` and `remedy`. It holds no secret.
///
/// @param options_json The options as for `claude_client_create`; NULL = none. Copied.
/// @param timeout_ms How long to wait for the CLI to say its version, in milliseconds.
/// @param report_json Receives the report, a JSON object; free it with `claude_string_free`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK` whatever the report says; `CLAUDE_ERR_INVALID_OPTION` for an option that cannot be used;
///   `CLAUDE_ERR_TIMEOUT` when the disk did not answer in time; `CLAUDE_ERR_INVALID_ARGUMENT`;
///   `CLAUDE_ERR_WOULD_DEADLOCK` on a thread of the library; `CLAUDE_ERR_CLOSED` during a shutdown.
/// @thread Any thread of the host.
/// @callback Refused on the library's threads.
/// @since 0.1.0
/// @see docs/probe.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_probe(
    options_json: *const c_char,
    timeout_ms: u32,
    report_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_probe_n(options_json, STRLEN, timeout_ms, report_json, error) }
}

/// As `claude_probe`, with the length of the options.
///
/// @param options_json The options as for `claude_client_create`; NULL = none. Copied.
/// @param len Their length in bytes.
/// @param timeout_ms How long to wait for the CLI to say its version, in milliseconds.
/// @param report_json Receives the report, a JSON object; free it with `claude_string_free`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_probe`.
/// @thread Any thread of the host.
/// @callback Refused on the library's threads.
/// @since 0.1.0
/// @see docs/probe.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_probe_n(
    options_json: *const c_char,
    len: usize,
    timeout_ms: u32,
    report_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            text::require_out(report_json, "report_json")?;
            let options = text::optional(options_json, len, "options_json")?;
            let report = probe(options.unwrap_or("{}"), wait_of(timeout_ms)?)?;
            text::put(report_json, text::give(report));
            Ok(())
        })
    }
}
