//! @addtogroup runtime
//!
//! What a session would start.

use std::ffi::c_char;

use super::support::{call, wait_of};
use super::types::{claude_error_t, claude_status_t};
use crate::ffi::param::{optional_text, out, required_out};
use crate::probe::probe;

/// Says which CLI a client with these options would start, its version, where its login comes from, and what would prevent it. The
/// CLI is run once, for its version; nothing is written. The report has `ok`, `cli`, `login`, `config_dir`, `library`, `findings`,
/// and no secret; CLAUDE_OK whatever it says. A library that was built without its feature `probe` returns CLAUDE_ERR_UNSUPPORTED.
/// @param options_json NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_probe(
    options_json: *const c_char,
    timeout_ms: u32,
    report_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let report_json = required_out!(report_json)?;
        let options = optional_text!(options_json)?;
        let report = probe(options.unwrap_or("{}"), wait_of(timeout_ms)?)?;
        report_json.give(report);
        Ok(())
    })
}
