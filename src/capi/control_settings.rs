//! @addtogroup control
//!
//! Control of settings, plugins and the session.

use std::ffi::{c_char, c_void};

use serde_json::json;

use super::control::{ask, ask_wait, json_object};
use super::support::with_client;
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_status_t};
use crate::ffi::text::{self, STRLEN};

/// The settings in force and where they come from.
///
/// @param client The client, connected.
/// @param done Told of the CLI's reply, with `effective`, `sources` and `applied`; may be NULL. In PULL mode NULL: a
///   `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_settings(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| ask(client, json!({"subtype": "get_settings"}), done, user_data))
    }
}

/// As `claude_client_get_settings`, waiting for the reply.
///
/// @param client The client, connected.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, with `effective`, `sources` and `applied`; free it with `claude_string_free`.
///   May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_settings_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_wait(client, json!({"subtype": "get_settings"}), timeout_ms, reply_json)
        })
    }
}

/// Merges settings into those of the command line, all or none.
///
/// @param client The client, connected.
/// @param settings_json A JSON object; null takes a key back. Copied.
/// @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
///   instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_apply_flag_settings(
    client: *mut claude_client_t,
    settings_json: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let settings_json =
                json_object(text::required(settings_json, STRLEN, "settings_json")?, "settings_json")?;
            ask(client, json!({"subtype": "apply_flag_settings", "settings": settings_json}), done, user_data)
        })
    }
}

/// As `claude_client_apply_flag_settings`, waiting for the reply.
///
/// @param client The client, connected.
/// @param settings_json A JSON object; null takes a key back. Copied.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_apply_flag_settings_wait(
    client: *mut claude_client_t,
    settings_json: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let settings_json =
                json_object(text::required(settings_json, STRLEN, "settings_json")?, "settings_json")?;
            ask_wait(
                client,
                json!({"subtype": "apply_flag_settings", "settings": settings_json}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Writes settings to a settings file. The CLI takes only few keys.
///
/// @param client The client, connected.
/// @param source "localSettings" or "userSettings".
/// @param settings_json A JSON object. Copied.
/// @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
///   instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_update_settings(
    client: *mut claude_client_t,
    source: *const c_char,
    settings_json: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let source = text::required(source, STRLEN, "source")?;
            let settings_json =
                json_object(text::required(settings_json, STRLEN, "settings_json")?, "settings_json")?;
            ask(
                client,
                json!({"subtype": "update_settings", "source": source, "settings": settings_json}),
                done,
                user_data,
            )
        })
    }
}

/// As `claude_client_update_settings`, waiting for the reply.
///
/// @param client The client, connected.
/// @param source "localSettings" or "userSettings".
/// @param settings_json A JSON object. Copied.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_update_settings_wait(
    client: *mut claude_client_t,
    source: *const c_char,
    settings_json: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let source = text::required(source, STRLEN, "source")?;
            let settings_json =
                json_object(text::required(settings_json, STRLEN, "settings_json")?, "settings_json")?;
            ask_wait(
                client,
                json!({"subtype": "update_settings", "source": source, "settings": settings_json}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Loads the plugins again.
///
/// @param client The client, connected.
/// @param done Told of the CLI's reply, with `commands`, `agents`, `plugins`, `mcpServers` and `error_count`; may be
///   NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reload_plugins(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask(client, json!({"subtype": "reload_plugins"}), done, user_data)
        })
    }
}

/// As `claude_client_reload_plugins`, waiting for the reply.
///
/// @param client The client, connected.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, with `commands`, `agents`, `plugins`, `mcpServers` and `error_count`; free it
///   with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reload_plugins_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_wait(client, json!({"subtype": "reload_plugins"}), timeout_ms, reply_json)
        })
    }
}

/// Loads the skills again.
///
/// @param client The client, connected.
/// @param done Told of the CLI's reply, such as {"skills":[…]}; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE`
///   comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reload_skills(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| ask(client, json!({"subtype": "reload_skills"}), done, user_data))
    }
}

/// As `claude_client_reload_skills`, waiting for the reply.
///
/// @param client The client, connected.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"skills":[…]}; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reload_skills_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_wait(client, json!({"subtype": "reload_skills"}), timeout_ms, reply_json)
        })
    }
}

/// Loads the output styles again.
///
/// @param client The client, connected.
/// @param done Told of the CLI's reply, such as {"available_output_styles":[…]}; may be NULL. In PULL mode NULL: a
///   `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reload_output_styles(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask(client, json!({"subtype": "reload_output_styles"}), done, user_data)
        })
    }
}

/// As `claude_client_reload_output_styles`, waiting for the reply.
///
/// @param client The client, connected.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"available_output_styles":[…]}; free it with `claude_string_free`. May
///   be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reload_output_styles_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_wait(client, json!({"subtype": "reload_output_styles"}), timeout_ms, reply_json)
        })
    }
}

/// The models that can be chosen.
///
/// @param client The client, connected.
/// @param done Told of the CLI's reply, such as {"models":[…]}; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE`
///   comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_list_models(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| ask(client, json!({"subtype": "list_models"}), done, user_data))
    }
}

/// As `claude_client_list_models`, waiting for the reply.
///
/// @param client The client, connected.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"models":[…]}; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_list_models_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_wait(client, json!({"subtype": "list_models"}), timeout_ms, reply_json)
        })
    }
}

/// Gives the session a title.
///
/// @param client The client, connected.
/// @param title The title.
/// @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
///   instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_rename_session(
    client: *mut claude_client_t,
    title: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let title = text::required(title, STRLEN, "title")?;
            ask(client, json!({"subtype": "rename_session", "title": title}), done, user_data)
        })
    }
}

/// As `claude_client_rename_session`, waiting for the reply.
///
/// @param client The client, connected.
/// @param title The title.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_rename_session_wait(
    client: *mut claude_client_t,
    title: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let title = text::required(title, STRLEN, "title")?;
            ask_wait(client, json!({"subtype": "rename_session", "title": title}), timeout_ms, reply_json)
        })
    }
}
