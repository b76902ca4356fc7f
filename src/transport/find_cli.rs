//! Finds the `claude` to start.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Status};
use crate::log;
use crate::options::{HOME, Platform, is_variable};

mod names;

/// Names the CLI, for programs whose users cannot change the options.
pub const CLI_VARIABLE: &str = "CLAUDE_CLIENT_CLI";

/// Why a path was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Option,
    Variable,
    Path,
    KnownPlace,
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Origin::Option => "the option cli_path",
            Origin::Variable => CLI_VARIABLE,
            Origin::Path => "PATH",
            Origin::KnownPlace => "its usual place",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Found {
    pub path: PathBuf,
    pub origin: Origin,
    /// Every place that was searched, in order.
    #[cfg_attr(not(feature = "probe"), allow(dead_code))] // Without the probe, only an error lists them.
    pub searched: Vec<String>,
}

/// Finds the CLI: the option `cli_path`, the variable `CLAUDE_CLIENT_CLI`, `PATH`, then the known places.
/// `environment` is the host's. Accesses the disk.
pub fn find(cli_path: Option<&Path>, environment: &[(OsString, OsString)]) -> Result<Found> {
    let found = find_below(Path::new("/"), cli_path, environment)?;
    log::debug(|| format!("the CLI is {}, found by {}", found.path.display(), found.origin.name()));
    Ok(found)
}

/// As [`find`], with another root directory for the system.
fn find_below(root: &Path, cli_path: Option<&Path>, environment: &[(OsString, OsString)]) -> Result<Found> {
    let mut searched = Vec::new();
    if let Some(path) = cli_path {
        return explicit(path, environment, Origin::Option, searched);
    }
    if let Some(path) = variable(environment, CLI_VARIABLE).filter(|path| !path.is_empty()) {
        return explicit(Path::new(path), environment, Origin::Variable, searched);
    }
    if let Some(path) = in_path(OsStr::new("claude"), environment, &mut searched) {
        return Ok(Found { path, origin: Origin::Path, searched });
    }
    let home = variable(environment, HOME).filter(|home| !home.is_empty()).map(Path::new);
    let known =
        names::known_places(Platform::HOST).iter().filter_map(|place| match place.strip_prefix("~/") {
            Some(place) => Some(home?.join(place)),
            None => Some(root.join(place.trim_start_matches('/'))),
        });
    for path in known {
        searched.push(path.display().to_string());
        if is_program(&path) {
            return Ok(Found { path, origin: Origin::KnownPlace, searched });
        }
    }
    Err(not_found(searched, home.is_none()))
}

/// A path is used as it is, so that a mistake in it is reported and not hidden by another `claude`. A bare name is looked up in
/// `PATH`.
fn explicit(
    path: &Path,
    environment: &[(OsString, OsString)],
    origin: Origin,
    mut searched: Vec<String>,
) -> Result<Found> {
    if path.components().count() == 1 && path.parent() == Some(Path::new("")) {
        return match in_path(path.as_os_str(), environment, &mut searched) {
            Some(path) => Ok(Found { path, origin, searched }),
            None => Err(not_found(searched, false)),
        };
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    searched.push(path.display().to_string());
    Ok(Found { path, origin, searched })
}

/// Relative entries of `PATH` are skipped: they would make the program depend on the host's working directory. On Windows a batch
/// file is found only if there is no program: its start will be refused, and says why.
pub fn in_path(
    name: &OsStr,
    environment: &[(OsString, OsString)],
    searched: &mut Vec<String>,
) -> Option<PathBuf> {
    let (mut batch, path_ext) = (None, variable(environment, "PATHEXT"));
    for folder in std::env::split_paths(variable(environment, "PATH")?).filter(|folder| folder.is_absolute())
    {
        for path in names::in_folder(&folder, name, Platform::HOST, path_ext) {
            searched.push(path.display().to_string());
            if is_program(&path) {
                return Some(path);
            }
        }
        batch = batch.or_else(|| {
            names::batch_files(&folder, name, Platform::HOST).into_iter().find(|path| path.is_file())
        });
    }
    batch
}

fn variable<'a>(environment: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    environment.iter().find(|(key, _)| is_variable(key, name)).map(|(_, value)| value.as_os_str())
}

#[cfg(unix)]
pub fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(windows)]
pub fn is_program(path: &Path) -> bool {
    path.is_file()
}

fn not_found(searched: Vec<String>, no_home: bool) -> Error {
    let mut remedy =
        "install it with: npm install -g @anthropic-ai/claude-code, or name its place with the option \
                      cli_path or the variable CLAUDE_CLIENT_CLI"
            .to_owned();
    if no_home {
        remedy.push_str(&format!("; {HOME} is not set, so the places below it were not searched"));
    }
    let message = format!("Claude Code was not found in any of {} places", searched.len());
    Error::new(Status::CliNotFound, message)
        .with("phase", "find_cli")
        .with("searched", searched)
        .with("remedy", remedy)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn environment(path: &str, home: &str) -> Vec<(OsString, OsString)> {
        vec![("PATH".into(), path.into()), ("HOME".into(), home.into())]
    }

    #[test]
    fn every_place_is_named() {
        let error = find(None, &environment("/nowhere/a:relative:/nowhere/b", "/nobody")).unwrap_err();
        assert_eq!(error.status, Status::CliNotFound);
        let searched = error.detail("searched").unwrap().as_array().unwrap();
        assert_eq!(searched[0], "/nowhere/a/claude");
        assert_eq!(searched[1], "/nowhere/b/claude");
        assert!(searched.contains(&"/nobody/.claude/local/claude".into()));
    }

    #[test]
    fn each_place_is_found_and_goes_before_the_later_ones() {
        let root = tempfile::tempdir().unwrap();
        let [home, folder] = ["home/me", "some/bin"].map(|name| root.path().join(name));
        let environment = environment(folder.to_str().unwrap(), home.to_str().unwrap());
        let places = [
            "some/bin/claude",
            "home/me/.npm-global/bin/claude",
            "usr/local/bin/claude",
            "home/me/.local/bin/claude",
            "home/me/node_modules/.bin/claude",
            "home/me/.yarn/bin/claude",
            "home/me/.claude/local/claude",
            "opt/homebrew/bin/claude",
        ];
        let all = places.map(|place| root.path().join(place));
        for (at, path) in all.iter().enumerate().rev() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::copy("/bin/sh", path).unwrap();
            let found = find_below(root.path(), None, &environment).unwrap();
            assert_eq!(&found.path, path);
            let searched: Vec<_> = all[..=at].iter().map(|path| path.display().to_string()).collect();
            assert_eq!(found.searched, searched);
        }
        // A file that is not executable is skipped.
        let plain = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(&all[0], plain).unwrap();
        assert_eq!(find_below(root.path(), None, &environment).unwrap().path, all[1]);
    }

    #[test]
    fn the_option_wins_and_is_not_checked() {
        let mut environment = environment("/nowhere", "/nobody");
        environment.push((CLI_VARIABLE.into(), "/variable/claude".into()));
        let found = find(Some(Path::new("/option/claude")), &environment).unwrap();
        assert_eq!((found.path.as_path(), found.origin), (Path::new("/option/claude"), Origin::Option));
        let found = find(None, &environment).unwrap();
        assert_eq!((found.path.as_path(), found.origin), (Path::new("/variable/claude"), Origin::Variable));
    }

    #[test]
    fn a_bare_name_is_looked_up() {
        let found = find(Some(Path::new("sh")), &environment("/nowhere:/bin:/usr/bin", "/nobody")).unwrap();
        assert!(found.path.ends_with("sh") && found.path.is_absolute());
        let error = find(Some(Path::new("no-such-cli")), &environment("/bin", "/nobody")).unwrap_err();
        assert_eq!(error.status, Status::CliNotFound);
    }
}
