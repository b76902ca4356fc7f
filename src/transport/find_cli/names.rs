//! Under which names a program may lie in a folder. Pure, so that the rules of each system are tested everywhere.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::options::Platform;

/// Where installers put the CLI, in the order of the official SDK.
pub fn known_places(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Unix => &[
            "~/.npm-global/bin/claude",
            "/usr/local/bin/claude",
            "~/.local/bin/claude",
            "~/node_modules/.bin/claude",
            "~/.yarn/bin/claude",
            "~/.claude/local/claude",
            "/opt/homebrew/bin/claude",
        ],
        Platform::Windows => &[
            "~/.local/bin/claude.exe",
            "~/AppData/Roaming/npm/node_modules/@anthropic-ai/claude-code/bin/claude.exe",
            "~/node_modules/@anthropic-ai/claude-code/bin/claude.exe",
            "~/.claude/local/claude.exe",
        ],
    }
}

/// What to look for in a folder of `PATH`, in order. `path_ext` is the variable of this name; without it the system's default.
pub fn in_folder(folder: &Path, name: &OsStr, platform: Platform, path_ext: Option<&OsStr>) -> Vec<PathBuf> {
    if platform == Platform::Unix {
        return vec![folder.join(name)];
    }
    let mut names: Vec<PathBuf> = with_extensions(name, path_ext).map(|name| folder.join(name)).collect();
    if name.eq_ignore_ascii_case("claude") {
        names.extend(of_npm(folder));
    }
    names
}

/// Names with the extensions of programs that start without a command interpreter.
fn with_extensions<'a>(name: &'a OsStr, path_ext: Option<&OsStr>) -> impl Iterator<Item = OsString> + 'a {
    let path_ext = path_ext.and_then(OsStr::to_str).unwrap_or(".COM;.EXE").to_ascii_lowercase();
    let has_extension = Path::new(name).extension().is_some_and(|extension| {
        ["exe", "com", "bat", "cmd"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    });
    let extensions: Vec<String> = match has_extension {
        true => vec![String::new()],
        false => {
            path_ext.split(';').filter(|one| [".exe", ".com"].contains(one)).map(str::to_owned).collect()
        }
    };
    extensions.into_iter().map(move |extension| {
        let mut name = name.to_owned();
        name.push(extension);
        name
    })
}

/// The program behind the batch file that npm puts into this folder.
fn of_npm(folder: &Path) -> Vec<PathBuf> {
    const PROGRAM: &str = "@anthropic-ai/claude-code/bin/claude.exe";
    let mut places = vec![folder.join("node_modules").join(PROGRAM)];
    if folder.file_name() == Some(OsStr::new(".bin")) {
        places.extend(folder.parent().map(|modules| modules.join(PROGRAM)));
    }
    places
}

/// The batch files of this name: they are not started, but whoever has one only must be told so.
pub fn batch_files(folder: &Path, name: &OsStr, platform: Platform) -> Vec<PathBuf> {
    let with = |extension: &str| {
        let mut name = name.to_owned();
        name.push(extension);
        folder.join(name)
    };
    match platform {
        Platform::Unix => Vec::new(),
        Platform::Windows => vec![with(".cmd"), with(".bat")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, platform: Platform, path_ext: Option<&str>) -> Vec<String> {
        let found = in_folder(Path::new("bin"), name.as_ref(), platform, path_ext.map(OsStr::new));
        found.iter().map(|path| path.to_string_lossy().replace('\\', "/")).collect()
    }

    #[test]
    fn each_system_has_its_names() {
        assert_eq!(names("claude", Platform::Unix, None), ["bin/claude"]);
        let npm = "bin/node_modules/@anthropic-ai/claude-code/bin/claude.exe";
        assert_eq!(names("claude", Platform::Windows, None), ["bin/claude.com", "bin/claude.exe", npm]);
        assert_eq!(
            names("ssh", Platform::Windows, Some(".EXE;.CMD;.PY;.COM")),
            ["bin/ssh.exe", "bin/ssh.com"]
        );
        assert_eq!(names("ssh.EXE", Platform::Windows, None), ["bin/ssh.EXE"]);
        assert_eq!(names("node.x", Platform::Windows, Some(".EXE")), ["bin/node.x.exe"]);
        let local = in_folder(Path::new("node_modules/.bin"), "claude".as_ref(), Platform::Windows, None);
        let program = Path::new("node_modules").join("@anthropic-ai/claude-code/bin/claude.exe");
        assert_eq!(local.last(), Some(&program));
    }
}
