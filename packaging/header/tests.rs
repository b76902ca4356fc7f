//! The generator on an interface of a few lines.

use std::fs;

use super::*;

const PAGE: &str = "/** @file claude_client.h\n * CONTENTS\n *\n *     types       Types     talk        Prompts\n *\n * \
                    THE CONTRACT.\n */\n#ifndef CLAUDE_CLIENT_H\n#define CLAUDE_CLIENT_H\n@CHAPTERS@\n#endif\n";

const TYPES: &str = r#"//! @defgroup types Types
//! What others use.

/// Without a limit.
pub const CLAUDE_FOR_EVER: u32 = u32::MAX;

pub const CLAUDE_SIGNED: i32 = -1;

/// How. A mask.
#[repr(i32)]
pub enum claude_how_t {
    /// This way.
    CLAUDE_HOW_THIS = 1,
    /// That way, about which so much can be said that one line of at most a hundred and twenty columns is not enough.
    CLAUDE_HOW_THAT = 0x7FFF_FFFF,
}

/// A client. `claude_client_free`.
pub struct claude_client_t {
    _private: [u8; 0],
}

/// An error. `claude_error_free`.
pub struct claude_error_t {
    _private: [u8; 0],
}

/// The end.
pub type claude_done_fn = Option<unsafe extern "C" fn(how: claude_how_t, user_data: *mut c_void)>;

/// All of it.
#[repr(C)]
pub struct claude_info_t {
    /// sizeof(claude_info_t).
    pub size: usize,
    /// How.
    pub how: MaybeUninit<claude_how_t>,
    /// What; NULL = nothing.
    pub what: *const c_char,
}
"#;

const TALK: &str = r#"//! @defgroup talk Talking
//! Says it.

/// Says it to a `claude_client_t`.
///
/// @param text What; NULL = nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_say(
    client: *mut claude_client_t, text: *const c_char, how: MaybeUninit<claude_how_t>, done: claude_done_fn,
    user_data: *mut c_void, error: *mut *mut claude_error_t,
) -> claude_how_t {}

/// @copydoc claude_say
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_say_wait(
    client: *mut claude_client_t, text: *const c_char, how: MaybeUninit<claude_how_t>, timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_how_t {}
"#;

const MORE: &str = r#"//! @addtogroup talk
//!
//! The rest of it.

/// A descriptor for all.
/// @ingroup types
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_handle(info: *const claude_info_t) -> isize {}

/// Frees a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_free(client: *mut claude_client_t) {}

/// Frees an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_error_free(error: *mut claude_error_t) {}
"#;

/// The three files for sources in which one text is replaced.
fn made(old: &str, new: &str) -> Result<[String; 3]> {
    let project = tempfile::tempdir().unwrap();
    let root = project.path();
    for directory in ["src/capi", "packaging/header"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("cbindgen.toml");
    fs::copy(config, root.join("cbindgen.toml")).unwrap();
    let modules = "#![allow(x)]\npub mod more;\npub mod talk;\npub mod types;\nmod support;\n";
    let replaced = [TYPES, TALK, MORE, PAGE].iter().any(|text| text.contains(old));
    assert!(replaced, "{old} is in no file");
    for (path, text) in [
        ("src/capi/mod.rs", modules),
        ("src/capi/types.rs", TYPES),
        ("src/capi/talk.rs", TALK),
        ("src/capi/more.rs", MORE),
        ("src/capi/support.rs", "pub enum claude_inner {}\n"),
        (SKELETON, PAGE),
        (MACROS, "/** Text. */\n#define CLAUDE_TEXT(...) #__VA_ARGS__\n"),
    ] {
        fs::write(root.join(path), text.replace(old, new)).unwrap();
    }
    let files = make(root)?.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
    Ok(files.try_into().unwrap())
}

fn wrong(old: &str, new: &str, said: &str) {
    let Err(error) = made(old, new) else { panic!("nothing is wrong without {old}") };
    assert!(error.contains(said), "{said} is not in: {error}");
}

#[test]
fn sources_become_chapters_in_the_order_of_the_table_of_contents() {
    let [header, _, symbols] = made("All of it.", "All.").unwrap();
    let line = "/* ".to_owned() + &"=".repeat(114) + " */\n";
    let expected = format!(
        "{}{line}{}\n{line}{}",
        PAGE.split("@CHAPTERS").next().unwrap(),
        r#"/** @defgroup types Types
 * What others use.
 * @{ */

/** Text. */
#define CLAUDE_TEXT(...) #__VA_ARGS__

/** Without a limit. */
#define CLAUDE_FOR_EVER 0xFFFFFFFFu

#define CLAUDE_SIGNED -1

/** How. A mask. */
CLAUDE_ENUM(claude_how_t) {
    CLAUDE_HOW_THIS = 1,         /**< This way. */
    CLAUDE_HOW_THAT = 0x7FFFFFFF /**< That way, about which so much can be said that one line of at most a hundred
                                      and twenty columns is not enough. */
} CLAUDE_ENUM_END(claude_how_t);

typedef struct claude_client_t claude_client_t; /**< A client. claude_client_free. */
typedef struct claude_error_t claude_error_t;   /**< An error. claude_error_free. */

/** The end. */
typedef void (*claude_done_fn)(claude_how_t how, void *user_data);

/** All. */
typedef struct {
    size_t size;      /**< sizeof(claude_info_t). */
    claude_how_t how; /**< How. */
    const char *what; /**< What; NULL = nothing. */
} claude_info_t;

/** A descriptor for all. */
intptr_t claude_handle(const claude_info_t *info);

/** @} */
"#,
        r#"/** @defgroup talk Talking
 * Says it.
 * @{ */

/** Frees a client. */
void claude_client_free(claude_client_t *client);

/** Frees an error. */
void claude_error_free(claude_error_t *error);

/** Says it to a claude_client_t.
 *  @param text What; NULL = nothing. */
claude_how_t claude_say(claude_client_t *client, const char *text, claude_how_t how, claude_done_fn done,
                        void *user_data, claude_error_t **error);
/** @copydoc claude_say */
claude_how_t claude_say_wait(claude_client_t *client, const char *text, claude_how_t how, uint32_t timeout_ms,
                             claude_error_t **error);

/** @} */
#endif
"#
    );
    assert_eq!(header, expected, "made:\n{header}");
    assert_eq!(
        symbols,
        "claude_client_free\nclaude_error_free\nclaude_handle\nclaude_say\nclaude_say_wait\n"
    );
}

#[test]
fn the_description_has_roles_and_sizes() {
    let [_, api, _] = made("All of it.", "All.").unwrap();
    let api: serde_json::Value = serde_json::from_str(&api).unwrap();
    let twin = &api["functions"][4];
    assert_eq!(twin["twin_of"], "claude_say");
    assert_eq!(twin["doc"], "Says it to a claude_client_t.");
    assert_eq!(twin["blocking"], "timeout_ms");
    let text = &twin["parameters"][1];
    assert_eq!((&text["role"], &text["nullable"]), (&"text".into(), &true.into()));
    assert_eq!(twin["parameters"][2]["enum"], "claude_how_t");
    assert_eq!(twin["parameters"][3]["unit"], "ms");
    let info = &api["structs"][0];
    assert_eq!((&info["bytes"], &info["members"][2]["offset"]), (&24.into(), &16.into()));
    assert_eq!(api["constants"][0]["value"], 0xFFFF_FFFF_u32);
    assert_eq!(api["enums"][0]["mask"], true);
    assert_eq!(api["handles"][0]["free"], "claude_client_free");
}

#[test]
fn what_is_unclear_is_an_error_that_names_its_place() {
    wrong(
        "What; NULL = nothing.\n#[unsafe",
        "What, may be NULL.\n#[unsafe",
        "claude_say: text: say \"NULL = ...\"",
    );
    wrong("@param text", "@param txet", "claude_say: has a text for txet, which is no parameter");
    wrong(
        "A client. `claude_client_free`.",
        "A client.",
        "claude_client_t: its text names no function that frees it",
    );
    wrong("A client. `claude_client_free`.", "A client. `claude_client_end_free`.", "claude_client_end_free");
    wrong("/// This way.\n", "", "CLAUDE_HOW_THIS: has no text");
    wrong("/// How.\n    pub how", "pub how", "claude_info_t: how has no text");
    wrong("pub size: usize", "pub length: usize", "claude_info_t: a struct begins with `size`");
    wrong("/// Frees a client.\n", "", "claude_client_free: has no text");
    wrong(
        "text: *const c_char",
        "text: *const u16",
        "claude_say: text: the type const uint16_t* has no role",
    );
    wrong(
        "@copydoc claude_say\n",
        "@copydoc claude_yell\n",
        "claude_say_wait: @copydoc of a function that does not exist",
    );
}

#[test]
fn what_cbindgen_leaves_out_is_an_error() {
    wrong(
        "CLAUDE_SIGNED: i32 = -1",
        "CLAUDE_SIGNED: usize = usize::MAX",
        "cbindgen makes nothing of CLAUDE_SIGNED",
    );
}

#[test]
fn an_export_without_a_chapter_is_an_error_that_says_how_to_mark_it() {
    wrong(
        "//! @addtogroup talk\n",
        "//! Text.\n",
        "src/capi/more.rs: claude_handle is in no chapter; begin with",
    );
    wrong("@ingroup types", "@ingroup typse", "claude_handle: there is no chapter typse");
    wrong("//! @defgroup talk", "//! @defgroup chat", "begins with `//! @defgroup talk Title`");
    wrong("talk        Prompts", "", "the table of contents does not have the chapter talk");
}
