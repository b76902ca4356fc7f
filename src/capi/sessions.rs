//! @defgroup sessions Sessions on the disk
//! The files that the CLI has written, one for each conversation. No client is needed, and no CLI is started; each call reads or
//! writes files on the calling thread before it returns, so a UI should call them from another thread. `options_json` names
//! `config_dir`, the CLI's own folder (else CLAUDE_CONFIG_DIR, else ~/.claude), and `directory`, which selects its sessions and
//! those of its git worktrees unless `include_worktrees` is false (else all sessions). CLAUDE_ERR_SESSION_NOT_FOUND: no such
//! session. CLAUDE_ERR_FILE: the system refused. Ids are UUIDs. See docs/sessions.md.

use std::ffi::{c_char, c_void};

use super::support::{call, parts, registered};
use super::types::{claude_error_t, claude_message_fn, claude_message_kind_t, claude_status_t};
use crate::error::{Error, Result, Status};
use crate::ffi::callback::Unwinding;
use crate::ffi::param::{optional_text, out, required_out, required_text};
use crate::place::Scope;
use crate::session::shared;
use crate::sessions::{self, Item, Kind};

/// Lists sessions, newest first, as an array of what claude_session_info gives. Only as many files are opened as rows are
/// requested.
/// @param options_json Also `limit`, `offset`, `include_archived`, `include_programmatic` (both true); NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_sessions_list(
    options_json: *const c_char,
    sessions_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let options = optional_text!(options_json)?.unwrap_or("");
        required_out!(sessions_json)?.give(sessions::list(options)?);
        Ok(())
    })
}

/// Describes a session: `session_id`, `summary`, `last_modified` and `created_at` (milliseconds), `file_size`, `custom_title`,
/// `first_prompt`, `git_branch`, `cwd`, `tag`, `archived`, `entrypoint`, `continued_in`, `live` (`pid`, `status` of the CLI that
/// has it open), `path`. What is not known is left out. A subagent's file, or one without a word in it, is not a session.
/// @param options_json NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_info(
    session_id: *const c_char,
    options_json: *const c_char,
    info_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let id = required_text!(session_id)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        required_out!(info_json)?.give(sessions::info(id, options)?);
        Ok(())
    })
}

/// Reads a conversation, oldest message first. `on_message` runs on the calling thread, once for each message, before this returns:
/// `type`, `uuid`, `session_id`, `message`, `parent_tool_use_id`, `parent_agent_id`, `timestamp`, and more where the CLI has
/// recorded more. A session of any size is read in little memory.
/// @param options_json Also `limit`, `offset`, `from_end` (count both from the last message), `include_system`; NULL = none.
/// @param on_message Gets the messages: CLAUDE_MESSAGE_USER, _ASSISTANT, and _SYSTEM where that was asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_messages(
    session_id: *const c_char,
    options_json: *const c_char,
    on_message: claude_message_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let id = required_text!(session_id)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        let mut deliver = delivery(on_message, user_data)?;
        sessions::messages(id, options, |item| deliver(item))
    })
}

/// Lists the subagents of a session: `agent_id`, `agent_type`, `description`, `tool_use_id`, `parent_agent_id`, `finished`, `path`;
/// null for what the CLI has not recorded.
/// @param options_json NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_subagents(
    session_id: *const c_char,
    options_json: *const c_char,
    subagents_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let id = required_text!(session_id)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        required_out!(subagents_json)?.give(sessions::subagents(id, options)?);
        Ok(())
    })
}

/// Reads the conversation of a subagent, as claude_session_messages does.
/// @param agent_id As claude_session_subagents gives it.
/// @param options_json As for claude_session_messages; NULL = none.
/// @param on_message Gets the messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_subagent_messages(
    session_id: *const c_char,
    agent_id: *const c_char,
    options_json: *const c_char,
    on_message: claude_message_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let id = required_text!(session_id)?;
        let agent = required_text!(agent_id)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        let mut deliver = delivery(on_message, user_data)?;
        sessions::subagent_messages(id, agent, options, |item| deliver(item))
    })
}

/// Gives a session a title, even while it is live.
/// @param options_json NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_rename(
    session_id: *const c_char,
    title: *const c_char,
    options_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let id = required_text!(session_id)?;
        let title = required_text!(title)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        sessions::rename(id, title, options)
    })
}

/// Gives a session a tag, which is normalised (NFKC) and stripped of invisible characters.
/// @param tag NULL = remove the tag.
/// @param options_json NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_tag(
    session_id: *const c_char,
    tag: *const c_char,
    options_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let id = required_text!(session_id)?;
        let tag = optional_text!(tag)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        sessions::tag(id, tag, options)
    })
}

/// Archives a session, or takes it out of the archive. Something typed into it takes it out as well.
/// @param options_json NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_archive(
    session_id: *const c_char,
    archived: bool,
    options_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let id = required_text!(session_id)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        sessions::archive(id, archived, options)
    })
}

/// Removes a session from the disk with everything that belongs to it. CLAUDE_ERR_SESSION_IN_USE while a CLI or a client of this
/// process has it open: its next write would recreate the file, without what was said before.
/// @param options_json Also `force`; NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_delete(
    session_id: *const c_char,
    options_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let id = required_text!(session_id)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        sessions::delete(id, options, shared::is_open)
    })
}

/// Copies a session under a new id, which the option `resume` accepts. CLAUDE_ERR_NOT_FOUND: it has no such message.
/// @param options_json Also `up_to_message_id` (the last message that is copied), `title`; NULL = none.
/// @param fork_json Receives `{"session_id": ...}` of the copy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_fork(
    session_id: *const c_char,
    options_json: *const c_char,
    fork_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let id = required_text!(session_id)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        required_out!(fork_json)?.give(sessions::fork(id, options)?);
        Ok(())
    })
}

/// Names the folder below `projects/` in which the CLI keeps the sessions of a working folder.
/// @param directory It need not exist.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_project_key(
    directory: *const c_char,
    key: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let directory = required_text!(directory)?;
        required_out!(key)?.give(sessions::project_key(directory)?);
        Ok(())
    })
}

/// The host's callback as a closure that returns whether more may follow.
fn delivery(on_message: claude_message_fn, user_data: *mut c_void) -> Result<impl FnMut(&Item) -> bool> {
    let callback = registered(on_message, user_data, None, Scope::NOBODY, |function, user_data| {
        move |item: &Item| {
            let text = format!("{}\0", item.json);
            let (json, len) = parts(text.as_bytes());
            let kind = kind(item.kind);
            // SAFETY: the host gave the function for this pointer; the text outlives the call.
            let called = user_data.call("the callback on_message", |pointer| unsafe {
                function.unwinding()(kind, json, len, pointer)
            });
            called.is_some()
        }
    });
    callback.ok_or_else(|| {
        Error::new(Status::InvalidArgument, "on_message is NULL")
            .with("argument", "on_message")
            .with("remedy", "pass the function that is to get the messages")
    })
}

fn kind(kind: Kind) -> claude_message_kind_t {
    match kind {
        Kind::User => claude_message_kind_t::CLAUDE_MESSAGE_USER,
        Kind::Assistant => claude_message_kind_t::CLAUDE_MESSAGE_ASSISTANT,
        Kind::System => claude_message_kind_t::CLAUDE_MESSAGE_SYSTEM,
        Kind::Attachment | Kind::Progress => claude_message_kind_t::CLAUDE_MESSAGE_OTHER,
    }
}
