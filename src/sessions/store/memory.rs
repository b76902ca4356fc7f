//! A store in memory: for tests, and as the shortest implementation of the contract.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::answers::{self, Entry};
use super::{Answer, Key, Operation, Reply, Request, Store, fold};
use crate::error::Result;
use crate::sessions::time;
use crate::sync::{lock, ranked};

#[derive(Default)]
struct Kept {
    entries: Vec<Entry>,
    mtime: i64,
    /// The session's summary, folded at each append.
    summary: Option<Value>,
}

#[derive(Default)]
pub struct Memory {
    kept: Mutex<Files>,
}

#[derive(Default)]
struct Files {
    files: BTreeMap<Key, Kept>,
    /// Two appends within a millisecond are still ordered.
    newest: i64,
}

ranked!(Files: Leaf);

impl Store for Memory {
    fn can(&self, _: Operation) -> bool {
        true
    }

    fn ask(&self, request: Request, reply: Reply) {
        reply.give(self.answer(&request));
    }
}

impl Memory {
    fn answer(&self, request: &Request) -> Answer {
        let mut files = lock(&self.kept);
        let asked: Value = serde_json::from_str(&request.key).unwrap_or_default();
        let project = |key: &Key| asked["project_key"] == key.project_key.as_str();
        match request.operation {
            Operation::Append => {
                files.append(&Key::parse(&request.key)?, request.entries.clone()).map(|()| None)
            }
            Operation::Load => {
                let kept = files.files.get(&Key::parse(&request.key)?);
                Ok(kept.map(|kept| serde_json::to_string(&kept.entries).unwrap_or_default()))
            }
            Operation::List => Ok(Some(files.rows(project, |key, kept| {
                Some(json!({"session_id": key.session_id, "mtime": kept.mtime}))
            }))),
            Operation::Summaries => Ok(Some(files.rows(project, |_, kept| kept.summary.clone()))),
            Operation::Remove => {
                let gone = Key::parse(&request.key)?;
                files.files.retain(|key, _| *key != gone && !(gone.subpath.is_none() && is_of(&gone, key)));
                Ok(None)
            }
            Operation::ListSubkeys => {
                let session = Key::parse(&request.key)?;
                let keys = files.files.keys().filter(|key| is_of(&session, key));
                Ok(Some(Value::from_iter(keys.filter_map(|key| key.subpath.clone())).to_string()))
            }
        }
    }
}

fn is_of(session: &Key, key: &Key) -> bool {
    key.project_key == session.project_key && key.session_id == session.session_id
}

impl Files {
    fn append(&mut self, key: &Key, entries: Option<String>) -> Result<()> {
        let entries = answers::entries(entries)?.unwrap_or_default();
        if entries.is_empty() {
            return Ok(());
        }
        self.newest = time::now_ms().max(self.newest + 1);
        let kept = self.files.entry(key.clone()).or_default();
        kept.mtime = self.newest;
        if key.subpath.is_none() {
            let mut summary = fold::fold(kept.summary.as_ref(), &key.session_id, &entries);
            summary["mtime"] = kept.mtime.into();
            kept.summary = Some(summary);
        }
        kept.entries.extend(entries);
        Ok(())
    }

    fn rows(&self, project: impl Fn(&Key) -> bool, row: impl Fn(&Key, &Kept) -> Option<Value>) -> String {
        let sessions = self.files.iter().filter(|(key, _)| key.subpath.is_none() && project(key));
        Value::from_iter(sessions.filter_map(|(key, kept)| row(key, kept))).to_string()
    }
}
