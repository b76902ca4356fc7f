//! The key under which a store keeps the lines of a file: the project, the session, and for what belongs to it
//! the path next to it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Status, quotable};
use crate::sessions::options::is_uuid;

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub project_key: String,
    pub session_id: String,
    /// Such as `subagents/agent-1`: joined by `/` on every system, without the ending.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subpath: Option<String>,
}

impl Key {
    pub fn of_session(project_key: &str, session_id: &str) -> Key {
        Key { project_key: project_key.to_owned(), session_id: session_id.to_owned(), subpath: None }
    }

    pub fn with_subpath(&self, subpath: &str) -> Key {
        Key { subpath: Some(subpath.to_owned()), ..self.clone() }
    }

    /// The key of a file of the CLI. `None` if it is neither a conversation nor one of a subagent.
    pub fn of_path(path: &str) -> Option<Key> {
        let path = path.replace('\\', "/");
        // The CLI's project names have no slash, so the last match is the folder of projects.
        let below = path.strip_suffix(".jsonl")?.rsplit_once("/projects/")?.1;
        let parts: Vec<&str> = below.split('/').collect();
        match parts.as_slice() {
            [project, session] => Some(Key::of_session(project, session)),
            [project, session, rest @ ..] if rest.len() >= 2 => {
                Some(Key::of_session(project, session).with_subpath(&rest.join("/")))
            }
            _ => None,
        }
    }

    pub fn parse(json: &str) -> Result<Key> {
        serde_json::from_str(json).map_err(|cause| {
            Error::new(Status::InvalidArgument, format!("key_json is no key of a session store: {cause}"))
                .with("argument", "key_json")
                .with("remedy", "pass {\"project_key\": ..., \"session_id\": ...} as the store was given it")
        })
    }

    pub fn to_json(&self) -> String {
        let mut key = serde_json::Map::new();
        key.insert("project_key".to_owned(), self.project_key.clone().into());
        key.insert("session_id".to_owned(), self.session_id.clone().into());
        if let Some(subpath) = &self.subpath {
            key.insert("subpath".to_owned(), subpath.clone().into());
        }
        serde_json::Value::Object(key).to_string()
    }
}

/// What a store names becomes a path here: it must not lead out of the session's folder.
pub fn check_subpath(subpath: &str) -> Result<()> {
    let is_plain =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.ends_with(['.', ' ']);
    let is_safe = !subpath.contains(['\\', '\0', ':']) && subpath.split('/').all(is_plain);
    if is_safe {
        return Ok(());
    }
    Err(Error::new(
        Status::InvalidArgument,
        format!("the session store names a path that leads out of the session: {}", quotable(subpath)),
    )
    .with("phase", "session_store")
    .with("function", "list_subkeys")
    .with("remedy", "list_subkeys gives the subpath of each key as append was given it"))
}

/// As [`check_subpath`], for a session's id.
pub fn check_session_id(id: &str) -> Result<()> {
    if is_uuid(id) {
        return Ok(());
    }
    Err(Error::new(
        Status::InvalidArgument,
        format!("the session store names a session whose id is no UUID: {}", quotable(id)),
    )
    .with("phase", "session_store")
    .with("function", "list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_cli_has_a_key() {
        let key = |path| Key::of_path(path).map(|key| key.to_json());
        assert_eq!(
            key("/home/me/projects/x/.claude/projects/-work/0b0e.jsonl").as_deref(),
            Some(r#"{"project_key":"-work","session_id":"0b0e"}"#)
        );
        assert_eq!(
            key(r"C:\u\.claude\projects\-work\0b0e\subagents\run\agent-1.jsonl").as_deref(),
            Some(r#"{"project_key":"-work","session_id":"0b0e","subpath":"subagents/run/agent-1"}"#)
        );
        for path in ["/a/projects/k.jsonl", "/a/projects/k/s/x.jsonl", "/a/k/s.jsonl", "/a/projects/k/s.json"]
        {
            assert_eq!(key(path), None, "{path}");
        }
    }

    #[test]
    fn a_subpath_stays_inside() {
        assert!(check_subpath("subagents/workflows/run/agent-1").is_ok());
        for path in
            ["", "/x", "a//b", "../x", "a/../b", "a/.", "c:/x", r"\\host\x", r"a\b", "a\0b", "a/b/", "x. "]
        {
            assert_eq!(check_subpath(path).unwrap_err().status, Status::InvalidArgument, "{path:?}");
        }
    }
}
