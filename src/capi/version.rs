//! @defgroup versions Versions
//! Which library is this. See docs/abi-policy.md.

use std::ffi::c_char;

use once_cell::sync::Lazy;
use serde_json::json;

use super::support::c_string;
use super::types::CLAUDE_ABI_VERSION;
use crate::compat::version;
use crate::ffi::guard::guard_or;

/// The version of the library, such as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn claude_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The ABI of the library that is loaded: CLAUDE_ABI_VERSION when it serves this header.
#[unsafe(no_mangle)]
pub extern "C" fn claude_abi_version() -> u32 {
    CLAUDE_ABI_VERSION
}

/// How the library was built: `version`, `os`, `arch`, `features` and more, and `tested_cli_version`, the CLI that it is tested with.
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
                "features": features(),
                "tested_cli_version": version::TESTED,
                "python_sdk_parity": include_str!("../../testkit/PYTHON_SDK_VERSION").trim(),
                "typescript_sdk_parity": include_str!("../../testkit/TYPESCRIPT_SDK_VERSION").trim(),
            })
            .to_string(),
        )
    });
    guard_or(c"{}".as_ptr(), || INFO.as_ptr())
}

/// The optional features that were built: see docs/embedding.md.
fn features() -> Vec<&'static str> {
    let all = [("replay", cfg!(feature = "replay")), ("probe", cfg!(feature = "probe"))];
    all.into_iter().filter(|(_, is_built)| *is_built).map(|(name, _)| name).collect()
}
