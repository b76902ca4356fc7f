//! The program `claude_probe` prints the findings and tells by its exit code whether one is an error.
#![cfg(unix)]

use crate::support::examples::Stage;

#[test]
fn a_fit_cli_is_reported_with_code_0() {
    let Some(stage) = Stage::real("a_fit_cli_is_reported_with_code_0") else { return };
    let output = stage.output("claude_probe", "");
    let line = |id: &str| {
        let found = output.lines().find(|line| line.split_whitespace().nth(1) == Some(id));
        found.unwrap_or_else(|| panic!("no {id} in\n{output}")).to_owned()
    };
    assert!(line("cli_found").starts_with("ok"), "{output}");
    assert!(line("cli_found").contains("CLAUDE_CLIENT_CLI"), "{output}");
    assert!(line("cli_version").contains(&claude_testkit::locate::real_cli_version()), "{output}");
    assert!(!output.contains("sk-ant"), "{output}");
}

#[test]
fn a_missing_cli_is_reported_with_code_1_and_a_remedy() {
    let stage = Stage::with_cli("no-such-claude-anywhere");
    let ended = stage.run("claude_probe", &[], "");
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stdout.contains("error    cli_found"), "{ended:#?}");
    assert!(ended.stdout.contains("npm install"), "{ended:#?}");
    let ended = stage.run("claude_probe", &[r#"{"modle": "x"}"#], "");
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("option /modle") && ended.stderr.contains("\"model\""), "{ended:#?}");
}
