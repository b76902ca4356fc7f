//! The twins with a length: the text ends where the length says, whatever stands behind it.

mod probe_support;

use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use std::sync::Mutex;

use claude_client::capi::client::claude_client_connect_wait_n;
use claude_client::capi::control::claude_client_control_wait_n;
use claude_client::capi::mcp::{claude_mcp_server_create_n, claude_mcp_server_free};
use claude_client::capi::probe::claude_probe_n;
use claude_client::capi::talk::*;
use claude_testkit::fake::FakeClaude;
use probe_support::stage::fake_options;
use probe_support::{Kind, PATIENCE_MS, Session, Status, check, owned, text_of};
use serde_json::json;

/// A text with more behind it than its length.
fn cut(text: &str) -> (String, usize) {
    (format!("{text}\u{7f}and what is not meant"), text.len())
}

fn start(text: &str) -> *const c_char {
    text.as_ptr().cast()
}

#[test]
fn a_text_ends_where_its_length_says() {
    let fake = FakeClaude::new(json!({}));
    let session = Session::created(&fake_options(&fake, json!({})));
    let (first, first_len) = cut("first");
    // SAFETY: each text is longer than its length, the outputs are variables.
    check(|error| unsafe {
        claude_client_connect_wait_n(session.handle, start(&first), first_len, PATIENCE_MS, error)
    })
    .unwrap();
    session.receive().unwrap();

    let (second, second_len) = cut("second");
    let (label, label_len) = cut("label");
    let mut uuid = null_mut();
    // SAFETY: each text is longer than its length, the outputs are variables.
    check(|error| unsafe {
        let (prompt, label) = (start(&second), start(&label));
        claude_client_query_id_n(session.handle, prompt, second_len, label, label_len, &mut uuid, error)
    })
    .unwrap();
    session.receive_to(&owned(uuid), PATIENCE_MS).unwrap();

    let (message, message_len) = cut(r#"{"type":"user","message":{"role":"user","content":"third"}}"#);
    let mut uuid = null_mut();
    // SAFETY: each text is longer than its length, the outputs are variables.
    check(|error| unsafe {
        claude_client_send_json_id_n(session.handle, start(&message), message_len, &mut uuid, error)
    })
    .unwrap();
    session.receive_to(&owned(uuid), PATIENCE_MS).unwrap();

    let (request, request_len) = cut(r#"{"subtype":"mcp_status"}"#);
    // SAFETY: each text is longer than its length, the outputs are variables.
    let reply = session.reply_of(|time, reply, error| unsafe {
        claude_client_control_wait_n(session.handle, start(&request), request_len, time, reply, error)
    });
    assert!(reply.unwrap()["mcpServers"].is_array());
    let log = fake.log();
    let prompts = log.prompts();
    assert_eq!(prompts.len(), 3, "{prompts:?}");
    for (prompt, text) in prompts.iter().zip(["first", "second", "third"]) {
        assert_eq!(prompt["message"]["content"], text);
    }
    assert_eq!(prompts[1]["session_id"], "label");
}

unsafe extern "C" fn keep(kind: Kind, json: *const c_char, _: usize, results: *mut c_void) {
    if kind == Kind::CLAUDE_MESSAGE_RESULT {
        // SAFETY: the test keeps the list until the call has returned.
        unsafe { &*results.cast::<Mutex<Vec<String>>>() }.lock().unwrap().push(text_of(json));
    }
}

#[test]
fn so_does_a_single_prompt() {
    let fake = FakeClaude::new(json!({}));
    let (prompt, prompt_len) = cut("only");
    let (options, options_len) = cut(&fake_options(&fake, json!({})).to_string());
    let results = Mutex::new(Vec::<String>::new());
    let data = std::ptr::from_ref(&results).cast_mut().cast();
    // SAFETY: each text is longer than its length, the outputs are variables.
    let status = unsafe {
        claude_query_once_n(
            start(&prompt),
            prompt_len,
            start(&options),
            options_len,
            Some(keep),
            None,
            data,
            PATIENCE_MS,
            null_mut(),
        )
    };
    assert_eq!(status, Status::CLAUDE_OK);
    assert_eq!(results.lock().unwrap().len(), 1);
    assert_eq!(fake.log().prompts()[0]["message"]["content"], "only");
}

#[test]
fn so_do_the_options_of_a_probe_and_of_a_server() {
    let fake = FakeClaude::new(json!({}));
    let (options, options_len) = cut(&fake_options(&fake, json!({})).to_string());
    let mut report = null_mut();
    // SAFETY: each text is longer than its length, the outputs are variables.
    check(|error| unsafe { claude_probe_n(start(&options), options_len, PATIENCE_MS, &mut report, error) })
        .unwrap();
    assert!(owned(report).contains(&*fake.path().to_string_lossy()));

    let ((name, name_len), (options, options_len)) = (cut("games"), cut(r#"{"version":"2"}"#));
    let mut server = null_mut();
    // SAFETY: as above.
    check(|error| unsafe {
        claude_mcp_server_create_n(start(&name), name_len, start(&options), options_len, &mut server, error)
    })
    .unwrap();
    // SAFETY: any handle may be freed.
    unsafe { claude_mcp_server_free(server) };
    // SAFETY: as above.
    let refused = check(|error| unsafe {
        claude_mcp_server_create_n(start(&name), name.len(), start(&options), options_len, &mut server, error)
    });
    assert_eq!(refused.unwrap_err().status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
}
