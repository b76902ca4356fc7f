//! @defgroup versions Versions
//! Which library is this. See docs/abi-policy.md.

use std::ffi::c_char;

use once_cell::sync::Lazy;
use serde_json::json;

use super::support::c_string;
use super::types::CLAUDE_ABI_VERSION;
use crate::ffi::guard::guard_or;

/// The version of the library, such as "0.1.0".
///
/// @return A static text; never freed.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/abi-policy.md
#[unsafe(no_mangle)]
pub extern "C" fn claude_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the binary interface of the library that is loaded. Compare it with `CLAUDE_ABI_VERSION`, which is the
/// one that the program was compiled for.
///
/// @return The number.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/abi-policy.md
#[unsafe(no_mangle)]
pub extern "C" fn claude_abi_version() -> u32 {
    CLAUDE_ABI_VERSION
}

/// How the library was built: version, target, and the CLI version that it is tested with.
///
/// @return A JSON object as a static text; never freed.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/abi-policy.md
#[unsafe(no_mangle)]
pub extern "C" fn claude_build_info_json() -> *const c_char {
    static INFO: Lazy<std::ffi::CString> = Lazy::new(|| {
        c_string(
            json!({
                "version": env!("CARGO_PKG_VERSION"),
                "abi_version": CLAUDE_ABI_VERSION,
                "os": std::env::consts::OS,
                "arch": std::env::consts::ARCH,
                "debug": cfg!(debug_assertions),
                "tested_cli_version": include_str!("../../testkit/CLI_VERSION").trim(),
                "python_sdk_parity": "0.2.187",
                "typescript_sdk_parity": "0.3.330",
            })
            .to_string(),
        )
    });
    guard_or(c"{}".as_ptr(), || INFO.as_ptr())
}
