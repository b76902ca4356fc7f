//! A stored session as the files that the CLI resumes from, in a folder of its own that is removed with the session.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::answers::Entry;
use super::key::check_subpath;
use crate::error::Result;
use crate::options::{HOME, is_variable};
use crate::protocol::members::top_level_string;
use crate::sessions::files::Regular;
use crate::sessions::{files, folders};

const PREFIX: &str = "claude-resume-";

/// A folder without a lock that is older than this belongs to nobody.
const STALE: Duration = Duration::from_secs(3600);

/// Held as long as the session lives, so that the search for leftovers skips its folder.
const LOCK: &str = ".lock";

/// What a folder's settings may name that would lead the child elsewhere, or that the copy has no files for.
const NOT_COPIED: &[&str] = &["enabledPlugins", "extraKnownMarketplaces", "additionalMarketplaces"];

/// The lines of each file, by its path in the session's folder; `None` is the session itself.
pub type Loaded = Vec<(Option<String>, Vec<Entry>)>;

/// The user and the group that own the files, if not those of the writer.
pub type Owner = Option<(u32, u32)>;

/// The folder of one resumed session, removed when this is dropped.
#[derive(Debug)]
pub struct Resumed {
    path: PathBuf,
    lock: Option<File>,
}

impl Resumed {
    /// What CLAUDE_CONFIG_DIR is set to.
    pub fn config_dir(&self) -> &Path {
        &self.path
    }
}

impl Drop for Resumed {
    fn drop(&mut self) {
        if cfg!(windows) {
            // An open file keeps its folder there.
            self.lock = None;
        }
        // A tool that outlives the CLI may still write here for a moment.
        for _ in 0..5 {
            if std::fs::remove_dir_all(&self.path).is_ok() || !self.path.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Where the CLI would have looked for its files, according to its environment.
pub struct Source {
    /// `CLAUDE_CONFIG_DIR`, else `$HOME/.claude`.
    config_dir: Option<PathBuf>,
    home: Option<PathBuf>,
    is_given: bool,
}

impl Source {
    pub fn of(environment: &[(OsString, OsString)]) -> Source {
        let variable = |wanted: &str| {
            let given = environment.iter().rev().find(|(name, _)| is_variable(name, wanted));
            given.map(|(_, value)| PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty())
        };
        let (given, home) = (variable("CLAUDE_CONFIG_DIR"), variable(HOME));
        let is_given = given.is_some();
        Source { config_dir: given.or_else(|| Some(home.as_ref()?.join(".claude"))), home, is_given }
    }

    /// `None` when the environment names no folder.
    pub fn config_dir(&self) -> Option<&Path> {
        self.config_dir.as_deref()
    }
}

/// Writes a session and what the CLI needs beside it.
pub fn write(project_key: &str, id: &str, loaded: &Loaded, source: &Source, owner: Owner) -> Result<Resumed> {
    write_in(&temporary_folder(), project_key, id, loaded, source, owner)
}

fn write_in(
    base: &Path,
    project_key: &str,
    id: &str,
    loaded: &Loaded,
    source: &Source,
    owner: Owner,
) -> Result<Resumed> {
    sweep(base);
    let path = base.join(format!("{PREFIX}{}", uuid::Uuid::new_v4()));
    let failed = |cause: std::io::Error| folders::failed("write", &path, &cause);
    files::create_folder(&path).map_err(failed)?;
    let lock = files::create(&path.join(LOCK)).map_err(failed)?;
    // If that disk has no locks, age alone identifies leftovers, and nothing is removed too early.
    let _ = lock.try_lock();
    let resumed = Resumed { path, lock: Some(lock) };
    let session = resumed.path.join("projects").join(folder_name(project_key)).join(id);
    for (subpath, entries) in loaded {
        write_file(&session, subpath.as_deref(), entries)?;
    }
    copy_settings(&resumed.path, source).map_err(|cause| folders::failed("write", &resumed.path, &cause))?;
    give_to(&resumed.path, owner)
        .map_err(|cause| folders::failed("give to the user", &resumed.path, &cause))?;
    Ok(resumed)
}

/// A relative folder would be resolved where the child runs.
fn temporary_folder() -> PathBuf {
    let path = std::env::temp_dir();
    if path.is_absolute() { path } else { PathBuf::from("/tmp") }
}

/// A store's key may be any text; the CLI finds a session by its id.
fn folder_name(project_key: &str) -> String {
    let name: String =
        project_key.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

fn write_file(session: &Path, subpath: Option<&str>, entries: &[Entry]) -> Result<()> {
    let base = match subpath {
        None => session.to_owned(),
        Some(subpath) => {
            check_subpath(subpath)?;
            session.join(subpath)
        }
    };
    let path = with_ending(&base, ".jsonl");
    let mut about = None;
    let mut lines = Vec::new();
    for entry in entries {
        match top_level_string(entry.get().as_bytes(), b"type") {
            Some(b"agent_metadata") => about = Some(entry),
            _ => lines.push(entry),
        }
    }
    write_lines(&path, &lines).map_err(|cause| folders::failed("write", &path, &cause))?;
    let about = about.and_then(|entry| serde_json::from_str::<Map<String, Value>>(entry.get()).ok());
    if let Some(mut about) = about {
        about.shift_remove("type");
        let path = with_ending(&base, ".meta.json");
        files::replace(&path, &Value::Object(about).to_string())
            .map_err(|cause| folders::failed("write", &path, &cause))?;
    }
    Ok(())
}

/// An id may contain dots, at which `with_extension` would cut it.
fn with_ending(base: &Path, ending: &str) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

fn write_lines(path: &Path, entries: &[&Entry]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        files::create_folder(folder)?;
    }
    let mut file = BufWriter::new(files::create(path)?);
    let mut before = std::collections::HashSet::new();
    for entry in entries {
        let line = line(entry.get());
        // A retried append may have stored it twice.
        if top_level_string(line.as_bytes(), b"uuid").is_some() && !before.insert(line.clone()) {
            continue;
        }
        file.write_all(line.as_bytes())?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

/// An entry as a line. A JSON document may have newlines outside its strings; and the CLI looks for some lines
/// by their first member, which a database may have moved.
fn line(entry: &str) -> String {
    let line = entry.replace(['\n', '\r'], " ");
    let moved = matches!(top_level_string(line.as_bytes(), b"type"), Some(b"tag" | b"custom-title"));
    if !moved || line.starts_with("{\"type\":\"") {
        return line;
    }
    match serde_json::from_str::<Map<String, Value>>(&line) {
        Ok(mut members) => {
            let kind = members.shift_remove("type").unwrap_or_default();
            members.shift_insert(0, "type".to_owned(), kind);
            Value::Object(members).to_string()
        }
        Err(_) => line,
    }
}

/// The login and the settings of the folder that the CLI would have used.
fn copy_settings(to: &Path, source: &Source) -> std::io::Result<()> {
    let Some(from) = &source.config_dir else { return Ok(()) };
    let write = |name: &str, value: Value| files::replace(&to.join(name), &value.to_string());
    let read = |path: &Path| -> Option<Value> { serde_json::from_slice(&whole(path)?).ok() };
    if let Some(mut login) = read(&from.join(".credentials.json")) {
        // If two processes refresh one login with the same token, each ends it for the other.
        for account in ["claudeAiOauth", "hybridOauth"] {
            if let Some(account) = login.get_mut(account).and_then(Value::as_object_mut) {
                account.shift_remove("refreshToken");
            }
        }
        write(".credentials.json", login)?;
    }
    let state = if source.is_given { Some(from.clone()) } else { source.home.clone() };
    if let Some(state) = state.and_then(|folder| read(&folder.join(".claude.json"))) {
        write(".claude.json", state)?;
    }
    if let Some(config) = read(&from.join(".config.json")) {
        write(".config.json", config)?;
    }
    for name in ["settings.json", "cowork_settings.json"] {
        let Some(mut settings) = read(&from.join(name)) else { continue };
        if let Some(settings) = settings.as_object_mut() {
            NOT_COPIED.iter().for_each(|name| drop(settings.shift_remove(*name)));
            if let Some(env) = settings.get_mut("env").and_then(Value::as_object_mut) {
                env.shift_remove("CLAUDE_CONFIG_DIR");
            }
        }
        write(name, settings)?;
    }
    Ok(())
}

/// What the CLI knows about each folder it has been in makes `.claude.json` large over time.
fn whole(path: &Path) -> Option<Vec<u8>> {
    const LARGEST: u64 = 64 << 20;
    let file = Regular::open(path).ok()?.filter(|file| file.length <= LARGEST)?;
    let mut bytes = vec![0; usize::try_from(file.length).ok()?];
    let read = file.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(read);
    Some(bytes)
}

fn give_to(path: &Path, owner: Owner) -> std::io::Result<()> {
    let Some((user, group)) = owner else { return Ok(()) };
    if files::is_folder(path) {
        for entry in std::fs::read_dir(path)? {
            give_to(&entry?.path(), owner)?;
        }
    }
    files::give_to(path, user, group)
}

/// Removes what a killed host left behind: nobody holds its lock.
fn sweep(base: &Path) {
    for path in files::folders_in(base) {
        let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if is_ours && is_left(&path) {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

fn is_left(path: &Path) -> bool {
    let Ok(metadata) = path.symlink_metadata() else { return false };
    let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
    let is_old = age.is_some_and(|age| age > STALE);
    if !files::is_own(&metadata) {
        return false;
    }
    match File::open(path.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(_) => is_old,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use serde_json::value::RawValue;

    use super::*;

    const ID: &str = "11111111-1111-4111-8111-111111111111";

    fn laid_down(base: &Path, entries: &[&str], owner: Owner) -> Resumed {
        let raw = |text: &&str| RawValue::from_string((*text).to_owned()).unwrap();
        let loaded: Loaded = vec![(None, entries.iter().map(raw).collect())];
        write_in(base, "-w", ID, &loaded, &Source::of(&[]), owner).unwrap()
    }

    fn text(resumed: &Resumed) -> String {
        let path = resumed.config_dir().join(format!("projects/-w/{ID}.jsonl"));
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn an_entry_is_a_line_and_one_that_came_twice_is_one() {
        let base = tempfile::tempdir().unwrap();
        let message = "{\"type\": \"user\",\n \"uuid\": \"a\"}";
        let tag = "{\"sessionId\": \"s\", \"tag\": \"t\", \"type\": \"tag\"}";
        let resumed = laid_down(base.path(), &[message, tag, message, tag], None);
        let tag = "{\"type\":\"tag\",\"sessionId\":\"s\",\"tag\":\"t\"}";
        assert_eq!(text(&resumed), format!("{}\n{tag}\n{tag}\n", message.replace('\n', " ")));
    }

    #[test]
    fn what_a_killed_host_left_is_swept_and_what_lives_stays() {
        let base = tempfile::tempdir().unwrap();
        let living = laid_down(base.path(), &["{}"], None);
        let left = base.path().join(format!("{PREFIX}left"));
        let fresh = base.path().join(format!("{PREFIX}fresh"));
        let other = base.path().join("other");
        for path in [&left, &fresh, &other] {
            std::fs::create_dir(path).unwrap();
        }
        // A lock that nobody holds; a folder being created has none yet.
        std::fs::write(left.join(LOCK), "").unwrap();
        let next = laid_down(base.path(), &["{}"], None);
        let there = [living.config_dir(), next.config_dir(), &left, &fresh, &other].map(Path::exists);
        assert_eq!(there, [true, true, false, true, true]);
        let path = living.config_dir().to_owned();
        drop(living);
        assert!(!path.exists());
    }

    #[test]
    fn all_of_it_belongs_to_the_user_who_is_to_read_it() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let base = tempfile::tempdir().unwrap();
        let resumed = laid_down(base.path(), &["{}"], Some((65_534, 65_534)));
        let mut folders = vec![resumed.config_dir().to_owned()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            let metadata = folder.metadata().unwrap();
            assert_eq!(
                (metadata.uid(), metadata.gid(), metadata.mode() & 0o077),
                (65_534, 65_534, 0),
                "{folder:?}"
            );
            seen += 1;
            if metadata.is_dir() {
                folders.extend(std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        assert_eq!(seen, 5, "three folders, the lock and the session");
    }
}
