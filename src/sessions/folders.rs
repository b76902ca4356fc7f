//! Where a session's file may be: the folder of the project, those of its worktrees, or all folders.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use super::files;
use super::glance::{Glance, Pieces};
use super::key::{self, MAX_KEY_LEN};
use super::options::{Options, is_uuid};
use super::worktrees;
use crate::error::{Error, Result, Status};

/// A folder of sessions.
pub struct Folder {
    pub path: PathBuf,
    /// The CLI's key for a long path may differ from ours: only sessions of this working folder count.
    only: Option<PathBuf>,
}

/// A session's file.
pub struct Found {
    pub id: String,
    pub path: PathBuf,
    pub modified_ms: i64,
}

impl Found {
    /// The folder next to it that has what belongs to it.
    pub fn side(&self) -> PathBuf {
        self.path.with_extension("")
    }
}

/// The folders to search, nearest first.
pub fn folders(options: &Options) -> Vec<Folder> {
    let projects = options.config_dir.join("projects");
    let Some(directory) = &options.directory else {
        let all = files::folders_in(&projects);
        return all.into_iter().map(|path| Folder { path, only: None }).collect();
    };
    let real = key::real_path(directory);
    let mut roots = vec![real.clone()];
    if options.include_worktrees {
        roots.extend(worktrees::of(&real).iter().map(|folder| key::real_path(folder)));
    }
    let mut found: Vec<Folder> = Vec::new();
    for folder in roots.iter().flat_map(|root| folders_of(&projects, root)) {
        if !found.iter().any(|other| other.path == folder.path) {
            found.push(folder);
        }
    }
    found
}

/// By the path as it is, and by its composed form: on macOS the CLI composes what the system has decomposed.
fn folders_of(projects: &Path, root: &Path) -> Vec<Folder> {
    let path = root.to_string_lossy();
    let composed: String = path.nfc().collect();
    let mut found = folders_by_key(projects, root, &key::of_path(&path));
    if cfg!(target_os = "macos") && composed != path {
        found.extend(folders_by_key(projects, root, &key::of_path(&composed)));
    }
    found
}

fn folders_by_key(projects: &Path, root: &Path, key: &str) -> Vec<Folder> {
    let own = projects.join(key);
    let mut found: Vec<Folder> =
        files::is_folder(&own).then(|| Folder { path: own.clone(), only: None }).into_iter().collect();
    if key.len() > MAX_KEY_LEN {
        let prefix = &key[..=MAX_KEY_LEN];
        let is_like = |path: &PathBuf| {
            *path != own && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
        };
        let alike = files::folders_in(projects).into_iter().filter(is_like);
        found.extend(alike.map(|path| Folder { path, only: Some(root.to_owned()) }));
    }
    found
}

impl Folder {
    /// The sessions in it, in no order. Empty files do not count.
    pub fn sessions(&self) -> impl Iterator<Item = Found> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_suffix(".jsonl").filter(|id| is_uuid(id))?;
            found(id, entry.path(), &entry.metadata().ok()?)
        })
    }

    fn session(&self, id: &str) -> Option<Found> {
        let path = self.path.join(format!("{id}.jsonl"));
        let metadata = path.symlink_metadata().ok()?;
        let found = found(id, path, &metadata)?;
        self.has(&found).then_some(found)
    }

    /// Whether a session in this folder is one of those wanted.
    pub fn has(&self, found: &Found) -> bool {
        let Some(only) = &self.only else { return true };
        let cwd = Glance::of(&found.path, &mut Pieces::default()).and_then(|glance| glance.cwd);
        cwd.is_some_and(|cwd| key::real_path(Path::new(&cwd)) == *only)
    }
}

fn found(id: &str, path: PathBuf, metadata: &Metadata) -> Option<Found> {
    let is_session = metadata.is_file() && metadata.len() > 0;
    is_session.then(|| Found { id: id.to_owned(), path, modified_ms: files::modified_ms(metadata) })
}

/// Every file of the session, the newest first.
pub fn find_all(id: &str, options: &Options) -> Result<Vec<Found>> {
    let mut found: Vec<Found> = folders(options).iter().filter_map(|folder| folder.session(id)).collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.modified_ms));
    if found.is_empty() { Err(not_found(id, options)) } else { Ok(found) }
}

/// The session's file.
pub fn find(id: &str, options: &Options) -> Result<Found> {
    find_all(id, options)?.into_iter().next().ok_or_else(|| not_found(id, options))
}

pub fn not_found(id: &str, options: &Options) -> Error {
    let place = match &options.directory {
        Some(directory) => format!("of the folder {}", directory.display()),
        None => "of any folder".to_owned(),
    };
    Error::new(
        Status::SessionNotFound,
        format!("there is no session {id} {place} in {}", options.config_dir.join("projects").display()),
    )
    .with("session_id", id)
    .with(
        "remedy",
        "see claude_sessions_list; config_dir and directory must be those that the session ran with",
    )
}

/// The error for what the system refused.
pub fn failed(what: &str, path: &Path, cause: &std::io::Error) -> Error {
    Error::new(Status::File, format!("cannot {what} {}: {cause}", path.display()))
        .with("path", path.display().to_string())
        .with("cause", cause.to_string())
        .with("remedy", "check the owner, the permissions and the space on the disk")
}
