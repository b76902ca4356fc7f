//! Listing: all files are found, but only as many are opened as rows are wanted.

use std::collections::BTreeSet;

use serde_json::Value;

use super::folders::{self, Folder, Found};
use super::glance::Pieces;
use super::info::Info;
use super::live;
use super::options::{Options, check_id};
use crate::error::Result;

pub fn sessions(options: &Options) -> Result<String> {
    let folders = folders::folders(options);
    let mut found: Vec<(Found, &Folder)> = Vec::new();
    for folder in &folders {
        found.extend(folder.sessions().map(|session| (session, folder)));
    }
    found.sort_by(|(one, _), (other, _)| {
        other.modified_ms.cmp(&one.modified_ms).then_with(|| one.id.cmp(&other.id))
    });
    let live = live::all(&options.config_dir);
    let ids: BTreeSet<&str> = found.iter().map(|(found, _)| found.id.as_str()).collect();
    let mut shown = BTreeSet::new();
    let mut pieces = Pieces::default();
    let rows = found.iter().filter_map(|(found, folder)| {
        if shown.contains(found.id.as_str()) || !folder.has(found) {
            return None;
        }
        let info = Info::of(found, &mut pieces).filter(|info| is_wanted(info, options, &ids))?;
        shown.insert(found.id.as_str());
        Some(info.to_json(found, &live))
    });
    let page = options.page;
    let rows: Vec<Value> = rows.skip(page.offset).take(page.limit.unwrap_or(usize::MAX)).collect();
    Ok(Value::Array(rows).to_string())
}

fn is_wanted(info: &Info, options: &Options, ids: &BTreeSet<&str>) -> bool {
    let goes_on = info.glance.continued_in.as_deref().is_some_and(|id| ids.contains(id));
    !goes_on
        && (options.include_archived || !info.is_archived())
        && (options.include_programmatic || !info.is_programmatic())
}

pub fn session(id: &str, options: &Options) -> Result<String> {
    check_id(id, "session_id")?;
    let found = folders::find(id, options)?;
    let info = Info::of(&found, &mut Pieces::default()).ok_or_else(|| folders::not_found(id, options))?;
    Ok(info.to_json(&found, &live::all(&options.config_dir)).to_string())
}
