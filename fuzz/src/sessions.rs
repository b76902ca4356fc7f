//! Bytes as the file of a session: what is read of it is there, as serde_json reads it; a page is a part of the whole; a copy
//! is made of whole lines and is no larger than what it was made of; a title that is given is the title.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use claude_client::error::{Error, Status};
use claude_client::sessions;
use serde_json::{Value, json};

use super::json;

const ID: &str = "11111111-1111-4111-8111-111111111111";

/// What a copy adds to a line, and to the file: ids, links, the notes at its end.
const LINE: usize = 600;

thread_local! {
    static FOLDER: PathBuf =
        std::env::temp_dir().join(format!("claude-fuzz-{}-{:?}", std::process::id(), std::thread::current().id()));
}

/// A byte that chooses the page, and the file.
pub fn run(data: &[u8]) {
    let Some((page, file)) = data.split_first() else { return };
    let folder = FOLDER.with(PathBuf::clone);
    let project = folder.join("projects/-work");
    std::fs::create_dir_all(&project).expect("a place for the session");
    let path = project.join(format!("{ID}.jsonl"));
    std::fs::write(&path, file).expect("a place for the session");
    check(&folder, &path, file, usize::from(*page));
    std::fs::remove_dir_all(&folder).expect("it is there");
}

fn check(folder: &Path, path: &Path, file: &[u8], page: usize) {
    let plain = json!({"config_dir": folder});
    let row = check_info(&plain);
    let whole = messages(ID, &with(&plain, json!({"include_system": true})));
    check_items(&whole, file);
    check_pages(&plain, &messages(ID, &plain), page);
    assert_eq!(std::fs::read(path).expect("it is there"), file, "reading is no writing");
    check_copy(&plain, path, file);
    // What is appended to a file without a word in it makes it a session.
    if !file.is_empty() {
        check_change(&plain, row.is_some(), file);
    }
}

fn with(options: &Value, more: Value) -> Value {
    let mut options = options.clone();
    let all = options.as_object_mut().expect("an object");
    all.extend(more.as_object().expect("an object").clone());
    options
}

/// The one row, which both ways of asking give.
fn check_info(options: &Value) -> Option<Value> {
    let rows: Vec<Value> =
        serde_json::from_str(&sessions::list(&options.to_string()).expect("a list")).expect("an array");
    let info = missing(sessions::info(ID, &options.to_string()));
    let info = info.map(|info| serde_json::from_str(&info).expect("an object"));
    // One that goes on in itself is listed under no id.
    assert!(rows.len() <= 1 && (info.is_some() || rows.is_empty()), "{rows:?} {info:?}");
    if let (Some(info), Some(row)) = (&info, rows.first()) {
        assert_eq!(info, row);
    }
    info
}

/// The only error that a damaged file may be.
fn missing<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert_eq!(error.status, Status::SessionNotFound, "{}", error.to_json());
            assert!(error.detail("remedy").is_some());
            None
        }
    }
}

fn messages(id: &str, options: &Value) -> Vec<String> {
    let mut items = Vec::new();
    missing(sessions::messages(id, &options.to_string(), |item| {
        items.push(item.json.clone());
        true
    }));
    items
}

/// Every message is in the file, and none comes twice.
fn check_items(items: &[String], file: &[u8]) {
    let lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
    assert!(items.len() <= lines.len(), "more messages than lines");
    let mut said: HashMap<String, usize> = HashMap::new();
    for line in lines {
        let text = String::from_utf8_lossy(line);
        let line = match serde_json::from_str::<Value>(&text) {
            Ok(line) => line,
            // A tree cannot be made of everything that is JSON; then there is no model.
            Err(_) if json::is_json(text.as_bytes()) => return,
            Err(_) => continue,
        };
        let queued = json!({"role": "user", "content": line["attachment"]["prompt"]});
        *said.entry(line["message"].to_string()).or_default() += 1;
        *said.entry(queued.to_string()).or_default() += 1;
    }
    for item in items {
        let Ok(item) = serde_json::from_str::<Value>(item) else { continue };
        assert!(matches!(item["type"].as_str(), Some("user" | "assistant" | "system")), "{item}");
        let left =
            said.get_mut(&item["message"].to_string()).unwrap_or_else(|| panic!("not in the file: {item}"));
        assert!(*left > 0, "twice: {item}");
        *left -= 1;
    }
}

fn check_pages(options: &Value, whole: &[String], page: usize) {
    let (offset, limit) = (page & 7, (page >> 3) & 7);
    let asked = json!({"offset": offset, "limit": limit});
    let of =
        |from_end: bool| messages(ID, &with(&with(options, asked.clone()), json!({"from_end": from_end})));
    let limit = if limit == 0 { usize::MAX } else { limit };
    let from_start: Vec<&String> = whole.iter().skip(offset).take(limit).collect();
    assert_eq!(of(false).iter().collect::<Vec<_>>(), from_start);
    let mut from_end: Vec<&String> = whole.iter().rev().skip(offset).take(limit).collect();
    from_end.reverse();
    assert_eq!(of(true).iter().collect::<Vec<_>>(), from_end);
}

fn check_copy(options: &Value, path: &Path, file: &[u8]) {
    let Some(copy) = missing(sessions::fork(ID, &options.to_string())) else {
        let files = std::fs::read_dir(path.parent().expect("a folder")).expect("a folder").count();
        assert_eq!(files, 1, "half a copy is left");
        return;
    };
    let copy: Value = serde_json::from_str(&copy).expect("an object");
    let id = copy["session_id"].as_str().expect("an id");
    let copied = std::fs::read(path.with_file_name(format!("{id}.jsonl"))).expect("the copy");
    let lines = file.split(|byte| *byte == b'\n').count();
    // What is no UTF-8 becomes three bytes; an id of a letter becomes one of 36.
    assert!(copied.len() <= (lines + 4) * LINE + file.len() * 16, "{} of {}", copied.len(), file.len());
    assert_eq!(copied.last(), Some(&b'\n'), "half a line");
    for line in copied.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        assert!(super::json::is_json(line), "no JSON: {}", String::from_utf8_lossy(line));
    }
    messages(id, options);
    sessions::delete(id, &options.to_string(), |_| false).expect("it is there");
}

fn check_change(options: &Value, was_shown: bool, file: &[u8]) {
    let options = options.to_string();
    sessions::rename(ID, "a title", &options).expect("it is there");
    sessions::tag(ID, Some("a tag"), &options).expect("it is there");
    let Some(info) = missing(sessions::info(ID, &options)) else {
        let starts = String::from_utf8_lossy(&file[..file.len().min(4096)]).contains("isSidechain");
        assert!(!was_shown && starts, "gone by its name");
        return;
    };
    let info: Value = serde_json::from_str(&info).expect("an object");
    assert_eq!(
        (info["custom_title"].as_str(), info["tag"].as_str()),
        (Some("a title"), Some("a tag")),
        "{info}"
    );
}
