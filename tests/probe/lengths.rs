//! Texts end with a NUL, and nothing of one is lost: what stands behind it is not read, what is inside comes out.

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::Mutex;

use crate::support::alone;
use crate::support::probe::stage::{fake_options, fake_session};
use crate::support::probe::{Kind, PATIENCE_MS, Status, check, owned, text_of};
use claude_client::capi::talk::*;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

unsafe extern "C" fn keep(kind: Kind, json: *const c_char, _: usize, results: *mut c_void) {
    if kind == Kind::CLAUDE_MESSAGE_RESULT {
        // SAFETY: the test keeps the list until the call has returned.
        unsafe { &*results.cast::<Mutex<Vec<String>>>() }.lock().unwrap().push(text_of(json));
    }
}

#[test]
fn a_runtime_configuration_of_any_later_header_is_taken_if_it_does_not_use_what_is_new() {
    // Elsewhere the library may be running already.
    if !alone(
        module_path!(),
        "a_runtime_configuration_of_any_later_header_is_taken_if_it_does_not_use_what_is_new",
    ) {
        return;
    }
    use claude_client::capi::runtime::claude_runtime_configure;
    use claude_client::capi::types::claude_runtime_config_t as Config;
    const WORD: usize = size_of::<usize>();
    const OURS: usize = size_of::<Config>() / WORD;
    let configure = |words: &[usize]| {
        // SAFETY: as many words as the first one says, or fewer than anything that is read.
        check(|error| unsafe { claude_runtime_configure(words.as_ptr().cast::<Config>(), error) })
    };
    let mut words = [0; OURS + 2];
    for size in [0, WORD, OURS * WORD - 1, usize::MAX] {
        words[0] = size;
        assert_eq!(configure(&words).unwrap_err().status, Status::CLAUDE_ERR_INVALID_ARGUMENT, "{size}");
    }
    words[0] = (OURS + 2) * WORD;
    configure(&words).unwrap();
    words[OURS + 1] = 1;
    let failure = configure(&words).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_UNSUPPORTED);
    assert!(failure.json["remedy"].as_str().is_some_and(|text| text.contains("newer")), "{failure:#?}");
}

#[test]
fn a_single_prompt_gives_its_result_with_and_without_a_callback() {
    let fake = FakeClaude::new(json!({}));
    let options = CString::new(fake_options(&fake, json!({})).to_string()).unwrap();
    let results = Mutex::new(Vec::<String>::new());
    let data = std::ptr::from_ref(&results).cast_mut().cast();
    let mut result = null_mut();
    // SAFETY: the texts end with a NUL, the outputs are variables.
    check(|error| unsafe {
        let (prompt, options) = (c"only".as_ptr(), options.as_ptr());
        claude_query_once(prompt, options, Some(keep), None, data, PATIENCE_MS, &mut result, error)
    })
    .unwrap();
    let result = owned(result);
    assert_eq!(*results.lock().unwrap(), [result.as_str()], "the CLI's own text");
    assert_eq!(serde_json::from_str::<Value>(&result).unwrap()["type"], "result");
    assert_eq!(fake.log().prompts()[0]["message"]["content"], "only");

    let mut result = null_mut();
    // SAFETY: as above.
    check(|error| unsafe {
        let (prompt, options) = (c"again".as_ptr(), options.as_ptr());
        claude_query_once(prompt, options, None, None, null_mut(), PATIENCE_MS, &mut result, error)
    })
    .unwrap();
    assert!(owned(result).contains("again"));
    // SAFETY: as above; the result is not wanted.
    let status = unsafe {
        let (prompt, options) = (c"once more".as_ptr(), options.as_ptr());
        claude_query_once(prompt, options, None, None, null_mut(), PATIENCE_MS, null_mut(), null_mut())
    };
    assert_eq!(status, Status::CLAUDE_OK);
}

#[test]
fn a_failed_turn_writes_no_result() {
    let fake = FakeClaude::new(
        json!({"on_user": [{"result": {"is_error": true, "subtype": "error_during_execution"}}]}),
    );
    let options = CString::new(fake_options(&fake, json!({})).to_string()).unwrap();
    let mut result = null_mut();
    // SAFETY: the texts end with a NUL, the outputs are variables.
    let failure = check(|error| unsafe {
        let (prompt, options) = (c"only".as_ptr(), options.as_ptr());
        claude_query_once(prompt, options, None, None, null_mut(), PATIENCE_MS, &mut result, error)
    });
    assert_eq!(failure.unwrap_err().status, Status::CLAUDE_ERR_RESULT);
    assert!(result.is_null(), "outputs are written on success only");
}

#[test]
fn the_uuid_of_a_prompt_is_told_to_who_wants_it() {
    let (fake, session) = fake_session(json!({}), json!({}));
    let (mut first, mut second) = (null_mut(), null_mut());
    let own = c"{\"type\":\"user\",\"uuid\":\"11111111-2222-4333-8444-555555555555\",\"message\":{\"role\":\"user\",\"content\":\"own\"}}";
    // SAFETY: the texts end with a NUL, the outputs are variables.
    unsafe {
        check(|error| claude_client_query(session.handle, c"a".as_ptr(), null(), &mut first, error)).unwrap();
        check(|error| {
            claude_client_query(session.handle, c"b".as_ptr(), c"label".as_ptr(), null_mut(), error)
        })
        .unwrap();
        check(|error| claude_client_send_json(session.handle, own.as_ptr(), &mut second, error)).unwrap();
        check(|error| claude_client_send_json(session.handle, own.as_ptr(), null_mut(), error)).unwrap();
    }
    let (first, second) = (owned(first), owned(second));
    session.receive_to(&first, PATIENCE_MS).unwrap();
    assert_eq!(second, "11111111-2222-4333-8444-555555555555");
    let log = fake.wait_for_log(crate::support::probe::PATIENCE, |log| log.prompts().len() == 4);
    assert_eq!(log.prompts()[0]["uuid"], first);
    assert_eq!(log.prompts()[1]["session_id"], "label");
}
