//! The secrets in options and environment: values that must not appear in a record, wherever they occur.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Map, Value};

use super::names::{is_plain_name, is_secret, is_secret_name};
use crate::protocol::tolerant;

/// Headers that do not identify the sender.
const PLAIN_HEADERS: &[&str] =
    &["accept", "accept-encoding", "accept-language", "cache-control", "content-type", "host", "user-agent"];

/// Words that occur everywhere in settings and messages: as passwords they protect nothing.
const COMMON_WORDS: &[&str] = &[
    "always",
    "assistant",
    "content",
    "default",
    "development",
    "disable",
    "disabled",
    "enable",
    "enabled",
    "localhost",
    "message",
    "normal",
    "object",
    "password",
    "private",
    "production",
    "public",
    "request",
    "response",
    "result",
    "secret",
    "standard",
    "string",
    "success",
    "system",
    "unknown",
];

/// Shorter values would match innocent text everywhere.
pub const SHORTEST: usize = 6;

/// Values whose names do not mark them as secret count as such from this length on, if they look random.
const SHORTEST_UNNAMED: usize = 16;

/// The secrets of one session.
pub fn collect(options: &Map<String, Value>, environment: &[(OsString, OsString)]) -> Vec<String> {
    let mut found = Found::default();
    for (name, value) in environment {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
            found.variable(name, value, Origin::Host);
        }
    }
    for (name, value) in options {
        found.member(name, value, false);
    }
    found.secrets
}

/// Where a variable comes from: what the host sets explicitly is secret unless its name says otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Host,
    Options,
}

#[derive(Default)]
struct Found {
    secrets: Vec<String>,
}

impl Found {
    #[inline(never)]
    fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.len() < SHORTEST || COMMON_WORDS.contains(&value.to_ascii_lowercase().as_str()) {
            return;
        }
        if self.secrets.iter().any(|known| known == value) {
            return;
        }
        self.secrets.push(value.to_owned());
        // A key of many lines also appears line by line. In variables its line breaks may be written as `\n`.
        for line in value.replace("\\n", "\n").lines() {
            if line.len() >= SHORTEST_UNNAMED && line != value {
                self.add(line);
            }
        }
        if let Some(document) = document(value) {
            self.member("", &document, true);
        }
    }

    #[inline(never)]
    fn decoded(&mut self, value: &str) {
        self.add(value);
        if let Some(decoded) = percent_decoded(value) {
            self.add(&decoded);
        }
    }

    #[inline(never)]
    fn variable(&mut self, name: &str, value: &str, origin: Origin) {
        let upper = name.to_ascii_uppercase();
        if upper.contains("HEADERS") {
            for header in value.split(['\n', ',']) {
                if let Some((name, value)) = header.split_once([':', '=']) {
                    self.header(name, value);
                }
            }
            return;
        }
        let is_given = origin == Origin::Options && !is_plain_name(name) && !value.contains("://");
        if is_secret(name, value) || (is_given && !is_secret_name(name)) {
            self.decoded(value);
        }
        self.parts(value);
    }

    #[inline(never)]
    fn header(&mut self, name: &str, value: &str) {
        if PLAIN_HEADERS.iter().any(|plain| plain.eq_ignore_ascii_case(name.trim())) {
            return;
        }
        self.add(value);
        // When credentials are quoted, the scheme in front of them may be missing.
        if let Some((_, credentials)) = value.trim().split_once(' ') {
            self.add(credentials);
        }
    }

    /// A member of the options, at any depth. `secret`: it is inside something secret.
    fn member(&mut self, name: &str, value: &Value, secret: bool) {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        match value {
            Value::String(text) => self.text(name, text, secret),
            Value::Number(number) if is_secret(name, &number.to_string()) => self.add(&number.to_string()),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if is("env") => self.variable(name, text, Origin::Options),
                        Value::Number(number) if is("env") => {
                            self.variable(name, &number.to_string(), Origin::Options);
                        }
                        Value::String(text) if is("headers") => self.header(name, text),
                        _ => self.member(name, value, secret),
                    }
                }
            }
            Value::Array(items) => {
                let secret = secret || is_secret_name(name);
                items.iter().for_each(|item| self.member(name, item, secret));
                let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                self.words(&words);
                self.words(&words.join(" ").split_ascii_whitespace().collect::<Vec<_>>());
            }
            _ => {}
        }
    }

    fn text(&mut self, name: &str, text: &str, secret: bool) {
        // Settings and the like may be given as a JSON text.
        if let Some(document) = document(text) {
            return self.member(name, &document, secret);
        }
        let unreadable = text.trim_start().starts_with('{') && text.trim_end().ends_with('}');
        // Commands that produce headers or keys may contain them.
        let makes_secrets = name.ends_with("Helper");
        if unreadable || makes_secrets || is_secret(name, text) || (secret && !text.contains("://")) {
            self.decoded(text);
            text.split_ascii_whitespace().filter(|word| looks_random(word)).for_each(|word| self.add(word));
        }
        if name == "command" || name.ends_with("Helper") {
            self.words(&text.split_ascii_whitespace().collect::<Vec<_>>());
        }
        self.parts(text);
    }

    /// A command line: variables, headers, and the values of flags whose names mark them as secret.
    fn words(&mut self, words: &[&str]) {
        let (mut before, mut by_sshpass) = ("", false);
        for word in words {
            let word = word.trim_matches(['"', '\'', ';']);
            self.behind_flag(before, word, by_sshpass);
            match word.split_once('=') {
                Some((flag, value)) if flag.starts_with('-') => self.behind_flag(flag, value, by_sshpass),
                _ => {}
            }
            // The value of a one-letter flag may follow it directly.
            if let (Some(flag), Some(value)) = (word.get(..2), word.get(2..))
                && flag.starts_with('-')
            {
                self.behind_flag(flag, value, by_sshpass);
            }
            by_sshpass |= Path::new(word).file_name().is_some_and(|name| name == "sshpass");
            before = word;
        }
    }

    #[inline(never)]
    fn behind_flag(&mut self, flag: &str, word: &str, by_sshpass: bool) {
        let name = flag.trim_start_matches('-');
        match (flag.starts_with('-'), word.split_once('=')) {
            (true, Some((name, value))) if matches!(flag, "-e" | "--env") => {
                self.variable(name, value, Origin::Options);
            }
            (true, _) if matches!(flag, "-H" | "--header") => {
                if let Some((name, value)) = word.split_once(':') {
                    self.header(name, value);
                }
            }
            (true, _)
                if (by_sshpass && flag == "-p") || (is_secret(name, word) && !word.starts_with("--")) =>
            {
                self.add(word);
            }
            // `env NAME=VALUE` and the like.
            (_, Some((name, value))) if is_variable_name(name) => self.variable(name, value, Origin::Options),
            _ => {}
        }
    }

    /// Secrets inside a text: `name=value` in URLs, connection strings and command lines, and what URLs carry in front
    /// of the host.
    fn parts(&mut self, text: &str) {
        for part in text.split(|byte: char| byte.is_ascii_whitespace() || "&;?#'\"`<>()".contains(byte)) {
            // A comma separates values, but may also be part of one.
            part.split(',').chain([part]).filter_map(|part| part.split_once('=')).for_each(
                |(name, value)| {
                    let name = name.trim_start_matches('-');
                    if is_secret(name, value) || matches!(name, "sig" | "signature" | "code") {
                        self.decoded(value);
                    }
                },
            );
        }
        for (_, rest) in text.split_ascii_whitespace().filter_map(|word| word.split_once("://")) {
            let place = rest.split(['/', '?', '#']).next().and_then(|place| place.rsplit_once('@'));
            let Some((user, _)) = place else { continue };
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            self.decoded(password);
            if user.len() >= SHORTEST_UNNAMED {
                self.decoded(user);
            }
        }
    }
}

/// An object or a list given as text.
fn document(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    tolerant::value(text).ok()
}

fn is_variable_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_part)
}

/// Long, a single word, with letters and digits: a key rather than a setting.
fn looks_random(value: &str) -> bool {
    let one_word = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b':';
    value.len() >= SHORTEST_UNNAMED
        && value.bytes().all(one_word)
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !value.starts_with("claude-")
}

/// `None` if nothing is encoded.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    let decoded = String::from_utf8(bytes).ok()?;
    (decoded != text).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(options: Value, environment: &[(&str, &str)]) -> Vec<String> {
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        collect(options.as_object().unwrap(), &environment)
    }

    #[test]
    fn variables_are_judged_by_their_names() {
        let environment = [
            ("MY_TOKEN", "tttttt"),
            ("db_password", "hunter2"),
            ("PATH", "/usr/bin"),
            ("MAX_OUTPUT_TOKENS", "32000000"),
            ("SHORT_KEY", "abc"),
            ("HTTPS_PROXY", "http://user:proxypass@proxy:1"),
            ("ANTHROPIC_CUSTOM_HEADERS", "X-Team: blue-team-1\nAccept: text/html"),
        ];
        assert_eq!(of(json!({}), &environment), ["tttttt", "hunter2", "proxypass", "blue-team-1"]);
    }

    #[test]
    fn options_are_searched_at_every_depth() {
        let options = json!({
            "env": {"A": "random4value5with6digits", "NODE_ENV": "production", "X_KEY": "xxxxxx", "N": 9876543},
            "mcp_servers": {"s": {"headers": {"Authorization": "Bearer abcdefgh", "Accept": "text/plain"}}},
            "settings": "{\"env\": {\"INNER_SECRET\": \"inner!\"}}",
            "list": [{"env": {"Y_TOKEN": "yyyyyy"}}],
            "max_thinking_tokens": 5000,
        });
        let expected = [
            "random4value5with6digits",
            "xxxxxx",
            "9876543",
            "Bearer abcdefgh",
            "abcdefgh",
            "inner!",
            "yyyyyy",
        ];
        assert_eq!(of(options, &[]), expected);
    }

    #[test]
    fn what_stands_between_separators_is_found_whole() {
        let environment = [
            ("PROXY", "http://me:p;a,s(s)&@h:1/x"),
            ("A", "Server=h,1433;Password=with,comma;Encrypt=yes"),
            ("B", "https://ghost-of-a-long-token@host/?key=per%20cent&x=y"),
        ];
        let found = of(json!({}), &environment);
        for secret in ["p;a,s(s)&", "with,comma", "ghost-of-a-long-token", "per cent"] {
            assert!(found.iter().any(|found| found == secret), "{secret} in {found:?}");
        }
    }

    #[test]
    fn ordinary_words_protect_nothing() {
        let options = json!({"env": {"MODE": "production", "LIMIT_TOKENS": "200000", "X_URL": "http://h/p?a=b"},
                             "args": ["--verbose", "--max-tokens", "200000", "HOME=/home/someone"]});
        assert!(
            of(options, &[("KEYMAP", "german"), ("SOME_KEY", "default"), ("PWD", "/srv/project")]).is_empty()
        );
    }

    #[test]
    fn settings_are_not_taken_for_secrets() {
        let env = json!({"env": {"ANTHROPIC_MODEL": "claude-haiku-4-5-20251001", "HOME": "/home/someone123456",
                                 "ANTHROPIC_BASE_URL": "http://127.0.0.1:8080"}});
        assert!(of(env, &[("KEYBOARD", "de"), ("LANG", "C.UTF-8")]).is_empty());
    }
}
