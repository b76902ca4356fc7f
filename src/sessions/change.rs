//! Changes to sessions: title, tag, archive, deletion.

use serde_json::json;

use super::files;
use super::folders::{self, Found};
use super::live;
use super::options::{self, Options, check_id};
use super::{tag as tags, time};
use crate::error::{Error, Result, Status};

/// Gives a session a title.
pub fn rename(id: &str, title: &str, options: &str) -> Result<()> {
    check_id(id, "session_id")?;
    let title = title.trim();
    if title.is_empty() {
        return Err(empty("title", "pass a title; to go back to the CLI's own there is no way"));
    }
    let options = options::read(options, options::FIND)?;
    let line = json!({"type": "custom-title", "customTitle": title, "sessionId": id});
    let session = append(id, &line.to_string(), &options)?;
    // The CLI writes it when a live session is renamed. Left as it is, it would take effect again later.
    let beside = session.side().join("custom-title.json");
    if files::document(&beside).is_some() {
        let title = json!({"customTitle": title}).to_string();
        files::replace(&beside, &title).map_err(|cause| folders::failed("write", &beside, &cause))?;
    }
    Ok(())
}

/// Sets or removes a session's tag.
pub fn tag(id: &str, tag: Option<&str>, options: &str) -> Result<()> {
    check_id(id, "session_id")?;
    let tidy = tag.map(tags::tidy);
    if tidy.as_deref() == Some("") {
        return Err(empty("tag", "pass NULL to take the tag away"));
    }
    let options = options::read(options, options::FIND)?;
    let line = json!({"type": "tag", "tag": tidy.unwrap_or_default(), "sessionId": id});
    append(id, &line.to_string(), &options).map(drop)
}

fn empty(argument: &str, remedy: &str) -> Error {
    Error::new(Status::InvalidArgument, format!("{argument} has nothing that can be seen"))
        .with("argument", argument)
        .with("remedy", remedy)
}

/// Appends to the newest file that still exists.
fn append(id: &str, line: &str, options: &Options) -> Result<Found> {
    for session in folders::find_all(id, options)? {
        let appended = files::append_line(&session.path, line);
        if appended.map_err(|cause| folders::failed("write", &session.path, &cause))? {
            return Ok(session);
        }
    }
    Err(folders::not_found(id, options))
}

/// Archives a session, or restores it.
pub fn archive(id: &str, archived: bool, options: &str) -> Result<()> {
    check_id(id, "session_id")?;
    let options = options::read(options, options::FIND)?;
    let mark = json!({"archived": archived, "at": time::format(time::now_ms()), "by": "sdk"}).to_string();
    for session in folders::find_all(id, &options)? {
        let side = session.side();
        let path = side.join("archived.json");
        files::create_folder(&side)
            .and_then(|()| files::replace(&path, &mark))
            .map_err(|cause| folders::failed("write", &path, &cause))?;
    }
    Ok(())
}

/// Deletes a session and everything that belongs to it. `is_open` says whether a client of this process has it open.
pub fn delete(id: &str, options: &str, is_open: impl Fn(&str) -> bool) -> Result<()> {
    check_id(id, "session_id")?;
    let options = options::read(options, options::DELETE)?;
    let sessions = folders::find_all(id, &options)?;
    if !options.force {
        check_idle(id, &options, is_open)?;
    }
    for session in sessions {
        std::fs::remove_file(&session.path)
            .map_err(|cause| folders::failed("remove", &session.path, &cause))?;
        let side = session.side();
        if files::is_folder(&side) {
            std::fs::remove_dir_all(&side).map_err(|cause| folders::failed("remove", &side, &cause))?;
        }
    }
    Ok(())
}

/// The CLI does not notice that its file is gone: it would create it anew, without what was said before.
fn check_idle(id: &str, options: &Options, is_open: impl Fn(&str) -> bool) -> Result<()> {
    let live =
        live::all(&options.config_dir).into_iter().find(|live| live.session_id.eq_ignore_ascii_case(id));
    if live.is_none() && !is_open(id) {
        return Ok(());
    }
    Err(Error::new(
        Status::SessionInUse,
        format!("session {id} is open: what it writes next would make its file anew"),
    )
    .with("session_id", id)
    .with_opt("pid", live.map(|live| live.pid))
    .with("remedy", "end it first, or set the option force"))
}
