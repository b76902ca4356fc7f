//! The options of the functions on sessions: one small JSON document for each call.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::error::{Error, Result, Status, quotable};
use crate::names::nearest;
use crate::options::{HOME, document};

use super::store::import::BATCH_ENTRIES;

/// The members that a function accepts.
type Known = &'static [&'static str];

pub const LIST: Known = &[
    "config_dir",
    "directory",
    "include_archived",
    "include_programmatic",
    "include_worktrees",
    "limit",
    "offset",
];
pub const FIND: Known = &["config_dir", "directory", "include_worktrees"];
pub const MESSAGES: Known =
    &["config_dir", "directory", "from_end", "include_system", "include_worktrees", "limit", "offset"];
pub const DELETE: Known = &["config_dir", "directory", "force", "include_worktrees"];
pub const FORK: Known = &["config_dir", "directory", "include_worktrees", "title", "up_to_message_id"];

pub const STORE_LIST: Known = &["directory", "limit", "offset"];
pub const IMPORT: Known =
    &["batch_size", "config_dir", "directory", "include_subagents", "include_worktrees"];

/// Everything that any of the functions accepts.
pub struct Options {
    /// The CLI's own folder.
    pub config_dir: PathBuf,
    /// The folder whose sessions are wanted; `None` = all folders.
    pub directory: Option<PathBuf>,
    pub include_worktrees: bool,
    pub include_programmatic: bool,
    pub include_archived: bool,
    pub include_system: bool,
    pub from_end: bool,
    pub force: bool,
    pub title: Option<String>,
    pub up_to_message_id: Option<String>,
    pub include_subagents: bool,
    /// How many entries are stored at once.
    pub batch_size: usize,
    pub page: Page,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy)]
pub struct Page {
    pub offset: usize,
    /// `None` = all.
    pub limit: Option<usize>,
}

impl Page {
    /// How many rows have to be found at most.
    pub fn end(self) -> usize {
        self.limit.map_or(usize::MAX, |limit| self.offset.saturating_add(limit))
    }
}

pub fn read(text: &str, known: Known) -> Result<Options> {
    let values = document::read(text)?;
    for name in values.keys() {
        check_name(name, known)?;
    }
    let values = Values(values);
    let limit = values.number("limit")?.filter(|limit| *limit > 0);
    let size = |number: i64| usize::try_from(number).unwrap_or(0);
    Ok(Options {
        config_dir: config_dir(values.text("config_dir")?)?,
        directory: values.text("directory")?.map(PathBuf::from),
        include_worktrees: values.flag("include_worktrees")?.unwrap_or(true),
        include_programmatic: values.flag("include_programmatic")?.unwrap_or(true),
        include_archived: values.flag("include_archived")?.unwrap_or(true),
        include_system: values.flag("include_system")?.unwrap_or(false),
        from_end: values.flag("from_end")?.unwrap_or(false),
        force: values.flag("force")?.unwrap_or(false),
        title: values.text("title")?,
        up_to_message_id: values.text("up_to_message_id")?,
        include_subagents: values.flag("include_subagents")?.unwrap_or(true),
        batch_size: values.number("batch_size")?.map_or(BATCH_ENTRIES, size).max(1),
        page: Page { offset: size(values.number("offset")?.unwrap_or(0)), limit: limit.map(size) },
    })
}

fn check_name(name: &str, known: Known) -> Result<()> {
    if known.contains(&name) {
        return Ok(());
    }
    let near = nearest(name, known.iter().copied());
    let remedy = match near {
        Some(near) => format!("did you mean {near}?"),
        None => format!("this function takes {}", known.join(", ")),
    };
    Err(document::invalid(&document::child("", name), "there is no such option".to_owned(), &remedy))
}

struct Values(Map<String, Value>);

impl Values {
    fn get<T>(&self, name: &str, kind: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => {
                    let text = value.to_string();
                    let fault = format!("{} is not {kind}", quotable(&text));
                    Err(document::invalid(&document::child("", name), fault, &format!("give {kind}")))
                }
            },
        }
    }

    fn flag(&self, name: &str) -> Result<Option<bool>> {
        self.get(name, "true or false", Value::as_bool)
    }

    fn number(&self, name: &str) -> Result<Option<i64>> {
        self.get(name, "a whole number", Value::as_i64)
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        let usable = |text: &&str| !text.is_empty() && !text.contains('\0');
        self.get(name, "a text that is not empty", |value| value.as_str().filter(usable).map(str::to_owned))
    }
}

/// The CLI's own folder: the option, or else where the CLI itself would look.
fn config_dir(given: Option<String>) -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given
        .map(PathBuf::from)
        .or_else(|| variable("CLAUDE_CONFIG_DIR"))
        .or_else(|| Some(variable(HOME)?.join(".claude")))
        .ok_or_else(|| {
            document::invalid(
                "/config_dir",
                format!("neither CLAUDE_CONFIG_DIR nor {HOME} is set"),
                "name the folder that the CLI keeps its files in",
            )
        })
}

/// A session's id becomes part of a path: anything other than a UUID is refused first.
pub fn check_id<'a>(id: &'a str, argument: &str) -> Result<&'a str> {
    if is_uuid(id) {
        return Ok(id);
    }
    Err(Error::new(Status::InvalidArgument, format!("{argument} is no UUID: {}", quotable(id)))
        .with("argument", argument)
        .with("remedy", "pass the id as claude_sessions_list or a result message has it"))
}

pub fn is_uuid(id: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    let fits =
        |(at, byte): (usize, u8)| if dashes.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    id.len() == 36 && id.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_is_unknown_or_of_the_wrong_type_is_named() {
        for (text, words) in [
            (r#"{"limits": 3}"#, "limit"),
            (r#"{"limit": "3"}"#, "/limit"),
            (r#"{"config_dir": ""}"#, "/config_dir"),
            (r#"{"force": true}"#, "/force"),
            ("[]", "object"),
        ] {
            let error = read(text, LIST).err().unwrap();
            assert_eq!(error.status, Status::InvalidOption, "{text}");
            assert!(error.to_json().contains(words), "{}", error.to_json());
        }
    }

    #[test]
    fn a_limit_or_offset_that_is_not_positive_is_none() {
        for (text, offset, end) in [
            (r#"{"config_dir": "/x"}"#, 0, usize::MAX),
            (r#"{"config_dir": "/x", "limit": 0, "offset": -4}"#, 0, usize::MAX),
            (r#"{"config_dir": "/x", "limit": -1, "offset": 2}"#, 2, usize::MAX),
            (r#"{"config_dir": "/x", "limit": 3, "offset": 2}"#, 2, 5),
        ] {
            let page = read(text, LIST).unwrap().page;
            assert_eq!((page.offset, page.end()), (offset, end), "{text}");
        }
    }

    #[test]
    fn only_a_uuid_is_an_id() {
        assert!(is_uuid("0b0e8c1a-0000-4000-8000-00000000ABCD"));
        for id in ["", "../x", "0b0e8c1a-0000-4000-8000-00000000ABC/", "0b0e8c1a000040008000000000000000abcd"]
        {
            assert_eq!(check_id(id, "session_id").unwrap_err().status, Status::InvalidArgument, "{id}");
        }
    }
}
