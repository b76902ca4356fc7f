//! From the disk into a store: a session's lines, and those of its subagents, in batches.

use std::path::Path;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answers::Entry;
use super::blocking::Waiting;
use super::{Key, Store};
use crate::error::Result;
use crate::protocol::members::top_level_string;
use crate::sessions::files::{self, Regular};
use crate::sessions::lines::Lines;
use crate::sessions::options::{self, check_id};
use crate::sessions::{folders, subagents};

/// The most bytes of one append, except for a single entry that is larger.
const BATCH_BYTES: usize = 1 << 20;
pub const BATCH_ENTRIES: usize = 500;

/// Stores a session that is on the disk; returns how many entries of how many files.
pub fn import(store: &dyn Store, id: &str, options: &str, limit: Option<Duration>) -> Result<String> {
    check_id(id, "session_id")?;
    let options = options::read(options, options::IMPORT)?;
    let found = folders::find(id, &options)?;
    let project = found.path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let key = Key::of_session(&project, id);
    let mut import =
        Import { store: Waiting::new(store, limit), most: options.batch_size, entries: 0, files: 0 };
    import.file(&found.path, &key, None)?;
    if options.include_subagents {
        for path in subagents::files_of(&found) {
            let beside = path.strip_prefix(found.side()).unwrap_or(&path).with_extension("");
            let key = key.with_subpath(&beside.to_string_lossy().replace('\\', "/"));
            import.file(&path, &key, about(&path))?;
        }
    }
    Ok(json!({"entries": import.entries, "files": import.files}).to_string())
}

/// The contents of the file next to a subagent's, as an entry.
fn about(path: &Path) -> Option<Entry> {
    let bytes = files::document(&path.with_extension("meta.json"))?;
    let mut about: Value = serde_json::from_slice(&bytes).ok()?;
    about.as_object_mut()?.shift_insert(0, "type".to_owned(), "agent_metadata".into());
    RawValue::from_string(about.to_string()).ok()
}

struct Import<'a> {
    store: Waiting<'a>,
    most: usize,
    entries: usize,
    files: usize,
}

impl Import<'_> {
    fn file(&mut self, path: &Path, key: &Key, first: Option<Entry>) -> Result<()> {
        let failed = |cause: std::io::Error| folders::failed("read", path, &cause);
        let Some(file) = Regular::open(path).map_err(failed)? else { return Ok(()) };
        self.files += 1;
        let mut lines = Lines::of(&file);
        let mut bytes = first.as_ref().map_or(0, |entry| entry.get().len());
        let mut batch: Vec<Entry> = first.into_iter().collect();
        while let Some((_, line)) = lines.next().map_err(failed)? {
            let Some(entry) = entry(line) else { continue };
            bytes += entry.get().len();
            batch.push(entry);
            if batch.len() >= self.most || bytes >= BATCH_BYTES {
                self.append(key, &mut batch)?;
                bytes = 0;
            }
        }
        self.append(key, &mut batch)
    }

    fn append(&mut self, key: &Key, batch: &mut Vec<Entry>) -> Result<()> {
        if !batch.is_empty() {
            self.store.append(key, batch)?;
            self.entries += batch.len();
            batch.clear();
        }
        Ok(())
    }
}

/// A line that the CLI would mirror. Its notes to itself about single requests, and damaged lines, are left out.
fn entry(line: &[u8]) -> Option<Entry> {
    let kind = top_level_string(line, b"type")?;
    if kind.starts_with(b"api-request") {
        return None;
    }
    let line = String::from_utf8_lossy(line);
    RawValue::from_string(line.trim().to_owned()).ok().filter(|entry| entry.get().starts_with('{'))
}
