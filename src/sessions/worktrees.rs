//! The worktrees of a folder's repository, read from the files in which git keeps them. git itself is not run:
//! it would be a child inside someone else's process, and what it runs is configured in the folder being
//! examined.

use std::path::{Path, PathBuf};

use super::files;

/// The folders of all worktrees of the repository that `folder` is in, the main one first. Empty outside a repository.
pub fn of(folder: &Path) -> Vec<PathBuf> {
    folder.ancestors().find_map(common_folder).map(|common| folders(&common)).unwrap_or_default()
}

/// The folder that all worktrees share, if `folder` is the root of one.
fn common_folder(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let own = PathBuf::from(line(&git)?.strip_prefix("gitdir:")?.trim());
    let own = folder.join(own);
    let common = line(&own.join("commondir"))?;
    Some(own.join(common))
}

fn folders(common: &Path) -> Vec<PathBuf> {
    let common = std::fs::canonicalize(common).unwrap_or_else(|_| common.to_owned());
    let main = if common.ends_with(".git") { common.parent() } else { Some(&*common) };
    let linked = files::folders_in(&common.join("worktrees"));
    let linked = linked.iter().filter_map(|own| {
        let git = own.join(line(&own.join("gitdir"))?);
        Some(git.parent()?.to_owned())
    });
    main.map(Path::to_owned).into_iter().chain(linked).collect()
}

fn line(path: &Path) -> Option<String> {
    Some(String::from_utf8(files::document(path)?).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) -> bool {
        let mut command = Command::new("git");
        command.current_dir(folder).args(["-c", "user.name=x", "-c", "user.email=x@y"]).args(arguments);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().is_ok_and(|output| output.status.success())
    }

    #[test]
    fn the_worktrees_are_those_that_git_lists() {
        let base = tempfile::tempdir().unwrap();
        let base = std::fs::canonicalize(base.path()).unwrap();
        let main = base.join("main");
        std::fs::create_dir_all(main.join("inside")).unwrap();
        if !git(&main, &["init"]) {
            return;
        }
        assert!(git(&main, &["commit", "--allow-empty", "-m", "first"]));
        assert!(git(&main, &["worktree", "add", "../a folder", "-b", "other"]));
        let listed = [main.clone(), base.join("a folder")];
        for folder in [main.clone(), main.join("inside"), base.join("a folder")] {
            assert_eq!(of(&folder), listed, "{}", folder.display());
        }
    }

    #[test]
    fn what_is_no_repository_has_none() {
        let base = tempfile::tempdir().unwrap();
        assert_eq!(common_folder(base.path()), None);
        std::fs::write(base.path().join(".git"), "gitdir: nowhere\n").unwrap();
        assert_eq!(common_folder(base.path()), None);
        std::fs::write(base.path().join(".git"), b"\xff\0").unwrap();
        assert_eq!(common_folder(base.path()), None);
    }
}
