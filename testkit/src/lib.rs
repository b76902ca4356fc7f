//! Test doubles for programs that drive Claude Code.
//!
//! | module | what it gives |
//! |---|---|
//! | [`loopback`] | a small Messages API on 127.0.0.1, so that the real CLI runs without a network |
//! | [`sandbox`] | a fresh HOME and friends for each run of a CLI |
//! | [`fake`] | starts `fake-claude`, the scriptable stand-in CLI, and reads the log it keeps |
//! | [`javascript`] | reads JSON as leniently as the CLI does |
//! | [`patience`] | how long a test waits, which grows with the load of the machine |
//! | [`quick`] | what a quick run of the tests leaves out |
//! | [`locate`] | where the real CLI and the two binaries of this crate are |
//!
//! `README.md` documents the script languages with examples.

pub mod fake;
pub mod javascript;
pub mod locate;
pub mod loopback;
pub mod patience;
pub mod quick;
pub mod sandbox;

pub use locate::{fake_cli, loopback_bin, real_cli};
pub use loopback::Loopback;
pub use patience::Patience;
pub use sandbox::Sandbox;

/// The version of the real CLI that this kit is proven against, and that `fake-claude` pretends to be.
pub const CLI_VERSION: &str = include_str!("../CLI_VERSION").trim_ascii();
