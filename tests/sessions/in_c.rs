//! Sessions of the real CLI in the hands of a program in C, on each system that the programs run on: `make test-windows` runs it
//! there.
#![cfg(target_os = "linux")]

use crate::support::merged;
use crate::support::program::{Variant, run};
use crate::support::toolchain::{home, native};
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::json;

#[test]
fn a_session_is_found_read_named_copied_and_kept_in_a_store() {
    let Some(cli) = real_cli_or_skip("a_session_is_found_read_named_copied") else { return };
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url());
    let config = native(&sandbox.home().join(".claude"));
    let work = native(&sandbox.work());
    let env = merged(home(&sandbox), json!({"CLAUDE_CONFIG_DIR": config, "ANTHROPIC_BASE_URL": api.url()}));
    let options = json!({"cli_path": native(&cli), "cwd": work, "env": env});
    let place = json!({"config_dir": config, "directory": work}).to_string();
    let stored = json!({"directory": work}).to_string();
    let ended = run(&sandbox, "kept", Variant::Plain, &options, &[&place, &stored]).expect_success();
    assert_eq!(ended.stdout, "kept\n");
}
