//! The sessions of a store, as a picker shows them: from their summaries if the store keeps them, else from their entries.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::blocking::Waiting;
use super::{Key, Operation, Store, cannot, fold};
use crate::error::Result;
use crate::sessions::{key, options};

/// The members of a summary's data that a row has under the same name.
const SHOWN: &[&str] = &["git_branch", "cwd", "tag", "created_at"];

/// The sessions of a folder's project as a JSON array, newest first.
pub fn list(store: &dyn Store, options: &str, limit: Option<Duration>) -> Result<String> {
    let options = options::read(options, options::STORE_LIST)?;
    let folder = options.directory.clone().or_else(|| std::env::current_dir().ok()).unwrap_or_default();
    let listing = Listing { store: Waiting::new(store, limit), project: key::of_folder(&folder) };
    let mut summaries = listing.summaries()?;
    let mut rows = listing.rows(&summaries)?;
    rows.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let mut shown = Vec::new();
    for (id, mtime) in rows {
        if shown.len() >= options.page.end() {
            break;
        }
        // A summary older than the session was folded before the last append.
        let kept = summaries.remove(&id).filter(|summary| summary.mtime >= mtime).map(|summary| summary.data);
        let data = match kept {
            Some(data) => Some(data),
            None => listing.folded(&id)?,
        };
        shown.extend(data.and_then(|data| row(&id, mtime, &data)));
    }
    Ok(Value::from_iter(shown.into_iter().skip(options.page.offset)).to_string())
}

struct Summary {
    mtime: i64,
    data: Value,
}

struct Listing<'a> {
    store: Waiting<'a>,
    project: String,
}

impl Listing<'_> {
    fn summaries(&self) -> Result<HashMap<String, Summary>> {
        if !self.store.can(Operation::Summaries) {
            return Ok(HashMap::new());
        }
        let summaries = self.store.summaries(&self.project)?.into_iter();
        Ok(summaries
            .map(|summary| (summary.session_id, Summary { mtime: summary.mtime, data: summary.data }))
            .collect())
    }

    fn rows(&self, summaries: &HashMap<String, Summary>) -> Result<Vec<(String, i64)>> {
        if self.store.can(Operation::List) {
            let rows = self.store.list(&self.project)?.into_iter();
            return Ok(rows.map(|row| (row.session_id, row.mtime)).collect());
        }
        if self.store.can(Operation::Summaries) {
            return Ok(summaries.iter().map(|(id, summary)| (id.clone(), summary.mtime)).collect());
        }
        Err(cannot(Operation::List, "a list of the sessions in a store"))
    }

    fn folded(&self, id: &str) -> Result<Option<Value>> {
        let entries = self.store.load(&Key::of_session(&self.project, id))?;
        Ok(entries.map(|entries| fold::fold(None, id, &entries)["data"].take()))
    }
}

/// As claude_sessions_list has it. `None` for a session that a user would not choose.
fn row(id: &str, mtime: i64, data: &Value) -> Option<Value> {
    if data["is_sidechain"] == true {
        return None;
    }
    let text = |name: &str| data[name].as_str().filter(|text| !text.is_empty());
    let title = text("custom_title").or_else(|| text("ai_title"));
    let first = text("first_prompt").or_else(|| text("command_fallback"));
    let summary = title.or_else(|| text("last_prompt")).or_else(|| text("summary_hint")).or(first)?;
    let mut row = Map::new();
    row.insert("session_id".to_owned(), id.into());
    row.insert("summary".to_owned(), summary.into());
    row.insert("last_modified".to_owned(), mtime.into());
    row.insert("custom_title".to_owned(), title.into());
    row.insert("first_prompt".to_owned(), first.into());
    for name in SHOWN {
        row.insert((*name).to_owned(), data[*name].clone());
    }
    row.retain(|_, value| !value.is_null() && *value != "");
    Some(row.into())
}
