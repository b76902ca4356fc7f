//! Where the CLI would find credentials. Only the service knows whether they are valid.

use std::ffi::OsStr;

use serde_json::json;

use super::folders::config_folder;
use super::{Report, Subject};
use crate::options::login::REMEDY;

/// Variables with a credential, strongest first.
const KEYS: &[&str] = &["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"];

/// Variables that select another provider, which has its own logins.
const PROVIDERS: &[&str] = &["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"];

pub fn check(report: &mut Report, subject: &Subject) {
    let sources = sources(subject);
    report.set("login", json!({"source": sources.first(), "all": sources}));
    for name in KEYS {
        if subject.variable(name).is_some_and(has_space) {
            let text = format!("{name} has a space or a line break in it, which no credential has");
            report.warning("login_form", text, "set it again without what a copy has added");
        }
    }
    match sources.first() {
        Some(source) => report
            .ok("login", format!("credentials come from {source}; the CLI's init message has the last word")),
        None if subject.is_remote() => report.info("login", "the login is that of the launcher's machine"),
        None if cfg!(target_os = "macos") => {
            report.info("login", "no credentials outside the key chain, which is not looked into");
            if subject.variable("CLAUDE_CONFIG_DIR").is_some() {
                let text = "the key chain's entry belongs to one config folder: with config_dir the CLI may not be logged in";
                report.warning("login_keychain", text, REMEDY);
            }
        }
        None => report.warning("login", "no credentials were found", REMEDY),
    }
}

/// Names only, never values.
fn sources(subject: &Subject) -> Vec<String> {
    let is_on = |name: &&&str| subject.variable(name).is_some_and(|value| value != "0" && value != "false");
    let mut sources: Vec<String> = PROVIDERS.iter().filter(is_on).map(|name| (*name).to_owned()).collect();
    sources
        .extend(KEYS.iter().filter(|name| subject.variable(name).is_some()).map(|name| (*name).to_owned()));
    let file = config_folder(subject).map(|folder| folder.join(".credentials.json"));
    let has_contents =
        |path: &std::path::PathBuf| path.metadata().is_ok_and(|file| file.is_file() && file.len() > 2);
    if let Some(file) = file.filter(|file| !subject.is_remote() && has_contents(file)) {
        sources.push(file.display().to_string());
    }
    sources
}

fn has_space(value: &OsStr) -> bool {
    value.to_string_lossy().chars().any(char::is_whitespace)
}
