//! One session as the host sees it.

use serde_json::{Map, Value, json};

use super::files;
use super::folders::Found;
use super::glance::{Glance, Pieces};
use super::live::Live;
use super::regions::{is_true, text};
use super::time;

/// The entry points of programs.
const PROGRAMS: &[&str] = &["sdk-cli", "sdk-ts", "sdk-py"];
const PROGRAM_KINDS: &[&str] = &["daemon", "daemon-worker"];

pub struct Info {
    pub glance: Glance,
    title: Option<String>,
    summary: String,
    archived: Option<bool>,
}

impl Info {
    /// `None` for a file that a user would not choose as a session: a subagent's, or one without any text.
    pub fn of(found: &Found, pieces: &mut Pieces) -> Option<Info> {
        let glance = Glance::of(&found.path, pieces).filter(|glance| !glance.is_sidechain)?;
        let title = title(found, &glance);
        let summary = [&title, &glance.last_prompt, &glance.last_summary, &glance.first_prompt];
        let summary = summary.into_iter().find_map(|text| text.as_deref()).or(glance.attached)?.to_owned();
        let archived = archived(found, &glance);
        Some(Info { glance, title, summary, archived })
    }

    /// What a copy's title is based on.
    pub fn name(&self) -> Option<&str> {
        self.title.as_deref().or(self.glance.first_prompt.as_deref())
    }

    pub fn is_archived(&self) -> bool {
        self.archived == Some(true)
    }

    pub fn is_programmatic(&self) -> bool {
        let is_in =
            |list: &[&str], text: &Option<String>| text.as_deref().is_some_and(|text| list.contains(&text));
        is_in(PROGRAMS, &self.glance.entrypoint) || is_in(PROGRAM_KINDS, &self.glance.kind)
    }

    pub fn to_json(&self, found: &Found, live: &[Live]) -> Value {
        let glance = &self.glance;
        let mut info = Map::new();
        let mut put = |name: &str, value: Value| drop(info.insert(name.to_owned(), value));
        put("session_id", found.id.clone().into());
        put("summary", self.summary.clone().into());
        put("last_modified", glance.modified_ms.into());
        put("file_size", glance.size.into());
        for (name, text) in [
            ("custom_title", &self.title),
            ("first_prompt", &glance.first_prompt),
            ("git_branch", &glance.branch),
            ("cwd", &glance.cwd),
            ("tag", &glance.tag),
        ] {
            put(name, text.clone().into());
        }
        put("created_at", glance.created_ms.into());
        put("archived", self.archived.into());
        put("entrypoint", glance.entrypoint.clone().into());
        put("continued_in", glance.continued_in.clone().into());
        let open = live.iter().find(|live| live.session_id.eq_ignore_ascii_case(&found.id));
        put("live", open.map(|live| json!({"pid": live.pid, "status": live.status})).into());
        put("path", found.path.display().to_string().into());
        info.retain(|_, value| !value.is_null());
        info.into()
    }
}

/// The user's title, or else the one that the CLI made.
fn title(found: &Found, glance: &Glance) -> Option<String> {
    let beside = || text(&files::document(&found.side().join("custom-title.json"))?, "customTitle");
    let given = match &glance.tail_title {
        Some(title) => Some(title.clone()),
        None => beside().or_else(|| glance.head_title.clone()),
    };
    given.filter(|title| !title.is_empty()).or_else(|| glance.ai_title.clone())
}

/// An archived session is restored as soon as something is typed into it.
fn archived(found: &Found, glance: &Glance) -> Option<bool> {
    let mark = files::document(&found.side().join("archived.json"))?;
    let at = text(&mark, "at").and_then(|at| time::parse(&at));
    let is_typed_into = at.zip(glance.typed_ms).is_some_and(|(at, typed)| typed > at);
    Some(is_true(&mark, "archived") && !is_typed_into)
}
