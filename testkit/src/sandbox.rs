//! A fresh HOME and friends for each run of a CLI, so that no run sees or touches the user's own files.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};
use tempfile::TempDir;

/// Has the form of a key, opens nothing.
pub const DUMMY_KEY: &str = "sk-ant-api03-testkit-dummy-key-that-opens-nothing-000000000000000000000000000000000000000000000000-AAAAAAAA";

/// Inherited variables that would lead a CLI to the user's account, another provider or another session.
const REMOVED_PREFIXES: [&str; 9] =
    ["ANTHROPIC_", "CLAUDE", "AWS_", "GOOGLE_", "CLOUD_ML_", "VERTEX_", "AZURE_", "OTEL_", "FAKE_CLAUDE"];
const REMOVED_NAMES: [&str; 12] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "NODE_OPTIONS",
    "BUN_OPTIONS",
    "TRACEPARENT",
    "TRACESTATE",
];

/// A temporary tree: `home/`, `tmp/`, `run/` and `work/` (the working directory). Dropping it removes it.
#[derive(Debug)]
pub struct Sandbox {
    root: TempDir,
    base_url: Option<String>,
    extra: Vec<(OsString, OsString)>,
}

impl Sandbox {
    /// # Panics
    /// When no temporary directory can be made.
    pub fn new() -> Self {
        Sandbox::try_new().expect("make a temporary directory")
    }

    pub fn try_new() -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("claude-testkit-").tempdir()?;
        for name in ["home", "home/.config", "home/.cache", "home/.local/share", "tmp", "run", "work"] {
            std::fs::create_dir_all(root.path().join(name))?;
        }
        private(&root.path().join("run"))?;
        Ok(Sandbox { root, base_url: None, extra: Vec::new() })
    }

    /// Points the CLI at an API, such as [`crate::Loopback::url`].
    pub fn with_api(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Adds or replaces a variable.
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn tmp(&self) -> PathBuf {
        self.root.path().join("tmp")
    }

    /// The working directory of the run.
    pub fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Every variable that a CLI gets in this sandbox.
    pub fn env(&self) -> Vec<(OsString, OsString)> {
        let at = |name: &str| self.root.path().join(name).into_os_string();
        let mut env: Vec<(OsString, OsString)> = vec![
            ("HOME".into(), at("home")),
            ("TMPDIR".into(), at("tmp")),
            ("XDG_RUNTIME_DIR".into(), at("run")),
            ("XDG_CONFIG_HOME".into(), at("home/.config")),
            ("XDG_CACHE_HOME".into(), at("home/.cache")),
            ("XDG_DATA_HOME".into(), at("home/.local/share")),
            ("CLAUDE_CODE_TMPDIR".into(), at("tmp")),
            ("ANTHROPIC_API_KEY".into(), DUMMY_KEY.into()),
            ("DISABLE_AUTOUPDATER".into(), "1".into()),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC".into(), "1".into()),
            ("CLAUDE_CODE_MAX_RETRIES".into(), "1".into()),
            ("PATH".into(), usable_path()),
            ("LANG".into(), "C.UTF-8".into()),
        ];
        if cfg!(windows) {
            env.extend([
                ("USERPROFILE".into(), at("home")),
                ("TEMP".into(), at("tmp")),
                ("TMP".into(), at("tmp")),
            ]);
            env.extend(
                ["SystemRoot", "ComSpec", "PATHEXT"]
                    .iter()
                    .filter_map(|n| Some(((*n).into(), std::env::var_os(n)?))),
            );
        }
        env.extend(self.base_url.iter().map(|url| ("ANTHROPIC_BASE_URL".into(), url.into())));
        for (name, value) in &self.extra {
            env.retain(|(known, _)| known != name);
            env.push((name.clone(), value.clone()));
        }
        env
    }

    /// The variables as a JSON object, for an `env` option.
    pub fn env_json(&self) -> Value {
        let text = |part: OsString| part.to_string_lossy().into_owned();
        let pairs = self.env().into_iter().map(|(name, value)| (text(name), Value::String(text(value))));
        Value::Object(pairs.collect::<Map<_, _>>())
    }

    /// Names in this process's environment that must not reach the CLI.
    pub fn removed(&self) -> Vec<OsString> {
        std::env::vars_os().map(|(name, _)| name).filter(|name| is_removed(name)).collect()
    }

    /// A command in the working directory with exactly [`Sandbox::env`].
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env()).current_dir(self.work());
        command
    }

    /// A command that keeps the rest of this process's environment; for programs that start a CLI themselves
    /// and need their own variables (library paths, sanitizer options).
    pub fn overlay(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for name in self.removed() {
            command.env_remove(name);
        }
        command.envs(self.env()).current_dir(self.work());
        command
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Sandbox::new()
    }
}

fn is_removed(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    REMOVED_NAMES.contains(&name.as_ref()) || REMOVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The inherited PATH without relative entries, which would mean something else in the sandbox.
fn usable_path() -> OsString {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let absolute = std::env::split_paths(&inherited).filter(|entry| entry.is_absolute());
    std::env::join_paths(absolute)
        .ok()
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| "/usr/bin:/bin".into())
}

/// `XDG_RUNTIME_DIR` has to belong to the user alone.
#[cfg(unix)]
fn private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_points_into_the_sandbox_and_goes_with_it() {
        let sandbox = Sandbox::new().with_api("http://127.0.0.1:1").with_env("LANG", "C");
        let env = sandbox.env_json();
        for name in ["HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "CLAUDE_CODE_TMPDIR"] {
            let path = Path::new(env[name].as_str().unwrap());
            assert!(path.starts_with(sandbox.root()) && path.is_dir(), "{name} = {path:?}");
        }
        assert_eq!(env["ANTHROPIC_BASE_URL"], "http://127.0.0.1:1");
        assert_eq!(env["LANG"], "C");
        let root = sandbox.root().to_owned();
        drop(sandbox);
        assert!(!root.exists());
    }

    #[test]
    fn account_variables_are_removed() {
        for name in ["ANTHROPIC_AUTH_TOKEN", "CLAUDECODE", "CLAUDE_CONFIG_DIR", "AWS_PROFILE", "HTTPS_PROXY"]
        {
            assert!(is_removed(OsStr::new(name)), "{name}");
        }
        assert!(!is_removed(OsStr::new("LD_LIBRARY_PATH")));
    }
}
