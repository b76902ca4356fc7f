//! Problems that can be detected before the CLI is started, and that it would report too late or not at all.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Client;
use super::connect::Plan;
use crate::error::{Error, Result, Status};
use crate::options::{Launch, Options, bypass, child};

impl Client {
    /// Whether the program is started on this machine, by this library.
    pub(super) fn starts_here(&self) -> bool {
        self.options.replay.is_none() && self.options.launcher.is_none() && !self.host.is_given()
    }

    pub(super) async fn look_ahead(&self, plan: &Plan) -> Result<()> {
        if !self.starts_here() {
            return Ok(());
        }
        if let Some(pointer) = skips_permissions_as_root(&self.options, &plan.launch) {
            return Err(Error::new(
                Status::InvalidOption,
                format!("option {pointer}: the CLI refuses to skip permissions for the root user"),
            )
            .with("pointer", pointer)
            .with("phase", "spawn")
            .with("remedy", bypass::REMEDY));
        }
        self.look_for_folders(plan).await;
        Ok(())
    }

    /// A missing folder is only a warning: the CLI continues without it.
    async fn look_for_folders(&self, plan: &Plan) {
        let cwd = plan.launch.cwd.clone().unwrap_or_default();
        let named = named_folders(&self.options);
        if named.is_empty() {
            return;
        }
        let look = move || -> Vec<(String, PathBuf)> {
            named.into_iter().filter(|(_, path)| !is_there(&cwd, path)).collect()
        };
        for (pointer, path) in tokio::task::spawn_blocking(look).await.unwrap_or_default() {
            let text = format!(
                "option {pointer}: {} does not exist, and the CLI goes on without it",
                path.display()
            );
            let event = json!({"event": "path_missing", "text": text, "pointer": pointer, "path": path.to_string_lossy(),
                "remedy": "create it, or correct the path; a relative one counts from the option cwd"});
            self.warn(event);
        }
    }
}

/// The option with which the CLI would skip permissions as root: it refuses that, and exits.
pub fn skips_permissions_as_root(options: &Options, launch: &Launch) -> Option<String> {
    let as_root = match launch.user.as_deref() {
        Some(name) => matches!(name, "root" | "0"),
        None => is_root(),
    };
    let refused = as_root && !bypass::is_let_through(&launch.env);
    bypass::pointer(options).filter(|_| refused)
}

fn is_there(cwd: &Path, path: &Path) -> bool {
    // The CLI expands paths that begin like this.
    path.starts_with("~") || cwd.join(path).exists()
}

/// Folders named by the options, with the location of each in the options.
fn named_folders(options: &Options) -> Vec<(String, PathBuf)> {
    let list = |name: &str| options.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let plugins = list("plugins").into_iter().enumerate().filter_map(|(at, plugin)| {
        Some((child(&child("/plugins", &at.to_string()), "path"), plugin["path"].as_str()?.into()))
    });
    let folders = list("add_dirs").into_iter().enumerate();
    let folders = folders.filter_map(|(at, folder)| {
        Some((child("/add_dirs", &at.to_string()), PathBuf::from(folder.as_str()?)))
    });
    plugins.chain(folders).collect()
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
